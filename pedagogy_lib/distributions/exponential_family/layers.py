"""Layers: vectors of independent variables of one exponential family, given their natural parameters.

A layer is a tuple of its ``biases``, and its class says which family the D units have. For rows of values ``x`` and
rows of natural parameters ``eta``, shape (N, M), M statistics in all:

    statistics(x)         T(x), shape (N, M)
    log_base(x)           log h(x), shape (N,)
    log_partition(eta)    A(eta), shape (N,)
    mean(eta)             E[T(x)], shape (N, M): the gradient of A
    draw(eta, rng)        values

``Bernoulli``, ``binomial(trials)``, ``Poisson``, ``Gaussian`` (variance 1) and ``Exponential`` have one statistic a
unit: biases of shape (D,), values of shape (N, D). ``Normal`` (mean and variance), ``Gamma`` (shape and scale) and
``Beta`` have two: biases of shape (D, 2), values of shape (N, D). ``Categorical`` has dice of K sides: biases of
shape (D, K), and values of shape (N, D K), the one-hot dice side by side; `dice` is the same and
knows K. `multinomial` has one die, tossed often and counted; `mixed` puts layers of several families side by side.

There is no `marginalize` or `invert` here, because both need a partner: `pedagogy_lib.models.undirected.harmonium`
is made of two layers.

Building blocks, which trust their arguments because their callers have checked them: `Layer`,
`Bernoulli`, `Poisson`, `Gaussian`, `Exponential`, `Normal`, `Gamma`, `Beta` and `Categorical`.

References
----------
Section 3.1, the first display.
"""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family import dispersion, vectors

LOG_TAU = np.log(2 * np.pi)
REAL, POSITIVE, NEGATIVE = (-np.inf, np.inf), (0.0, np.inf), (-np.inf, 0.0)


class Biases(NamedTuple):
    """The natural parameters of the units where nothing is added to them.

    biases : ndarray, shape (D,) or, for several statistics a unit, (D, P)
    """

    biases: np.ndarray


