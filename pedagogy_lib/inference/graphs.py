"""Directed graphical models: which variables tell of which, and what they tell.

A graph is a dictionary that gives each variable its parents, in any order::

    {"burglary": (), "earthquake": (), "alarm": ("burglary", "earthquake")}

`reach` and `separated` read independence off the arrows alone. The other functions take a
`Network`: the same graph with a table of probabilities at each node.

References
----------
Chapter 2, "Directed graphical models"; appendix C, which is empty in the textbook.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks

#: NumPy's sums of products have a letter for each variable.
LETTERS = 52


class Network(NamedTuple):
    """A directed graph of discrete variables, with p(child | parents) at each node.

    parents : dict from str to tuple of str
    tables : dict from str to ndarray
        Axis 0 is the variable itself, and sums to one; the other axes are its parents, in the
        order of ``parents``. Sides are numbered from 0.
    """

    parents: dict
    tables: dict


class Visit(NamedTuple):
    """Information has come to a node, along an arrow or against it.

    name : str, the node
    against : bool, whether it came against the arrow: from a child, or as the start
    previous : str or None, the neighbor it came from
    passes : tuple of str, the neighbors to which it goes on; empty where it is blocked
    """

    name: str
    against: bool
    previous: str | None
    passes: tuple


# ------------------------------------------------------------------------- the graph alone


def order(parents):
    """List the variables so that each stands after its parents.

    Parameters
    ----------
    parents : dict from str to tuple of str

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If a parent is no variable of the graph, or the arrows go round in a circle.
    """
    checks.mapping("parents", parents)
    for child, names in parents.items():
        for name in checks.several(f"parents[{child!r}]", names):
            _known("parents", name, parents, f", as a parent of {child!r}")
    done = []
    while len(done) < len(parents):
        ready = [name for name in parents if name not in done and set(parents[name]) <= set(done)]
        if not ready:
            raise ValueError(f"parents: expected no circle of arrows, got one among {sorted(set(parents) - set(done))}")
        done += ready
    return done


def ancestors(parents, names):
    """Collect the given variables and everything from which arrows lead to them.

    Parameters
    ----------
    parents : dict from str to tuple of str
    names : iterable of str

    Returns
    -------
    set of str
    """
    order(parents)
    found = set()
    waiting = [_known("names", name, parents) for name in checks.several("names", names)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += parents[name]
    return found


def reach(parents, start, given=()):
    """Spread information from one variable through the graph, one visit at a time.

    What happens at a node depends on the arrows by which information comes and goes::

        chain     -> x ->    goes through, unless x is given
        fork      <- x ->    goes through, unless x is given
        collider  -> x <-    is blocked, unless x or a descendant of x is given

    Parameters
    ----------
    parents : dict from str to tuple of str
    start : str
    given : iterable of str
        The variables whose values are known.

    Yields
    ------
    Visit
        Each node at most twice: once with the arrow, once against it.

    References
    ----------
    R.D. Shachter (1998), "Bayes-ball".
    """
    start, given, children = _spread_from(parents, start, given)
    tells = ancestors(parents, given)                          # given, or with a given descendant
    waiting, seen = [(start, True, None)], set()
    while waiting:
        name, against, previous = waiting.pop(0)
        if (name, against) in seen:
            continue
        seen.add((name, against))
        up = name not in given if against else name in tells   # a chain, or a collider
        down = name not in given                               # a chain, or a fork
        passes = (parents[name] if up else ()) + (children[name] if down else ())
        yield Visit(name, against, previous, passes)
        waiting += [(parent, True, name) for parent in parents[name] if up]
        waiting += [(child, False, name) for child in children[name] if down]


def _spread_from(parents, start, given):
    """The arguments of `reach`, checked, and the children of each variable."""
    given = checks.several("given", given)
    order(parents)
    given = {_known("given", name, parents) for name in given}
    children = {name: tuple(c for c in parents if name in parents[c]) for name in parents}
    return _known("start", start, parents), given, children


def separated(parents, a, b, given=()):
    """Decide whether the graph alone makes ``a`` and ``b`` independent, given some others.

    Parameters
    ----------
    parents : dict from str to tuple of str
    a, b : str
    given : iterable of str

    Returns
    -------
    bool
        True if every path between them is blocked (they are d-separated). Then they are
        conditionally independent for every choice of the tables. If False, there are tables for
        which they are not.
    """
    given = _set("given", given)
    _known("b", b, parents)
    if a == b or a in given or b in given:
        raise ValueError(f"a, b: expected two variables that are not given, got {a!r}, {b!r} and given {sorted(given)}")
    return all(visit.name != b for visit in reach(parents, a, given))


# ------------------------------------------------------------------------- with probabilities


def joint(network):
    """Multiply all tables: the probability of every combination of values.

    Parameters
    ----------
    network : Network

    Returns
    -------
    ndarray
        One axis for each variable, in the order of ``network.parents``. It grows exponentially
        with the number of variables.
    """
    return _product(list(_checked(network).items()), list(network.parents))


def condition(network, query, evidence=None):
    """Infer some variables from others, by summing the joint table.

    Parameters
    ----------
    network : Network
    query : sequence of str
    evidence : dict from str to int, optional
        The values that were observed.

    Returns
    -------
    ndarray
        p(query | evidence), one axis for each variable of the query, in its order.

    Raises
    ------
    ValueError
        If the evidence has probability zero.
    """
    factors, query, evidence = _question(network, query, evidence)
    return _normalized(_product(factors, query), evidence)


class Elimination(NamedTuple):
    """A variable was summed out.

    name : str
    factor : tuple of str, the variables of the table that had to be made for it
    size : int, the number of entries of that table
    """

    name: str
    factor: tuple
    size: int


def eliminate(network, query, evidence=None, sequence=None):
    """Infer some variables from others, summing the rest out one at a time.

    The sum over a variable is moved inside the product, past all tables that do not mention it.
    The answer is that of `condition`; the cost is the largest table on the way.

    Parameters
    ----------
    network, query, evidence
        As for `condition`.
    sequence : sequence of str, optional
        The order in which to sum out all that is neither query nor evidence.

    Returns
    -------
    probabilities : ndarray
    steps : list of Elimination
    """
    factors, query, evidence = _question(network, query, evidence)
    steps = []
    for name in _hidden(network, query, evidence, sequence):
        touched = [(axes, table) for axes, table in factors if name in axes]
        factors = [(axes, table) for axes, table in factors if name not in axes]
        scope = sorted({other for axes, _ in touched for other in axes})
        made = _product(touched, scope)                        # all that mentions the variable
        summed = made.sum(scope.index(name))                   # and now nothing does
        factors.append((tuple(other for other in scope if other != name), summed))
        steps.append(Elimination(name, tuple(scope), made.size))
    return _normalized(_product(factors, query), evidence), steps


def sample(network, n, rng):
    """Draw every variable after its parents (ancestral sampling).

    Parameters
    ----------
    network : Network
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    dict from str to ndarray of int, shape (n,)
    """
    tables = {axes[0]: table for axes, table in _checked(network).items()}
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    drawn = {}
    for name in order(network.parents):
        given = tuple(drawn[parent] for parent in network.parents[name])
        probabilities = tables[name][(slice(None), *given)]    # (K,) or (K, n)
        edges = np.cumsum(probabilities, axis=0)               # inverse CDF, as for one die
        edges[edges >= edges[-1]] = 1.0                        # rounding leaves no gap at the top
        drawn[name] = (rng.random(n) >= edges.reshape(len(edges), -1)).sum(0)
    return drawn


# ------------------------------------------------------------------------------------ helpers


def _product(factors, keep):
    """Multiply tables with named axes, and sum out all that is not kept."""
    letters = {}
    operands = []
    for axes, table in factors:
        operands += [table, [letters.setdefault(name, len(letters)) for name in axes]]
    if len(letters) > LETTERS:
        raise ValueError(
            f"network: expected at most {LETTERS} variables in one table, got {len(letters)}; "
            "eliminate sums them out in turn"
        )
    return np.einsum(*operands, [letters[name] for name in keep], optimize="greedy")


def _question(network, query, evidence):
    """The tables with the evidence put in; the query and the evidence, checked."""
    checks.having("network", network, "parents", "tables")
    tables, evidence = _checked(network), dict(checks.mapping("evidence", {} if evidence is None else evidence))
    query = [query] if isinstance(query, str) else checks.several("query", query)
    for name in query:
        _known("query", name, network.parents)
        if name in evidence:
            raise ValueError(f"query: expected variables that are not in the evidence, got {name!r}")
    sizes = {axes[0]: len(table) for axes, table in tables.items()}
    for name, side in evidence.items():
        _known("evidence", name, network.parents)
        if checks.count(f"evidence[{name!r}]", side, minimum=0) >= sizes[name]:
            raise ValueError(f"evidence[{name!r}]: expected a side from 0 to {sizes[name] - 1}, got {side}")
    factors = []
    for axes, table in tables.items():
        index = tuple(evidence.get(name, slice(None)) for name in axes)
        factors.append((tuple(name for name in axes if name not in evidence), table[index]))
    return factors, query, evidence


def _hidden(network, query, evidence, sequence):
    """The variables to be summed out, in the order that was asked for."""
    hidden = [name for name in network.parents if name not in query and name not in evidence]
    sequence = hidden if sequence is None else list(sequence)
    if sorted(sequence) != sorted(hidden):
        raise ValueError(f"sequence: expected {sorted(hidden)}, in any order, got {sequence}")
    return sequence


def _normalized(table, evidence):
    total = table.sum()
    if total <= 0:
        raise ValueError(f"evidence: expected values that can happen together, got {evidence}, of probability zero")
    return table / total


def _checked(network):
    """Each table under the names of its axes, in the order of the graph."""
    checks.having("network", network, "parents", "tables")
    parents, tables = network.parents, checks.mapping("network.tables", network.tables)
    order(parents)
    if set(tables) != set(parents):
        raise ValueError(f"network.tables: expected tables for {sorted(parents)}, got {sorted(tables)}")
    sizes = {name: np.shape(table)[0] if np.ndim(table) else 0 for name, table in tables.items()}
    found = {}
    for name in parents:
        axes = (name, *parents[name])
        shape = tuple(sizes[axis] for axis in axes)
        found[axes] = checks.probabilities(f"network.tables[{name!r}]", tables[name], shape, axis=0)
    return found


def _set(argument, names):
    return set(checks.several(argument, names))


def _known(argument, name, parents, where=""):
    checks.mapping("parents", parents)
    if name not in parents:
        raise ValueError(f"{argument}: expected one of {sorted(parents)}, got {name!r}{where}")
    return name
