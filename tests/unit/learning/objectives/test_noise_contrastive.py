"""Noise-contrastive estimates against maximum likelihood, quadrature, logistic regression and repeated sampling."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from pedagogy_lib.distributions.exponential_family import dispersion, layers
from pedagogy_lib.learning import optimization, parameters
from pedagogy_lib.learning.objectives import noise_contrastive as nce
from pedagogy_lib.learning.regression import generalized
from pedagogy_lib.models.undirected import harmonium, polynomial

TRUTH = polynomial.Parameters(np.array([0.8, 1.0, -0.4, -0.4]))
LOG_Z = polynomial.log_partition(TRUTH)
POWERS = np.arange(1, 5)


def bell(mean=0.0, deviation=1.2):
    return nce.Noise(
        lambda n, rng: rng.normal(mean, deviation, (n, 1)), lambda y: stats.norm.logpdf(y[:, 0], mean, deviation)
    )


def estimate(y, noise, ratio, rng):
    drawn = noise.sample(ratio * len(y), rng)
    return nce.fit(y**POWERS, drawn**POWERS, noise.log_density(y), noise.log_density(drawn))


def draws(seed=0, N=300, ratio=2):
    rng = np.random.default_rng(seed)
    return polynomial.sample(TRUTH, N, rng), bell().sample(ratio * N, rng)


def machine():
    rng = np.random.default_rng(5)
    params = harmonium.Parameters(rng.normal(size=(3, 4)), layers.Bernoulli(rng.normal(size=3)), layers.Bernoulli(rng.normal(size=4)))
    return nce.Parameters(params, np.array([1.3])), (rng.random((40, 4)) < 0.6) * 1.0, (rng.random((80, 4)) < 0.5) * 1.0


@pytest.mark.parametrize("which", ["polynomial", "harmonium"])
def test_the_gradient_is_that_of_the_loss(which):
    if which == "polynomial":
        model, (y, drawn), noise = polynomial, draws(), bell().log_density
        params = nce.Parameters(polynomial.Parameters(np.array([0.1, 0.4, 0.2, -0.5])), np.array([0.7]))
    else:
        params, y, drawn = machine()
        model, noise = harmonium, lambda y: np.full(len(y), -4 * np.log(2))
    value, gradient = nce.value_and_gradient(model, params, y, drawn, noise)
    parameters.check_same_shapes(gradient, params, "gradient")
    h_data, h_noise = (nce.log_ratio(model, params, rows, noise(rows)) for rows in (y, drawn))
    assert value == pytest.approx(nce.loss(h_data, h_noise), rel=1e-12)
    right = np.concatenate([np.log(nce.posterior(h_data, 2)), np.log1p(-nce.posterior(h_noise, 2))])
    assert value == pytest.approx(-right.mean(), rel=1e-12)
    assert value != pytest.approx(-np.concatenate([np.log(nce.posterior(h_data)), np.log1p(-nce.posterior(h_noise))]).mean(), rel=1e-3)
    flat, slope = parameters.flatten(params), parameters.flatten(gradient).vector
    for along in np.random.default_rng(1).normal(size=(3, flat.vector.size)):
        there = [nce.value_and_gradient(model, parameters.view(flat.vector + h * along, params), y, drawn, noise)[0] for h in (1e-5, -1e-5)]
        assert (there[0] - there[1]) / 2e-5 == pytest.approx(slope @ along, rel=1e-6)
        assert (there[0] - there[1]) / 2e-5 != pytest.approx(0.9 * slope @ along, rel=1e-3)


def test_fit_is_logistic_regression_with_offsets():
    y, drawn = draws()
    found = nce.fit(y**POWERS, drawn**POWERS, bell().log_density(y), bell().log_density(drawn))
    rows = np.concatenate([y, drawn])
    peer = generalized.fit(
        rows**POWERS, (np.arange(900) < 300) * 1.0, dispersion.Bernoulli(), offsets=-bell().log_density(rows) - np.log(2)
    )
    assert_allclose(found.coefficients, peer.coefficients, atol=1e-6)
    assert found.log_normalizer == pytest.approx(-peer.intercept, abs=1e-6)
    params = nce.Parameters(polynomial.Parameters(found.coefficients), np.array([found.log_normalizer]))
    slope = nce.value_and_gradient(polynomial, params, y, drawn, bell().log_density)[1]
    assert np.abs(parameters.flatten(slope).vector).max() < 1e-7


def test_descent_against_fresh_noise_finds_the_parameters_and_log_Z():
    y = polynomial.sample(TRUTH, 4000, np.random.default_rng(3))
    begin = nce.Parameters(polynomial.start(y, 4), np.zeros(1))
    found = optimization.run(
        nce.Against(polynomial, bell(), 2), begin, y, np.random.default_rng(4),
        method=optimization.Adam(optimization.cosine(0.05, 1500)), batch_size=400, iterations=1500,
    ).params
    assert_allclose(found.model.coefficients, polynomial.fit(y, 4).coefficients, atol=0.1)
    assert abs(found.log_normalizer[0] - polynomial.log_partition(found.model)) < 0.02 < abs(begin.log_normalizer[0] - LOG_Z)


def test_more_noise_comes_closer_to_maximum_likelihood_and_to_quadrature():
    y = polynomial.sample(TRUTH, 500, np.random.default_rng(6))
    best = polynomial.fit(y, 4)
    errors, gaps = [], []
    for ratio in (1, 10, 100):
        found = [estimate(y, bell(), ratio, np.random.default_rng(seed)) for seed in range(20)]
        errors.append(np.sqrt(np.mean([(one.coefficients - best.coefficients) ** 2 for one in found])))
        gaps.append(np.sqrt(np.mean([(one.log_normalizer - polynomial.log_partition(best)) ** 2 for one in found])))
    for each in (errors, gaps):                             # the distance falls as one over the root of the ratio
        assert each[0] > 2 * each[1] > 4 * each[2]
    assert errors[2] < 0.03 and gaps[2] < 0.03


def asymptotic(noise, ratio):
    at = polynomial.places(TRUTH)
    scores = np.column_stack([polynomial.statistics(TRUTH, at.y), -np.ones(len(at.y))])
    return nce.covariance(scores, polynomial.log_marginal(TRUTH, at.y), noise.log_density(at.y), at.weights, ratio)


@pytest.mark.parametrize("ratio", [1, 5])
def test_the_covariance_is_that_of_repeated_estimates(ratio):
    rng, N = np.random.default_rng(7), 2000
    found = [estimate(polynomial.sample(TRUTH, N, rng), bell(), ratio, rng) for _ in range(300)]
    spread = N * np.cov(np.array([[*one.coefficients, one.log_normalizer] for one in found]).T)
    expected = asymptotic(bell(), ratio)
    assert_allclose(np.diag(spread) / np.diag(expected), 1, atol=0.3)
    assert not np.allclose(np.diag(spread) / np.diag(asymptotic(bell(), 6 - ratio)), 1, atol=0.3)


def test_with_noise_without_end_it_is_that_of_maximum_likelihood():
    limit, near = asymptotic(bell(), np.inf), asymptotic(bell(), 1e6)
    assert_allclose(near, limit, rtol=1e-3)
    fisher = polynomial._moments(TRUTH)[1]
    assert_allclose(limit[:4, :4], np.linalg.inv(fisher), rtol=1e-6)
    mean = polynomial._moments(TRUTH)[0]
    assert limit[4, 4] == pytest.approx(mean @ np.linalg.solve(fisher, mean), rel=1e-6)     # log Z moves by <T>
    for ratio in (0.5, 2, 20):
        assert np.linalg.eigvalsh(asymptotic(bell(), ratio) - limit).min() > -1e-9


def test_the_normalizer_follows_from_the_other_parameters_when_the_model_is_gaussian():
    """The noise is the data's own density: half of all answers are right, and the estimate is still good."""
    rng = np.random.default_rng(8)
    noise = bell(0.0, 1.0)
    y = rng.normal(size=(3000, 1))
    drawn = noise.sample(30_000, rng)
    powers = np.arange(1, 3)
    found = nce.fit(y**powers, drawn**powers, noise.log_density(y), noise.log_density(drawn))
    assert found.log_normalizer == pytest.approx(0.5 * np.log(2 * np.pi), abs=0.05)
    assert_allclose(found.coefficients, [0, -0.5], atol=0.05)


