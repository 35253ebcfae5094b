"""Exercises of section 7.4: learning linear-Gaussian state-space models."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _level_cases(rng):
    found = []
    for T in (6, 11):
        variances = rng.uniform(0.5, 1.5, T)
        y = rng.normal(size=T)
        y[rng.choice(T, T // 3, replace=False)] = np.nan
        found.append((np.cumsum(rng.normal(size=T)), variances, 0.4 * variances[1:], y))
    return found


def _transition_cases(rng):
    found = []
    for K, T in ((2, 8), (3, 15)):
        roots = rng.normal(size=(T, K, K))
        covariances = roots @ roots.transpose(0, 2, 1) / K
        cross = 0.3 * covariances[1:] @ rng.normal(size=(K, K))
        found.append((rng.normal(size=(T, K)), covariances, cross))
    return found


def _many_cases(rng):
    return [(_transition_cases(rng)[0:1] + _shorter(rng),), (_shorter(rng) + _shorter(rng),)]


def _shorter(rng):
    """A record of six steps, with two states."""
    means, covariances, cross = _transition_cases(rng)[0]
    return [(means[:6] + 1, covariances[:6], cross[:5])]


@task("7.4-a", cases=_level_cases)
def update_level(means, variances, cross, y):
    """Return (step_variance, noise_variance)."""
    moved = np.diff(means) ** 2 + variances[1:] + variances[:-1] - 2 * cross
    return moved.mean(), np.nanmean((y - means) ** 2 + variances)


@update_level.mistake(
    "took the means for the states",
    "You took the smoother's means for the states. The expected square of a variable is its squared mean plus "
    "its variance: the variances are missing.",
)
def _(means, variances, cross, y):
    return np.mean(np.diff(means) ** 2), np.nanmean((y - means) ** 2)


@update_level.mistake(
    "forgot the cross-covariance",
    "Neighboring levels vary together. The variance of a difference is the sum of the variances less twice "
    "the covariance (Eq. 2.55).",
)
def _(means, variances, cross, y):
    return (
        (np.diff(means) ** 2 + variances[1:] + variances[:-1]).mean(),
        update_level(means, variances, cross, y)[1],
    )


@update_level.mistake(
    "took the cross-covariance once",
    "The covariance comes twice in the variance of a difference.",
)
def _(means, variances, cross, y):
    return (
        (np.diff(means) ** 2 + variances[1:] + variances[:-1] - cross).mean(),
        update_level(means, variances, cross, y)[1],
    )


@update_level.mistake(
    "divided the steps by T",
    "There are T - 1 steps between T levels: divide their sum by T - 1.",
)
def _(means, variances, cross, y):
    return (
        update_level(means, variances, cross, y)[0] * (len(y) - 1) / len(y),
        update_level(means, variances, cross, y)[1],
    )


@update_level.mistake(
    "counted missing readings as zero noise",
    "You divided by all T years. The noise shows only in the years with a reading: divide by their number.",
)
def _by_all_years(means, variances, cross, y):
    missed = np.nansum((y - means) ** 2 + variances)
    return update_level(means, variances, cross, y)[0], missed / len(y)


@update_level.mistake(
    "let the missing readings through",
    "A NaN in y has made the noise variance NaN. Leave the years without a reading out of that average.",
)
def _let_through(means, variances, cross, y):
    return update_level(means, variances, cross, y)[0], ((y - means) ** 2 + variances).mean()


@update_level.mistake(
    "left out the steps to missing years",
    "The smoother has a belief about the level of every year, with a reading or without. Every step counts.",
)
def _steps_left_out(means, variances, cross, y):
    moved = np.diff(means) ** 2 + variances[1:] + variances[:-1] - 2 * cross
    return moved[~np.isnan(y[1:])].mean(), update_level(means, variances, cross, y)[1]


@task("7.4-b", cases=_transition_cases, stars=2)
def update_transition(means, covariances, cross):
    """Return (A, Q)."""
    now = means[1:].T @ means[1:] + covariances[1:].sum(0)
    before = means[:-1].T @ means[:-1] + covariances[:-1].sum(0)
    across = means[1:].T @ means[:-1] + cross.sum(0)
    A = np.linalg.solve(before, across.T).T
    return A, (now - A @ across.T) / len(cross)


@update_transition.mistake(
    "took the means for the states",
    "This is a regression of the smoother's means on each other. Add the posterior covariances to their products.",
)
def _(means, covariances, cross):
    return update_transition(means, 0 * covariances, 0 * cross)


@update_transition.mistake(
    "forgot the cross-covariance",
    "The product of neighbors needs their covariance, cross, as well as the product of their means.",
)
def _(means, covariances, cross):
    return update_transition(means, covariances, 0 * cross)


@update_transition.mistake(
    "summed over all steps",
    "You used one sum of squares for both ends of the arrow. The targets are steps 2 to T, the sources 1 to "
    "T - 1, and both are divided by T - 1.",
)
def _all_steps(means, covariances, cross):
    everything = means.T @ means + covariances.sum(0)
    across = means[1:].T @ means[:-1] + cross.sum(0)
    A = np.linalg.solve(everything, across.T).T
    return A, (everything - A @ across.T) / len(means)


@update_transition.mistake(
    "transposed the cross-covariance",
    "cross[t] has the later state in its rows and the earlier in its columns, as <X_t X_{t-1}'> wants it. Do "
    "not turn it round.",
)
def _(means, covariances, cross):
    return update_transition(means, covariances, cross.transpose(0, 2, 1))


@task("7.4-c", cases=_many_cases, stars=2)
def update_many(found):
    """Return (A, Q), from a list of (means, covariances, cross)."""
    now = sum(m[1:].T @ m[1:] + P[1:].sum(0) for m, P, _ in found)
    before = sum(m[:-1].T @ m[:-1] + P[:-1].sum(0) for m, P, _ in found)
    across = sum(m[1:].T @ m[:-1] + c.sum(0) for m, _, c in found)
    A = np.linalg.solve(before, across.T).T
    return A, (now - A @ across.T) / sum(len(c) for _, _, c in found)


@update_many.mistake(
    "joined the records end to end",
    "Joined so, the first state of one record follows the last of another, and the regression takes that jump for a "
    "step. Sum the moments of each record by itself.",
)
def _joined(found):
    means, covariances, cross = (np.concatenate(part) for part in zip(*found))
    return update_transition(means, covariances, cross)


@update_many.mistake(
    "averaged the records' answers",
    "This is the mean of a regression for each record. Records are pooled before the division: sum the moments, and "
    "regress once.",
)
def _averaged(found):
    each = [update_transition(*record) for record in found]
    return np.mean([A for A, _ in each], 0), np.mean([Q for _, Q in each], 0)


@update_many.mistake(
    "divided by the number of states",
    "A is right. There are fewer steps than states: one less for each record.",
)
def _by_states(found):
    A, Q = update_many(found)
    return A, Q * sum(len(c) for _, _, c in found) / sum(len(m) for m, _, _ in found)


@update_many.mistake(
    "took the last record",
    "This is the answer for the last record alone.",
)
def _last_alone(found):
    return update_transition(*found[-1])
