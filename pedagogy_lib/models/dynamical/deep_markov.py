"""Deep Markov model: a state-space model whose law of motion and whose emission are networks.

::

    generative model     x_1 ~ N(m, diag v),   x_t | x_{t-1} ~ N(x_{t-1} + f(x_{t-1}), diag q)
                         y_t | x_t ~ N(e(x_t), diag r)
    recognition model    h_t = psi(D h_{t+1} + E y_t + d)              a recurrent network that runs backwards
                         x_t | x_{t-1}, y ~ N(x_{t-1} + nu, diag s^2),   nu and log s from (x_{t-1}, h_t)

Given the state before, what came before it does not matter (the chain's second fragment, section 2.2), so that
the exact posterior, too, goes forwards through the states with what *follows* in hand, h_t. The recognition
model has the same structure ("structured inference network"), and all weights are learned together, by the
gradient of the bound through draws of the states (section 8.2).

``y`` has shape (B, T, D), sequences of one length, none of whose entries is missing. ``maximize`` is missing:
nothing solves for a network. So is ``posterior``: that it has no closed form is why there is a recognition
model (`recognize` draws from it).

References
----------
Sections 2.2 and 8.2; `state_estimation_4dvar`, "Non-Linear Flow Map"; R.G. Krishnan, U. Shalit and D. Sontag
(2017), "Structured inference networks for nonlinear state space models".
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks
from pedagogy_lib.learning import networks, parameters
from pedagogy_lib.learning.networks import feedforward, recurrent
from pedagogy_lib.learning.networks.layers import Linear

LOG_TAU = np.log(2 * np.pi)


class Parameters(NamedTuple):
    """A generative model and a recognition model. Variances come as logarithms.

    initial_mean, log_initial : ndarray, shape (K,), m and log v
    transition : tuple of layers, f, from K states to K linear units
    log_transition : ndarray, shape (K,), log q
    emission : tuple of layers, e, from K states to D linear units
    log_noise : ndarray, shape (D,), log r
    messages : Recurrent, from D readings to H hidden units, run backwards
    combiner : tuple of layers, from K + H inputs to 2K linear units, nu and log s
    """

    initial_mean: np.ndarray
    log_initial: np.ndarray
    transition: tuple
    log_transition: np.ndarray
    emission: tuple
    log_noise: np.ndarray
    messages: recurrent.Recurrent
    combiner: tuple


class Sample(NamedTuple):
    """States of shape (T, K), and readings of shape (T, D)."""

    latents: np.ndarray
    observations: np.ndarray


class Draw(NamedTuple):
    """A draw of the states from the recognition model, and how it was made.

    states : ndarray, shape (B, T, K)
    means, deviations : ndarray, shape (B, T, K), of each state given the one before
    """

    states: np.ndarray
    means: np.ndarray
    deviations: np.ndarray


def start(y, states, hidden, units, gain, rng):
    """Draw weights to start learning from. The emission is one linear layer; a reader may put in another.

    Parameters
    ----------
    y : array_like, shape (B, T, D)
    states : int, K
    hidden : sequence of ints, the units of each hidden layer of the transition and of the combiner
    units : int, H, of the recurrent network
    gain : float
        Of the transition's first weights, such as 2. Where it is small its units stay in their linear part, and
        a law that is bent may not be found.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        The emission copies the states into the first readings, and half of the readings' variance is noise.
    """
    K, H = checks.count("states", states), checks.count("units", units)
    y = _sequences(y)
    D, scale = y.shape[2], y.std((0, 1))
    transition = networks.start((K, *hidden, K), rng, networks.Tanh, Linear, gain=checks.number("gain", gain, above=0))
    combiner = networks.start((K + H, *hidden, 2 * K), rng, networks.Tanh, Linear, gain=0.1)
    emission = (Linear(np.eye(D, K), np.zeros(D)),)
    messages = recurrent.start(D, H, rng, gain=0.5)
    params = Parameters(
        np.zeros(K), np.zeros(K), transition, np.full(K, np.log(0.5)), emission, np.log(0.5 * scale**2 + 1e-6),
        messages, combiner,
    )  # fmt: skip
    _check(params)
    return params


def sample(params, n, rng, first=None):
    """Draw ``n`` states, and a reading of each.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    first : array_like, shape (K,), optional
        The first state, if it is known.

    Returns
    -------
    Sample
    """
    K = _check(params)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    if first is None:
        first = params.initial_mean + np.exp(0.5 * params.log_initial) * rng.standard_normal(K)
    x = np.empty((n, K))
    x[0] = checks.array("first", first, (K,))
    for t in range(1, n):
        x[t] = advance(params, x[None, t - 1])[0] + np.exp(0.5 * params.log_transition) * rng.standard_normal(K)
    eta = feedforward.run(params.emission, x).output
    return Sample(x, eta + np.exp(0.5 * params.log_noise) * rng.standard_normal(eta.shape))


def advance(params, x):
    """Where states go on average in one step, x + f(x), shape (N, K) for states of that shape."""
    _check(params)
    x = feedforward.inputs("x", x, params.transition[0].weights)
    return x + feedforward.run(params.transition, x).output


def recognize(params, y, rng):
    """Draw the states of sequences from the recognition model.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    Draw
    """
    y = _checked(params, y)
    noise = checks.generator("rng", rng).standard_normal((*y.shape[:2], len(params.log_transition)))
    return Draw(*(parameters.held(params, part) for part in _walk(params, y, noise)[0]))


def loss(params, y, rng):
    """Minus the evidence lower bound (ELBO), in nats for each reading, from one draw of the states.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    float
    """
    return value_and_gradient(params, y, rng)[0]


def value_and_gradient(params, y, rng, weight=1.0):
    """The loss and its gradient, through the draws of the states and back through time.

    With p_t = x_{t-1} + f(x_{t-1}) and mu_t = x_{t-1} + nu_t (for t = 1: m, with v for q; nu_1), the loss is
    the mean over t of::

        -log N(y_t; e(x_t), r) + weight * sum_k [ (s_t^2 + (mu_t - p_t)^2) / q - 1 - log(s_t^2 / q) ] / 2

    and x_t = mu_t + s_t noise carries the slopes of all that follows back to mu_t, log s_t and x_{t-1}.

    Parameters
    ----------
    rng : numpy.random.Generator
    weight : float
        Of the divergence; other than one the loss is no bound.

    Returns
    -------
    float, Parameters
    """
    y, weight = _checked(params, y), checks.number("weight", weight)
    B, T, _ = y.shape
    K = len(params.log_transition)
    noise = checks.generator("rng", rng).standard_normal((B, T, K))
    draw, hidden, steps = _walk(params, y, noise)
    x, mu, s = draw

    # The readings, of all times at once.
    down = feedforward.run(params.emission, x.reshape(B * T, K))
    misfit = (down.output.reshape(y.shape) - y) / np.exp(params.log_noise)
    squares = misfit**2 * np.exp(params.log_noise)
    value = 0.5 * (squares + params.log_noise + LOG_TAU).sum()
    to_noise = 0.5 * (1 - squares).sum((0, 1))
    emission = feedforward.run_back(params.emission, down, misfit.reshape(B * T, -1), True)

    # What the prior expects, and the divergence from it; entry t = 0 is the first state's.
    ahead = feedforward.run(params.transition, x[:, :-1].reshape(-1, K))
    expected = np.concatenate([np.broadcast_to(params.initial_mean, (B, 1, K)),
                               x[:, :-1] + ahead.output.reshape(B, T - 1, K)], 1)  # fmt: skip
    log_q = np.concatenate([params.log_initial[None], np.broadcast_to(params.log_transition, (T - 1, K))])
    away = (mu - expected) / np.exp(log_q)
    excess = s**2 / np.exp(log_q) + (mu - expected) * away
    value += weight * 0.5 * (excess - 1 - 2 * np.log(s) + log_q).sum()
    to_log_q = weight * 0.5 * (1 - excess).sum(0)
    to_expected = -weight * away
    transition = feedforward.run_back(params.transition, ahead, to_expected[:, 1:].reshape(-1, K), True)

    # Back through the draws, latest first.
    of_x = emission.inputs.reshape(B, T, K)
    of_x[:, :-1] += to_expected[:, 1:] + transition.inputs.reshape(B, T - 1, K)
    of_hidden, combiner = np.empty((B, T, hidden.hidden.shape[2])), []
    for t in range(T - 1, -1, -1):
        to_mu = of_x[:, t] + weight * away[:, t]
        to_log_s = of_x[:, t] * noise[:, t] * s[:, t] + weight * (s[:, t] ** 2 / np.exp(log_q[t]) - 1)
        back = feedforward.run_back(params.combiner, steps[t], np.hstack([to_mu, to_log_s]), True)
        combiner.append(back.params)
        of_hidden[:, t] = back.inputs[:, K:]
        if t > 0:
            of_x[:, t - 1] += to_mu + back.inputs[:, :K]
    messages = recurrent.run_back(params.messages, hidden, of_hidden[:, ::-1]).params

    gradient = Parameters(
        to_expected[:, 0].sum(0), to_log_q[0], transition.params, to_log_q[1:].sum(0), emission.params, to_noise,
        messages, tuple(type(same[0])(*map(sum, zip(*same))) for same in zip(*combiner)),
    )  # fmt: skip
    return float(value / (B * T)), parameters.each(lambda g: g / (B * T), gradient)


def log_marginal(params, y, rng, samples=100):
    """Estimate log p(y) of each sequence by importance sampling from the recognition model.

    Parameters
    ----------
    rng : numpy.random.Generator
    samples : int
        More of them make the estimate, which is too small on average, larger.

    Returns
    -------
    ndarray, shape (B,)
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    B, T, _ = y.shape
    K, n = len(params.log_transition), checks.count("samples", samples)
    noise = rng.standard_normal((n * B, T, K))
    copies = np.tile(y, (n, 1, 1))
    x, _, s = _walk(params, copies, noise)[0]
    moved = x[:, :-1] + feedforward.run(params.transition, x[:, :-1].reshape(-1, K)).output.reshape(-1, T - 1, K)
    seen = feedforward.run(params.emission, x.reshape(-1, K)).output.reshape(copies.shape)
    logs = (
        _log_normal(x[:, :1], params.initial_mean, params.log_initial)
        + _log_normal(x[:, 1:], moved, params.log_transition)
        + _log_normal(copies, seen, params.log_noise)
        + (0.5 * (noise**2 + LOG_TAU) + np.log(s)).sum((1, 2))
    )
    return parameters.held(params, logsumexp(logs.reshape(n, B), axis=0) - np.log(n))


