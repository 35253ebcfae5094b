"""Exercises of T.7: a forecast learned from films."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _covariance_cases(rng):
    found = []
    for sign in (1, 1, -1):
        a, V, R = sign * rng.uniform(0.5, 0.95), rng.uniform(0.5, 4), rng.uniform(0.2, 2)
        found.append((float(V + R), float(a * V), float(a * a * V)))
    return found


@task("T.7-a", cases=_covariance_cases, parts=("a", "V", "R"), stars=2)
def without_bias(c0, c1, c2):
    """Return a, V and R, three numbers."""
    a = c2 / c1
    V = c1 / a
    return a, V, c0 - V


@without_bias.mistake(
    "the regression itself",
    "c_1 / c_0 is the slope that is too small: the error of the input stands in c_0. Which two of the three do not "
    "have it?",
)
def _(c0, c1, c2):
    return c1 / c0, c0, 0.0


@without_bias.mistake("the ratio turned round", "c_2 is smaller than c_1, by one more factor a.")
def _(c0, c1, c2):
    a = c1 / c2
    return a, c1 / a, c0 - c1 / a


@without_bias.mistake(
    "the readings' variance", "a is right. But c_0 is the variance of the readings: that of the state is c_1 / a."
)
def _(c0, c1, c2):
    return c2 / c1, c0, c0 - c1


@without_bias.mistake("what lag 1 lacks", "a and V are right. c_0 - c_1 is not R, because c_1 is a V and not V.")
def _(c0, c1, c2):
    a = c2 / c1
    return a, c1 / a, c0 - c1


@without_bias.mistake("two steps for one", "c_2 / c_0 is about the square of a. Compare neighboring lags.")
def _(c0, c1, c2):
    a = np.sqrt(abs(c2) / c0)
    return a, c1 / a, c0 - c1 / a


def _layer_cases(rng):
    shapes = ((2, 3, 1, 2, 6), (3, 5, 2, 2, 8), (1, 3, 3, 3, 5))
    return [(rng.normal(size=(K, w, C)), rng.normal(size=(N, P, K))) for K, w, C, N, P in shapes]


@task("T.7-b", cases=_layer_cases, stars=2)
def transposed(weights, pull):
    """Return an array of shape (N, P, C)."""
    r = weights.shape[1] // 2
    return sum(np.roll(pull, j, axis=1) @ weights[:, j + r] for j in range(-r, r + 1))


@transposed.mistake(
    "not turned end for end",
    "Place k was the neighbor j of place k - j, not of k + j: on the way back the weights are turned end for end.",
)
def _(weights, pull):
    return transposed(weights[:, ::-1], pull)


@transposed.mistake(
    "a line in the place of a circle",
    "Right in the middle, wrong near the ends: the last place is a neighbor of the first.",
)
def _(weights, pull):
    r, P = weights.shape[1] // 2, pull.shape[1]
    padded = np.pad(pull, ((0, 0), (r, r), (0, 0)))
    return sum(padded[:, r - j : r - j + P] @ weights[:, j + r] for j in range(-r, r + 1))


@transposed.mistake("the place itself alone", "A place was seen by its neighbors too, and receives from each of them.")
def _(weights, pull):
    return pull @ weights[:, weights.shape[1] // 2]


@transposed.mistake("one place off", "The middle of the weights is the place itself, j = 0.")
def _(weights, pull):
    return np.roll(transposed(weights, pull), 1, axis=1)


@transposed.mistake("a mean over neighbors", "What a place receives from its neighbors adds up: a sum, not a mean.")
def _(weights, pull):
    return transposed(weights, pull) / weights.shape[1]


def _window_cases(rng):
    found = []
    for K, T in ((1, 4), (2, 6), (3, 3)):
        A, b = rng.normal(size=(K, K)), rng.normal(size=K)
        found.append((lambda x, A=A, b=b: np.tanh(A @ x + b), rng.normal(size=K), rng.normal(size=(T, K))))
    return found


@task("T.7-c", cases=_window_cases, stars=2)
def misfits(step, first, y):
    """Return run less readings, shape (T, K); ``step`` takes a state of shape (K,) to the next one."""
    run = [first]
    for _ in range(len(y) - 1):
        run.append(step(run[-1]))
    return np.array(run) - y


@misfits.mistake(
    "a fresh start at each reading",
    "Every step still begins at a reading. Then noise stands in the inputs, and this is the weak constraint.",
)
def _(step, first, y):
    return np.array([first, *(step(one) for one in y[:-1])]) - y


@misfits.mistake(
    "begun at the first reading",
    "The run begins at `first`, which is searched for too. The first reading has an error like any other.",
)
def _(step, first, y):
    return misfits(step, y[0], y)


@misfits.mistake("one moment late", "The first of the readings belongs to `first` itself, before any step.")
def _(step, first, y):
    return misfits(step, step(first), y)


@misfits.mistake("every step from the first state", "The second step begins where the first one ended.")
def _(step, first, y):
    return np.array([first, *(step(first) for _ in y[1:])]) - y


@misfits.mistake("the sign turned round", "Asked for is run less readings, and not readings less run.")
def _(step, first, y):
    return -misfits(step, first, y)
