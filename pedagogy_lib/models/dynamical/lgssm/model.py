"""The model: what there is to know, and sequences drawn from it.

References
----------
Section 2.2.2.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian


class Parameters(NamedTuple):
    """What there is to know about a linear-Gaussian state-space model.

    initial : Gaussian, p(x_1), with K dimensions
    transition : AffineGaussian, from K dimensions to K: A, a and Sigma_x
    emission : AffineGaussian, from K dimensions to L: C, c and Sigma_{y|x}
    control : ndarray, shape (K, M), the textbook's B; or None where there are no controls

    A part of the transition with a leading axis of T - 1 changes in time, row t moving x_t to
    x_{t+1}; so does a part of the emission with a leading axis of T.
    """

    initial: Gaussian
    transition: AffineGaussian
    emission: AffineGaussian
    control: np.ndarray | None = None


class Sample(NamedTuple):
    """One sequence from the model.

    states : ndarray, shape (T, K)
    observations : ndarray, shape (T, L)
    """

    states: np.ndarray
    observations: np.ndarray


def sample(params, n, rng, controls=None):
    """Draw one sequence of ``n`` steps.

    Parameters
    ----------
    params : Parameters
    n : int
        T, the number of steps.
    rng : numpy.random.Generator
    controls : array_like, shape (T - 1, M), optional
        Row t is u_t, which pushes x_t on its way to x_{t+1}.

    Returns
    -------
    Sample
    """
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    K, L = _checked_shapes(params, n)
    pushes = _pushes(params, controls, n)
    states, observations = np.empty((n, K)), np.empty((n, L))
    for t in range(n):
        if t == 0:
            source = params.initial
        else:
            A, a, covariance = _at(params.transition, t - 1)
            push = 0.0 if pushes is None else pushes[t - 1]
            source = Gaussian(A @ states[t - 1] + a + push, covariance)
        states[t] = gaussian.sample(source, 1, rng)[0]
        C, c, covariance = _at(params.emission, t)
        observations[t] = gaussian.sample(Gaussian(C @ states[t] + c, covariance), 1, rng)[0]
    return Sample(states, observations)


def _checked_shapes(params, n):
    """K and L, if all parts fit each other and ``n`` steps: nothing is broadcast."""
    K = len(checks.array("params.initial.mean", params.initial.mean, ("K",)))
    checks.covariance("params.initial.covariance", params.initial.covariance, K, definite=False, stack=False)
    L = len(checks.array("params.emission.offset", params.emission.offset).T)
    for arrow, rows, steps in (("transition", K, n - 1), ("emission", L, n)):
        for part, shape in (("matrix", (rows, K)), ("offset", (rows,)), ("covariance", (rows, rows))):
            name = f"params.{arrow}.{part}"
            given = checks.array(name, getattr(getattr(params, arrow), part))
            if given.shape not in (shape, (steps, *shape)):
                raise ValueError(f"{name}: expected shape {shape}, or {(steps, *shape)}, got {given.shape}")
    return K, L


def _at(conditional, t):
    """The matrix, offset and covariance in force at step t; a leading axis means: in time."""
    matrix, offset, covariance = (np.asarray(part, float) for part in conditional)
    return (
        matrix if matrix.ndim == 2 else matrix[t],
        offset if offset.ndim == 1 else offset[t],
        covariance if covariance.ndim == 2 else covariance[t],
    )


def _pushes(params, controls, n):
    """B u_t for every t, or None; a model with controls must be given them, and only such a one."""
    if (controls is None) != (params.control is None):
        raise ValueError(
            "controls: expected controls with a model that has params.control, and none with one that has not, "
            f"got params.control {'missing' if params.control is None else 'given'} and controls "
            f"{'missing' if controls is None else 'given'}"
        )
    if controls is None:
        return None
    B = checks.array("params.control", params.control, (len(params.initial.mean), "M"))
    controls = checks.array("controls", controls)
    if controls.ndim not in (2, 3) or controls.shape[-2:] != (n - 1, B.shape[1]):
        raise ValueError(
            f"controls: expected shape ({n - 1}, {B.shape[1]}), one row for each move, got {controls.shape}"
        )
    return controls @ B.T