class Layer(Biases):
    """What all layers share; see the head of the file.

    family : where the log partition function is from
    rest : tuple of P natural parameters, where a unit without data begins
    domain : tuple of P intervals, open, in which the natural parameters have a normalizer
    range : tuple of P intervals, in which the statistics are
    """

    __slots__ = ()
    family, rest, domain, range = None, (0.0,), (REAL,), (REAL,)

    @classmethod
    def at_rest(cls, units):
        """Biases with which every unit is as it is before it knows anything."""
        rest = np.tile(cls.rest, (checks.count("units", units), 1))
        return cls(rest[:, 0] if len(cls.rest) == 1 else rest)

    @property
    def size(self):
        """M, the number of statistics."""
        return np.size(self.biases)

    @property
    def columns(self):
        """How many numbers a value of the layer has."""
        return len(self.biases)

    @property
    def states(self):
        """How many values the layer can have."""
        return np.inf

    def bounds(self):
        """The ends of the domain, two arrays of shape (M,)."""
        return np.tile(self.domain, (self.size // len(self.domain), 1)).T

    def reach(self, weights):
        """The infimum and the supremum of weights @ T(x) over all x, two arrays of shape (len(weights),)."""
        lowest, highest = np.tile(self.range, (self.size // len(self.range), 1)).T
        with np.errstate(invalid="ignore"):                 # 0 times infinity is 0 here
            ends = np.stack([weights * lowest, weights * highest])
        ends = np.where(weights == 0, 0.0, ends)
        return ends.min(0).sum(-1), ends.max(0).sum(-1)

    def checked(self, name):
        """The layer with its biases checked."""
        P = len(self.rest)
        return type(self)(checks.array(f"{name}.biases", self.biases, ("D",) if P == 1 else ("D", P)))

    def values(self, name, x):
        """Values checked: float64, refused where the family cannot have drawn them."""
        x = checks.observations(name, x, len(self.biases))
        wrong = ~self.possible(x)
        if wrong.any():
            where = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(f"{name}: expected {self.outcomes}, got {x[where]} at index {where}")
        return x


class _One(Layer):
    """One statistic a unit, the value itself: families of `dispersion`, of dispersion 1."""

    __slots__ = ()

    @classmethod
    def matched(cls, y):
        """The layer that has the means of the data, and of one datum more that is at rest."""
        layer = cls.at_rest(y.shape[1])
        mean = (layer.values("y", y).sum(0) + layer.mean(layer.biases)) / (len(y) + 1)
        return cls(layer.family.natural(mean))

    def statistics(self, x):
        return x

    def log_partition(self, eta):
        return self.family.log_partition(eta).sum(-1)

    def mean(self, eta):
        return self.family.mean(eta)

    def draw(self, eta, rng):
        return self.family.draw(eta, 1.0, rng).astype(float)


class Bernoulli(_One):
    """Coins: 0 or 1. Where the biases are float32, so are values and draws: zeros and ones are exact in either."""

    __slots__ = ()
    family, range, outcomes = dispersion.Bernoulli(), ((0.0, 1.0),), "zeros and ones"

    @property
    def states(self):
        return 2 ** len(self.biases)

    def every(self):
        """All values, shape (2^D, D)."""
        return np.array(list(product((0.0, 1.0), repeat=len(self.biases))))

    def possible(self, x):
        return (x == 0) | (x == 1)

    def values(self, name, x):
        if np.asarray(self.biases).dtype != np.float32:
            return super().values(name, x)
        x = checks.observations(name, x, len(self.biases), single=True)
        if not self.possible(x).all():
            super().values(name, x)                         # says which one
        return x.astype(np.float32, copy=False)

    def log_base(self, x):
        return np.zeros(len(x), x.dtype)

    def draw(self, eta, rng):
        return self.family.draw(eta, 1.0, rng).astype(np.result_type(eta, np.float32))


def binomial(trials):
    """The class of layers whose units are numbers of heads among so many tosses."""
    return _binomial(checks.count("trials", trials))


@cache
def _binomial(trials):
    """One class for each number of tosses, since a family is a class, and this one has a setting."""

    class Binomial(_One):
        __slots__ = ()
        family, range = dispersion.Binomial(trials), ((0.0, float(trials)),)
        outcomes = f"whole numbers from 0 to {trials}"

        @property
        def states(self):
            return (trials + 1) ** len(self.biases)

        def every(self):
            return np.array(list(product(np.arange(trials + 1.0), repeat=len(self.biases))))

        def possible(self, x):
            return (x >= 0) & (x <= trials) & (x == np.floor(x))

        def log_base(self, x):
            return (gammaln(trials + 1) - gammaln(x + 1) - gammaln(trials - x + 1)).sum(1)

        def __reduce__(self):
            """A class made here has no name that a pickle could find: tell it how to make one."""
            return _with_biases, (trials, self.biases)

    return Binomial


def _with_biases(trials, biases):
    return binomial(trials)(biases)


class Poisson(_One):
    """Counts: A = e^eta."""

    __slots__ = ()
    family, range, outcomes = dispersion.Poisson(), (POSITIVE,), "whole numbers that are not negative"

    def possible(self, x):
        return (x >= 0) & (x == np.floor(x))

    def log_base(self, x):
        return -gammaln(x + 1).sum(1)


class Gaussian(_One):
    """Normal variables of variance 1: eta is the mean. Scale the data first."""

    __slots__ = ()
    family, outcomes = dispersion.Gaussian(), "real numbers"

    def possible(self, x):
        return np.isfinite(x)

    def log_base(self, x):
        return -((x**2).sum(1) + x.shape[1] * LOG_TAU) / 2


class Exponential(_One):
    """Positive numbers of mean -1 / eta: the gamma family at dispersion 1."""

    __slots__ = ()
    family, range, outcomes = dispersion.Gamma(), (POSITIVE,), "numbers above 0"
    rest, domain = (-1.0,), (NEGATIVE,)

    def possible(self, x):
        return x > 0

    def log_base(self, x):
        return np.zeros(len(x))


class _Several(Layer):
    """Several statistics a unit: families of `vectors`."""

    __slots__ = ()

    @classmethod
    def matched(cls, y):
        """The layer that has the mean statistics of the data, and of one datum more that is at rest."""
        layer = cls.at_rest(y.shape[1])
        sums = layer.statistics(layer.values("y", y)).sum(0) + layer.mean(layer.biases.reshape(1, -1))[0]
        moments = (sums / (len(y) + 1)).reshape(layer.biases.shape)
        return cls(np.stack([vectors.match(cls.family, row) for row in moments]))

    def statistics(self, x):
        return self.family.statistics(x).reshape(len(x), -1)

    def log_base(self, x):
        return self.family.log_base(self._apart(self.statistics(x))).sum(1)

    def log_partition(self, eta):
        return self.family.log_partition(self._apart(eta)).sum(-1)

    def mean(self, eta):
        return self.family.mean(self._apart(eta)).reshape(eta.shape)

    def _apart(self, rows):
        """From (N, M) to (N, D, P)."""
        return rows.reshape(*rows.shape[:-1], *np.shape(self.biases))


class Normal(_Several):
    """Normal variables of unknown mean and variance: eta = (m / v, -1 / (2 v))."""

    __slots__ = ()
    family, range, outcomes = vectors.Gaussian(), (REAL, POSITIVE), "real numbers"
    rest, domain = (0.0, -0.5), (REAL, NEGATIVE)

    def possible(self, x):
        return np.isfinite(x)

    def draw(self, eta, rng):
        mean, variance = self.family.customary(self._apart(eta))
        return rng.normal(mean, np.sqrt(variance))


class Gamma(_Several):
    """Positive numbers of unknown shape and scale: eta = (shape - 1, -1 / scale)."""

    __slots__ = ()
    family, range, outcomes = vectors.Gamma(), (REAL, POSITIVE), "numbers above 0"
    rest, domain = (0.0, -1.0), ((-1.0, np.inf), NEGATIVE)

    def possible(self, x):
        return x > 0

    def draw(self, eta, rng):
        shape, scale = self.family.customary(self._apart(eta))
        return rng.gamma(shape, scale)


class Beta(_Several):
    """Proportions: eta = (a - 1, b - 1), for the statistics log x and log(1 - x)."""

    __slots__ = ()
    family, range, outcomes = vectors.Beta(), (NEGATIVE, NEGATIVE), "numbers between 0 and 1"
    rest, domain = (0.0, 0.0), ((-1.0, np.inf), (-1.0, np.inf))

    def possible(self, x):
        return (x > 0) & (x < 1)

    def draw(self, eta, rng):
        a, b = np.moveaxis(self._apart(eta) + 1, -1, 0)
        return rng.beta(a, b)


class Categorical(_Several):
    """Dice of K sides, one-hot and side by side. A constant added to the biases of a die changes nothing."""

    __slots__ = ()
    family, range, outcomes = vectors.Categorical(), ((0.0, 1.0),), "one-hot dice side by side"

    @classmethod
    def at_rest(cls, units):
        """Fair dice; ``units`` is (D, K)."""
        if not (isinstance(units, tuple) and len(units) == 2):
            raise ValueError(f"units: expected (dice, sides), got {units!r}")
        return cls(np.zeros([checks.count("units", n) for n in units]))

    @classmethod
    def matched(cls, y):
        raise ValueError(
            "visible: expected a layer whose biases can be read off the data; Categorical cannot know K, dice(K) does"
        )

    @property
    def columns(self):
        return self.size

    @property
    def states(self):
        D, K = np.shape(self.biases)
        return K**D

    def every(self):
        """All values, shape (K^D, D K)."""
        D, K = self.biases.shape
        sides = np.array(list(product(range(K), repeat=D)))
        return np.eye(K)[sides].reshape(len(sides), -1)

    def reach(self, weights):
        ends = weights.reshape(len(weights), *self.biases.shape)
        return ends.min(2).sum(1), ends.max(2).sum(1)       # one side of each die

    def checked(self, name):
        return type(self)(checks.array(f"{name}.biases", self.biases, ("D", "K")))

    def values(self, name, x):
        x = checks.observations(name, x, self.size)
        dice = self._apart(x)
        if not (((dice == 0) | (dice == 1)).all() and (dice.sum(2) == 1).all()):
            raise ValueError(f"{name}: expected {self.outcomes}, {self.biases.shape[1]} sides each")
        return x

    def statistics(self, x):
        return x

    def draw(self, eta, rng):
        eta = self._apart(eta)
        best = (eta + rng.gumbel(size=eta.shape)).argmax(-1)  # the largest of logits and Gumbel noise is a draw
        return np.eye(eta.shape[-1])[best].reshape(len(eta), -1)
