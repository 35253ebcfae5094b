"""Section 3.4, harmoniums in time, empty in the draft: the probability of a sequence, its gradient, and the rEFH."""

from itertools import product

import numpy as np
from compare import assert_only_as_printed
from scipy import stats

from pedagogy_lib.distributions.exponential_family.layers import Bernoulli
from pedagogy_lib.models.undirected import recurrent

RNG = np.random.default_rng(0)
W, F = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 3))
BX, BY, R0 = RNG.normal(size=3), RNG.normal(size=2), RNG.random(3)
X = np.array(list(product((0.0, 1.0), repeat=3)))
Y = np.array(list(product((0.0, 1.0), repeat=2)))
SEQUENCE = np.array([[1.0, 0], [1, 1], [0, 0], [0, 1]])
SIGMOID = lambda a: 1 / (1 + np.exp(-a))


def machine(F=F, W=W, BX=BX):
    return recurrent.Parameters(W, F, Bernoulli(BX), Bernoulli(BY), R0, Bernoulli(np.zeros(3)))


def moments(F=F, W=W, BX=BX):
    """For each moment: b_t, r_t, the table p(x_t, y_t | past) over both layers, from the energy."""
    known, found = R0, []
    for y in SEQUENCE:
        b = BX + F @ known
        raw = np.exp((X @ b)[:, None] + Y @ BY + X @ W @ Y.T)
        known = SIGMOID(b + W @ y)
        found.append((b, known, raw / raw.sum(), raw.sum()))
    return found


def log_p(**changed):
    tables = [table for _, _, table, _ in moments(**changed)]
    return sum(np.log(table[:, np.all(y == Y, axis=1)].sum()) for table, y in zip(tables, SEQUENCE))


def test_result_a_sequence_is_a_product():
    right = sum(
        BY @ y + np.log1p(np.exp(b + W @ y)).sum() - np.log(Z) for (b, _, _, Z), y in zip(moments(), SEQUENCE)
    )
    first = moments()[0][3]                             # one normalizer for all moments
    wrong = sum(
        BY @ y + np.log1p(np.exp(b + W @ y)).sum() - np.log(first) for (b, _, _, _), y in zip(moments(), SEQUENCE)
    )
    assert_only_as_printed(log_p(), right, wrong, rtol=1e-12)
    assert_only_as_printed(recurrent.log_marginal(machine(), SEQUENCE[None])[0], right, wrong, rtol=1e-12)


def test_result_back_through_time():
    found = moments()
    local = np.array([table.sum(1) @ X - r for _, r, table, _ in found])
    means = np.array([r for _, r, _, _ in found])

    def back(transposed=True, later=True):
        g = local.copy()
        for t in (2, 1, 0):
            g[t] += later * ((F.T if transposed else F) @ g[t + 1]) * means[t] * (1 - means[t])
        return g

    past = np.vstack([R0, means[:-1]])
    slope = lambda name, at: np.array([
        (log_p(**{name: at - e}) - log_p(**{name: at + e})) / 2e-5
        for e in 1e-5 * np.eye(at.size).reshape(-1, *at.shape)
    ]).reshape(at.shape)  # of minus log p
    one_step, wrong_way = back(later=False).T @ past, back(transposed=False).T @ past
    assert_only_as_printed(slope("F", F), back().T @ past, one_step, wrong_way, rtol=1e-6, atol=1e-8)
    assert_only_as_printed(slope("BX", BX), back().sum(0), local.sum(0), rtol=1e-6, atol=1e-8)
    model = sum(np.einsum("xy,xl,yd->ld", table, X, Y) for _, _, table, _ in found)
    right = model - means.T @ SEQUENCE + (back() - local).T @ SEQUENCE
    assert_only_as_printed(slope("W", W), right, model - means.T @ SEQUENCE, rtol=1e-6, atol=1e-8)
    gradient = recurrent.value_and_gradient(machine(), SEQUENCE[None])[1]
    np.testing.assert_allclose(4 * gradient.weights, right, rtol=1e-10)
    np.testing.assert_allclose(4 * gradient.feedback, back().T @ past, rtol=1e-10)


def test_result_the_past_as_data():
    """Conditionals by tables of the energy over coins of all three layers; up it is the filter."""
    br = np.array([0.3, -0.2, 0.5])
    P = X                                               # all values of the past, as coins
    energy = lambda x, y, p: -(BX @ x + BY @ y + br @ p + x @ W @ y + x @ F @ p)
    raw = np.array([[[np.exp(-energy(x, y, p)) for p in P] for y in Y] for x in X])
    up = (raw / raw.sum(0)).transpose(1, 2, 0) @ X      # (y, past, coin)
    right = SIGMOID(BX + (Y @ W.T)[:, None] + P @ F.T)
    assert_only_as_printed(up, right, SIGMOID(BX + (Y @ W.T)[:, None] + P @ F), rtol=1e-12)
    y, p = Y[2], P[5]
    held = machine()._replace(initial=p)
    np.testing.assert_allclose(recurrent.filter(held, y[None, None]).means[0, 0], right[2, 5], rtol=1e-12)
    down = np.einsum("xyp,pl->xl", raw / raw.sum((1, 2), keepdims=True), P)
    assert_only_as_printed(down, SIGMOID(br + X @ F), SIGMOID(br + X @ F.T), rtol=1e-12)


def test_result_a_population_of_poisson_cells():
    """Differences of log likelihoods, of a dense population: those of a Gaussian."""
    centers, width, gain = np.linspace(-3, 4, 71), 0.3, 0.5
    rates = lambda s: gain * np.exp(-((s - centers) ** 2) / (2 * width**2))
    counts = np.random.default_rng(1).poisson(rates(0.4))
    n, center = counts.sum(), counts @ centers / counts.sum()
    places = np.linspace(-0.5, 1.5, 9)
    left = np.array([stats.poisson.logpmf(counts, rates(s)).sum() for s in places])
    gaussian = lambda variance: stats.norm.logpdf(places, center, np.sqrt(variance))
    right, wrong = gaussian(width**2 / n), gaussian(width**2)
    assert_only_as_printed(left - left[0], right - right[0], wrong - wrong[0], rtol=1e-6, atol=1e-6)
