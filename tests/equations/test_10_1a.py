"""Sections 10.1.1 and 10.1.3: NCE and local NCE, by counting, quadrature, enumeration and searches."""

from itertools import product

import numpy as np
from compare import assert_frequencies, assert_only_as_printed
from scipy import integrate, optimize, stats

from pedagogy_lib import data
from pedagogy_lib.learning.objectives import noise_contrastive as nce
from pedagogy_lib.models.undirected import polynomial

P, NOISE = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.4, 0.3, 0.2, 0.1])     # four outcomes, told apart with some luck
E = np.array([1.0, 0.2, -0.3, 0.9])                         # energies of a model that is not normalized
E_NOISE = -np.log(NOISE)


class Table:
    """The energies of four outcomes, each a parameter, as `noise_contrastive` takes a model."""

    @staticmethod
    def marginal_energy(params, y):
        return params[y[:, 0].astype(int)]

    @staticmethod
    def phase(params, y, weights):
        return -np.bincount(y[:, 0].astype(int), weights, minlength=len(params))


def softplus(s):
    return np.log1p(np.exp(s))


def exact_loss(E, ratio=1.0):
    """The cross entropy of Bayes' classifier, by summing over outcomes and coins."""
    joint = np.array([ratio * NOISE, P]) / (1 + ratio)
    belief = np.array([ratio * NOISE, np.exp(-E)])
    return -(joint * np.log(belief / belief.sum(0))).sum()


def test_eq_10_1():
    """Toss, then draw from one of two sources: frequencies of pairs against the printed products."""
    rng = np.random.default_rng(0)
    x = rng.integers(2, size=40_000)
    y = np.where(x == 1, rng.choice(4, x.size, p=P), rng.choice(4, x.size, p=NOISE))
    counts = np.array([[((x == a) & (y == b)).sum() for b in range(4)] for a in (0, 1)])
    printed = np.array([[0.5 * P[b] ** a * NOISE[b] ** (1 - a) for b in range(4)] for a in (0, 1)])
    assert_frequencies(counts, printed, printed[::-1], np.outer([0.4, 0.6], P))


def test_eq_10_2():
    """The unnormalized Bayes quotient, and the logistic function of the energies' difference."""
    quotient = np.exp(-E) / (np.exp(-E) + np.exp(-E_NOISE))
    h = E_NOISE - E
    logistic = 1 / (1 + np.exp(-h))
    assert_only_as_printed(quotient, logistic, 1 / (1 + np.exp(h)), np.exp(-E) / np.exp(-E).sum())
    rows = np.arange(4.0)[:, None]
    params = nce.Parameters(E - 0.4, np.array([0.4]))
    library = nce.posterior(nce.log_ratio(Table, params, rows, np.log(NOISE)))
    assert_only_as_printed(quotient, library, nce.posterior(h, 2.0))


def test_eq_10_3():
    """h is the log of the odds, when both are equally common: by a quotient of heights."""
    rows, params = np.arange(4.0)[:, None], nce.Parameters(E + 1.0, np.array([-1.0]))
    odds = np.exp(-E) / NOISE
    found = nce.log_ratio(Table, params, rows, np.log(NOISE))
    assert_only_as_printed(np.log(odds), E_NOISE - E, E - E_NOISE)
    assert_only_as_printed(np.log(odds), found, found + 1.0)


def test_eq_10_4():
    """The three lines: an average over coins and rows, the two halves, and the library's, at drawn rows."""
    h = E_NOISE - E
    posterior = np.exp(-E) / (np.exp(-E) + NOISE)
    first = exact_loss(E)
    second = -0.5 * P @ np.log(posterior) - 0.5 * NOISE @ np.log(1 - posterior)
    third = 0.5 * P @ softplus(-h) + 0.5 * NOISE @ softplus(h)
    assert_only_as_printed(first, second, -P @ np.log(posterior) - NOISE @ np.log(1 - posterior))
    assert_only_as_printed(first, third, 0.5 * P @ softplus(h) + 0.5 * NOISE @ softplus(-h))
    # a sample that has exactly these shares: ten data and ten draws
    y, drawn = (np.repeat(np.arange(4.0), np.round(10 * share).astype(int))[:, None] for share in (P, NOISE))
    log_noise = lambda rows: np.log(NOISE)[rows[:, 0].astype(int)]
    params = nce.Parameters(E, np.zeros(1))
    library = nce.value_and_gradient(Table, params, y, drawn, log_noise)[0]
    halves = nce.loss(*(h[rows[:, 0].astype(int)] for rows in (y, drawn)))
    assert_only_as_printed(first, library, nce.value_and_gradient(Table, params, drawn, y, log_noise)[0])
    assert_only_as_printed(first, halves, 2 * halves)


