"""Exercises of sections 3.2 and 10.2.3, deep belief networks."""

from itertools import product

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _tables(rng, n, s):
    recognition = rng.dirichlet(np.ones(s), size=n)
    prior = rng.dirichlet(np.ones(s))
    return recognition, -3 * rng.random((n, s)), np.log(prior)


def _terms_cases(rng):
    return [_tables(rng, 5, 4), _tables(rng, 2, 8)]


def _terms_edges():
    """Recognition that is sure, and logarithms far below what exp can say."""
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    return [(sure, np.array([[-900.0, -901.0], [-905.0, -903.0]]), np.log([0.3, 0.7]))]


def _log_sum(rows):
    top = rows.max(1, keepdims=True)
    return top[:, 0] + np.log(np.exp(rows - top).sum(1))


def _entropy_terms(recognition):
    return np.where(recognition > 0, recognition * np.log(np.where(recognition > 0, recognition, 1.0)), 0.0)


@task("3.2-a", cases=_terms_cases, edges=_terms_edges)
def bound_cost_slack(recognition, log_emission, log_prior):
    """With shapes (N, S), (N, S) and (S,), returning (3,)."""
    log_joint = log_emission + log_prior
    cost = -_log_sum(log_joint).mean()
    bound = (_entropy_terms(recognition) - recognition * log_joint).sum(1).mean()
    return np.array([bound, cost, bound - cost])


@bound_cost_slack.mistake(
    "the entropy left out",
    "The bound has log of recognition minus log of joint, averaged over recognition.",
)
def _(recognition, log_emission, log_prior):
    log_joint = log_emission + log_prior
    cost, bound = -_log_sum(log_joint).mean(), -(recognition * log_joint).sum(1).mean()
    return np.array([bound, cost, bound - cost])


@bound_cost_slack.mistake("the prior left out", "The joint table needs the log prior as well, the same for each datum.")
def _(recognition, log_emission, log_prior):
    cost = -_log_sum(log_emission).mean()
    bound = (_entropy_terms(recognition) - recognition * log_emission).sum(1).mean()
    return np.array([bound, cost, bound - cost])


@bound_cost_slack.mistake("sums in the place of averages", "Average over the data: divide the sums by N.")
def _(recognition, log_emission, log_prior):
    return bound_cost_slack.solution(recognition, log_emission, log_prior) * len(recognition)


@bound_cost_slack.mistake("the slack with the wrong sign", "The slack is bound minus cost; it is never negative.")
def _(recognition, log_emission, log_prior):
    return bound_cost_slack.solution(recognition, log_emission, log_prior) * [1, 1, -1]


@bound_cost_slack.mistake("0 log 0", "Where the recognition is zero its term is zero: keep the logarithm away from it.")
def _(recognition, log_emission, log_prior):
    with np.errstate(divide="ignore", invalid="ignore"):
        log_joint = log_emission + log_prior
        cost = -_log_sum(log_joint).mean()
        bound = (recognition * (np.log(recognition) - log_joint)).sum(1).mean()
        return np.array([bound, cost, bound - cost])


@bound_cost_slack.mistake(
    "exp underflows",
    "Where all logarithms are far below zero every exp is 0: take the largest out of the sum first.",
)
def _(recognition, log_emission, log_prior):
    with np.errstate(divide="ignore", invalid="ignore"):
        log_joint = log_emission + log_prior
        cost = -np.log(np.exp(log_joint).sum(1)).mean()
        bound = (_entropy_terms(recognition) - recognition * log_joint).sum(1).mean()
        return np.array([bound, cost, bound - cost])


@bound_cost_slack.mistake(
    "recognition and posterior exchanged",
    "The slack averages over the recognition distribution, not over the posterior.",
)
def _(recognition, log_emission, log_prior):
    log_joint = log_emission + log_prior
    cost, log_posterior = -_log_sum(log_joint).mean(), log_joint - _log_sum(log_joint)[:, None]
    log_recognition = np.log(np.where(recognition > 0, recognition, 1.0))
    slack = (np.exp(log_posterior) * (log_posterior - log_recognition)).sum(1).mean()
    return np.array([cost + slack, cost, slack])


