"""Noising against chains that are run step by step, dense joint Gaussians, and differences."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions import gaussian, noising
from pedagogy_lib.learning import parameters

SCHEDULES = {
    "log_linear": noising.log_linear(8.0, -7.0), "cosine": noising.cosine(8.0, -7.0), "exploding": noising.exploding(8.0, -7.0),
    "pieces": noising.pieces([0.31, 0.22, 0.47], 8.0, -7.0),
}


def levels(name):
    schedule = SCHEDULES[name]
    return schedule.level(0.3), schedule.level(0.7)


def dense(earlier, later):
    """The joint of (x_l, x_m) given y, written out from the two marginals and a chain: Cov(x_l, x_m) = beta v_l^2."""
    (a, v), (b, w) = earlier, later
    beta = b / a
    return np.array([a, b]), np.array([[v**2, beta * v**2], [beta * v**2, w**2]])


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_runs_from_the_datum_to_noise(name):
    schedule = SCHEDULES[name]
    u = np.linspace(0, 1, 41)
    level = schedule.level(u)
    assert_allclose(np.log(level.snr), schedule.log_snr(u), atol=1e-12)
    assert_allclose(np.log(level.snr)[[0, -1]], [8, -7], atol=1e-10)
    assert (np.diff(level.snr) < 0).all()
    inner = u[1:-1]
    slopes = (schedule.log_snr(inner + 1e-6) - schedule.log_snr(inner - 1e-6)) / 2e-6
    assert_allclose(schedule.log_snr_slope(inner), slopes, rtol=1e-6)
    assert not np.allclose(0.5 * schedule.log_snr_slope(inner), slopes, rtol=0.1)
    if name == "exploding":
        assert (level.signal == 1).all()
    else:
        assert_allclose(level.signal**2 + level.deviation**2, 1, rtol=1e-12)


def test_uniform_times_fall_on_a_piece_as_often_as_its_share_says():
    """By counting; equal shares are a straight line; another first share is seen."""
    shares, height = [0.31, 0.22, 0.47], 5.0
    u = (np.arange(100_000) + 0.5) / 100_000
    eta = noising.pieces(shares, 8.0, -7.0).log_snr(u)
    counts = np.histogram(-eta, -8.0 + height * np.arange(4))[0] / len(u)
    assert_allclose(counts, shares, atol=1e-4)
    assert not np.allclose(counts, shares[::-1], atol=0.1)
    even = noising.pieces([0.25] * 4, 8.0, -7.0)
    assert_allclose(even.log_snr(u), noising.log_linear(8.0, -7.0).log_snr(u), rtol=1e-12, atol=1e-12)
    assert noising.pieces([0.3, 0.7], 8.0, -7.0) != noising.pieces([0.7, 0.3], 8.0, -7.0)


def test_the_cosine_schedule_is_a_cosine():
    """Its signal is a cosine of time, but for the two ends that are cut off."""
    u = np.linspace(0, 1, 11)
    begin, end = np.arctan(np.exp(-4.0)), np.arctan(np.exp(3.5))
    assert_allclose(noising.cosine(8.0, -7.0).level(u).signal, np.cos(begin + (end - begin) * u), rtol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_way_back_is_that_of_the_dense_joint(name):
    earlier, later = levels(name)
    rng = np.random.default_rng(0)
    y, x_m = rng.normal(size=2), rng.normal(size=2)
    mean, cov = dense(earlier, later)
    gain = cov[0, 1] / cov[1, 1]
    expected = mean[0] * y + gain * (x_m - mean[1] * y)
    found = noising.posterior_transition(earlier, later, y)
    numbers = noising.reversal(earlier, later)
    assert_allclose(found.matrix @ x_m + found.offset, expected, rtol=1e-10)
    assert_allclose(numbers.datum * y + numbers.state * x_m, expected, rtol=1e-10)
    variance = cov[0, 0] - gain * cov[0, 1]
    assert_allclose(found.covariance, variance * np.eye(2), rtol=1e-9, atol=1e-15)
    assert_allclose(numbers.deviation**2, variance, rtol=1e-9)
    wrong = noising.reversal(levels("cosine" if name == "exploding" else "exploding")[0], later)
    assert not np.allclose(wrong.datum * y + wrong.state * x_m, expected, rtol=1e-3)


@pytest.mark.parametrize("name", SCHEDULES)
def test_transitions_lead_from_marginal_to_marginal(name):
    """The library's `marginalize` is Eq. 8.37, run forward; two transitions in a row are the long one."""
    earlier, later = levels(name)
    between = SCHEDULES[name].level(0.5)
    y = np.array([0.4, -1.2, 2.0])
    arrow = noising.marginal(earlier, 3)
    start = gaussian.Gaussian(arrow.matrix @ y, arrow.covariance)
    direct = gaussian.marginalize(start, noising.transition(earlier, later, 3))
    halfway = gaussian.marginalize(start, noising.transition(earlier, between, 3))
    twice = gaussian.marginalize(halfway, noising.transition(between, later, 3))
    for found in (direct, twice):
        assert_allclose(found.mean, later.signal * y, rtol=1e-12)
        assert_allclose(found.covariance, later.deviation**2 * np.eye(3), rtol=1e-12, atol=1e-14)
    once_more = gaussian.marginalize(direct, noising.transition(earlier, between, 3))
    assert not np.allclose(once_more.covariance, direct.covariance, rtol=1e-2)


