"""The filter and the smoother against dense conditioning of the joint Gaussian."""

import numpy as np
import pytest
from chain_models import holes, model
from gaussian_chain import Dense
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman, recursions

METHODS = kalman.METHODS
BACKENDS = ("numpy", "numba")


def run(arguments, steady_state=False, **options):
    """Filter and smoother of the same arguments."""
    filtered = kalman.filter(*arguments, steady_state=steady_state, **options)
    return filtered, kalman.smooth(*arguments, **options)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", ["", "rows", "entries", "rows entries"])
@pytest.mark.parametrize("varying", [False, True])
def test_agrees_with_dense_conditioning(method, backend, missing, varying):
    rng = np.random.default_rng(5)
    for K, L, T in [(3, 2, 6), (1, 1, 5), (2, 4, 4)]:
        parameters = model(rng, K, L, T if varying else None)
        y = holes(rng, 2 * rng.standard_normal((T, L)), missing)
        inputs = rng.standard_normal((T - 1, K))
        arguments = (*parameters, y, inputs)
        Dense(*arguments).check(*run(arguments, method=method, backend=backend))


@pytest.mark.parametrize("missing", ["", "rows", "entries", "rows entries"])
def test_the_printed_loops_agree_with_dense_conditioning(missing):
    """The loops that the book prints, and what `kalman.filter` and `kalman.smooth` run instead."""
    rng = np.random.default_rng(4)
    for K, L, T in [(3, 2, 6), (1, 1, 5), (2, 4, 4), (3, 2, 1)]:
        initial, transition, emission = model(rng, K, L)
        y = holes(rng, 2 * rng.standard_normal((T, L)), missing)
        inputs = rng.standard_normal((T - 1, K))
        filtered = kalman.filter_loop(initial, transition, emission, y, inputs)
        smoothed = kalman.smoother_loop(transition, filtered)
        Dense(initial, transition, emission, y, inputs).check(filtered, smoothed)
        for backend in BACKENDS:
            ours = run((initial, transition, emission, y, inputs), backend=backend)
            for printed, fast in zip((filtered, smoothed), ours):
                for name, a, b in zip(printed._fields, printed, fast):
                    if a is not None:
                        assert_allclose(b, a, rtol=0, atol=1e-12 * np.abs(a).max(initial=1.0), err_msg=name)


def test_each_part_may_vary_alone():
    rng = np.random.default_rng(6)
    T = 5
    fixed, moving = model(rng), model(rng, T=T)
    y = rng.standard_normal((T, 2))
    for room in (1, 2):
        for part in AffineGaussian._fields:
            parameters = list(fixed)
            parameters[room] = fixed[room]._replace(**{part: getattr(moving[room], part)})
            for backend in BACKENDS:
                Dense(*parameters, y).check(*run((*parameters, y), backend=backend))


@pytest.mark.parametrize("wrong", ["gain", "noise", "inputs", "cross"])
def test_the_dense_check_rejects_wrong_filters(wrong):
    """The check above can fail: four mistakes that people make, each of the right shape."""
    rng = np.random.default_rng(7)
    initial, transition, emission = model(rng, 2, 2)
    y, inputs = rng.standard_normal((5, 2)), rng.standard_normal((4, 2))
    dense = Dense(initial, transition, emission, y, inputs)
    filtered, smoothed = run((initial, transition, emission, y, inputs))
    dense.check(filtered, smoothed)
    if wrong == "gain":         # K = Y S^-1: the C' that carries precision over is forgotten
        Y, C = filtered.predicted_covariances[0], emission.matrix
        K = Y @ np.linalg.inv(C @ Y @ C.T + emission.covariance)
        x = filtered.predicted_means[0]
        means = filtered.means.copy()
        means[0] = x + K @ (y[0] - C @ x - emission.offset)
        filtered = filtered._replace(means=means)
    elif wrong == "noise":      # the transition adds no noise
        still = transition._replace(covariance=np.zeros((2, 2)))
        filtered, smoothed = run((initial, still, emission, y, inputs))
    elif wrong == "inputs":     # the push comes one step late
        filtered, smoothed = run((initial, transition, emission, y, np.roll(inputs, 1, 0)))
    else:                       # the cross-covariance the other way round
        smoothed = smoothed._replace(
            cross_covariances=np.swapaxes(smoothed.cross_covariances, 1, 2)
        )
    with pytest.raises(AssertionError):
        dense.check(filtered, smoothed)


