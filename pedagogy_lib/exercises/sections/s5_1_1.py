"""Exercises of section 5.1.1: linear regression."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _averages_cases(rng):
    lengths = np.sort(rng.uniform(170, 220, 8))
    return [
        (lengths, 30 * lengths - 2000 + 200 * rng.normal(size=8), rng.integers(1, 12, 8)),
        (np.array([0.0, 1.0, 4.0]), rng.normal(size=3), np.array([1, 9, 2])),
    ]


def _averages_edges():
    """Two lengths: their averages are on the line, whatever their counts."""
    return [(np.array([180.0, 200.0]), np.array([3000.0, 3900.0]), np.array([1, 40]))]


def _line(lengths, averages, weights, middle_weights=None):
    middle_weights = weights if middle_weights is None else middle_weights
    middle, height = (np.average(v, weights=middle_weights) for v in (lengths, averages))
    centered = lengths - middle
    slope = (weights * centered) @ (averages - height) / (weights @ centered**2)
    return slope, height - slope * middle


@task("5.1.1-a", cases=_averages_cases, edges=_averages_edges, parts=("slope", "offset"))
def line_of_averages(lengths, averages, counts):
    """With shapes (N,), (N,), (N,). Return (slope, offset)."""
    return _line(lengths, averages, counts)


@line_of_averages.mistake(
    "every average counted alike",
    "An average of ten birds is known better than one bird: its variance is a tenth. Weight by the counts (Eq. 5.10).",
)
def _(lengths, averages, counts):
    return _line(lengths, averages, np.ones(len(counts)))


@line_of_averages.mistake(
    "weights the wrong way round",
    "The variance of an average falls with its count. Eq. 5.10 divides by the variance, so that it multiplies by the "
    "count.",
)
def _(lengths, averages, counts):
    return _line(lengths, averages, 1 / counts)


@line_of_averages.mistake(
    "square roots of the counts",
    "Inputs and outputs are each multiplied by the root of the count, so that a square has the whole count.",
)
def _(lengths, averages, counts):
    return _line(lengths, averages, np.sqrt(counts))


@line_of_averages.mistake(
    "centered by plain means",
    "The column of ones is weighted as well: take away the weighted means of lengths and averages.",
)
def _(lengths, averages, counts):
    return _line(lengths, averages, counts, np.ones(len(counts)))


@line_of_averages.mistake("offset first", "Return the slope first, and then the offset.")
def _(lengths, averages, counts):
    return _line(lengths, averages, counts)[::-1]


def _ridge_cases(rng):
    return [
        (rng.normal(size=(15, 3)) + 1, rng.normal(size=15) + 10, 2.0),
        (rng.normal(size=(3, 5)) - 2, 5 * rng.normal(size=3), 0.3),
    ]


def _penalized(y, x, penalty, offset_penalty):
    inputs = np.column_stack([y, np.ones(len(y))])
    shrunk = np.diag([float(penalty)] * y.shape[1] + [float(offset_penalty)])
    return np.linalg.solve(inputs.T @ inputs + shrunk, inputs.T @ x)


@task("5.1.1-b", cases=_ridge_cases, stars=2)
def ridge(y, x, penalty):
    """With shapes (N, M), (N,) and a number, returning (M + 1,), the offset last."""
    return _penalized(y, x, penalty, 0)


@ridge.mistake(
    "both bugs are still there",
    "This is the colleague's answer. Take the derivative of the cost for the offset alone: where is the penalty in it?",
)
def _(y, x, penalty):
    return _penalized(y, x, penalty * len(y), penalty * len(y))


@ridge.mistake(
    "the penalty is still counted once a sample",
    "The offset is free now. But the cost has a sum over samples and one penalty: divide all of it by N, or nothing.",
)
def _(y, x, penalty):
    return _penalized(y, x, penalty * len(y), 0)


@ridge.mistake(
    "the offset is still penalized",
    "The sum is right now. But the offset is held near zero too: let its place in the penalty be zero.",
)
def _(y, x, penalty):
    return _penalized(y, x, penalty, penalty)


@ridge.mistake(
    "no penalty left",
    "This is plain least squares, or its pseudo-inverse. Add the penalty to the diagonal of the Gram matrix.",
)
def _(y, x, penalty):
    inputs = np.column_stack([y, np.ones(len(y))])
    return np.linalg.lstsq(inputs, x, rcond=None)[0]


@ridge.mistake(
    "no offset left",
    "The offset must be fitted, only not penalized: append a column of ones, or take away the means and put them back.",
)
def _(y, x, penalty):
    return np.append(np.linalg.solve(y.T @ y + penalty * np.eye(y.shape[1]), y.T @ x), 0.0)


def _folds_cases(rng):
    folds = np.repeat([0, 1, 2], [3, 5, 4])
    y = rng.normal(size=(12, 2)) + 3
    return [
        (y, y @ [1.0, -2.0] + 4 + rng.normal(size=12), rng.permutation(folds)),
        (rng.normal(size=(9, 1)), rng.normal(size=9) + 7, np.array([5, 5, 5, 2, 2, 2, 9, 9, 9])),
    ]


def _each_fold(y, x, folds, predict):
    found = np.empty(len(y))
    for fold in np.unique(folds):
        out = folds == fold
        found[out] = x[out] - predict(y[~out], x[~out], y[out])
    return found


def _affine(y, x, at):
    w = np.linalg.lstsq(np.column_stack([y, np.ones(len(y))]), x, rcond=None)[0]
    return at @ w[:-1] + w[-1]


@task("5.1.1-c", cases=_folds_cases, stars=2)
def folds_left_out(y, x, folds):
    """With shapes (N, M), (N,), (N,), returning (N,)."""
    return _each_fold(y, x, folds, _affine)


@folds_left_out.mistake(
    "residuals of the fit to all",
    "These samples helped to draw the line by which they are judged. Leave their fold out first.",
)
def _(y, x, folds):
    return x - _affine(y, x, y)


@folds_left_out.mistake(
    "left out one at a time",
    "Dividing by one less the leverage leaves out a single sample. The others of its fold must go with it: use the "
    "fold's block of I - H.",
)
def _(y, x, folds):
    return _each_fold(y, x, np.arange(len(y)), _affine)


@folds_left_out.mistake(
    "no offset", "The fit has an offset: append a column of ones to the inputs before you form the hat matrix."
)
def _(y, x, folds):
    return _each_fold(y, x, folds, lambda y, x, at: at @ np.linalg.lstsq(y, x, rcond=None)[0])


@folds_left_out.mistake(
    "fitted to the fold itself", "You fitted the fold and predicted the fold. Fit all samples that are not in it."
)
def _(y, x, folds):
    found = np.empty(len(y))
    for fold in np.unique(folds):
        out = folds == fold
        found[out] = x[out] - _affine(y[out], x[out], y[out])
    return found


@folds_left_out.mistake("prediction less output", "A residual is the output less its prediction: change the sign.")
def _(y, x, folds):
    return -_each_fold(y, x, folds, _affine)
