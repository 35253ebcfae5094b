"""Exercises of appendix A.1, leaving one out."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _fits(rng):
    return [(rng.normal(size=n), rng.uniform(0.02, 0.6, size=n)) for n in (5, 12)]


def _errors(residuals, leverages, share=np.mean, own=lambda h: h):
    alone, general = residuals / (1 - own(leverages)), residuals / (1 - share(leverages))
    return np.sqrt((alone**2).mean()), np.sqrt((general**2).mean())


@task("A.1-a", cases=_fits, parts=("leaving one out", "generalized"), stars=1)
def two_errors(residuals, leverages):
    """With both of shape (N,), returning two numbers."""
    return _errors(residuals, leverages)


@two_errors.mistake("of the fit", "Those are residuals of the fit itself: divide by one less the leverage.")
def _(*case):
    return _errors(*case, share=lambda h: 0.0, own=lambda h: 0.0)


@two_errors.mistake("the sum of the leverages", "The mean leverage belongs there, not their sum.")
def _(*case):
    return _errors(*case, share=np.sum)


@two_errors.mistake("mean squares", "Those are mean squares: take the root.")
def _(*case):
    return tuple(error**2 for error in _errors(*case))


@two_errors.mistake("divided by the leverage", "Where it is small the fit hardly changes: one less it.")
def _(*case):
    return _errors(*case, share=lambda h: 1 - h.mean(), own=lambda h: 1 - h)


def _ridges(rng):
    found = []
    for n, m, penalty in ((8, 2, 0.7), (15, 4, 3.0)):
        y = rng.normal(size=(n, m)) * rng.uniform(0.5, 3, size=m) + 2
        found.append((y, y.sum(1) + rng.normal(5, 1, size=n), penalty))
    return found


def _alone(y, x, penalty, power=2, vote=1.0):
    U, s, _ = np.linalg.svd(y - y.mean(0), full_matrices=False)
    kept = s**power / (s**2 + penalty)
    h = vote / len(y) + U**2 @ kept
    e = x - x.mean() - U @ (kept * (U.T @ (x - x.mean())))
    return e / (1 - h)


@task("A.1-b", cases=_ridges, stars=2)
def left_out(y, x, penalty):
    """With ``y`` of shape (N, M), ``x`` of shape (N,) and a number ``penalty``, returning an array of shape (N,)."""
    return _alone(y, x, penalty)


@left_out.mistake("the mean's vote", "Each sample has a vote in the mean of the outputs, too.")
def _(*case):
    return _alone(*case, vote=0.0)


@left_out.mistake("the weights' factor", "That factor belongs to the weights.")
def _(*case):
    return _alone(*case, power=1)


@left_out.mistake("both still there", "Look at what is kept of each direction, and at the mean.")
def _(*case):
    return _alone(*case, power=1, vote=0.0)


@left_out.mistake("without the penalty", "Those are the leverages of plain least squares.")
def _(y, x, penalty):
    return _alone(y, x, 0.0)


def _records(rng):
    found = []
    for n, m, gap in ((12, 1, 0), (16, 2, 2)):
        y = np.cumsum(rng.normal(size=(n, m)), axis=0)
        found.append((y, y.sum(1) + np.cumsum(rng.normal(size=n)), gap))
    return found


def _in_time(y, x, before, after, offset=1.0):
    inputs = np.column_stack([y, np.full(len(y), offset)])
    found = np.empty(len(y))
    for n in range(len(y)):
        others = np.ones(len(y), bool)
        others[max(0, n - before) : n + after + 1] = False
        weights = np.linalg.pinv(inputs[others]) @ x[others]
        found[n] = x[n] - inputs[n] @ weights
    return found


@task("A.1-c", cases=_records, tolerance=1e-6, stars=2)
def alone_in_time(y, x, gap):
    """With ``y`` of shape (N, M), ``x`` of shape (N,) and a whole number ``gap``, returning an array of shape (N,)."""
    return _in_time(y, x, gap, gap)


@alone_in_time.mistake("one alone", "The neighbors must go, too: leave out the whole block around the sample.")
def _(y, x, gap):
    return _in_time(y, x, 0, 0) if gap else _in_time(y, x, 1, 1)


@alone_in_time.mistake("the past only", "Later samples tell about this one as well: the gap is on both sides.")
def _(y, x, gap):
    return _in_time(y, x, gap, 0) if gap else _in_time(y, x, 1, 1)


@alone_in_time.mistake("one too many", "Only samples at the gap or nearer are left out. Count again.")
def _(y, x, gap):
    return _in_time(y, x, gap + 1, gap + 1)


@alone_in_time.mistake("no offset", "The line has an offset: give it an input that is always one.")
def _(y, x, gap):
    return _in_time(y, x, gap, gap, offset=0.0)