def test_result_the_minimum_is_normalized():
    """A search over four energies that nobody normalizes ends at -log p, and not at it and a constant."""
    for ratio in (1.0, 3.0):
        found = optimize.minimize(exact_loss, E, args=(ratio,), tol=1e-12, options={"gtol": 1e-9})
        assert_only_as_printed(-np.log(P), found.x, found.x + 0.01, E, atol=1e-5, rtol=0)
        for constant in (-1.0, -0.1, 0.1, 1.0):
            assert exact_loss(found.x + constant, ratio) > found.fun + 1e-4
    truth = P / (P + NOISE)
    entropy = -(0.5 * P @ np.log(truth) + 0.5 * NOISE @ np.log(1 - truth))
    guess = stats.logistic.cdf(E_NOISE - E)
    terms = truth * np.log(truth / guess) + (1 - truth) * np.log((1 - truth) / (1 - guess))
    divergence = 0.5 * (P + NOISE) @ terms
    assert_only_as_printed(exact_loss(E), entropy + divergence, entropy - divergence, entropy)
    y, drawn = (np.repeat(np.arange(4.0), np.round(10 * share).astype(int))[:, None] for share in (P, NOISE))
    log_noise = lambda rows: np.log(NOISE)[rows[:, 0].astype(int)]
    slope = nce.value_and_gradient(Table, nce.Parameters(-np.log(P), np.zeros(1)), y, drawn, log_noise)[1]
    np.testing.assert_allclose([*slope.model, *slope.log_normalizer], 0, atol=1e-12)


def covariance(p, noise, ratio):
    """The library's, for four outcomes of which three energies and the normalizer are free."""
    scores = np.column_stack([np.eye(4)[:, :3], -np.ones(4)])
    return nce.covariance(scores, np.log(p), np.log(noise), np.ones(4), ratio)


def test_result_the_covariance_of_the_estimates():
    """The formula against estimates from drawn counts, which for a table are quotients of frequencies."""
    rng, N, ratio = np.random.default_rng(1), 4000, 2
    data_counts, noise_counts = rng.multinomial(N, P, 4000), rng.multinomial(ratio * N, NOISE, 4000)
    log_p = np.log(data_counts / N) - np.log(noise_counts / (ratio * N)) + np.log(NOISE)      # e^h = p / p_n, by counts
    found = np.column_stack([log_p[:, :3] - log_p[:, 3:], -log_p[:, 3]])
    expected = covariance(P, NOISE, ratio)
    assert_only_as_printed(N * np.cov(found.T), expected, covariance(P, NOISE, 1), covariance(P, P, ratio), rtol=0.12)


def test_result_noise_like_the_data():
    """Then the covariance is 1 + 1 / nu times the inverse Fisher information, which is written out here."""
    fisher = np.diag(P[:3]) - np.outer(P[:3], P[:3])
    for ratio in (0.5, 1.0, 4.0):
        found = covariance(P, P, ratio)[:3, :3]
        other = covariance(P, NOISE, ratio)[:3, :3]
        assert_only_as_printed((1 + 1 / ratio) * np.linalg.inv(fisher), found, np.linalg.inv(fisher), other)


def test_result_conditional_nce_becomes_score_matching():
    """Excess over log 2, times 4 / eps^2, against <|F'|^2 / 2 - F''> under the data; both by quadrature."""
    F = np.polynomial.Polynomial([0, 0.3, 0.2, -0.1, 0.1])
    score_matching = integrate.quad(lambda t: stats.norm.pdf(t) * (0.5 * F.deriv()(t) ** 2 - F.deriv(2)(t)), -9, 9)[0]
    t = np.linspace(-8, 8, 4001)
    weight = stats.norm.pdf(t) * (t[1] - t[0])
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)
    params = polynomial.Parameters(-F.coef[1:])
    found, library = [], []
    for eps in (0.02, 0.01):
        means = [weight @ softplus(F(t) - F(t + eps * node)) for node in nodes]
        found.append((shares / shares.sum() @ means - np.log(2)) * 4 / eps**2)
        rows = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)[:, None]
        means = [nce.conditional_value_and_gradient(polynomial, params, rows, rows + eps * node)[0] for node in nodes]
        library.append((shares / shares.sum() @ means - np.log(2)) * 4 / eps**2)
    wrong = integrate.quad(lambda t: stats.norm.pdf(t) * (F.deriv()(t) ** 2 - F.deriv(2)(t)), -9, 9)[0]
    assert_only_as_printed(score_matching, found[1], wrong, -score_matching, rtol=0.01)
    empirical = (0.5 * F.deriv()(rows) ** 2 - F.deriv(2)(rows)).mean()
    assert_only_as_printed(empirical, library[1], (F.deriv()(rows) ** 2 - F.deriv(2)(rows)).mean(), rtol=0.01)
    assert abs(found[1] - score_matching) < abs(found[0] - score_matching)


