"""The linear-Gaussian state-space model: sampling, controls, changes in time, published numbers."""

import numpy as np
import pytest
import statsmodels.api as sm

from pedagogy_lib import data
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.models.dynamical import lgssm

MODEL = lgssm.Parameters(
    Gaussian(np.array([1.0, 0.0]), np.array([[0.5, 0.1], [0.1, 0.4]])),
    AffineGaussian(np.array([[0.9, 0.3], [0.0, 0.8]]), np.array([0.1, -0.1]), np.array([[0.2, 0.05], [0.05, 0.1]])),
    AffineGaussian(np.array([[1.0, 0.5]]), np.array([0.3]), np.array([[0.4]])),
)
PUSHED = MODEL._replace(control=np.array([[1.0], [0.5]]))
NILE = data.nile().values[:, 1:]


def test_the_nile_has_its_published_likelihood():
    """Durbin and Koopman's diffuse log-likelihood, -632.54, leaves the first year out."""
    model = lgssm.local_level(1469.1, 15099.0, 0.0, 1e7)
    assert lgssm.filter(model, NILE).log_likelihoods[1:].sum() == pytest.approx(-632.54, abs=0.01)
    other = lgssm.local_level(1000.0, 15099.0, 0.0, 1e7)
    assert lgssm.filter(other, NILE).log_likelihoods[1:].sum() < -632.56


def test_the_nile_agrees_with_statsmodels():
    peer = sm.tsa.UnobservedComponents(NILE[:, 0], "local level")
    peer.ssm.initialize_known(np.array([1000.0]), np.array([[1e6]]))
    peer = peer.smooth([15099.0, 1469.1])
    model = lgssm.local_level(1469.1, 15099.0, 1000.0, 1e6)
    smoothed = lgssm.posterior(model, NILE)
    np.testing.assert_allclose(smoothed.means[:, 0], peer.smoothed_state[0], rtol=1e-9)
    np.testing.assert_allclose(smoothed.covariances[:, 0, 0], peer.smoothed_state_cov[0, 0], rtol=1e-9)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(lgssm.filter(model, NILE).means[:, 0], peer.smoothed_state[0], rtol=1e-3)


def test_options_reach_filter_and_smoother():
    model = lgssm.local_level(1469.1, 15099.0, 1000.0, 1e6)
    for verb in (lgssm.filter, lgssm.posterior, lgssm.log_marginal):
        with pytest.raises(ValueError, match="method: expected one of"):
            verb(model, NILE, method="magic")


def moments(model, n, controls=None, draws=5_000):
    """Mean and covariance of the observations, by sampling."""
    rng = np.random.default_rng(0)
    y = np.array([lgssm.sample(model, n, rng, controls).observations.ravel() for _ in range(draws)])
    return y.mean(0), np.cov(y.T)


def dense_moments(model, n, pushes):
    """The same from the chain of means, and covariances A^k Cov C'."""
    A, a, Q = model.transition
    C, c, R = model.emission
    m, P, means, states = model.initial.mean, model.initial.covariance, [], []
    for t in range(n):
        if t:
            m, P = A @ m + a + pushes[t - 1], A @ P @ A.T + Q
        means.append(C @ m + c)
        states.append(P)
    covariance = np.empty((n, n))
    for s in range(n):
        for t in range(s, n):
            cross = C @ np.linalg.matrix_power(A, t - s) @ states[s] @ C.T
            covariance[s, t] = covariance[t, s] = cross[0, 0] + (R[0, 0] if s == t else 0.0)
    return np.concatenate(means), covariance


def test_samples_have_the_moments_of_the_model():
    controls = np.array([[1.0], [-2.0]])
    mean, covariance = moments(PUSHED, 3, controls)
    expected_mean, expected_covariance = dense_moments(PUSHED, 3, controls @ PUSHED.control.T)
    np.testing.assert_allclose(mean, expected_mean, atol=0.1)
    np.testing.assert_allclose(covariance, expected_covariance, atol=0.1)
    unpushed = dense_moments(PUSHED, 3, np.zeros((2, 2)))[0]
    assert not np.allclose(mean, unpushed, atol=0.5)


