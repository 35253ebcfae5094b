"""A recurrent network with a distribution at each time: p(x_1 ... x_T | y_1 ... y_T), learned by its gradient.

::

    z_t   = psi(D z_{t-1} + E y_t + d)         hidden units, one set of parameters for all times
    eta_t = D' z_t + d'                        natural parameters of the output at time t
    p(x_t | y_1 ... y_t) = Gaussian, Bernoulli, Categorical or Poisson with these

Where x_t is y_{t+1}, the network predicts a sequence from its own past: then it has a distribution over
sequences after all, and `continuation` draws from it.

Two verbs are missing, as in `network`. There is no ``sample`` of pairs and no ``log_marginal`` of y, because
the model says nothing about its inputs; `log_conditional` is in their place.

References
----------
Section 5.1.3, Eqs. 5.18-5.21.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning.networks import Linear, Tanh, feedforward, initialization, outputs, recurrent


class Parameters(NamedTuple):
    """The layers.

    hidden : recurrent.Recurrent
    output : a layer of `outputs`, shape (K, H)
    """

    hidden: recurrent.Recurrent
    output: Linear


class Pairs(NamedTuple):
    """Sequences of inputs and outputs.

    inputs : ndarray, shape (B, T, M), y
    outputs : ndarray, shape (B, T, K), x; of the type of the inputs
    """

    inputs: np.ndarray
    outputs: np.ndarray


def start(y, units, output, rng):
    """Draw weights to start learning from, for hidden units of tanh.

    Parameters
    ----------
    y : Pairs
    units : int
        The number of hidden units.
    output : class
        One of `outputs.Gaussian`, `outputs.Bernoulli`, `outputs.Categorical`, `outputs.Poisson`.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        Of the type of the inputs: float32 if they are, else float64.
    """
    checks.option("output", output, outputs.OUTPUTS)
    inputs, x = _pair(y)
    dtype = np.float32 if inputs.dtype == np.float32 else np.float64
    hidden = recurrent.start(inputs.shape[2], units, rng, dtype=dtype)
    (last,) = initialization.start((units, x.shape[2]), rng, Tanh, output, "glorot", 1.0, dtype)
    params = Parameters(hidden, last)
    _checked(params, y)
    return params


def predict(params, y):
    """The mean of the output at each time, given the inputs up to it.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (B, T, M) or (T, M)
        Inputs alone.

    Returns
    -------
    ndarray, shape (B, T, K)
    """
    _check(params)
    return _by_rows(params.output.mean, _eta(params, recurrent.forward(params.hidden, y)))


def log_conditional(params, y):
    """log p(x_t | y_1 ... y_t) at each time, in nats, shape (B, T); arguments as for `loss`."""
    y, x = _checked(params, y)
    eta = _eta(params, recurrent.run(params.hidden, y))
    rows = params.output.surprisals(eta.reshape(-1, eta.shape[2]), x.reshape(-1, x.shape[2]))
    return -rows.reshape(x.shape[:2])


def loss(params, y, rng=None):
    """The conditional cross-entropy for each sequence and time, in nats.

    Parameters
    ----------
    params : Parameters
    y : Pairs
    rng
        Not used: nothing here is random.

    Returns
    -------
    float
    """
    return float(-log_conditional(params, y).mean())


def gradient(params, y, rng=None):
    """The derivative of the loss, a Parameters; arguments as for `loss`."""
    return value_and_gradient(params, y, rng)[1]


def value_and_gradient(params, y, rng=None, truncation=None):
    """Loss and gradient from one forward pass.

    Parameters
    ----------
    params, y, rng
        As for `loss`.
    truncation : int, optional
        As for `recurrent.backward`: then it is not the derivative, but near it where memory is short.

    Returns
    -------
    float, Parameters
    """
    y, x = _checked(params, y)
    record = recurrent.run(params.hidden, y)                                     # Eq. 5.18
    z, x = record.hidden[:, 1:].reshape(-1, len(params.hidden.initial)), x.reshape(-1, x.shape[2])
    above = feedforward.run((params.output,), z)                                 # all times at once
    value = float(outputs.loss(params.output, above.output, x))
    found = feedforward.run_back((params.output,), above, outputs.slope(params.output, above.output, x), True)
    direct = found.inputs.reshape(record.hidden[:, 1:].shape)                    # partial dS/dz_t
    below = recurrent.run_back(params.hidden, record, direct, truncation)        # Eqs. 5.19-5.21
    return value, Parameters(below.params, found.params[0])


def continuation(params, y, n, rng):
    """Go on with a sequence: draw an output, and give it to the network as its next input.

    Parameters
    ----------
    params : Parameters
        Of a network whose outputs are what its inputs are.
    y : array_like, shape (T, M)
        How the sequence begins.
    n : int
        How many more to draw.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, M)
    """
    _check(params)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    if len(params.output.biases) != params.hidden.input.shape[1]:
        raise ValueError(
            f"params.output: expected outputs like the {params.hidden.input.shape[1]} inputs, got "
            f"{len(params.output.biases)} of them"
        )
    z, drawn = recurrent.forward(params.hidden, y).hidden[:, -1], []
    for _ in range(n):
        drawn.append(params.output.sample(feedforward.run((params.output,), z).output, rng))
        z = recurrent.run(params.hidden._replace(initial=z[0]), drawn[-1][None]).hidden[:, -1]
    return np.concatenate(drawn)


# --- checks and shapes ------------------------------------------------------------------------


def _eta(params, record):
    """The natural parameters at all times, shape (B, T, K)."""
    return record.hidden[:, 1:] @ params.output.weights.T + params.output.biases


def _by_rows(function, values):
    return function(values.reshape(-1, values.shape[-1])).reshape(values.shape)


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    recurrent.check(params.hidden)
    if not isinstance(params.output, outputs.OUTPUTS):
        raise TypeError(f"params.output: expected a layer of `outputs`, got {type(params.output).__name__}")
    feedforward.check_layers((params.hidden.recurrent, params.output), "params")


def _pair(y):
    if not isinstance(y, tuple) or len(y) != 2:
        raise TypeError(f"y: expected Pairs, inputs and outputs, got {type(y).__name__}")
    inputs, x = checks.numbers("y.inputs", y[0]), checks.numbers("y.outputs", y[1])
    for name, value in (("y.inputs", inputs), ("y.outputs", x)):
        if value.ndim != 3:
            raise ValueError(f"{name}: expected shape (B, T, D), got {value.shape}")
    if inputs.shape[:2] != x.shape[:2]:
        raise ValueError(f"y.outputs: expected {inputs.shape[:2]} sequences and times, got {x.shape[:2]}")
    return inputs, x


def _checked(params, y):
    _check(params)
    y, x = _pair(y)
    y = recurrent.sequences("y.inputs", y, params.hidden.input, params.hidden.input.shape[1])
    x = recurrent.sequences("y.outputs", x, params.output.weights, len(params.output.biases))
    params.output.check(x.reshape(-1, x.shape[2]))
    return y, x
