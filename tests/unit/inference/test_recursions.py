"""The generic recursions, with Gaussian and with categorical rules, against conditioning a joint."""

from itertools import product

import numpy as np
import pytest

from pedagogy_lib.distributions import categorical, gaussian
from pedagogy_lib.distributions.categorical import Categorical, Components, Table
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import recursions
from pedagogy_lib.inference.recursions import BackwardStep, FutureConditioning, MeasurementUpdate, TimeUpdate

RNG = np.random.default_rng(22)
T, K, L = 5, 2, 2
INITIAL = Gaussian(np.array([1.0, -1.0]), np.array([[1.0, 0.3], [0.3, 0.5]]))
TRANSITION = AffineGaussian(np.array([[0.9, 0.4], [-0.2, 0.7]]), np.array([0.1, 0.0]), 0.3 * np.eye(2))
EMISSION = AffineGaussian(np.array([[1.0, 0.5], [0.0, 1.0]]), np.array([0.0, 1.0]), np.array([[0.5, 0.1], [0.1, 0.4]]))
Y = RNG.normal(size=(T, L))


def dense():
    """Mean and covariance of (x_1 ... x_T, y_1 ... y_T), from one big linear map of independent noises."""
    blocks = [INITIAL.covariance] + [TRANSITION.covariance] * (T - 1) + [EMISSION.covariance] * T
    means = [INITIAL.mean] + [TRANSITION.offset] * (T - 1) + [EMISSION.offset] * T
    size = T * (K + L)
    noise, mean = np.zeros((size, size)), np.concatenate(means)
    for i, block in enumerate(blocks):
        noise[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = block
    links = np.zeros((size, size))                        # every variable = links @ variables + noise
    for t in range(1, T):
        links[K * t : K * t + K, K * (t - 1) : K * t] = TRANSITION.matrix
    for t in range(T):
        links[T * K + L * t : T * K + L * t + L, K * t : K * t + K] = EMISSION.matrix
    solve = np.linalg.inv(np.eye(size) - links)
    return solve @ mean, solve @ noise @ solve.T


def conditioned(t, upto, y=Y):
    """p(x_t | y_1 ... y_upto) by conditioning the dense joint; entries of y that are NaN are left out."""
    mean, covariance = dense()
    x = np.arange(K * t, K * t + K)
    seen = np.flatnonzero(~np.isnan(y[:upto].ravel()))
    o = T * K + seen
    gain = covariance[np.ix_(x, o)] @ np.linalg.inv(covariance[np.ix_(o, o)])
    deviation = y.ravel()[seen] - mean[o]
    return mean[x] + gain @ deviation, covariance[np.ix_(x, x)] - gain @ covariance[np.ix_(o, x)]


def run(y=Y, transition=TRANSITION):
    forwards = list(recursions.filter(gaussian, INITIAL, transition, EMISSION, y))
    filtered = [e.distribution for e in forwards if isinstance(e, MeasurementUpdate)]
    return forwards, list(recursions.smooth(gaussian, filtered, transition))


def assert_gaussian(found, expected):
    np.testing.assert_allclose(found.mean, expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.covariance, expected[1], rtol=1e-9, atol=1e-12)


def test_the_filter_is_dense_conditioning():
    forwards, _ = run()
    assert [type(e) for e in forwards] == [MeasurementUpdate] + [TimeUpdate, MeasurementUpdate] * (T - 1)
    for event in forwards:
        assert_gaussian(event.distribution, conditioned(event.t, event.t + isinstance(event, MeasurementUpdate)))


def test_the_smoother_is_dense_conditioning():
    _, backwards = run()
    assert [type(e) for e in backwards] == [BackwardStep] + [FutureConditioning, BackwardStep] * (T - 1)
    steps = [e for e in backwards if isinstance(e, BackwardStep)]
    assert [e.t for e in steps] == list(range(T))[::-1]
    for event in steps:
        assert_gaussian(event.distribution, conditioned(event.t, T))


def test_a_smoother_that_inverts_with_the_wrong_filter_is_noticed():
    forwards, _ = run()
    predicted = [INITIAL] + [e.distribution for e in forwards if isinstance(e, TimeUpdate)]
    wrong = list(recursions.smooth(gaussian, predicted, TRANSITION))[-1].distribution
    with pytest.raises(AssertionError):
        assert_gaussian(wrong, conditioned(0, T))


def test_the_log_likelihood_is_that_of_the_joint():
    forwards, _ = run()
    total = sum(e.log_likelihood for e in forwards if isinstance(e, MeasurementUpdate))
    mean, covariance = dense()
    marginal = Gaussian(mean[T * K :], covariance[T * K :, T * K :])
    assert total == pytest.approx(gaussian.log_density(marginal, Y.ravel()), rel=1e-10)


def test_missing_observations_teach_nothing():
    y = Y.copy()
    y[[1, 3]] = np.nan
    forwards, backwards = run(y)
    assert [e.log_likelihood for e in forwards if isinstance(e, MeasurementUpdate)][1] == 0.0
    for event in forwards:
        if isinstance(event, MeasurementUpdate):
            assert_gaussian(event.distribution, conditioned(event.t, event.t + 1, y))
    for event in backwards:
        if isinstance(event, BackwardStep):
            assert_gaussian(event.distribution, conditioned(event.t, T, y))


#: Every pattern of two entries, and each after each other.
PATTERNS = [[(i >> t) % 4 for t in range(T)] for i in range(0, 32, 3)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_single_missing_entries_are_left_out(pattern):
    y = np.array([[np.nan if kind & 1 else row[0], np.nan if kind & 2 else row[1]] for kind, row in zip(pattern, Y)])
    forwards, backwards = run(y)
    for event in forwards:
        assert_gaussian(event.distribution, conditioned(event.t, event.t + isinstance(event, MeasurementUpdate), y))
    for event in backwards:
        if isinstance(event, BackwardStep):
            assert_gaussian(event.distribution, conditioned(event.t, T, y))
    mean, covariance = dense()
    o = T * K + np.flatnonzero(~np.isnan(y.ravel()))
    total = sum(e.log_likelihood for e in forwards if isinstance(e, MeasurementUpdate))
    assert total == pytest.approx(gaussian.log_density(Gaussian(mean[o], covariance[np.ix_(o, o)]), y.ravel()[o - T * K]), rel=1e-10)
    torn = np.isnan(y).any(1) & ~np.isnan(y).all(1)
    if torn.any():                                        # a row with a hole is neither missing nor zero there
        for wrong in (np.where(torn[:, None], np.nan, y), np.where(torn[:, None], np.nan_to_num(y), y)):
            assert not np.allclose(run(wrong)[0][-1].distribution.mean, forwards[-1].distribution.mean)


def test_rules_that_leave_nothing_out_are_given_the_row_as_it_is():
    """Components know their own missing entries: the emission sees the NaN."""
    seen = []
    bells = Components(lambda row: seen.append(row) or np.where(np.isnan(row), 0.0, -0.5 * (row - [[0.0, 1.0], [2.0, 1.0]]) ** 2).sum(1))
    list(recursions.filter(categorical, Categorical(np.array([0.5, 0.5])), Table(np.eye(2)), bells, np.array([[np.nan, 1.0], [np.nan, np.nan]])))
    assert seen
    assert all(np.isnan(row).tolist() == [True, False] for row in seen)


def test_conditionals_may_change_in_time():
    constant, _ = run()
    varying, _ = run(transition=lambda t: TRANSITION)
    np.testing.assert_array_equal(constant[-1].distribution.mean, varying[-1].distribution.mean)
    other, _ = run(transition=lambda t: TRANSITION._replace(offset=np.full(2, float(t))))
    assert not np.allclose(constant[-1].distribution.mean, other[-1].distribution.mean)


def test_the_same_lines_run_a_hidden_markov_model_with_real_observations():
    pi, A = np.array([0.6, 0.4]), np.array([[0.9, 0.3], [0.1, 0.7]])
    centers, y = np.array([0.0, 1.5]), np.array([0.2, 1.0, np.nan, 1.7])
    bells = Components(lambda value: -0.5 * (value - centers) ** 2 - 0.5 * np.log(2 * np.pi))
    forwards = list(recursions.filter(categorical, Categorical(pi), Table(A), bells, y))
    filtered = [e.distribution for e in forwards if isinstance(e, MeasurementUpdate)]
    steps = [e for e in recursions.smooth(categorical, filtered, Table(A)) if isinstance(e, BackwardStep)]
    table = np.empty((2,) * 4)                            # enumerate all paths
    for path in product(range(2), repeat=4):
        p = pi[path[0]]
        for t in range(4):
            p *= A[path[t], path[t - 1]] if t else 1.0
            p *= 1.0 if np.isnan(y[t]) else np.exp(-0.5 * (y[t] - centers[path[t]]) ** 2) / np.sqrt(2 * np.pi)
        table[path] = p
    for event in steps:
        axes = tuple(a for a in range(4) if a != event.t)
        np.testing.assert_allclose(event.distribution.probabilities, table.sum(axes) / table.sum(), rtol=1e-12)
    total = sum(e.log_likelihood for e in forwards if isinstance(e, MeasurementUpdate))
    assert total == pytest.approx(np.log(table.sum()), rel=1e-12)


def test_an_empty_sequence_has_no_events():
    assert list(recursions.filter(gaussian, INITIAL, TRANSITION, EMISSION, np.empty((0, 2)))) == []
    assert list(recursions.smooth(gaussian, [], TRANSITION)) == []


def test_rounding_is_refused_with_the_time_step():
    """A prior of 1e8 and noises of 1e-8: after two steps only the rounding of the covariance is left."""
    noisy = lambda size: size * np.eye(2)
    look = AffineGaussian(np.array([[1.0, 0.5]]), np.zeros(1), 1e-8 * np.eye(1))
    turn = AffineGaussian(np.array([[0.8, -0.6], [0.6, 0.8]]), np.zeros(2), noisy(1e-8))
    y = np.array([[1.0], [0.4], [-0.3], [-0.8], [-1.1]])
    events = recursions.filter(gaussian, Gaussian(np.zeros(2), noisy(1e8)), turn, look, y)
    with pytest.raises(np.linalg.LinAlgError, match=r"t=2 \(counted from 0\): the covariance of y has lost its digits"):
        list(events)
    list(recursions.filter(gaussian, Gaussian(np.zeros(2), noisy(1.0)), turn, look, y))