def test_controls_shift_the_predictions():
    y = np.zeros((3, 1))
    controls = np.array([[1.0], [-2.0]])
    pushed = lgssm.filter(PUSHED, y, controls)
    shifted = MODEL._replace(
        transition=MODEL.transition._replace(offset=MODEL.transition.offset + controls @ PUSHED.control.T)
    )
    np.testing.assert_allclose(pushed.means, lgssm.filter(shifted, y).means, rtol=1e-12)
    np.testing.assert_allclose(
        lgssm.posterior(PUSHED, y, controls).means, lgssm.posterior(shifted, y).means, rtol=1e-12
    )
    assert lgssm.log_marginal(PUSHED, y, controls) == pytest.approx(lgssm.log_marginal(shifted, y), rel=1e-12)
    assert lgssm.log_marginal(MODEL, y) != pytest.approx(lgssm.log_marginal(shifted, y), rel=1e-3)


def test_sample_follows_parameters_that_change_in_time():
    varying = MODEL._replace(
        transition=MODEL.transition._replace(covariance=np.zeros((4, 2, 2)), offset=np.arange(8.0).reshape(4, 2)),
        emission=MODEL.emission._replace(covariance=np.zeros((5, 1, 1)), matrix=np.ones((5, 1, 2))),
    )
    draw = lgssm.sample(varying, 5, np.random.default_rng(1))
    for t in range(4):
        expected = MODEL.transition.matrix @ draw.states[t] + varying.transition.offset[t]
        np.testing.assert_allclose(draw.states[t + 1], expected, atol=1e-12)
    np.testing.assert_allclose(draw.observations[:, 0], draw.states.sum(1) + 0.3)
    again = lgssm.sample(varying, 5, np.random.default_rng(1))
    np.testing.assert_array_equal(draw.states, again.states)


def test_constant_velocity_is_the_integral_of_white_acceleration():
    """Two half intervals make one whole."""
    start = Gaussian(np.zeros(4), np.eye(4))
    whole = lgssm.constant_velocity(1.0, 0.3, 0.5, start).transition
    half = lgssm.constant_velocity(0.5, 0.3, 0.5, start).transition
    np.testing.assert_allclose(half.matrix @ half.matrix, whole.matrix)
    np.testing.assert_allclose(half.matrix @ half.covariance @ half.matrix.T + half.covariance, whole.covariance)
    assert not np.allclose(2 * half.covariance, whole.covariance)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lgssm.filter(PUSHED, np.zeros((3, 1))), "controls: expected controls with a model that has"),
        (lambda: lgssm.filter(MODEL, np.zeros((3, 1)), np.zeros((2, 1))), "params.control missing and controls given"),
        (lambda: lgssm.filter(PUSHED, np.zeros((3, 1)), np.zeros((3, 1))), r"controls: expected shape \(2, 1\), one row for each move, got \(3, 1\)"),
        (lambda: lgssm.sample(MODEL, 0, np.random.default_rng(0)), "n: expected a whole number"),
        (lambda: lgssm.sample(MODEL, 3, 0), "rng: expected"),
        (lambda: lgssm.constant_velocity(0.0, 1.0, 1.0, MODEL.initial), "interval: expected a number above 0"),
        (lambda: lgssm.filter(MODEL, np.zeros(3)), r"y"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("arrow", "part", "wrong"), [
    ("transition", "covariance", np.eye(1)), ("transition", "offset", np.zeros(1)), ("transition", "matrix", np.eye(3)),
    ("transition", "matrix", np.zeros((6, 2, 2))), ("emission", "matrix", np.eye(2)), ("emission", "covariance", np.eye(2)),
    ("emission", "offset", np.zeros((4, 1))),
])
def test_sampling_broadcasts_nothing(arrow, part, wrong):
    params = lgssm.Parameters(
        Gaussian(np.zeros(2), np.eye(2)), AffineGaussian(np.eye(2), np.zeros(2), np.eye(2)),
        AffineGaussian(np.ones((1, 2)), np.zeros(1), np.eye(1)),
    )
    assert lgssm.sample(params, 5, np.random.default_rng(0)).observations.shape == (5, 1)
    bent = params._replace(**{arrow: getattr(params, arrow)._replace(**{part: wrong})})
    with pytest.raises(ValueError, match=rf"params.{arrow}.\w+: expected shape .*, got"):
        lgssm.sample(bent, 5, np.random.default_rng(0))
