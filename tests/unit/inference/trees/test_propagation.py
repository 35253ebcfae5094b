"""Messages on trees of tables, against enumeration; loops; sizes that are refused."""

import copy
import pickle

import enumeration
import numpy as np
import pytest
from scipy import stats

from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical, Components, Table
from pedagogy_lib.inference import discrete, graphs, markov_graphs, recursions, trees
from pedagogy_lib.inference.trees import _at_once, clusters, propagation, tables, triangulation

NAMES = [f"x{i}" for i in range(20)]


def model(seed, n=7, edges=10, sides=2, zeros=0.0):
    """Factors for pairs and for single variables, with their table by enumeration."""
    rng = np.random.default_rng(seed)
    scopes = [(i,) for i in range(n)] + enumeration.random_graph(rng, n, edges)
    given = enumeration.random_factors(rng, NAMES, scopes, sides, zeros)
    return [tables.factor(*each) for each in given], enumeration.joint(given, dict.fromkeys(NAMES[:n], sides))


def a_tree(seed, n=9, sides=3):
    rng = np.random.default_rng(seed)
    scopes = [(i,) for i in range(n)] + [(int(rng.integers(i)), i) for i in range(1, n)]
    given = enumeration.random_factors(rng, NAMES, scopes, sides)
    return [tables.factor(*each) for each in given], enumeration.joint(given, dict.fromkeys(NAMES[:n], sides))


def margin(table, names, keep):
    summed = table.sum(tuple(i for i, name in enumerate(names) if name not in keep)) / table.sum()
    left = [name for name in names if name in keep]
    return np.transpose(summed, [left.index(name) for name in keep])


def assert_exact(beliefs, table, names):
    for scope, factor in zip(beliefs.clusters.scopes, beliefs.factors):
        if scope:
            np.testing.assert_allclose(tables.probabilities(factor), margin(table, names, scope), atol=1e-12)
    np.testing.assert_allclose(beliefs.log_total, np.log(table.sum()), rtol=1e-12)


# ------------------------------------------------------------------------------- sums, on trees


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("rule", triangulation.RULES)
def test_a_junction_tree_is_exact(seed, rule):
    factors, table = model(seed, edges=4 + seed)
    tree = trees.junction_tree(tables, factors, rule=rule)
    assert trees.runs_through(tree.scopes, tree.links)
    assert_exact(trees.propagate(tables, tree), table, NAMES[:7])


@pytest.mark.parametrize("sides, zeros", [(3, 0.0), (2, 0.15), (4, 0.0)])
def test_with_more_sides_and_with_zeros(sides, zeros):
    factors, table = model(5, 5, 7, sides, zeros)
    assert table.sum() > 0
    assert_exact(trees.propagate(tables, trees.junction_tree(tables, factors)), table, NAMES[:5])


@pytest.mark.parametrize("seed", range(4))
def test_up_to_width_twelve(seed):
    """Thirteen variables, all tied to each other, or nearly."""
    factors, table = model(seed, 13, 78 - 3 * seed)
    tree = trees.junction_tree(tables, factors)
    assert max(map(len, tree.scopes)) - 1 == 12 or seed > 0
    assert_exact(trees.propagate(tables, tree), table, NAMES[:13])


@pytest.mark.parametrize("seed", range(5))
def test_a_factor_graph_is_exact_where_it_is_a_tree(seed):
    factors, table = a_tree(seed)
    clusters = trees.factor_graph(tables, factors)
    exact = trees.propagate(tables, clusters)
    assert_exact(exact, table, NAMES[:9])
    again, sweep = trees.loopy(tables, clusters)                      # the same messages, repeated until they stay
    assert sweep.change <= 1e-10 and sweep.iteration < 40
    assert_exact(again, table, NAMES[:9])


def test_parts_that_nothing_links():
    first, left = model(1, 4, 4)
    pair, values = a_tree(2, 3)
    pair = [each._replace(names=tuple(f"other {name}" for name in each.names)) for each in pair]
    factors = [*first, *pair, tables.factor((), 2.5)]
    beliefs = trees.propagate(tables, trees.junction_tree(tables, factors))
    np.testing.assert_allclose(beliefs.log_total, np.log(left.sum() * values.sum() * 2.5))
    loopless = [*pair, *(tables.factor(f"x{i}", [1.0, 2.0]) for i in range(3)), tables.factor((), 2.5)]
    beliefs = trees.propagate(tables, trees.factor_graph(tables, loopless))
    np.testing.assert_allclose(beliefs.log_total, np.log(27 * values.sum() * 2.5))


