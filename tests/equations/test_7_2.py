"""Section 7.2: learning the hidden Markov model. Nothing in it is numbered; its derivation is tested step by step."""

from itertools import product

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from pedagogy_lib.models.dynamical import hmm
from pedagogy_lib.models.dynamical.hmm import Gaussians, Parameters

K, D = 2, 2
OLD = Parameters(
    np.array([0.7, 0.3]),
    np.array([[0.8, 0.3], [0.2, 0.7]]),
    Gaussians(np.array([[0.0, 0.5], [1.5, -1.0]]), np.array([[[1.0, 0.2], [0.2, 0.5]], [[0.6, 0.0], [0.0, 1.2]]])),
)
NEW = Parameters(
    np.array([0.4, 0.6]),
    np.array([[0.6, 0.1], [0.4, 0.9]]),
    Gaussians(np.array([[0.3, 0.2], [1.0, -1.3]]), np.array([[[0.8, 0.1], [0.1, 0.7]], [[0.9, 0.2], [0.2, 1.0]]])),
)
SEQUENCES = [hmm.sample(OLD, n, np.random.default_rng(n)).observations for n in (4, 6, 5)]


def densities(params, y):
    """log p(y_t | x_t = k), shape (T, K), by SciPy."""
    return np.stack([multivariate_normal(*p).logpdf(y) for p in zip(*params.emission)], 1)


def log_joint(params, x, logs):
    """log p(x, y) of one path, factor by factor; ``logs`` are the log densities of y."""
    total = np.log(params.initial[x[0]])
    for t in range(len(x)):
        total += logs[t, x[t]]
        total += np.log(params.transition[x[t], x[t - 1]]) if t > 0 else 0.0
    return total


def paths(params, y):
    """Every path through one sequence, with its posterior probability."""
    every, logs = list(product(range(K), repeat=len(y))), densities(params, y)
    joint = np.array([log_joint(params, x, logs) for x in every])
    weights = np.exp(joint - joint.max())
    return every, weights / weights.sum()


@pytest.fixture(scope="module")
def moments():
    """The averages that the text writes, over sequences and over every path: one by one."""
    initial, pairs, left = np.zeros(K), np.zeros((K, K)), np.zeros(K)
    visits, sums, squares = np.zeros(K), np.zeros((K, D)), np.zeros((K, D, D))
    for y, known in zip(SEQUENCES, POSTERIORS):
        for x, w in zip(*known):
            initial[x[0]] += w
            for t in range(len(y)):
                visits[x[t]] += w
                sums[x[t]] += w * y[t]
                squares[x[t]] += w * np.outer(y[t], y[t])
                if t > 0:
                    pairs[x[t], x[t - 1]] += w
                    left[x[t - 1]] += w
    N = len(SEQUENCES)
    return initial / N, pairs / N, left / N, visits / N, sums / N, squares / N


def cross_entropy(params):
    """-<log p(X, Y)> under the old posterior, from the joint of whole paths."""
    return -np.mean([
        sum(w * log_joint(params, x, logs) for x, w in zip(*known))
        for logs, known in zip((densities(params, y) for y in SEQUENCES), POSTERIORS)
    ])


POSTERIORS = [paths(OLD, y) for y in SEQUENCES]


def test_text_7_2_cross_entropy(moments, evidence):
    """The last line, with the logarithm of the normal density; as printed, it lacks it."""
    initial, pairs, *_ = moments
    left = cross_entropy(NEW)
    chain = -(pairs * np.log(NEW.transition)).sum() - (initial * np.log(NEW.initial)).sum()
    with_log = without = 0.0
    for y, known in zip(SEQUENCES, POSTERIORS):
        table = densities(NEW, y)
        for x, w in zip(*known):
            with_log += w * table[np.arange(len(y)), x].sum() / len(SEQUENCES)
            without += w * np.exp(table[np.arange(len(y)), x]).sum() / len(SEQUENCES)
    as_printed = chain - without
    assert_only_as_printed(left, chain - with_log, as_printed, -with_log)
    assert left == pytest.approx(16.6, abs=0.05)
    assert as_printed == pytest.approx(3.24, abs=0.05)
    evidence("Text 7.2-a", entropy=left, printed=as_printed)