def _patterns(means):
    return np.array(list(product((0, 1), repeat=means.shape[1])))


def _aggregate_cases(rng):
    return [(rng.random((6, 3)),), (rng.random((4, 2)),)]


def _aggregate_edges():
    """Coins that are sure, and a single datum."""
    return [(np.array([[0.0, 1.0], [1.0, 0.0]]),), (np.array([[0.2, 0.9, 0.5]]),)]


@task("3.2-b", cases=_aggregate_cases, edges=_aggregate_edges, stars=2)
def aggregated_posterior(means):
    """With shape (N, K), returning (2^K,)."""
    return np.where(_patterns(means) == 1, means[:, None], 1 - means[:, None]).prod(2).mean(0)


@aggregated_posterior.mistake(
    "the product of averages",
    "The coins are independent given a datum, not on average: first the product, then the mean.",
)
def _(means):
    average = means.mean(0)
    return np.where(_patterns(means) == 1, average, 1 - average).prod(1)


@aggregated_posterior.mistake(
    "a sum over the data",
    "Average over the data, so that the patterns' probabilities sum to one.",
)
def _(means):
    return np.where(_patterns(means) == 1, means[:, None], 1 - means[:, None]).prod(2).sum(0)


@aggregated_posterior.mistake(
    "means cut at one half",
    "A coin that shows heads with probability 0.6 shows tails too: keep the probabilities.",
)
def _(means):
    cut = (means > 0.5).astype(float)
    return np.where(_patterns(means) == 1, cut[:, None], 1 - cut[:, None]).prod(2).mean(0)


@aggregated_posterior.mistake("heads and tails exchanged", "`means` is the probability of a one.")
def _(means):
    return np.where(_patterns(means) == 0, means[:, None], 1 - means[:, None]).prod(2).mean(0)


def _coupling_cases(rng):
    return [(2 * rng.normal(size=(3, 2)), rng.normal(size=3)), (rng.normal(size=(1, 2)) - 1, rng.normal(size=1))]


def _coupling_edges():
    """Weights of a thousand, and a pixel that sees one coin only."""
    return [
        (np.array([[1000.0, 1000.0]]), np.array([-500.0])),
        (np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([0.5, -1.0])),
    ]


def _soft(a):
    return np.logaddexp(0, a).sum()


@task("3.2-c", cases=_coupling_cases, edges=_coupling_edges, stars=2)
def complementary_coupling(weights, offsets):
    """With shapes (D, 2) and (D,), returning a number."""
    alone = _soft(offsets + weights[:, 0]) + _soft(offsets + weights[:, 1])
    return _soft(offsets + weights.sum(1)) + _soft(offsets) - alone


@complementary_coupling.mistake(
    "the sign",
    "Seeing the picture uncouples the causes by so much: the prior has to couple them, with the other sign.",
)
def _(weights, offsets):
    return -complementary_coupling.solution(weights, offsets)


@complementary_coupling.mistake(
    "the pixels summed first",
    "Each pixel has a log(1 + e^a) of its own: add those up, not the a.",
)
def _(weights, offsets):
    one = weights.sum(0, keepdims=True)
    return complementary_coupling.solution(one, offsets.sum(keepdims=True))


@complementary_coupling.mistake(
    "the empty corner forgotten",
    "The number has four corners: 11 and 00 above, 10 and 01 below.",
)
def _(weights, offsets):
    alone = _soft(offsets + weights[:, 0]) + _soft(offsets + weights[:, 1])
    return _soft(offsets + weights.sum(1)) - alone


@complementary_coupling.mistake(
    "an average over the pixels",
    "Logarithms of independent pixels add up: take the sum, not the mean.",
)
def _(weights, offsets):
    return complementary_coupling.solution(weights, offsets) / len(offsets)


@complementary_coupling.mistake("overflow", "Use np.logaddexp(0, a) for log(1 + e^a).")
def _(weights, offsets):
    with np.errstate(over="ignore", invalid="ignore"):
        naive = lambda a: np.log(1 + np.exp(a)).sum()
        alone = naive(offsets + weights[:, 0]) + naive(offsets + weights[:, 1])
        return naive(offsets + weights.sum(1)) + naive(offsets) - alone
