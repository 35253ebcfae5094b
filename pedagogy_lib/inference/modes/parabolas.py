"""Newton's method for a smooth prior, with a parabola that lies above the energy where it would climb."""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference.modes.costs import Step, checked_start, diagonals, energy, gradient, scale, smooth

#: A rise of the energy up to this size, relative to the energy, is put down to rounding.
ROUNDING = 1e-13


def newton(params, y, start=None, *, tolerance=0.0):
    """Step to the bottom of the parabola that touches the energy, under a smooth prior.

    Where Newton's parabola leads uphill, a wider one is taken that lies above the energy: its
    bottom can only be lower than where it touches. So no step raises the energy.

    Parameters
    ----------
    params : Parameters
        With a prior that has a curvature: not `Laplace`.
    y : array_like, shape (N, D)
    start : array_like, shape (N, K), optional
    tolerance : float
        A code whose excess (see `Step`) was not above this before the step rests.

    Yields
    ------
    Step
        The start, then one for each step, without end.
    """
    params, y, x = checked_start(params, y, start)
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    prior = smooth(params).prior
    quadratic = params.precision * params.dictionary.T @ params.dictionary
    energies, excess = energy(params, x, y), np.full(len(y), np.inf)
    yield Step(0, x, energies, excess)
    iteration, moving = 0, np.ones(len(y), bool)
    while True:
        x, energies, excess = x.copy(), energies.copy(), excess.copy()
        at, of = x[moving], y[moving]
        slope, weight, curvature = gradient(params, at, of), prior.weight(at), prior.curvature(at)
        below = energies[moving] + ROUNDING * np.abs(energies[moving])
        # A negative curvature would point to a maximum, and one of zero nowhere.
        tight = np.where(curvature >= 0, np.maximum(curvature, 1e-8 * weight), weight)
        found = at - _solve(quadratic + diagonals(tight), slope)
        reached = energy(params, found, of)
        uphill = reached > below
        if uphill.any():
            wide = quadratic + diagonals(weight[uphill])
            found[uphill] = at[uphill] - _solve(wide, slope[uphill])
            reached[uphill] = energy(params, found[uphill], of[uphill])
        # The parabola's bottom lies half of slope times step below.
        excess[moving] = 0.5 * (slope * (at - found)).sum(1) / scale(params, of)
        x[moving], energies[moving] = found, reached
        moving = excess > tolerance
        iteration += 1
        yield Step(iteration, x, energies, excess)


def _solve(matrices, vectors):
    """One system for each row."""
    return np.linalg.solve(matrices, vectors[..., None])[..., 0]
