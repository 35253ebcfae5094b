"""Triangulation: widths against every sequence there is, chords against the definition."""

from itertools import permutations

import enumeration
import numpy as np
import pytest

from pedagogy_lib.inference import markov_graphs, trees
from pedagogy_lib.inference.trees import clusters, triangulation


def grid(rows, columns):
    edges = [(f"{i},{j}", f"{i + 1},{j}") for i in range(rows - 1) for j in range(columns)]
    return markov_graphs.from_edges(edges + [(f"{i},{j}", f"{i},{j + 1}") for i in range(rows) for j in range(columns - 1)])


def random_neighbors(seed, n=7, edges=11):
    pairs = enumeration.random_graph(np.random.default_rng(seed), n, edges)
    return markov_graphs.from_edges([("abcdefghijkl"[i], "abcdefghijkl"[j]) for i, j in pairs], "abcdefghijkl"[:n])


def is_chordal(neighbors):
    """Some variable whose neighbors are all tied, and again without it, to the end."""
    left = {name: set(ties) for name, ties in neighbors.items()}
    while left:
        simplicial = [v for v in left if all(b in left[a] for a in left[v] for b in left[v] if a != b)]
        if not simplicial:
            return False
        for other in left.pop(simplicial[0]):
            left[other].discard(simplicial[0])
    return True


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rule", triangulation.RULES)
def test_the_graph_becomes_chordal_and_is_never_narrower_than_its_tree_width(seed, rule):
    neighbors = random_neighbors(seed)
    found = triangulation.triangulate(neighbors, rule=rule)
    assert is_chordal(markov_graphs.from_edges([*markov_graphs.edges(neighbors), *found.added], neighbors))
    assert found.width >= enumeration.smallest_width(neighbors)
    assert not any(set(a) < set(b) for a in found.cliques for b in found.cliques)
    assert clusters.runs_through(found.cliques, clusters.heaviest_tree(found.cliques))


def test_the_best_sequence_has_the_tree_width():
    neighbors = random_neighbors(3, 6, 9)
    widths = [triangulation.triangulate(neighbors, list(order)).width for order in permutations(neighbors)]
    assert min(widths) == enumeration.smallest_width(neighbors)
    assert max(widths) > min(widths)


@pytest.mark.parametrize("name, neighbors, width", [
    ("a chain", markov_graphs.from_edges(zip("abcde", "bcdef")), 1),
    ("a circle", markov_graphs.from_edges(zip("abcdef", "bcdefa")), 2),
    ("a star", markov_graphs.from_edges(("hub", f"leaf {i}") for i in range(9)), 1),
    ("a complete graph", markov_graphs.from_edges((a, b) for a in "abcde" for b in "abcde" if a < b), 4),
    ("a strip", grid(3, 9), 3),
    ("a single variable", {"a": set()}, 0),
    ("nothing", {}, 0),
])
def test_known_widths(name, neighbors, width):
    assert triangulation.triangulate(neighbors).width == width


def test_a_star_whose_hub_goes_first_becomes_one_clique():
    star = markov_graphs.from_edges(("hub", f"leaf {i}") for i in range(12))
    assert triangulation.triangulate(star, ["hub", *(f"leaf {i}" for i in range(12))]).width == 12
    assert triangulation.triangulate(star).added == ()


def test_on_a_grid_a_bad_sequence_is_far_worse():
    """From the middle outwards everything that was met stays tied, and becomes one clique."""
    neighbors = grid(8, 8)
    from_the_rim = lambda name: min(min(int(v), 7 - int(v)) for v in name.split(","))
    assert triangulation.triangulate(neighbors).width <= 10
    assert triangulation.triangulate(neighbors, sorted(neighbors)).width == 8          # row by row
    assert triangulation.triangulate(neighbors, sorted(neighbors, key=from_the_rim, reverse=True)).width >= 20


