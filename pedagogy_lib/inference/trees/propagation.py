"""Message passing between clusters: exact in two sweeps on a tree, a guess repeated on anything else.

There is one formula. A cluster multiplies its own potential with what all its other neighbors told it,
sums over what the addressee does not have, and sends the rest::

    m_ij(x_ij) = sum over x_i without x_ij of psi_i(x_i) * product over k != j of m_ki(x_ki)

On a chain of tables this is the forward-backward algorithm; on a chain of Gaussians, the Kalman smoother; with
a maximum for the sum, Viterbi's algorithm; on a factor graph with loops, loopy belief propagation. What a factor
*is* the functions leave to ``rules``: the module `tables` or `information_form`.

Building blocks, which trust their arguments because their callers have checked them: `send`,
`believe` and `pass_messages`.

References
----------
Section 3.5. J. Pearl (1988); G. Shafer and P. Shenoy (1990), for messages without division.
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference.trees import _at_once, tables
from pedagogy_lib.inference.trees import clusters as layouts
from pedagogy_lib.inference.trees.clusters import ClusterGraph


class Message(NamedTuple):
    """A cluster has told a neighbor what it knows.

    source, target : int, numbers of clusters
    factor : over the variables that the two share, up to a constant factor
    """

    source: int
    target: int
    factor: Any


class Sweep(NamedTuple):
    """Every cluster has told all its neighbors once more.

    iteration : int
    messages : dict from pair of int (source, target) to factor
    change : float, the largest difference to the messages before
    """

    iteration: int
    messages: dict
    change: float


class Beliefs(NamedTuple):
    """What the clusters know once the messages have passed.

    clusters : ClusterGraph, with the evidence put in
    messages : dict from pair of int (source, target) to factor
    factors : tuple of factors, one for each cluster: proportional to the marginal of its variables, or,
        where messages carried maxima, to the largest probability that goes with each of their values
    log_total : float, the log of the sum over everything: log Z, or the log probability of the
        evidence, if the factors are a joint distribution. On a graph with loops, Bethe's approximation.
    """

    clusters: ClusterGraph
    messages: dict
    factors: tuple
    log_total: float


# ------------------------------------------------------------------------------------- one message


def send(rules, clusters, source, target, told, reduce):
    """What one cluster tells another, given what its other neighbors told it."""
    product = believe(rules, clusters, source, told)
    return rules.rescale(reduce(product, clusters.separator(source, target)))


def believe(rules, clusters, i, told):
    """A cluster's potential times what it has been told."""
    return rules.product([clusters.potentials[i], *told], clusters.scopes[i], clusters.sizes)


# ---------------------------------------------------------------------------------------- on a tree


def pass_messages(rules, clusters, maximize=False):
    """Send every message of a tree once: inwards to the first cluster, then outwards.

    Parameters
    ----------
    rules : module
        `tables` or `information_form`.
    clusters : ClusterGraph
        A tree, or several.
    maximize : bool
        Carry maxima in the place of sums (max-product).

    Yields
    ------
    Message

    Raises
    ------
    ValueError
        If the links go round in a loop.
    """
    outwards, neighbors = _outwards(clusters), _neighbors(clusters)
    reduce = rules.max_out if maximize else rules.sum_out
    messages = {}
    for source, target in [(j, i) for i, j in reversed(outwards)] + outwards:
        told = [messages[k, source] for k in neighbors[source] if k != target]
        messages[source, target] = send(rules, clusters, source, target, told, reduce)
        yield Message(source, target, messages[source, target])


def propagate(rules, clusters, evidence=None, maximize=False):
    """Calibrate a tree: let every cluster know what all of them know.

    Parameters
    ----------
    rules, clusters, maximize
        As for `pass_messages`.
    evidence : dict from str to value, optional
        The side of a die, or a vector, of each variable that was observed.

    Returns
    -------
    Beliefs

    Raises
    ------
    ValueError
        If the evidence is impossible, or the links go round in a loop.
    """
    layouts.checked_rules(rules)
    checks.kind("clusters", clusters, ClusterGraph)
    clusters = layouts.observe(rules, clusters, evidence or {})
    messages = {(one.source, one.target): one.factor for one in pass_messages(rules, clusters, maximize)}
    return _beliefs(rules, clusters, messages, maximize, evidence)


