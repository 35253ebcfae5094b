"""Directed graphs: separation against numbers and against the moral graph; inference against loops."""

from itertools import chain, combinations, product

import numpy as np
import pytest

from pedagogy_lib.inference import graphs
from pedagogy_lib.inference.graphs import Network

ALARM = {"burglary": (), "earthquake": (), "alarm": ("burglary", "earthquake"), "call": ("alarm",), "radio": ("earthquake",)}
SPRINKLER = {"cloudy": (), "sprinkler": ("cloudy",), "rain": ("cloudy",), "wet": ("sprinkler", "rain"), "slip": ("wet",)}
LADDER = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("d",), "f": ("c",)}


def random_network(parents, rng, sides=2):
    shapes = {name: (sides,) * (1 + len(p)) for name, p in parents.items()}
    return Network(parents, {name: np.moveaxis(rng.dirichlet(np.ones(sides), size=s[1:]), -1, 0) for name, s in shapes.items()})


def by_loops(network):
    """The joint table, one outcome at a time."""
    names = list(network.parents)
    table = np.empty([len(network.tables[name]) for name in names])
    for outcome in product(*map(range, table.shape)):
        values = dict(zip(names, outcome))
        table[outcome] = np.prod([network.tables[n][(values[n], *(values[p] for p in network.parents[n]))] for n in names])
    return table


def dependence(table, names, a, b, given):
    """Largest |p(a, b | c) - p(a | c) p(b | c)|, from the joint table."""
    keep = [a, b, *given]
    drop = tuple(i for i, name in enumerate(names) if name not in keep)
    left = [name for name in names if name in keep]
    t = np.transpose(table.sum(drop), [left.index(name) for name in keep]).reshape(2, 2, -1)
    t = t / t.sum((0, 1))
    return np.abs(t - t.sum(1, keepdims=True) * t.sum(0, keepdims=True)).max()


def separated_by_moral_graph(parents, a, b, given):
    """Lauritzen's criterion: in the moral graph of the ancestors, no path avoids the given."""
    keep, waiting = set(), [a, b, *given]
    while waiting:
        name = waiting.pop()
        keep.add(name)
        waiting += [p for p in parents[name] if p not in keep]
    edges = set()
    for child in keep:
        family = (child, *parents[child])
        edges |= set(map(frozenset, combinations(family, 2)))      # parents of one child are married
    reached, waiting = set(), [a]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += [m for m in keep - set(given) - reached if frozenset((name, m)) in edges]
    return b not in reached


def questions(parents):
    for a, b in combinations(parents, 2):
        others = [name for name in parents if name not in (a, b)]
        for given in chain.from_iterable(combinations(others, r) for r in range(len(others) + 1)):
            yield a, b, given


@pytest.mark.parametrize("parents", [ALARM, SPRINKLER, LADDER], ids=["alarm", "sprinkler", "ladder"])
def test_separation_is_independence_for_all_tables_and_the_moral_graph_agrees(parents):
    rng = np.random.default_rng(3)
    tables = [by_loops(random_network(parents, rng)) for _ in range(2)]
    for a, b, given in questions(parents):
        separated = graphs.separated(parents, a, b, given)
        assert separated == separated_by_moral_graph(parents, a, b, given)
        assert separated == graphs.separated(parents, b, a, given)
        gap = max(dependence(table, list(parents), a, b, given) for table in tables)
        assert gap < 1e-12 if separated else gap > 1e-6


def test_a_rule_that_forgets_descendants_of_colliders_is_refuted():
    """The wrong rule: a collider opens only when it is itself given."""
    rng = np.random.default_rng(4)
    table = by_loops(random_network(ALARM, rng))
    assert not graphs.separated(ALARM, "burglary", "earthquake", ["call"])
    assert dependence(table, list(ALARM), "burglary", "earthquake", ["call"]) > 1e-3
    assert graphs.separated(ALARM, "burglary", "earthquake", ["radio"])


