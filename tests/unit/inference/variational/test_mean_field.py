"""Mean field: against direct minimization of the two relative entropies, and against enumeration."""

from itertools import islice

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.inference.variational import mean_field

MEAN = np.array([1.0, -2.0, 0.5])
ROOT = np.array([[1.0, 0.0, 0.0], [0.8, 0.7, 0.0], [-0.5, 0.4, 1.2]])
TARGET = Gaussian(MEAN, ROOT @ ROOT.T)


def gaussian_divergence(m, s, mean, covariance):
    """KL between two Gaussians, from the textbook's definition: E[log] of each, term by term."""
    K = len(m)
    P = np.linalg.inv(covariance)
    logs = np.linalg.slogdet(covariance)[1] - np.linalg.slogdet(s)[1]
    return 0.5 * (np.trace(P @ s) + (m - mean) @ P @ (m - mean) - K + logs)


@pytest.mark.parametrize("forward", [False, True])
def test_the_factors_are_those_that_minimize_the_divergence(forward):
    def cost(free):
        m, s = free[:3], np.diag(np.exp(free[3:]))
        return gaussian_divergence(*TARGET, m, s) if forward else gaussian_divergence(m, s, *TARGET)

    best = minimize(cost, np.zeros(6), tol=1e-12)
    fit, other = mean_field.match_marginals(TARGET), mean_field.factorize(TARGET)
    if not forward:
        fit, other = other, fit
    assert np.allclose(best.x[:3], fit.mean, atol=1e-5)
    assert np.allclose(np.exp(best.x[3:]), np.diag(fit.covariance), rtol=1e-4)
    assert not np.allclose(np.exp(best.x[3:]), np.diag(other.covariance), rtol=0.1)


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.9, 0.99])
def test_the_variance_is_too_small_by_one_less_the_squared_correlation(rho):
    target = Gaussian(np.zeros(2), np.array([[4.0, 2 * rho], [2 * rho, 1.0]]))
    variances = np.diag(mean_field.factorize(target).covariance)
    assert variances == pytest.approx((1 - rho**2) * np.array([4.0, 1.0]), rel=1e-12)


def test_coordinate_ascent_never_rises_and_ends_at_the_factors():
    events = list(islice(mean_field.ascend(TARGET, np.array([8.0, 8.0, 8.0])), 300))
    costs = np.array([event.divergence for event in events])
    assert (np.diff(costs) <= 1e-12).all()
    assert [event.coordinate for event in events[:4]] == [0, 1, 2, 0]
    assert np.allclose(events[-1].fit.mean, MEAN, atol=1e-12)
    assert np.allclose(events[-1].fit.covariance, mean_field.factorize(TARGET).covariance, rtol=1e-12)
    for event in events[:5]:
        assert event.divergence == pytest.approx(gaussian_divergence(*event.fit, *TARGET), rel=1e-10)
    # Jacobi's method, all coordinates at once, would do something else.
    P = np.linalg.inv(TARGET.covariance)
    jacobi = MEAN - (P - np.diag(np.diag(P))) @ (8.0 - MEAN) / np.diag(P)
    assert events[2].fit.mean[0] == pytest.approx(jacobi[0])
    assert abs(events[2].fit.mean[2] - jacobi[2]) > 0.1


def test_each_update_solves_its_own_problem():
    event = next(mean_field.ascend(TARGET, np.array([8.0, 8.0, 8.0])))
    for away in (-0.1, 0.1):
        other = event.fit.mean + [away, 0, 0]
        assert gaussian_divergence(other, event.fit.covariance, *TARGET) > event.divergence + 1e-3


def test_two_coordinates_shrink_by_the_squared_correlation_each_round():
    rho = 0.9
    target = Gaussian(np.zeros(2), np.array([[1.0, rho], [rho, 1.0]]))
    means = [event.fit.mean[1] for event in islice(mean_field.ascend(target, np.array([0.0, 3.0])), 12)][1::2]
    assert np.array(means[1:]) / means[:-1] == pytest.approx(rho**2, rel=1e-12)


def table(rng):
    return rng.normal(size=(3, 4)) * 1.5


def test_a_table_is_fitted_as_well_as_by_direct_minimization():
    log_joint = table(np.random.default_rng(0))

    def energy(free):
        a, b = (np.exp(part - logsumexp(part)) for part in (free[:3], free[3:]))
        q = np.outer(a, b)
        return (q * (np.log(q) - log_joint)).sum()

    best = min(minimize(energy, np.random.default_rng(s).normal(size=7), tol=1e-12).fun for s in range(8))
    found = min(
        list(islice(mean_field.ascend_table(log_joint, start), 400))[-1].free_energy for start in np.eye(4) * 0.97 + 0.0075
    )
    assert found == pytest.approx(best, abs=1e-8)
    assert found > -logsumexp(log_joint) + 1e-3                      # the gap is a divergence, and this table is not independent


def test_the_free_energy_of_a_table_never_rises_and_is_exact_where_the_table_is_independent():
    rng = np.random.default_rng(1)
    for log_joint in (table(rng), np.add.outer(rng.normal(size=3), rng.normal(size=4))):
        events = list(islice(mean_field.ascend_table(log_joint, np.full(4, 0.25)), 60))
        energies = np.array([event.free_energy for event in events])
        assert (np.diff(energies) <= 1e-12).all()
        assert (energies >= -logsumexp(log_joint) - 1e-12).all()
        for event in events[:3]:
            q = np.outer(*event.factors)
            assert event.free_energy == pytest.approx((q * (np.log(q) - log_joint)).sum(), rel=1e-12)
    assert energies[-1] == pytest.approx(-logsumexp(log_joint), abs=1e-12)


@pytest.mark.parametrize("call, words", [
    (lambda: mean_field.factorize(Gaussian(np.zeros(2), np.eye(3))), "target.covariance"),
    (lambda: next(mean_field.ascend(TARGET, np.zeros(2))), "means: expected shape"),
    (lambda: next(mean_field.ascend_table(np.zeros((2, 3)), np.full(2, 0.5))), "second: expected shape"),
    (lambda: next(mean_field.ascend_table(np.array([[0.0, -np.inf]]), np.full(2, 0.5))), "log_joint: expected finite"),
])
def test_a_bad_argument_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
