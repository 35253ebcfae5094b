"""Exercises of section 10.1b, InfoNCE."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _proved_cases(rng):
    return [(rng.normal(size=(N, K)), rng.integers(K, size=N)) for N, K in ((5, 4), (3, 8))]


def _proved_edges():
    """Scores of a thousand, and scores that say nothing."""
    large = np.array([[1000.0, 0.0, -1000.0], [3.0, 5.0, 999.0]])
    return [(large, np.array([0, 1])), (np.zeros((2, 4)), np.array([1, 3]))]


def _log_posterior(scores):
    h = scores - scores.max(1, keepdims=True)
    return h - np.log(np.exp(h).sum(1, keepdims=True))


@task("10.1b-a", cases=_proved_cases, edges=_proved_edges)
def proved_bits(scores, right):
    """With shapes (N, K) and (N,), returning a number."""
    loss = -_log_posterior(scores)[np.arange(len(scores)), right].mean()
    return (np.log(scores.shape[1]) - loss) / np.log(2)


@proved_bits.mistake("nats", "That is in nats: one bit is log 2 nats.")
def _(scores, right):
    return np.log(scores.shape[1]) + _log_posterior(scores)[np.arange(len(scores)), right].mean()


@proved_bits.mistake("the loss", "That is minus the loss: the logarithm of K is to be added.")
def _(scores, right):
    return _log_posterior(scores)[np.arange(len(scores)), right].mean() / np.log(2)


@proved_bits.mistake("the sign of the loss", "The loss is taken from log K, not added to it.")
def _(scores, right):
    return (np.log(scores.shape[1]) - _log_posterior(scores)[np.arange(len(scores)), right].mean()) / np.log(2)


@proved_bits.mistake("the softmax over the wrong axis", "Candidates compete within a row: sum over the columns.")
def _(scores, right):
    h = scores - scores.max(0)
    log_posterior = h - np.log(np.exp(h).sum(0))
    return (np.log(scores.shape[1]) + log_posterior[np.arange(len(scores)), right].mean()) / np.log(2)


@proved_bits.mistake("the overflow left", "The exponential of 1000 is no number: take the largest score out first.")
def _(scores, right):
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        posterior = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        loss = -np.log(posterior[np.arange(len(scores)), right]).mean()
    return (np.log(scores.shape[1]) - loss) / np.log(2)


def _both_cases(rng):
    return [(rng.normal(size=(K, K)),) for K in (3, 6)]


def _both_edges():
    """Scores of some hundreds, and a row that lies far below the largest score."""
    return [(np.array([[900.0, 899.0], [898.5, 901.0]]),), (np.array([[900.0, 0.0], [0.0, -900.0]]),)]


@task("10.1b-b", cases=_both_cases, edges=_both_edges, stars=2)
def both_ways(scores):
    """With shape (K, K), returning a number."""
    return -0.5 * (np.diag(_log_posterior(scores)).mean() + np.diag(_log_posterior(scores.T)).mean())


@both_ways.mistake("neither mended", "Two losses are to be averaged; and the exponential of 900 is no number.")
def _(scores):
    with np.errstate(over="ignore"):
        rows = scores - np.log(np.exp(scores).sum(1))
        columns = scores - np.log(np.exp(scores).sum(0))
    return -(np.diag(rows).mean() + np.diag(columns).mean())


@both_ways.mistake("added, not averaged", "The two losses are to be averaged.")
def _(scores):
    return -(np.diag(_log_posterior(scores)).mean() + np.diag(_log_posterior(scores.T)).mean())


@both_ways.mistake("the overflow left", "The exponential of 900 is no number: take the largest score out first.")
def _(scores):
    with np.errstate(over="ignore"):
        rows, columns = (np.diag(scores) - np.log(np.exp(scores).sum(axis)) for axis in (1, 0))
    return -0.5 * (rows.mean() + columns.mean())


@both_ways.mistake(
    "one largest score for all", "A row far below the largest of all scores vanishes: take out the largest of each row."
)
def _(scores):
    h = scores - scores.max()
    with np.errstate(divide="ignore"):
        rows, columns = (np.diag(h) - np.log(np.exp(h).sum(axis)) for axis in (1, 0))
    return -0.5 * (rows.mean() + columns.mean())


@both_ways.mistake("one way only", "That is the loss of the rows alone: the captions choose, too.")
def _(scores):
    return -np.diag(_log_posterior(scores)).mean()


def _slope_cases(rng):
    return [(rng.normal(size=(N, E)), rng.normal(size=(N, E)), rng.normal(size=(E, E))) for N, E in ((5, 3), (4, 2))]


def _slope(of_y, of_z, W):
    """Row n: context n; column k: candidate k."""
    return (np.exp(_log_posterior(of_z @ W.T @ of_y.T)) - np.eye(len(of_y))) / len(of_y)


@task("10.1b-c", cases=_slope_cases, stars=2)
def gradient_of_W(of_y, of_z, W):
    """With shapes (N, E), (N, E) and (E, E), returning (E, E)."""
    return of_y.T @ _slope(of_y, of_z, W).T @ of_z


@gradient_of_W.mistake("transposed", "Row i of W meets feature i of y: the features of y stand on the left.")
def _(of_y, of_z, W):
    return of_z.T @ _slope(of_y, of_z, W) @ of_y


@gradient_of_W.mistake("downhill", "That is the step downhill: the slope is what is believed less what is true.")
def _(of_y, of_z, W):
    return -of_y.T @ _slope(of_y, of_z, W).T @ of_z


@gradient_of_W.mistake("the mean forgotten", "The loss is a mean over contexts: divide by N.")
def _(of_y, of_z, W):
    return len(of_y) * of_y.T @ _slope(of_y, of_z, W).T @ of_z


@gradient_of_W.mistake("the softmax over contexts", "Each context chooses among the candidates, not the other way.")
def _(of_y, of_z, W):
    P = np.exp(_log_posterior(of_y @ W @ of_z.T))           # row k: candidate k
    return of_y.T @ ((P - np.eye(len(P))) / len(P)) @ of_z
