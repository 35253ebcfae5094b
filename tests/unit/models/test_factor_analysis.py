"""Factor analysis, against dense linear algebra, SciPy and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.decomposition import FactorAnalysis

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import factor_analysis as fa
from pedagogy_lib.models.static.factor_analysis import _graded

RNG = np.random.default_rng(0)
PARAMS = fa.Parameters(RNG.normal(size=(6, 2)), RNG.normal(size=6), np.array([0.3, 0.5, 0.2, 0.8, 0.4, 0.6]))
DRAW = fa.sample(PARAMS, 400, np.random.default_rng(1))
Y = DRAW.observations


def dense(params):
    return params.loadings @ params.loadings.T + np.diag(params.noise_variances)


def test_posterior_agrees_with_both_forms_of_the_gaussian_rule():
    found = fa.posterior(PARAMS, Y)
    for form in ("covariance", "information"):
        for n in (0, 7):
            peer = gaussian.invert(fa.source(PARAMS), fa.emission(PARAMS), Y[n], form=form)
            np.testing.assert_allclose(found.means[n], peer.mean, rtol=1e-10)
            np.testing.assert_allclose(found.covariance, peer.covariance, rtol=1e-10)
    wrong = fa.posterior(PARAMS._replace(noise_variances=PARAMS.noise_variances * 1.01), Y)
    assert not np.allclose(found.means, wrong.means, rtol=1e-4)


def test_log_marginal_agrees_with_the_dense_density():
    peer = multivariate_normal(PARAMS.offset, dense(PARAMS)).logpdf(Y)
    np.testing.assert_allclose(fa.log_marginal(PARAMS, Y), peer, rtol=1e-11)
    without_noise_of_one = PARAMS._replace(noise_variances=PARAMS.noise_variances + np.eye(6)[0] * 0.01)
    assert not np.allclose(fa.log_marginal(without_noise_of_one, Y), peer, rtol=1e-4)
    marginal = gaussian.marginalize(fa.source(PARAMS), fa.emission(PARAMS))
    np.testing.assert_allclose(gaussian.log_density(marginal, Y), peer, rtol=1e-11)


TORN = np.where(np.random.default_rng(2).random(Y.shape) < 0.4, np.nan, Y)
TORN[0], TORN[1] = np.nan, Y[1]                            # nothing seen, and everything


def dense_conditioning(row):
    """Mean and covariance of x given the seen entries of one row, from the joint covariance of (x, y)."""
    seen = np.flatnonzero(~np.isnan(row))
    cross = PARAMS.loadings.T[:, seen]                     # Cov[x, y of what was seen]
    S = dense(PARAMS)[np.ix_(seen, seen)]
    gain = np.linalg.solve(S, cross.T).T if len(seen) else np.zeros((2, 0))
    return gain @ (row - PARAMS.offset)[seen], np.eye(2) - gain @ cross.T


def test_missing_entries_are_marginalized_out():
    found, costs = fa.posterior(PARAMS, TORN), fa.log_marginal(PARAMS, TORN)
    assert found.covariance.shape == (400, 2, 2)
    zeros = fa.posterior(PARAMS, np.where(np.isnan(TORN), 0.0, TORN))
    averages = fa.posterior(PARAMS, np.where(np.isnan(TORN), PARAMS.offset, TORN))
    off = np.zeros(2)
    for n in range(60):
        mean, covariance = dense_conditioning(TORN[n])
        np.testing.assert_allclose(found.means[n], mean, atol=1e-10)
        np.testing.assert_allclose(found.covariance[n], covariance, atol=1e-10)
        seen = np.flatnonzero(~np.isnan(TORN[n]))
        peer = multivariate_normal(PARAMS.offset[seen], dense(PARAMS)[np.ix_(seen, seen)]) if len(seen) else None
        assert costs[n] == pytest.approx(peer.logpdf(TORN[n, seen]) if len(seen) else 0.0, rel=1e-10)
        off += [np.abs(wrong.means[n] - mean).max() > 0.01 for wrong in (zeros, averages)]
    assert (off > 40).all()                                # a zero, or the average, is not nothing


def test_complete_rows_keep_one_covariance_and_the_same_numbers():
    whole, mixed = fa.posterior(PARAMS, Y), fa.posterior(PARAMS, np.vstack([Y, np.full(6, np.nan)]))
    assert whole.covariance.shape == (2, 2)
    np.testing.assert_allclose(mixed.means[:-1], whole.means, rtol=1e-13)
    np.testing.assert_allclose(mixed.covariance[0], whole.covariance, rtol=1e-13)


def test_log_marginal_keeps_its_digits_where_noise_is_small():
    """Woodbury's difference of two large squares would lose them; the sum of two does not."""
    mpmath = pytest.importorskip("mpmath")
    params = fa.Parameters(np.array([[1.0], [2.0], [-1.0]]), np.zeros(3), np.full(3, 1e-12))
    y = params.loadings[:, 0] * 0.7 + 1e-6 * np.array([1.0, -1.0, 2.0])
    with mpmath.workdps(60):
        covariance = mpmath.matrix(3, 3)
        for i in range(3):
            for j in range(3):
                covariance[i, j] = mpmath.mpf(params.loadings[i, 0]) * params.loadings[j, 0]
            covariance[i, i] += mpmath.mpf(1e-12)
        e = mpmath.matrix(y.tolist())
        square = (e.T * mpmath.lu_solve(covariance, e))[0]
        exact = float(-(square + mpmath.log(mpmath.det(covariance)) + 3 * mpmath.log(2 * mpmath.pi)) / 2)
    assert fa.log_marginal(params, [y])[0] == pytest.approx(exact, rel=1e-9)
    e, C = y, params.loadings[:, 0]
    difference = e @ e * 1e12 - (C @ e * 1e12) ** 2 / (C @ C * 1e12 + 1)
    quadratic = float(square)
    assert abs(difference - quadratic) > 1e-6 * quadratic


