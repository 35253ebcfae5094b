"""Variational autoencoder: a network from a Gaussian source to the data, and a second one that guesses the way back.

::

    generative model     x ~ N(0, I),   y | x from the emission network
    recognition model    x | y ~ N(nu(y), diag s(y)^2),   both from one network

The emission's last layer is a class of `pedagogy_lib.learning.networks.outputs`, and says what y is: numbers
(Gaussian), zeros and ones (Bernoulli), one of several classes (Categorical) or counts (Poisson). The
recognition network ends in 2K linear units: the K means nu, then the K logarithms of the deviations s.

``y`` has shape (N, D), a datum in each row; ``params`` are `Parameters`. ``posterior`` is missing: that the
integral over x has no closed form is why there is a recognition model (`recognize`). So is ``maximize``: all
weights are learned by their gradient, with `pedagogy_lib.learning.optimization`.

References
----------
Section 8.2, Eqs. 8.12-8.21. D.P. Kingma and M. Welling (2014); D.J. Rezende, S. Mohamed and D. Wierstra (2014).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks
from pedagogy_lib.learning import networks, parameters
from pedagogy_lib.learning.networks import feedforward
from pedagogy_lib.learning.networks.layers import Linear
from pedagogy_lib.models.deep import _emissions
from pedagogy_lib.models.deep._emissions import log_normal, slopes, surprisals


class Parameters(NamedTuple):
    """Two networks.

    recognition : tuple of layers, from D inputs to 2K linear units
    emission : tuple of layers, from K inputs to D units; the last is one of `outputs`
    log_noise : ndarray, shape (1,) or (D,), the logarithm of the emission's variance; None unless Gaussian
    """

    recognition: tuple
    emission: tuple
    log_noise: np.ndarray | None


class Recognition(NamedTuple):
    """Independent Gaussians over the source, one for each datum (Eq. 8.12).

    means : ndarray, shape (N, K), nu
    deviations : ndarray, shape (N, K), s
    """

    means: np.ndarray
    deviations: np.ndarray


class Sample(NamedTuple):
    """Latents of shape (n, K), and observations of shape (n, D)."""

    latents: np.ndarray
    observations: np.ndarray


class Terms(NamedTuple):
    """The loss taken apart, in nats per datum: ``loss = reconstruction + divergence`` (Eq. 8.20).

    reconstruction : float, <-log p(y|x)> with x from the recognition model
    divergence : float, the relative entropy of the recognition model to the source
    information : float, the part of the divergence that x tells of y (Eq. 8.21)
    aggregate : float, the rest: the relative entropy of the average recognition model to the source
    """

    reconstruction: float
    divergence: float
    information: float
    aggregate: float


def start(y, latents, hidden, layer, output, rng):
    """Draw weights to start learning from.

    Parameters
    ----------
    y : array_like, shape (N, D)
    latents : int, K
    hidden : sequence of ints
        The units of each hidden layer of the recognition network; the emission has the same, reversed.
    layer : class of the hidden layers, such as `networks.Tanh`
    output : class of the emission, one of `outputs`
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        Of the type of ``y``: float32 if it is, else float64.
    """
    latents = checks.count("latents", latents, minimum=1)
    params = Parameters(*_emissions.start(y, latents, 2 * latents, hidden, layer, output, rng))
    _checked(params, y)
    return params


def sample(params, n, rng):
    """Draw sources, and data from them.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample
    """
    _check(params)
    rng, first = checks.generator("rng", rng), params.emission[0].weights
    x = rng.standard_normal((checks.count("n", n), first.shape[1])).astype(first.dtype)
    return Sample(x, _emissions.sample(params, x, rng))


def decode(params, x):
    """The mean of the data for each source.

    Parameters
    ----------
    x : array_like, shape (N, K)

    Returns
    -------
    ndarray, shape (N, D)
    """
    _check(params)
    x = feedforward.inputs("x", x, params.emission[0].weights)
    return params.emission[-1].mean(feedforward.run(params.emission, x).output)


def decode_slopes(params, x):
    """The derivative of the decoded mean with respect to one source: one pass back for each of the D outputs.

    Parameters
    ----------
    x : array_like, shape (K,)

    Returns
    -------
    ndarray, shape (D, K)

    Raises
    ------
    ValueError
        Unless the emission is Gaussian, whose mean is the network's last layer itself.
    """
    _check(params)
    emission = params.emission
    if params.log_noise is None:
        raise ValueError(f"params.emission: expected a Gaussian emission, got {type(emission[-1]).__name__}")
    x = checks.array("x", x, (emission[0].weights.shape[1],))
    D = len(emission[-1].biases)
    record = networks.forward(emission, np.tile(x, (D, 1)).astype(emission[0].weights.dtype))
    return feedforward.run_back(emission, record, np.eye(D, dtype=record.output.dtype), True).inputs


def recognize(params, y):
    """The recognition distribution for each datum (Eq. 8.12).

    Returns
    -------
    Recognition
    """
    y = _checked(params, y)
    return Recognition(*_moments(feedforward.run(params.recognition, y).output))


def loss(params, y, rng):
    """Minus the evidence lower bound (ELBO), from one draw of the source for each datum.

    It is the joint relative entropy of Eq. 8.20 but for the entropy of the data, an upper bound on
    <-log p(y)> on average over the draws, in nats per datum.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    float
    """
    return value_and_gradient(params, y, rng)[0]


def value_and_gradient(params, y, rng, weight=1.0):
    """The loss and its gradient, from one pass through both networks and back.

    Parameters
    ----------
    rng : numpy.random.Generator
    weight : float
        Of the divergence. Less than one while learning begins ("warming up") keeps latents from being
        given up; other than one the loss is no bound.

    Returns
    -------
    float, Parameters

    References
    ----------
    Eqs. 8.16 and 8.19; for the deviations the pathwise form of Eq. 8.17.
    """
    y, rng, weight = _checked(params, y), checks.generator("rng", rng), checks.number("weight", weight)
    up = feedforward.run(params.recognition, y)
    nu, s = _moments(up.output)
    noise = rng.standard_normal(nu.shape).astype(nu.dtype)
    down = feedforward.run(params.emission, nu + s * noise)  # x = nu + s noise: a path from phi to x

    value = surprisals(params, down.output, y).mean() + weight * _divergences(nu, s).mean()
    slope, noise_slope = slopes(params, down.output, y)
    emission = feedforward.run_back(params.emission, down, slope, input_gradient=True)
    g = emission.inputs  # dE/dx at the draws, over N
    to_mean = g + weight * nu / len(y)  # Eq. 8.16
    to_log_deviation = g * noise * s + weight * (s * s - 1) / len(y)  # dx/dlog s = noise s
    recognition = feedforward.run_back(params.recognition, up, np.hstack([to_mean, to_log_deviation]), False)
    return float(value), Parameters(recognition.params, emission.params, noise_slope)


def terms(params, y, rng):
    """Take the loss apart, as Eqs. 8.20 and 8.21 do.

    The average recognition model is a mixture with a component for each datum of ``y``, so that this
    costs N^2 K operations.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    Terms
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    nu, s = _moments(feedforward.run(params.recognition, y).output)
    x = nu + s * rng.standard_normal(nu.shape).astype(nu.dtype)
    reconstruction = surprisals(params, feedforward.run(params.emission, x).output, y).mean()
    divergence = _divergences(nu, s).mean()
    own = log_normal((x - nu) / s).astype(float) - np.log(s).sum(1)
    scaled = (x[:, None] - nu) / s  # every draw under every component
    mixture = logsumexp(log_normal(scaled) - np.log(s).sum(1), axis=1) - np.log(len(y))
    aggregate = (mixture - log_normal(x)).mean()
    found = Terms(float(reconstruction), float(divergence), float((own - mixture).mean()), float(aggregate))
    return parameters.held(params, found)


