"""Several bijections, one after the other: log volumes add up.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Eqs. 9.6 and 9.7.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.bijections.autoregressive import Autoregressive
from pedagogy_lib.learning.bijections.couplings import Additive
from pedagogy_lib.learning.bijections.inverse import Inverse
from pedagogy_lib.learning.bijections.linear import Mixing, Reverse
from pedagogy_lib.learning.bijections.passages import Gradients, Passage
from pedagogy_lib.learning.bijections.planar import Planar
from pedagogy_lib.learning.bijections.radial import Radial

KINDS = (Additive, Autoregressive, Inverse, Mixing, Planar, Radial, Reverse)


class Record(NamedTuple):
    """The data on their way through all layers.

    passages : tuple of L Passages
    output : ndarray, shape (N, D), x = d_L(... d_1(y))
    log_volume : ndarray, shape (N,), the sum of the layers'
    """

    passages: tuple[Passage, ...]
    output: np.ndarray
    log_volume: np.ndarray


def run(layers, y):
    """x_(l+1) = d_l(x_l), beginning with x_1 = y (Eq. 9.6); log|det J| = sum_l log|det J_l| (Eq. 9.7)."""
    passages, x = [], y
    for layer in layers:
        passages.append(layer.run(x))
        x = passages[-1].output
    return Record(tuple(passages), x, sum(passage.log_volume for passage in passages))


def undo(layers, x):
    """y = d_1^-1(... d_L^-1(x)): the layers in the opposite order (Eq. 9.6)."""
    for layer in reversed(layers):
        x = layer.undo(x)
    return x


def run_back(layers, record, to_output, to_volume):
    """What a loss sends to every layer: to its output through the layers behind it, to its volume directly."""
    gradients = []
    for layer, passage in zip(reversed(layers), reversed(record.passages)):
        found = layer.run_back(passage, to_output, to_volume)
        to_output = found.inputs
        gradients.append(found.layer)
    return Gradients(tuple(reversed(gradients)), to_output)


def check(layers, D, name="layers"):
    """Refuse what is no tuple of bijections of D columns, and mixed types; return the type of the numbers."""
    if not isinstance(layers, tuple) or not layers or isinstance(layers, KINDS):
        raise TypeError(f"{name}: expected a tuple of bijections, at least one, got {type(layers).__name__}")
    for l, layer in enumerate(layers):
        if not isinstance(layer, KINDS):
            raise TypeError(f"{name}[{l}]: expected a bijection, such as bijections.Planar, got {type(layer).__name__}")
        layer.check(f"{name}[{l}]", D)
    for leaf, value in parameters.leaves(layers, name):
        checks.array(leaf, value)
    types = {leaf: value.dtype for leaf, value in parameters.leaves(layers, name)}
    if len(set(types.values())) > 1:
        listed = ", ".join(f"{leaf} {dtype}" for leaf, dtype in types.items())
        raise ValueError(f"{name}: expected float64 or float32, all alike, got {listed}")
    return next(iter(types.values()), np.dtype(np.float64))


def rows(name, value, D, dtype):
    """Check rows of D finite numbers, of the type of the parameters; whole numbers are welcome."""
    given = checks.numbers(name, value)
    given = given.astype(dtype) if given.dtype.kind != "f" else given
    if given.dtype != dtype:
        raise ValueError(f"{name}: expected {dtype} as in the parameters, got {given.dtype}")
    if given.ndim != 2 or given.shape[1] != D or len(given) == 0:
        raise ValueError(f"{name}: expected shape (N, {D}), a datum in each row, got {given.shape}")
    checks.array(name, given)
    return given
