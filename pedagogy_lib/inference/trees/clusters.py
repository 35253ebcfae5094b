"""Two ways to lay out a product of factors as clusters with links: factor graphs and junction trees.

A `ClusterGraph` holds factors over overlapping sets of variables. Linked clusters talk about the
variables that they share. In a factor graph every variable is a cluster and every factor is a cluster; it
is a tree only if the model has no loops. A junction tree is always a tree, at the price of larger clusters.

Building blocks, which trust their arguments because their callers have checked them:
`ClusterGraph`, `heaviest_tree`, `runs_through`, `checked_rules` and `checked_factors`.

References
----------
Section 3.5. S.L. Lauritzen and D.J. Spiegelhalter (1988); F.R. Kschischang, B.J. Frey and H.-A. Loeliger (2001).
"""

from itertools import combinations
from typing import NamedTuple

from pedagogy_lib import checks
from pedagogy_lib.inference import markov_graphs
from pedagogy_lib.inference.trees import triangulation

#: How many numbers one cluster may hold unless the caller allows more: 512 MB.
LIMIT = 2**26


class ClusterGraph(NamedTuple):
    """Factors in clusters, and which clusters talk to each other.

    scopes : tuple of tuple of str, the variables of each cluster
    potentials : tuple of factors, one over each scope; their product is the model
    links : tuple of pairs of int
    sizes : dict from str to int, the size of each variable
    """

    scopes: tuple
    potentials: tuple
    links: tuple
    sizes: dict

    def separator(self, i, j):
        """The variables that two clusters share."""
        return tuple(name for name in self.scopes[i] if name in self.scopes[j])


class TooWideError(ValueError):
    """A cluster would hold more numbers than allowed.

    width : int, its number of variables, less one
    entries : int
    """

    def __init__(self, scope, entries, limit):
        shown = ", ".join(scope[:12]) + (", ..." if len(scope) > 12 else "")
        super().__init__(
            f"factors: expected clusters of at most {limit} numbers, got one of {entries}, over {len(scope)} variables "
            f"({shown}): width {len(scope) - 1}; try another sequence, loopy propagation, or a larger limit"
        )
        self.width, self.entries, self._given = len(scope) - 1, entries, (scope, entries, limit)

    def __reduce__(self):
        return type(self), self._given


def interaction_graph(factors):
    """Tie the variables of each factor to each other: the undirected graph of a product.

    Parameters
    ----------
    factors : sequence of factors

    Returns
    -------
    dict from str to set of str
    """
    factors = checked_factors(factors)
    names = dict.fromkeys(name for factor in factors for name in factor.names)
    return markov_graphs.from_edges((pair for factor in factors for pair in combinations(factor.names, 2)), names)


def factor_graph(rules, factors):
    """Make each variable and each factor a cluster, linked where the factor has the variable.

    Parameters
    ----------
    rules : module
        `tables` or `information_form`.
    factors : sequence of factors

    Returns
    -------
    ClusterGraph
        The variables come first, in the order in which the factors name them.
    """
    sizes = _sizes(rules, factors)
    names = list(sizes)
    scopes = [(name,) for name in names] + [tuple(factor.names) for factor in factors]
    potentials = [rules.product([], (name,), sizes) for name in names] + list(factors)
    links = [(names.index(name), len(names) + f) for f, factor in enumerate(factors) for name in factor.names]
    return ClusterGraph(tuple(scopes), tuple(potentials), tuple(links), sizes)


