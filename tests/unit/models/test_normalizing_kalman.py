"""Normalizing Kalman filter: the density of all readings against dense Gaussians and numerical Jacobians."""

import copy
from itertools import islice

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.learning import bijections, parameters, quasi_newton
from pedagogy_lib.learning.bijections import composition
from pedagogy_lib.models.dynamical import lgssm
from pedagogy_lib.models.dynamical import normalizing_kalman as nkf


def tide(D=1):
    """Two states that turn, seen in D numbers."""
    c, s = 0.95 * np.cos(0.5), 0.95 * np.sin(0.5)
    look = np.array([[1.0, 0.0], [0.3, 0.8]])[:D]
    return lgssm.Parameters(
        Gaussian(np.zeros(2), np.eye(2)), AffineGaussian(np.array([[c, -s], [s, c]]), np.zeros(2), 0.1 * np.eye(2)),
        AffineGaussian(look, np.full(D, 0.2), 0.1 * np.eye(D)),
    )  # fmt: skip


def bent(D=1, count=3):
    layers = tuple(bijections.Radial.start(D, (), np.random.default_rng(k), np.dtype(float)) for k in range(count))
    layers = tuple(layer._replace(pull=layer.pull + 0.5) for layer in layers)
    return nkf.Parameters((bijections.Mixing(np.eye(D) * 1.3, np.full(D, 0.1)), *layers), nkf.StateSpace(tide(D)))


def dense(model, T):
    """Mean and covariance of all z_t together, by the covariances of the states."""
    A, C = model.transition.matrix, model.emission.matrix
    covariances = [model.initial.covariance]
    for _ in range(T - 1):
        covariances.append(A @ covariances[-1] @ A.T + model.transition.covariance)
    K, D = A.shape[0], len(C)
    whole = np.zeros((T * D, T * D))
    for t in range(T):
        for s in range(t + 1):
            block = C @ np.linalg.matrix_power(A, t - s) @ covariances[s] @ C.T + (model.emission.covariance if s == t else 0)
            whole[t * D:(t + 1) * D, s * D:(s + 1) * D] = block
            whole[s * D:(s + 1) * D, t * D:(t + 1) * D] = block.T
    assert K == 2
    return np.tile(model.emission.offset, T), whole


@pytest.mark.parametrize("D", [1, 2])
def test_the_density_is_the_dense_gaussians_times_the_jacobian(D):
    params, T = bent(D), 6
    y = nkf.sample(params, T, np.random.default_rng(0)).observations

    def map_all(flat):
        return composition.run(params.layers, flat.reshape(T, D)).output.ravel()

    h = 1e-6
    J = np.array([(map_all(y.ravel() + h * e) - map_all(y.ravel() - h * e)) / (2 * h) for e in np.eye(T * D)]).T
    exact = multivariate_normal(*dense(tide(D), T)).logpdf(map_all(y.ravel())) + np.linalg.slogdet(J)[1]
    assert nkf.log_marginal(params, y) == pytest.approx(exact, rel=1e-7)
    assert nkf.filter(params, y).log_likelihoods.sum() == pytest.approx(exact, rel=1e-7)
    assert nkf.loss(params, y) == pytest.approx(-exact / T, rel=1e-7)
    without = lgssm.log_marginal(tide(D), nkf.straighten(params, y).values)
    assert without != pytest.approx(exact, rel=1e-3)
    assert nkf.bend(params, nkf.straighten(params, y).values) == pytest.approx(y, abs=1e-9)


@pytest.mark.parametrize("gap", [False, True])
def test_the_gradient_is_that_of_the_loss(gap):
    rng = np.random.default_rng(1)
    params = bent(2)
    y = nkf.sample(params, 8, rng).observations
    if gap:
        y[[2, 5]] = np.nan
    flat, slope = parameters.flatten(params), parameters.flatten(nkf.gradient(params, y)).vector
    for along in rng.normal(size=(3, len(slope))):
        up, down = (nkf.loss(parameters.view(flat.vector + h * along, params), y) for h in (1e-6, -1e-6))
        assert slope @ along == pytest.approx((up - down) / 2e-6, rel=1e-5)
        assert slope @ along != pytest.approx(0.9 * (up - down) / 2e-6, rel=1e-3)


