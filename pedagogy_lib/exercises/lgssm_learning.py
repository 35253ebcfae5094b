"""Exercises of section 7.4: learning linear-Gaussian state-space models."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _level(means, variances, cross, y):
    moved = np.diff(means) ** 2 + variances[1:] + variances[:-1] - 2 * cross
    return moved.mean(), ((y - means) ** 2 + variances).mean()


def _level_cases(rng):
    found = []
    for T in (6, 11):
        variances = rng.uniform(0.5, 1.5, T)
        found.append((np.cumsum(rng.normal(size=T)), variances, 0.4 * variances[1:], rng.normal(size=T)))
    return found


LEVEL = Task(
    "7.4-a",
    "update_level(means, variances, cross, y), returning (step_variance, noise_variance)",
    _level,
    _level_cases,
    (
        Mistake(
            "took the means for the states",
            lambda means, variances, cross, y: ((np.diff(means) ** 2).mean(), ((y - means) ** 2).mean()),
            "You took the smoother's means for the states. The expected square of a variable is its squared mean plus "
            "its variance: the variances are missing.",
        ),
        Mistake(
            "forgot the cross-covariance",
            lambda means, variances, cross, y: (
                (np.diff(means) ** 2 + variances[1:] + variances[:-1]).mean(),
                _level(means, variances, cross, y)[1],
            ),
            "Neighbouring levels vary together. The variance of a difference is the sum of the variances less twice "
            "the covariance (Eq. 2.55).",
        ),
        Mistake(
            "took the cross-covariance once",
            lambda means, variances, cross, y: (
                (np.diff(means) ** 2 + variances[1:] + variances[:-1] - cross).mean(),
                _level(means, variances, cross, y)[1],
            ),
            "The covariance comes twice in the variance of a difference.",
        ),
        Mistake(
            "divided the steps by T",
            lambda means, variances, cross, y: (
                _level(means, variances, cross, y)[0] * (len(y) - 1) / len(y),
                _level(means, variances, cross, y)[1],
            ),
            "There are T - 1 steps between T levels: divide their sum by T - 1.",
        ),
    ),
)


def _transition(means, covariances, cross):
    now = means[1:].T @ means[1:] + covariances[1:].sum(0)
    before = means[:-1].T @ means[:-1] + covariances[:-1].sum(0)
    across = means[1:].T @ means[:-1] + cross.sum(0)
    A = np.linalg.solve(before, across.T).T
    return A, (now - A @ across.T) / len(cross)


def _transition_cases(rng):
    found = []
    for K, T in ((2, 8), (3, 15)):
        roots = rng.normal(size=(T, K, K))
        covariances = roots @ roots.transpose(0, 2, 1) / K
        cross = 0.3 * covariances[1:] @ rng.normal(size=(K, K))
        found.append((rng.normal(size=(T, K)), covariances, cross))
    return found


def _all_steps(means, covariances, cross):
    everything = means.T @ means + covariances.sum(0)
    across = means[1:].T @ means[:-1] + cross.sum(0)
    A = np.linalg.solve(everything, across.T).T
    return A, (everything - A @ across.T) / len(means)


TRANSITION = Task(
    "7.4-b",
    "update_transition(means, covariances, cross), returning (A, Q)",
    _transition,
    _transition_cases,
    (
        Mistake(
            "took the means for the states",
            lambda means, covariances, cross: _transition(means, 0 * covariances, 0 * cross),
            "This is a regression of the smoother's means on each other. Add the posterior covariances to their "
            "products.",
        ),
        Mistake(
            "forgot the cross-covariance",
            lambda means, covariances, cross: _transition(means, covariances, 0 * cross),
            "The product of neighbours needs their covariance, cross, as well as the product of their means.",
        ),
        Mistake(
            "summed over all steps",
            _all_steps,
            "You used one sum of squares for both ends of the arrow. The targets are steps 2 to T, the sources 1 to "
            "T - 1, and both are divided by T - 1.",
        ),
        Mistake(
            "transposed the cross-covariance",
            lambda means, covariances, cross: _transition(means, covariances, cross.transpose(0, 2, 1)),
            "cross[t] has the later state in its rows and the earlier in its columns, as <X_t X_{t-1}'> wants it. Do "
            "not turn it round.",
        ),
    ),
)


def _change(A, Q, C, S):
    inverse = np.linalg.inv(S)
    return S @ A @ inverse, S @ Q @ S.T, C @ inverse


def _change_cases(rng):
    found = []
    for K, L in ((2, 3), (3, 2)):
        root = rng.normal(size=(K, K))
        S = np.eye(K) + 0.5 * rng.normal(size=(K, K))
        found.append((rng.normal(size=(K, K)), root @ root.T, rng.normal(size=(L, K)), S))
    return found


CHANGE = Task(
    "7.4-c",
    "change_coordinates(A, Q, C, S), returning (A, Q, C) for the state S x",
    _change,
    _change_cases,
    (
        Mistake(
            "changed the wrong way",
            lambda A, Q, C, S: _change(A, Q, C, np.linalg.inv(S)),
            "This is for the state S^-1 x. The new state is S x: undo S, move, and apply S again.",
        ),
        Mistake(
            "left the emission alone",
            lambda A, Q, C, S: (*_change(A, Q, C, S)[:2], C),
            "The observations must not change. They were C x = C S^-1 (S x): the emission changes too.",
        ),
        Mistake(
            "treated the covariance as a map",
            lambda A, Q, C, S: (_change(A, Q, C, S)[0], S @ Q @ np.linalg.inv(S), _change(A, Q, C, S)[2]),
            "A covariance is an average of e e', and e becomes S e: so it becomes S Q S', not S Q S^-1.",
        ),
        Mistake(
            "multiplied A by S alone",
            lambda A, Q, C, S: (S @ A, *_change(A, Q, C, S)[1:]),
            "S A takes an old state and returns a new one. It must take a new one: undo S first.",
        ),
    ),
)

TASKS = (LEVEL, TRANSITION, CHANGE)
