"""A recurrent network, and backpropagation through time.

::

    z_t = psi(D z_{t-1} + E y_t + d),   t = 1 ... T

with the textbook's D_zz called D (`recurrent`) and its D_yz called E (`input`). One set of parameters acts at
every time, so that each of them moves the loss by T ways, and its gradient is a sum over times. Only the
recursions run one step after another; all other products are taken for all times at once.

Sequences are (B, T, M), or (T, M) for one. To read an output off the hidden units at each time, lay a network of
`pedagogy_lib.learning.networks` over them, and give its input gradient to `backward`.

Building blocks, which trust their arguments because their callers have checked them: `run`,
`run_back`, `check` and `sequences`.

References
----------
Eqs. 5.18-5.21. Clipping: R. Pascanu, T. Mikolov and Y. Bengio (2013).
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.networks import feedforward, initialization
from pedagogy_lib.learning.networks.layers import Linear, Tanh


class Recurrent(NamedTuple):
    """The parameters.

    recurrent : a layer, shape (K, K): D, the biases d, and by its class psi
    input : ndarray, shape (K, M): E
    initial : ndarray, shape (K,): z_0
    """

    recurrent: Linear
    input: np.ndarray
    initial: np.ndarray


class Record(NamedTuple):
    """What the backward pass needs to know of the forward pass.

    inputs : ndarray, shape (B, T, M)
    hidden : ndarray, shape (B, T+1, K), from z_0 on
    """

    inputs: np.ndarray
    hidden: np.ndarray


class Gradients(NamedTuple):
    """The derivatives of a loss.

    params : Recurrent
    inputs : ndarray, of the shape of the inputs
    totals : ndarray, shape (B, T, K), dS/dz_t, the total derivatives (Eq. 5.20)
    """

    params: Recurrent
    inputs: np.ndarray
    totals: np.ndarray


def start(inputs, units, rng, layer=Tanh, gain=1.0, dtype=np.float64):
    """Draw a network: D orthogonal times ``gain``, which neither shrinks nor stretches; E by "glorot"; no biases.

    Parameters
    ----------
    inputs, units : int
        M and K.
    rng : numpy.random.Generator
    layer, gain, dtype
        As for `networks.start`.

    Returns
    -------
    Recurrent
    """
    if not (isinstance(layer, type) and issubclass(layer, Linear)):
        raise TypeError(f"layer: expected a class of layers, such as networks.Tanh, got {layer!r}")
    units = checks.count("units", units)
    (D,) = initialization.start((units, units), rng, Tanh, layer, "orthogonal", gain, dtype)
    (E,) = initialization.start((checks.count("inputs", inputs), units), rng, Tanh, Linear, "glorot", 1.0, dtype)
    return Recurrent(D, E.weights, np.zeros(units, dtype))


def forward(params, y):
    """Run sequences through the network.

    Parameters
    ----------
    params : Recurrent
    y : array_like, shape (B, T, M) or (T, M)

    Returns
    -------
    Record
        Of a single sequence, too, with B = 1.

    References
    ----------
    Eq. 5.18.
    """
    check(params)
    return run(params, sequences("y", y, params.input, params.input.shape[1]))


def backward(params, record, hidden_gradient, truncation=None):
    """Take the derivative of a loss back through time.

    Parameters
    ----------
    params : Recurrent
    record : Record
        From `forward`.
    hidden_gradient : array_like, shape (B, T, K) or (T, K)
        The *partial* derivatives, how the loss changes with z_t while later z stay as they are, t = 1 ... T.
    truncation : int, optional
        Cut the sequence into pieces of so many steps, through whose ends no message goes back. Cheap in memory
        for a reader of endless sequences, and blind to what acts for longer than a piece.

    Returns
    -------
    Gradients

    References
    ----------
    Eqs. 5.19-5.21.
    """
    check(params)
    K = len(params.initial)
    if not isinstance(record, Record) or np.ndim(record.hidden) != 3 or np.shape(record.hidden)[2] != K:
        raise ValueError("record: expected what forward returned for these parameters, got something else")
    record = checks.record("record", record, inputs="BTM", hidden="BSK")
    if record.inputs.shape != (len(record.hidden), record.hidden.shape[1] - 1, params.input.shape[1]):
        raise ValueError(f"record.inputs: expected those of the hidden states, got shape {record.inputs.shape}")
    direct = sequences("hidden_gradient", hidden_gradient, params.input, K)
    if direct.shape != record.hidden[:, 1:].shape:
        raise ValueError(f"hidden_gradient: expected shape {record.hidden[:, 1:].shape}, got {direct.shape}")
    return run_back(params, record, direct, None if truncation is None else checks.count("truncation", truncation))


def run(params, y):
    """z_t = psi(D z_{t-1} + E y_t + d) (Eq. 5.18)."""
    (D, d), E, z_0 = params
    B, T, _ = y.shape
    z = np.empty((B, T + 1, len(d)), y.dtype)
    z[:, 0] = z_0
    driven = y @ E.T + d                                    # what the inputs do, at all times
    for t in range(1, T + 1):
        z[:, t] = params.recurrent.activate(z[:, t - 1] @ D.T + driven[:, t - 1])
    return Record(y, z)


def run_back(params, record, direct, truncation=None):
    """The total derivatives dS/dz_t, latest first (Eq. 5.20), then the sums over times (Eq. 5.19)."""
    (D, _), E, _ = params
    y, z = record
    T, K = y.shape[1], z.shape[2]
    slopes = params.recurrent.slope(z[:, 1:]) * np.ones_like(direct)
    totals, b = np.array(direct), np.empty_like(direct)
    for t in range(T, 0, -1):       # entry t-1 belongs to z_t
        if t < T and not (truncation and t % truncation == 0):
            totals[:, t - 1] += b[:, t] @ D  # 5.20: what the future says
        b[:, t - 1] = slopes[:, t - 1] * totals[:, t - 1]  # 5.21
    rows = b.reshape(-1, K)         # all times
    weights = rows.T @ z[:, :-1].reshape(-1, K)  # 5.19
    recurrent = type(params.recurrent)(weights, rows.sum(0))
    of_input = rows.T @ y.reshape(-1, y.shape[2])
    initial = (b[:, 0] @ D).sum(0)
    return Gradients(Recurrent(recurrent, of_input, initial), b @ E, totals)


def clip(gradient, longest):
    """Shorten a gradient that is longer than ``longest``, and leave its direction as it is.

    Parameters
    ----------
    gradient : NamedTuple or tuple of arrays, nested at will
    longest : float

    Returns
    -------
    The same structure.
    """
    longest = checks.number("longest", longest, above=0)
    if not isinstance(gradient, (tuple, np.ndarray)):
        raise TypeError(f"gradient: expected arrays, in tuples at will, got {type(gradient).__name__}")
    leaves = [checks.array(name, value) for name, value in parameters.leaves(gradient, "gradient")]
    if not leaves:
        raise ValueError("gradient: expected one array at least, got none")
    length = np.linalg.norm([np.linalg.norm(value) for value in leaves])
    scale = min(1.0, longest / length) if length else 1.0
    return parameters.each(lambda value: value * value.dtype.type(scale), gradient)


def check(params):
    """Refuse parameters whose shapes or types do not fit together."""
    if not isinstance(params, Recurrent):
        raise TypeError(f"params: expected Recurrent, got {type(params).__name__}")
    D, E, z = params
    if not isinstance(D, Linear):
        raise TypeError(f"params.recurrent: expected a layer, such as networks.Tanh, got {type(D).__name__}")
    feedforward.check_layers((D,), "params.recurrent")
    K = len(D.biases)
    if D.weights.shape != (K, K):
        raise ValueError(f"params.recurrent.weights: expected shape ({K}, {K}), got {D.weights.shape}")
    for name, value, shape in (("input", E, (K, "M")), ("initial", z, (K,))):
        checks.array(f"params.{name}", value, shape)
        checks.kind(f"params.{name}", value, np.ndarray)
        if value.dtype != D.weights.dtype:
            raise ValueError(f"params.{name}: expected {D.weights.dtype} as in params.recurrent, got {value.dtype}")


def sequences(name, value, weights, width):
    """Check sequences, and give a single one an axis before its own."""
    given = checks.numbers(name, value)
    if given.ndim not in (2, 3) or given.shape[-1] != width or 0 in given.shape:
        raise ValueError(f"{name}: expected shape (B, T, {width}) or (T, {width}), got {given.shape}")
    rows = feedforward.inputs(name, given.reshape(-1, width), weights, width)
    return rows.reshape(-1, *given.shape[-2:])
