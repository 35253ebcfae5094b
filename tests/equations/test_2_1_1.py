"""Section 2.1.1: Bayes' theorem and the Gaussian mixture model, Eqs. 2.1-2.10."""

import numpy as np
import pytest
from compare import assert_frequencies, assert_only_as_printed
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import softmax
from scipy.stats import multivariate_normal, norm

from pedagogy_lib.models.static import gmm

# One dimension, so that probabilities of intervals come from the normal CDF, not from a density.
LINE = gmm.Parameters(
    np.array([0.2, 0.5, 0.3]), np.array([[-1.0], [0.5], [2.0]]), np.array([[[0.5]], [[1.0]], [[2.0]]])
)
PLANE = gmm.Parameters(
    np.array([0.2, 0.5, 0.3]),
    np.array([[-1.0, 0.0], [0.5, 1.0], [2.0, -1.0]]),
    np.array([[[0.5, 0.1], [0.1, 0.4]], [[1.0, -0.3], [-0.3, 0.7]], [[2.0, 0.0], [0.0, 0.3]]]),
)
SHARED = PLANE._replace(covariances=np.broadcast_to(PLANE.covariances[0], (3, 2, 2)))


def density(params, y, k):
    """N(y; mu_k, Sigma_k), by SciPy."""
    return multivariate_normal(params.means[k], params.covariances[k]).pdf(y)


def interval_probabilities(low, high):
    """p(X = k, low < Y < high) for every k, from the normal CDF."""
    deviations = np.sqrt(LINE.covariances[:, 0, 0])
    cdf = norm(LINE.means[:, 0], deviations).cdf
    return LINE.weights * (cdf(high) - cdf(low))


def test_eq_2_1():
    # Left: the conditional of a joint density. Right: prior times emission, each known on its own.
    joint = multivariate_normal([1.0, -1.0], [[2.0, 0.8], [0.8, 1.0]])
    y = 0.3

    def prior(x):
        return norm(1.0, np.sqrt(2.0)).pdf(x)

    def emission(x):
        return norm(-1.0 + 0.8 / 2.0 * (x - 1.0), np.sqrt(1.0 - 0.8**2 / 2.0)).pdf(y)

    x = np.linspace(-3, 5, 9)
    left = joint.pdf(np.stack([x, np.full_like(x, y)], 1)) / quad(lambda s: joint.pdf([s, y]), -20, 20)[0]
    normalizer = quad(lambda s: emission(s) * prior(s), -20, 20)[0]
    right = np.array([emission(s) * prior(s) for s in x]) / normalizer
    assert_only_as_printed(left, right, right * normalizer, [emission(s) for s in x], rtol=1e-7)
    # The last line: proportional in x, the constant may depend on y.
    ratio = left / np.array([emission(s) * prior(s) for s in x])
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-7)


def test_eq_2_2():
    draw = gmm.sample(LINE, 200_000, np.random.default_rng(2))
    assert_frequencies(np.bincount(draw.classes), LINE.weights, LINE.weights[::-1])
    for k in range(3):
        y = draw.observations[draw.classes == k, 0]
        deviation = np.sqrt(LINE.covariances[k, 0, 0])
        cell = norm(LINE.means[k, 0], deviation).ppf([0.25, 0.5, 0.75])
        counts = np.bincount(np.searchsorted(cell, y), minlength=4)
        wrong = np.diff(norm(LINE.means[k, 0], 1.2 * deviation).cdf([-np.inf, *cell, np.inf]))
        assert_frequencies(counts, np.full(4, 0.25), wrong)


def test_eq_2_3():
    one_hot = np.eye(3)
    frequencies = np.bincount(gmm.sample(LINE, 300_000, np.random.default_rng(3)).classes) / 300_000
    right = np.prod(LINE.weights**one_hot, axis=1)
    assert_only_as_printed(frequencies, right, (LINE.weights**one_hot).sum(1), rtol=0.02)
    np.testing.assert_allclose(right, one_hot @ LINE.weights, rtol=1e-14)


def test_eq_2_4():
    y = np.array([0.3, -0.4])
    densities = np.array([density(PLANE, y, k) for k in range(3)])
    left = np.exp(gmm.emission(PLANE).log_densities([y])[0])
    right = np.array([np.prod(densities**x) for x in np.eye(3)])
    assert_only_as_printed(left, right, np.array([np.prod(densities ** (1 - x)) for x in np.eye(3)]))


def test_eq_2_5():
    y = np.array([0.3, -0.4])
    C = PLANE.means.T                                     # columns are the mean vectors
    left = np.exp(gmm.emission(PLANE).log_densities([y])[0])
    right = [multivariate_normal(C @ x, PLANE.covariances[k]).pdf(y) for k, x in enumerate(np.eye(3))]
    wrong = [multivariate_normal(C @ x, PLANE.covariances[0]).pdf(y) for x in np.eye(3)]
    assert_only_as_printed(left, right, wrong)


def test_eq_2_6():
    y, half = 0.7, 1e-5
    joint = interval_probabilities(y - half, y + half)
    left = joint / joint.sum()                            # p(X = j, Y near y) / p(Y near y)
    likelihood = np.array([density(LINE, [y], k) for k in range(3)])
    prior = LINE.weights
    lines = [
        np.array([likelihood[j] * prior[j] / sum(likelihood @ (x * prior) for x in np.eye(3)) for j in range(3)]),
        likelihood * prior / np.sum(likelihood * prior),
        np.exp(np.log(likelihood * prior)) / np.exp(np.log(likelihood * prior)).sum(),
        softmax(np.log(likelihood * prior)),
        gmm.posterior(LINE, [[y]]).probabilities[0],
    ]
    for right in lines:
        assert_only_as_printed(left, right, likelihood / likelihood.sum(), prior, rtol=1e-6)


