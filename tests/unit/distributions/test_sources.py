"""Densities of single sources, against quadrature, SciPy's distributions and finite differences."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from pedagogy_lib.distributions import heavy_tailed, sources

X = np.array([-3.0, -0.4, 0.1, 0.9, 4.0])
ALL = {
    "logistic": sources.LOGISTIC, "sech": sources.SECH, "smooth laplace": sources.SMOOTH_LAPLACE,
    "normal": sources.NORMAL, "two bells": sources.TWO_BELLS, "laplace": heavy_tailed.Laplace(1.7),
    "cauchy": heavy_tailed.Cauchy(0.6),
}
PEERS = {
    "logistic": stats.logistic(), "sech": stats.hypsecant(), "normal": stats.norm(),
    "laplace": stats.laplace(scale=1 / 1.7), "cauchy": stats.cauchy(scale=0.6),
}


def density(source):
    return lambda x: np.exp(-source.energy(x) - source.log_normalizer())


@pytest.mark.parametrize("name", PEERS)
def test_the_named_densities_are_those_of_scipy(name):
    np.testing.assert_allclose(np.log(density(ALL[name])(X)), PEERS[name].logpdf(X), rtol=1e-12)
    np.testing.assert_allclose(ALL[name].cumulative(X), PEERS[name].cdf(X), rtol=1e-12)
    other = stats.logistic(scale=1.01)
    assert not np.allclose(ALL[name].cumulative(X), other.cdf(X), rtol=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_every_density_has_the_mass_one_and_the_distribution_function_that_it_says(name):
    source = ALL[name]
    limits = [0.0, 1.0, 5.0, 50.0]                         # in pieces, because peaks are narrow
    half = sum(quad(density(source), a, b)[0] for a, b in zip(limits, [*limits[1:], np.inf]))
    assert 2 * half == pytest.approx(1, rel=1e-7)
    for x in X:
        below = 0.5 + np.sign(x) * quad(density(source), 0, abs(x), points=[0.1], limit=200)[0]
        assert source.cumulative(x) == pytest.approx(below, rel=1e-7)
        assert source.cumulative(1.1 * x) != pytest.approx(below, rel=1e-7)


@pytest.mark.parametrize("source", [sources.NORMAL, sources.TWO_BELLS])
def test_derivatives(source):
    h = 1e-5
    slope = (source.energy(X + h) - source.energy(X - h)) / (2 * h)
    bend = (source.derivative(X + h) - source.derivative(X - h)) / (2 * h)
    np.testing.assert_allclose(source.derivative(X), slope, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(source.curvature(X), bend, rtol=1e-7, atol=1e-9)
    assert not np.allclose(1.01 * source.derivative(X), slope, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["logistic", "sech", "smooth laplace", "normal", "two bells"])
def test_samples_follow_the_distribution_function(name):
    x = ALL[name].sample(20_000, np.random.default_rng(0))
    assert stats.kstest(x, ALL[name].cumulative).pvalue > 0.01
    assert stats.kstest(1.1 * x, ALL[name].cumulative).pvalue < 1e-3


def test_super_and_sub_gaussian_are_what_they_are_called():
    draws = {name: ALL[name].sample(200_000, np.random.default_rng(1)) for name in ("logistic", "sech", "two bells")}
    excess = {name: stats.kurtosis(x) for name, x in draws.items()}
    assert excess["logistic"] == pytest.approx(1.2, abs=0.1)
    assert excess["sech"] == pytest.approx(2.0, abs=0.2)
    assert excess["two bells"] == pytest.approx(-0.5, abs=0.02)          # (1 + 6 + 3) / 2^2 - 3


def test_several_densities_go_column_by_column():
    both = sources.Several((sources.LOGISTIC, sources.TWO_BELLS))
    x = np.random.default_rng(2).normal(size=(5, 2))
    for k, part in enumerate(both.parts):
        for ours, theirs in (
            (both.energy, part.energy), (both.derivative, part.derivative), (both.curvature, part.curvature),
            (both.cumulative, part.cumulative),
        ):
            np.testing.assert_array_equal(ours(x)[:, k], theirs(x[:, k]))
        assert both.log_normalizer()[k] == part.log_normalizer()
    drawn = both.sample((50_000, 2), np.random.default_rng(3))
    assert drawn.var(0) == pytest.approx([np.pi**2 / 3, 2], rel=0.03)
    with pytest.raises(ValueError, match="x: expected 2 sources on its last axis, got 3"):
        both.energy(np.zeros((4, 3)))
