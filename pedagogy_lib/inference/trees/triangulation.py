"""Take variables out of a graph one by one, and see what that ties together.

To sum a variable out ties all its neighbors to each other. The sequence decides how many ties are added
(the *fill*), and how large the largest table becomes: its number of variables, less one, is the *width* of
the sequence. To find the best sequence is NP-hard. What is here are heuristics: two greedy rules, and `search`, which
tries several sequences and keeps the narrowest. None of them promises the least width.

References
----------
Section 3.5. D.J. Rose (1972); S. Arnborg, D. Corneil and A. Proskurowski (1987), on the hardness;
U. Kjaerulff (1990), on the rules; E. Cuthill and J. McKee (1969), on sweeps.
"""

from collections import deque
from itertools import combinations
from typing import NamedTuple

from pedagogy_lib import checks
from pedagogy_lib.inference import markov_graphs

RULES = ("fill", "degree")


class Removal(NamedTuple):
    """A variable was taken out.

    name : str
    clique : tuple of str, the variable first, then its neighbors at that moment
    added : tuple of pairs of str, the edges that tied those neighbors to each other
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


def removals(neighbors, sequence=None, rule="fill"):
    """Take the variables of a graph out, one at a time.

    Parameters
    ----------
    neighbors : dict from str to set of str
    sequence : sequence of str, optional
        The order in which to take them. Without it a rule chooses at every step.
    rule : {"fill", "degree"}
        Take the variable that adds the fewest edges ("fill", min-fill), or the one with the fewest
        neighbors ("degree", min-degree). Ties go to the first in the dictionary.

    Yields
    ------
    Removal
    """
    checks.mapping("neighbors", neighbors)
    checks.option("rule", rule, RULES)
    markov_graphs.edges(neighbors)                                    # every edge from both ends
    names = list(neighbors)
    if sequence is not None and sorted(sequence) != sorted(names):
        raise ValueError(f"sequence: expected {sorted(names)}, in any order, got {list(sequence)}")
    left = {name: set(ties) for name, ties in neighbors.items()}
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


def triangulate(neighbors, sequence=None, rule="fill"):
    """Take all variables out, and keep the cliques.

    Parameters
    ----------
    neighbors, sequence, rule
        As for `removals`.

    Returns
    -------
    Triangulation
        With the edges of ``added`` the graph is chordal: no circle of four or more without a chord.
    """
    steps = list(removals(neighbors, sequence, rule))
    cliques, sets = [], []
    for step in steps:                                                 # only an earlier one can contain it
        if not any(set(step.clique) <= earlier for earlier in sets):
            cliques.append(step.clique)
            sets.append(set(step.clique))
    added = tuple(pair for step in steps for pair in step.added)
    width = max((len(clique) for clique in cliques), default=1) - 1
    return Triangulation(tuple(step.name for step in steps), added, tuple(cliques), width)


def search(neighbors, rng, tries=5):
    """Try both greedy rules with ties broken at random, and sweeps through the graph, and keep the narrowest.

    Parameters
    ----------
    neighbors : dict from str to set of str
    rng : numpy.random.Generator
    tries : int
        How often each of the three is tried.

    Returns
    -------
    Triangulation
        Of the least width that was met, and among those of the smallest tables. This is a heuristic: to know that no
        sequence is narrower is NP-hard. Its ``sequence`` is for `removals` and for `junction_tree`.

    Notes
    -----
    The greedy rules look one step ahead. On a 10 x 10 grid, of tree-width 10, both end at width 13; a sweep, whose
    front is a diagonal of at most ten variables, has 10. Elsewhere sweeps are wide, and the greedy rules do better.
    """
    rng, tries = checks.generator("rng", rng), checks.count("tries", tries)
    names, found = sorted(neighbors), []
    for _ in range(tries):
        shuffled = {names[i]: neighbors[names[i]] for i in rng.permutation(len(names))}
        found += [triangulate(shuffled, rule=rule) for rule in RULES]
        found.append(triangulate(neighbors, sweep(shuffled)))
    return min(found, key=lambda each: (each.width, sum(2 ** len(clique) for clique in each.cliques)))


def sweep(neighbors):
    """Order the variables by a front that moves through the graph, nearest first (Cuthill and McKee).

    Parameters
    ----------
    neighbors : dict from str to set of str

    Returns
    -------
    list of str
        Breadth first, from a variable that is far from the first of the dictionary. The neighbors of a variable come
        by their own numbers of neighbors, and then as in the dictionary.
    """
    markov_graphs.edges(neighbors)                                    # every edge from both ends
    place = {name: (len(ties), i) for i, (name, ties) in enumerate(neighbors.items())}
    order = []
    for name in neighbors:                                            # once for each part that hangs together
        if name not in order:
            farthest = _breadth_first(neighbors, name, place)[-1]
            order += _breadth_first(neighbors, farthest, place)
    return order


def _breadth_first(neighbors, name, place):
    order, waiting, met = [], deque([name]), {name}
    while waiting:
        order.append(waiting.popleft())
        new = sorted(neighbors[order[-1]] - met, key=place.get)
        waiting += new
        met |= set(new)
    return order


def _cost(left, name, rule):
    ties = left[name]
    if rule == "degree":
        return len(ties)
    inside = sum(len(ties & left[tie]) for tie in ties)                # each edge among them twice
    return len(ties) * (len(ties) - 1) // 2 - inside // 2