def test_reach_tells_where_information_came_from_and_where_it_stops():
    visits = list(graphs.reach(ALARM, "radio"))
    assert list(dict.fromkeys(v.name for v in visits)) == ["radio", "earthquake", "alarm", "call"]
    assert visits[0] == graphs.Visit("radio", True, None, ("earthquake",))
    assert visits[2].previous == "earthquake" and not visits[2].against
    assert visits[2].passes == ("call",)                       # a collider: not on to the burglary
    informed = {v.name: v.passes for v in graphs.reach(ALARM, "radio", ["alarm"])}
    assert informed["alarm"] == ("burglary", "earthquake")
    assert "call" not in informed


def test_reach_visits_a_node_at_most_twice():
    for given in ((), ("e",), ("d", "f")):
        visits = [(v.name, v.against) for v in graphs.reach(LADDER, "b", given)]
        assert len(visits) == len(set(visits))


def test_order_and_ancestors():
    listed = graphs.order({"c": ("b",), "b": ("a",), "a": ()})
    assert listed == ["a", "b", "c"]
    assert graphs.ancestors(ALARM, ["call"]) == {"call", "alarm", "burglary", "earthquake"}
    assert graphs.ancestors(ALARM, []) == set()


@pytest.mark.parametrize("sides", [2, 3])
def test_joint_and_condition_are_those_of_loops(sides):
    network = random_network(ALARM, np.random.default_rng(5), sides)
    table = by_loops(network)
    np.testing.assert_allclose(graphs.joint(network), table, rtol=1e-12)
    assert graphs.joint(network).sum() == pytest.approx(1, rel=1e-12)
    # p(call, burglary | radio = 1): axes burglary 0, earthquake 1, alarm 2, call 3, radio 4
    expected = table[..., 1].sum((1, 2)).T
    found = graphs.condition(network, ["call", "burglary"], {"radio": 1})
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-12)
    prior = graphs.condition(network, "burglary")
    np.testing.assert_allclose(prior, network.tables["burglary"], rtol=1e-12)
    assert np.abs(graphs.condition(network, "burglary", {"call": 1}) - prior).max() > 1e-3


def test_elimination_answers_the_same_and_its_cost_depends_on_the_order():
    chain_of_six = {f"x{i}": (f"x{i - 1}",) if i else () for i in range(6)}
    network = random_network(chain_of_six, np.random.default_rng(6), sides=3)
    expected = graphs.condition(network, "x5", {"x0": 1})
    for sequence, largest in ((["x1", "x2", "x3", "x4"], 9), (["x4", "x3", "x2", "x1"], 27), (["x3", "x2", "x1", "x4"], 27)):
        found, steps = graphs.eliminate(network, "x5", {"x0": 1}, sequence)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert [step.name for step in steps] == sequence
        assert max(step.size for step in steps) == largest
    star = {"hub": (), **{f"leaf{i}": ("hub",) for i in range(6)}}
    network = random_network(star, np.random.default_rng(7))
    leaves = [f"leaf{i}" for i in range(1, 6)]
    _, cheap = graphs.eliminate(network, "leaf0", {}, [*leaves, "hub"])
    _, dear = graphs.eliminate(network, "leaf0", {}, ["hub", *leaves])
    assert max(step.size for step in cheap) == 4
    assert max(step.size for step in dear) == 2**7


def test_sample_has_the_frequencies_of_the_joint_table():
    network = random_network(SPRINKLER, np.random.default_rng(8))
    drawn = graphs.sample(network, 100_000, np.random.default_rng(9))
    table = by_loops(network)
    counts = np.zeros(table.shape)
    np.add.at(counts, tuple(drawn[name] for name in network.parents), 1)
    z = (counts - 1e5 * table) / np.sqrt(1e5 * table * (1 - table))
    assert np.abs(z).max() < 5
    shifted = np.roll(table, 1, axis=0)
    assert np.abs((counts - 1e5 * shifted) / np.sqrt(1e5 * shifted)).max() > 20


