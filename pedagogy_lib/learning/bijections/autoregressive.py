"""Autoregressive flows: every column is moved, and how far is told by the columns before it.

One masked network gives the moves of all columns at once, so that the way from y to x is one pass. The way
back needs a column before it can ask about the next: D passes. `Autoregressive` (MAF) goes from the data to
the source in one pass and is fast to learn from data; `InverseAutoregressive` (IAF) is the same layer
turned round, fast to draw from.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
M. Germain and others (2015), MADE; G. Papamakarios, T. Pavlakou and I. Murray (2017), MAF; D.P. Kingma and
others (2016), IAF.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from pedagogy_lib.learning import networks
from pedagogy_lib.learning.bijections.couplings import bounded, bounded_slope
from pedagogy_lib.learning.bijections.inverse import Inverse
from pedagogy_lib.learning.bijections.passages import Gradients, Passage
from pedagogy_lib.learning.networks import feedforward


class Autoregressive(NamedTuple):
    """x_i = exp(-s_i) (y_i - m_i), where m_i and s_i are functions of y_1 ... y_(i-1) alone (MAF).

    network : tuple of layers, from D inputs to 2D outputs: all of m, then all of s before it is bounded.
        Weights that would let a column see itself or a later one are masked: they count as zero.
    """

    network: tuple

    @classmethod
    def start(cls, D, hidden, rng, dtype):
        """A network whose last layer is small, so that the layer begins near the identity."""
        first = networks.start((D, *hidden, 2 * D), rng, networks.Tanh, dtype=dtype)
        return cls((*first[:-1], first[-1]._replace(weights=dtype.type(0.1) * first[-1].weights)))

    @property
    def width(self):
        """The columns that the layer takes."""
        return self.network[0].weights.shape[1]

    def check(self, name, D):
        """Refuse networks of other shapes."""
        feedforward.check_layers(self.network, f"{name}.network")
        sizes = self.network[0].weights.shape[1], len(self.network[-1].biases)
        if sizes != (D, 2 * D):
            raise ValueError(f"{name}.network: expected {D} inputs and {2 * D} outputs, got {sizes}")

    def masked(self):
        """The network, with zeros for the weights that would look ahead; and the masks."""
        sizes = (self.network[0].weights.shape[1], *(len(layer.biases) for layer in self.network))
        found = masks(sizes)
        return tuple(layer._replace(weights=layer.weights * mask) for layer, mask in zip(self.network, found)), found

    def run(self, y):
        """log|det| = - sum of s: the Jacobian is triangular."""
        network, _ = self.masked()
        record = feedforward.run(network, y)
        m, s = _moves(record.output)
        x = np.exp(-s) * (y - m)
        return Passage(x, -s.sum(1), (network, record, x, s))

    def undo(self, x):
        """y_i = exp(s_i) x_i + m_i, one column after the other: each asks the network once more."""
        network, _ = self.masked()
        y = np.zeros_like(x)
        for i in range(x.shape[1]):
            m, s = _moves(feedforward.run(network, y).output)  # of column i they are right by now
            y[:, i] = np.exp(s[:, i]) * x[:, i] + m[:, i]
        return y

    def run_back(self, passage, to_output, to_volume):
        """x_i falls with m_i by exp(-s_i) and with s_i by x_i; masked weights receive nothing."""
        network, record, x, s = passage.kept
        to_y = to_output * np.exp(-s)
        to_s = -(to_output * x + to_volume[:, None]) * bounded_slope(s)
        below = feedforward.run_back(network, record, np.hstack([-to_y, to_s]), input_gradient=True)
        params = tuple(
            layer._replace(weights=layer.weights * mask) for layer, mask in zip(below.params, self.masked()[1])
        )
        return Gradients(Autoregressive(params), to_y + below.inputs)


class InverseAutoregressive(Inverse):
    """y_i = exp(-s_i) (x_i - m_i), with m_i and s_i functions of x_1 ... x_(i-1): drawn in one pass (IAF).

    layer : Autoregressive
    """

    __slots__ = ()

    @classmethod
    def start(cls, D, hidden, rng, dtype):
        """As for `Autoregressive`."""
        return cls(Autoregressive.start(D, hidden, rng, dtype))


@cache
def masks(sizes):
    """Zeros and ones for each layer's weights, such that output i depends on inputs before i alone.

    Every unit has a degree, and sees units of its own degree or lower; an output sees lower ones only. Input i
    has the degree i, and the hidden units share the degrees 1 ... D-1 in turn.

    Parameters
    ----------
    sizes : tuple of ints, D, the units of each hidden layer, 2D

    Returns
    -------
    tuple of ndarrays of bool
    """
    D = sizes[0]
    degrees = [np.arange(1, D + 1)]
    degrees += [1 + np.arange(size) % max(D - 1, 1) for size in sizes[1:-1]]
    sees = [later[:, None] >= earlier for earlier, later in zip(degrees, degrees[1:])]
    last = np.tile(np.arange(1, D + 1), sizes[-1] // D)
    return (*sees, last[:, None] > degrees[-1])


def _moves(output):
    """The shifts m, and the log scales s."""
    m, raw = np.split(output, 2, axis=1)
    return m, bounded(raw)
