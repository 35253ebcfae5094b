"""Inference: what the recognition network reads off each picture, and what the smoother makes of the readings.

In all functions ``params`` are `Parameters`.
"""

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import AffineGaussian
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.networks import feedforward
from pedagogy_lib.models.dynamical import lgssm
from pedagogy_lib.models.dynamical.kalman_vae.film import _codes_in_time, _draw
from pedagogy_lib.models.dynamical.kalman_vae.model import _check, _checked

LOG_TAU = np.log(2 * np.pi)


def recognize(params, y):
    """What the recognition network reads off each picture by itself.

    Parameters
    ----------
    y : array_like, shape (T, D), a row of NaN is a picture that is missing

    Returns
    -------
    ndarray, shape (T, C)
    """
    C = _check(params)
    y = checks.observations("y", y, len(params.emission[-1].biases), missing=True)
    seen = ~np.isnan(y).any(1)
    if (~seen & ~np.isnan(y).all(1)).any():
        raise ValueError("y: expected whole pictures or rows of NaN, got a row with some NaN")
    params.emission[-1].check(y[seen])
    read = np.full((len(y), C), np.nan)
    read[seen] = feedforward.run(params.recognition, y[seen]).output
    return read


def posterior(params, y):
    """Understand a film: the smoother, with the recognition network's readings for observations.

    Parameters
    ----------
    y : array_like, shape (T, D), a row of NaN is a picture that is missing

    Returns
    -------
    pedagogy_lib.inference.kalman.Smoothed
        Of the states; the first C are the codes, which `decode` draws, those of missing pictures too.
    """
    read = recognize(params, y)
    return lgssm.posterior(_with_readings(params), read)


def log_marginal(params, y, rng, samples=100):
    """Estimate log p of each film by importance sampling from q: a lower bound on average, better with more samples.

    Parameters
    ----------
    y : array_like, shape (B, T, D)
    rng : numpy.random.Generator
    samples : int, draws of the codes for each film

    Returns
    -------
    ndarray, shape (B,)
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    B, T, _ = y.shape
    read = feedforward.run(params.recognition, y.reshape(B * T, -1)).output.reshape(B, -1)
    prior = _codes_in_time(params, T)
    log_weights = []
    for _ in range(checks.count("samples", samples)):
        drawn = _draw(prior, read, rng)
        eta = feedforward.run(params.emission, drawn.codes.reshape(B * T, -1)).output
        seen = -params.emission[-1].surprisals(eta, y.reshape(B * T, -1)).reshape(B, T).sum(1)
        readings = -0.5 * ((read - drawn.codes) ** 2 / prior.S + np.log(prior.S) + LOG_TAU).sum(1)
        log_weights.append(seen - readings)                       # p(a) / q(a) = Z / N(r; a, S)
    u = read - prior.mean
    log_Z = -0.5 * ((u @ prior.M * u).sum(1) + prior.log_det + u.shape[1] * LOG_TAU)
    estimate = log_Z + logsumexp(log_weights, axis=0) - np.log(samples)
    return parameters.held(params, estimate)


def _with_readings(params):
    """The state-space model with what the recognition network sees in the place of pictures."""
    C, model = len(params.log_variances), params.state_space.params
    S = np.diag(np.exp(params.log_variances))
    return model._replace(emission=AffineGaussian(np.eye(C, len(model.initial.mean)), np.zeros(C), S))
