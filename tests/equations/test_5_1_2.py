"""Section 5.1.2 with B.2: exponential families, generalized linear models, Fisher's information.

The textbook's D is (K, M), its samples are averaged, and y is a column. Here y is (N, M), a sample in each row.
"""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy import integrate, stats
from scipy.special import digamma, gammaln, polygamma

from pedagogy_lib.distributions.exponential_family import dispersion, vectors
from pedagogy_lib.learning.regression import gamma_shape, generalized

RNG = np.random.default_rng(512)
N, M, K = 60, 3, 4
Y = RNG.normal(size=(N, M))


def slope(f, at, h=1e-5):
    """df/dat by central differences, for a number or an array."""
    at = np.asarray(at, float)
    found = np.empty_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = h
        found[index] = (f(at + step) - f(at - step)) / (2 * h)
    return found


def bend(f, at, h=1e-3):
    """The Hessian of f, by central differences."""
    return np.array([(slope(f, at + e, h) - slope(f, at - e, h)) / (2 * h) for e in h * np.eye(len(at))])


FORMS = {  # SciPy's density; log h, t and eta as on paper, and A
    "Bernoulli": (stats.bernoulli(0.3), [0, 1], lambda x: 0 * x, lambda x: [x], [np.log(0.3 / 0.7)], np.log(1 / 0.7)),
    "Poisson": (stats.poisson(2.5), [0, 1, 7], lambda x: -gammaln(x + 1), lambda x: [x], [np.log(2.5)], 2.5),
    "Gaussian": (stats.norm(1.5, 2), [-3, 0.4, 5], lambda x: 0 * x - np.log(2 * np.pi) / 2, lambda x: [x, x**2],
                 [1.5 / 4, -1 / 8], 1.5**2 / 8 + np.log(2)),
    "gamma": (stats.gamma(2.5, scale=3), [0.1, 2, 9], lambda x: 0 * x, lambda x: [np.log(x), x],
              [1.5, -1 / 3], gammaln(2.5) + 2.5 * np.log(3)),
    "beta": (stats.beta(2.5, 0.7), [0.1, 0.5, 0.9], lambda x: 0 * x, lambda x: [np.log(x), np.log(1 - x)],
             [1.5, -0.3], gammaln(2.5) + gammaln(0.7) - gammaln(3.2)),
}


@pytest.mark.parametrize("name", FORMS)
def test_eq_5_11(name):
    """Each density in the general form; with h or A left out it is none."""
    density, x, log_h, t, eta, A = FORMS[name]
    x = np.array(x, float)
    left = density.pmf(x) if name in ("Bernoulli", "Poisson") else density.pdf(x)
    exponent = np.dot(eta, t(x))
    assert_only_as_printed(left, np.exp(log_h(x) + exponent - A), np.exp(log_h(x) + exponent + A))


def test_eq_5_11_in_the_library():
    for name, family in (("Gaussian", vectors.Gaussian()), ("gamma", vectors.Gamma()), ("beta", vectors.Beta())):
        density, x, _, _, eta, A = FORMS[name]
        found = vectors.log_density(family, np.array(x, float), np.array(eta))
        wrong = vectors.log_density(family, np.array(x, float), 0.9 * np.array(eta))
        assert_only_as_printed(density.logpdf(x), found, wrong)
    # The display after it: where the cross entropy is lowest, the expected statistics are the data's averages.
    t = vectors.Gamma().statistics(np.random.default_rng(17).gamma(2, 3, 400)).mean(0)
    eta = vectors.match(vectors.Gamma(), t)
    k, scale = eta[0] + 1, -1 / eta[1]
    gamma = stats.gamma(k, scale=scale)
    assert_only_as_printed(t, [gamma.expect(np.log), gamma.mean()], [np.log(gamma.mean()), gamma.mean()], rtol=1e-7)


def test_eq_5_12(evidence):
    """With h(x, phi) it is a density; with an h that knows no phi it does not integrate to one."""
    eta, phi = 0.5, 4.0

    def total(log_h):
        return integrate.quad(lambda x: np.exp(log_h(x) + (eta * x - eta**2 / 2) / phi), -60, 60)[0]

    corrected = total(lambda x: -(x**2) / (2 * phi) - np.log(2 * np.pi * phi) / 2)
    printed = total(lambda x: -(x**2) / 2 - np.log(2 * np.pi) / 2)
    assert_only_as_printed(1.0, corrected, printed)
    evidence("5.12", total=printed)
    x = np.array([-1.0, 0.3, 4.0])
    found = dispersion.log_density(dispersion.Gaussian(), x, eta, phi)
    np.testing.assert_allclose(found, stats.norm(eta, 2).logpdf(x), rtol=1e-12)