def junction_tree(rules, factors, sequence=None, rule="fill", limit=LIMIT):
    """Gather the factors into the cliques of a triangulated graph, and link these to a tree.

    Parameters
    ----------
    rules, factors
        As for `factor_graph`.
    sequence, rule
        How to triangulate, as for `triangulation.removals`; `triangulation.search` finds narrower sequences.
    limit : int
        The most numbers that one cluster may hold.

    Returns
    -------
    ClusterGraph
        With the running-intersection property: the clusters that hold a variable hang together.

    Raises
    ------
    TooWideError
        If a cluster would be larger than the limit. No memory has been asked for yet.
    """
    sizes, limit = _sizes(rules, factors), checks.count("limit", limit)
    scopes = triangulation.triangulate(interaction_graph(factors), sequence, rule).cliques or ((),)
    largest = max(scopes, key=lambda scope: rules.entries(scope, sizes))
    if rules.entries(largest, sizes) > limit:
        raise TooWideError(largest, rules.entries(largest, sizes), limit)
    homes, entries = [[] for _ in scopes], [rules.entries(scope, sizes) for scope in scopes]
    holders = {name: {i for i, scope in enumerate(scopes) if name in scope} for name in sizes}
    for factor in factors:                                             # each factor once, in the smallest that holds it
        fitting = set(range(len(scopes))).intersection(*(holders[name] for name in factor.names))
        homes[min(sorted(fitting), key=entries.__getitem__)].append(factor)
    potentials = tuple(rules.product(home, scope, sizes) for home, scope in zip(homes, scopes))
    return ClusterGraph(tuple(scopes), potentials, heaviest_tree(scopes), sizes)


def heaviest_tree(scopes):
    """Link sets of variables to the tree that shares as many variables along its links as it can (Prim).

    Parameters
    ----------
    scopes : sequence of sequences of str

    Returns
    -------
    tuple of pairs of int
        If the sets are the cliques of a chordal graph, the tree has the running-intersection property.
    """
    sets, links = [set(scope) for scope in scopes], []
    shared = {j: (len(sets[0] & sets[j]), 0) for j in range(1, len(scopes))}
    while shared:
        j = max(shared, key=lambda other: shared[other][0])
        _, i = shared.pop(j)
        links.append((i, j))
        for other, (most, _) in shared.items():
            common = len(sets[j] & sets[other])
            if common > most:
                shared[other] = common, j
    return tuple(links)


def runs_through(scopes, links):
    """Decide whether the clusters that hold a variable hang together, for every variable.

    Parameters
    ----------
    scopes : sequence of sequences of str
    links : sequence of pairs of int, a tree

    Returns
    -------
    bool
        The running-intersection property: in a tree it holds if, for each variable, the clusters
        that hold it are one more than the links of which both ends hold it.
    """
    names = set().union(*map(set, scopes))
    holders = {name: sum(name in scope for scope in scopes) for name in names}
    bridges = {name: sum(name in scopes[i] and name in scopes[j] for i, j in links) for name in names}
    return all(holders[name] == bridges[name] + 1 for name in names)


def observe(rules, clusters, evidence):
    """Put observed values into every cluster: those variables leave it.

    Parameters
    ----------
    rules : module
    clusters : ClusterGraph
    evidence : dict from str to value

    Returns
    -------
    ClusterGraph
        With the same links. A tree stays one, and keeps its running intersections.
    """
    checked_rules(rules)
    checks.kind("clusters", clusters, ClusterGraph)
    checks.mapping("evidence", evidence)
    checked = {}
    for name, value in evidence.items():
        checks.option("evidence", name, sorted(clusters.sizes))
        checked[name] = rules.check_value(f"evidence[{name!r}]", value, clusters.sizes[name])
    return ClusterGraph(
        tuple(tuple(name for name in scope if name not in checked) for scope in clusters.scopes),
        tuple(rules.observe(potential, checked) for potential in clusters.potentials),
        clusters.links,
        {name: size for name, size in clusters.sizes.items() if name not in checked},
    )


def checked_rules(rules):
    """Refuse what has not the functions of `tables` and `information_form`."""
    return checks.model("rules", rules, "product", "sum_out", "max_out", "observe", "rescale", "sizes", "total")


def checked_factors(factors):
    """A list of factors, each over some names."""
    given = checks.several("factors", factors)
    return [checks.having(f"factors[{i}]", factor, "names") for i, factor in enumerate(given)]


def _sizes(rules, factors):
    """The size of every variable, on which all factors must agree."""
    factors = checked_factors(factors)
    checked_rules(rules)
    sizes = {}
    for factor in factors:
        for name, size in rules.sizes(factor).items():
            if sizes.setdefault(name, size) != size:
                raise ValueError(f"factors: expected one size of {name!r}, got {sizes[name]} and {size}")
    if not factors:
        raise ValueError("factors: expected at least one, got none")
    return sizes