@pytest.mark.parametrize("seed", range(5))
def test_evidence(seed):
    factors, table = model(seed, sides=3, n=5, edges=7)
    names = NAMES[:5]
    tree = trees.junction_tree(tables, factors)
    beliefs = trees.propagate(tables, tree, {"x1": 2, "x3": 0})
    assert_exact(beliefs, table[:, 2, :, 0], [name for name in names if name not in ("x1", "x3")])
    np.testing.assert_allclose(beliefs.log_total - trees.propagate(tables, tree).log_total,
                               np.log(table[:, 2, :, 0].sum() / table.sum()))
    everything = trees.propagate(tables, tree, {name: 1 for name in names})
    np.testing.assert_allclose(everything.log_total, np.log(table[1, 1, 1, 1, 1]))


def test_a_marginal_in_the_order_asked_for():
    factors, table = model(4, 5, 7)
    beliefs = trees.propagate(tables, trees.junction_tree(tables, factors))
    scope = max(beliefs.clusters.scopes, key=len)[::-1]
    found = trees.marginal(tables, beliefs, scope[:2])
    np.testing.assert_allclose(tables.probabilities(found), margin(table, NAMES[:5], scope[:2]), atol=1e-12)
    np.testing.assert_allclose(tables.probabilities(trees.marginal(tables, beliefs, "x2")), margin(table, NAMES[:5], ["x2"]))
    chain = trees.junction_tree(tables, [tables.factor(("a", "b"), np.ones((2, 2))), tables.factor(("b", "c"), np.ones((2, 2)))])
    with pytest.raises(ValueError, match="one cluster holds together, got \\('a', 'c'\\)"):
        trees.marginal(tables, trees.propagate(tables, chain), ("a", "c"))


def test_a_network_of_arrows_agrees_with_elimination_by_einsum():
    rng = np.random.default_rng(0)
    parents = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("d",), "f": ("c",)}
    network = graphs.Network(parents, {n: np.moveaxis(rng.dirichlet([1, 1, 1], (3,) * len(p)), -1, 0) for n, p in parents.items()})
    tree = trees.junction_tree(tables, tables.from_network(network))
    beliefs = trees.propagate(tables, tree, {"f": 1, "e": 0})
    for name in "abcd":
        expected = graphs.condition(network, name, {"f": 1, "e": 0})
        np.testing.assert_allclose(tables.probabilities(trees.marginal(tables, beliefs, name)), expected, atol=1e-12)
    np.testing.assert_allclose(np.exp(beliefs.log_total), graphs.condition(network, ["e", "f"])[0, 1])
    np.testing.assert_allclose(trees.propagate(tables, tree).log_total, 0, atol=1e-12)


def test_no_number_of_variables_underflows():
    n = 3000
    factors = [tables.factor((f"v{i}", f"v{i + 1}"), [[1e-3, 2e-3], [2e-3, 1e-3]]) for i in range(n)]
    beliefs = trees.propagate(tables, trees.factor_graph(tables, factors))
    np.testing.assert_allclose(beliefs.log_total, np.log(2) + n * np.log(3e-3))


def test_every_message_is_sent_once_and_only_after_those_it_needs():
    factors, _ = model(6)
    tree = trees.junction_tree(tables, factors)
    sent = []
    for message in trees.pass_messages(tables, tree):
        needed = {(k, message.source) for i, j in tree.links for k in (i, j) if message.source in (i, j) and k != message.source}
        assert needed - {(message.target, message.source)} <= set(sent)
        sent.append((message.source, message.target))
    assert len(sent) == len(set(sent)) == 2 * len(tree.links)


def test_wrong_answers_are_rejected():
    """A tree of cliques without running intersections, and a factor that is counted twice, are not exact."""
    factors, table = model(1, 4, 5)
    ring = [tables.factor(tuple(pair), np.random.default_rng(i).uniform(0.2, 2, (2, 2))) for i, pair in enumerate(("ab", "bc", "ca"))]
    exact = np.einsum("ab,bc,ca->", *(np.exp(f.logs) for f in ring))
    wrong = trees.ClusterGraph((("a", "b"), ("b", "c"), ("c", "a")), tuple(ring), ((0, 1), (1, 2)), dict.fromkeys("abc", 2))
    assert abs(trees.propagate(tables, wrong).log_total - np.log(exact)) > 0.01
    twice = trees.propagate(tables, trees.junction_tree(tables, [*factors, factors[-1]]))
    assert abs(twice.log_total - np.log(table.sum())) > 0.01


