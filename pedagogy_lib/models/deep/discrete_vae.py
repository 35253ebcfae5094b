"""Discrete variational autoencoder: the source is a few dice, and each picture's code says how each of them fell.

::

    generative model     x_j ~ Categ(softmax(b_j)), j = 1..J dice of K sides;  y | x from the emission network
    recognition model    x_j | y ~ Categ(softmax(eta_j(y))), all logits from one network

x_j is one-hot, and the emission network sees all J of them side by side, JK numbers. With J = 1 this is a
mixture model whose posterior is guessed by a network. The emission's last layer is a class of
`pedagogy_lib.learning.networks.outputs`; a Gaussian one has variance one.

``y`` has shape (N, D), a datum in each row; ``params`` are `Parameters`. ``posterior`` is missing, since in general
K^J codes are too many to try; `_every_code` does try them, for `log_marginal` and `exact_value_and_gradient`.
``maximize`` is missing: all weights are learned by their gradient, with `pedagogy_lib.learning.optimization`.

References
----------
Section 8.2.2, Eqs. 8.27-8.29. E. Jang, S. Gu and B. Poole (2017); C.J. Maddison, A. Mnih and Y.W. Teh (2017).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax, softmax

from pedagogy_lib import checks
from pedagogy_lib.distributions import gumbel_softmax as gumbel
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import feedforward, outputs
from pedagogy_lib.learning.networks.layers import Linear
from pedagogy_lib.models.deep import _every_code

ESTIMATORS = ("gumbel-softmax", "straight-through", "score function")


class Parameters(NamedTuple):
    """Two networks and the dice.

    recognition : tuple of layers, from D inputs to JK linear units
    emission : tuple of layers, from JK inputs to D units; the last is one of `outputs`
    source : ndarray, shape (J, K), b, the logits of the dice
    """

    recognition: tuple
    emission: tuple
    source: np.ndarray


class Sample(NamedTuple):
    """Latents of shape (n, J, K), one-hot, and observations of shape (n, D)."""

    latents: np.ndarray
    observations: np.ndarray


def start(y, dice, sides, hidden, layer, output, rng):
    """Draw weights to start learning from; the dice are fair.

    Parameters
    ----------
    y : array_like, shape (N, D)
    dice : int, J
    sides : int, K
    hidden : sequence of ints
        The units of each hidden layer of the recognition network; the emission has the same, reversed.
    layer : class of the hidden layers, such as `networks.Tanh`
    output : class of the emission, one of `outputs`
    rng : numpy.random.Generator

    Returns
    -------
    Parameters, float64
    """
    checks.option("output", output, outputs.OUTPUTS)
    J, K = checks.count("dice", dice, minimum=1), checks.count("sides", sides, minimum=2)
    D = checks.array("y", y, ("N", "D")).shape[1]
    recognition = networks.start((D, *hidden, J * K), rng, layer, Linear)
    emission = networks.start((J * K, *reversed(hidden), D), rng, layer, output)
    params = Parameters(recognition, emission, np.zeros((J, K)))
    _checked(params, y)
    return params


def sample(params, n, rng):
    """Roll the dice, and draw data from them.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample
    """
    _check(params)
    x = gumbel.harden(gumbel.perturb(params.source, n, rng))
    return Sample(x, params.emission[-1].sample(feedforward.run(params.emission, _side_by_side(x)).output, rng))


def decode(params, x):
    """The mean of the data for each code.

    Parameters
    ----------
    x : array_like, shape (N, J, K)
        One-hot, or soft.

    Returns
    -------
    ndarray, shape (N, D)
    """
    _check(params)
    x = checks.array("x", x, ("N", *params.source.shape))
    return params.emission[-1].mean(feedforward.run(params.emission, _side_by_side(x)).output)


def recognize(params, y):
    """The probabilities of each die's sides for each datum.

    Returns
    -------
    ndarray, shape (N, J, K)
    """
    y = _checked(params, y)
    return softmax(_logits(params, feedforward.run(params.recognition, y).output), axis=-1)


def loss(params, y, rng, softness=1.0):
    """The relaxed loss: the reconstruction from one soft draw for each datum, plus the divergence.

    The emission is given soft codes, so that this is no bound on -log p(y), but near one for a small softness.

    Parameters
    ----------
    rng : numpy.random.Generator
    softness : float, s of Eq. 8.29

    Returns
    -------
    float
    """
    return value_and_gradient(params, y, rng, softness)[0]


def value_and_gradient(params, y, rng, softness=1.0, estimator="gumbel-softmax", draws=2):
    """An estimate of the loss and of its gradient, in nats per datum.

    Parameters
    ----------
    rng : numpy.random.Generator
    softness : float
        s of Eq. 8.29; the score function does without.
    estimator : {"gumbel-softmax", "straight-through", "score function"}
        Of the gradient in the recognition model. The first is the gradient of the relaxed loss, which it returns;
        the two others return the loss of hard codes, a bound on -log p(y).
    draws : int
        Codes for each datum for the score function, at least 2: each has the mean of the others for a baseline.

    Returns
    -------
    float, Parameters
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    softness = checks.number("softness", softness, above=0)
    checks.option("estimator", estimator, ESTIMATORS)
    draws = checks.count("draws", draws, minimum=2)
    if estimator == "score function":
        return _with_divergence(params, y, lambda eta: _by_scores(params, eta, y, rng, draws))
    through = estimator == "straight-through"
    return _with_divergence(params, y, lambda eta: _by_soft_codes(params, eta, y, rng, softness, through))


