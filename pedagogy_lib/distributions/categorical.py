"""The categorical distribution and its partners: a table of conditional probabilities, a mixture.

Any emission at all keeps a categorical source categorical: Bayes' theorem only re-weights the K
sides of the die. The textbook calls this pseudo-conjugacy (section 2.1.1). Two partners are enough::

    p(x)   = Categ(pi)                         Categorical
    p(y|x) = column x of A                     Table: y is categorical too
    p(y|x) = any density, one for each x       Components: y is anything, as in a mixture model
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from pedagogy_lib import checks


class Categorical(NamedTuple):
    """A toss of a K-sided die.

    probabilities : ndarray, shape (K,), not negative and summing to one; `invert` gives (N, K),
        one die for each of N observations, when it is given N of them.
    """

    probabilities: np.ndarray


class Table(NamedTuple):
    """A categorical variable that depends on another: p(y = i | x = j) = probabilities[i, j].

    probabilities : ndarray, shape (I, J), every column sums to one
    """

    probabilities: np.ndarray


class Components(NamedTuple):
    """An emission given by one log density for each value of x.

    log_densities : callable
        Takes an observation ``y`` and returns ``log p(y | x = k)`` for every k: shape (K,); or, for
        N observations, shape (N, K).
    """

    log_densities: Callable


class Mixture(NamedTuple):
    """The marginal of a categorical source and its components: what `marginalize` returns."""

    source: Categorical
    components: Components


def sample(distribution, n, rng):
    """Toss the die ``n`` times.

    Parameters
    ----------
    distribution : Categorical
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (n,)
        Sides are numbered from 0.
    """
    checks.having("distribution", distribution, "probabilities")
    probabilities = checks.probabilities("distribution.probabilities", distribution.probabilities, ("K",))
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    # Inverse CDF. The last edge is set to one, so that rounding leaves no gap above it.
    edges = np.cumsum(probabilities)
    edges[np.flatnonzero(probabilities)[-1]:] = 1.0
    return np.searchsorted(edges, rng.random(n), side="right")


def log_density(distribution, y):
    """Evaluate a log probability (`Categorical`: y is a side) or log density (`Mixture`).

    Returns
    -------
    float or ndarray
        In nats; ``-inf`` where the probability is exactly zero.

    References
    ----------
    Section 2.1.1, Eqs. 2.3 and 2.10.
    """
    if not isinstance(distribution, Mixture):
        checks.having("distribution", distribution, "probabilities")
    if isinstance(distribution, Mixture):
        log_joint = _log_joint(distribution.source, distribution.components, y)
        return logsumexp(log_joint, axis=-1)               # Eq. 2.10, in logarithms
    probabilities = checks.probabilities("distribution.probabilities", distribution.probabilities, ("K",))
    with np.errstate(divide="ignore"):
        return np.log(probabilities[_sides("y", y, len(probabilities))])


def marginalize(source, emission):
    """Average the source out of the joint: p(y) from p(x) and p(y|x), Eq. 2.10.

    Parameters
    ----------
    source : Categorical
        With K sides.
    emission : Table or Components
        One column, or one log density, for each side of the source. Any emission of
        `pedagogy_lib.distributions.emissions` has these log densities too.

    Returns
    -------
    Categorical or Mixture
        Of the kind that the emission asks for; `log_density` evaluates either.
    """
    if hasattr(emission, "log_densities"):
        checks.having("source", source, "probabilities")
        checks.probabilities("source.probabilities", source.probabilities, ("K",))
        return Mixture(source, emission)
    pi, A = _checked("source", source, "emission", emission)
    return Categorical(A @ pi)                             # sum_j p(y = i | x = j) p(x = j)


def invert(source, emission, y=None):
    """Turn the arrow round with Bayes' theorem: p(x|y) from p(x) and p(y|x), Eqs. 2.6 and 2.7.

    Parameters
    ----------
    source : Categorical
        With K sides.
    emission : Table or Components
        As for `marginalize`.
    y : optional
        The observation. With a `Table` it may be left out; the answer is then the reversed table.

    Returns
    -------
    Categorical, or Table of shape (K, I) when y is left out

    Raises
    ------
    ValueError
        If y has probability zero under every side: no posterior exists. In a reversed table the
        column of such a y is uniform; nothing can ever ask for it.
    """
    if hasattr(emission, "log_densities"):
        return _invert_components(source, emission, y)
    pi, A = _checked("source", source, "emission", emission)
    joint = A * pi                                         # p(y = i, x = j)
    evidence = joint.sum(1, keepdims=True)                 # p(y = i)
    if y is None:
        uniform = np.full_like(joint, 1 / len(pi))
        return Table(np.divide(joint, evidence, out=uniform, where=evidence > 0).T)
    side = _sides("y", y, len(A))
    if np.ndim(side):
        raise ValueError(f"y: expected one side, got an array of shape {np.shape(side)}")
    if evidence[side] == 0:
        raise ValueError(f"y: expected a value of positive probability, got {y}, which has probability zero")
    return Categorical(joint[side] / evidence[side])


def _invert_components(source, emission, y):
    """Bayes' theorem where each side has a log density of its own."""
    if y is None:
        raise ValueError("y: expected an observation, got None; only a Table has a reversed table")
    z = _log_joint(source, emission, y)                    # z-hat of Eq. 2.6
    if not np.isfinite(z.max(-1)).all():
        raise ValueError("y: expected an observation that some side can emit, got one of probability zero")
    return Categorical(softmax(z, axis=-1))                # Eq. 2.7


def _log_joint(source, components, y):
    """log p(y | x = k) + log p(x = k) for every k, Eq. 2.6."""
    checks.having("source", source, "probabilities")
    pi = checks.probabilities("source.probabilities", source.probabilities, ("K",))
    log_likelihoods = _log_likelihoods(components, y, len(pi))
    with np.errstate(divide="ignore"):                     # a side of probability zero stays impossible
        return log_likelihoods + np.log(pi)


def _log_likelihoods(components, y, sides):
    """log p(y | x = k) for every k, as the emission says; one that says nonsense is refused."""
    given = np.asarray(components.log_densities(y), float)
    if given.shape[-1:] != (sides,) or np.isnan(given).any():
        raise ValueError(
            f"emission.log_densities: expected {sides} log densities for each observation, "
            f"got {'NaN' if given.shape[-1:] == (sides,) else f'shape {given.shape}'}"
        )
    return given


def _checked(source_name, source, emission_name, emission):
    """The probabilities of a source and of a table that fit each other."""
    checks.having(source_name, source, "probabilities")
    checks.having(emission_name, emission, "probabilities")
    pi = checks.probabilities(f"{source_name}.probabilities", source.probabilities, ("K",))
    A = checks.probabilities(
        f"{emission_name}.probabilities", emission.probabilities, ("I", len(pi)), axis=0
    )
    return pi, A


def _sides(name, y, sides):
    """Whole numbers from 0 to ``sides - 1``."""
    given = checks.numbers(name, y)
    if given.dtype.kind not in "iu" or (given < 0).any() or (given >= sides).any():
        raise ValueError(f"{name}: expected whole numbers from 0 to {sides - 1}, got {y!r}")
    return given
