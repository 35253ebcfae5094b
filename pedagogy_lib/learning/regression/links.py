"""Link functions: from the linear predictor s to the natural parameter of a family.

A link is usually given as g in g(mean) = s. Here it is given as the map from s to the natural parameter, because then
the mean and its slope follow from the log partition function, mean = A'(eta) and dmean/ds = A''(eta) deta/ds, without
subtracting from one what is nearly one. The canonical link is eta = s.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtri

from pedagogy_lib import checks


class Link(NamedTuple):
    """A link of one family.

    name : str
    natural : callable, the natural parameter eta(s); NaN where s is not allowed
    slope : callable, deta/ds
    linear : callable, s of a mean (of a proportion, for coins): the link function g itself
    convex : callable, optional: where the loss of an outcome x is convex in s, its second derivative, of (x, s)
    """

    name: str
    natural: Callable
    slope: Callable
    linear: Callable
    convex: Callable | None = None


def _positive(s):
    return np.where(s > 0, s, np.nan)


def _probit_slope(s):
    """phi(s) / (Phi(s) Phi(-s)), in logarithms."""
    return np.exp(-np.square(s) / 2 - np.log(2 * np.pi) / 2 - log_ndtr(s) - log_ndtr(-s))


def _log_expm1(u):
    """log(e^u - 1) for u > 0; where u is tiny or huge, log u or u."""
    return u + np.log(-np.expm1(-u))


def _cloglog_natural(s):
    """The logit of p = 1 - exp(-e^s); for s below -30 it is s to the last digit."""
    return np.where(s < -30, s, _log_expm1(np.exp(np.maximum(s, -30))))


def _cloglog_slope(s):
    """u / (1 - e^-u) for u = e^s, which is 1 where u is tiny."""
    u = np.exp(np.maximum(s, -30))
    return np.where(s < -30, 1.0, u / -np.expm1(-u))


_ones = np.ones_like
LOGIT = Link("logit", lambda s: s, _ones, lambda p: np.log(p) - np.log1p(-p))
PROBIT = Link("probit", lambda s: log_ndtr(s) - log_ndtr(-s), _probit_slope, ndtri)
CLOGLOG = Link("cloglog", _cloglog_natural, _cloglog_slope, lambda p: np.log(-np.log1p(-p)))
#: The links of each family, the canonical one first.
LINKS = {
    "bernoulli": (LOGIT, PROBIT, CLOGLOG),
    "poisson": (
        Link("log", lambda s: s, _ones, np.log),
        Link("identity", lambda s: np.log(_positive(s)), lambda s: 1 / s, lambda m: m),
        Link("sqrt", lambda s: 2 * np.log(_positive(s)), lambda s: 2 / s, np.sqrt),
    ),
    "gaussian": (
        Link("identity", lambda s: s, _ones, lambda m: m),
        Link("log", np.exp, np.exp, lambda m: np.log(_positive(m))),
    ),
    "gamma": (
        Link("inverse", lambda s: -_positive(s), lambda s: -_ones(s), lambda m: 1 / m),
        Link("log", lambda s: -np.exp(-s), lambda s: np.exp(-s), np.log, lambda x, s: x * np.exp(-s)),
        Link("identity", lambda s: -1 / _positive(s), lambda s: 1 / np.square(s), lambda m: m),
    ),
}


def named(family, name):
    """The link of a family that has this name; ``None`` asks for the canonical one."""
    links = {link.name: link for link in LINKS[family.kind]}
    return LINKS[family.kind][0] if name is None else links[checks.option("link", name, tuple(links))]
