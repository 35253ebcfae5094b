"""Take variables out of a graph one by one, and see what that ties together.

To sum a variable out ties all its neighbours to each other. The sequence decides how many ties are added
(the *fill*), and how large the largest table becomes: its number of variables, less one, is the *width* of
the sequence. The best sequence is hard to find (the problem is NP-hard), but two greedy rules do well.

References
----------
Section 3.5. D.J. Rose (1972); S. Arnborg, D. Corneil and A. Proskurowski (1987), on the hardness;
U. Kjaerulff (1990), on the rules.
"""

from itertools import combinations
from typing import NamedTuple

from pedagogy_lib import checks
from pedagogy_lib.inference import markov_graphs

RULES = ("fill", "degree")


class Removal(NamedTuple):
    """A variable was taken out.

    name : str
    clique : tuple of str, the variable first, then its neighbours at that moment
    added : tuple of pairs of str, the edges that tied those neighbours to each other
    """

    name: str
    clique: tuple
    added: tuple


class Triangulation(NamedTuple):
    """What a sequence of removals made of a graph.

    sequence : tuple of str
    added : tuple of pairs of str, all edges that came in: the fill
    cliques : tuple of tuple of str, those that no other contains
    width : int, the number of variables of the largest clique, less one
    """

    sequence: tuple
    added: tuple
    cliques: tuple
    width: int


def removals(neighbours, sequence=None, rule="fill"):
    """Take the variables of a graph out, one at a time.

    Parameters
    ----------
    neighbours : dict from str to set of str
    sequence : sequence of str, optional
        The order in which to take them. Without it a rule chooses at every step.
    rule : {"fill", "degree"}
        Take the variable that adds the fewest edges ("fill", min-fill), or the one with the fewest
        neighbours ("degree", min-degree). Ties go to the first in the dictionary.

    Yields
    ------
    Removal
    """
    checks.mapping("neighbours", neighbours)
    checks.option("rule", rule, RULES)
    markov_graphs.edges(neighbours)                                    # every edge from both ends
    names = list(neighbours)
    if sequence is not None and sorted(sequence) != sorted(names):
        raise ValueError(f"sequence: expected {sorted(names)}, in any order, got {list(sequence)}")
    left = {name: set(ties) for name, ties in neighbours.items()}
    costs = {name: _cost(left, name, rule) for name in left} if sequence is None else {}
    for step in range(len(names)):
        name = sequence[step] if sequence is not None else min(left, key=costs.get)
        ties = sorted(left[name], key=names.index)
        added = tuple((a, b) for a, b in combinations(ties, 2) if b not in left[a])
        for a, b in added:
            left[a].add(b)
            left[b].add(a)
        for other in left.pop(name):
            left[other].discard(name)
        yield Removal(name, (name, *ties), added)
        if sequence is None:                                           # only these may have changed
            costs |= {other: _cost(left, other, rule) for other in set(ties).union(*(left[tie] for tie in ties))}


def triangulate(neighbours, sequence=None, rule="fill"):
    """Take all variables out, and keep the cliques.

    Parameters
    ----------
    neighbours, sequence, rule
        As for `removals`.

    Returns
    -------
    Triangulation
        With the edges of ``added`` the graph is chordal: no circle of four or more without a chord.
    """
    steps = list(removals(neighbours, sequence, rule))
    cliques, sets = [], []
    for step in steps:                                                 # only an earlier one can contain it
        if not any(set(step.clique) <= earlier for earlier in sets):
            cliques.append(step.clique)
            sets.append(set(step.clique))
    added = tuple(pair for step in steps for pair in step.added)
    width = max((len(clique) for clique in cliques), default=1) - 1
    return Triangulation(tuple(step.name for step in steps), added, tuple(cliques), width)


def _cost(left, name, rule):
    ties = left[name]
    if rule == "degree":
        return len(ties)
    inside = sum(len(ties & left[tie]) for tie in ties)                # each edge among them twice
    return len(ties) * (len(ties) - 1) // 2 - inside // 2
