"""Exercises of section 5.1.2: generalized linear models."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _loss_cases(rng):
    return [
        (3 * rng.normal(size=9), rng.integers(0, 2, 9).astype(float)),
        (rng.normal(size=4), np.array([1.0, 0.0, 0.0, 1.0])),
    ]


def _loss_edges():
    """Logits of a thousand, on both sides and both right and wrong."""
    return [
        (np.array([1000.0, -1000.0, 3.0]), np.array([1.0, 0.0, 1.0])),
        (np.array([1000.0, -1000.0, 0.0]), np.array([0.0, 1.0, 1.0])),
    ]


@task("5.1.2-a", cases=_loss_cases, edges=_loss_edges)
def log_loss(s, x):
    """With shapes (N,), (N,): predictors and outputs 0 or 1. Return the mean of -log p, a number."""
    return np.mean(np.logaddexp(0, s) - x * s)


@log_loss.mistake(
    "the sigmoid first",
    "For a predictor of -1000 the sigmoid is zero in the computer, and its logarithm is minus infinity. Simplify the "
    "logarithm on paper first: log(1 + e^s) is np.logaddexp(0, s).",
)
def _(s, x):
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-s))
        return np.mean(-np.where(x == 1, np.log(p), np.log(1 - p)))


@log_loss.mistake(
    "the logarithm of one plus an exponential",
    "This is the right formula. But e^1000 overflows: use np.logaddexp(0, s), which takes the larger exponent out.",
)
def _(s, x):
    with np.errstate(all="ignore"):
        return np.mean(np.log(1 + np.exp(s)) - x * s)


@log_loss.mistake("a sum", "Divide by the number of samples: the mean is asked for.")
def _(s, x):
    return np.sum(np.logaddexp(0, s) - x * s)


@log_loss.mistake("the other sign", "A loss is minus the log of a probability, and is never below zero.")
def _(s, x):
    return -np.mean(np.logaddexp(0, s) - x * s)


@log_loss.mistake("heads and tails exchanged", "A large predictor makes x = 1 likely, not x = 0.")
def _(s, x):
    return np.mean(np.logaddexp(0, -s) + x * s)


@log_loss.mistake("in bits", "Use natural logarithms, so that the loss is in nats.")
def _(s, x):
    return np.mean(np.logaddexp(0, s) - x * s) / np.log(2)


def _step_cases(rng):
    y = np.column_stack([rng.normal(size=(12, 2)), np.ones(12)])
    return [
        (np.array([0.1, -0.3, 1.0]), y, rng.poisson(4, 12).astype(float)),
        (np.array([0.5]), rng.uniform(0.5, 2, (6, 1)), rng.poisson(3, 6) + 1.0),
    ]


def _weighted_step(d, y, weights, outputs):
    return np.linalg.solve((weights[:, None] * y).T @ y, (weights[:, None] * y).T @ outputs)


@task("5.1.2-b", cases=_step_cases, stars=2)
def irls_step(d, y, x):
    """With shapes (M,), (N, M), (N,), returning (M,): one step for counts and the logarithmic link."""
    mean = np.exp(y @ d)
    return _weighted_step(d, y, mean, y @ d + (x - mean) / mean)


@irls_step.mistake(
    "both bugs are still there",
    "This is the colleague's answer. Take a model with an intercept only, and find by hand where its step goes.",
)
def _(d, y, x):
    mean = np.exp(y @ d)
    return _weighted_step(d, y, np.sqrt(mean), y @ d + (x - mean))


@irls_step.mistake(
    "the weights are still deviations",
    "The outputs are right now. But the weights of Eq. 5.14 are variances, and the variance of a count is its mean.",
)
def _(d, y, x):
    mean = np.exp(y @ d)
    return _weighted_step(d, y, np.sqrt(mean), y @ d + (x - mean) / mean)


@irls_step.mistake(
    "residuals in the wrong units",
    "The weights are right now. But x - mean is in counts and y'd is a logarithm. The slope of the one in the other is "
    "the variance: divide by it.",
)
def _(d, y, x):
    mean = np.exp(y @ d)
    return _weighted_step(d, y, mean, y @ d + (x - mean))


@irls_step.mistake(
    "divided by the deviation",
    "A residual over its standard deviation has no unit, and is not a change of the predictor. Divide by the slope of "
    "the mean.",
)
def _(d, y, x):
    mean = np.exp(y @ d)
    return _weighted_step(d, y, mean, y @ d + (x - mean) / np.sqrt(mean))


@irls_step.mistake(
    "the change alone", "This is the change. A step ends at the old coefficients plus the change."
)
def _(d, y, x):
    mean = np.exp(y @ d)
    return _weighted_step(d, y, mean, (x - mean) / mean)


def _rate_cases(rng):
    group = np.array([0, 0, 0, 1, 1, 1, 1])
    return [
        (rng.poisson(6, 7) + 1, rng.uniform(0.5, 4, 7), rng.permutation(group)),
        (np.array([3, 9, 4, 1]), np.array([1.0, 4.0, 2.0, 1.5]), np.array([0, 1, 0, 1])),
    ]


def _rates(counts, hours, group):
    """Totals of counts and of hours, for the groups 0 and 1."""
    return np.bincount(group, counts, 2), np.bincount(group, hours, 2)


@task("5.1.2-c", cases=_rate_cases, stars=2, parts=("ratio", "standard error"))
def relative_rate(counts, hours, group):
    """With shapes (N,), (N,), (N,) of 0 and 1. Return (ratio, standard error of its logarithm)."""
    total, time = _rates(counts, hours, group)
    rate = total / time
    return rate[1] / rate[0], np.sqrt((1 / total).sum())


@relative_rate.mistake(
    "hours forgotten",
    "This is a ratio of counts. Whoever watches four times as long sees four times as many: use rates.",
)
def _(counts, hours, group):
    total, _ = _rates(counts, hours, group)
    return total[1] / total[0], np.sqrt((1 / total).sum())


@relative_rate.mistake(
    "an average of rates",
    "Each count over its own hours, and then the average: that gives a short watch as much weight as a long one. The "
    "score equation asks that total counts agree.",
)
def _(counts, hours, group):
    total, _ = _rates(counts, hours, group)
    rate = [np.mean(counts[group == g] / hours[group == g]) for g in (0, 1)]
    return rate[1] / rate[0], np.sqrt((1 / total).sum())


@relative_rate.mistake("the other way round", "The rate of group 1 over that of group 0 is asked for.")
def _(counts, hours, group):
    total, time = _rates(counts, hours, group)
    rate = total / time
    return rate[0] / rate[1], np.sqrt((1 / total).sum())


@relative_rate.mistake(
    "the logarithm",
    "This is the coefficient. The ratio is its exponential; the standard error stays that of the logarithm.",
)
def _(counts, hours, group):
    total, time = _rates(counts, hours, group)
    rate = total / time
    return np.log(rate[1] / rate[0]), np.sqrt((1 / total).sum())


@relative_rate.mistake("a variance", "This is the variance of the log ratio. Take its root.")
def _(counts, hours, group):
    total, time = _rates(counts, hours, group)
    rate = total / time
    return rate[1] / rate[0], (1 / total).sum()


@relative_rate.mistake(
    "one group only",
    "This is how well the rate of group 1 is known. The ratio is uncertain from both sides: add the variances.",
)
def _(counts, hours, group):
    total, time = _rates(counts, hours, group)
    rate = total / time
    return rate[1] / rate[0], np.sqrt(1 / total[1])
