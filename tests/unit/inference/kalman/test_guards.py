"""Right, or it raises: the filter and the smoother against answers with 80 digits."""

import numpy as np
import pytest
from chain_models import integrators, problems, seen_late
from gaussian_chain import errors, exact

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman

METHODS = kalman.METHODS
BACKENDS = ("numpy", "numba")


PROMISE = 1e-6


@pytest.mark.parametrize("kind", ["twins", "companion", "rotation", "one noise"])
def test_right_or_raises(kind):
    """Every method, over a sweep of stiffness, returns the answer to 1e-6, or says that it cannot."""
    returned = dict.fromkeys(kalman.METHODS, 0)
    for problem in problems(kind, 24):
        truth = exact(*problem)
        for method in kalman.METHODS:
            for backend in BACKENDS:
                try:
                    filtered = kalman.filter(*problem, method=method, backend=backend)
                    smoothed = kalman.smooth(*problem, method=method, filtered=filtered, backend=backend)
                except np.linalg.LinAlgError as error:
                    assert "at time step t=" in str(error)
                    continue
                returned[method] += 1
                assert max(errors(filtered, smoothed, truth)) < PROMISE, (method, backend, problem)
    # The sweep has both sides of the edge, and roots reach further than covariances.
    assert 0 < returned["covariance"] <= returned["joseph"] < returned["sqrt"]


def test_unguarded_covariances_are_silently_wrong(monkeypatch):
    """The guards are needed: without them the same sweep returns wrong answers, and says nothing."""
    monkeypatch.setattr(kalman.guards, "DIGITS", dict.fromkeys(kalman.METHODS, 0.0))
    monkeypatch.setattr(kalman.growth, "watch", lambda *_: None)
    wrong = 0
    for problem in problems("twins", 24):
        truth = exact(*problem)
        for method in ("joseph", "covariance"):
            try:
                filtered = kalman.filter(*problem, method=method, backend="numpy")
                smoothed = kalman.smooth(*problem, method=method, filtered=filtered, backend="numpy")
            except np.linalg.LinAlgError:
                continue
            wrong += not max(errors(filtered, smoothed, truth)) < PROMISE
    assert wrong > 3


