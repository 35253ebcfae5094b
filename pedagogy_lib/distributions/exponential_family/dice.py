"""Dice whose number of sides is known beforehand, so that a visible layer of them can read its biases off the data.

`layers.Categorical` learns its number of sides from its biases; to begin at data, one must know which columns are one
die. `layers` says what a layer is.

References
----------
Section 3.1. R. Salakhutdinov, A. Mnih and G. Hinton (2007), who have such dice, ratings of films, in a visible layer.
"""

from functools import cache

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Categorical


def dice(sides):
    """The class of Categorical layers of so many sides: values are one-hot, shape (N, D sides)."""
    return _dice(checks.count("sides", sides, minimum=2))


@cache
def _dice(sides):
    """One class for each number of sides, as for `layers.binomial`."""

    class Dice(Categorical):
        __slots__ = ()

        @classmethod
        def at_rest(cls, units):
            """So many fair dice."""
            return cls(np.zeros((checks.count("units", units), sides)))

        @classmethod
        def matched(cls, y):
            """The dice that fall as often as in the data, and in one datum more that is at rest."""
            if y.shape[1] % sides:
                raise ValueError(
                    f"y: expected columns in groups of {sides}, one group for each die, got {y.shape[1]} columns"
                )
            layer = cls.at_rest(y.shape[1] // sides)
            counts = layer.values("y", y).sum(0).reshape(layer.biases.shape) + 1 / sides
            return cls(np.log(counts / counts.sum(1, keepdims=True)))

        def checked(self, name):
            return type(self)(checks.array(f"{name}.biases", self.biases, ("D", sides)))

        def __reduce__(self):
            """A class made here has no name that a pickle could find: tell it how to make one."""
            return _with_biases, (sides, self.biases)

    return Dice


def _with_biases(sides, biases):
    return dice(sides)(biases)