# ----------------------------------------------------------------------------- maxima, and draws


@pytest.mark.parametrize("seed", range(10))
def test_the_most_probable_configuration(seed):
    factors, table = model(seed, sides=3, n=6, edges=8)
    tree = trees.junction_tree(tables, factors)
    found, log_value = trees.most_probable(tables, tree)
    assert tuple(found[name] for name in NAMES[:6]) == np.unravel_index(table.argmax(), table.shape)
    np.testing.assert_allclose(log_value, np.log(table.max()))
    np.testing.assert_allclose(trees.propagate(tables, tree, maximize=True).log_total, np.log(table.max()))
    held, log_value = trees.most_probable(tables, tree, {"x0": 1})
    assert tuple(held[name] for name in NAMES[1:6]) == np.unravel_index(table[1].argmax(), table[1].shape)
    assert held["x0"] == 1
    np.testing.assert_allclose(log_value, np.log(table[1].max()))


def test_ties_give_one_of_the_best_and_not_a_mixture_of_two():
    unequal = 1 - np.eye(2)
    chain = [tables.factor((NAMES[i], NAMES[i + 1]), unequal) for i in range(6)]
    found, log_value = trees.most_probable(tables, trees.junction_tree(tables, chain))
    assert log_value == 0 and all(found[NAMES[i]] != found[NAMES[i + 1]] for i in range(6))


def test_draws_have_the_joint_distribution():
    factors, table = model(2, 4, 5, zeros=0.1)
    beliefs = trees.propagate(tables, trees.junction_tree(tables, factors))
    drawn = trees.sample(tables, beliefs, 40000, np.random.default_rng(1))
    counts = np.zeros(table.shape)
    np.add.at(counts, tuple(drawn[name] for name in NAMES[:4]), 1)
    expected = 40000 * table / table.sum()
    assert (counts[expected == 0] == 0).all()
    positive = expected > 0
    assert stats.chisquare(counts[positive], expected[positive]).pvalue > 0.01
    shuffled = np.roll(expected[positive], 1)
    assert stats.chisquare(counts[positive], shuffled).pvalue < 1e-6


# ------------------------------------------------------------------------------------- on a chain


@pytest.fixture
def hmm():
    rng = np.random.default_rng(3)
    pi, A = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4), 4).T
    return pi, A, rng.normal(size=(25, 4)) * 2


def chain(pi, A, logs):
    T = len(logs)
    factors = [tables.factor(("x0",), pi)] + [tables.factor((f"x{t}", f"x{t - 1}"), A) for t in range(1, T)]
    return factors + [tables.Factor((f"x{t}",), logs[t]) for t in range(T)]


def test_a_chain_is_the_forward_backward_algorithm(hmm):
    pi, A, logs = hmm
    filtered = discrete.filter(pi, A, logs)
    smoothed = discrete.smooth(A, filtered)
    for layout in (trees.junction_tree, trees.factor_graph):
        beliefs = trees.propagate(tables, layout(tables, chain(*hmm)))
        found = [tables.probabilities(trees.marginal(tables, beliefs, f"x{t}")) for t in range(25)]
        np.testing.assert_allclose(found, smoothed.probabilities, atol=1e-12)
        np.testing.assert_allclose(beliefs.log_total, filtered.log_likelihood)
        best, log_value = trees.most_probable(tables, beliefs.clusters)
        path = discrete.viterbi(pi, A, logs)
        assert [best[f"x{t}"] for t in range(25)] == path.states.tolist()
        np.testing.assert_allclose(log_value, path.log_probability)


def test_a_chain_is_the_recursions(hmm):
    pi, A, logs = hmm
    emission = lambda t: Components(lambda y, t=t: logs[t])
    updates = list(recursions.filter(categorical, Categorical(pi), Table(A), emission, np.zeros(25)))
    filtered = [one.distribution for one in updates if isinstance(one, recursions.MeasurementUpdate)]
    smoothed = {one.t: one.distribution.probabilities for one in recursions.smooth(categorical, filtered, Table(A))
                if isinstance(one, recursions.BackwardStep)}
    beliefs = trees.propagate(tables, trees.junction_tree(tables, chain(*hmm)))
    for t in range(25):
        np.testing.assert_allclose(tables.probabilities(trees.marginal(tables, beliefs, f"x{t}")), smoothed[t].ravel(), atol=1e-12)


