"""Exercises of lesson T.3, EM or gradient."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _beliefs(rng, n):
    """Means, variances and neighbors' covariances such as a smoother gives."""
    variances = rng.uniform(0.3, 1.5, size=n)
    cross = rng.uniform(0.2, 0.8, size=n - 1) * np.sqrt(variances[1:] * variances[:-1])
    return np.cumsum(rng.normal(size=n)) + 1.5, variances, cross


def _fading_cases(rng):
    return [(rng.uniform(0.4, 0.9), rng.uniform(0.3, 2.0), *_beliefs(rng, n)) for n in (5, 8)]


def _fading(a, q, means, variances, cross, neighbors=1.0, spread=1.0, steps=-1):
    both = (means[1:] * means[:-1] + neighbors * cross).sum()
    before = (means[:-1] ** 2 + spread * variances[:-1]).sum()
    after = (means[1:] ** 2 + spread * variances[1:]).sum()
    moved = after - 2 * a * both + a**2 * before
    return (both - a * before) / q, 0.5 * (moved / q - (len(means) + steps))


@task("T.3-a", cases=_fading_cases, parts=("the slope in a", "the slope in log q"), stars=2)
def gradient(a, q, means, variances, cross):
    """With ``means`` and ``variances`` of shape (T,), ``cross`` of shape (T - 1,), returning two floats."""
    return _fading(a, q, means, variances, cross)


@gradient.mistake(
    "the covariance of neighbors forgotten",
    "The mean of a product is the product of the means plus the covariance: use `cross`.",
)
def _(*case):
    return _fading(*case, neighbors=0.0)


@gradient.mistake("means for states", "A mean square is the square of the mean plus the variance.")
def _(*case):
    return _fading(*case, neighbors=0.0, spread=0.0)


@gradient.mistake("not divided by q", "In the logarithm of the joint, the square of a step is divided by 2 q.")
def _(a, q, *case):
    first, second = _fading(a, q, *case)
    return first * q, second


@gradient.mistake("the slope in q", "The second slope is asked for in log q, that is q times the slope in q.")
def _(a, q, *case):
    first, second = _fading(a, q, *case)
    return first, second / q


@gradient.mistake("T steps", "T states have T - 1 steps between them.")
def _(*case):
    return _fading(*case, steps=0)


def _gap_cases(rng):
    found = []
    for n, lost in ((6, (2,)), (9, (0, 5, 6))):
        means, variances, _ = _beliefs(rng, n)
        y = means + rng.normal(size=n)
        y[list(lost)] = np.nan
        found.append((rng.uniform(0.5, 2.0), means, variances, y))
    return found


def _noise(r, means, variances, y, years=lambda y: np.isfinite(y).sum(), total=np.nansum, spread=1.0):
    missed = total((y - means) ** 2 + spread * variances)
    return 0.5 * (missed / r - years(y))


@task("T.3-b", cases=_gap_cases, stars=2)
def noise_slope(r, means, variances, y):
    """With all arrays of shape (T,), returning a float."""
    return _noise(r, means, variances, y)


@noise_slope.mistake("as it came", "The sum passes over the years without a reading. Does the number of terms?")
def _(*case):
    return _noise(*case, years=len)


@noise_slope.mistake("not a number", "One NaN in a sum makes all of it NaN.")
def _(*case):
    return _noise(*case, total=np.sum)


@noise_slope.mistake(
    "variances in silent years", "Years without a reading have no noise: leave their variance out, too."
)
def _(r, means, variances, y):
    silent = np.isnan(y)
    return _noise(r, means, variances, y) + 0.5 * variances[silent].sum() / r


@noise_slope.mistake(
    "the level's variance forgotten",
    "The expected square of y - x is that of y minus the mean, plus the variance of x.",
)
def _(*case):
    return _noise(*case, spread=0.0)


@noise_slope.mistake("the slope in r", "The slope is asked for in log r.")
def _(r, *case):
    return _noise(r, *case) / r


def _path_cases(rng):
    found = []
    for n, rate in ((5, 0.9), (8, 0.97)):
        limit, away = rng.normal(6, 1), rng.uniform(0.5, 2.0) * rng.choice([-1, 1])
        fast = rng.uniform(0.2, 0.4) * away * 0.4 ** np.arange(n)  # another direction, gone soon
        found.append((limit + away * rate ** np.arange(n) + fast, rng.uniform(0.001, 0.003)))
    return found


def _rest(path, tolerance, ratio=lambda d: d[-1] / d[-2], ahead=1, left=lambda d, rho: d * rho / (1 - rho)):
    changes = np.diff(path)
    rho = ratio(changes)
    gap = left(changes[-1], rho)
    return rho, path[-1] + ahead * gap, int(np.ceil(np.log(tolerance / abs(gap)) / np.log(rho)))


@task(
    "T.3-c",
    cases=_path_cases,
    parts=("the share missing", "the limit", "the rounds still to go"),
    tolerance=1e-6,
    stars=2,
)
def outlook(path, tolerance):
    """With ``path`` of shape (K,), K > 2, returning two floats and a whole number."""
    return _rest(path, tolerance)


@outlook.mistake(
    "the ratio upside down",
    "Each change is smaller than the one before: the share is the later divided by the earlier.",
)
def _(path, tolerance):
    changes = np.diff(path)
    rho = changes[-2] / changes[-1]
    return rho, path[-1] + changes[-1] / (1 - rho), 0


@outlook.mistake("the last change counted again", "The changes still to come begin with rho times the last one.")
def _(*case):
    return _rest(*case, left=lambda d, rho: d / (1 - rho))


@outlook.mistake("backwards", "The path goes on in the direction in which it went: add what is still to come.")
def _(*case):
    return _rest(*case, ahead=-1)


@outlook.mistake(
    "the last change for the gap",
    "What must shrink to the tolerance is the distance to the limit, not the last change.",
)
def _(path, tolerance):
    rho, limit, _ = _rest(path, tolerance)
    return rho, limit, int(np.ceil(np.log(tolerance / abs(path[-1] - path[-2])) / np.log(rho)))


@outlook.mistake("from the start of the path", "Early changes mix fast and slow directions: take the last two.")
def _(*case):
    return _rest(*case, ratio=lambda d: d[1] / d[0])