def test_with_layers_that_change_nothing_it_is_the_state_space_model():
    params = nkf.Parameters((bijections.Mixing(np.eye(1), np.zeros(1)),), nkf.StateSpace(tide()))
    y = lgssm.sample(tide(), 30, np.random.default_rng(2)).observations
    y[7] = np.nan
    assert nkf.log_marginal(params, y) == pytest.approx(lgssm.log_marginal(tide(), y), rel=1e-12)
    assert nkf.posterior(params, y).means == pytest.approx(lgssm.posterior(tide(), y).means)
    plain = lgssm.maximize(lgssm.expected_statistics(tide(), y))
    assert nkf.refit(params, y).state_space.params.transition.matrix == pytest.approx(plain.transition.matrix)


def test_learning_in_turn_never_raises_the_loss_and_unbends_a_scale():
    rng = np.random.default_rng(3)
    z = lgssm.sample(tide(), 250, rng).observations
    y = 10 / (1 + np.exp(-1.5 * z))
    layers = (bijections.Mixing(np.eye(1) / y.std(), y.mean(0)),
              *(bijections.Radial.start(1, (), np.random.default_rng(k), np.dtype(float)) for k in range(4)))  # fmt: skip
    begin = nkf.refit(nkf.start(y, layers, tide()), y, 10)
    turns = list(islice(nkf.iterate(begin, y), 4))
    losses = [nkf.loss(begin, y), *(turn.loss for turn in turns)]
    assert all(later <= earlier + 1e-9 for earlier, later in zip(losses, losses[1:]))
    assert losses[-1] < losses[0] - 0.1
    straight = lambda params: abs(np.corrcoef(nkf.straighten(params, y).values[:, 0], z[:, 0])[0, 1])
    assert straight(turns[-1].params) > 0.99 > straight(begin)


def test_a_descent_lowers_the_loss_and_copies_keep_the_state_space():
    params = bent()
    y = nkf.sample(params, 20, np.random.default_rng(4)).observations
    assert quasi_newton.fit(nkf, params, y, iterations=3).loss < nkf.loss(params, y)
    assert copy.deepcopy(params).state_space.params.emission.matrix.shape == (1, 2)


@pytest.mark.parametrize("call, message", [
    (lambda p, y: nkf.loss(p, y[:, 0]), "y: expected"),
    (lambda p, y: nkf.loss(p, np.hstack([y, y])), "y: expected"),
    (lambda p, y: nkf.loss(p, y * np.nan), "y: expected at least two moments"),
    (lambda p, y: nkf.loss(tuple(p), y), "params: expected Parameters"),
    (lambda p, y: nkf.loss(p._replace(state_space=p.state_space.params), y), "params.state_space: expected a StateSpace"),
    (lambda p, y: nkf.loss(p._replace(layers=()), y), "params.layers: expected a tuple of bijections"),
    (lambda p, y: nkf.StateSpace(3), "params: expected lgssm.Parameters"),
    (lambda p, y: nkf.StateSpace(tide()._replace(control=np.ones((2, 1)))), "params.control: expected None"),
    (lambda p, y: nkf.bend(p, np.ones(3)), "z: expected shape"),
    (lambda p, y: nkf.refit(p, y, 0), "iterations: expected"),
])
def test_bad_arguments_are_named(call, message):
    params = bent()
    y = nkf.sample(params, 6, np.random.default_rng(5)).observations
    with pytest.raises((ValueError, TypeError), match=message):
        call(params, y)


def test_half_a_reading_is_refused():
    y = np.ones((4, 2))
    y[1, 0] = np.nan
    with pytest.raises(ValueError, match="a row with some NaN"):
        nkf.loss(bent(2), y)