def exact_value_and_gradient(params, y):
    """The loss and its gradient, by a sum over all K^J codes: what `value_and_gradient` estimates.

    Returns
    -------
    float, Parameters
    """
    y = _checked(params, y)
    return _with_divergence(params, y, lambda eta: _every_code.reconstruction(params, softmax(eta, axis=-1), y))


def log_marginal(params, y):
    """log p(y) of each datum, by a sum over all K^J codes.

    Returns
    -------
    ndarray, shape (N,)
    """
    return _every_code.log_marginal(params, _checked(params, y))


# --- the pieces ---------------------------------------------------------------------------------


def _with_divergence(params, y, reconstruct):
    """The loss and its gradient, for a way to the reconstruction: its value, emission gradient, and slope in eta."""
    up = feedforward.run(params.recognition, y)
    eta = _logits(params, up.output)
    fit, emission, slope = reconstruct(eta)
    divergence, by_eta, by_source = _divergence(eta, params.source)
    recognition = feedforward.run_back(params.recognition, up, _side_by_side(slope + by_eta), False)
    return float(fit + divergence), Parameters(recognition.params, emission, by_source)


def _by_soft_codes(params, eta, y, rng, softness, straight_through):
    """Reconstruction, its emission gradient, and its slope in eta, along the path sigma((eta + G_0)/s)."""
    perturbed = gumbel.perturb(eta, 1, rng)[0]
    soft = gumbel.soften(perturbed, softness)
    seen = gumbel.harden(perturbed) if straight_through else soft  # what the emission is given
    down = feedforward.run(params.emission, _side_by_side(seen))
    last = params.emission[-1]
    back = feedforward.run_back(params.emission, down, outputs.slope(last, down.output, y), True)
    slope = gumbel.pull_back(soft, softness, back.inputs.reshape(eta.shape))
    return outputs.loss(last, down.output, y), back.params, slope


def _by_scores(params, eta, y, rng, draws):
    """The same, from hard codes: (x - q) times the surprisal, less the mean surprisal of the datum's other codes."""
    S, last = draws, params.emission[-1]
    x = gumbel.harden(gumbel.perturb(eta, S, rng))  # (S, N, J, K)
    again = np.tile(y, (S, 1))
    down = feedforward.run(params.emission, _side_by_side(x.reshape(-1, *eta.shape[1:])))
    back = feedforward.run_back(params.emission, down, outputs.slope(last, down.output, again), False)
    surprisals = last.surprisals(down.output, again).reshape(S, -1)
    others = (surprisals.sum(0) - surprisals) / (S - 1)
    scores = x - softmax(eta, axis=-1)
    slope = (scores * (surprisals - others)[..., None, None]).mean(0) / len(y)
    return surprisals.mean(), back.params, slope


def _divergence(eta, source):
    """The mean of KL(q || p) over data, summed over dice, and its slopes in eta and in the source's logits."""
    log_q, log_p = log_softmax(eta, axis=-1), log_softmax(source, axis=-1)
    q = np.exp(log_q)
    each = (q * (log_q - log_p)).sum(-1, keepdims=True)  # (N, J, 1)
    by_eta = q * (log_q - log_p - each) / len(eta)
    return each.sum((1, 2)).mean(), by_eta, np.exp(log_p) - q.mean(0)


def _logits(params, output):
    return output.reshape(-1, *params.source.shape)


def _side_by_side(x):
    """(N, J, K) as (N, JK)."""
    return x.reshape(len(x), -1)


# --- checks -------------------------------------------------------------------------------------


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    feedforward.check_layers(params.recognition, "params.recognition")
    feedforward.check_layers(params.emission, "params.emission")
    J, K = checks.array("params.source", params.source, ("J", "K")).shape
    checks.kind("params.source", params.source, np.ndarray)
    last = params.emission[-1]
    if not isinstance(last, outputs.OUTPUTS):
        names = ", ".join(kind.__name__ for kind in outputs.OUTPUTS)
        raise TypeError(f"params.emission[-1]: expected one of {names}, got {type(last).__name__}")
    for name, found in (
        ("params.recognition[-1] units", len(params.recognition[-1].biases)),
        ("params.emission[0] inputs", params.emission[0].weights.shape[1]),
    ):
        if found != J * K:
            raise ValueError(f"{name}: expected {J * K}, one for each side of {J} dice with {K} sides, got {found}")


def _checked(params, y):
    """The data, checked against both networks, and against what the emission can give."""
    _check(params)
    y = feedforward.inputs("y", y, params.recognition[0].weights)
    if y.shape[1] != len(params.emission[-1].biases):
        raise ValueError(
            f"y: expected {len(params.emission[-1].biases)} columns, as the emission gives, got {y.shape[1]}"
        )
    params.emission[-1].check(y)
    return y
