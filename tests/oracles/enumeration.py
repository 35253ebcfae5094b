"""Products of tables, one configuration at a time: Python loops over plain probabilities, no logarithms."""

from itertools import product

import numpy as np


def joint(factors, sizes):
    """The unnormalized table of everything. factors: list of (names, values); sizes: dict in the order of the axes."""
    names = list(sizes)
    table = np.empty([sizes[name] for name in names])
    for outcome in product(*map(range, table.shape)):
        at = dict(zip(names, outcome))
        value = 1.0
        for axes, values in factors:
            value *= values[tuple(at[name] for name in axes)]
        table[outcome] = value
    return table


def random_factors(rng, names, scopes, sides=2, zeros=0.0):
    """A positive random table over each scope; some entries zero, if asked."""
    found = []
    for scope in scopes:
        values = rng.uniform(0.2, 2.0, (sides,) * len(scope))
        values[rng.random(values.shape) < zeros] = 0.0
        found.append((tuple(names[i] for i in scope), values))
    return found


def random_graph(rng, n, edges):
    """So many different pairs of n numbers."""
    pairs = [(i, j) for j in range(n) for i in range(j)]
    return [pairs[k] for k in sorted(rng.choice(len(pairs), min(edges, len(pairs)), replace=False))]


def smallest_width(neighbors):
    """The tree-width, by trying every sequence of removals (over subsets, as Bodlaender and others do)."""
    names = list(neighbors)
    best = {frozenset(): 0}
    for _ in names:
        after = {}
        for gone, width in best.items():
            for name in names:
                if name in gone:
                    continue
                reached, waiting = {name}, [name]                    # neighbors through what is gone
                ties = set()
                while waiting:
                    for other in neighbors[waiting.pop()]:
                        if other in gone and other not in reached:
                            reached.add(other)
                            waiting.append(other)
                        elif other not in gone and other != name:
                            ties.add(other)
                key = gone | {name}
                after[key] = min(after.get(key, len(names)), max(width, len(ties)))
        best = after
    return best[frozenset(names)]
