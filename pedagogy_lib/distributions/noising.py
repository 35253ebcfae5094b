"""Noising: Gaussian noise added to a datum little by little, until nothing of the datum is left.

A *level* of the chain is a Gaussian around the scaled datum (Eq. 8.36)::

    p(x_l | y) = N(a_l y, v_l^2 I),    a_l = v_l rho_l

so that rho_l^2 = (a_l / v_l)^2 is its *signal-to-noise ratio*. A *schedule* gives the level for each time u
from 0 (the datum, all but untouched) to 1 (noise). Levels fix everything else: `transition` is one Gaussian
emission, and `posterior_transition` turns it round with the library's own `gaussian.invert`.

A schedule is an empty tuple with settings: it can stand among the parameters of a model, and has no number
that is learned.

Building blocks, which trust their arguments because their callers have checked them: `Schedule`,
`LogLinear`, `Exploding`, `Cosine`, `Pieces`, `reversal` and `check`.

References
----------
Section 8.3.1, Eqs. 8.35-8.38. D.P. Kingma, T. Salimans, B. Poole and J. Ho (2021).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from pedagogy_lib import checks
from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian

#: The largest signal-to-noise ratio with which a schedule may end.
SIGNAL_AT_END = 0.01


class Level(NamedTuple):
    """How much of the datum and how much noise there is: x = signal * y + deviation * z, z ~ N(0, I).

    signal : float or ndarray, a = v rho
    deviation : float or ndarray, v, above 0
    """

    signal: np.ndarray
    deviation: np.ndarray

    @property
    def snr(self):
        """The signal-to-noise ratio rho^2."""
        return (self.signal / self.deviation) ** 2


class Reversal(NamedTuple):
    """p(x_l | x_m, y) = N(datum * y + state * x_m, deviation^2 I), for an earlier level l and a later one m.

    datum, state, deviation : float or ndarray
    """

    datum: np.ndarray
    state: np.ndarray
    deviation: np.ndarray


# --- schedules ----------------------------------------------------------------------------------


class Schedule(tuple):
    """The level at each time from 0 to 1. Subclasses have ``log_snr`` and ``log_snr_slope``; variance is preserved.

    That is, signal^2 + deviation^2 = 1: data of variance one keep it at every level.

    first, last : float, the log signal-to-noise ratio at times 0 and 1
    """

    def __new__(cls, first, last):
        """An empty tuple, with two attributes."""
        schedule = super().__new__(cls)
        schedule.first, schedule.last = first, last
        return schedule

    def __getnewargs__(self):
        """For copies and pickles."""
        return self.first, self.last

    def __repr__(self):
        return f"{type(self).__name__}({self.first:g}, {self.last:g})"

    def __eq__(self, other):
        return type(self) is type(other) and self.__getnewargs__() == other.__getnewargs__()

    def __ne__(self, other):                                # a tuple's own would find all empty ones equal
        return not self == other

    def __hash__(self):
        return hash((type(self), self.first, self.last))

    def level(self, u):
        """The level at time u: v^2 = 1 / (1 + rho^2).

        Parameters
        ----------
        u : float or array_like, from 0 to 1

        Returns
        -------
        Level
        """
        eta = self.log_snr(np.asarray(u, float))
        return Level(np.sqrt(expit(eta)), np.sqrt(expit(-eta)))


class LogLinear(Schedule):
    """The logarithm of the signal-to-noise ratio falls along a straight line; see `log_linear`."""

    def log_snr(self, u):
        """A straight line from ``first`` to ``last``."""
        return self.first + (self.last - self.first) * u

    def log_snr_slope(self, u):
        """The same everywhere."""
        return (self.last - self.first) * np.ones(np.shape(u))


class Exploding(LogLinear):
    """As `LogLinear`, but the datum is never scaled down: signal 1, and a deviation that grows."""

    def level(self, u):
        """v = 1 / rho, a = 1."""
        eta = self.log_snr(np.asarray(u, float))
        return Level(np.ones(np.shape(eta)), np.exp(-0.5 * eta))


class Cosine(Schedule):
    """The signal falls along a quarter of a cosine wave, cut off at both ends; see `cosine`."""

    def _angle(self, u):
        """Angles whose cosine is the signal: tan(angle) = 1 / rho; and how fast they grow."""
        begin, end = np.arctan(np.exp(-0.5 * self.first)), np.arctan(np.exp(-0.5 * self.last))
        return begin + (end - begin) * u, end - begin

    def log_snr(self, u):
        """-2 log tan(angle)."""
        return -2 * np.log(np.tan(self._angle(u)[0]))

    def log_snr_slope(self, u):
        """-4 / sin(2 angle), times how fast the angle grows."""
        angle, speed = self._angle(u)
        return -4 * speed / np.sin(2 * angle)


class Pieces(Schedule):
    """The log signal-to-noise ratio falls along K straight pieces, each as high as the others; see `pieces`.

    shares : tuple of K floats, the share of the time that each piece takes
    """

    def __new__(cls, first, last, shares):
        """An empty tuple, with three attributes."""
        schedule = super().__new__(cls, first, last)
        schedule.shares = shares
        return schedule

    def __getnewargs__(self):
        """For copies and pickles."""
        return self.first, self.last, self.shares

    def piece(self, u):
        """Which piece the times lie in, from 0."""
        return np.searchsorted(np.cumsum(self.shares)[:-1], u, side="right")

    def log_snr(self, u):
        """Straight lines between the corners."""
        corners = np.append(0, np.cumsum(self.shares))
        return np.interp(u, corners, np.linspace(self.first, self.last, len(corners)))

    def log_snr_slope(self, u):
        """A piece's height, divided by its share of the time."""
        shares = np.array(self.shares)
        return (self.last - self.first) / len(shares) / shares[self.piece(u)]


