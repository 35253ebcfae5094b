"""Learning: the moments of the E step, and the M step, which is three regressions.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (T, L) or (B, T, L), or a list of arrays
of shape (T_b, L): one sequence, or several. `_statistics` puts them together.

References
----------
Section 7.4, Eq. 7.4.
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman
from pedagogy_lib.learning.moments import Moments, regress
from pedagogy_lib.models.dynamical.lgssm import _statistics
from pedagogy_lib.models.dynamical.lgssm.model import Parameters, _pushes
from pedagogy_lib.models.static import factor_analysis


class Statistics(NamedTuple):
    """All that the M step needs to know: the moments of each arrow's target and its predictors.

    initial : Moments
        Of x_1, which nothing predicts; one for each sequence.
    transition : Moments
        Of x_t, predicted by x_{t-1} and, where there are controls, u_{t-1}; T - 1 for each sequence.
    emission : Moments
        Of y_t, predicted by x_t; one for each time step at which something was observed.
    loss : float
        The marginal cross entropy, -<log p(Y)>, of the parameters that gave the posterior; NaN for
        observed states, which need none. In nats per time step.
    """

    initial: Moments
    transition: Moments
    emission: Moments
    loss: float


class Options(NamedTuple):
    """What may be asked of learning, by ``em.fit(lgssm, params, y, options=lgssm.Options(...))``.

    controls : array_like or list, as y, with T - 1 rows of M; or None
        Known pushes: row t acts on x_t on its way to x_{t+1}.
    offsets : bool
        Whether a and c are learned too. Without, they are zero, as in the textbook.
    method : {"joseph", "covariance", "sqrt"}
        Of `pedagogy_lib.inference.kalman.filter`.
    """

    controls: Any = None
    offsets: bool = True
    method: str = "joseph"


PLAIN = Options()


def start(y, k, rng):
    """Choose where EM begins: a factor analyzer for each step, whose factors fade slowly.

    Parameters
    ----------
    y
        Every column must vary. Rows with a NaN are passed over.
    k : int
        The number of states.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        Each state is a standard normal at every step, 0.9 of its last value and noise.
    """
    rows = np.concatenate([batch.reshape(-1, batch.shape[2]) for batch, _ in _statistics.batches(y, None)])
    found = factor_analysis.start(rows[~np.isnan(rows).any(1)], k, rng)
    return Parameters(
        Gaussian(np.zeros(k), np.eye(k)),
        AffineGaussian(0.9 * np.eye(k), np.zeros(k), (1 - 0.9**2) * np.eye(k)),
        AffineGaussian(found.loadings, found.offset, np.diag(found.noise_variances)),
    )


def expected_statistics(params, y, options=PLAIN):
    """The E step: run the smoother, and average under its posterior.

    Parameters
    ----------
    params
        That do not change in time.
    y
        NaN marks what is missing: a time step at which nothing was
        observed says nothing about the emission; where some entries of y_t were, the others are
        replaced by their conditional expectation.
    options : Options

    Returns
    -------
    Statistics

    Raises
    ------
    ValueError
        If there is no sequence of at least two steps, or nothing was observed.

    References
    ----------
    Section 7.4, "The E step".
    """
    _statistics.refuse_varying(params)
    parts = []
    for batch, u in _statistics.batches(y, options.controls):
        pushes = _pushes(params, u, batch.shape[1])
        model = (params.initial, params.transition, params.emission, batch, pushes)
        filtered = kalman.filter(*model, method=options.method)
        smoothed = kalman.smooth(*model, method=options.method, filtered=filtered)
        loss = -filtered.log_likelihood
        parts.append(_statistics.expected(smoothed, params.emission, batch, u, loss))
    *arrows, steps, loss = _statistics.pooled(parts)
    return Statistics(*arrows, loss=loss / steps)


def observed_statistics(states, y, options=PLAIN):
    """The same statistics for states that are known.

    Parameters
    ----------
    states : array_like, shape (T, K) or (B, T, K), or a list of arrays of shape (T_b, K)
    y, options
        As for `expected_statistics`; of each y_t all entries are observed, or none.

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    found = _statistics.observed(states, y, options.controls)
    *arrows, _, _ = _statistics.pooled(found)
    return Statistics(*arrows, loss=np.nan)


def maximize(statistics, options=PLAIN):
    """The M step: three regressions, each the minimizer of its part of the joint cross entropy.

    Parameters
    ----------
    statistics : Statistics
        From `expected_statistics`, or from `observed_statistics` where the states are known.
    options : Options

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If there are too few time steps, or too little changed in them, to tell the coefficients.

    References
    ----------
    Eq. 7.4.
    """
    K = len(statistics.initial.target_mean)
    _, mean, covariance = regress(statistics.initial, name="statistics.initial")   # mu_1, Sigma_1
    AB, a, Q = regress(statistics.transition, options.offsets, "statistics.transition")
    emission = regress(statistics.emission, options.offsets, "statistics.emission")     # C, c, R
    control = AB[:, K:] if AB.shape[1] > K else None
    return Parameters(
        Gaussian(mean, covariance), AffineGaussian(AB[:, :K], a, Q), emission, control
    )
