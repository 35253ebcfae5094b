"""A neural network with a distribution at its end: p(x|y), learned by its gradient.

::

    z_0 = y,   z_l = psi_l(D_l z_{l-1} + d_l),   l = 1 ... L-1      hidden layers
    eta = D_L z_{L-1} + d_L                                       natural parameters of the output
    p(x|y) = Gaussian, Bernoulli, Categorical or Poisson with these

The parameters are the layers. Their classes say the nonlinearities, and the last one's the distribution:
``(Tanh(D_1, d_1), Categorical(D_2, d_2))``. In the chapters on discriminative models the inputs are y and the
outputs are x, so that the data are a pair: ``Pairs(y, x)``, a sample in each row of both.

Two verbs are missing, because the model says nothing about its inputs. There is no ``sample`` of pairs,
and no ``log_marginal`` of y; in their places are `sample_outputs` and `log_conditional`.

References
----------
Section 5.1.3, Eqs. 5.15-5.17.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import feedforward, outputs


class Parameters(NamedTuple):
    """The layers.

    layers : tuple of L layers: L - 1 of `pedagogy_lib.learning.networks`, and one of its `outputs`
    """

    layers: tuple


class Pairs(NamedTuple):
    """Inputs and outputs.

    inputs : ndarray, shape (N, M), y
    outputs : ndarray, shape (N, K), x; of the type of the inputs
    """

    inputs: np.ndarray
    outputs: np.ndarray


def start(y, hidden, layer, output, rng):
    """Draw weights to start learning from.

    Parameters
    ----------
    y : Pairs
    hidden : sequence of ints
        The number of units in each hidden layer; empty for a generalized linear model.
    layer : class
        Of the hidden layers, such as `networks.Tanh`. It decides about the size of the weights, too; for
        another, give the layers of `networks.start` to `Parameters`.
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
    sizes = (inputs.shape[1], *hidden, x.shape[1])
    params = Parameters(networks.start(sizes, rng, layer, output, dtype=dtype))
    _checked(params, y)
    return params


def predict(params, y):
    """The mean of the outputs for each input.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, M)
        Inputs alone.

    Returns
    -------
    ndarray, shape (N, K); for `outputs.Categorical`, the probabilities of the classes
    """
    return params.layers[-1].mean(_eta(params, y))


def sample_outputs(params, y, rng):
    """Draw one output for each input.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, M)
        Inputs alone.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (N, K)
    """
    return params.layers[-1].sample(_eta(params, y), checks.generator("rng", rng))


def log_conditional(params, y):
    """log p(x|y) of each pair, in nats.

    Parameters
    ----------
    params : Parameters
    y : Pairs

    Returns
    -------
    ndarray, shape (N,)
    """
    y, x = _checked(params, y)
    return -params.layers[-1].surprisals(feedforward.run(params.layers, y).output, x)


def loss(params, y, rng=None):
    """The conditional cross-entropy, <-log p(x|y)>, per pair and in nats.

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
    """The derivative of the loss; arguments as for `loss`.

    Returns
    -------
    Parameters
    """
    return value_and_gradient(params, y, rng)[1]


def value_and_gradient(params, y, rng=None):
    """Loss and gradient from one forward pass; arguments as for `loss`.

    Returns
    -------
    float, Parameters
    """
    y, x = _checked(params, y)
    layers, output = params.layers, params.layers[-1]
    record = feedforward.run(layers, y)                                      # Eq. 5.15
    value = float(outputs.loss(output, record.output, x))
    slope = outputs.slope(output, record.output, x)                          # (mean - x) / N
    found = feedforward.run_back(layers, record, slope, input_gradient=False)    # Eqs. 5.16, 5.17
    return value, Parameters(found.params)


# --- checks -----------------------------------------------------------------------------------


def _eta(params, y):
    """The natural parameters at inputs that are given alone."""
    _check(params)
    return networks.forward(params.layers, y).output


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    feedforward.check_layers(params.layers, "params.layers")
    if not isinstance(params.layers[-1], outputs.OUTPUTS):
        names = ", ".join(kind.__name__ for kind in outputs.OUTPUTS)
        raise TypeError(f"params.layers[-1]: expected one of {names}, got {type(params.layers[-1]).__name__}")


def _pair(y):
    if not isinstance(y, tuple) or len(y) != 2:
        raise TypeError(f"y: expected Pairs, inputs and outputs, got {type(y).__name__}")
    inputs, x = checks.numbers("y.inputs", y[0]), checks.numbers("y.outputs", y[1])
    for name, value in (("y.inputs", inputs), ("y.outputs", x)):
        if value.ndim != 2:
            raise ValueError(f"{name}: expected two axes, a sample in each row, got shape {value.shape}")
    if len(inputs) != len(x):
        raise ValueError(f"y.outputs: expected {len(inputs)} rows, as there are inputs, got {len(x)}")
    return inputs, x


def _checked(params, y):
    """The pair, checked against the parameters: shapes, types, and what the distribution can give."""
    _check(params)
    y, x = _pair(y)
    y = feedforward.inputs("y.inputs", y, params.layers[0].weights)
    x = feedforward.inputs("y.outputs", x, params.layers[-1].weights, len(params.layers[-1].biases))
    params.layers[-1].check(x)
    return y, x
