"""Tests of innovations: against dense conditioning, SciPy's chi-square, statsmodels, and simulation."""

import numpy as np
import pytest
from chain_models import holes, model
from gaussian_chain import Dense
from scipy.stats import chi2, kstest, multivariate_normal

from pedagogy_lib.inference import kalman
from pedagogy_lib.models.dynamical import lgssm


@pytest.mark.parametrize("missing", ["", "rows", "entries"])
def test_innovations_are_what_dense_conditioning_leaves(missing):
    rng = np.random.default_rng(3)
    for K, L, T, changes in [(3, 2, 6, False), (1, 1, 5, False), (2, 4, 5, True)]:
        initial, transition, emission = model(rng, K, L, T if changes else None)
        y = holes(rng, 2 * rng.standard_normal((T, L)), missing)
        filtered = kalman.filter(initial, transition, emission, y)
        found = kalman.innovations(emission, y, filtered)
        dense = Dense(initial, transition, emission, y)
        for t in range(T):
            here = slice(t * L, (t + 1) * L)
            means, covariance = dense.given(t)
            C, seen = dense.C[here], ~np.isnan(y[t])
            value = y[t] - C @ means - dense.c[here]
            S = (C @ covariance @ C.T + dense.R[here, here])[np.ix_(seen, seen)]
            np.testing.assert_allclose(found.values[t], value, atol=1e-9)
            assert found.degrees[t] == seen.sum()
            if not seen.any():
                assert np.isnan(found.squares[t]) and np.isnan(found.whitened[t]).all()
                continue
            # the exponent of the density, as SciPy has it, is the square
            normal = multivariate_normal(np.zeros(seen.sum()), S)
            square = 2 * (normal.logpdf(np.zeros(seen.sum())) - normal.logpdf(value[seen]))
            np.testing.assert_allclose(found.squares[t], square, rtol=1e-8)
            np.testing.assert_allclose(np.nansum(found.whitened[t] ** 2), square, rtol=1e-8)
            np.testing.assert_array_equal(np.isnan(found.whitened[t]), ~seen)
            # without the state's own uncertainty the squares would be others
            noise = dense.R[here, here][np.ix_(seen, seen)]
            assert abs(value[seen] @ np.linalg.solve(noise, value[seen]) / square - 1) > 1e-3


def river(seed, n=400, q=0.3):
    truth = lgssm.local_level(q, 1.0, 0.0, 1.0)
    return truth, lgssm.sample(truth, n, np.random.default_rng(seed))


def test_whitened_innovations_are_independent_standard_normals():
    truth, drawn = river(0, 4000)
    found = kalman.innovations(truth.emission, drawn.observations, lgssm.filter(truth, drawn.observations))
    e = found.whitened[:, 0]
    assert kstest(found.squares, chi2(1).cdf).pvalue > 0.01
    assert kstest(e, "norm").pvalue > 0.01
    assert kstest(np.arctan2(e[1::2], e[::2]), "uniform", (-np.pi, 2 * np.pi)).pvalue > 0.01
    # a filter that was told half of the noise
    wrong = lgssm.local_level(0.15, 0.5, 0.0, 1.0)
    off = kalman.innovations(wrong.emission, drawn.observations, lgssm.filter(wrong, drawn.observations))
    assert kstest(off.squares, chi2(1).cdf).pvalue < 1e-6


def test_squared_errors_of_a_simulation_are_chi_square():
    """One step of each of 600 simulations, so that the errors are independent; then a covariance too small."""
    parameters = lgssm.Parameters(*model(np.random.default_rng(1), 3, 2))
    states, means, covariances = [], [], []
    for seed in range(600):
        drawn = lgssm.sample(parameters, 8, np.random.default_rng(seed))
        smoothed = lgssm.posterior(parameters, drawn.observations)
        states.append(drawn.states[4]), means.append(smoothed.means[4])
        covariances.append(smoothed.covariances[4])
    states, means, covariances = map(np.array, (states, means, covariances))
    squares = kalman.squared_errors(states, means, covariances)
    by_scipy = [
        2 * (multivariate_normal(m, P).logpdf(m) - multivariate_normal(m, P).logpdf(x))
        for x, m, P in zip(states, means, covariances)
    ]
    np.testing.assert_allclose(squares, by_scipy, rtol=1e-7)
    assert kstest(squares, chi2(3).cdf).pvalue > 0.01
    assert kalman.consistency(squares, 3).p > 0.01
    assert kalman.consistency(kalman.squared_errors(states, means, 0.7 * covariances), 3).p < 1e-6


