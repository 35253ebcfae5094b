"""Variational autoencoder for films: each picture has a code, and the codes move as a state-space model says.

::

    z_t      ~ linear-Gaussian state-space model, K numbers         `lgssm`
    a_t      = the first C of them, the code of picture t
    y_t|a_t  from the emission network

    recognition:   q(z_1 ... z_T) proportional to p(z_1 ... z_T) prod_t N(r(y_t); a_t, S)

The recognition network r looks at one picture and reads a code off it, with noise of variance S. With the
readings in the place of observations, q is what the Kalman smoother returns: each picture is understood with
the help of those before and after it, and one that is missing has no reading. Where pictures are linear and
Gaussian, q is the exact posterior.

The parts are learned in turn, `iterate`: the networks and S by the gradient of the bound, `value_and_gradient`;
the state-space model by EM on the readings, `refit`, because with q held the bound depends on it through an
expected complete log-likelihood alone.

``maximize`` is missing: no sum over the films solves for the networks. In `loss` and its gradient ``y`` has shape
(B, T, D), films of one length with no picture missing, because then all of them share one matrix, that of the
smoother written as a linear map; one film may lack pictures in `posterior`.

References
----------
Sections 2.2.2, 7.4 and 8.2; `state_estimation_4dvar`, "Deep Markov models". M.J. Johnson et al. (2016), "Composing
graphical models with neural networks"; M. Fraccaro et al. (2017), "A disentangled recognition and nonlinear dynamics
model", the Kalman variational autoencoder; R.G. Krishnan, U. Shalit and D. Sontag (2017), structured inference.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference._matrices import covariance_root
from pedagogy_lib.learning import networks, optimisation, parameters
from pedagogy_lib.learning.networks import feedforward, outputs
from pedagogy_lib.learning.networks.layers import Linear
from pedagogy_lib.models.dynamical import lgssm
from pedagogy_lib.models.dynamical.normalizing_kalman import StateSpace

LOG_TAU = np.log(2 * np.pi)


class Parameters(NamedTuple):
    """Two networks, and how codes move.

    recognition : tuple of layers, from D inputs to C linear units
    emission : tuple of layers, from C inputs to D units; the last is one of `outputs` (a Gaussian has variance 1)
    log_variances : ndarray, shape (C,), the logarithms of S
    state_space : StateSpace, of K >= C states, of which the first C are the code; its own emission is not used
    """

    recognition: tuple
    emission: tuple
    log_variances: np.ndarray
    state_space: StateSpace


class Sample(NamedTuple):
    """States of shape (T, K), and pictures of shape (T, D)."""

    latents: np.ndarray
    observations: np.ndarray


class Turn(NamedTuple):
    """One step of learning.

    iteration : int
    params : Parameters
    loss : float, in nats for each picture, from one draw, with the divergence at its full weight
    divergence : float, the part of it that the codes cost
    """

    iteration: int
    params: Parameters
    loss: float
    divergence: float


def start(y, codes, states, hidden, layer, output, rng):
    """Draw weights to start learning from.

    Parameters
    ----------
    y : array_like, shape (B, T, D)
    codes : int, C
    states : int, K, of which the first C are the code; each that is left drives one of those before it
    hidden : sequence of ints, the units of each hidden layer of the recognition; the emission's, reversed
    layer : class of the hidden layers, such as `networks.Tanh`
    output : class of the emission, one of `outputs`
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    checks.option("output", output, outputs.OUTPUTS)
    C = checks.count("codes", codes)
    K = checks.count("states", states, minimum=C)
    D = _films(y).shape[2]
    recognition = networks.start((D, *hidden, C), rng, layer, Linear)
    emission = networks.start((C, *reversed(hidden), D), rng, layer, output)
    # A code that drifts with the states behind it, as a place does with a velocity; 0.98 keeps it near zero.
    move = 0.98 * (np.eye(K) + 0.3 * np.eye(K, k=C))
    return Parameters(recognition, emission, np.full(C, np.log(0.01)), StateSpace(lgssm.Parameters(
        Gaussian(np.zeros(K), np.eye(K)), AffineGaussian(move, np.zeros(K), 0.05 * np.eye(K)),
        AffineGaussian(np.eye(C, K), np.zeros(C), np.eye(C)),
    )))  # fmt: skip


def sample(params, n, rng):
    """Draw a film of ``n`` pictures, and the states behind it.

    Returns
    -------
    Sample
    """
    C = _check(params)
    states = lgssm.sample(params.state_space.params, n, rng).states
    eta = feedforward.run(params.emission, states[:, :C]).output
    return Sample(states, params.emission[-1].sample(eta, checks.generator("rng", rng)))