def test_eq_2_7():
    # The posterior is categorical, with the softmax as its probabilities: conditional frequencies.
    draw = gmm.sample(LINE, 400_000, np.random.default_rng(7))
    near = np.abs(draw.observations[:, 0] - 0.7) < 0.02
    z = gmm.emission(LINE).log_densities([[0.7]])[0] + np.log(LINE.weights)
    assert_frequencies(np.bincount(draw.classes[near], minlength=3), softmax(z), softmax(z - np.log(LINE.weights)))


def test_eq_2_8():
    y = np.array([0.3, -0.4])
    log_joint = np.array([np.log(density(PLANE, y, k) * PLANE.weights[k]) for k in range(3)])
    squares, log_determinants = np.empty(3), np.empty(3)
    for k in range(3):
        deviation = y - PLANE.means[k]
        squares[k] = deviation @ np.linalg.inv(PLANE.covariances[k]) @ deviation
        log_determinants[k] = np.log(np.linalg.det(PLANE.covariances[k]))
    z = -0.5 * log_determinants - 0.5 * squares + np.log(PLANE.weights)
    # c is the same for every class, and so factors out of the softmax.
    assert np.ptp(log_joint - z) < 1e-12
    no_determinant, no_half = z + 0.5 * log_determinants, z - 0.5 * squares
    found = gmm.posterior(PLANE, [y]).probabilities[0]
    assert_only_as_printed(found, softmax(z), softmax(no_determinant), softmax(no_half))


def test_eq_2_9():
    k, j = 0, 2
    normal, threshold = gmm.linear_boundary(SHARED, k, j)
    midpoint = (SHARED.means[k] + SHARED.means[j]) / 2
    precision = np.linalg.inv(SHARED.covariances[0])

    def log_ratio(y):
        at_k, at_j = (multivariate_normal(SHARED.means[i], SHARED.covariances[i]).logpdf(y) for i in (k, j))
        return at_k + np.log(SHARED.weights[k]) - at_j - np.log(SHARED.weights[j])

    # Left: points where the two are equally probable, found by root search along three lines.
    for start in ([-1.0, 2.0], [-2.0, -1.0], [0.0, 0.0]):
        start, along = np.array(start), SHARED.means[j] - SHARED.means[k]
        y = start + along * brentq(lambda s, start=start, along=along: log_ratio(start + s * along), -9, 9, xtol=1e-14)
        left = (y - midpoint) @ precision @ (SHARED.means[k] - SHARED.means[j])
        right = np.log(SHARED.weights[j] / SHARED.weights[k])
        assert_only_as_printed(left, right, -right, 0.0, rtol=1e-8)
        assert normal @ y == pytest.approx(threshold, rel=1e-9)
    # Class k is the more probable where the left-hand side is the larger.
    points = np.random.default_rng(9).normal(size=(500, 2)) * 3
    says_k = points @ normal > threshold
    np.testing.assert_array_equal(says_k, [log_ratio(y) > 0 for y in points])
    assert 50 < says_k.sum() < 450


def test_eq_2_10():
    # Left: how often samples fall between the edges. Right: the sum over classes, integrated.
    edges = np.array([-2.0, -0.5, 0.3, 1.0, 2.5])
    y = gmm.sample(LINE, 300_000, np.random.default_rng(10)).observations[:, 0]
    counts = np.bincount(np.searchsorted(edges, y), minlength=6)

    def cells(weights):
        def marginal(s):
            return sum(density(LINE, [s], k) * w for k, w in enumerate(weights))

        bounds = [-30.0, *edges, 40.0]
        return np.array([quad(marginal, a, b, epsabs=1e-10)[0] for a, b in zip(bounds, bounds[1:])])

    assert_frequencies(counts, cells(LINE.weights), cells(LINE.weights[::-1]), cells(np.full(3, 1 / 3)))
    at = np.linspace(-3, 4, 8)
    summed = [sum(density(LINE, [s], k) * LINE.weights[k] for k in range(3)) for s in at]
    np.testing.assert_allclose(np.exp(gmm.log_marginal(LINE, at[:, None])), summed, rtol=1e-12)


def test_text_2_1_1_conjugacy():
    """The posterior's log probabilities are the prior's plus the log likelihoods, up to a constant."""
    y = np.array([0.3, -0.4])
    updated = np.log(PLANE.weights) + np.log([density(PLANE, y, k) for k in range(3)])
    difference = np.log(gmm.posterior(PLANE, [y]).probabilities[0]) - updated
    assert np.ptp(difference) < 1e-12
    assert np.ptp(difference - np.log(PLANE.weights)) > 0.1


def test_text_2_1_1_partition_function():
    """As printed, the conjugate form has partition function one: only for weights that sum to one."""
    total = sum(np.exp(x @ np.log(PLANE.weights)) for x in np.eye(3))
    assert_only_as_printed(1.0, total, sum(np.exp(x @ np.log(2 * PLANE.weights)) for x in np.eye(3)), rtol=1e-12)


def test_text_2_1_1_boundary_is_quadratic():
    """Log-odds of two classes are a second-order polynomial in y: its third differences vanish."""
    line = np.array([[-1.0, 0.4]]) + np.linspace(0, 3, 7)[:, None] * np.array([[1.0, 0.7]])
    z = gmm.emission(PLANE).log_densities(line)
    odds = z[:, 0] - z[:, 1]
    assert np.abs(np.diff(odds, 3)).max() < 1e-12
    assert np.abs(np.diff(odds, 2)).min() > 1e-3
    z = gmm.emission(SHARED).log_densities(line)
    assert np.abs(np.diff(z[:, 0] - z[:, 1], 2)).max() < 1e-12