def log_linear(first=9.0, last=-9.0, unfinished=False):
    """A schedule whose log signal-to-noise ratio is a straight line.

    Parameters
    ----------
    first, last : float
        log rho^2 at times 0 and 1.
    unfinished : bool
        Whether a schedule may end in signal. The samples of such a model are wrong: see section 8.3.

    Returns
    -------
    LogLinear

    Raises
    ------
    ValueError
        If the ratio rises, or is too large at the end.
    """
    return _made(LogLinear, first, last, unfinished)


def exploding(first=9.0, last=-9.0, unfinished=False):
    """A schedule that adds noise and never scales down (variance exploding); arguments as for `log_linear`."""
    return _made(Exploding, first, last, unfinished)


def cosine(first=9.0, last=-9.0, unfinished=False):
    """A schedule whose signal is a quarter of a cosine wave; arguments as for `log_linear`."""
    return _made(Cosine, first, last, unfinished)


def pieces(shares, first=9.0, last=-9.0, unfinished=False):
    """A schedule of K straight pieces, each over an equal part of the log signal-to-noise ratio.

    Uniform times then fall on piece k with probability ``shares[k]``: the shares are the density of the level.

    Parameters
    ----------
    shares : array_like, shape (K,)
        The share of the time for each piece, from the datum to noise; above zero, and summing to one.
    first, last, unfinished
        As for `log_linear`, which this is where all shares are equal.

    Returns
    -------
    Pieces

    Raises
    ------
    ValueError
        As for `log_linear`, and if a share is not above zero.
    """
    shares = checks.probabilities("shares", shares, ("K",))
    if (shares <= 0).any():
        raise ValueError(f"shares: expected numbers above zero, or the ratio would jump, got {shares.min():.3g}")
    return _made(Pieces, first, last, unfinished, tuple((shares / shares.sum()).tolist()))


def _made(kind, first, last, unfinished, *more):
    """A schedule, if it may be one."""
    first, last = checks.number("first", first), checks.number("last", last)
    if first <= last:
        raise ValueError(f"last: expected a log signal-to-noise ratio below the first, {first:g}, got {last:g}")
    if np.exp(last) > SIGNAL_AT_END and not unfinished:
        raise ValueError(
            f"last: expected a schedule that ends in noise, with a signal-to-noise ratio of at most {SIGNAL_AT_END} "
            f"(a logarithm of {np.log(SIGNAL_AT_END):.1f}), got {np.exp(last):.3g}; samples would begin where no datum "
            "ever arrives (unfinished=True allows it)"
        )
    return kind(first, last, *more)


