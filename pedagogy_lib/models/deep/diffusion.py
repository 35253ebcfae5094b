"""Diffusion model: a chain from noise to data, each step of it a Gaussian whose mean a network gives.

::

    recognition model    p(x_u | y) = N(a_u y, v_u^2 I)                         fixed, by a schedule of `noising`
    generative model     x_1 ~ N(0, I),  x_s | x_u ~ N(mean with the network's guess of y, deviation of Eq. 8.38)
                         y | x_0 ~ N(x_0 / a_0, (v_0 / a_0)^2 I)

The network sees the noisy x and its log signal-to-noise ratio, as features. The class of its last layer, one
of `pedagogy_lib.learning.objectives.denoising`, says what it answers: the noise, the datum, the score, or a
mixture of noise and datum. All are the same model: each gives a guess of the datum, m(x, u).

``y`` has shape (N, D), a datum in each row, of about unit variance; ``params`` are `Parameters`. ``recognize``
is missing: the recognition model has no parameters and stands in `noising`. ``posterior`` and ``maximize`` are
missing as in `vae`.

References
----------
Section 8.3, Eqs. 8.30-8.43, and 8.47 and 8.48. J. Ho, A. Jain and P. Abbeel (2020); D.P. Kingma, T. Salimans,
B. Poole and J. Ho (2021).
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions import noising
from pedagogy_lib.inference import reverse_diffusion
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import feedforward
from pedagogy_lib.learning.objectives.denoising import TARGETS

LOG_TAU = np.log(2 * np.pi)
#: Frequencies of the waves by which the network is told the log signal-to-noise ratio.
WAVES = np.array([0.2, 0.4, 0.8])
#: The number of features of the level.
FEATURES = 1 + 2 * len(WAVES)


class Parameters(NamedTuple):
    """A network, and the schedule that it was taught on.

    network : tuple of layers, from D + FEATURES inputs to D units; the last is one of `TARGETS`
    schedule : noising.Schedule, which holds no number that is learned
    """

    network: tuple
    schedule: noising.Schedule


class Sample(NamedTuple):
    """Where the chains began, shape (n, D), and the observations in which they ended, shape (n, D)."""

    latents: np.ndarray
    observations: np.ndarray


class Terms(NamedTuple):
    """The bound taken apart, in nats, one number for each datum; their sum is minus the bound.

    prior : ndarray, shape (N,), the relative entropy of the last level to the generative prior
    denoising : ndarray, shape (N,), the sum of Eq. 8.41, or its limit
    reconstruction : ndarray, shape (N,), <-log p(y|x_0)>, the same for every datum
    """

    prior: np.ndarray
    denoising: np.ndarray
    reconstruction: np.ndarray


# --- the verbs ----------------------------------------------------------------------------------


def start(y, hidden, layer, target, schedule, rng):
    """Draw weights to start learning from.

    Parameters
    ----------
    y : array_like, shape (N, D)
    hidden : sequence of ints
        The units of each hidden layer.
    layer : class of the hidden layers, such as `networks.Tanh`
    target : class of the last layer, one of `TARGETS`
    schedule : noising.Schedule
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        Of the type of ``y``: float32 if it is, else float64.
    """
    checks.option("target", target, TARGETS)
    noising.check("schedule", schedule)
    y = checks.numbers("y", y)
    if y.ndim != 2:
        raise ValueError(f"y: expected shape (N, D), a datum in each row, got {y.shape}")
    dtype = np.float32 if y.dtype == np.float32 else np.float64
    sizes = (y.shape[1] + FEATURES, *hidden, y.shape[1])
    params = Parameters(networks.start(sizes, rng, layer, target, dtype=dtype), schedule)
    _checked(params, y)
    return params


def sample(params, n, rng, steps=200, noise=1.0):
    """Draw from the prior, and go back to data.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    steps : int
    noise : float
        1 for ancestral sampling, 0 for the deterministic map; see `reverse_diffusion.reverse`.

    Returns
    -------
    Sample
    """
    _check(params)
    rng, D = checks.generator("rng", rng), len(params.network[-1].biases)
    latents = _prior_deviation(params.schedule) * rng.standard_normal((checks.count("n", n), D))
    x = reverse_diffusion.sample(denoiser(params), params.schedule, latents, steps, rng, noise)
    if noise:  # the emission p(y | x_0), drawn in the same share as the other noise
        x = x + noise * params.schedule.level(0.0).snr ** -0.5 * rng.standard_normal(x.shape)
    dtype = params.network[0].weights.dtype
    return Sample(latents.astype(dtype), x.astype(dtype))


def denoise(params, x, level):
    """The network's guess of the data, m(x, u).

    Parameters
    ----------
    x : array_like, shape (N, D)
    level : noising.Level, of numbers or of arrays of shape (N, 1)

    Returns
    -------
    ndarray, shape (N, D)
    """
    _check(params)
    weights = params.network[0].weights
    x = checks.numbers("x", x).astype(weights.dtype, copy=False)
    x = feedforward.inputs("x", x, weights, width=weights.shape[1] - FEATURES)
    return _guess(params, x, level)


def denoiser(params):
    """The same, as the function of (x, level) that `reverse_diffusion` takes.

    Returns
    -------
    callable
    """
    _check(params)
    return lambda x, level: _guess(params, np.asarray(x, params.network[0].weights.dtype), level)


def force(params, x, level):
    """The score of the noised data, from the guess by Tweedie's formula (Eq. 8.47).

    Parameters
    ----------
    x, level
        As for `denoise`.

    Returns
    -------
    ndarray, shape (N, D)
    """
    x = checks.numbers("x", x)
    return (level.signal * denoise(params, x, level) - x) / level.deviation**2


def loss(params, y, rng):
    """Minus the bound of `log_marginal` in the limit of many steps, from one draw for each datum.

    An upper bound on <-log p(y)> on average over the draws, in nats per datum, all constants included.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    float
    """
    return value_and_gradient(params, y, rng)[0]


def value_and_gradient(params, y, rng, weight=None):
    """The loss and its gradient, from one pass through the network and back.

    Parameters
    ----------
    rng : numpy.random.Generator
    weight : callable, optional
        Of the log signal-to-noise ratio, shape (N,). It multiplies each datum's squared error; with other
        weights than one the loss is no bound.

    Returns
    -------
    float, Parameters

    References
    ----------
    Eq. 8.43 in the continuous-time limit.
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    u = _times(len(y), rng)
    z = rng.standard_normal(y.shape).astype(y.dtype)
    level = params.schedule.level(u)
    x = (level.signal * y + level.deviation * z).astype(y.dtype)  # Eq. 8.36: any level in one step
    record = feedforward.run(params.network, _inputs(x, level))
    # |y - m|^2 = scale^2 |output - target|^2, times half of the rate -d snr/du at which signal is lost.
    _, scale = params.network[-1].guess(level)
    rate = -params.schedule.log_snr_slope(u) * level.snr
    weights = (0.5 * rate * scale**2).astype(y.dtype)
    if weight is not None:
        weights = weights * weight(np.log(level.snr[:, 0]))[:, None].astype(y.dtype)
    error = record.output - params.network[-1].target(y, z, level).astype(y.dtype)
    value = (weights * error**2).sum(1).mean()
    network = feedforward.run_back(params.network, record, 2 * weights * error / len(y), False).params
    prior, reconstruction = _ends(params.schedule, y)
    return float(value + prior.mean() + reconstruction.mean()), Parameters(network, params.schedule)


