"""Section 8.2.2, discrete latents: Eqs. 8.27-8.29, and the density that the draft leaves out."""

import numpy as np
from compare import assert_frequencies, assert_only_as_printed
from scipy import integrate, stats
from scipy.special import expit

from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions import gumbel_softmax as gumbel
from pedagogy_lib.learning.gradient_estimators import categoricals

ETA = np.array([0.4, -0.9, 1.2, 0.1])
SHARES = np.exp(ETA) / np.exp(ETA).sum()
N = 100_000


def test_eq_8_27():
    """Bins of widths sigma, and a uniform number: the frequencies of the categories."""
    y = categorical.sample(categorical.Categorical(SHARES), N, np.random.default_rng(0))
    other = np.exp(2 * ETA) / np.exp(2 * ETA).sum()
    assert_frequencies(np.bincount(y, minlength=4), SHARES, ETA**2 / (ETA**2).sum(), other)


def test_text_8_2_2_the_density_is_the_slope_of_the_distribution_function():
    g, eta, h = np.linspace(-2, 5, 9), 0.7, 1e-5
    F = lambda g: np.exp(-np.exp(-(g - eta)))
    f = np.exp(-(g - eta + np.exp(-(g - eta))))
    assert_only_as_printed((F(g + h) - F(g - h)) / (2 * h), f, np.exp(-(g + eta + np.exp(-(g - eta)))), rtol=1e-6)


def test_eq_8_28():
    """The integral of the first line, by quadrature, is the softmax; and so are the frequencies of the largest."""
    F = lambda g, k: np.exp(-np.exp(-(g - ETA[k])))
    f = lambda g, k: np.exp(-(g - ETA[k] + np.exp(-(g - ETA[k]))))
    first = [
        integrate.quad(lambda g, l=l: np.prod([F(g, k) for k in range(4) if k != l]) * f(g, l), -8, 40, limit=200)[0]
        for l in range(4)
    ]
    assert_only_as_printed(first, SHARES, np.exp(2 * ETA) / np.exp(2 * ETA).sum(), SHARES[::-1], rtol=1e-7)
    y = gumbel.harden(gumbel.perturb(ETA, N, np.random.default_rng(1)))
    normal = (ETA + np.random.default_rng(2).normal(size=(N, 4))).argmax(1)
    assert_frequencies(y.sum(0), SHARES, np.bincount(normal, minlength=4) / N)


def test_eq_8_29():
    """The softmax of perturbed logits over the softness; toward 0 it is the one-hot vector."""
    G, s = gumbel.perturb(ETA, 1000, np.random.default_rng(3)), 0.6
    weights = np.exp(G / s)
    assert_only_as_printed(
        weights / weights.sum(1, keepdims=True), gumbel.soften(G, s), gumbel.soften(G, 1.0), gumbel.soften(G * s, 1.0)
    )
    distances = [np.abs(gumbel.soften(G, s) - gumbel.harden(G)).mean() for s in (1.0, 0.1, 0.01, 0.001)]
    assert np.all(np.diff(distances) < 0) and distances[-1] < 1e-3
    drawn = gumbel.sample(gumbel.GumbelSoftmax(ETA, s), 1000, np.random.default_rng(3))
    np.testing.assert_allclose(drawn, gumbel.soften(G, s))


def test_the_density_of_the_soft_draws():
    """(K-1)! s^(K-1) prod e^eta y^(-s-1) / (sum e^eta y^-s)^K: for two categories, from the logistic difference."""
    for s in (0.5, 1.0, 2.0):
        y = np.array([0.03, 0.3, 0.5, 0.9])
        # logit(y) = (eta_1 - eta_2 + L) / s with L logistic, so that y has the distribution function below.
        F = lambda y, s=s: stats.logistic.cdf(s * np.log(y / (1 - y)) - (ETA[0] - ETA[1]))
        left = (F(y + 1e-6) - F(y - 1e-6)) / 2e-6
        right = np.exp(gumbel.log_density(gumbel.GumbelSoftmax(ETA[:2], s), np.c_[y, 1 - y]))
        assert_only_as_printed(left, right, 2 * right, right / s + 1e-3, rtol=1e-6)