def log_marginal(params, y, rng, samples=100):
    """Estimate log p(y) by importance sampling: a lower bound on average, which rises with ``samples``.

    One sample gives the evidence lower bound, and infinitely many log p(y).

    Parameters
    ----------
    rng : numpy.random.Generator
    samples : int, draws of the source for each datum

    Returns
    -------
    ndarray, shape (N,)

    References
    ----------
    Y. Burda, R. Grosse and R. Salakhutdinov (2016).
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    nu, s = _moments(feedforward.run(params.recognition, y).output)
    log_weights = []
    for _ in range(checks.count("samples", samples, minimum=1)):
        noise = rng.standard_normal(nu.shape).astype(nu.dtype)
        x = nu + s * noise
        joint = log_normal(x) - surprisals(params, feedforward.run(params.emission, x).output, y)
        log_weights.append(joint - (log_normal(noise) - np.log(s).sum(1)))
    return parameters.held(params, logsumexp(log_weights, axis=0) - np.log(samples))


# --- the pieces ---------------------------------------------------------------------------------


def _moments(output):
    """nu and s from the recognition network's 2K outputs."""
    K = output.shape[1] // 2
    return output[:, :K], np.exp(output[:, K:])


def _divergences(nu, s):
    """D_KL{N(nu, s^2) || N(0, I)} = 1/2 sum(nu^2 + s^2 - 1) - sum log s, for each datum."""
    return 0.5 * (nu * nu + s * s - 1).sum(1) - np.log(s).sum(1)


# --- checks -------------------------------------------------------------------------------------


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    feedforward.check_layers(params.recognition, "params.recognition")
    _emissions.check(params)
    last, K = params.recognition[-1], params.emission[0].weights.shape[1]
    if len(last.biases) != 2 * K or type(last) is not Linear:
        raise ValueError(
            f"params.recognition[-1]: expected {2 * K} linear units, a mean and a log deviation for each of the "
            f"emission's {K} inputs, got {len(last.biases)} {type(last).__name__}"
        )


def _checked(params, y):
    _check(params)
    return _emissions.data(params, y, params.recognition[0])
