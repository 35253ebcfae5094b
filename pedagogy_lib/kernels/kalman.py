"""The Kalman filter and the RTS smoother as compiled loops.

The same work as `pedagogy_lib.inference.kalman.updates`, where the equations are explained: here they
are comments over the loops. Filter and smoother come twice, for small and for large matrices
(`kalman_filter`, `kalman_smoother`); the same on square roots is in `kalman_roots`, and many sequences
side by side in `kalman_lanes`. Where covariances have stopped changing, `stream` goes on with the means.

Loops run along rows, which lie next to each other in memory: products are written X Y', and
symmetric matrices used as their own transposes. Large products are left to BLAS. Calling a function
with ten arrays takes longer than multiplying two small matrices: the kernels for these are one long
function each, and those for large matrices are made of steps.

A missing entry of y is one that says nothing: its row of C is zero, its variance one, its
innovation zero. So the sizes of the arrays stay the same, and what comes out is the same.

Parameters have a first axis of length 1, or of time; ``a`` has one of sequences before it, of
length 1 or B. Names as in the reference: xp and Pp are x_{t|t-1} and Y_{t|t-1}.
"""

import numpy as np

from pedagogy_lib.kernels import arrays
from pedagogy_lib.kernels.kalman_filter import (
    CANCELED,
    LOST,
    NOT_DEFINITE,
    OK,
    OUT_OF_REACH,
    filter_large,
    filter_small,
    last_change,
    stream,
)
from pedagogy_lib.kernels.kalman_lanes import LANES, filter_lanes, gains_small
from pedagogy_lib.kernels.kalman_roots import filter_roots, smooth_roots
from pedagogy_lib.kernels.kalman_smoother import follow_rounding, smooth_large, smooth_small

__all__ = ["CANCELED", "LOST", "NOT_DEFINITE", "OK", "OUT_OF_REACH", "filter", "follow_rounding", "smooth"]

MEDIUM, LARGE = 10, 18              # beyond so many states BLAS is faster: filter, smoother
STRETCH = 32                        # steps before it is asked whether covariances still change


def filter(problem, method, freeze, digits, reach):
    """Run the filter for sequences that miss the same observations.

    Parameters
    ----------
    problem
        Has initial (means of shape (B, K)), transition, emission, y (B, T, L) and pushes
        (B, T-1, K) or None; with ``method="sqrt"`` covariances are roots.
    freeze : bool
        Whether to stop computing covariances once they have stopped changing.
    digits, reach : float
        When to give up: a pivot of S below this part of what the largest variances of the states would
        make it is rounding (`distributions.rounding`); beyond so many standard deviations so is y.

    Returns
    -------
    fields : list
        Predicted means and covariances, means and covariances, log-likelihoods, roots or None.
    trouble, t : int
        What went wrong (``OK`` if nothing did), and at which time step.
    """
    B, T, L = problem.y.shape
    K = problem.initial.mean.shape[1]
    C, c, R = _stacked(problem.emission)
    arguments = _contiguous(*problem.initial, *_moves(problem), C, c, R)
    y = _contiguous(problem.y)[0]
    roots = T if method == "sqrt" else 0
    fields = arrays((B, T, K), (T, K, K), (B, T, K), (T, K, K), (B, T), (roots, K, K))
    if roots or B < LANES:
        trouble, t = _in_stretches(method, freeze, digits, reach**2, arguments, y, fields)
    else:
        # Covariances and gains from one of the sequences, then the means of all.
        m0, P0, A, a, Q, C, c, R = arguments
        first = m0[:1], P0, A, a[:1], Q, C, c, R
        one = [field[:1] if i in (0, 2, 4) else field for i, field in enumerate(fields)]
        trouble, t = _in_stretches(method, freeze, digits, reach**2, first, y[:1], one)
        if trouble == OK:
            seen = ~np.isnan(y[0])
            shared = arrays((T, L, L), (T, K, L), (T, L), (T,))
            gains_small(fields[1], C, R, seen, *shared)
            means = fields[0], fields[2], fields[4]
            trouble, t = filter_lanes(reach**2, m0, A, a, C, c, seen, *shared, y, *means)
    return [*fields[:5], fields[5] if roots else None], trouble, t


def _in_stretches(method, freeze, digits, reach, arguments, y, fields):
    """Fill the fields; with `stream` where covariances have stopped changing.

    Whether they have is asked after ever longer stretches. What is missing makes them move again.
    """
    _, _, A, a, _, C, c, _ = arguments
    (T, L), K = y.shape[1:], A.shape[1]
    latest, limits = (np.zeros(K), np.zeros((L, L)), np.zeros((K, L))), (digits, reach)

    def run(first, stop):
        if method == "sqrt":
            return filter_roots((first, stop), limits, arguments, y, latest, tuple(fields))
        kernel = filter_large if K > MEDIUM else filter_small
        return kernel(method == "joseph", (first, stop), limits, arguments, y, latest, tuple(fields[:5]))

    t, stretch = 0, STRETCH if freeze else T
    while t < T:
        trouble, t = run(t, min(t + stretch, T))
        if trouble != OK or t == T:
            break
        stretch *= 2
        last = last_change(t - 1, fields[1], A[0], C[0], *latest[1:])
        if last >= T or np.isnan(y[0, t - 2 : last + 1]).any():
            continue
        if t <= last:
            trouble, t = run(t, last + 1)
        if trouble != OK or t == T:
            break
        first, stretch = t, STRETCH
        trouble, t = stream(first, reach, A[0], a, C[0], c, *latest[1:], y, *fields[:5])
        fields[5][first:t] = fields[5][first - 1 : first]
        if trouble != OK:
            break
    return trouble, t


def smooth(problem, filtered, method):
    """Run the smoother for sequences that miss the same observations.

    Parameters
    ----------
    problem
        As for `filter`.
    filtered
        The fields that `filter` returned, by name.

    Returns
    -------
    fields : list of ndarray
        Means, covariances, cross-covariances, gains.
    shaky : bool
        Whether rounding may have grown.
    """
    B, T, K = filtered.means.shape
    A, _, Q = _stacked(problem.transition)
    fields = arrays((B, T, K), (T, K, K), (T - 1, K, K), (T - 1, K, K))
    xp, Pp, x, P = filtered[:4]
    if method == "sqrt":
        return fields, smooth_roots(*_contiguous(A, Q, xp, x, filtered.roots), *fields)
    run = smooth_large if K > LARGE else smooth_small
    return fields, run(method == "joseph", *_contiguous(A, Q, xp, Pp, x, P), *fields)


def _stacked(arrow):
    """The parts of a conditional, each with a first axis of time or of length 1."""
    return tuple(
        part if part.ndim > ndim else part[None] for part, ndim in zip(arrow, (2, 1, 2))
    )


def _moves(problem):
    """The parts of the transition; the offset has a first axis of sequences, and the inputs in it."""
    A, a, Q = _stacked(problem.transition)
    return A, a[None] if problem.pushes is None else a + problem.pushes, Q


def _contiguous(*arrays):
    """Arrays of the one kind that kernels are compiled for: another kind would compile anew."""
    return tuple(
        array if array.flags.carray and array.dtype == np.float64 else np.array(array, np.float64, order="C")
        for array in arrays
    )
