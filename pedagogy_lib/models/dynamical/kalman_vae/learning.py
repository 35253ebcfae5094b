"""Learning: the bound and its gradient, the EM step of the state-space model, and the two in turn.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (B, T, D), films without a gap.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import optimization, parameters
from pedagogy_lib.learning.networks import feedforward, outputs
from pedagogy_lib.models.dynamical import lgssm
from pedagogy_lib.models.dynamical.kalman_vae.film import _codes_in_time, _draw
from pedagogy_lib.models.dynamical.kalman_vae.inference import _with_readings
from pedagogy_lib.models.dynamical.kalman_vae.model import Parameters, _checked
from pedagogy_lib.models.dynamical.normalizing_kalman import StateSpace


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


def loss(params, y, rng):
    """Minus the evidence lower bound for each picture, from one draw of the codes of each film, in nats.

    Parameters
    ----------
    params, y
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
    params, y
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


def refit(params, y, iterations=1):
    """Let the state-space model take EM steps, at the readings as the network has them.

    Parameters
    ----------
    params, y
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
    params, y
    rng : numpy.random.Generator
    method : optimization.Adam or the like; ``Adam(0.01, square_decay=0.99)`` if none is given
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
    method = optimization.Adam(0.01, square_decay=0.99) if method is None else method
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