# --------------------------------------------------------------------------------------- loops


def ising(n, coupling, field=0.1):
    names = [[f"{i},{j}" for j in range(n)] for i in range(n)]
    pair = np.exp(coupling * np.array([[1, -1], [-1, 1]]))
    factors = [tables.factor((names[i][j],), np.exp([-field, field])) for i in range(n) for j in range(n)]
    factors += [tables.factor((names[i][j], names[i + 1][j]), pair) for i in range(n - 1) for j in range(n)]
    return factors + [tables.factor((names[i][j], names[i][j + 1]), pair) for i in range(n) for j in range(n - 1)]


def test_loopy_propagation_is_near_for_weak_couplings_and_off_for_strong_ones():
    gaps = []
    for coupling in (0.1, 0.5):
        factors = ising(4, coupling)
        exact = trees.propagate(tables, trees.junction_tree(tables, factors))
        found, sweep = trees.loopy(tables, trees.factor_graph(tables, factors), damping=0.3, max_iterations=300)
        assert sweep.change < 1e-8
        names = list(found.clusters.sizes)
        gaps.append(max(abs(tables.probabilities(trees.marginal(tables, found, name))[1]
                            - tables.probabilities(trees.marginal(tables, exact, name))[1]) for name in names))
    assert gaps[0] < 1e-3 and gaps[1] > 0.05


