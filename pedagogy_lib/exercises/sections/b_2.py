"""Exercises of appendix B.2: scores, information, thinning."""

import numpy as np
from scipy import stats

from pedagogy_lib.exercises.tasks import task


def _catalogs(rng):
    found = []
    for n, beta in ((4, 0.7), (9, -0.4)):
        exposures = rng.uniform(1, 20, size=n)
        found.append((rng.poisson(exposures * np.exp(beta + 0.2)).astype(float), exposures, beta + rng.normal(0, 0.2)))
    return found


def _score(counts, exposures, beta, total=np.sum):
    expected = exposures * np.exp(beta)
    return total(counts - expected), total(expected)


@task("B.2-a", cases=_catalogs, parts=("the score", "the information"), stars=1)
def score_and_information(counts, exposures, beta):
    """With ``counts`` and ``exposures`` of shape (N,) and a number ``beta``, returning two numbers."""
    return _score(counts, exposures, beta)


@score_and_information.mistake("of the rate", "That is the slope along the rate, not along its logarithm.")
def _(counts, exposures, beta):
    score, information = _score(counts, exposures, beta)
    return score / np.exp(beta), information / np.exp(2 * beta)


@score_and_information.mistake("exposures forgotten", "Twenty years expect twenty times as many as one.")
def _(counts, exposures, beta):
    return _score(counts, np.ones_like(exposures), beta)


@score_and_information.mistake("averages", "Independent data add: a sum over the catalogs, not an average.")
def _(*case):
    return _score(*case, total=np.mean)


@score_and_information.mistake("the sign", "More than expected pulls the rate up: counted less expected.")
def _(*case):
    score, information = _score(*case)
    return -score, information


def _records(rng):
    found = []
    for n in (6, 40):
        scores = rng.normal(0, 1.5, size=n)
        found.append((scores - scores.mean(), rng.uniform(0.5, 2, size=n)))
    return found


@task("B.2-b", cases=_records, stars=2)
def sandwich_error(scores, information):
    """With both of shape (N,), returning a number."""
    return np.sqrt((scores**2).sum()) / information.sum()


@sandwich_error.mistake("the sum squared", "The scores sum to zero at the estimate. Square each of them first.")
def _(scores, information):
    return np.sqrt(scores.sum() ** 2) / information.sum()


@sandwich_error.mistake("divided once", "Divide the variance by the slope of the score squared.")
def _(scores, information):
    return np.sqrt((scores**2).sum() / information.sum())


@sandwich_error.mistake("the information's own error", "That supposes scores that vary as the information says.")
def _(scores, information):
    return 1 / np.sqrt(information.sum())


@sandwich_error.mistake("an average", "Add over the data, and do not average: more data, smaller error.")
def _(scores, information):
    return np.sqrt((scores**2).mean()) / information.mean()


@sandwich_error.mistake("a variance", "That is the variance. The error is its root.")
def _(scores, information):
    return (scores**2).sum() / information.sum() ** 2


def _counts(rng):
    return [(rng.dirichlet(np.ones(n + 1)), keep) for n, keep in ((3, 0.3), (7, 0.8))]


def _edges():
    return [(np.array([0.0, 0.0, 1.0]), 1.0), (np.array([0.2, 0.8]), 0.0)]


def _thin(p, keep, share=stats.binom.pmf):
    n = len(p) - 1
    table = np.zeros((n + 1, n + 1))
    for total in range(n + 1):
        for kept in range(total + 1):
            table[kept, total - kept] = p[total] * share(kept, total, keep)
    return table


@task("B.2-c", cases=_counts, edges=_edges, stars=2)
def kept_and_dropped(p, keep):
    """With ``p`` of shape (n + 1,) and a number ``keep``, returning an array of shape (n + 1, n + 1)."""
    return _thin(p, keep)


@kept_and_dropped.mistake("which were kept", "There are several ways to choose which events are kept: count them.")
def _(p, keep):
    return _thin(p, keep, lambda kept, total, keep: keep**kept * (1 - keep) ** (total - kept))


@kept_and_dropped.mistake("transposed", "Rows are for the kept, columns for the dropped.")
def _(p, keep):
    return _thin(p, keep).T


@kept_and_dropped.mistake("as if independent", "They are independent for Poisson counts only: go through the total.")
def _(p, keep):
    table = _thin(p, keep)
    return np.outer(table.sum(1), table.sum(0))


@kept_and_dropped.mistake("columns for the total", "The columns are for the dropped: the total less the kept.")
def _(p, keep):
    n = len(p) - 1
    kept, total = np.arange(n + 1)[:, None], np.arange(n + 1)
    return p[total] * stats.binom.pmf(kept, total, keep)
