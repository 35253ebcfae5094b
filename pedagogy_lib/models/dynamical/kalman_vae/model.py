"""The model: two networks and how codes move, films drawn from them, and the picture of a code.

In all functions ``params`` are `Parameters`.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import feedforward, outputs
from pedagogy_lib.learning.networks.layers import Linear
from pedagogy_lib.models.dynamical import lgssm
from pedagogy_lib.models.dynamical.normalizing_kalman import StateSpace


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
    codes = feedforward.inputs("codes", codes, params.emission[0].weights)
    return params.emission[-1].mean(feedforward.run(params.emission, codes).output)


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