@pytest.mark.parametrize("seed", range(12))
def test_a_search_is_as_narrow_as_the_best_sequence_of_a_small_graph(seed):
    neighbors = random_neighbors(seed)
    found = triangulation.search(neighbors, np.random.default_rng(seed))
    assert found.width == enumeration.smallest_width(neighbors)
    assert found == triangulation.search(dict(reversed(neighbors.items())), np.random.default_rng(seed))
    again = triangulation.triangulate(neighbors, found.sequence)
    assert again.width == found.width and {frozenset(clique) for clique in again.cliques} == {frozenset(clique) for clique in found.cliques}


def test_a_search_finds_the_tree_width_of_a_grid_where_greed_does_not():
    """The tree-width of an n x n grid is n; with greed alone, ties broken thirty ways, it is not met."""
    neighbors = grid(10, 10)
    assert [triangulation.search(neighbors, np.random.default_rng(seed)).width for seed in range(4)] == [10] * 4
    names, rng = list(neighbors), np.random.default_rng(0)
    for rule in triangulation.RULES:
        shuffled = [{name: neighbors[name] for name in rng.permutation(names)} for _ in range(30)]
        assert min(triangulation.triangulate(each, rule=rule).width for each in shuffled) > 10
    wide = markov_graphs.from_edges(  # where a sweep is no good: the search is never worse than the rules
        [(f"v{i}", f"v{j}") for i in range(40) for j in range(i) if rng.random() < 0.12], [f"v{i}" for i in range(40)])
    best = triangulation.search(wide, rng).width
    assert best <= triangulation.triangulate(wide).width < triangulation.triangulate(wide, triangulation.sweep(wide)).width - 3


def test_a_sweep_goes_outward_from_an_end():
    path = markov_graphs.from_edges(zip("abcdef", "bcdefg"))
    assert triangulation.sweep({name: path[name] for name in "dabcefg"}) in (list("abcdefg"), list("gfedcba"))
    two = path | {"x": {"y"}, "y": {"x"}, "z": set()}
    assert sorted(triangulation.sweep(two)) == sorted(two) and triangulation.triangulate(two, triangulation.sweep(two)).width == 1
    near = triangulation.sweep(grid(5, 5))
    corner = [int(v) for v in near[0].split(",")]
    steps = [sum(abs(int(v) - c) for v, c in zip(name.split(","), corner)) for name in near]
    assert steps == sorted(steps) and steps[-1] == 8        # from a corner, by diagonals


def test_events_tell_what_was_added():
    steps = list(triangulation.removals(markov_graphs.from_edges(zip("abcd", "bcda")), "abcd"))
    assert steps[0] == triangulation.Removal("a", ("a", "b", "d"), (("b", "d"),))
    assert [step.added for step in steps[1:]] == [(), (), ()]


def test_a_tree_without_running_intersections_is_noticed():
    scopes = [("a", "b"), ("b", "c"), ("c", "a")]
    assert not trees.runs_through(scopes, [(0, 1), (1, 2)])
    assert trees.runs_through([("a", "b"), ("b", "c"), ("c", "d")], [(0, 1), (1, 2)])
    assert not trees.runs_through([("a", "b"), ("c", "d"), ("b", "c")], [(0, 1), (1, 2)])


@pytest.mark.parametrize("change, message", [
    ({"rule": "luck"}, "rule: expected one of 'fill', 'degree'"),
    ({"sequence": ["a", "b"]}, "sequence: expected"),
    ({"neighbors": {"a": {"b"}, "b": set()}}, "every edge from both ends"),
])
def test_wrong_arguments_are_named(change, message):
    arguments = {"neighbors": markov_graphs.from_edges(zip("abc", "bcd"))} | change
    with pytest.raises(ValueError, match=message):
        triangulation.triangulate(**arguments)


def test_a_search_names_wrong_arguments():
    neighbors = markov_graphs.from_edges(zip("abc", "bcd"))
    with pytest.raises(ValueError, match="rng: expected a numpy.random.Generator"):
        triangulation.search(neighbors, 0)
    with pytest.raises(ValueError, match="tries: expected a whole number, at least 1, got 0"):
        triangulation.search(neighbors, np.random.default_rng(0), 0)
    with pytest.raises(ValueError, match="every edge from both ends"):
        triangulation.sweep({"a": {"b"}, "b": set()})
