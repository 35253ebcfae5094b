"""Factors over discrete variables: tables of logarithms with named axes.

One of the two representations that `pedagogy_lib.inference.trees` plugs in; `information_form` is the
other, and has the same functions. A factor need not be a probability: its entries are any numbers that
are not negative. A zero is a logarithm of minus infinity, which every function here keeps as it is.

Building blocks, which trust their arguments because their callers have checked them: `sizes`,
`entries`, `product`, `sum_out`, `max_out`, `observe`, `check_value`, `total`, `rescale`, `blend`,
`distance`, `value`, `best`, `draw` and `log_sum`.

References
----------
Section 3.5; appendix C.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference import graphs


class Factor(NamedTuple):
    """A table over some variables.

    names : tuple of str
    logs : ndarray of float, one axis for each name; minus infinity for an entry of zero
    """

    names: tuple
    logs: np.ndarray


# ------------------------------------------------------------------------------ from a reader's hands


def factor(names, values):
    """Make a factor from a table of numbers that are not negative.

    Parameters
    ----------
    names : sequence of str
        The variables, each once.
    values : ndarray, one axis for each name

    Returns
    -------
    Factor

    Raises
    ------
    ValueError
        If a name comes twice, the axes do not fit the names, or an entry is negative.
    """
    names = (names,) if isinstance(names, str) else tuple(checks.several("names", names))
    values = checks.array("values", values)
    if len(set(names)) < len(names) or values.ndim != len(names):
        raise ValueError(f"names: expected {values.ndim} different names, one for each axis, got {names}")
    if (values < 0).any():
        raise ValueError(f"values: expected numbers that are not negative, got {values.min():.3g}")
    with np.errstate(divide="ignore"):
        return Factor(names, np.log(values))


def from_network(network):
    """Turn every table of a directed graph into a factor over a variable and its parents.

    Parameters
    ----------
    network : pedagogy_lib.inference.graphs.Network

    Returns
    -------
    list of Factor
        Their product is the joint distribution.
    """
    checks.having("network", network, "parents", "tables")
    graphs.order(network.parents)
    return [factor((name, *parents), network.tables[name]) for name, parents in network.parents.items()]


def probabilities(factor):
    """Normalize a factor and leave the logarithms: an array that sums to one.

    Parameters
    ----------
    factor : Factor

    Returns
    -------
    ndarray, one axis for each name
    """
    checks.having("factor", factor, "names", "logs")
    return np.exp(factor.logs - total(factor))


# ---------------------------------------------------------------------- what message passing asks for


def sizes(factor):
    """How many values each variable has."""
    return dict(zip(factor.names, factor.logs.shape))


def entries(names, sizes):
    """How many numbers a factor over these variables holds, as a whole number of Python: it cannot overflow."""
    return prod(int(sizes[name]) for name in names)


def product(factors, names, sizes):
    """Multiply factors into one over ``names``, which holds all of their variables."""
    logs = np.zeros([sizes[name] for name in names])
    for each in factors:                                            # a product: logarithms add
        present = [name for name in names if name in each.names]
        spread = np.transpose(each.logs, [each.names.index(name) for name in present])
        logs = logs + spread[tuple(slice(None) if name in each.names else None for name in names)]
    return Factor(tuple(names), logs)


def sum_out(factor, keep):
    """Sum over all variables but those to keep."""
    kept, axes = _split(factor, keep)
    return Factor(kept, log_sum(factor.logs, axes))


def max_out(factor, keep):
    """Maximize over all variables but those to keep."""
    kept, axes = _split(factor, keep)
    return Factor(kept, factor.logs.max(axes))


def observe(factor, evidence):
    """Put in the values that were observed: those variables leave the table."""
    index = tuple(evidence.get(name, slice(None)) for name in factor.names)
    return Factor(tuple(name for name in factor.names if name not in evidence), factor.logs[index])


def check_value(name, value, size):
    """Check one piece of evidence: a side, counted from 0."""
    if checks.count(name, value, minimum=0) >= size:
        raise ValueError(f"{name}: expected a side from 0 to {size - 1}, got {value}")
    return int(value)


def total(factor):
    """The logarithm of the sum of all entries."""
    return float(log_sum(factor.logs, tuple(range(factor.logs.ndim))))


def rescale(factor):
    """Divide by the sum, so that no number of messages overflows."""
    scale = total(factor)
    return Factor(factor.names, factor.logs - scale) if np.isfinite(scale) else factor


def blend(old, new, share):
    """Mix the logarithms of two factors over the same variables: ``share`` of the old one."""
    with np.errstate(invalid="ignore"):
        mixed = share * old.logs + (1 - share) * new.logs
    return Factor(new.names, np.where(np.isneginf(new.logs), new.logs, mixed))


def distance(old, new):
    """The largest difference between two factors that sum to one."""
    return float(np.abs(np.exp(old.logs) - np.exp(new.logs)).max(initial=0.0))


def value(factor, configuration):
    """The logarithm of the entry at one configuration: a dictionary with a value of each variable."""
    return float(factor.logs[tuple(configuration[name] for name in factor.names)])


def best(factor):
    """The largest entry: a dictionary with a value of each variable."""
    where = np.unravel_index(factor.logs.argmax(), factor.logs.shape)
    return {name: int(index) for name, index in zip(factor.names, where)}


def draw(factor, given, n, rng):
    """Draw the variables of a factor that have no value yet, given ``n`` values of each that has one."""
    known = [name for name in factor.names if name in given]
    free = [name for name in factor.names if name not in given]
    shape = sizes(factor)
    logs = np.transpose(factor.logs, [factor.names.index(name) for name in known + free])
    logs = logs.reshape([shape[name] for name in known] + [-1])
    rows = logs[tuple(given[name] for name in known)]               # (n, states) or (states,)
    edges = np.cumsum(np.exp(rows - rows.max(-1, keepdims=True)), -1)
    edges = np.broadcast_to(edges, (n, edges.shape[-1]))
    drawn = (rng.random((n, 1)) * edges[:, -1:] >= edges).sum(1)     # inverse CDF, as for one die
    return dict(zip(free, np.unravel_index(drawn, [shape[name] for name in free]))) if free else {}


def log_sum(logs, axes):
    """The logarithm of a sum, from logarithms: sums of zeros are zero."""
    if not axes:
        return logs
    peak = logs.max(axes, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(logs - peak).sum(axes)) + peak.squeeze(axes)


def _split(factor, keep):
    """The names that stay, in the order of the factor, and the axes that go."""
    kept = tuple(name for name in factor.names if name in keep)
    return kept, tuple(axis for axis, name in enumerate(factor.names) if name not in keep)
