"""Rows of which some entries are missing: the hidden Markov model against sums and integrals over what was lost."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import multivariate_normal, poisson

from pedagogy_lib.models.dynamical import hmm

LOST = np.array([[False, True], [False, False], [True, False], [True, True]])
INITIAL = np.array([0.6, 0.4])
MOVES = np.array([[0.8, 0.3], [0.2, 0.7]])
RATES = np.array([[2.0, 9.0], [5.0, 3.0]])
MEANS = np.array([[0.0, 1.0], [2.0, -1.0]])
COVARIANCES = np.array([[[1.0, 0.6], [0.6, 2.0]], [[0.5, -0.3], [-0.3, 1.0]]])


def counts_case():
    emission, y = hmm.Poissons(RATES), np.array([[3.0, 7.0], [4.0, 4.0], [1.0, 6.0], [5.0, 5.0]])
    places = np.arange(80.0)
    return emission, y, places, np.ones(80), lambda k, row: poisson.pmf(row, RATES[k]).prod(-1)


def vectors_case():
    emission, y = hmm.Gaussians(MEANS, COVARIANCES), np.array([[0.4, 2.0], [1.0, 0.2], [0.3, -2.0], [0.0, 0.0]])
    places = np.linspace(-14, 14, 1401)
    return emission, y, places, np.full(1401, 0.02), lambda k, row: multivariate_normal.pdf(row, MEANS[k], COVARIANCES[k])


def likelihoods(y, places, widths, density):
    """p(what was seen | state) by adding up the density of whole rows over all values of what was lost."""
    found = np.ones((len(y), 2))
    for t, k in product(range(len(y)), range(2)):
        if LOST[t].all():
            continue
        rows, weights = y[t][None], np.ones(1)
        if LOST[t].any():
            rows, weights = np.tile(y[t], (len(places), 1)), widths
            rows[:, LOST[t].argmax()] = places
        found[t, k] = np.sum(weights * density(k, rows))
    return found


def by_paths(seen):
    """The smoother and the likelihood, by enumerating all paths of states."""
    weights = {}
    for path in product(range(2), repeat=len(seen)):
        w = INITIAL[path[0]] * seen[0, path[0]]
        for t in range(1, len(seen)):
            w *= MOVES[path[t], path[t - 1]] * seen[t, path[t]]
        weights[path] = w
    total = sum(weights.values())
    shares = [[sum(w for p, w in weights.items() if p[t] == k) / total for k in range(2)] for t in range(len(seen))]
    return np.array(shares), np.log(total)


@pytest.mark.parametrize("case", [counts_case, vectors_case])
def test_missing_entries_are_marginalized_and_wrong_ways_are_seen(case):
    emission, y, *rest = case()
    model = hmm.Parameters(INITIAL, MOVES, emission)
    exact, log_total = by_paths(likelihoods(y, *rest))
    found = hmm.posterior(model, np.where(LOST, np.nan, y))
    np.testing.assert_allclose(found.probabilities, exact, atol=1e-9)
    np.testing.assert_allclose(found.log_likelihood, log_total, atol=1e-9)
    for wrong in (np.where(LOST, 0.0, y), np.where(LOST.any(1, keepdims=True), np.nan, y)):     # zeros; rows dropped
        assert abs(hmm.posterior(model, wrong).probabilities - exact).max() > 0.02


def test_a_filled_in_mean_is_not_a_missing_entry():
    """The control that matters for correlated Gaussians: the mean in place of what was lost gives another answer."""
    emission, y, *rest = vectors_case()
    exact = np.log(likelihoods(y, *rest))
    np.testing.assert_allclose(emission.log_densities(np.where(LOST, np.nan, y)), exact, atol=1e-9)
    filled = emission.log_densities(np.where(LOST, MEANS.mean(0), y))
    assert abs(filled - exact).max() > 0.1


@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_both_backends_leave_out_the_same(backend):
    emission, y, *rest = vectors_case()
    logs = emission.log_densities(np.where(LOST, np.nan, y), backend=backend)
    np.testing.assert_allclose(logs, np.log(likelihoods(y, *rest)), atol=1e-9)


@pytest.mark.parametrize("case", [counts_case, vectors_case])
def test_learning_from_partly_missing_rows_is_still_refused(case):
    emission, y, *_ = case()
    with pytest.raises(ValueError, match="to learn from, got row 0 partly NaN"):
        hmm.expected_statistics(hmm.Parameters(INITIAL, MOVES, emission), np.where(LOST, np.nan, y))
