"""Coupling layers: one part of a datum is moved, and how far is told by the part that is left alone.

The first half of the columns, a, stays; the others, b, move. A network reads a and says how. Because a is
still there afterwards, the network can be asked again, and the step undone: the network itself is never
inverted. The Jacobian is triangular, so that its determinant is the product of its diagonal.

Which columns are a is settled by the permutations between the layers (`linear.Reverse`, `linear.Riffle`).

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 9.2. L. Dinh, D. Krueger and Y. Bengio (2015), NICE; L. Dinh, J. Sohl-Dickstein and S. Bengio (2017),
RealNVP.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.learning import networks
from pedagogy_lib.learning.bijections.passages import Gradients, Passage
from pedagogy_lib.learning.networks import feedforward

#: No layer stretches anything by more than e to this: an unbounded log scale overflows early in learning.
LIMIT = 3.0


class Additive(NamedTuple):
    """x_a = y_a, x_b = y_b + m(y_a): no volume changes (NICE).

    network : tuple of layers, from the D // 2 columns of a to an output for each column of b
    """

    network: tuple

    #: Outputs of the network for each column that moves.
    OUTPUTS = 1

    @classmethod
    def start(cls, D, hidden, rng, dtype):
        """A network whose last layer is small, so that the layer begins near the identity."""
        _check_columns(cls.__name__, D)
        K = D // 2
        sizes = (K, *hidden, cls.OUTPUTS * (D - K))
        first = networks.start(sizes, rng, networks.Tanh, dtype=dtype)
        return cls((*first[:-1], first[-1]._replace(weights=dtype.type(0.1) * first[-1].weights)))

    @property
    def width(self):
        """The columns that the layer takes."""
        return self.network[0].weights.shape[1] + len(self.network[-1].biases) // self.OUTPUTS

    def check(self, name, D):
        """Refuse networks of other shapes."""
        _check_columns(name, D)
        feedforward.check_layers(self.network, f"{name}.network")
        sizes = self.network[0].weights.shape[1], len(self.network[-1].biases)
        wanted = D // 2, self.OUTPUTS * (D - D // 2)
        if sizes != wanted:
            raise ValueError(f"{name}.network: expected {wanted[0]} inputs and {wanted[1]} outputs, got {sizes}")

    def run(self, y):
        """x_b = y_b + m(y_a), |det| = 1."""
        a, b = _halves(y)
        record = feedforward.run(self.network, a)
        return Passage(np.hstack([a, b + record.output]), np.zeros(len(y), y.dtype), record)

    def undo(self, x):
        """y_b = x_b - m(x_a)."""
        a, b = _halves(x)
        return np.hstack([a, b - feedforward.run(self.network, a).output])

    def run_back(self, passage, to_output, to_volume):
        """The network receives what b receives; a receives its own, and what comes out of the network."""
        to_a, to_b = _halves(to_output)
        below = feedforward.run_back(self.network, passage.kept, to_b, input_gradient=True)
        return Gradients(type(self)(below.params), np.hstack([to_a + below.inputs, to_b]))


class Affine(Additive):
    """x_a = y_a, x_b = exp(s(y_a)) y_b + m(y_a), entry by entry (RealNVP).

    network : tuple of layers, with two outputs for each column of b: all of m, then all of s before `bounded`
    """

    __slots__ = ()
    OUTPUTS = 2

    def run(self, y):
        """log|det| = sum of s."""
        a, b = _halves(y)
        record = feedforward.run(self.network, a)
        m, s = _moves(record.output)
        scale = np.exp(s)
        return Passage(np.hstack([a, scale * b + m]), s.sum(1), (record, b, s, scale))

    def undo(self, x):
        """y_b = exp(-s(x_a)) (x_b - m(x_a))."""
        a, b = _halves(x)
        m, s = _moves(feedforward.run(self.network, a).output)
        return np.hstack([a, np.exp(-s) * (b - m)])

    def run_back(self, passage, to_output, to_volume):
        """To m goes what b receives; to s that times exp(s) y_b, and the slope of the volume."""
        record, b, s, scale = passage.kept
        to_a, to_b = _halves(to_output)
        to_s = (to_b * scale * b + to_volume[:, None]) * bounded_slope(s)
        below = feedforward.run_back(self.network, record, np.hstack([to_b, to_s]), input_gradient=True)
        return Gradients(Affine(below.params), np.hstack([to_a + below.inputs, scale * to_b]))


def bounded(raw):
    """A log scale between -LIMIT and LIMIT, the identity near zero."""
    return LIMIT * np.tanh(raw / LIMIT)


def bounded_slope(s):
    """Its derivative, told from its value."""
    return 1 - np.square(s / LIMIT)


def _check_columns(name, D):
    if D < 2:
        raise ValueError(f"{name}: expected two columns at least, one to leave alone and one to move, got {D}")


def _halves(y):
    """a and b."""
    K = y.shape[1] // 2
    return y[:, :K], y[:, K:]


def _moves(output):
    """The shifts m, and the log scales s."""
    m, raw = output[:, : output.shape[1] // 2], output[:, output.shape[1] // 2 :]
    return m, bounded(raw)
