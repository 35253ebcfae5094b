"""Mean field: the best approximation of a joint distribution by independent factors.

With all other factors held fixed, the free energy is least for

    log q_j(x_j) = E_{other factors}[ log p(x, y) ] + constant.

Coordinate ascent variational inference (CAVI) takes the factors in turn. Each update solves its own
problem exactly, so that the free energy never rises. Two targets for which the expectation can be
written down are here: a `Gaussian` of any dimension, and a ``table`` of two discrete variables, which
stands for any density of two variables on a grid.

References
----------
Section 8.4, which is empty in the textbook. C.M. Bishop, Pattern Recognition and Machine Learning
(2006), section 10.1; D.M. Blei, A. Kucukelbir and J.D. McAuliffe, "Variational inference: a review for
statisticians" (2017).
"""

from itertools import count
from typing import NamedTuple

import numpy as np
from scipy.special import entr, logsumexp

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.learning.objectives.information import relative_entropy


class GaussianUpdate(NamedTuple):
    """One factor of a Gaussian has been updated.

    step : int, from 1
    coordinate : int, which factor
    fit : Gaussian, the product of all factors; its covariance is diagonal
    divergence : float, KL{q || p} in nats
    """

    step: int
    coordinate: int
    fit: Gaussian
    divergence: float


class TableUpdate(NamedTuple):
    """One of the two factors of a table has been updated.

    step : int, from 1
    coordinate : int, which factor: 0 or 1
    factors : tuple of two ndarrays, shapes (I,) and (J,), each summing to one
    free_energy : float, sum q log q - sum q log_joint, in nats
    """

    step: int
    coordinate: int
    factors: tuple
    free_energy: float


# ------------------------------------------------------------------------------ a Gaussian


def factorize(target):
    """Where coordinate ascent on a Gaussian ends: the right mean, and variances that are too small.

    Each factor's variance is that of x_j *given* the other coordinates, 1 / (Sigma^-1)_jj, because
    an update holds the others fixed. It is never larger than the true variance, Sigma_jj.

    Parameters
    ----------
    target : pedagogy_lib.distributions.gaussian.Gaussian
        Its covariance must be positive definite.

    Returns
    -------
    Gaussian
        The independent one of least KL{q || p}, the reverse relative entropy.
    """
    mean, covariance = _checked(target)
    return Gaussian(mean, np.diag(1 / np.diag(np.linalg.inv(covariance))))


def match_marginals(target):
    """The independent Gaussian of least KL{p || q}, the forward relative entropy: p's own marginals.

    Parameters
    ----------
    target : pedagogy_lib.distributions.gaussian.Gaussian

    Returns
    -------
    Gaussian
    """
    mean, covariance = _checked(target)
    return Gaussian(mean, np.diag(np.diag(covariance)))


def ascend(target, means):
    """Coordinate ascent on a Gaussian, one factor at a time, without end.

    The factor of x_j is a Gaussian whose mean makes up for the other means' errors,

        m_j = mu_j - sum_{i != j} (P_ji / P_jj)(m_i - mu_i),      P = Sigma^-1,

    which is a step of Gauss and Seidel's method for the equations P (m - mu) = 0.

    Parameters
    ----------
    target : pedagogy_lib.distributions.gaussian.Gaussian
    means : array_like, shape (K,)
        Where the factors' means begin.

    Yields
    ------
    GaussianUpdate
    """
    mean, covariance = _checked(target)
    target, precision = Gaussian(mean, covariance), np.linalg.inv(covariance)
    m = checks.array("means", means, (len(mean),)).copy()
    spread = np.diag(1 / np.diag(precision))
    for step in count(1):
        j = (step - 1) % len(m)
        pull = precision[j] @ (m - mean) - precision[j, j] * (m[j] - mean[j])  # of the other coordinates
        m[j] = mean[j] - pull / precision[j, j]
        fit = Gaussian(m.copy(), spread)
        yield GaussianUpdate(step, j, fit, relative_entropy(fit, target))


# --------------------------------------------------------------------- any two variables


def ascend_table(log_joint, second):
    """Coordinate ascent on the joint distribution of two discrete variables, without end.

    A density of two variables on a grid is such a table, so that this shows what mean field makes of
    a banana, or of two modes.

    Parameters
    ----------
    log_joint : array_like, shape (I, J)
        log p(x_1 = i, x_2 = j, y), up to a constant, which adds to the free energy. Finite.
    second : array_like, shape (J,)
        The factor q_2 to begin with; sums to one.

    Yields
    ------
    TableUpdate
        The first factor is updated first.
    """
    log_joint = checks.array("log_joint", log_joint, ("I", "J"))
    factors = [None, checks.probabilities("second", second, (log_joint.shape[1],))]
    for step in count(1):
        j = (step - 1) % 2
        expected = log_joint @ factors[1] if j == 0 else factors[0] @ log_joint  # E[log p], x_j held
        factors[j] = np.exp(expected - logsumexp(expected))
        energy = -factors[0] @ log_joint @ factors[1] - entr(factors[0]).sum() - entr(factors[1]).sum()
        yield TableUpdate(step, j, tuple(factors), float(energy))


def _checked(target):
    checks.having("target", target, "mean", "covariance")
    mean = checks.array("target.mean", target.mean, ("K",))
    return mean, checks.covariance("target.covariance", target.covariance, len(mean), stack=False)
