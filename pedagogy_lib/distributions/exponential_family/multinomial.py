"""A layer of counts: how often each side of one die fell in so many tosses.

Words of a text are such counts: the die has a side for each word of the vocabulary, and is tossed once for each word of
the text. `layers` says what a layer is; this one has K statistics, the counts, which are not independent of each other,
because their sum is the number of tosses.

References
----------
R. Salakhutdinov and G. Hinton (2009), whose replicated softmax has this layer.
"""

from functools import cache
from itertools import combinations
from math import comb

import numpy as np
from scipy.special import gammaln, log_softmax, logsumexp, softmax

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Layer


def multinomial(trials):
    """The class of layers of one die that is tossed so many times: values are counts, shape (N, K)."""
    return _multinomial(checks.count("trials", trials))


@cache
def _multinomial(trials):
    """One class for each number of tosses, as for `layers.binomial`."""

    class Multinomial(Layer):
        __slots__ = ()
        range, tosses = ((0.0, float(trials)),), trials
        outcomes = f"whole numbers from 0 to {trials}"

        @classmethod
        def matched(cls, y):
            """The layer that has the mean counts of the data, and of one datum more that is at rest."""
            layer = cls.at_rest(y.shape[1])
            counts = layer.values("y", y).sum(0) + layer.mean(layer.biases)
            return cls(log_softmax(np.log(counts)))

        @property
        def states(self):
            return comb(trials + len(self.biases) - 1, trials)

        def every(self):
            """All values: bars among stars, which part the tosses into K groups."""
            K = len(self.biases)
            bars = np.array(list(combinations(range(trials + K - 1), K - 1))).reshape(self.states, K - 1)
            ends = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), trials + K - 1)])
            return np.diff(ends, axis=1) - 1.0

        def reach(self, weights):
            return trials * weights.min(1), trials * weights.max(1)     # one side every time

        def possible(self, x):
            return (x >= 0) & (x <= trials) & (x == np.floor(x))

        def values(self, name, x):
            x = super().values(name, x)
            if (x.sum(1) != trials).any():
                n = int((x.sum(1) != trials).argmax())
                raise ValueError(f"{name}: expected counts whose sum is {trials}, got {x[n].sum():g} in row {n}")
            return x

        def statistics(self, x):
            return x

        def log_base(self, x):
            return gammaln(trials + 1) - gammaln(x + 1).sum(1)

        def log_partition(self, eta):
            return trials * logsumexp(eta, -1)

        def mean(self, eta):
            return trials * softmax(eta, -1)

        def draw(self, eta, rng):
            return rng.multinomial(trials, softmax(eta, -1)).astype(float)

        def __reduce__(self):
            """A class made here has no name that a pickle could find: tell it how to make one."""
            return _with_biases, (trials, self.biases)

    return Multinomial


def _with_biases(trials, biases):
    return multinomial(trials)(biases)