def test_eq_5_13(evidence):
    """The gradient of a die with K sides, whose natural parameters are D y: the last line lacks a minus."""
    rng = np.random.default_rng(13)
    D = rng.normal(size=(K, M))
    X = np.eye(K)[rng.integers(0, K, N)]

    def mean(D):
        e = np.exp(Y @ D.T)
        return e / e.sum(1, keepdims=True)

    def loss(D):
        return -np.mean(np.log((X * mean(D)).sum(1)))

    corrected = -(X - mean(D)).T @ Y / N
    assert_only_as_printed(slope(loss, D), corrected, -corrected, (X - mean(D)).T @ Y / N, rtol=1e-6, atol=1e-8)
    step = 0.01 * corrected / np.linalg.norm(corrected)
    assert loss(D - step) < loss(D) < loss(D + step)
    evidence("5.13", down=loss(D) - loss(D - step), up=loss(D + step) - loss(D))


def one_step(loss, d):
    return d - np.linalg.solve(bend(loss, d), slope(loss, d, 1e-4))


def test_eq_5_14(evidence):
    """A step of Newton's, by differences of SciPy's density: right for phi = 1, a phi-th of it else."""
    d, s, rng = np.array([0.3, -0.2, 0.1]), Y @ [0.3, -0.2, 0.1], np.random.default_rng(14)
    x = rng.poisson(np.exp(Y @ [0.6, 0.1, -0.3])).astype(float)
    left = one_step(lambda v: -np.mean(stats.poisson(np.exp(Y @ v)).logpmf(x)), d)

    def right(mean, variance):
        """All three lines; the last is weighted least squares."""
        H = (Y * variance[:, None]).T @ Y / N
        first = d + np.linalg.solve(H, (x - mean) @ Y / N)
        second = np.linalg.solve(H, (variance * s + x - mean) @ Y / N)
        z = s + (x - mean) / variance
        third = np.linalg.lstsq(Y * np.sqrt(variance)[:, None], z * np.sqrt(variance), rcond=None)[0]
        np.testing.assert_allclose([second, third], [first, first], rtol=1e-9)
        return first

    mean = np.exp(s)
    assert_only_as_printed(left, right(mean, mean), right(mean, np.sqrt(mean)), right(mean, np.ones(N)), rtol=1e-5)

    x, phi = Y @ [1.0, 2.0, -1.0] + 2 * rng.normal(size=N), 4.0
    left = one_step(lambda v: -np.mean(stats.norm(Y @ v, 2).logpdf(x)), d)
    corrected, printed = right(s, np.ones(N)), right(s, np.full(N, phi))
    assert_only_as_printed(left, corrected, printed, rtol=1e-5)
    np.testing.assert_allclose(left, np.linalg.lstsq(Y, x, rcond=None)[0], rtol=1e-5)
    evidence("5.14", part=np.mean((printed - d) / (corrected - d)))


def test_eq_5_14_in_the_library():
    """One event is one step from the same place."""
    x = np.random.default_rng(15).poisson(np.exp(Y @ [0.6, 0.1, -0.3])).astype(float)
    d = np.array([0.3, -0.2, 0.1])
    left = one_step(lambda v: -np.mean(stats.poisson(np.exp(Y @ v)).logpmf(x)), d)
    event = next(generalized.iterate(Y, x, dispersion.Poisson(), intercept=False, start=[*d, 0.0]))
    assert_only_as_printed(left, event.coefficients, d, rtol=1e-5)


def test_text_5_1_2_the_slope_of_the_response_is_the_variance(evidence):
    """d mean / d predictor of a Poisson variable of mean 4: 4, and its standard deviation is 2."""
    left = slope(np.exp, np.log(4.0))
    draws = stats.poisson(4)
    assert_only_as_printed(left, draws.var(), draws.std(), rtol=1e-8)
    evidence("Text 5.1.2-a", slope=float(left), deviation=draws.std())


def test_text_5_1_2_newton_is_not_guaranteed(evidence):
    """A full step of a convex loss raises it; a logarithmic link of a shape is not convex at all."""
    def loss(d):                                            # one count of 3, mean e^d
        return np.exp(d) - 3 * d

    start = -2.0
    after = start + (3 - np.exp(start)) / np.exp(start)
    assert loss(after) > 1e6 * loss(start)
    steps = generalized.fit(np.zeros((1, 0)), [3.0], dispersion.Poisson(), start=[start])
    assert np.exp(steps.intercept) == pytest.approx(3)

    def shape_loss(a):                                      # one waiting time of 5, scale 1, shape e^a
        return -stats.gamma(np.exp(a[0])).logpdf(5.0)

    curvature = bend(shape_loss, np.array([0.0]))[0, 0]
    k, sigma2 = 1.0, polygamma(1, 1.0)
    assert_only_as_printed(curvature, k**2 * sigma2 - k * (np.log(5) - digamma(k)), k**2 * sigma2, rtol=1e-5)
    assert curvature < 0
    evidence("Text 5.1.2-b", before=loss(start), after=loss(after), curvature=curvature)