def test_text_7_2_lagrangian_multipliers(moments):
    """Where the derivative is zero: lambda is 1, and eta_j is how often state j is left."""
    initial, pairs, left, *_ = moments
    assert_only_as_printed(1.0, initial.sum(), moments[3].sum())
    assert_only_as_printed(left, pairs.sum(0), pairs.sum(1), moments[3])        # x_T is not among those left


def test_text_7_2_e_step(moments):
    """The expected statistics are the smoother's, summed over time; the last step is left out of one."""
    initial, pairs, left, visits, sums, _ = moments
    found, N = hmm.expected_statistics(OLD, SEQUENCES), len(SEQUENCES)
    assert_only_as_printed(initial, found.initial / N, visits)
    assert_only_as_printed(pairs, found.pairs / N, found.pairs.T / N)
    assert_only_as_printed(left, found.pairs.sum(0) / N, visits)
    assert_only_as_printed(visits, found.emission.totals / N, left)
    assert_only_as_printed(sums, found.emission.sums / N, sums[::-1])
    filtered = sum(hmm.filter(OLD, y).probabilities[0] for y in SEQUENCES) / N
    assert not np.allclose(filtered, initial, rtol=1e-3)  # the whole future counts at the first step


def test_text_7_2_m_step(moments):
    initial, pairs, left, visits, sums, squares = moments
    found = hmm.maximize(hmm.expected_statistics(OLD, SEQUENCES))
    means = sums / visits[:, None]
    covariances = squares / visits[:, None, None] - np.einsum("ki,kj->kij", means, means)
    assert_only_as_printed(found.initial, initial, visits / visits.sum())
    assert_only_as_printed(found.transition, pairs / left, pairs / visits, pairs / pairs.sum(1, keepdims=True))
    assert_only_as_printed(found.emission.means, means, sums / left[:, None])
    assert_only_as_printed(found.emission.covariances, covariances, squares / visits[:, None, None], rtol=1e-8)


def test_text_7_2_m_step_minimizes_the_cross_entropy(moments):
    """An optimizer that knows nothing of the formulas comes to the same chain."""
    initial, pairs, *_ = moments
    found = hmm.maximize(hmm.expected_statistics(OLD, SEQUENCES))

    def cost(z):
        p = np.exp(z.reshape(K, K + 1))
        p /= p.sum(0)
        return -(initial * np.log(p[:, 0])).sum() - (pairs * np.log(p[:, 1:])).sum()

    z = minimize(cost, np.zeros(K * (K + 1)), tol=1e-12).x.reshape(K, K + 1)
    best = np.exp(z) / np.exp(z).sum(0)
    assert_only_as_printed(best[:, 0], found.initial, OLD.initial, rtol=1e-4)
    assert_only_as_printed(best[:, 1:], found.transition, OLD.transition, rtol=1e-4)
    # And of the whole cross entropy the answer is a minimum: every small change costs.
    rng, least = np.random.default_rng(0), cross_entropy(found)
    assert cross_entropy(OLD) > least
    for _ in range(8):
        shift = found.emission.means + 0.1 * rng.normal(size=(K, D))
        assert cross_entropy(found._replace(emission=found.emission._replace(means=shift))) > least
        scaled = found.emission.covariances * np.exp(0.2 * rng.normal(size=(K, 1, 1)))
        assert cross_entropy(found._replace(emission=found.emission._replace(covariances=scaled))) > least


def test_text_7_2_one_sequence_teaches_nothing_about_the_initial_probabilities():
    """With a single sequence the best pi puts everything on one state, whatever the truth was."""
    y, params = SEQUENCES[0], OLD
    for _ in range(60):
        statistics = hmm.expected_statistics(params, y)
        initial = statistics.initial / statistics.initial.sum()
        params = params._replace(initial=initial)
    assert params.initial.max() > 0.999
    assert OLD.initial.max() == 0.7