def test_local_loss_has_its_minimum_elsewhere():
    """One datum, K - 1 draws, judged as if equally common: the ratio comes out K - 1 times too small."""
    p, noise, K = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6]), 5
    cost = lambda h: p @ np.logaddexp(0, -h) + (K - 1) * noise @ np.logaddexp(0, h)
    best = np.log(p / noise) - np.log(K - 1)
    rng = np.random.default_rng(9)
    here, there = rng.choice(3, 200_000, p=p), rng.choice(3, (200_000, K - 1), p=noise)
    assert nce.local_loss(best[here], best[there]) == pytest.approx(cost(best), rel=0.01)
    for other in (np.log(p / noise), best + 0.1, best - 0.1, *(best + 0.3 * rng.normal(size=(5, 3)))):
        assert cost(other) > cost(best)


def test_conditional_loss_goes_to_score_matching():
    y = np.random.default_rng(10).normal(size=(400, 1))
    params = polynomial.Parameters(np.array([0.3, -0.8, 0.1, -0.1]))
    d = np.polynomial.Polynomial([0, *params.coefficients])
    implicit = (0.5 * d.deriv()(y) ** 2 + d.deriv(2)(y)).mean()
    nodes, weights = np.polynomial.hermite_e.hermegauss(30)
    for s in (0.01, 0.005):
        values = [nce.conditional_value_and_gradient(polynomial, params, y, y + s * node)[0] for node in nodes]
        found = (weights / weights.sum() @ np.array(values) - np.log(2)) * 4 / s**2
        assert found == pytest.approx(implicit, rel=50 * s**2)
        assert found != pytest.approx((d.deriv()(y) ** 2).mean() / 2, rel=0.1)