@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_the_generic_recursion(method):
    """The filter and smoother written once for all chains, with the Gaussian's two operations."""
    rng = np.random.default_rng(8)
    initial, transition, emission = model(rng)
    y = rng.standard_normal((7, 2))
    y[3] = np.nan
    filtered, smoothed = run((initial, transition, emission, y), method=method)
    events = list(recursions.filter(gaussian, initial, transition, emission, y))
    updates = [e for e in events if isinstance(e, recursions.MeasurementUpdate)]
    assert_allclose(filtered.means, [e.distribution.mean for e in updates], atol=1e-12)
    assert_allclose(filtered.covariances, [e.distribution.covariance for e in updates], atol=1e-12)
    assert_allclose(filtered.log_likelihoods, [e.log_likelihood for e in updates], atol=1e-12)
    beliefs = [e.distribution for e in updates]
    back = [
        e for e in recursions.smooth(gaussian, beliefs, transition)
        if isinstance(e, recursions.BackwardStep)
    ][::-1]
    assert_allclose(smoothed.means, [e.distribution.mean for e in back], atol=1e-12)
    assert_allclose(smoothed.covariances, [e.distribution.covariance for e in back], atol=1e-12)


def test_agrees_with_statsmodels():
    smoother = pytest.importorskip("statsmodels.tsa.statespace.kalman_smoother").KalmanSmoother
    rng = np.random.default_rng(9)
    initial, transition, emission = model(rng, 4, 2)
    y = holes(rng, rng.standard_normal((40, 2)), "rows entries")
    peer = smoother(k_endog=2, k_states=4, tolerance=0)
    peer.bind(y)
    peer["design"], peer["obs_intercept"], peer["obs_cov"] = (
        emission.matrix, emission.offset[:, None], emission.covariance
    )
    peer["transition"], peer["state_intercept"], peer["state_cov"] = (
        transition.matrix, transition.offset[:, None], transition.covariance
    )
    peer["selection"] = np.eye(4)
    peer.initialize_known(initial.mean, initial.covariance)
    theirs = peer.smooth()
    filtered, smoothed = run((initial, transition, emission, y))
    assert_allclose(filtered.log_likelihoods, theirs.llf_obs, atol=1e-10)
    assert_allclose(filtered.means, theirs.filtered_state.T, atol=1e-10)
    assert_allclose(filtered.covariances, np.moveaxis(theirs.filtered_state_cov, 2, 0), atol=1e-10)
    assert_allclose(smoothed.means, theirs.smoothed_state.T, atol=1e-9)
    assert_allclose(smoothed.covariances, np.moveaxis(theirs.smoothed_state_cov, 2, 0), atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["integrator", "companion", "known start", "no noise", "twins"])