def test_consistency_agrees_with_scipy():
    rng = np.random.default_rng(5)
    squares, degrees = rng.chisquare(2, 30), rng.integers(1, 4, 30)
    squares[[3, 8]] = np.nan
    there = ~np.isnan(squares)
    found = kalman.consistency(squares, degrees, level=0.9)
    total, exact = squares[there].sum(), chi2(degrees[there].sum())
    freedom = degrees[there].sum()
    assert found.mean == pytest.approx(total / freedom)
    assert (found.low, found.high) == pytest.approx(tuple(exact.ppf([0.05, 0.95]) / freedom))
    assert found.p == pytest.approx(2 * min(exact.cdf(total), exact.sf(total)))
    assert found.low != pytest.approx(chi2(freedom - 1).ppf(0.05) / freedom)   # another count is seen
    small, large = kalman.consistency([1e-3], 4), kalman.consistency([40.0], 4)
    assert small.p == pytest.approx(2 * chi2(4).cdf(1e-3)) and small.mean < small.low
    assert large.p == pytest.approx(2 * chi2(4).sf(40.0)) and large.mean > large.high
    assert kalman.consistency([chi2(1).median()], 1).p == pytest.approx(1.0)


def test_whiteness_agrees_with_statsmodels():
    diagnostic = pytest.importorskip("statsmodels.stats.diagnostic")
    e = np.random.default_rng(7).standard_normal(60)
    e -= e.mean()                                                # they subtract it, we do not
    theirs = diagnostic.acorr_ljungbox(e, lags=[6])
    ours = kalman.whiteness(e, 6)
    assert ours.statistic == pytest.approx(theirs["lb_stat"].iloc[0])
    assert ours.p == pytest.approx(theirs["lb_pvalue"].iloc[0]) == pytest.approx(chi2(6).sf(ours.statistic))
    assert kalman.whiteness(e + 0.2, 6).statistic != pytest.approx(ours.statistic, rel=1e-3)


@pytest.mark.parametrize("gaps", [False, True])
def test_whiteness_keeps_its_size_and_sees_a_slow_filter(gaps):
    """Each squared correlation has the mean that the statistic divides by, also with gaps; an AR(1) is found."""
    rng, statistics, refused = np.random.default_rng(11), [], 0
    hole = np.isin(np.arange(80), [7, 8, 30, 31, 32, 33, 61]) if gaps else np.zeros(80, bool)
    for _ in range(2000):
        e = np.where(hole, np.nan, rng.standard_normal(80))
        found = kalman.whiteness(e, 5)
        statistics.append(found.statistic), np.testing.assert_equal(found.correlations.shape, (5,))
        refused += found.p < 0.05
    assert abs(np.mean(statistics) - 5) < 5 * np.std(statistics) / np.sqrt(2000)
    assert 0.03 < refused / 2000 < 0.08
    slow = np.zeros(400)
    for t in range(1, 400):
        slow[t] = 0.5 * slow[t - 1] + rng.standard_normal()
    slow[200:210] = np.nan if gaps else slow[200:210]
    assert kalman.whiteness(slow).p < 1e-6
    assert kalman.whiteness(slow).correlations[0] == pytest.approx(0.5, abs=0.12)


def test_wrong_arguments_are_named():
    truth, drawn = river(2, 20)
    filtered = lgssm.filter(truth, drawn.observations)
    with pytest.raises(ValueError, match="^y: "):
        kalman.innovations(truth.emission, drawn.observations[:-1], filtered)
    with pytest.raises(ValueError, match=r"^emission.matrix: expected shape \(1, 1\)"):
        kalman.innovations(truth.emission._replace(matrix=np.eye(2)), drawn.observations, filtered)
    with pytest.raises(ValueError, match="^means: "):
        kalman.squared_errors(np.zeros((4, 2)), np.zeros((4, 1)), np.ones((4, 2, 2)))
    with pytest.raises(ValueError, match="^level: "):
        kalman.consistency([1.0], 1, level=1.0)
    for squares, degrees in [([np.nan], 1), ([-1.0], 1), ([1.0], 0)]:
        with pytest.raises(ValueError, match="^squares: "):
            kalman.consistency(squares, degrees)
    for series in (np.zeros(20), np.ones(5)):
        with pytest.raises(ValueError, match="^series: "):
            kalman.whiteness(series, 5)
