"""Iterative shrinkage: a step along the slope of the misfit, then the prior's proximal operator."""

import numpy as np

from pedagogy_lib.inference.modes.costs import Step, checked_start, duality_gap, energy


def fista(params, y, start=None, *, accelerated=True):
    """Lower the energy along its smooth part's gradient, then shrink; with momentum.

    Parameters
    ----------
    params : Parameters
        With a prior that has a proximal operator: `Laplace`.
    y : array_like, shape (N, D)
    start : array_like, shape (N, K), optional
    accelerated : bool
        Whether each step starts beyond the last one, carried on by momentum (FISTA), or not (ISTA).

    Yields
    ------
    Step
        The start, then one for each step, without end.

    References
    ----------
    A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse
    problems", SIAM J. Imaging Sci. 2 (2009) 183-202. After k steps the energy exceeds its minimum
    by at most 2 L ||x_0 - x*||^2 / (k + 1)^2, with L = lambda ||C||^2.
    """
    params, y, x = checked_start(params, y, start)
    C, precision, prior = params
    if not hasattr(prior, "proximal"):
        raise ValueError(f"params.prior: expected a prior with a proximal operator, got {type(prior).__name__}")
    lipschitz = precision * np.linalg.norm(C, 2) ** 2
    step = 1 / lipschitz if lipschitz > 0 else 1.0
    yield Step(0, x, energy(params, x, y), np.full(len(y), np.inf))
    iteration, momentum, ahead = 0, 1.0, x
    while True:
        before = x
        slope = precision * (ahead @ C.T - y) @ C         # of the smooth part, the misfit
        x = prior.proximal(ahead - step * slope, step)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        carried = (momentum - 1) / following if accelerated else 0.0
        ahead, momentum = x + carried * (x - before), following
        iteration += 1
        yield Step(iteration, x, energy(params, x, y), duality_gap(params, x, y))