def test_a_single_loop_keeps_the_right_favorite_and_is_too_sure():
    """Weiss (2000): on one circle of two-sided variables the beliefs lie on the right side of a half."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        factors = [tables.factor((NAMES[i], NAMES[(i + 1) % 5]), rng.uniform(0.3, 2, (2, 2))) for i in range(5)]
        exact = trees.propagate(tables, trees.junction_tree(tables, factors))
        found, sweep = trees.loopy(tables, trees.factor_graph(tables, factors))
        assert sweep.change < 1e-9
        for name in NAMES[:5]:
            a, b = (tables.probabilities(trees.marginal(tables, one, name)) for one in (exact, found))
            assert (a[1] - 0.5) * (b[1] - 0.5) > 0 or abs(a[1] - 0.5) < 1e-3


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("damping, observed", [(0.0, False), (0.3, False), (0.3, True)])
def test_all_messages_at_once_are_those_sent_one_by_one(damping, observed, maximize):
    """Variables of two, three and four sides; factors over one, two and three of them, in any order of their axes."""
    rng, sides = np.random.default_rng(5), dict(zip(NAMES[:9], [2, 3, 4] * 3))
    scopes = [("x0",), ("x3", "x1", "x2"), ("x1", "x0"), ("x2", "x0"), ("x4", "x3"), ("x3", "x5"), ("x5", "x4"), ("x7", "x6"), ("x6",), ("x6",)]
    layout = trees.factor_graph(tables, [tables.factor(scope, rng.uniform(0.1, 3, [sides[name] for name in scope])) for scope in scopes])
    layout = clusters.observe(tables, layout, {"x5": 1} if observed else {})
    pairs = [*layout.links, *((j, i) for i, j in layout.links)]
    assert _at_once.fits(layout)
    fast, slow = (way(layout, pairs, damping, maximize) for way in (_at_once.iterate, lambda *given: propagation._one_by_one(tables, *given)))
    for (one, change), (other, same), _ in zip(fast, slow, range(6)):
        assert set(one) == set(other) == set(pairs) and change == pytest.approx(same, rel=1e-9)
        for pair in pairs:
            assert one[pair].names == other[pair].names
            np.testing.assert_allclose(one[pair].logs, other[pair].logs, rtol=1e-11, atol=1e-12)
    late = next(propagation._one_by_one(tables, layout, pairs, damping, maximize))[0]
    assert max(np.abs(one[pair].logs - late[pair].logs).max() for pair in pairs) > 1e-3  # sweeps differ from each other


def test_zeros_and_wide_links_are_sent_one_by_one():
    given = [tables.factor(("x0", "x1"), [[1, 0], [0.5, 2]]), tables.factor(("x1", "x2"), [[1, 3], [0, 2]]), tables.factor(("x2", "x0"), [[1, 2], [3, 1]])]
    zeros = trees.factor_graph(tables, given)
    wide = trees.junction_tree(tables, [tables.factor(("x0", "x1", "x2"), np.ones((2, 2, 2))), tables.factor(("x1", "x2", "x3"), np.ones((2, 2, 2)))])
    assert not _at_once.fits(zeros) and not _at_once.fits(wide)
    for layout in (zeros, wide):
        found, sweep = trees.loopy(tables, layout, damping=0.2)
        assert np.isfinite(found.log_total) and sweep.change < 1e-9


def test_loopy_propagation_need_not_converge_and_damping_helps():
    repel = np.exp(0.6 * np.array([[-1, 1], [1, -1]]))             # six who all want to differ from each other
    factors = [tables.factor((NAMES[i], NAMES[j]), repel) for i in range(6) for j in range(i)]
    factors += [tables.factor((NAMES[i],), [1.0, 1.2]) for i in range(6)]
    clusters = trees.factor_graph(tables, factors)
    _, sweep = trees.loopy(tables, clusters, max_iterations=300)
    assert sweep.change > 0.1 and sweep.iteration == 300
    found, damped = trees.loopy(tables, clusters, damping=0.5, max_iterations=300)
    assert damped.change < 1e-8
    exact = trees.propagate(tables, trees.junction_tree(tables, factors))
    gap = [tables.probabilities(trees.marginal(tables, one, "x0"))[1] for one in (found, exact)]
    assert abs(gap[0] - gap[1]) < 0.02


# --------------------------------------------------------------------------------- what is refused


def test_a_width_that_is_too_large_is_refused_before_memory_is_asked_for():
    n = 60
    factors = [tables.factor((f"v{i}", f"v{j}"), np.ones((2, 2))) for i in range(n) for j in range(i)]
    with pytest.raises(trees.TooWideError, match=f"got one of {2**60}, over 60 variables .*width 59") as caught:
        trees.junction_tree(tables, factors)
    assert caught.value.width == 59 and caught.value.entries == 2**60
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.entries == 2**60
    with pytest.raises(trees.TooWideError):
        trees.junction_tree(tables, model(0, 6, 15)[0], limit=63)
    assert trees.junction_tree(tables, model(0, 6, 15)[0], limit=64)
    # The largest table is not that of the names last in the alphabet.
    uneven = [tables.factor(("a", "b"), np.ones((50, 2))), tables.factor(("b", "c"), np.ones((2, 2)))]
    with pytest.raises(trees.TooWideError, match="got one of 100, over 2 variables"):
        trees.junction_tree(tables, uneven, limit=99)


@pytest.mark.parametrize("call, message", [
    (lambda: tables.factor(("a", "a"), np.ones((2, 2))), "names: expected 2 different names"),
    (lambda: tables.factor("a", [-1, 1]), "not negative, got -1"),
    (lambda: trees.junction_tree(tables, []), "factors: expected at least one"),
    (lambda: trees.junction_tree(tables, [tables.factor(("a", "b"), np.ones((2, 2))), tables.factor("b", np.ones(3))]), "one size of 'b', got 2 and 3"),
    (lambda: trees.propagate(tables, trees.factor_graph(tables, model(0)[0])), "expected a tree, got links that go round"),
    (lambda: trees.propagate(tables, trees.junction_tree(tables, model(0)[0]), {"z": 0}), "evidence: expected one of"),
    (lambda: trees.propagate(tables, trees.junction_tree(tables, model(0)[0]), {"x0": 2}), r"evidence\['x0'\]: expected a side from 0 to 1, got 2"),
    (lambda: trees.propagate(tables, trees.junction_tree(tables, [tables.factor(("a", "b"), np.eye(2))]), {"a": 0, "b": 1}), "happen together"),
    (lambda: trees.loopy(tables, trees.factor_graph(tables, model(0)[0]), damping=1.0), "damping: expected a number below 1"),
])
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_records_can_be_copied_and_kept():
    factors, _ = model(0)
    beliefs = trees.propagate(tables, trees.junction_tree(tables, factors))
    again = copy.deepcopy(pickle.loads(pickle.dumps(beliefs)))
    np.testing.assert_array_equal(again.factors[0].logs, beliefs.factors[0].logs)
    assert markov_graphs.edges(trees.interaction_graph(factors))