def test_singular_covariances_are_exact(method, backend, case):
    rng = np.random.default_rng(15)
    A, Q, P = np.array([[1.0, 1, 0.5], [0, 1, 1], [0, 0, 1]]), np.diag([0, 0, 1.0]), np.eye(3)
    C, R = np.eye(3)[:1], np.eye(1) * 0.5
    if case == "companion":         # an autoregression, observed without error
        A = np.array([[0.5, -0.3, 0.2], [1, 0, 0], [0, 1, 0]])
        Q, R = np.diag([1.0, 0, 0]), np.zeros((1, 1))
    elif case == "known start":
        P = np.zeros((3, 3))
    elif case == "no noise":
        Q = np.zeros((3, 3))
    elif case == "twins":           # the same sensor twice
        C, R = np.vstack([C, C]), np.eye(2) * 0.5
    parameters = (
        Gaussian(np.ones(3), P),
        AffineGaussian(A, np.zeros(3), Q),
        AffineGaussian(C, np.zeros(len(C)), R),
    )
    y = rng.standard_normal((6, len(C)))
    if case == "companion" and method == "covariance":
        with pytest.raises(np.linalg.LinAlgError, match="t=0.*method='joseph'"):
            kalman.filter(*parameters, y, method=method, backend=backend)
        return
    Dense(*parameters, y).check(*run((*parameters, y), method=method, backend=backend))


@pytest.mark.parametrize("K", [2, 12, 20])
def test_a_state_that_dies_away(K):
    """Without noise its variance falls below 1e-300, where numbers lose their digits."""
    rng = np.random.default_rng(29)
    turn = np.linalg.qr(rng.standard_normal((K, K)))[0]
    quiet = AffineGaussian(0.1 * turn, np.zeros(K), np.zeros((K, K)))
    look = AffineGaussian(rng.standard_normal((2, K)), np.zeros(2), np.eye(2))
    y = rng.standard_normal((180, 2))
    arguments = (Gaussian(np.ones(K), np.eye(K)), quiet, look, y)
    # Everything is known from x_1, and x_1 from a regression.
    powers = np.array([np.linalg.matrix_power(quiet.matrix, t) for t in range(60)])
    rows = (look.matrix @ powers).reshape(-1, K)
    covariance = np.linalg.inv(np.eye(K) + rows.T @ rows)
    mean = covariance @ (np.ones(K) + rows.T @ y[:60].ravel())
    white = -0.5 * (y**2).sum(1) - np.log(2 * np.pi)        # to the end only the noise of y is left
    for backend in BACKENDS:
        for method in METHODS:
            filtered, smoothed = run(arguments, method=method, backend=backend)
            assert_allclose(smoothed.means[:60], powers @ mean, atol=1e-12)
            expected = powers @ covariance @ np.swapaxes(powers, 1, 2)
            assert_allclose(smoothed.covariances[:60], expected, atol=1e-12)
            assert_allclose(filtered.log_likelihoods[100:], white[100:], atol=1e-12)
            for found in (*filtered[:4], *smoothed[:2]):
                assert np.abs(found[100:]).max() < 1e-40


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), K=st.integers(1, 4), L=st.integers(1, 3), T=st.integers(1, 9))
def test_properties(seed, K, L, T):
    rng = np.random.default_rng(seed)
    y = holes(rng, rng.standard_normal((T, L)), ["", "rows", "entries"][seed % 3])
    for method in METHODS:
        filtered, smoothed = run((*model(rng, K, L), y), method=method)
        for stack in (filtered.predicted_covariances, filtered.covariances, smoothed.covariances):
            np.testing.assert_array_equal(stack, np.swapaxes(stack, 1, 2))
            assert np.linalg.eigvalsh(stack).min() > -1e-12
        # More data, less uncertainty: in every direction.
        for less, more in [
            (filtered.predicted_covariances, filtered.covariances),
            (filtered.covariances, smoothed.covariances),
        ]:
            assert np.linalg.eigvalsh(less - more).min() > -1e-12
        np.testing.assert_array_equal(smoothed.means[-1], filtered.means[-1])
        assert_allclose(smoothed.covariances[-1], filtered.covariances[-1], atol=1e-14)
        assert smoothed.cross_covariances.shape == smoothed.gains.shape == (T - 1, K, K)


def test_one_step():
    rng = np.random.default_rng(18)
    arguments = (*model(rng), rng.standard_normal((1, 2)))
    for backend in BACKENDS:
        for method in METHODS:
            filtered, smoothed = run(arguments, method=method, backend=backend)
            Dense(*arguments).check(filtered, smoothed)
