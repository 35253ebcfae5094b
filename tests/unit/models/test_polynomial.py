"""A polynomial energy against SciPy's quadrature, its own histogram, and a search that shares no code."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats

from pedagogy_lib.models.undirected import polynomial

TWO_HEAPS = polynomial.Parameters(np.array([0.8, 1.0, -0.4, -0.4]))


def integral(f, params, reach=8):
    density = lambda t: np.exp(np.polynomial.polynomial.polyval(t, [0, *params.coefficients]))
    return integrate.quad(lambda t: f(t) * density(t), -reach, reach, limit=200, epsabs=1e-13)[0]


@pytest.mark.parametrize("d", [[0.8, 1.0, -0.4, -0.4], [0.0, -0.5], [3.0, -1.0], [0, 6.0, 0, -1.0], [1, 0, 0, 0, 0, -2.0]])
def test_log_partition_is_an_integral(d):
    params = polynomial.Parameters(np.array(d, float))
    assert_allclose(polynomial.log_partition(params), np.log(integral(lambda t: 1.0, params)), rtol=1e-10, atol=1e-10)


def test_degree_two_is_a_gaussian():
    y = np.random.default_rng(0).normal(2, 3, size=(50, 1))
    found = polynomial.fit(y, 2)
    assert_allclose(polynomial.start(y, 2).coefficients, found.coefficients, rtol=1e-8)
    assert_allclose(polynomial.log_marginal(found, y), stats.norm.logpdf(y[:, 0], y.mean(), y.std()), rtol=1e-9)


def test_draws_have_the_density():
    y = polynomial.sample(TWO_HEAPS, 20_000, np.random.default_rng(1))
    Z = integral(lambda t: 1.0, TWO_HEAPS)
    for k in range(1, 5):
        mean = integral(lambda t, k=k: t**k, TWO_HEAPS) / Z
        assert abs((y**k).mean() - mean) < 5 * (y**k).std() / np.sqrt(len(y))
    cumulative = lambda t: np.array([integral(lambda u, t=one: u < t, TWO_HEAPS) / Z for one in np.atleast_1d(t)])
    assert stats.kstest(y[:200, 0], cumulative).pvalue > 1e-3
    assert stats.kstest(y[:200, 0] + 0.5, cumulative).pvalue < 1e-3


def test_fit_is_where_a_search_ends():
    y = polynomial.sample(TWO_HEAPS, 400, np.random.default_rng(2))
    found = polynomial.fit(y, 4)

    def cost(d):
        params = polynomial.Parameters(d)
        return np.log(integral(lambda t: 1.0, params, 6)) - np.polynomial.polynomial.polyval(y[:, 0], [0, *d]).mean()

    least = optimize.minimize(cost, TWO_HEAPS.coefficients, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12, "maxiter": 4000})
    assert_allclose(found.coefficients, least.x, atol=1e-3)
    assert_allclose(polynomial.loss(found, y), least.fun, rtol=1e-9)
    slope = polynomial.value_and_gradient(found, y)[1].coefficients
    assert np.abs(slope).max() < 1e-7 < np.abs(polynomial.value_and_gradient(TWO_HEAPS, y)[1].coefficients).max()


@pytest.mark.parametrize("d", [[1.0, 2.0], [1.0, -1.0, -1.0], [0.0, -1.0, 0.0, 0.5], []])
def test_what_has_no_normalizer_is_refused(d):
    with pytest.raises(ValueError, match="the last below 0"):
        polynomial.log_partition(polynomial.Parameters(np.array(d)))


def test_bad_arguments_are_named():
    y = np.ones((5, 1))
    with pytest.raises(ValueError, match="degree, y"):
        polynomial.start(np.arange(5.0)[:, None], 3)
    with pytest.raises(ValueError, match="degree, y"):
        polynomial.start(y, 4)
    with pytest.raises(TypeError, match="params: expected Parameters"):
        polynomial.marginal_energy(np.ones(4), y)
    with pytest.raises(ValueError, match="y: expected"):
        polynomial.marginal_energy(TWO_HEAPS, np.ones(5))