def marginal(rules, beliefs, names):
    """Read the factor of some variables off a cluster that holds all of them.

    Parameters
    ----------
    rules : module
    beliefs : Beliefs
    names : str or sequence of str

    Returns
    -------
    factor
        Proportional to their marginal distribution, axes in the order of ``names``.

    Raises
    ------
    ValueError
        If no cluster holds them together.
    """
    layouts.checked_rules(rules)
    checks.kind("beliefs", beliefs, Beliefs)
    names = (names,) if isinstance(names, str) else tuple(checks.several("names", names))
    scopes = beliefs.clusters.scopes
    homes = [i for i, scope in enumerate(scopes) if all(name in scope for name in names)]
    if not homes:
        raise ValueError(f"names: expected variables that one cluster holds together, got {names}")
    home = min(homes, key=lambda i: len(scopes[i]))
    kept = rules.sum_out(beliefs.factors[home], names)
    return rules.product([kept], names, beliefs.clusters.sizes)


def most_probable(rules, clusters, evidence=None):
    """Find the most probable configuration of all variables together.

    Parameters
    ----------
    rules, clusters, evidence
        As for `propagate`.

    Returns
    -------
    configuration : dict from str to value, evidence included
    log_value : float, the log of the product of all factors there
    """
    layouts.checked_rules(rules)
    checks.kind("clusters", clusters, ClusterGraph)
    beliefs = propagate(rules, clusters, evidence, maximize=True)
    chosen = {}
    for i in _from_the_root(beliefs.clusters):                    # what is chosen already decides among equals
        chosen |= rules.best(rules.observe(beliefs.factors[i], chosen))
    log_value = sum(rules.value(potential, chosen) for potential in beliefs.clusters.potentials)
    return chosen | dict(evidence or {}), float(log_value)


def sample(rules, beliefs, n, rng):
    """Draw all variables together, from a calibrated tree.

    Parameters
    ----------
    rules : module
    beliefs : Beliefs
        From `propagate`, of sums.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    dict from str to ndarray, n draws in rows
    """
    layouts.checked_rules(rules)
    checks.kind("beliefs", beliefs, Beliefs)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    drawn = {}
    for i in _from_the_root(beliefs.clusters):                    # p(root), then p(cluster | what it shares)
        drawn |= rules.draw(beliefs.factors[i], drawn, n, rng)
    return drawn


# ---------------------------------------------------------------------------------- on any graph


def iterate_loopy(rules, clusters, damping=0.0, maximize=False):
    """Repeat the messages of all clusters at once, whatever loops there are (loopy propagation).

    Parameters
    ----------
    rules : module
    clusters : ClusterGraph
    damping : float, from 0 to below 1
        How much of the logarithm of the old message stays.
    maximize : bool

    Yields
    ------
    Sweep
        Without end. On a tree the messages stop changing; on a graph with loops they may or may not.
    """
    layouts.checked_rules(rules)
    checks.kind("clusters", clusters, ClusterGraph)
    damping = checks.number("damping", damping, at_least=0)
    if damping >= 1:
        raise ValueError(f"damping: expected a number below 1, got {damping:g}")
    pairs = [*clusters.links, *((j, i) for i, j in clusters.links)]
    fast = rules is tables and _at_once.fits(clusters)            # the same numbers, sooner
    steps = _at_once.iterate(clusters, pairs, damping, maximize) if fast else _one_by_one(
        rules, clusters, pairs, damping, maximize)
    for iteration, (messages, change) in enumerate(steps, 1):
        yield Sweep(iteration, messages, change)