@pytest.mark.parametrize(
    ("R", "P0"), [(1e-1, 1e0), (1e-4, 1e2), (1e-8, 1e6), (1e-10, 1e8), (1e-12, 1e10)]
)
def test_square_roots_keep_their_digits(R, P0):
    problem = integrators(R, P0)
    truth = exact(*problem)
    for backend in BACKENDS:
        found = [
            run(*problem, method="sqrt", backend=backend) for run in (kalman.filter, kalman.smooth)
        ]
        of_log_likelihood, of_means, of_covariances = errors(*found, truth)
        assert of_log_likelihood < (1e-12 if R > 1e-2 else 1e-8)
        assert max(of_means, of_covariances) < 1e-8
        for method in ("joseph", "covariance"):
            if R > 1e-6:
                assert errors(kalman.filter(*problem, method=method), found[1], truth)[0] < 1e-8
            else:
                with pytest.raises(np.linalg.LinAlgError, match="method='sqrt'"):
                    kalman.filter(*problem, method=method, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_roots_cannot_do_they_refuse(backend):
    with pytest.raises(np.linalg.LinAlgError, match="t=0.*even on square roots"):
        kalman.filter(*integrators(1e-15, 1e13), method="sqrt", backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", kalman.METHODS)
def test_data_far_from_zero_are_refused(method, backend):
    """A clock's reading of 1e12 seconds, known to a microsecond, is not in a float any more."""
    one = AffineGaussian(np.eye(1), np.zeros(1), 1e-12 * np.eye(1))
    y = np.array([[1e6], [1e12]])
    initial = Gaussian(np.array([1e6]), 1e-12 * np.eye(1))
    with pytest.raises(np.linalg.LinAlgError, match="t=0.*Subtract a constant"):
        kalman.filter(initial, one, one, y, method=method, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_cancellation_is_noticed(backend):
    """Y - K C Y of a sensor a million times better than the prior: Joseph keeps what that loses."""
    one = AffineGaussian(np.eye(1), np.zeros(1), 1e-12 * np.eye(1))
    moving = AffineGaussian(np.eye(1), np.zeros(1), np.eye(1))
    arguments = (Gaussian(np.zeros(1), np.eye(1)), moving, one, np.zeros((3, 1)))
    with pytest.raises(np.linalg.LinAlgError, match="t=0.*Y - K C Y.*method='joseph'"):
        kalman.filter(*arguments, method="covariance", backend=backend)
    for method in ("joseph", "sqrt"):
        kept = kalman.filter(*arguments, method=method, backend=backend).covariances
        np.testing.assert_allclose(kept, 1e-12, rtol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_singular_innovation_is_refused(method, backend):
    """Two equal sensors without noise: the second says nothing, or contradicts the first."""
    C = np.array([[1.0, 0], [1.0, 0]])
    arrow = AffineGaussian(np.eye(2), np.zeros(2), np.eye(2))
    looking = AffineGaussian(C, np.zeros(2), np.zeros((2, 2)))
    y = np.zeros((3, 2))
    y[:2] = np.nan
    with pytest.raises(np.linalg.LinAlgError, match=r"t=2 \(counted from 0\): the covariance of y"):
        kalman.filter(Gaussian(np.zeros(2), np.eye(2)), arrow, looking, y, method=method, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", ["joseph", "covariance"])
def test_sensors_that_are_first_seen_late_are_watched_from_the_start(method, backend):
    """Two sensors tell all about both states; the third, which repeats them, has not been read yet.

    Its variance was 1e8 and is 1e-8 when it is first read. Without a memory of that the filter returned
    -104165 nats, and a mean 83 posterior standard deviations away.
    """
    C, missing = np.array([[1, 1.0], [1, -1], [1, 0]]), np.nan
    y = np.array([[1, missing, missing], [missing, 0.5, missing], [missing, missing, 0.7], [missing, missing, 0.75]])
    still = AffineGaussian(np.eye(2), np.zeros(2), 1e-12 * np.eye(2))
    initial, look = Gaussian(np.zeros(2), 1e8 * np.eye(2)), AffineGaussian(C, np.zeros(3), 1e-8 * np.eye(3))
    with pytest.raises(np.linalg.LinAlgError, match=r"t=[12] .*lost its digits"):
        kalman.filter(initial, still, look, y, method=method, backend=backend)
    truth = exact(initial, still, look, y)
    arguments = initial, still, look, y, None, "sqrt"
    found = kalman.filter(*arguments, backend=backend), kalman.smooth(*arguments, backend=backend)
    assert max(errors(*found, truth)) < PROMISE
    assert truth[0] == pytest.approx(-93749.2, abs=0.1)


def test_right_or_raises_where_sensors_are_first_seen_late():
    """As entries of y that are missing, and as one entry whose row of C changes in time."""
    returned = dict.fromkeys(kalman.METHODS, 0)
    for initial, move, look, y in seen_late(30):
        truth = exact(initial, move, look, y)
        rows, now = np.nonzero(~np.isnan(y))
        varying = AffineGaussian(look.matrix[now][:, None], np.zeros(1), look.covariance[:1, :1])
        for emission, data in ((look, y), (varying, y[rows, now][:, None])):
            for method in kalman.METHODS:
                for backend in BACKENDS:
                    arguments = initial, move, emission, data, None, method
                    try:
                        filtered = kalman.filter(*arguments, backend=backend)
                        smoothed = kalman.smooth(*arguments, filtered=filtered, backend=backend)
                    except np.linalg.LinAlgError as error:
                        assert "at time step t=" in str(error)
                        continue
                    returned[method] += 1
                    assert max(errors(filtered, smoothed, truth)) < PROMISE, (method, backend)
    assert 30 < returned["covariance"] <= returned["joseph"] < returned["sqrt"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("direction", [(3.0, 7.0), (1.0, 1.0 / 3.0), (0.1, 0.7)])
def test_roots_of_singular_covariances_have_no_variance_of_rounding(direction, backend):
    """A line of states, seen across: the sensor reads only its own noise.

    Roots once made variance out of the rounding of the covariance: 8.1 nats for 9.5.
    """
    v = np.array(direction)
    across = AffineGaussian(np.array([[v[1], -v[0]]]), np.zeros(1), 1e-6 * np.eye(1))
    still, y = AffineGaussian(np.eye(2), np.zeros(2), np.zeros((2, 2))), np.array([[1e-3], [-2e-3]])
    noise_only = -0.5 * (y**2 / 1e-6 + np.log(2 * np.pi * 1e-6)).sum()
    for covariance in (2.0**27 * np.outer(v, v), 2.0**27 * (np.outer(v, v) + np.outer(v, v).T) / 2):
        found = kalman.filter(Gaussian(np.zeros(2), covariance), still, across, y, method="sqrt", backend=backend)
        assert found.log_likelihood == pytest.approx(noise_only, rel=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", kalman.METHODS)
@pytest.mark.parametrize("K", [2, 12])
def test_determinants_beyond_the_range_of_floats(K, method, backend):
    for variances in ((1e99, 1e250), (1e-90, 1e-250), (1e200, 1e200), (1e-99, 1e-99)):
        tiny = 1e-280 * np.eye(K)
        move = AffineGaussian(np.eye(K), np.zeros(K), tiny)
        look = AffineGaussian(np.eye(K)[:2], np.zeros(2), np.diag(variances))
        found = kalman.filter(Gaussian(np.zeros(K), tiny), move, look, np.zeros((2, 2)), method=method, backend=backend)
        expected = -0.5 * np.log(2 * np.pi * np.array(variances)).sum()
        np.testing.assert_allclose(found.log_likelihoods, expected, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", kalman.METHODS)
def test_what_dies_away_unseen_is_not_remembered(method, backend):
    """The dynamics damp the rounding as they damp the variance."""
    fades = AffineGaussian(0.01 * np.eye(1), np.zeros(1), 1e-8 * np.eye(1))
    look = AffineGaussian(np.eye(1), np.zeros(1), 1e-8 * np.eye(1))
    y = np.array([[np.nan]] * 10 + [[1e-4]])
    found = kalman.filter(Gaussian(np.zeros(1), 1e10 * np.eye(1)), fades, look, y, method=method, backend=backend)
    predicted = 1e-8 / (1 - 1e-4)
    expected = -0.5 * (1e-8 / (predicted + 1e-8) + np.log(2 * np.pi * (predicted + 1e-8)))
    assert found.log_likelihood == pytest.approx(expected, rel=1e-9)
