"""What both autoencoders with a guess in numbers share: how they begin, and costs of data with their slopes.

``params`` has two fields: ``emission``, a tuple of layers whose last one is a class of `networks.outputs`, and
``log_noise``, the logarithm of the variance, shape (1,) or (D,), where the emission is Gaussian; None elsewhere.
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import feedforward, outputs
from pedagogy_lib.learning.networks.layers import Linear

LOG_TAU = np.log(2 * np.pi)


def start(y, latents, units, hidden, layer, output, rng):
    """Draw a recognition network that ends in so many linear units, an emission network, and the log noise.

    Returns
    -------
    tuple of layers, tuple of layers, ndarray of shape (1,) or None
        Of the type of ``y``: float32 if it is, else float64.
    """
    checks.option("output", output, outputs.OUTPUTS)
    y = checks.numbers("y", y)
    if y.ndim != 2:
        raise ValueError(f"y: expected shape (N, D), a datum in each row, got {y.shape}")
    dtype = np.float32 if y.dtype == np.float32 else np.float64
    up, down = (y.shape[1], *hidden, units), (latents, *reversed(hidden), y.shape[1])
    recognition = networks.start(up, rng, layer, Linear, dtype=dtype)
    emission = networks.start(down, rng, layer, output, dtype=dtype)
    return recognition, emission, np.zeros(1, dtype) if output is outputs.Gaussian else None


def log_normal(x):
    """log N(x; 0, I) over the last axis."""
    return -0.5 * (x * x).sum(-1) - 0.5 * x.shape[-1] * LOG_TAU


def surprisals(params, eta, y):
    """-log p(y|x) for each datum, where the network said eta."""
    if params.log_noise is None:
        return params.emission[-1].surprisals(eta, y)
    v = params.log_noise
    return 0.5 * ((y - eta) ** 2 * np.exp(-v) + v + LOG_TAU).sum(1)


def slopes(params, eta, y):
    """The derivatives of the mean surprisal with respect to eta, shape (N, D), and to the log noise."""
    if params.log_noise is None:
        return outputs.slope(params.emission[-1], eta, y), None
    v = params.log_noise
    squares = (y - eta) ** 2 * np.exp(-v)
    by_entry = 0.5 * (1 - squares.mean(0))
    return (eta - y) * np.exp(-v) / len(y), by_entry if len(v) > 1 else by_entry.sum(keepdims=True)


def sample(params, x, rng):
    """Draw a datum for each latent."""
    eta = feedforward.run(params.emission, x).output
    if params.log_noise is None:
        return params.emission[-1].sample(eta, rng)
    return eta + np.exp(0.5 * params.log_noise) * rng.standard_normal(eta.shape).astype(eta.dtype)


def check(params):
    """Refuse layers that do not fit together, an emission without a distribution, and noise that does not fit it."""
    feedforward.check_layers(params.emission, "params.emission")
    last, D = params.emission[-1], len(params.emission[-1].biases)
    if not isinstance(last, outputs.OUTPUTS):
        names = ", ".join(kind.__name__ for kind in outputs.OUTPUTS)
        raise TypeError(f"params.emission[-1]: expected one of {names}, got {type(last).__name__}")
    noise = params.log_noise
    if isinstance(last, outputs.Gaussian) != (noise is not None):
        raise ValueError("params.log_noise: expected an array exactly where the emission is Gaussian, else None")
    if noise is not None and np.shape(noise) not in ((1,), (D,)):
        raise ValueError(f"params.log_noise: expected shape (1,) or ({D},), got {np.shape(noise)}")


def data(params, y, first=None):
    """The data, checked against what the emission can give, and against the layer that reads them, if one does."""
    last = params.emission[-1]
    if first is None:
        y = feedforward.inputs("y", y, last.weights, len(last.biases))
    else:
        y = feedforward.inputs("y", y, first.weights)
    if y.shape[1] != len(last.biases):
        raise ValueError(f"y: expected {len(last.biases)} columns, as the emission gives, got {y.shape[1]}")
    last.check(y)
    return y