def test_conditional_gradient_is_that_of_the_loss():
    rng = np.random.default_rng(11)
    y = polynomial.sample(TRUTH, 200, rng)
    moved = y + 0.4 * rng.normal(size=y.shape)
    value = lambda d: nce.conditional_value_and_gradient(polynomial, polynomial.Parameters(d), y, moved)
    d = np.array([0.3, -0.8, 0.1, -0.1])
    slope = value(d)[1].coefficients
    for e in np.eye(4):
        assert (value(d + 1e-5 * e)[0] - value(d - 1e-5 * e)[0]) / 2e-5 == pytest.approx(slope @ e, rel=1e-6)


def test_records_can_be_kept():
    found = nce.Fit(np.ones(3), 0.5)
    for twin in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert twin.log_normalizer == 0.5 and (twin.coefficients == 1).all()


def test_bad_arguments_are_named():
    y, drawn = draws()
    with pytest.raises(TypeError, match="params: expected noise_contrastive.Parameters"):
        nce.value_and_gradient(polynomial, TRUTH, y, drawn, bell().log_density)
    far = 30 + 0.1 * drawn
    with pytest.raises(RuntimeError, match="no minimum found"):
        nce.fit(y**POWERS, far**POWERS, np.zeros(300), np.zeros(600))
    with pytest.raises(ValueError, match="a column of equal numbers"):
        nce.fit(np.ones((3, 1)), np.ones((3, 1)), np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="h_negative: expected"):
        nce.local_loss(np.zeros(3), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="moved: expected"):
        nce.conditional_value_and_gradient(polynomial, TRUTH, y, drawn)
    begin = nce.Parameters(TRUTH, np.zeros(1))
    with pytest.raises(ValueError, match="ratio: expected a whole number"):
        nce.Against(polynomial, bell(), 0.001).loss(begin, y, np.random.default_rng(0))
    for ratio in (np.inf, -1, 0):
        with pytest.raises(ValueError, match="ratio: expected"):
            nce.Against(polynomial, bell(), ratio).loss(begin, y, np.random.default_rng(0))
    with pytest.raises(ValueError, match="ratio: expected"):
        nce.posterior([0.0], -1)


def test_a_ratio_that_is_rounded_is_still_a_whole_number_of_draws():
    begin, y = nce.Parameters(TRUTH, np.zeros(1)), draws(N=100)[0]
    assert 0.07 * 100 != 7                                   # in floating point
    drawn = bell().sample(7, np.random.default_rng(0))
    expected = nce.value_and_gradient(polynomial, begin, y, drawn, bell().log_density)[0]
    assert nce.Against(polynomial, bell(), 0.07).loss(begin, y, np.random.default_rng(0)) == expected


def test_nothing_is_spread_over_rows_or_averaged_over_none():
    y, drawn = draws()
    noise, T = bell().log_density, lambda rows: rows**POWERS
    for wrong in (np.zeros(900), np.zeros(2), 0.0):
        with pytest.raises(ValueError, match="params.log_normalizer: expected"):
            nce.value_and_gradient(polynomial, nce.Parameters(TRUTH, wrong), y, drawn, noise)
    with pytest.raises(TypeError, match="params: expected noise_contrastive.Parameters"):
        nce.log_ratio(polynomial, TRUTH, y, noise(y))
    short = bell()._replace(sample=lambda n, rng: np.zeros((3, 1)))
    begin = nce.Parameters(TRUTH, np.zeros(1))
    with pytest.raises(ValueError, match="noise.sample: expected 300 rows"):
        nce.Against(polynomial, short).loss(begin, y, np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least one row of each"):
        nce.value_and_gradient(polynomial, begin, y, drawn[:0], noise)
    with pytest.raises(ValueError, match="at least one row of each"):
        nce.loss([], [0.0])
    with pytest.raises(ValueError, match="drawn: expected"):
        nce.value_and_gradient(polynomial, begin, y, np.zeros((5, 2)), noise)
    with pytest.raises(ValueError, match="T_noise: expected"):
        nce.fit(T(y), drawn, noise(y), noise(drawn))
    with pytest.raises(ValueError, match="T_data: expected at least one row"):
        nce.fit(T(y[:0]), T(drawn), [], noise(drawn))
    with pytest.raises(ValueError, match="h_positive: expected at least one row"):
        nce.local_loss([], np.zeros((0, 3)))
    with pytest.raises(ValueError, match="y: expected at least one row"):
        nce.conditional_value_and_gradient(polynomial, TRUTH, y[:0], y[:0])