def test_eq_10_12():
    """The product against Bayes' theorem for all 2^K coins of a model whose rows are independent."""
    rng, K = np.random.default_rng(2), 3
    rows = rng.integers(4, size=K)
    every = np.array(list(product((0, 1), repeat=K)))
    weights = np.prod(np.where(every == 1, np.exp(-E)[rows], NOISE[rows]), 1)
    weights /= weights.sum()
    one_hot = [weights[(every == np.eye(K, dtype=int)[i]).all(1)][0] for i in range(K)]
    s = stats.logistic.cdf(E_NOISE - E)[rows]
    printed = [s[i] * np.prod(np.delete(1 - s, i)) for i in range(K)]
    softmax = np.exp(E_NOISE - E)[rows] / np.exp(E_NOISE - E)[rows].sum()
    assert_only_as_printed(one_hot, printed, softmax, s)


def local_draws():
    rng, K = np.random.default_rng(3), 4
    which = rng.integers(K, size=500)
    rows = rng.choice(4, (500, K), p=NOISE)
    rows[np.arange(500), which] = rng.choice(4, 500, p=P)
    return (E_NOISE - E)[rows], which


def test_eq_10_13(evidence):
    """The loss over groups by enumerating X, and the last line; one negative in the places of all is not it."""
    h, which = local_draws()
    s, n = stats.logistic.cdf(h), np.arange(len(h))
    group = np.array([[-np.log(s[m, k]) - np.log(np.delete(1 - s[m], k)).sum() for k in range(4)] for m in n])
    enumerated = (np.eye(4)[which] * group).sum(1).mean()
    positive = h[n, which]
    negative = np.array([np.delete(h[m], which[m]) for m in n])
    last_line = -(np.log(stats.logistic.cdf(positive)) + np.log(stats.logistic.cdf(-negative)).sum(1)).mean()
    one_for_all = -(np.log(stats.logistic.cdf(positive)) + 3 * np.log(stats.logistic.cdf(-negative[:, 0]))).mean()
    others = np.prod(np.delete(1 - s, 0, axis=1), 1)        # i = 1 throughout
    free_i = (np.eye(4)[which] * -np.log(s * others[:, None])).sum(1).mean()
    assert_only_as_printed(enumerated, last_line, one_for_all, free_i)
    assert_only_as_printed(enumerated, nce.local_loss(positive, negative), one_for_all)
    evidence("10.13", loss=enumerated, one=one_for_all, free=free_i)


def test_result_local_nce_is_off_by_a_constant():
    """A search for the minimum of the exact local loss: the energies are those of p, and log(K - 1) more."""
    for K in (2, 5):
        exact = lambda E, K=K: P @ softplus(E - E_NOISE) + (K - 1) * NOISE @ softplus(E_NOISE - E)
        found = optimize.minimize(exact, E, tol=1e-12, options={"gtol": 1e-9}).x
        printed = -np.log(P) + np.log(K - 1)
        assert_only_as_printed(found, printed, -np.log(P) + np.log(K), printed + 0.01, atol=1e-5, rtol=0)
    h = E_NOISE + np.log(P) - np.log(4)
    y, drawn = np.repeat(h, (100 * P).astype(int)), np.repeat(h, (100 * NOISE).astype(int))
    here = nce.local_loss(y, np.tile(drawn[:, None], (1, 4)))
    assert all(nce.local_loss(y + d, np.tile(drawn[:, None], (1, 4)) + d) > here for d in (np.log(4), 0.1, -0.1))


def waits():
    y = ((data.old_faithful().values[:, 1] - 70) / 13)[:, None]
    return y, polynomial.fit(y, 4)


def test_text_10_1_which_mistake_keeps_the_normalizer_from_being_too_small(evidence):
    """Divide by a number that is too small: noise is taken for data, and not data for noise."""
    y, best = waits()
    noise = stats.norm(0, 1)
    rows = noise.rvs(20_000, random_state=np.random.default_rng(4))[:, None]
    chance = lambda y, c: stats.logistic.cdf(polynomial.log_marginal(best, y) - c - noise.logpdf(y[:, 0]))
    false = [chance(rows, c).mean() for c in (0.0, -2.0)]
    misses = [1 - chance(y, c).mean() for c in (0.0, -2.0)]
    assert false[1] > false[0] + 0.2 and misses[1] < misses[0] - 0.2
    evidence(
        "Text 10.1-a", alarms=100 * false[0], alarms_small=100 * false[1],
        misses=100 * misses[0], misses_small=100 * misses[1])


def test_text_10_1_the_normalizer_is_no_integral_of_the_energy(evidence):
    """Over ever wider ranges: the integral of exp(-E) settles at Z, and that of E grows."""
    _, best = waits()
    E = lambda t: -np.polynomial.polynomial.polyval(t, [0, *best.coefficients])
    Z = [integrate.quad(lambda t: np.exp(-E(t)), -r, r, limit=200)[0] for r in (3, 6)]
    of_E = [integrate.quad(E, -r, r)[0] for r in (3, 6)]
    assert_only_as_printed(np.exp(polynomial.log_partition(best)), Z[1], *of_E, rtol=1e-8)
    evidence("Text 10.1-b", Z=Z[1], three=of_E[0], six=of_E[1])