def decode(params, codes):
    """The mean picture of each code, shape (N, D) for codes of shape (N, C)."""
    _check(params)
    return params.emission[-1].mean(networks.forward(params.emission, codes).output)


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
    return log_Z + logsumexp(log_weights, axis=0) - np.log(samples)


def loss(params, y, rng):
    """Minus the evidence lower bound for each picture, from one draw of the codes of each film, in nats.

    Parameters
    ----------
    y : array_like, shape (B, T, D)
    rng : numpy.random.Generator

    Returns
    -------
    float
    """
    return value_and_gradient(params, y, rng)[0]


def value_and_gradient(params, y, rng, weight=1.0):
    """The loss and its gradient with respect to both networks and S.

    Parameters
    ----------
    y : array_like, shape (B, T, D)
    rng : numpy.random.Generator
    weight : float
        Of the divergence; less than one while learning begins keeps codes from being given up.

    Returns
    -------
    float, Parameters
    """
    weight, rng = checks.number("weight", weight), checks.generator("rng", rng)
    value, divergence, gradient = _passes(params, _checked(params, y), rng, weight)
    return value + weight * divergence, gradient


def refit(params, y, iterations=1):
    """Let the state-space model take EM steps, at the readings as the network has them.

    Parameters
    ----------
    y : array_like, shape (B, T, D)
    iterations : int

    Returns
    -------
    Parameters
        Under which the readings are no less likely. The bound is no worse while q is held; but q goes by the
        state-space model too, so that `loss` may rise a little.
    """
    y = _checked(params, y)
    for _ in range(checks.count("iterations", iterations)):
        read = feedforward.run(params.recognition, y.reshape(-1, y.shape[2])).output.reshape(*y.shape[:2], -1)
        found = lgssm.maximize(lgssm.expected_statistics(_with_readings(params), read), lgssm.Options(offsets=False))
        old = params.state_space.params
        params = params._replace(state_space=StateSpace(found._replace(emission=old.emission)))
    return params