def test_many_observations_cost_no_large_matrix():
    D = 20_000                                            # D x D would take 3.2 GB
    rng = np.random.default_rng(2)
    params = fa.Parameters(rng.normal(size=(D, 3)), np.zeros(D), np.full(D, 0.5))
    y = fa.sample(params, 5, rng)
    assert np.isfinite(fa.log_marginal(params, y.observations)).all()
    found = fa.posterior(params, y.observations)
    np.testing.assert_allclose(found.means, y.factors, atol=0.05)


def test_em_agrees_with_scikit_learn():
    result = em.fit(fa, fa.start(Y, 2, np.random.default_rng(3)), Y, tolerance=1e-13, max_iterations=20_000)
    peer = FactorAnalysis(2, tol=1e-12, max_iter=50_000, svd_method="lapack").fit(Y)
    assert result.converged
    assert -result.losses[-1] == pytest.approx(peer.score(Y), rel=1e-9)
    np.testing.assert_allclose(dense(result.params), peer.get_covariance(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(result.params.offset, peer.mean_, rtol=1e-10)
    assert not np.allclose(dense(PARAMS), peer.get_covariance(), rtol=1e-2)


def test_the_gradient_vanishes_where_em_rests():
    params = em.fit(fa, fa.start(Y, 2, np.random.default_rng(3)), Y, tolerance=1e-14, max_iterations=20_000).params

    def loss(flat):
        return -fa.log_marginal(fa.Parameters(flat[:12].reshape(6, 2), flat[12:18], flat[18:]), Y).mean()

    at = np.concatenate([part.ravel() for part in params])
    slopes = [(loss(at + 1e-5 * u) - loss(at - 1e-5 * u)) / 2e-5 for u in np.eye(24)]
    assert np.abs(slopes).max() < 1e-5
    assert abs(loss(at * 1.01) - loss(at)) > 1e-6


def test_factors_may_be_rotated():
    rotation = np.linalg.qr(np.random.default_rng(4).normal(size=(2, 2)))[0]
    turned = PARAMS._replace(loadings=PARAMS.loadings @ rotation)
    np.testing.assert_allclose(fa.log_marginal(turned, Y), fa.log_marginal(PARAMS, Y), rtol=1e-12)
    np.testing.assert_allclose(fa.communalities(turned), fa.communalities(PARAMS), rtol=1e-12)
    stretched = PARAMS._replace(loadings=PARAMS.loadings * [1.0, 1.1])
    assert not np.allclose(fa.log_marginal(stretched, Y), fa.log_marginal(PARAMS, Y))


def test_observed_factors_give_linear_regression():
    found = fa.maximize(fa.observed_statistics(DRAW.factors, Y))
    design = np.column_stack([DRAW.factors, np.ones(400)])
    weights, *_ = np.linalg.lstsq(design, Y, rcond=None)
    np.testing.assert_allclose(found.loadings, weights[:2].T, rtol=1e-10)
    np.testing.assert_allclose(found.offset, weights[2], rtol=1e-10)
    np.testing.assert_allclose(found.noise_variances, ((Y - design @ weights) ** 2).mean(0), rtol=1e-10)
    assert not np.allclose(found.loadings, np.linalg.lstsq(DRAW.factors, Y, rcond=None)[0].T, rtol=1e-3)


def test_statistics_keep_the_digits_of_data_far_from_the_origin():
    far = em.fit(fa, fa.start(Y + 1e7, 2, np.random.default_rng(5)), Y + 1e7, tolerance=1e-9)
    near = em.fit(fa, fa.start(Y, 2, np.random.default_rng(5)), Y, tolerance=1e-9)
    np.testing.assert_allclose(far.params.noise_variances, near.params.noise_variances, rtol=1e-4)


def test_sample_has_the_moments_of_the_model():
    draw = fa.sample(PARAMS, 200_000, np.random.default_rng(6))
    np.testing.assert_allclose(np.cov(draw.observations.T), dense(PARAMS), atol=0.06)
    np.testing.assert_allclose(draw.observations.mean(0), PARAMS.offset, atol=0.03)
    assert not np.allclose(np.cov(draw.observations.T), dense(PARAMS) + 0.2, atol=0.06)
    assert fa.sample(PARAMS, 0, np.random.default_rng(6)).observations.shape == (0, 6)


def test_one_factor_one_observation_one_row():
    params = fa.Parameters(np.array([[2.0]]), np.array([1.0]), np.array([4.0]))
    assert fa.posterior(params, [[5.0]]).means[0, 0] == pytest.approx(2 * 4 / (4 + 4))
    assert fa.posterior(params, [[5.0]]).covariance[0, 0] == pytest.approx(0.5)
    assert fa.communalities(params)[0] == pytest.approx(0.5)
    for size, share in ((1e-9, 1e-18), (3e200, 1.0), (1e-200, 0.0)):    # neither overflow nor a difference of near numbers
        assert fa.communalities(params._replace(loadings=np.array([[2 * size]])))[0] == pytest.approx(share, rel=1e-12, abs=0)
    wide = fa.Parameters(np.ones((2, 5)), np.zeros(2), np.ones(2))      # more factors than observations
    peer = gaussian.invert(fa.source(wide), fa.emission(wide), [1.0, 2.0])
    np.testing.assert_allclose(fa.posterior(wide, [[1.0, 2.0]]).means[0], peer.mean, rtol=1e-12)


def heywood():
    """The first observation correlates so well with the others, and they so badly with each other,
    that one factor would have to explain 0.8 * 0.8 / 0.5 = 1.28 of its variance."""
    y = np.random.default_rng(7).normal(size=(100, 3))
    y -= y.mean(0)
    white = y @ np.linalg.inv(np.linalg.cholesky(y.T @ y / 100)).T
    return white @ np.linalg.cholesky([[1.0, 0.8, 0.8], [0.8, 1.0, 0.5], [0.8, 0.5, 1.0]]).T


def test_heywood_case_creeps_to_zero_and_the_prior_cures_it():
    y = heywood()
    start = fa.start(y, 1, np.random.default_rng(8))
    with pytest.warns(UserWarning, match="still falling"):
        short = em.fit(fa, start, y, tolerance=0, max_iterations=100).params
    with pytest.warns(UserWarning, match="still falling"):
        long = em.fit(fa, start, y, tolerance=0, max_iterations=1000).params
    # The noise variance falls as one over the iterations.
    assert short.noise_variances[0] / long.noise_variances[0] == pytest.approx(10, rel=0.2)
    assert fa.communalities(long)[0] > 0.995 > 0.9 > fa.communalities(long)[1]
    cured = em.fit(fa, start, y, options=fa.Options(prior=(0.1, 5.0)), tolerance=1e-10, max_iterations=20_000)
    assert cured.converged
    assert cured.params.noise_variances[0] > 0.01


def test_noise_that_is_gone_is_an_error():
    with pytest.raises(ValueError, match=r"got none left in entry [01] \(a Heywood case\)"):
        fa.maximize(fa.observed_statistics(Y[:, :1], Y[:, :2] + Y[:, :1]))
    y = np.random.default_rng(7).normal(size=(60, 3))
    y[:, 1] = y[:, 0]                                     # one observation copies another
    with pytest.raises(ValueError, match="a Heywood case"):
        em.fit(fa, fa.start(y, 2, np.random.default_rng(8)), y, tolerance=0, max_iterations=5000)
    cured = em.fit(fa, fa.start(y, 2, np.random.default_rng(8)), y, options=fa.Options(prior=(0.1, 3.0)), max_iterations=5000)
    assert cured.params.noise_variances.min() > 0.003


def test_the_prior_is_a_penalized_likelihood():
    scale, strength = np.linspace(0.2, 0.5, 6), 40.0
    result = em.fit(fa, PARAMS, Y, options=fa.Options(prior=(scale, strength)), tolerance=1e-13, max_iterations=20_000)

    def objective(params):
        data = -multivariate_normal(params.offset, dense(params)).logpdf(Y).mean()
        return data + 0.5 * strength / len(Y) * (scale / params.noise_variances + np.log(params.noise_variances)).sum()

    best = objective(result.params)
    assert result.losses[-1] == pytest.approx(best, rel=1e-11)
    rng = np.random.default_rng(9)
    for _ in range(30):
        nearby = result.params._replace(
            loadings=result.params.loadings + 1e-3 * rng.normal(size=(6, 2)),
            noise_variances=result.params.noise_variances * np.exp(1e-3 * rng.normal(size=6)),
        )
        assert objective(nearby) > best - 1e-10
    unpenalized = em.fit(fa, PARAMS, Y, tolerance=1e-12, max_iterations=20_000).params
    assert objective(unpenalized) > best + 1e-5


def test_arguments_are_not_changed():
    before, y = [part.copy() for part in PARAMS], Y.copy()
    fa.maximize(fa.expected_statistics(PARAMS, Y))
    for a, b in zip(before, PARAMS):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(y, Y)


BAD = [
    (PARAMS._replace(offset=np.zeros(5)), r"params.offset: expected shape \(6,\), got \(5,\)"),
    (PARAMS._replace(noise_variances=np.zeros(6)), "params.noise_variances: expected numbers above 0, got 0 at index 0"),
    (PARAMS._replace(noise_variances=np.eye(6)), r"params.noise_variances: expected shape \(6,\), got \(6, 6\)"),
    (PARAMS._replace(loadings=PARAMS.loadings * np.inf), "params.loadings: expected finite numbers"),
    (PARAMS._replace(loadings=np.zeros((6, 0))), "params.loadings: expected one row and one column at least"),
]


@pytest.mark.parametrize(("params", "message"), BAD)
@pytest.mark.parametrize(
    "function",
    [
        lambda p: fa.sample(p, 2, np.random.default_rng(0)),
        lambda p: fa.posterior(p, Y),
        lambda p: fa.log_marginal(p, Y),
        lambda p: fa.expected_statistics(p, Y),
        fa.source,
        fa.emission,
        fa.communalities,
    ],
)
def test_bad_parameters_are_named(function, params, message):
    with pytest.raises(ValueError, match=message):
        function(params)


STATISTICS = fa.expected_statistics(PARAMS, Y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fa.posterior(PARAMS, np.zeros((6, 4))), "samples are rows: transpose it"),
        (lambda: fa.expected_statistics(PARAMS, np.where(Y > 2, np.nan, Y)), "y: expected finite numbers, got nan"),
        (lambda: fa.posterior(PARAMS, np.where(Y > 2, np.inf, Y)), "y: expected finite numbers, got inf"),
        (lambda: fa.log_marginal(PARAMS, np.full((2, 6), np.inf)), "y: expected finite numbers, got inf"),
        (lambda: fa.sample(PARAMS, 2, 0), "rng: expected a numpy.random.Generator"),
        (lambda: fa.sample(PARAMS, -1, np.random.default_rng(0)), "n: expected a whole number, at least 0"),
        (lambda: fa.start(np.ones((5, 2)), 1, np.random.default_rng(0)), "got a constant column 0"),
        (lambda: fa.start([[1.0, 2.0]], 1, np.random.default_rng(0)), "expected two observations at least, got 1"),
        (lambda: fa.observed_statistics(np.ones((3, 1)), Y), r"factors: expected shape \(400, K\), got \(3, 1\)"),
        (lambda: fa.observed_statistics(np.ones((0, 1)), np.ones((0, 2))), "expected one observation at least, got none"),
        (lambda: fa.maximize(fa.observed_statistics(np.ones((400, 1)), Y)), "expected factors that vary in 1 directions"),
        (lambda: fa.maximize(fa.observed_statistics(Y[:, [0, 0]], Y)), "expected factors that vary in 2 directions"),
        (lambda: fa.maximize(STATISTICS, fa.Options(prior=(-1.0, 1.0))), r"prior\[0\]: expected a number above 0, or 6 of them"),
        (lambda: fa.maximize(STATISTICS, fa.Options(prior=(np.ones(5), 1.0))), r"prior\[0\]: expected a number above 0, or 6 of them"),
        (lambda: fa.maximize(STATISTICS, fa.Options(prior=(1.0, 0.0))), r"prior\[1\]: expected a number above 0"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def exact_posterior(params, y):
    """The mean of the posterior, and log p(y), with 60 digits, by dense conditioning in the space of y."""
    mp = pytest.importorskip("mpmath").mp
    with mp.workdps(60):
        C, e = mp.matrix(params.loadings.tolist()), mp.matrix((y - params.offset).tolist())
        S = C * C.T + mp.diag([mp.mpf(v) for v in params.noise_variances])
        solved = mp.lu_solve(S, e)
        cost = -((e.T * solved)[0] + mp.log(mp.det(S)) + len(y) * mp.log(2 * mp.pi)) / 2
        return np.array([float(m) for m in C.T * solved]), float(cost)


@pytest.mark.parametrize("variances", [
    [1e-16, 1, 1], [1, 1e-14, 1], [1e-18, 1e-4, 1], [1e-9, 1e9, 1], [1e-30, 1, 1e-2], [0.3, 1, 2], [1e-12, 1e-12, 1],
])
def test_one_nearly_exact_sensor_does_not_drown_the_others(variances):
    """The textbook's precision sums 1e16 and 1: what the other sensors say would be rounding."""
    params = fa.Parameters(np.array([[1, 0.5], [0.3, -1], [0.7, 0.2]]), np.zeros(3), np.array(variances, float))
    y = np.array([0.5, -0.3, 1.2])
    mean, cost = exact_posterior(params, y)
    np.testing.assert_allclose(fa.posterior(params, y[None]).means[0], mean, rtol=1e-8)
    assert fa.log_marginal(params, y[None])[0] == pytest.approx(cost, rel=1e-9)
    assert fa.expected_statistics(params, y[None]).loss == pytest.approx(-cost, rel=1e-9)


def test_both_forms_of_the_posterior_are_one_where_both_are_right():
    found = _graded.posterior(PARAMS, Y)
    plain = fa.posterior(PARAMS, Y)
    np.testing.assert_allclose(found.means, plain.means, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.covariance, plain.covariance, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.log_marginals, fa.log_marginal(PARAMS, Y), rtol=1e-11)
    assert not _graded.is_too_steep(np.diag([1.0, 1e5]))
    assert _graded.is_too_steep(np.diag([1.0, 1e7]))
