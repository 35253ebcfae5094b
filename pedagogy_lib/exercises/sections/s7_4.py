"""Exercises of section 7.4: learning linear-Gaussian state-space models."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _level_cases(rng):
    found = []
    for T in (6, 11):
        variances = rng.uniform(0.5, 1.5, T)
        found.append((np.cumsum(rng.normal(size=T)), variances, 0.4 * variances[1:], rng.normal(size=T)))
    return found


def _transition_cases(rng):
    found = []
    for K, T in ((2, 8), (3, 15)):
        roots = rng.normal(size=(T, K, K))
        covariances = roots @ roots.transpose(0, 2, 1) / K
        cross = 0.3 * covariances[1:] @ rng.normal(size=(K, K))
        found.append((rng.normal(size=(T, K)), covariances, cross))
    return found


def _change_cases(rng):
    found = []
    for K, L in ((2, 3), (3, 2)):
        root = rng.normal(size=(K, K))
        S = np.eye(K) + 0.5 * rng.normal(size=(K, K))
        found.append((rng.normal(size=(K, K)), root @ root.T, rng.normal(size=(L, K)), S))
    return found


@task("7.4-a", cases=_level_cases)
def update_level(means, variances, cross, y):
    """Return (step_variance, noise_variance)."""
    moved = np.diff(means) ** 2 + variances[1:] + variances[:-1] - 2 * cross
    return moved.mean(), ((y - means) ** 2 + variances).mean()


@update_level.mistake(
    "took the means for the states",
    "You took the smoother's means for the states. The expected square of a variable is its squared mean plus "
    "its variance: the variances are missing.",
)
def _(means, variances, cross, y):
    return ((np.diff(means) ** 2).mean(), ((y - means) ** 2).mean())


@update_level.mistake(
    "forgot the cross-covariance",
    "Neighbouring levels vary together. The variance of a difference is the sum of the variances less twice "
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
    "The product of neighbours needs their covariance, cross, as well as the product of their means.",
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


@task("7.4-c", cases=_change_cases, stars=2)
def change_coordinates(A, Q, C, S):
    """Return (A, Q, C) for the state S x."""
    inverse = np.linalg.inv(S)
    return S @ A @ inverse, S @ Q @ S.T, C @ inverse


@change_coordinates.mistake(
    "changed the wrong way",
    "This is for the state S^-1 x. The new state is S x: undo S, move, and apply S again.",
)
def _(A, Q, C, S):
    return change_coordinates(A, Q, C, np.linalg.inv(S))


@change_coordinates.mistake(
    "left the emission alone",
    "The observations must not change. They were C x = C S^-1 (S x): the emission changes too.",
)
def _(A, Q, C, S):
    return (*change_coordinates(A, Q, C, S)[:2], C)


@change_coordinates.mistake(
    "treated the covariance as a map",
    "A covariance is an average of e e', and e becomes S e: so it becomes S Q S', not S Q S^-1.",
)
def _(A, Q, C, S):
    return (change_coordinates(A, Q, C, S)[0], S @ Q @ np.linalg.inv(S), change_coordinates(A, Q, C, S)[2])


@change_coordinates.mistake(
    "multiplied A by S alone",
    "S A takes an old state and returns a new one. It must take a new one: undo S first.",
)
def _(A, Q, C, S):
    return (S @ A, *change_coordinates(A, Q, C, S)[1:])