def iterate(params, y, rng, method=None, refit_every=5, warm_up=100):
    """Learn all parts, without end: steps of the gradient, and now and then an EM step of the state-space model.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (B, T, D)
    rng : numpy.random.Generator
    method : optimisation.Adam or the like; ``Adam(0.01, square_decay=0.99)`` if none is given
    refit_every : int, steps from one EM step to the next, once the warm-up is over
    warm_up : int
        Steps in which the weight of the divergence rises from zero to one. A prior that is learned before the codes
        say anything learns that they say nothing, and they are given up.

    Yields
    ------
    Turn
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    every, warm_up = checks.count("refit_every", refit_every), checks.count("warm_up", warm_up)
    method = optimisation.Adam(0.01, square_decay=0.99) if method is None else method
    vector, turn = parameters.flatten(params).vector, 0
    memory = method.begin(vector)
    while True:
        weight = min(1.0, turn / warm_up)
        value, divergence, gradient = _passes(params, y, rng, weight)
        memory = method.move(vector, turn, parameters.flatten(gradient).vector, memory)
        params = parameters.view(vector, params)
        if turn >= warm_up and turn % every == every - 1:
            params = refit(params, y)
        yield Turn(turn, parameters.detach(params), value + divergence, divergence)
        turn += 1


# --- the codes of a film as one long Gaussian vector --------------------------------------------


class _Codes(NamedTuple):
    """p(a_1 ... a_T) and the readings' noise.

    mean, S : (TC,);  P : (TC, TC);  M : (TC, TC), the inverse of P + diag S;  log_det : log|P + diag S|
    """

    mean: np.ndarray
    P: np.ndarray
    S: np.ndarray
    M: np.ndarray
    log_det: float


class _Draw(NamedTuple):
    """Codes drawn from q, shape (B, TC), and what their derivatives need."""

    codes: np.ndarray
    noise: np.ndarray
    pulls: np.ndarray


def _codes_in_time(params, T):
    """The moments of the codes of T pictures, from those of the states: Cov[z_s, z_t] = A^(s - t) Cov[z_t]."""
    (m, V), (A, a, Q) = params.state_space.params[:2]
    C, K = len(params.log_variances), len(m)
    means, P = np.empty((T, K)), np.empty((T, C, T, C))
    for t in range(T):
        if t:
            m, V = A @ m + a, A @ V @ A.T + Q
        means[t], across = m, V
        for s in range(t, T):
            P[s, :, t], P[t, :, s] = across[:C, :C], across[:C, :C].T
            across = A @ across
    S, P = np.tile(np.exp(params.log_variances), T), P.reshape(T * C, T * C)
    return _Codes(means[:, :C].ravel(), P, S, np.linalg.inv(P + np.diag(S)), np.linalg.slogdet(P + np.diag(S))[1])


def _draw(prior, read, rng):
    """Draw from q: draw codes and readings from the prior, and correct by what the readings say besides."""
    a = prior.mean + rng.standard_normal(read.shape) @ covariance_root(prior.P).T
    noise = rng.standard_normal(read.shape)
    pulls = (read - a - np.sqrt(prior.S) * noise) @ prior.M
    return _Draw(a + pulls @ prior.P, noise, pulls)


def _passes(params, y, rng, weight):
    """Reconstruction and divergence, each for one picture, and the gradient of the weighted sum.

    With u = r - mean and M = (P + S)^-1, both of q and p Gaussian,

        KL = (u' M P M u + tr(M S) - TC - log|S| + log|P + S|) / 2 .
    """
    B, T, D = y.shape
    prior, n = _codes_in_time(params, T), B * T
    up = feedforward.run(params.recognition, y.reshape(n, D))
    read = up.output.reshape(B, -1)
    drawn = _draw(prior, read, rng)
    down = feedforward.run(params.emission, drawn.codes.reshape(n, -1))
    value = params.emission[-1].surprisals(down.output, y.reshape(n, D)).sum() / n
    Mu = (read - prior.mean) @ prior.M
    smooth = Mu @ prior.P @ prior.M                                    # M P M u
    constant = (np.diag(prior.M) * prior.S).sum() - len(prior.S) - np.log(prior.S).sum() + prior.log_det
    divergence = 0.5 * (((read - prior.mean) * smooth).sum() + B * constant) / n

    slope = outputs.slope(params.emission[-1], down.output, y.reshape(n, D))
    emission = feedforward.run_back(params.emission, down, slope, input_gradient=True)
    g = emission.inputs.reshape(B, -1) @ prior.P @ prior.M             # da/dr = P M, turned round
    MPM = prior.M @ prior.P @ prior.M
    by_S = -(g * (drawn.pulls + drawn.noise / (2 * np.sqrt(prior.S)))).sum(0)
    by_S += weight * (-(Mu * smooth).sum(0) + 0.5 * B * (np.diag(MPM) + np.diag(prior.M) - 1 / prior.S)) / n
    by_log = (by_S * prior.S).reshape(T, -1).sum(0)
    recognition = feedforward.run_back(params.recognition, up, (g + weight * smooth / n).reshape(n, -1), False)
    return float(value), float(divergence), Parameters(recognition.params, emission.params, by_log, params.state_space)


def _with_readings(params):
    """The state-space model with what the recognition network sees in the place of pictures."""
    C, model = len(params.log_variances), params.state_space.params
    S = np.diag(np.exp(params.log_variances))
    return model._replace(emission=AffineGaussian(np.eye(C, len(model.initial.mean)), np.zeros(C), S))


# --- checks -------------------------------------------------------------------------------------


def _films(y):
    y = checks.array("y", y, ("B", "T", "D"))
    if y.shape[1] < 2:
        raise ValueError(f"y: expected shape (B, T, D), films of at least two pictures, got {y.shape}")
    return y


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    feedforward.check_layers(params.recognition, "params.recognition")
    feedforward.check_layers(params.emission, "params.emission")
    last, C, D = params.emission[-1], params.emission[0].weights.shape[1], len(params.emission[-1].biases)
    if not isinstance(last, outputs.OUTPUTS):
        names = ", ".join(kind.__name__ for kind in outputs.OUTPUTS)
        raise TypeError(f"params.emission[-1]: expected one of {names}, got {type(last).__name__}")
    shape = params.recognition[0].weights.shape[1], len(params.recognition[-1].biases)
    if shape != (D, C) or type(params.recognition[-1]) is not Linear:
        raise ValueError(f"params.recognition: expected {D} inputs and {C} linear units, got {shape[0]} and {shape[1]} "
                         f"{type(params.recognition[-1]).__name__}")
    checks.array("params.log_variances", params.log_variances, (C,))
    if not isinstance(params.state_space, StateSpace):
        raise TypeError(f"params.state_space: expected a StateSpace, got {type(params.state_space).__name__}")
    K = len(params.state_space.params.initial.mean)
    if K < C:
        raise ValueError(f"params.state_space: expected at least {C} states, one for each code, got {K}")
    return C


def _checked(params, y):
    _check(params)
    y = _films(y)
    if y.shape[2] != len(params.emission[-1].biases):
        raise ValueError(f"y: expected pictures of {len(params.emission[-1].biases)} numbers, got {y.shape[2]}")
    params.emission[-1].check(y.reshape(-1, y.shape[2]))
    return y
