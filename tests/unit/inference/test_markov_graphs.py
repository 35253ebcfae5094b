"""Undirected graphs: separation against paths and against numbers; what conversions keep and lose."""

from itertools import combinations, permutations

import enumeration
import numpy as np
import pytest

from pedagogy_lib.inference import graphs, markov_graphs

SQUARE = markov_graphs.from_edges(["ab", "bc", "cd", "da"])
COLLIDER = {"a": (), "b": (), "c": ("a", "b")}


def random_dag(seed, n=6, edges=8):
    pairs = enumeration.random_graph(np.random.default_rng(seed), n, edges)
    return {name: tuple("abcdef"[i] for i, j in pairs if j == k) for k, name in enumerate("abcdef"[:n])}


def directed_claims(parents):
    return markov_graphs.claims(parents, lambda a, b, c: graphs.separated(parents, a, b, c))


def undirected_claims(neighbors):
    return markov_graphs.claims(sorted(neighbors), lambda a, b, c: markov_graphs.separated(neighbors, a, b, c))


def dependence(table, a, b, given):
    """Largest |p(a, b | c) - p(a | c) p(b | c)| over two-sided variables."""
    table = np.moveaxis(table / table.sum(), (a, b, *given), range(2 + len(given)))
    table = table.sum(tuple(range(2 + len(given), table.ndim))).reshape(2, 2, -1)
    table = table / table.sum((0, 1))
    return np.abs(table - table.sum(1, keepdims=True) * table.sum(0, keepdims=True)).max()


@pytest.mark.parametrize("seed", range(4))
def test_separation_is_independence_for_random_potentials(seed):
    rng = np.random.default_rng(seed)
    pairs = enumeration.random_graph(rng, 5, 6)
    neighbors = markov_graphs.from_edges([("abcde"[i], "abcde"[j]) for i, j in pairs], "abcde")
    table = enumeration.joint(enumeration.random_factors(rng, "abcde", pairs), dict.fromkeys("abcde", 2))
    claims = undirected_claims(neighbors)
    for a, b in combinations(range(5), 2):
        others = [i for i in range(5) if i not in (a, b)]
        for size in range(4):
            for given in combinations(others, size):
                claimed = ("abcde"[a], "abcde"[b], frozenset("abcde"[i] for i in given)) in claims
                assert claimed == (dependence(table, a, b, given) < 1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_the_moral_graph_of_the_ancestors_decides_as_the_ball_does(seed):
    parents = random_dag(seed)
    by_graph = markov_graphs.claims(parents, lambda a, b, c: markov_graphs.moral_separated(parents, a, b, c))
    assert by_graph == directed_claims(parents)
    of_all = undirected_claims(markov_graphs.moral(parents))             # without taking ancestors: too few claims
    assert of_all <= by_graph


@pytest.mark.parametrize("seed", range(8))
def test_the_moral_graph_claims_nothing_false_and_no_edge_is_too_many(seed):
    parents = random_dag(seed)
    moral, true = markov_graphs.moral(parents), directed_claims(parents)
    for a, b in markov_graphs.edges(moral):
        fewer = {name: ties - ({b} if name == a else {a} if name == b else set()) for name, ties in moral.items()}
        assert not undirected_claims(fewer) <= true


@pytest.mark.parametrize("seed", range(6))
def test_given_its_blanket_a_variable_is_independent_of_the_rest_and_no_smaller_set_will_do(seed):
    parents = random_dag(seed)
    for name in parents:
        blanket = markov_graphs.blanket(parents, name)
        rest = set(parents) - blanket - {name}
        assert all(graphs.separated(parents, name, other, blanket) for other in rest)
        for one in blanket:
            assert not graphs.separated(parents, name, one, blanket - {one})


def test_what_is_lost():
    """A collider made undirected loses its one claim; a square made directed loses one of two, whatever the order."""
    assert directed_claims(COLLIDER) == {("a", "b", frozenset())}
    assert undirected_claims(markov_graphs.moral(COLLIDER)) == set()
    assert undirected_claims(SQUARE) == {("a", "c", frozenset("bd")), ("b", "d", frozenset("ac"))}
    for order in permutations("abcd"):
        kept = directed_claims(markov_graphs.orient(SQUARE, order))
        kept = {(*sorted((a, b)), given) for a, b, given in kept}
        assert len(kept) == 1 and kept < undirected_claims(SQUARE)


@pytest.mark.parametrize("seed", range(6))
def test_an_oriented_graph_claims_nothing_false_and_a_chordal_one_loses_nothing(seed):
    pairs = enumeration.random_graph(np.random.default_rng(seed), 6, 7)
    neighbors = markov_graphs.from_edges([("abcdef"[i], "abcdef"[j]) for i, j in pairs], "abcdef")
    parents = markov_graphs.orient(neighbors, "abcdef")
    same_order = lambda claims: {(*sorted((a, b)), given) for a, b, given in claims}
    assert same_order(directed_claims(parents)) <= undirected_claims(neighbors)
    chordal = markov_graphs.moral(parents)                                # no two parents were left unmarried
    assert markov_graphs.edges(chordal) == markov_graphs.edges(markov_graphs.from_edges(
        [(child, parent) for child, names in parents.items() for parent in names], "abcdef"))
    assert same_order(directed_claims(parents)) == undirected_claims(chordal)


def test_interactions_vanish_where_the_graph_has_no_clique():
    rng = np.random.default_rng(0)
    pairs = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]
    table = enumeration.joint(enumeration.random_factors(rng, "abcd", pairs, sides=3), dict.fromkeys("abcd", 3))
    found = markov_graphs.interactions(np.log(table / table.sum()))
    whole = 0
    for subset, values in found.items():
        whole = whole + values[tuple(slice(None) if axis in subset else None for axis in range(4))]
        edges = all(pair in pairs or pair[::-1] in pairs for pair in combinations(subset, 2))
        assert edges or np.abs(values).max() < 1e-12
    np.testing.assert_allclose(whole, np.log(table / table.sum()), atol=1e-12)
    assert np.abs(found[0, 2]).max() > 0.01


def test_of_other_tables_they_do_not_vanish():
    found = markov_graphs.interactions(np.random.default_rng(1).normal(size=(2, 2, 2)))
    assert all(np.abs(values).max() > 1e-3 for subset, values in found.items())


@pytest.mark.parametrize("call, message", [
    (lambda: markov_graphs.from_edges([("a", "a")]), "two different names"),
    (lambda: markov_graphs.separated(SQUARE, "a", "z"), "b: expected one of"),
    (lambda: markov_graphs.separated(SQUARE, "a", "b", ["a"]), "two variables that are not given"),
    (lambda: markov_graphs.edges({"a": {"b"}, "b": set()}), "every edge from both ends"),
    (lambda: markov_graphs.orient(SQUARE, "abc"), "sequence: expected"),
    (lambda: markov_graphs.blanket(COLLIDER, "z"), "name: expected one of"),
    (lambda: markov_graphs.interactions([-np.inf, 0.0]), "logs"),
])
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