def _one_by_one(rules, clusters, pairs, damping, maximize):
    """The sweeps of `iterate_loopy`: all messages, and the largest change."""
    reduce, neighbors = rules.max_out if maximize else rules.sum_out, _neighbors(clusters)
    messages = {}
    for i, j in pairs:                                            # at first nobody knows anything
        messages[i, j] = rules.rescale(rules.product([], clusters.separator(i, j), clusters.sizes))
    while True:
        told = {(i, j): [messages[k, i] for k in neighbors[i] if k != j] for i, j in pairs}
        new = {(i, j): send(rules, clusters, i, j, told[i, j], reduce) for i, j in pairs}
        new = {pair: rules.rescale(rules.blend(messages[pair], new[pair], damping)) for pair in pairs}
        change = max((rules.distance(messages[pair], new[pair]) for pair in pairs), default=0.0)
        messages = new
        yield messages, change


def loopy(rules, clusters, evidence=None, damping=0.0, tolerance=1e-10, max_iterations=1000):
    """Run loopy propagation until the messages stay as they are.

    Parameters
    ----------
    rules, clusters, evidence
        As for `propagate`; the links may go round in loops.
    damping
        As for `iterate_loopy`.
    tolerance : float
    max_iterations : int

    Returns
    -------
    beliefs : Beliefs
        Approximate, unless the graph is a tree.
    sweep : Sweep
        The last one; it has not converged if its change is above the tolerance.
    """
    layouts.checked_rules(rules)
    checks.kind("clusters", clusters, ClusterGraph)
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    max_iterations = checks.count("max_iterations", max_iterations)
    clusters = layouts.observe(rules, clusters, evidence or {})
    for sweep in iterate_loopy(rules, clusters, damping):
        if sweep.change <= tolerance or sweep.iteration >= max_iterations:
            break
    return _beliefs(rules, clusters, sweep.messages, False, evidence), sweep


# ------------------------------------------------------------------------------------------ helpers


def _beliefs(rules, clusters, messages, maximize, evidence):
    """All beliefs; and the total, in which the scale of every message cancels."""
    told = [[messages[k, i] for k in neighbors] for i, neighbors in enumerate(_neighbors(clusters))]
    factors = tuple(believe(rules, clusters, i, each) for i, each in enumerate(told))
    reduce = rules.max_out if maximize else rules.sum_out
    whole = sum(rules.total(reduce(factor, ())) for factor in factors)
    if not np.isfinite(whole):
        raise ValueError(f"evidence: expected values that can happen together, got {dict(evidence or {})}, impossible")
    for i, j in clusters.links:                                   # each link was counted at both of its ends
        both = rules.product([messages[i, j], messages[j, i]], clusters.separator(i, j), clusters.sizes)
        whole -= rules.total(reduce(both, ()))
    return Beliefs(clusters, messages, factors, float(whole))


def _neighbors(clusters):
    found = [[] for _ in clusters.scopes]
    for i, j in clusters.links:
        found[i].append(j)
        found[j].append(i)
    return found


def _outwards(clusters):
    """The links in the order in which a walk from the first cluster meets them, each pointing outwards."""
    neighbors, seen, links = _neighbors(clusters), set(), []
    for root in range(len(clusters.scopes)):
        waiting = [] if root in seen else [root]
        seen |= set(waiting)
        for i in waiting:                                         # it grows while it is walked
            for j in neighbors[i]:
                if j not in seen:
                    seen.add(j)
                    waiting.append(j)
                    links.append((i, j))
    if len(links) < len(clusters.links):
        raise ValueError("clusters: expected a tree, got links that go round in a loop; take a junction tree, or loopy")
    return links


def _from_the_root(clusters):
    """The clusters, each after the one through which the walk came to it."""
    outwards = _outwards(clusters)
    inner = {j for _, j in outwards}
    return [i for i in range(len(clusters.scopes)) if i not in inner] + [j for _, j in outwards]
