"""Members of the family with names of their own: a level that wanders, and points that are tracked in the plane.

References
----------
Section 2.2.2; `pedagogy_lib.dynamics.integrated_noise`.
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.dynamics.integrated_noise import integrated_noise
from pedagogy_lib.models.dynamical.lgssm.model import Parameters


def local_level(level_variance, observation_variance, initial_mean, initial_variance):
    """A level that wanders at random and is observed through noise: the simplest member.

    Parameters
    ----------
    level_variance : float
        Variance of one step of the level.
    observation_variance : float
        Variance of the noise on each observation.
    initial_mean, initial_variance : float
        Of the level at the first step.

    Returns
    -------
    Parameters
        With one state and one observation.
    """
    mean = checks.number("initial_mean", initial_mean)
    initial = checks.number("initial_variance", initial_variance, at_least=0)
    level = checks.number("level_variance", level_variance, at_least=0)
    noise = checks.number("observation_variance", observation_variance, at_least=0)
    one = np.eye(1)
    return Parameters(
        Gaussian(np.array([mean]), one * initial),
        AffineGaussian(one, np.zeros(1), one * level),
        AffineGaussian(one, np.zeros(1), one * noise),
    )


def constant_velocity(interval, acceleration_variance, observation_variance, initial):
    """A point that moves in the plane with a velocity that drifts; its position is observed.

    The state is (position 1, position 2, velocity 1, velocity 2).

    Parameters
    ----------
    interval : float
        Time between observations, in the unit of time of the velocity.
    acceleration_variance : float
        Spectral density of the white acceleration that makes the velocity drift.
    observation_variance : float
        Variance of each observed coordinate.
    initial : Gaussian
        p(x_1), with four dimensions.

    Returns
    -------
    Parameters
        With four states and two observations.
    """
    density = checks.number("acceleration_variance", acceleration_variance, at_least=0)
    return _tracked(2, interval, density, observation_variance, initial)


def constant_acceleration(interval, jerk_variance, observation_variance, initial):
    """A point that moves in the plane with an acceleration that drifts; its position is observed.

    The state is (position 1, position 2, velocity 1, velocity 2, acceleration 1, acceleration 2).

    Parameters
    ----------
    interval : float
        Time between observations.
    jerk_variance : float
        Spectral density of the white jerk that makes the acceleration drift.
    observation_variance : float
        Variance of each observed coordinate.
    initial : Gaussian
        p(x_1), with six dimensions.

    Returns
    -------
    Parameters
        With six states and two observations.
    """
    density = checks.number("jerk_variance", jerk_variance, at_least=0)
    return _tracked(3, interval, density, observation_variance, initial)


def _tracked(order, interval, density, observation_variance, initial):
    """Two coordinates, each with so many derivatives, of which the highest is white noise."""
    A, Q = integrated_noise(order, interval)
    both, K = np.eye(2), 2 * order
    checks.having("initial", initial, "mean", "covariance")
    mean = checks.array("initial.mean", initial.mean, (K,))
    covariance = checks.covariance("initial.covariance", initial.covariance, K, definite=False, stack=False)
    observation_variance = checks.number("observation_variance", observation_variance, at_least=0)
    return Parameters(
        Gaussian(mean, covariance),
        AffineGaussian(np.kron(A, both), np.zeros(K), density * np.kron(Q, both)),
        AffineGaussian(np.eye(2, K), np.zeros(2), observation_variance * both),
    )
