"""Learning rates that change on the way: functions of the iteration, counted from 0.

A number is a constant rate, and any function of the iteration will do: with batches only a rate
that falls towards zero settles down, ``lambda i: 1 / (i + 1)``, for example.

`rate_at` is a building block, and trusts its arguments, which its callers have checked.
"""

from math import cos, pi
from typing import Any, NamedTuple

from pedagogy_lib import checks


def rate_at(rate, iteration):
    """The rate at an iteration: a number above 0, or what the schedule says, which may reach 0."""
    if callable(rate):
        return checks.number("rate", rate(iteration), at_least=0)
    return checks.number("rate", rate, above=0)


def cosine(rate, iterations, last=0.0):
    """Fall from ``rate`` to ``last`` along half a wave: slowly at first, slowly again at the end.

    Parameters
    ----------
    rate : float
        At iteration 0.
    iterations : int
        Where ``last`` is reached, and kept from then on.
    last : float
        At least 0.

    Returns
    -------
    callable
    """
    return _Cosine(
        checks.number("rate", rate, above=0), checks.count("iterations", iterations),
        checks.number("last", last, at_least=0),
    )


def stairs(rate, every, factor=0.1):
    """Keep the rate for ``every`` iterations, then multiply it by ``factor``, and so on: step decay.

    Parameters
    ----------
    rate : float
    every : int
    factor : float
        Above 0.

    Returns
    -------
    callable
    """
    return _Stairs(
        checks.number("rate", rate, above=0), checks.count("every", every), checks.number("factor", factor, above=0)
    )


def warm_up(rate, iterations):
    """Rise along a straight line to what ``rate`` says, during the first iterations.

    The first steps of Adam are as long as all others though their averages hold one gradient only;
    a warm-up keeps them short.

    Parameters
    ----------
    rate : float or callable
        A constant, or another schedule.
    iterations : int
        The number of iterations with less than the full rate.

    Returns
    -------
    callable
    """
    rate_at(rate, 0)
    return _WarmUp(rate, checks.count("iterations", iterations, minimum=0))


class _Cosine(NamedTuple):
    rate: float
    iterations: int
    last: float

    def __call__(self, iteration):
        done = min(iteration / self.iterations, 1.0)
        return self.last + (self.rate - self.last) * (1 + cos(pi * done)) / 2


class _Stairs(NamedTuple):
    rate: float
    every: int
    factor: float

    def __call__(self, iteration):
        return self.rate * self.factor ** (iteration // self.every)


class _WarmUp(NamedTuple):
    rate: Any
    iterations: int

    def __call__(self, iteration):
        share = min((iteration + 1) / (self.iterations + 1), 1.0)
        return share * rate_at(self.rate, iteration)
