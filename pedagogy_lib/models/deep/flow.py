"""Normalizing flow: the data are an invertible function of independent sources.

::

    p(x) = prod_k psi_k'(x_k)                       sources: D of them, standard Gaussian unless told otherwise
    y    = d_1^-1(d_2^-1(... d_L^-1(x)))            observations: D of them, no noise

    log p(y) = sum_k log psi_k'(x_k) + sum_l log|det J_l|,    x = d_L(... d_2(d_1(y)))

The layers d_l are of `pedagogy_lib.learning.bijections`. The log density is exact, so that it is descended
itself and not a bound. Passed on through the distribution functions psi, the same layers are a discriminative
model whose outputs z = psi(x) have as much entropy as can be (`squash`): both readings have one loss. With the
one layer `bijections.Mixing` it is `pedagogy_lib.models.static.ica`.

There is no ``posterior``, no ``recognize`` and no ``maximize``: given y there is only one x, which `normalize`
returns, and all weights are learned by their gradient, with `pedagogy_lib.learning.optimization`.

Everywhere ``params`` are `Parameters`, ``y`` has shape (N, D), a datum in each row, and ``source`` is the
density of the sources, one of `pedagogy_lib.distributions.sources`.

References
----------
Section 9.2, Eqs. 9.6-9.8; section 9.0.1, Eqs. 9.1-9.4. D.J. Rezende and S. Mohamed (2015); L. Dinh, D. Krueger
and Y. Bengio (2015).
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.sources import NORMAL
from pedagogy_lib.learning.bijections import Mixing, Reverse, composition


class Parameters(NamedTuple):
    """What there is to know.

    layers : tuple of L bijections, from the data to the source: d_1, d_2, ... d_L
    """

    layers: tuple


class Sample(NamedTuple):
    """Sources and observations, each of shape (n, D)."""

    sources: np.ndarray
    observations: np.ndarray


def start(y, kind, count, hidden, rng):
    """Choose where learning begins: columns of variance one, then layers that do little.

    Parameters
    ----------
    y : array_like, shape (N, D)
    kind : class of bijections
        Such as `bijections.Affine` for RealNVP, `bijections.Autoregressive` for MAF.
    count : int
        How many of it; between two of them stands a `bijections.Reverse`.
    hidden : sequence of ints
        The units of each hidden layer of each network, where the layers have networks.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        Of the type of ``y``: float32 if it is, else float64.
    """
    y = checks.numbers("y", y)
    y = y if y.dtype == np.float32 else y.astype(float)
    if y.ndim != 2 or len(y) < 2 or not y.shape[1]:
        raise ValueError(f"y: expected shape (N, D), two rows at least, got {y.shape}")
    checks.array("y", y)
    D, rng, deviations = y.shape[1], checks.generator("rng", rng), y.std(0)
    if not np.all(deviations > 0):
        raise ValueError(f"y: expected columns that vary, got deviations {deviations}")
    if not (isinstance(kind, type) and issubclass(kind, composition.KINDS)):
        raise TypeError(f"kind: expected a class of bijections, such as bijections.Affine, got {kind!r}")
    layers = [Mixing(np.diag(1 / deviations), y.mean(0))]
    for l in range(checks.count("count", count, minimum=1)):
        layers += ([Reverse()] if l else []) + [kind.start(D, tuple(hidden), rng, y.dtype)]
    params = Parameters(tuple(layers))
    _check(params, D)
    return params


def normalize(params, y):
    """Take data to their sources: x = d_L(... d_1(y)).

    Returns
    -------
    ndarray, shape (N, D)

    References
    ----------
    Eq. 9.6.
    """
    y = _checked(params, y)
    return composition.run(params.layers, y).output


def generate(params, x):
    """Take sources to data: y = d_1^-1(... d_L^-1(x)).

    Parameters
    ----------
    x : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N, D)

    References
    ----------
    Eq. 9.6.
    """
    x = _checked(params, x, "x")
    return composition.undo(params.layers, x)


def squash(params, y, source=NORMAL):
    """Take data to their sources, and each source through its distribution function: z = psi(x).

    Returns
    -------
    ndarray, shape (N, D)
        Between 0 and 1; uniform in the unit cube if the model is true.

    References
    ----------
    Section 9.0.1.
    """
    return source.cumulative(normalize(params, y))


def sample(params, n, rng, source=NORMAL):
    """Draw sources, and take them to data.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample
    """
    D = _width(params)
    dtype, rng = _check(params, D), checks.generator("rng", rng)
    x = source.sample((checks.count("n", n, minimum=0), D), rng).astype(dtype)
    return Sample(x, composition.undo(params.layers, x))


def log_marginal(params, y, source=NORMAL):
    """Evaluate log p(y_n), exactly.

    Returns
    -------
    ndarray, shape (N,)
        In nats.

    References
    ----------
    Eq. 9.7.
    """
    y = _checked(params, y)
    return _log_marginal(composition.run(params.layers, y), source)


def loss(params, y, rng=None, source=NORMAL):
    """Minus the mean log density, in nats per datum: Eq. 9.8 but for the entropy of the data.

    Parameters
    ----------
    rng : None
        Not used: nothing here is random.

    Returns
    -------
    float
    """
    return float(-log_marginal(params, y, source).mean())


def value_and_gradient(params, y, rng=None, source=NORMAL):
    """The loss and its gradient, from one pass through the layers and back.

    Returns
    -------
    float, Parameters
    """
    y = checks.squarable("y", _checked(params, y))
    record = composition.run(params.layers, y)
    value = float(-_log_marginal(record, source).mean())
    to_output = (source.derivative(record.output) / len(y)).astype(y.dtype)  # -log psi' = E + log Z
    to_volume = np.full(len(y), -1 / len(y), y.dtype)
    return value, Parameters(composition.run_back(params.layers, record, to_output, to_volume).layer)


class Under(NamedTuple):
    """This model under another source density, as `pedagogy_lib.learning.optimization` takes it.

    source : the density of the sources
    """

    source: Any

    def loss(self, params, y, rng=None):
        """`loss` under this density."""
        return loss(params, y, rng, self.source)

    def value_and_gradient(self, params, y, rng=None):
        """`value_and_gradient` under this density."""
        return value_and_gradient(params, y, rng, self.source)


# --- the pieces, and the checks ------------------------------------------------------------------


def _log_marginal(record, source):
    """sum_k log psi_k'(x_k) + sum_l log|det J_l|."""
    log_normalizer = np.broadcast_to(source.log_normalizer(), record.output.shape[1]).sum()
    return record.log_volume - source.energy(record.output).sum(1) - log_normalizer


def _width(params):
    """D, from the first layer that has an array of that length."""
    _check_kind(params)
    for layer in params.layers:
        width = getattr(layer, "width", None)
        if width is not None:
            return width
    raise ValueError("params.layers: expected a layer with parameters, got permutations alone")


def _check_kind(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")


def _check(params, D):
    _check_kind(params)
    return composition.check(params.layers, D, "params.layers")


def _checked(params, y, name="y"):
    """Data or sources, checked against the layers."""
    given = checks.numbers(name, y)
    if given.ndim != 2 or not len(given):
        raise ValueError(f"{name}: expected shape (N, D), a datum in each row, got {given.shape}")
    return composition.rows(name, given, given.shape[1], _check(params, given.shape[1]))
