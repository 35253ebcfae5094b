"""Exercises of section 3.3, the Helmholtz machine."""

from itertools import product

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _coins(rng, *shape):
    return rng.integers(2, size=shape).astype(float)


def _sleep_cases(rng):
    return [
        (_coins(rng, 9, 4), _coins(rng, 9, 3), rng.normal(size=(3, 4)), rng.normal(size=3)),
        (_coins(rng, 5, 2), _coins(rng, 5, 1), rng.normal(size=(1, 2)), rng.normal(size=1)),
    ]


def _sleep_edges():
    """One dream, all black."""
    return [(np.ones((1, 3)), np.array([[1.0, 0.0]]), np.zeros((2, 3)), np.array([0.5, -0.5]))]


def _expected(y, weights, biases):
    return 1 / (1 + np.exp(-(y @ weights.T + biases)))


@task("3.3-a", cases=_sleep_cases, edges=_sleep_edges)
def sleep_gradient(y, h, weights, biases):
    """With shapes (N, D), (N, K), (K, D) and (K,), returning (K, D)."""
    return -(h - _expected(y, weights, biases)).T @ y / len(y)


@sleep_gradient.mistake(
    "the sign",
    "A gradient of minus the logarithm points away from what happened: change the sign.",
)
def _(y, h, weights, biases):
    return (h - _expected(y, weights, biases)).T @ y / len(y)


@sleep_gradient.mistake("a sum in the place of the average", "Average over the dreams: divide by N.")
def _(y, h, weights, biases):
    return -(h - _expected(y, weights, biases)).T @ y


@sleep_gradient.mistake(
    "the biases left out",
    "The probability of a coin is the logistic function of weights times picture, plus bias.",
)
def _(y, h, weights, biases):
    return -(h - _expected(y, weights, 0 * biases)).T @ y / len(y)


@sleep_gradient.mistake("transposed", "The weights have a row for each coin: shape (K, D).")
def _(y, h, weights, biases):
    return sleep_gradient.solution(y, h, weights, biases).T


@sleep_gradient.mistake(
    "the coins without their expectation",
    "The delta rule has what happened less what was expected.",
)
def _(y, h, weights, biases):
    return -h.T @ y / len(y)


@sleep_gradient.mistake(
    "no logistic function",
    "Weights times picture plus bias are the log odds of a coin: its probability is their logistic function.",
)
def _(y, h, weights, biases):
    return -(h - (y @ weights.T + biases)).T @ y / len(y)


def _patterns(K):
    return np.array(list(product((0, 1), repeat=K)))


def _recognition(q):
    return np.where(_patterns(len(q)) == 1, q, 1 - np.asarray(q)).prod(1)


def _slack_cases(rng):
    return [
        (0.05 + 0.9 * rng.random(3), rng.dirichlet(np.ones(8))),
        (0.05 + 0.9 * rng.random(2), rng.dirichlet(np.ones(4))),
    ]


def _slack_edges():
    """One coin; and a posterior that is nearly a product (at one that is, right answers are rounding errors)."""
    return [
        (np.array([0.3]), np.array([0.6, 0.4])),
        (np.array([0.2, 0.7]), np.array([0.25, 0.55, 0.06, 0.14])),
    ]


@task("3.3-b", cases=_slack_cases, edges=_slack_edges, stars=2)
def slack(q, posterior):
    """With shapes (K,) and (2^K,), returning a number."""
    recognition = _recognition(q)
    return recognition @ np.log(recognition / posterior)


@slack.mistake("the other order", "The free energy averages over the recognition model, not over the posterior.")
def _(q, posterior):
    return posterior @ np.log(posterior / _recognition(q))


@slack.mistake("averaged over the posterior", "Both the average and the numerator are the recognition model's.")
def _(q, posterior):
    return posterior @ np.log(_recognition(q) / posterior)


@slack.mistake("the entropy left out", "The slack has log of recognition minus log of posterior.")
def _(q, posterior):
    return -_recognition(q) @ np.log(posterior)


@slack.mistake("in bits", "Use the natural logarithm, for nats.")
def _(q, posterior):
    return slack.solution(q, posterior) / np.log(2)


def _settled_cases(rng):
    return [
        (rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(8), size=3)),
        (rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(4), size=2)),
    ]


def _settled_edges():
    """One picture that is always dreamt; and one coin."""
    return [
        (np.ones(1), np.array([[0.1, 0.2, 0.3, 0.4]])),
        (np.array([0.25, 0.75]), np.array([[0.5, 0.5], [0.9, 0.1]])),
    ]


def _margins(shares, posteriors):
    return shares @ posteriors @ _patterns(round(np.log2(posteriors.shape[1])))


def _log_odds(p):
    return np.log(p) - np.log1p(-p)


@task("3.3-c", cases=_settled_cases, edges=_settled_edges, stars=2)
def settled_biases(shares, posteriors):
    """With shapes (M,) and (M, 2^K), returning (K,)."""
    return _log_odds(_margins(shares, posteriors))


@settled_biases.mistake("probabilities in the place of log odds", "A bias is the log odds of the coin's probability.")
def _(shares, posteriors):
    return _margins(shares, posteriors)


@settled_biases.mistake("log in the place of log odds", "Log odds are log p minus log of 1 - p.")
def _(shares, posteriors):
    return np.log(_margins(shares, posteriors))


@settled_biases.mistake("all pictures alike", "Weight each picture's posterior with how often it is dreamt.")
def _(shares, posteriors):
    return _log_odds(_margins(np.full(len(shares), 1 / len(shares)), posteriors))


@settled_biases.mistake(
    "an average of log odds",
    "Average the probabilities over the dreams first, then take the log odds.",
)
def _(shares, posteriors):
    return shares @ _log_odds(posteriors @ _patterns(round(np.log2(posteriors.shape[1]))))


@settled_biases.mistake("the coins in the other order", "In `itertools.product` the last coin changes fastest.")
def _(shares, posteriors):
    return settled_biases.solution(shares, posteriors)[::-1]
