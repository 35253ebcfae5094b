"""Exercises of section 8.3b, scores."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _linear_cases(rng):
    return [(rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(40, 3))) for _ in range(2)]


def _linear_edges():
    """No slope: only the square is left; and data at the place where the score vanishes."""
    return [
        (np.zeros((2, 2)), np.array([3.0, -4.0]), np.array([[0.5, 1.0]])),
        (np.array([[2.0, 1.0], [0.0, 4.0]]), np.array([3.0, 4.0]), np.array([[1.0, 1.0]])),
    ]


@task("8.3b-a", cases=_linear_cases, edges=_linear_edges)
def implicit(P, b, x):
    """With shapes (D, D), (D,), (N, D), returning one number."""
    f = b - x @ P.T
    return 0.5 * (f**2).sum(1).mean() - np.trace(P)


@implicit.mistake("the trace with the wrong sign", "The derivative of -P x is -P.")
def _(P, b, x):
    f = b - x @ P.T
    return 0.5 * (f**2).sum(1).mean() + np.trace(P)


@implicit.mistake("the matrix transposed", "A row of data x stands for the column P x, so that the rows are x P'.")
def _(P, b, x):
    f = b - x @ P
    return 0.5 * (f**2).sum(1).mean() - np.trace(P)


@implicit.mistake("the half left out", "The square is halved, the trace is not.")
def _(P, b, x):
    f = b - x @ P.T
    return (f**2).sum(1).mean() - np.trace(P)


@implicit.mistake("the mean over the entries", "Sum the squares of the D entries; take the mean over the data only.")
def _(P, b, x):
    f = b - x @ P.T
    return 0.5 * (f**2).mean() - np.trace(P)


@implicit.mistake("the sum over the data", "The loss is a mean over the data.")
def _(P, b, x):
    f = b - x @ P.T
    return 0.5 * (f**2).sum() - len(x) * np.trace(P) - 1e-9


def _narrow(x):
    return -x / 2.0


def _curved(x):
    return -np.tanh(x)


def _stretch_cases(rng):
    return [
        (_narrow, rng.normal(size=(5, 2)), 0.3, 0.5, rng.normal(size=(6, 5, 2))),
        (_curved, rng.normal(size=(3, 1)), 2.0, 0.2, rng.normal(size=(4, 3, 1))),
    ]


def _stretch_edges():
    """A single step from where the score is zero: nothing but the noise is left."""
    return [(_narrow, np.zeros((1, 2)), 0.5, 0.4, np.ones((1, 1, 2)))]


def _walk(scores_at, x, eps, noise, factor):
    for z in noise:
        x = x + eps * scores_at(x) + np.sqrt(factor * eps) * z
    return x


@task("8.3b-b", cases=_stretch_cases, edges=_stretch_edges, stars=2)
def stretch(scores_at, x, v, s, noise):
    """With a function, shape (N, D), two numbers and shape (steps, N, D), returning (N, D)."""
    return _walk(scores_at, x, (s * v) ** 2 / 2, noise, 2)


@stretch.mistake("both as they were", "Compare with Eq. 8.44, and with what the step is said to be.")
def _(scores_at, x, v, s, noise):
    return _walk(scores_at, x, s**2 / 2, noise, 1)


@stretch.mistake("the noise too weak", "The noise of Eq. 8.44 has the variance 2 epsilon.")
def _(scores_at, x, v, s, noise):
    return _walk(scores_at, x, (s * v) ** 2 / 2, noise, 1)


@stretch.mistake("the same step on every level", "The step is relative to the level: epsilon has v squared in it.")
def _(scores_at, x, v, s, noise):
    return _walk(scores_at, x, s**2 / 2, noise, 2)


@stretch.mistake("the step linear in v", "Epsilon has the dimension of a variance: it goes with the square of v.")
def _(scores_at, x, v, s, noise):
    return _walk(scores_at, x, s**2 * v / 2, noise, 2)


def _counts_cases(rng):
    return [(np.array([7840, 1317, 239, 42, 14, 4, 4, 1]),), (rng.integers(1, 500, size=6),)]


def _counts_edges():
    """A Poisson population in which all rates are alike: the estimate is the same for every count."""
    return [(np.array([6000.0, 12000.0, 12000.0, 8000.0]),)]


@task("8.3b-c", cases=_counts_cases, edges=_counts_edges, stars=2)
def rates(clients):
    """With shape (K,), returning shape (K - 1,)."""
    clients = np.asarray(clients, float)
    return np.arange(1, len(clients)) * clients[1:] / clients[:-1]


@rates.mistake(
    "the counts taken at their word", "That is the estimate from each client alone. Use how many others had more."
)
def _(clients):
    return np.arange(len(clients) - 1.0)


@rates.mistake("k in the place of k + 1", "lambda times p(k) is (k + 1) times p(k + 1): the factor begins at 1.")
def _(clients):
    clients = np.asarray(clients, float)
    return np.arange(len(clients) - 1) * clients[1:] / clients[:-1]


@rates.mistake("the ratio upside down", "Those with one accident more stand above, those with k below.")
def _(clients):
    clients = np.asarray(clients, float)
    return np.arange(1, len(clients)) * clients[:-1] / clients[1:]


@rates.mistake(
    "the factor left out", "There is a factor k + 1, which comes from the factorials of the Poisson distribution."
)
def _(clients):
    clients = np.asarray(clients, float)
    return clients[1:] / clients[:-1]


@rates.mistake("one estimate for all", "The mean rate depends on how many accidents a client had.")
def _(clients):
    clients = np.asarray(clients, float)
    return np.full(len(clients) - 1, (np.arange(len(clients)) @ clients) / clients.sum())