def test_text_5_1_2_which_statistic_is_whose(evidence):
    """Equal sums tell equally much of the scale; of the shape, equal products do."""
    first, equal_sum = np.array([2.0, 8.0]), np.array([5.0, 5.0])
    equal_product = np.array([4.0, 4.0])

    def ratio(x, **changed):
        a, b = ({"a": 2.0, "scale": 1.0} | one for one in ({}, changed))
        return stats.gamma(**b).logpdf(x).sum() - stats.gamma(**a).logpdf(x).sum()

    assert_only_as_printed(ratio(first, scale=3.0), ratio(equal_sum, scale=3.0), ratio(equal_product, scale=3.0))
    assert_only_as_printed(ratio(first, a=3.0), ratio(equal_product, a=3.0), ratio(equal_sum, a=3.0))
    evidence("Text 5.1.2-c", first=ratio(first, a=3.0), sum=ratio(equal_sum, a=3.0))


def test_text_5_1_2_the_gradient_of_the_shapes(evidence):
    """Per sample v and Lambda as printed; the gradient and the Hessian are v and Lambda multiplied by the inputs."""
    theta, scale, rng = np.array([0.2, 0.1, -0.3]), 2.0, np.random.default_rng(16)
    x = rng.gamma(np.exp(Y @ theta), scale)

    def log_likelihood(a):
        return stats.gamma(np.exp(Y @ a), scale=scale).logpdf(x).sum()

    k = np.exp(Y @ theta)
    mu, sigma2 = digamma(k) + np.log(scale), polygamma(1, k)
    v = (np.log(x) - mu) * k
    Lambda = -(k**2) * sigma2 + k * np.log(x) - k * mu
    assert_only_as_printed(slope(log_likelihood, theta), v @ Y, -v @ Y, v[:M], rtol=1e-6)
    hessian, expected = ((Y * d[:, None]).T @ Y for d in (Lambda, -(k**2) * sigma2))
    assert_only_as_printed(bend(log_likelihood, theta), hessian, expected, rtol=1e-4, atol=1e-3)
    # The expected Hessian: over many outputs log x - mu averages to zero.
    many = rng.gamma(k[:, None], scale, (N, 200_000))
    np.testing.assert_allclose((np.log(many) - mu[:, None]).mean(1), 0, atol=0.05)
    evidence("Text 5.1.2-d", printed=len(v), gradient=M)
    fit = gamma_shape.fit(Y, x, scale, intercept=False)
    np.testing.assert_allclose(slope(log_likelihood, fit.shape.coefficients), 0, atol=1e-4)


def gamma_moments(theta):
    """E[log x], E[x] of a gamma variable of log mean theta[0] and log shape theta[1], by quadrature."""
    m, k = np.exp(theta)
    density = stats.gamma(k, scale=m / k)
    both = (lambda x: np.log(x) * density.pdf(x), lambda x: x * density.pdf(x))
    return np.array([integrate.quad(f, 0, 60, epsabs=1e-12)[0] for f in both])


def test_eq_B_12():
    """The variance of the score of SciPy's density, against the change of the moments over their covariance."""
    theta = np.array([0.7, 0.9])
    m, k = np.exp(theta)
    density = stats.gamma(k, scale=m / k)

    def log_density(t, x):
        return stats.gamma(np.exp(t[1]), scale=np.exp(t[0] - t[1])).logpdf(x)

    def product(i, j):
        def integrand(x):
            score = slope(lambda t: log_density(t, x), theta)
            return score[i] * score[j] * density.pdf(x)
        return integrate.quad(integrand, 1e-12, 60, epsabs=1e-10, limit=200)[0]

    left = np.array([[product(i, j) for j in (0, 1)] for i in (0, 1)])
    eta = vectors.Gamma().natural(k, m / k)
    change = np.array([(gamma_moments(theta + e) - gamma_moments(theta - e)) / 2e-4 for e in 1e-4 * np.eye(2)]).T
    covariance = vectors.Gamma().covariance(eta)
    right = change.T @ np.linalg.solve(covariance, change)
    assert_only_as_printed(left, right, change.T @ covariance @ change, rtol=1e-4, atol=1e-5)
    # The middle of the chain, d eta' Cov[t] d eta; and what Fisher scoring of `gamma_shape` is made of.
    turn = np.array([[0, k], [k / m, -k / m]])              # d eta / d theta
    assert_only_as_printed(left, turn.T @ covariance @ turn, turn @ covariance @ turn.T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.diag(left), [k, k**2 * (polygamma(1, k) - 1 / k)], rtol=1e-5)


def test_text_B_2_whose_mean_the_score_is(evidence):
    """Under the model the score has mean zero; under data that the model did not draw it has not."""
    def mean_score(data):
        return integrate.quad(lambda x: x * data.pdf(x), -12, 14)[0]      # d/dm log N(x; m, 1) = x at m = 0

    assert_only_as_printed(0.0, mean_score(stats.norm(0, 1)), mean_score(stats.norm(1, 1)), atol=1e-9)
    evidence("Text B.2-a", mean=mean_score(stats.norm(1, 1)))
