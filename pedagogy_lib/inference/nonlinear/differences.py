"""A Jacobian by central differences, for a curve that brings none: the step is chosen by whether a finer one agrees."""

import numpy as np

from pedagogy_lib import checks

#: About the cube root of the rounding: at this step central differences err least.
ROOT = 6e-6


def numerical_jacobian(function, x):
    """df/dx' at x by central differences.

    Parameters
    ----------
    function : callable
        Takes rows, shape (N, K), returns rows, shape (N, L).
    x : ndarray, shape (K,)

    Returns
    -------
    ndarray, shape (L, K)
    """
    x = checks.array("x", x, ("K",))
    checks.function("function", function)
    if not len(x):
        raise ValueError("x: expected one state at least, got none")
    largest = np.maximum(1.0, np.abs(x))
    smallest = np.where(x == 0, 1e-12, np.minimum(largest, np.abs(x)))
    first, _ = coarse = _differences(function, x, ROOT * largest)
    for share in (0.25, 0.5, 0.75, 1.0):                      # from steps of size one down to those of x itself
        fine = _differences(function, x, ROOT * largest ** (1 - share) * smallest**share)
        apart = np.abs(coarse[0] - fine[0])
        if (apart <= 1e-3 * (np.abs(coarse[0]) + np.abs(fine[0])).max(0) + fine[1]).all():
            return checks.held("x", x, coarse[0])
        coarse = fine
    return checks.held("x", x, first)                         # no step is small enough: a jump


def _differences(function, x, h):
    """Central differences with a step for each state, shape (L, K), and how much of them may be rounding."""
    steps = np.diag(h)
    ahead, behind = (np.asarray(function(x + sign * steps), float) for sign in (1, -1))
    rounding = 1e-15 * (np.abs(ahead) + np.abs(behind)) / h[:, None]
    return ((ahead - behind) / (2 * h[:, None])).T, rounding.T