def terms(params, y, rng, steps=None, draws=1):
    """Take the bound apart.

    Parameters
    ----------
    rng : numpy.random.Generator
    steps : int, optional
        L, the length of the chain. Without it, the limit of many steps.
    draws : int
        For each datum, at times that are spread evenly.

    Returns
    -------
    Terms

    References
    ----------
    Eq. 8.41, with the terms that it counts among the constants.
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    return bound_terms(denoiser(params), params.schedule, y, rng, steps, draws)


def bound_terms(denoise, schedule, y, rng, steps=None, draws=1):
    """The terms for any denoiser, such as the closed form of `noised_mixture`.

    Parameters
    ----------
    denoise : callable
        Of (x, level), x of shape (N, D) and the level of arrays of shape (N, 1).
    schedule : noising.Schedule
    y, rng, steps, draws
        As for `terms`.

    Returns
    -------
    Terms
    """
    noising.check("schedule", schedule)
    y, rng = checks.array("y", y, ("N", "D")), checks.generator("rng", rng)
    total, draws = np.zeros(len(y)), checks.count("draws", draws)
    first = _times(len(y), rng)
    for k in range(draws):
        u = (first + k / draws) % 1
        if steps is None:
            total += denoising_draws(denoise, schedule, y, u, rng)
        else:
            L = checks.count("steps", steps)
            l = np.floor(u * L) + 1
            u, before = l / L, (l - 1) / L
            lost = L * (np.exp(schedule.log_snr(before)) - np.exp(schedule.log_snr(u)))
            total += 0.5 * lost[:, 0] * _squares(denoise, schedule.level(u), y, rng)
    prior, reconstruction = _ends(schedule, y)
    return Terms(prior, total / draws, reconstruction)


def denoising_draws(denoise, schedule, y, u, rng):
    """Draws of the denoising term in the limit of many steps, one for each datum, at times of your choice.

    At uniform times their mean is the term itself, whatever the schedule between its ends; how far they scatter is
    the schedule's doing: see `pedagogy_lib.learning.objectives.schedules`.

    Parameters
    ----------
    denoise, schedule, y, rng
        As for `bound_terms`.
    u : ndarray, shape (N, 1), from 0 to 1

    Returns
    -------
    ndarray, shape (N,), in nats
    """
    checks.function("denoise", denoise)
    noising.check("schedule", schedule)
    y, rng = checks.array("y", y, ("N", "D")), checks.generator("rng", rng)
    u = checks.array("u", u, (len(y), 1))
    if ((u < 0) | (u > 1)).any():
        raise ValueError(f"u: expected times from 0 to 1, got them from {u.min():.3g} to {u.max():.3g}")
    lost = -schedule.log_snr_slope(u) * np.exp(schedule.log_snr(u))
    return 0.5 * lost[:, 0] * _squares(denoise, schedule.level(u), y, rng)


def log_marginal(params, y, rng, steps=None, draws=32):
    """Estimate a lower bound on log p(y), the evidence lower bound of a chain of that many steps.

    Parameters
    ----------
    rng, steps, draws
        As for `terms`.

    Returns
    -------
    ndarray, shape (N,)
        In nats; unbiased for the bound.
    """
    found = terms(params, y, rng, steps, draws)
    return -(found.prior + found.denoising + found.reconstruction)


def bits_per_dimension(nats, size):
    """Minus log likelihoods in nats, as bits for each number of a datum.

    Parameters
    ----------
    nats : float or ndarray, log likelihoods (so that most are below zero)
    size : int, D

    Returns
    -------
    float or ndarray
    """
    return -checks.array("nats", nats) / (checks.count("size", size) * np.log(2))


# --- the pieces ---------------------------------------------------------------------------------


def _times(n, rng):
    """Times for n data, shape (n, 1): one random shift of a grid, so that no level is left out by chance."""
    return ((rng.random() + np.arange(n) / n) % 1)[:, None]


def _inputs(x, level):
    """The noisy datum, brought to unit size, and features of its log signal-to-noise ratio."""
    eta = np.atleast_2d(2 * np.log(level.signal / level.deviation))    # one for all rows, or one for each
    features = np.hstack([eta / 9, np.sin(WAVES * eta), np.cos(WAVES * eta)])
    features = np.broadcast_to(features, (len(x), FEATURES))
    return np.hstack([x / np.hypot(level.signal, level.deviation), features]).astype(x.dtype)


def _guess(params, x, level):
    keep, scale = params.network[-1].guess(level)
    return keep * x + scale * feedforward.run(params.network, _inputs(x, level)).output


def _squares(denoise, level, y, rng):
    """The squared error of the guess of each datum from one noisy version of it, shape (N,)."""
    x = level.signal * y + level.deviation * rng.standard_normal(y.shape)
    return ((y - denoise(x, level)) ** 2).sum(1)


def _prior_deviation(schedule):
    """The deviation of data of unit variance at the last level: one, where the schedule preserves variance."""
    return float(np.hypot(*schedule.level(1.0)))


def _ends(schedule, y):
    """The relative entropy to the prior, and the cost of y given x_0, each of shape (N,)."""
    D, s2 = y.shape[1], _prior_deviation(schedule) ** 2
    a, v = schedule.level(1.0)
    prior = 0.5 * ((a**2 * y**2 + v**2) / s2 - 1 - np.log(v**2 / s2)).sum(1)
    variance = 1 / schedule.level(0.0).snr
    return prior, np.full(len(y), 0.5 * D * (LOG_TAU + np.log(variance) + 1))


# --- checks -------------------------------------------------------------------------------------


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    noising.check("params.schedule", params.schedule)
    feedforward.check_layers(params.network, "params.network")
    last, given = params.network[-1], params.network[0].weights.shape[1]
    if not isinstance(last, TARGETS):
        names = ", ".join(kind.__name__ for kind in TARGETS)
        raise TypeError(f"params.network[-1]: expected one of {names}, got {type(last).__name__}")
    if given != len(last.biases) + FEATURES:
        raise ValueError(
            f"params.network[0].weights: expected {len(last.biases) + FEATURES} columns, for {len(last.biases)} "
            f"numbers and {FEATURES} features of the level, got {given}"
        )


def _checked(params, y):
    _check(params)
    first = params.network[0].weights
    return feedforward.inputs("y", y, first, width=first.shape[1] - FEATURES)
