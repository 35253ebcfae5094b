"""The updates on square roots: with a triangular root of each covariance in its place.

The root of a variance of 1e-24 is 1e-12, so that twice as many digits survive. What is known and what
is new stand side by side in one matrix; rotated until it is triangular, it holds the root of their sum.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
P. Kaminski, A. Bryson and S. Schmidt (1971); G. Bierman (1977). The equations are those of `updates`.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.inference._matrices import covariance_root, sizes, solve_lower, triangular
from pedagogy_lib.inference.kalman.results import Corrected
from pedagogy_lib.inference.kalman.updates import log_density

#: In the smoother a deviation below this counts as zero: its square would come close to the smallest
#: numbers that a float can hold, and these have fewer digits than others.
NOTHING = 1e-120


class Rooted(NamedTuple):
    """A Gaussian N(mean, L L') that carries the root L of its covariance.

    mean : ndarray, shape (K,) or (B, K)
    root : ndarray, shape (K, K), lower triangular
    """

    mean: np.ndarray
    root: np.ndarray


def invert_roots(root, matrix, noise_root, least=0.0):
    """Eq. 2.27 on roots, as one triangularization.

    With covariance L L' of x, and y = C x + noise of covariance N N'::

        [ C L  N ]              [ S^1/2       0     ]
        [  L   0 ]  is rotated  [ K S^1/2  L_{x|y} ]

    Multiply either side by its transpose: the blocks are the covariances of (y, x), jointly.
    Nothing is ever subtracted. ``least`` is the smallest size that a row for y is taken to have: what
    is only rounding of that size becomes zero.

    Returns
    -------
    marginal_root, gain_root, posterior_root : ndarray
        S^1/2, K S^1/2 and L_{x|y}.
    """
    L, nothing = len(matrix), np.zeros((len(root), noise_root.shape[1]))
    joint = np.block([[matrix @ root, noise_root], [root, nothing]])
    scale = np.maximum(np.abs(matrix) @ sizes(root) + sizes(noise_root), least)
    scale = np.concatenate([scale, sizes(root)])
    joint = triangular(joint, scale)
    return joint[:L, :L], joint[L:, :L], joint[L:, L:]


def sum_root(matrix, root, noise_root):
    """Eq. 2.26 on roots: the root of C L L' C' + N N'."""
    scale = np.abs(matrix) @ sizes(root) + sizes(noise_root)
    return triangular(np.hstack([matrix @ root, noise_root]), scale)


def time_update_sqrt(belief, transition, push=0.0):
    """`time_update` on roots; ``transition`` carries a root of Q in place of Q. Eq. 2.48."""
    x, root = belief
    A, a, noise_root = transition
    return Rooted(
        x @ A.T + push + a,                             # x_{t|t-1} = A x_{t-1|t-1} + B u_{t-1} + a
        sum_root(A, root, noise_root),                  # Y_{t|t-1} = A Y_{t-1|t-1} A' + Q
    )


def measurement_update_sqrt(belief, emission, y):
    """`measurement_update` on roots; ``emission`` carries a root of R in place of R. Eq. 2.47."""
    x, root = belief
    C, c, noise_root = emission
    S_root, gain_root, posterior_root = invert_roots(root, C, noise_root)
    if not (np.diag(S_root) > 0).all():
        raise np.linalg.LinAlgError("the covariance of y is not positive definite")
    innovation = y - (x @ C.T + c)
    whitened = solve_lower(S_root, innovation.T).T
    belief = Rooted(x + whitened @ gain_root.T, posterior_root)     # K e = (K S^1/2) (S^-1/2 e)
    return Corrected(belief, log_density(innovation, S_root), S_root)


def backward_step_sqrt(smoothed, filtered, predicted, transition):
    """`future_conditioning` and `backward_step` on roots. Eqs. 2.53 and 2.54.

    Returns
    -------
    Rooted
        x_{t-1|T} and the root of Y_{t-1|T}.
    gain : ndarray, shape (K, K)
        J_{t-1}.
    """
    A, _, noise_root = transition
    predicted_root, gain_root, past_root = invert_roots(filtered.root, A, noise_root, NOTHING)
    # J = G P^-1 with G = J P and P = Y_{t|t-1}^1/2: G P^-1 (anything) needs no inverse of P.
    gain = gain_root @ solve_lower(predicted_root, np.eye(len(A)))
    spread = gain_root @ solve_lower(predicted_root, smoothed.root)     # J Y_{t|T}^1/2
    both = np.hstack([spread, past_root])
    whitened = solve_lower(predicted_root, (smoothed.mean - predicted.mean).T)
    belief = Rooted(
        filtered.mean + (gain_root @ whitened).T,       # x_{t-1|t-1} + J (x_{t|T} - x_{t|t-1})
        triangular(both, sizes(both)),                  # J Y_{t|T} J' + Y_{t-1|t,T}
    )
    return belief, gain


def observed(emission, seen):
    """The emission of those entries of y that were seen: of the root of R, their rows."""
    C, c, noise_root = emission
    return type(emission)(C[seen], c[seen], noise_root[seen])


def with_roots(problem):
    """The same problem with roots in the place of covariances."""
    mean, covariance = problem.initial
    start = covariance_root(covariance)
    transition, emission = problem.transition, problem.emission
    return problem._replace(
        initial=Rooted(mean, triangular(start, sizes(start))),
        transition=transition._replace(covariance=covariance_root(transition.covariance)),
        emission=emission._replace(covariance=covariance_root(emission.covariance)),
    )