def test_text_8_2_2_the_slope_of_the_soft_argmax(evidence):
    """The numerator of the second term must be softened, too: exp(g_m / s)."""
    g, s, h = np.array([0.5, -0.3, 1.1]), 0.5, 1e-6
    sigma = lambda g: np.exp(g / s) / np.exp(g / s).sum()
    left = np.stack([(sigma(g + h * e) - sigma(g - h * e)) / (2 * h) for e in np.eye(3)], -1)  # [l, m]
    soft = sigma(g)
    right = soft[:, None] / s * (np.eye(3) - soft)
    printed = soft[:, None] / s * (np.eye(3) - np.exp(g) / np.exp(g / s).sum())
    assert_only_as_printed(left, right, printed, s * right, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(gumbel.pull_back(soft, s, np.eye(3)[[1]][0]), left[1], atol=1e-8)
    evidence("Text 8.2.2-c", slope=left[0, 2], printed=printed[0, 2])


def test_text_8_2_2_gumbel_noise_has_another_mean(evidence):
    """F_k has its mode at eta_k; its mean lies higher by Euler's constant."""
    f = lambda g: np.exp(-(g - 0.7 + np.exp(-(g - 0.7))))
    mean = integrate.quad(lambda g: g * f(g), -6, 45, limit=200)[0]
    assert_only_as_printed(mean, 0.7 + np.euler_gamma, 0.7, rtol=1e-7)
    grid = np.linspace(-2, 4, 601)
    assert abs(grid[f(grid).argmax()] - 0.7) < 0.006
    evidence("Text 8.2.2-d", mean=mean - 0.7)


def test_text_8_2_2_a_draw_of_softness_one_is_far_from_its_mean(evidence):
    """Two equal categories: the draw is uniform from 0 to 1, and a categorical draw deviates by a half."""
    y = gumbel.sample(gumbel.GumbelSoftmax(np.zeros(2), 1.0), N, np.random.default_rng(4))[:, 0]
    assert stats.kstest(y[:20_000], "uniform").pvalue > 1e-3
    assert_only_as_printed(y.std(), 1 / np.sqrt(12), 0.1, 0.5, rtol=0.02)
    evidence("Text 8.2.2-e", deviation=1 / np.sqrt(12))


def test_text_8_2_2_a_derivative_does_not_pass_the_average_of_a_step(evidence):
    """The last equality of the display: on its right every draw has the derivative zero."""
    eta, values = np.array([0.4, -0.2]), np.array([1.0, 3.0])
    average = lambda d: expit(d) * values[0] + expit(-d) * values[1]
    left = (average(0.6 + 1e-6) - average(0.6 - 1e-6)) / 2e-6
    G, h = gumbel.perturb(eta, N, np.random.default_rng(5)), 1e-9
    inside = (gumbel.harden(G + [h, 0]) - gumbel.harden(G - [h, 0])) @ values / (2 * h)
    assert_only_as_printed(left, categoricals.exact(lambda y: y @ values, eta)[0], 0.0, rtol=1e-7)
    assert (inside == 0).all()
    evidence("Text 8.2.2-f", slope=left)


def test_text_8_2_2_the_relaxed_gradient():
    """The last display: the average slope through the soft draw, against differences of the same average."""
    f = lambda y: np.exp(y[..., 0]) + y[..., 1] * y[..., 2]
    slope = lambda y: np.stack([np.exp(y[..., 0]), y[..., 2], y[..., 1], 0 * y[..., 0]], -1)
    average = lambda eta: f(gumbel.soften(gumbel.perturb(eta, N, np.random.default_rng(6)), 0.5)).mean()
    left = [(average(ETA + 1e-5 * e) - average(ETA - 1e-5 * e)) / 2e-5 for e in np.eye(4)]
    right = categoricals.relaxed(slope, ETA, 0.5, N, np.random.default_rng(6)).mean(0)
    assert_only_as_printed(left, right, 0.5 * right, categoricals.exact(f, ETA), rtol=1e-6, atol=1e-9)
