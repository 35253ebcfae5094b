"""A network and its derivatives: one pair of functions, forward and backward.

`run` and `run_back` are the mathematics; `forward` and `backward` check their arguments and call them.

Samples are rows, as everywhere: the activities z_l are (N, K_l). The textbook's are columns, so that its
D z + d reads z D' + d here, and a sum over samples is part of every product that has N inside.

Building blocks, which trust their arguments because their callers have checked them: `run`,
`run_back`, `check_layers` and `inputs`.

References
----------
Eqs. 5.15-5.17.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning.networks.layers import Linear


class Record(NamedTuple):
    """What the backward pass needs to know of the forward pass.

    activities : tuple of L+1 ndarrays, shape (N, K_l): the inputs, and the output of every layer
    """

    activities: tuple

    @property
    def output(self):
        """The last layer's activities, shape (N, K_L)."""
        return self.activities[-1]


class Gradients(NamedTuple):
    """The derivatives of a loss.

    params : tuple of layers, of the structure of the parameters
    inputs : ndarray, shape (N, M), or None where nobody asked for it
    """

    params: tuple
    inputs: np.ndarray


def forward(params, y):
    """Run the inputs through the layers.

    Parameters
    ----------
    params : tuple of L layers
        Of the classes in `layers`; all float64, or all float32.
    y : array_like, shape (N, M)
        Inputs, of the same type; whole numbers are welcome.

    Returns
    -------
    Record

    Raises
    ------
    TypeError, ValueError
        If a layer is none, its shapes do not follow from the layer before, or types are mixed.

    References
    ----------
    Eq. 5.15.
    """
    check_layers(params)
    return run(params, inputs("y", y, params[0].weights))


def backward(params, record, output_gradient, input_gradient=True):
    """Take the derivative of a loss through the layers, from the output to the input.

    Parameters
    ----------
    params : tuple of layers
        Those of the forward pass.
    record : Record
        From `forward`.
    output_gradient : array_like, shape (N, K_L)
        dS/dz_L, the derivative of the loss with respect to the output. Where the loss is a mean over
        samples, so is every gradient.
    input_gradient : bool
        Whether to go on to the inputs: one product more.

    Returns
    -------
    Gradients

    References
    ----------
    Eqs. 5.16, with the transpose of D that the printed equation lacks, and 5.17.
    """
    check_layers(params)
    if not isinstance(record, Record) or len(record.activities) != len(params) + 1:
        raise ValueError("record: expected what forward returned for these layers, got something else")
    _check_activities(params, record)
    output_gradient = inputs("output_gradient", output_gradient, params[-1].weights, width=len(params[-1].biases))
    if output_gradient.shape != record.output.shape:
        raise ValueError(f"output_gradient: expected shape {record.output.shape}, got {output_gradient.shape}")
    return run_back(params, record, output_gradient, input_gradient)


def _check_activities(params, record):
    """Refuse what `forward` has not returned: a row for each sample, a column for each unit."""
    widths, N = [params[0].weights.shape[1], *(len(layer.biases) for layer in params)], len(record.activities[0])
    for l, (activity, width) in enumerate(zip(record.activities, widths)):
        inputs(f"record.activities[{l}]", activity, params[0].weights, width)
        checks.kind(f"record.activities[{l}]", activity, np.ndarray)
        if len(activity) != N:
            raise ValueError(f"record.activities[{l}]: expected shape ({N}, {width}), got {np.shape(activity)}")


def run(params, y):
    """z_0 = y; z_l = psi_l(D_l z_{l-1} + d_l) (Eq. 5.15)."""
    activities = [y]
    for layer in params:
        u = activities[-1] @ layer.weights.T
        u += layer.biases
        activities.append(layer.activate(u))
    return Record(tuple(activities))


def run_back(params, record, output_gradient, input_gradient):
    """b_L = J_L dS/dz_L; b_l = J_l D'_{l+1} b_{l+1} (5.16); dS/dD_l = b_l z'_{l-1}, dS/dd_l = b_l (5.17)."""
    z, gradients, L = record.activities, [], len(params)
    b = params[-1].slope(z[-1]) * output_gradient
    for l in range(L, 0, -1):
        layer = params[l - 1]
        gradients.append(type(layer)(b.T @ z[l - 1], b.sum(0)))
        if l > 1:
            b = b @ layer.weights
            b *= params[l - 2].slope(z[l - 1])
    of_inputs = b @ params[0].weights if input_gradient else None
    return Gradients(tuple(reversed(gradients)), of_inputs)


def check_layers(params, name="params"):
    """Refuse what is no stack of layers, each of which takes what the one before it gives."""
    if not isinstance(params, tuple) or not params or isinstance(params, Linear):
        raise TypeError(f"{name}: expected a tuple of layers, at least one, got {type(params).__name__}")
    for l, layer in enumerate(params):
        if not isinstance(layer, Linear):
            raise TypeError(f"{name}[{l}]: expected a layer, such as networks.Tanh, got {type(layer).__name__}")
        D, d = layer
        if not isinstance(D, np.ndarray) or D.ndim != 2 or 0 in D.shape:
            raise ValueError(f"{name}[{l}].weights: expected an array of shape (K, M), got {_spell(D)}")
        if not isinstance(d, np.ndarray) or d.shape != D.shape[:1]:
            raise ValueError(f"{name}[{l}].biases: expected an array of shape ({len(D)},), got {_spell(d)}")
        if l and D.shape[1] != len(params[l - 1].biases):
            raise ValueError(
                f"{name}[{l}].weights: expected {len(params[l - 1].biases)} columns, one for each unit of the layer "
                f"before, got {D.shape[1]}"
            )
        for field, value in zip(layer._fields, layer):
            if value.dtype != params[0].weights.dtype or value.dtype.kind != "f":
                raise ValueError(
                    f"{name}[{l}].{field}: expected float64 or float32, all alike, got {value.dtype} "
                    f"beside {params[0].weights.dtype}"
                )
            if not np.isfinite(np.vdot(value, value)) or isinstance(value, np.ma.MaskedArray):
                checks.array(f"{name}[{l}].{field}", value)     # names the number that is not finite, if one is


def inputs(name, value, weights, width=None):
    """Check rows of finite numbers, as many in each as there are weights; float32 and float64 do not mix."""
    given = checks.numbers(name, value)
    if given.dtype.kind != "f":
        given = given.astype(weights.dtype)                 # counts and labels are exact in either
    if given.dtype != weights.dtype:
        raise ValueError(
            f"{name}: expected {weights.dtype} as in the parameters, got {given.dtype}; "
            f"{name}.astype(np.{weights.dtype}) makes it so"
        )
    width = weights.shape[1] if width is None else width
    if given.ndim != 2 or given.shape[1] != width or len(given) == 0:
        raise ValueError(f"{name}: expected shape (N, {width}), a sample in each row, got {given.shape}")
    if not np.isfinite(np.vdot(given, given)):
        checks.array(name, given)                           # names the number that is not finite, if one is
    return given


def _spell(value):
    """What came, in words."""
    return f"shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