def test_draws_have_the_levels_moments():
    level = SCHEDULES["cosine"].level(0.4)
    y = np.tile([[2.0, -1.0]], (200_000, 1))
    x = noising.corrupt(level, y, np.random.default_rng(0))
    assert_allclose(x.mean(0), level.signal * y[0], atol=0.01)
    assert_allclose(np.cov(x.T), level.deviation**2 * np.eye(2), atol=0.01)


def test_a_schedule_is_a_parameter_without_numbers():
    for schedule in SCHEDULES.values():
        assert parameters.leaves(schedule) == []
        again = parameters.each(np.copy, schedule)
        assert_allclose(again.level(0.37).snr, schedule.level(0.37).snr, rtol=1e-15)


def test_what_does_not_fit_is_named():
    earlier, later = levels("log_linear")
    for error, match, call in (
        (ValueError, "ends in noise", lambda: noising.log_linear(8.0, 0.0)),
        (ValueError, "ends in noise", lambda: noising.cosine(8.0, -4.0)),
        (ValueError, "last: expected a log signal-to-noise ratio below the first", lambda: noising.cosine(-8.0, 8.0)),
        (ValueError, "first", lambda: noising.log_linear(np.nan)),
        (ValueError, "later: expected a smaller", lambda: noising.transition(later, earlier, 2)),
        (TypeError, "earlier: expected a Level", lambda: noising.transition((1.0, 2.0), later, 2)),
        (ValueError, "level.deviation", lambda: noising.marginal(noising.Level(1.0, 0.0), 2)),
        (ValueError, "shares: expected numbers above zero", lambda: noising.pieces([0.0, 1.0])),
        (ValueError, "shares: .* to sum to 1", lambda: noising.pieces([0.5, 0.6])),
        (ValueError, "ends in noise", lambda: noising.pieces([0.5, 0.5], 8.0, 0.0)),
        (TypeError, "schedule: expected a schedule", lambda: noising.check("schedule", 3)),
    ):
        with pytest.raises(error, match=match):
            call()
    assert noising.log_linear(8.0, 0.0, unfinished=True).level(1.0).snr == 1


def three_pieces(first, last):
    return noising.pieces([0.2, 0.3, 0.5], first, last)


@pytest.mark.parametrize("make", [noising.log_linear, noising.exploding, noising.cosine, three_pieces])
def test_a_schedule_is_a_value(make):
    """It goes through copies, pickles and the flattening of parameters, and keeps its two settings."""
    schedule = make(8.0, -7.0)
    params = (np.ones(2), schedule)
    flat = parameters.flatten(params)
    for other in (pickle.loads(pickle.dumps(schedule)), copy.deepcopy(schedule), flat.params[1]):
        assert other == schedule and hash(other) == hash(schedule) and repr(other) == repr(schedule)
        assert other.level(0.3) == schedule.level(0.3)
    assert flat.vector.size == 2
    assert schedule != make(8.0, -6.0) and schedule.level(0.3) != make(8.0, -6.0).level(0.3)
