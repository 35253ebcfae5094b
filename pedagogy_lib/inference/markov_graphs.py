"""Undirected graphical models (Markov random fields): who touches whom, and what that claims.

A graph is a dictionary that gives each variable its neighbors, every edge from both ends::

    {"a": {"b"}, "b": {"a", "c"}, "c": {"b"}}

Directed graphs are those of `pedagogy_lib.inference.graphs`; `moral` and `orient` lead from the one kind to the
other, and `claims` lists what either says, so that what is lost on the way can be counted.

References
----------
Appendix C, which is empty in the textbook. S.L. Lauritzen (1996), *Graphical Models*, chapter 3.
"""

from itertools import chain, combinations

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference import graphs


def from_edges(edges, names=()):
    """Make a graph from its edges.

    Parameters
    ----------
    edges : iterable of pairs of str
    names : iterable of str, optional
        Variables to be in the graph even if no edge names them; they come first, in this order.

    Returns
    -------
    dict from str to set of str
    """
    names = checks.several("names", names)
    edges = [tuple(checks.several("edges", edge)) for edge in checks.stream("edges", edges)]
    for edge in edges:
        if len(edge) != 2 or edge[0] == edge[1]:
            raise ValueError(f"edges: expected pairs of two different names, got {edge}")
    neighbors = {name: set() for name in chain(names, *edges)}
    for a, b in edges:
        neighbors[a].add(b)
        neighbors[b].add(a)
    return neighbors


def edges(neighbors):
    """List every edge once, in the order of the variables.

    Parameters
    ----------
    neighbors : dict from str to set of str

    Returns
    -------
    list of pairs of str
    """
    names = list(_checked(neighbors))
    return [(a, b) for a, b in combinations(names, 2) if b in neighbors[a]]


def separated(neighbors, a, b, given=()):
    """Decide whether every path between two variables passes a given one.

    Parameters
    ----------
    neighbors : dict from str to set of str
    a, b : str
    given : iterable of str

    Returns
    -------
    bool
        If True, the two are conditionally independent for every choice of the potentials.
    """
    given = set(checks.several("given", given))
    for argument, name in (("a", a), ("b", b), *(("given", name) for name in given)):
        checks.option(argument, name, sorted(_checked(neighbors)))
    if a == b or a in given or b in given:
        raise ValueError(f"a, b: expected two variables that are not given, got {a!r}, {b!r} and given {sorted(given)}")
    reached, waiting = set(), {a}
    while waiting:
        reached |= waiting
        waiting = set().union(*(neighbors[name] for name in waiting)) - reached - given
    return b not in reached


def moral(parents):
    """Marry the parents of every child, and take the heads off the arrows.

    Parameters
    ----------
    parents : dict from str to tuple of str
        A directed graph.

    Returns
    -------
    dict from str to set of str
        The graph with the fewest edges that every distribution of the directed graph obeys.
    """
    graphs.order(parents)
    families = [(child, *names) for child, names in parents.items()]
    return from_edges((pair for family in families for pair in combinations(family, 2)), parents)


def moral_separated(parents, a, b, given=()):
    """Decide d-separation by the moral graph of the ancestors: Lauritzen's way to `graphs.separated`.

    Parameters
    ----------
    parents : dict from str to tuple of str
    a, b : str
    given : iterable of str

    Returns
    -------
    bool
    """
    given = checks.several("given", given)
    given = set(given)
    kept = graphs.ancestors(parents, {a, b} | given)                 # what has no descendant here sums to one
    return separated(moral({name: parents[name] for name in parents if name in kept}), a, b, given)


def blanket(parents, name):
    """Collect a variable's parents, children, and the other parents of these: its Markov blanket.

    Parameters
    ----------
    parents : dict from str to tuple of str
    name : str

    Returns
    -------
    set of str
        Given these, the variable is independent of all others.
    """
    checks.mapping("parents", parents)
    return moral(parents)[checks.option("name", name, sorted(parents))]


def orient(neighbors, sequence):
    """Give every edge a direction, and add the edges without which a claim would be false.

    Parameters
    ----------
    neighbors : dict from str to set of str
    sequence : sequence of str
        All variables. They are taken out from the last to the first, and whoever is tied to one
        at that moment becomes its parent: they are then tied to each other.

    Returns
    -------
    dict from str to tuple of str
        A directed graph in which every variable has its parents before it in the sequence. Its
        skeleton is chordal, and all its claims hold in the undirected graph.
    """
    sequence = checks.several("sequence", sequence)
    left = {name: set(ties) for name, ties in _checked(neighbors).items()}
    if sorted(sequence) != sorted(left):
        raise ValueError(f"sequence: expected {sorted(left)}, in any order, got {sequence}")
    parents = {}
    for name in reversed(sequence):
        ties = left.pop(name)
        parents[name] = tuple(sorted(ties, key=sequence.index))
        for other in ties:
            left[other] |= ties - {other}
            left[other].discard(name)
    return {name: parents[name] for name in sequence}


def claims(names, separated):
    """List every claim of independence that a graph makes, pair by pair.

    Parameters
    ----------
    names : sequence of str
    separated : callable
        Takes two variables and a set of given ones, and returns whether the graph separates them:
        ``lambda a, b, given: graphs.separated(parents, a, b, given)``.

    Returns
    -------
    set of tuple
        ``(a, b, given)``, with a before b in ``names`` and ``given`` a frozenset. There are
        N (N - 1) 2^(N - 3) questions: for small graphs.
    """
    names, separated = checks.several("names", names), checks.function("separated", separated)
    names = list(names)
    found = set()
    for a, b in combinations(names, 2):
        others = [name for name in names if name not in (a, b)]
        for size in range(len(others) + 1):
            found |= {(a, b, frozenset(c)) for c in combinations(others, size) if separated(a, b, c)}
    return found


def interactions(logs):
    """Write a positive distribution as a product over sets of variables (Hammersley and Clifford).

    The reference value of every variable is 0. The potential of a set of variables is the
    alternating sum of log p over its subsets, with all other variables at their reference value::

        log psi_S(x_S) = sum over R in S of (-1)^(|S| - |R|) log p(x_R, 0 elsewhere)

    Parameters
    ----------
    logs : ndarray
        log p, one axis for each variable; finite everywhere.

    Returns
    -------
    dict from tuple of int to ndarray
        For every set of axes, in rising order, log psi over these axes. Their sum is ``logs``. It is
        zero for every set that has two variables which are independent given all the others.
    """
    logs = checks.array("logs", logs)
    if not logs.size:
        raise ValueError(f"logs: expected one value at least for each variable, got shape {logs.shape}")
    axes, found = range(logs.ndim), {}
    for size in range(logs.ndim + 1):
        for subset in combinations(axes, size):
            total = np.zeros([logs.shape[axis] for axis in subset])
            for kept in chain.from_iterable(combinations(subset, n) for n in range(size + 1)):
                index = tuple(slice(None) if axis in kept else 0 for axis in axes)
                spread = tuple(slice(None) if axis in kept else None for axis in subset)
                total = total + (-1) ** (size - len(kept)) * logs[index][spread]
            found[subset] = total
    return found


def _checked(neighbors):
    """The same graph, every edge seen from both ends."""
    checks.mapping("neighbors", neighbors)
    for name, ties in neighbors.items():
        for other in ties:
            if other == name or name not in neighbors.get(other, ()):
                raise ValueError(
                    f"neighbors: expected every edge from both ends, got {other!r} as a neighbor of {name!r} only"
                )
    return neighbors