def check(name, value):
    """Refuse what is no schedule."""
    if not isinstance(value, Schedule):
        raise TypeError(f"{name}: expected a schedule, such as noising.log_linear(), got {type(value).__name__}")
    return value


# --- the chain ----------------------------------------------------------------------------------


def marginal(level, size):
    """A level as an emission of the datum (Eq. 8.36).

    Parameters
    ----------
    level : Level
        Of two numbers.
    size : int, D

    Returns
    -------
    AffineGaussian
        p(x_l | y)
    """
    a, v = _checked("level", level)
    eye = np.eye(checks.count("size", size))
    return AffineGaussian(a * eye, np.zeros(len(eye)), v**2 * eye)


def transition(earlier, later, size):
    """The one emission from an earlier level that leads to the later level (Eq. 8.37).

    Parameters
    ----------
    earlier, later : Level
        l and m; they need not be neighbors.
    size : int, D

    Returns
    -------
    AffineGaussian
        p(x_m | x_l), beta x_l + gamma z

    Raises
    ------
    ValueError
        If the signal-to-noise ratio rises from the first to the second.
    """
    (a, v), (b, w) = _checked_pair(earlier, later)
    beta = b / a
    gamma2 = w**2 - (beta * v) ** 2  # the law of total covariance
    eye = np.eye(checks.count("size", size))
    return AffineGaussian(beta * eye, np.zeros(len(eye)), gamma2 * eye)


def posterior_transition(earlier, later, y):
    """The way back for one datum, by Bayes' theorem (Eq. 8.38).

    The source is p(x_l | y), and the emission p(x_m | x_l): their inversion is the library's.

    Parameters
    ----------
    earlier, later : Level
    y : array_like, shape (D,)

    Returns
    -------
    AffineGaussian
        p(x_l | x_m, y), as a function of x_m
    """
    y = checks.array("y", y, ("D",))
    if not len(y):
        raise ValueError("y: expected one number at least, got none")
    _checked_pair(earlier, later)
    arrow = marginal(earlier, len(y))
    source = Gaussian(arrow.matrix @ y, arrow.covariance)
    return gaussian.invert(source, transition(earlier, later, len(y)))


def reversal(earlier, later):
    """The numbers of Eq. 8.38, for many data at once: what `posterior_transition` finds, without matrices.

    Parameters
    ----------
    earlier, later : Level
        Not checked: samplers call this once a step.

    Returns
    -------
    Reversal
    """
    (a, v), (b, w) = earlier, later
    kept = (b / w) ** 2 / (a / v) ** 2  # rho_m^2 / rho_l^2
    return Reversal(a * (1 - kept), kept * a / b, v * np.sqrt(1 - kept))


def corrupt(level, y, rng):
    """Draw from p(x_l | y), for each datum.

    Parameters
    ----------
    level : Level
        Of numbers, or of arrays of shape (N, 1).
    y : array_like, shape (N, D)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (N, D)
    """
    y, rng = checks.array("y", y, ("N", "D")), checks.generator("rng", rng)
    checks.having("level", level, "signal", "deviation")
    signal, deviation = checks.array("level.signal", level.signal), checks.array("level.deviation", level.deviation)
    if {signal.shape, deviation.shape} - {(), (len(y), 1)}:
        raise ValueError(f"level: expected two numbers, or two arrays of shape ({len(y)}, 1), got {level}")
    return signal * y + deviation * rng.standard_normal(y.shape)


def _checked(name, level):
    """The two numbers of a level."""
    if not isinstance(level, Level):
        raise TypeError(f"{name}: expected a Level, got {type(level).__name__}")
    return (
        checks.number(f"{name}.signal", level.signal, above=0),
        checks.number(f"{name}.deviation", level.deviation, above=0),
    )


def _checked_pair(earlier, later):
    (a, v), (b, w) = first, second = _checked("earlier", earlier), _checked("later", later)
    if (a / v) <= (b / w):
        raise ValueError(
            f"later: expected a smaller signal-to-noise ratio than {(a / v) ** 2:.3g}, that of the earlier level, "
            f"got {(b / w) ** 2:.3g}"
        )
    return first, second
