"""A layer whose units are of several families: the parts stand side by side.

A record has lengths, a class and a count. Given the other layer all units are independent, whatever their families, so
that log base measures and log partition functions add, and statistics, means and draws stand beside each other.
`layers` says what a layer is; the biases of this one are a single vector, those of its parts one after the other.

Building blocks, which trust their arguments because their callers have checked them: the methods of `Mixed`.

References
----------
Section 3.1, the first display. T. Tran, D. Phung and S. Venkatesh (2011), machines of records of mixed kinds.
"""

from functools import cache
from math import prod

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Layer


def mixed(*parts):
    """The class of layers of such parts.

    Parameters
    ----------
    parts : pairs of a class of `layers` and a number of units
        Such as ``(layers.Gaussian, 2), (layers.Bernoulli, 1)``: the columns of the values in this order. For a
        Categorical part, the pair (dice, sides) in the place of the number.

    Returns
    -------
    class
        To be called with biases of shape (M,); M is the number of statistics of all parts.

    Raises
    ------
    TypeError
        If a part is no such pair.
    ValueError
        If there is no part, or one has no units.
    """
    if not parts:
        raise ValueError("parts: expected at least one, got none")
    for i, part in enumerate(parts):
        pair = isinstance(part, tuple) and len(part) == 2
        if not (pair and isinstance(part[0], type) and issubclass(part[0], Layer)):
            raise TypeError(f"parts[{i}]: expected a class of layers and its number of units, got {part!r}")
    return _mixed(parts)


@cache
def _mixed(parts):
    """One class for each list of parts, as for `layers.binomial`."""
    return type("Mixed", (Mixed,), {"__slots__": (), "made_of": parts, "begin": tuple(k.at_rest(n) for k, n in parts)})


class Mixed(Layer):
    """What the classes that `mixed` makes have in common.

    made_of : tuple of pairs, what `mixed` was given
    begin : tuple of layers, the parts at rest
    """

    __slots__ = ()
    made_of, begin = (), ()

    @classmethod
    def at_rest(cls, units):
        """The parts at rest; ``units`` can only be the number of their columns."""
        columns = sum(part.columns for part in cls.begin)
        if checks.count("units", units) != columns:
            raise ValueError(f"units: expected {columns}, the columns of all parts, got {units}")
        return cls(_joined(cls.begin))

    @classmethod
    def matched(cls, y):
        """Each part matched to its own columns."""
        layer = cls.at_rest(checks.array("y", y, ("N", "D")).shape[1])
        return cls(_joined(type(part).matched(block) for part, block in zip(cls.begin, layer._blocks(y))))

    @property
    def parts(self):
        """The layers of one family each, in order, with their shares of the biases."""
        shares = zip(self.begin, self._shares(np.asarray(self.biases)))
        return tuple(type(part)(share.reshape(np.shape(part.biases))) for part, share in shares)

    @property
    def columns(self):
        return sum(part.columns for part in self.begin)

    @property
    def states(self):
        return prod(part.states for part in self.begin)

    def every(self):
        """All values: each of one part with each of the others."""
        found = np.zeros((1, 0))
        for part in self.begin:
            own = part.every()
            found = np.hstack([np.repeat(found, len(own), 0), np.tile(own, (len(found), 1))])
        return found

    def bounds(self):
        return tuple(np.concatenate(ends) for ends in zip(*(part.bounds() for part in self.begin)))

    def reach(self, weights):
        ends = [part.reach(share) for part, share in zip(self.begin, self._shares(weights))]
        return tuple(sum(each) for each in zip(*ends))

    def checked(self, name):
        layer = type(self)(checks.array(f"{name}.biases", self.biases, (len(_joined(self.begin)),)))
        for i, part in enumerate(layer.parts):
            part.checked(f"{name}.parts[{i}]")
        return layer

    def values(self, name, x):
        x, a = checks.observations(name, x, self.columns), 0
        for part, block in zip(self.begin, self._blocks(x)):
            part.values(f"{name}[:, {a}:{a + part.columns}]", block)
            a += part.columns
        return x

    # Given the other layer the parts are independent: logs add, and all else stands side by side.

    def statistics(self, x):
        return np.hstack([part.statistics(block) for part, block in zip(self.begin, self._blocks(x))])

    def log_base(self, x):
        return sum(part.log_base(block) for part, block in zip(self.begin, self._blocks(x)))

    def log_partition(self, eta):
        return sum(part.log_partition(share) for part, share in zip(self.begin, self._shares(eta)))

    def mean(self, eta):
        return np.concatenate([part.mean(share) for part, share in zip(self.begin, self._shares(eta))], -1)

    def draw(self, eta, rng):
        return np.hstack([part.draw(share, rng) for part, share in zip(self.begin, self._shares(eta))])

    def _shares(self, rows):
        """Statistics or natural parameters, (..., M), cut between the parts."""
        return np.split(rows, np.cumsum([part.size for part in self.begin])[:-1], -1)

    def _blocks(self, x):
        """Values, (N, columns), cut between the parts."""
        return np.split(x, np.cumsum([part.columns for part in self.begin])[:-1], -1)

    def __reduce__(self):
        """A class made here has no name that a pickle could find: tell it how to make one."""
        return _with_biases, (self.made_of, self.biases)


def _joined(parts):
    """The biases of all parts, as one vector."""
    return np.concatenate([np.ravel(part.biases) for part in parts])


def _with_biases(parts, biases):
    return mixed(*parts)(biases)