def test_sample_never_draws_the_impossible():
    network = Network({"a": (), "b": ("a",)}, {"a": [0.0, 1.0, 0.0], "b": [[0.5, 0.1, 1.0], [0.5, 0.9, 0.0]]})
    drawn = graphs.sample(network, 1000, np.random.default_rng(0))
    assert (drawn["a"] == 1).all()
    assert set(drawn["b"]) == {0, 1}
    assert graphs.sample(network, 0, np.random.default_rng(0))["a"].shape == (0,)


COIN = Network({"a": (), "b": ("a",)}, {"a": [0.5, 0.5], "b": [[1.0, 0.0], [0.0, 1.0]]})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: graphs.order({"a": ("b",), "b": ("a",)}), "circle"),
        (lambda: graphs.order({"a": ("z",)}), "got 'z', as a parent of 'a'"),
        (lambda: graphs.ancestors(ALARM, ["z"]), "names: expected one of"),
        (lambda: list(graphs.reach(ALARM, "z")), "start: expected one of"),
        (lambda: list(graphs.reach(ALARM, "call", ["z"])), "given: expected one of"),
        (lambda: graphs.separated(ALARM, "call", "z"), "b: expected one of"),
        (lambda: graphs.separated(ALARM, "call", "call"), "two variables that are not given"),
        (lambda: graphs.separated(ALARM, "call", "alarm", ["alarm"]), "two variables that are not given"),
        (lambda: graphs.joint(Network({"a": ()}, {})), "network.tables: expected tables for"),
        (lambda: graphs.joint(Network({"a": ()}, {"a": [0.4, 0.4]})), r"network.tables\['a'\]: expected the entries to sum to 1"),
        (lambda: graphs.joint(Network({"a": ()}, {"a": 1.0})), "expected shape"),
        (lambda: graphs.joint(COIN._replace(tables={"a": [0.5, 0.5], "b": [[0.5, 0.5], [0.1, 0.9]]})), "every column to sum to 1"),
        (lambda: graphs.joint(COIN._replace(tables={"a": [0.5, 0.5], "b": [[0.9, 0.1], [0.2, 0.8]]})), "transpose it"),
        (lambda: graphs.condition(COIN, "z"), "query: expected one of"),
        (lambda: graphs.condition(COIN, "a", {"a": 0}), "not in the evidence"),
        (lambda: graphs.condition(COIN, "a", {"z": 0}), "evidence: expected one of"),
        (lambda: graphs.condition(COIN, "a", {"b": 2}), "a side from 0 to 1, got 2"),
        (lambda: graphs.condition(COIN, "a", {"b": 0.5}), "expected a whole number"),
        (lambda: graphs.condition(Network({"a": ()}, {"a": [1.0, 0.0]}), [], {"a": 1}), "of probability zero"),
        (lambda: graphs.eliminate(COIN, "a", {}, []), r"sequence: expected \['b'\]"),
        (lambda: graphs.sample(COIN, -1, np.random.default_rng(0)), "n: expected a whole number"),
        (lambda: graphs.sample(COIN, 1, 0), "rng: expected"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_more_variables_than_letters_are_refused_by_the_joint_table_and_eliminated_all_the_same():
    names = [f"v{i}" for i in range(60)]
    parents = {name: (names[i - 1],) if i else () for i, name in enumerate(names)}
    tables = {name: np.array([[0.3, 0.6], [0.7, 0.4]]) if parents[name] else np.array([0.5, 0.5]) for name in names}
    with pytest.raises(ValueError, match="network: expected at most 52 variables"):
        graphs.condition(Network(parents, tables), ["v59"])
    np.testing.assert_allclose(graphs.eliminate(Network(parents, tables), ["v59"])[0], np.array([6, 7]) / 13, rtol=1e-12)
