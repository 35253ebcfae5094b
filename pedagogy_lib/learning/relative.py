"""The geometry of unmixing: steps that multiply a matrix instead of adding to it.

For the loss L(D) = <sum_k E_k(X_k)> - log |det D| of x = D y, a step D <- (I + S) D changes x to
(I + S) x, whatever D is. To second order in S,

    L  +  sum_ij G_ij S_ij  +  1/2 sum_ij (h_ij S_ij^2 + S_ij S_ji)
    G = <E'(X) X^T> - I         h_ij = <E_i''(X_i) X_j^2>

if the outputs are independent: then the Hessian falls apart into blocks of two, one for each pair
(i, j) and (j, i), and one number h_ii for each i, with the 1 of S_ii^2 beside it. Both depend on the
outputs alone and not on D, so that the descent is the same however the sources were mixed
(it is *equivariant*).

Building blocks, which trust their arguments because their callers have checked them: `gradient`,
`newton_direction`, `best_scales` and `nearest_rotation`.

References
----------
Section 5.2.1 (Eq. 5.28, times D^T from the right). J.-F. Cardoso and B. Laheld (1996), "Equivariant
adaptive source separation".
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import polar

from pedagogy_lib import checks

#: The Hessian's eigenvalues are raised to this, so that a step goes downhill.
FLATTEST = 1e-2


class Margins(NamedTuple):
    """How firmly the data hold each output in its place, under a source density.

    values : ndarray, shape (K,), <E''(X)> <X^2> / <E'(X) X> - 1
    errors : ndarray, shape (K,), their standard errors

    Notes
    -----
    For Gaussian X the value is zero whatever E is (Stein's lemma). Outputs i and j cannot be turned
    into each other where (1 + values[i]) (1 + values[j]) > 1, that is, where the block of the Hessian
    is positive definite. So a value that is not distinguishable from zero means an output that may as
    well be Gaussian, and one below zero a density of the wrong kind: sub-Gaussian for super-Gaussian
    or the reverse.
    """

    values: np.ndarray
    errors: np.ndarray


def gradient(slopes, x):
    """The relative gradient, G = <E'(X) X^T> - I, in which row i belongs to output i.

    Parameters
    ----------
    slopes : ndarray, shape (N, K), E'(x)
    x : ndarray, shape (N, K)

    Returns
    -------
    ndarray, shape (K, K)
    """
    return slopes.T @ x / len(x) - np.eye(x.shape[1])


def newton_direction(G, curvatures, slopes, x):
    """Newton's step for the Hessian that independent outputs would have, made positive definite.

    Parameters
    ----------
    G : ndarray, shape (K, K), from `gradient`
    curvatures : ndarray, shape (N, K), E''(x)
    slopes : ndarray, shape (N, K), E'(x)
    x : ndarray, shape (N, K)

    Returns
    -------
    ndarray, shape (K, K)
        S, for D <- (I + S) D.
    """
    # <E_i''(X_i) X_j^2>: of independent outputs the average of a product is the product of averages
    h = np.outer(curvatures.mean(0), (x**2).mean(0))
    # The smaller eigenvalue of [[h_ij, 1], [1, h_ji]]; what is missing is added to the diagonal.
    smallest = (h + h.T - np.sqrt((h - h.T) ** 2 + 4)) / 2
    h = h + np.maximum(FLATTEST - smallest, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = -(h.T * G - G.T) / (h * h.T - 1)              # each block of two, inverted
    alone = (curvatures * x**2).mean(0) + 1                  # h_ii, and the 1 of S_ii^2
    np.fill_diagonal(step, -np.diag(G) / np.maximum(alone, FLATTEST))
    return step


def best_scales(x, source):
    """Find the scale of each output at which a density suits it best: where <E'(s X) s X> = 1.

    Parameters
    ----------
    x : ndarray, shape (N, K)
    source : source density

    Returns
    -------
    ndarray, shape (K,)
        Above zero.
    """
    logs = -0.5 * np.log((x**2).mean(0))
    for _ in range(100):
        v = x * np.exp(logs)
        slopes = source.derivative(v) * v                   # of <E(s X)> - log s, by log s
        surplus = slopes.mean(0) - 1
        step = surplus / np.maximum((source.curvature(v) * v**2 + slopes).mean(0), FLATTEST)
        logs -= np.clip(step, -1, 1)
        if np.abs(surplus).max() < 1e-10:
            break
    return np.exp(logs)


def nearest_rotation(W):
    """The orthogonal matrix that is nearest to W: (W W^T)^(-1/2) W.

    Parameters
    ----------
    W : ndarray, shape (K, K)

    Returns
    -------
    ndarray, shape (K, K)
    """
    return polar(W)[0]


def margins(x, source):
    """Measure how firmly the data hold each output in its place.

    Parameters
    ----------
    x : array_like, shape (N, K)
        Outputs: after learning, with a mean of zero.
    source : source density
        With a derivative and a curvature.

    Returns
    -------
    Margins

    References
    ----------
    J.-F. Cardoso (1998), "Blind signal separation: statistical principles", on stability.
    """
    checks.model("source", source, "derivative", "curvature")
    x = checks.array("x", x, ("N", "K"))
    if len(x) < 2 or not x.any(0).all():
        raise ValueError("x: expected two rows at least, and no column of zeros")
    parts = [source.curvature(x), checks.squarable("x", x) ** 2, source.derivative(x) * x]
    a, v, c = (part.mean(0) for part in parts)
    if (c == 0).any() or not np.isfinite(a * v / np.where(c == 0, 1, c)).all():
        raise ValueError("x: expected outputs of about the size of the source, got an <E'(X) X> that is no number")
    ratio = a * v / c
    # To first order the ratio moves by ratio (da/a + dv/v - dc/c).
    moves = ratio * (parts[0] / a + parts[1] / v - parts[2] / c - 1)
    return Margins(ratio - 1, moves.std(0) / np.sqrt(len(x)))
