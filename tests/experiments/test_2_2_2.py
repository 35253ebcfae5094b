"""The experiments of chapters/02-directed/2.2.2-kalman-filter.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.models.dynamical import lgssm

BEHIND = np.isin(np.arange(60), np.arange(25, 38))
ELSEWHERE = ~BEHIND
START = Gaussian(np.array([0.0, 0.0, 1.0, 0.5]), np.diag([1.0, 1.0, 0.25, 0.25]))


def boat(r):
    """The page's boat, with a speedometer of variance r."""
    plain = lgssm.constant_velocity(interval=1.0, acceleration_variance=0.02, observation_variance=0.5, initial=START)
    return plain._replace(emission=AffineGaussian(np.eye(4), np.zeros(4), np.diag([0.5, 0.5, r, r])))


def squares(r, rng, lost=(0, 1, 2, 3)):
    """Squared error of the position at each minute, on average, and what the filter's covariance says of it.

    Behind the island the rows ``lost`` of the data are missing.
    """
    params, found = boat(r), []
    for _ in range(100):
        truth = lgssm.sample(params, 60, rng)
        seen = truth.observations.copy()
        seen[np.ix_(BEHIND, lost)] = np.nan
        online = lgssm.filter(params, seen)
        found.append(((online.means - truth.states)[:, :2] ** 2).sum(1))
    return np.mean(found, 0), np.trace(online.covariances[:, :2, :2], axis1=1, axis2=2)


def test_2_2_2_f_a_second_sensor():
    rng = np.random.default_rng(0)
    poor, _ = squares(10.0, rng)
    good, promised = squares(0.001, rng)
    reckoned, predicted = squares(0.01, rng, lost=(0, 1))
    at = np.arange(38)[BEHIND[:38]]
    hold(
        "2.2.2-f",
        elsewhere_poor=np.sqrt(poor[ELSEWHERE].mean()),
        elsewhere_good=np.sqrt(good[ELSEWHERE].mean()),
        behind_poor=np.sqrt(poor[BEHIND].mean()),
        behind_good=np.sqrt(good[BEHIND].mean()),
        reckoning=np.sqrt(reckoned[BEHIND].mean()),
        straight=np.corrcoef(at, predicted[at])[0, 1],
        honest=good.mean() / promised.mean(),
    )