def _walk(params, y, noise):
    """Draw the states, earliest first; with what the ways back need."""
    B, T, K = noise.shape
    hidden = recurrent.run(params.messages, np.ascontiguousarray(y[:, ::-1]))
    h = hidden.hidden[:, :0:-1]                       # h_t, which has read y_t ... y_T
    x, mu, s, steps, before = np.empty_like(noise), np.empty_like(noise), np.empty_like(noise), [], np.zeros((B, K))
    for t in range(T):
        steps.append(feedforward.run(params.combiner, np.hstack([before, h[:, t]])))
        mu[:, t] = before + steps[t].output[:, :K]
        s[:, t] = np.exp(steps[t].output[:, K:])
        before = x[:, t] = mu[:, t] + s[:, t] * noise[:, t]
    return Draw(x, mu, s), hidden, steps


def _log_normal(x, mean, log_variance):
    """Summed over times and numbers, one for each sequence."""
    return -0.5 * ((x - mean) ** 2 / np.exp(log_variance) + log_variance + LOG_TAU).sum((1, 2))


def _sequences(y):
    y = checks.array("y", y, ("B", "T", "D"))
    if y.shape[1] < 2:
        raise ValueError(f"y: expected at least two times, got shape {y.shape}")
    return y


def _check(params):
    """The number of states; refuses what does not fit together."""
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    K = len(checks.array("params.log_transition", params.log_transition, ("K",)))
    for name in ("initial_mean", "log_initial"):
        checks.array(f"params.{name}", getattr(params, name), (K,))
    recurrent.check(params.messages)
    H = len(params.messages.initial)
    D = len(checks.array("params.log_noise", params.log_noise, ("D",)))
    for name, into, out in (("transition", K, K), ("emission", K, D), ("combiner", K + H, 2 * K)):
        layers = getattr(params, name)
        feedforward.check_layers(layers, f"params.{name}")
        shape = (len(layers[-1].biases), layers[0].weights.shape[1])
        if shape != (out, into):
            raise ValueError(f"params.{name}: expected layers from {into} to {out} units, got {shape[1]} to {shape[0]}")
    if params.messages.input.shape[1] != D:
        raise ValueError(f"params.messages: expected {D} readings, got {params.messages.input.shape[1]}")
    return K


def _checked(params, y):
    _check(params)
    y = _sequences(y)
    if y.shape[2] != len(params.log_noise):
        raise ValueError(f"y: expected shape (B, T, {len(params.log_noise)}), got {y.shape}")
    return y
