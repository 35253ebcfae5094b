"""Section 3.5: the slice, messages on trees, junction trees; tables summed by loops on the other side."""

import enumeration
import numpy as np
from compare import assert_only_as_printed

from pedagogy_lib.inference import markov_graphs, trees
from pedagogy_lib.inference.trees import clusters, tables, triangulation

NAMES = "abcdefgh"


def total(given, names):
    return enumeration.joint(given, dict.fromkeys(names, 2)).sum()


def slice_model(seed):
    """The coins and sensors, and the square: (names, values) each."""
    rng = np.random.default_rng(seed)
    square = [(pair, rng.uniform(0.2, 3, (2, 2))) for pair in (("x1", "x2"), ("x1", "x3"), ("x2", "x4"), ("x3", "x4"))]
    coins = [((f"x{i}",), np.array([0.5, 0.5])) for i in (1, 2, 3, 4)]
    lit = lambda values: values / values.max()
    return square, coins + [((f"y{k}", *pair), np.array([1 - lit(v), lit(v)])) for k, (pair, v) in enumerate(square)]


def test_result_slice():
    """Z of the square by loops, and from the probability, by a junction tree, that all sensors say 1."""
    left, right, unscaled, free = [], [], [], []
    for seed in range(5):
        square, model = slice_model(seed)
        left.append(np.log(total(square, ["x1", "x2", "x3", "x4"])))
        tree = trees.junction_tree(tables, [tables.factor(*each) for each in model])
        assert abs(trees.propagate(tables, tree).log_total) < 1e-12                # the whole model is normalized
        seen = trees.propagate(tables, tree, {f"y{k}": 1 for k in range(4)})
        scale = 4 * np.log(2) + sum(np.log(values.max()) for _, values in square)
        right.append(seen.log_total + scale)
        unscaled.append(seen.log_total)
        free.append(seen.log_total + scale - 4 * np.log(2))
        posterior = np.exp(seen.factors[0].logs - tables.total(seen.factors[0]))
        joint = enumeration.joint(square, dict.fromkeys(["x1", "x2", "x3", "x4"], 2))
        scope = seen.clusters.scopes[0]
        gone = tuple(i for i in range(4) if f"x{i + 1}" not in scope)
        expected = np.transpose(joint.sum(gone) / joint.sum(), [sorted(scope).index(name) for name in scope])
        np.testing.assert_allclose(posterior, expected)
    assert_only_as_printed(left, right, unscaled, free)


def test_text_3_5_the_arguments_of_the_slice(evidence):
    """With psi_B, psi_C and psi_D as functions of (x1, x2), the slice is another distribution."""
    square, _ = slice_model(0)
    names = ["x1", "x2", "x3", "x4"]
    joint = enumeration.joint(square, dict.fromkeys(names, 2))
    printed = enumeration.joint([(("x1", "x2"), values) for _, values in square], dict.fromkeys(names, 2))
    distance = np.abs(joint / joint.sum() - printed / printed.sum()).sum() / 2
    assert distance > 0.1
    evidence("Text 3.5-a", distance=distance)


def test_text_3_5_a_probability_is_at_most_one(evidence):
    """Z = p(y) for a discrete y: four potentials exp(x x') on the square have a larger Z."""
    agree = np.exp(np.array([[1, -1], [-1, 1]]))
    pairs = [("x1", "x2"), ("x1", "x3"), ("x2", "x4"), ("x3", "x4")]
    Z = total([(pair, agree) for pair in pairs], ["x1", "x2", "x3", "x4"])
    np.testing.assert_allclose(Z, 2 * np.exp(4) + 12 + 2 * np.exp(-4))
    assert Z > 1
    scaled = total([(pair, agree / agree.max()) for pair in pairs], ["x1", "x2", "x3", "x4"]) / 2**4
    assert 0 < scaled < 1
    np.testing.assert_allclose(scaled * 2**4 * np.e**4, Z)
    evidence("Text 3.5-b", normalizer=Z, probability=scaled)


def test_result_messages():
    """Beliefs of a tree's clusters are sums over everything else; each sums to Z; a message echoed back is wrong."""
    rng = np.random.default_rng(0)
    scopes = [(0, 1), (1, 2), (1, 3), (3, 4), (3, 5), (0,), (4,)]
    given = enumeration.random_factors(rng, NAMES[:6], scopes)
    joint = enumeration.joint(given, dict.fromkeys(NAMES[:6], 2))
    layout = trees.factor_graph(tables, [tables.factor(*each) for each in given])
    beliefs = trees.propagate(tables, layout)
    left, right, echoed, unheard = [], [], [], []
    for i, scope in enumerate(layout.scopes):
        summed = joint.sum(tuple(k for k in range(6) if NAMES[k] not in scope))
        left += list((summed / summed.sum()).ravel())
        right += list(tables.probabilities(beliefs.factors[i]).ravel())
        sent = [beliefs.messages[i, j] for a, b in layout.links for j in (a, b) if i in (a, b) and j != i]
        wrong = tables.product([beliefs.factors[i], *sent], scope, layout.sizes)
        echoed += list(tables.probabilities(wrong).ravel())
        unheard += list(tables.probabilities(layout.potentials[i]).ravel())
    assert_only_as_printed(left, right, echoed, unheard)
    assert_only_as_printed(np.log(joint.sum()), beliefs.log_total, np.log(joint.mean()))


def test_result_running_intersection():
    """The cliques of any sequence of removals, linked as the theorem says, are exact; a chain of them is not."""
    broken = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        pairs = enumeration.random_graph(rng, 8, 13)
        given = enumeration.random_factors(rng, NAMES, pairs)
        neighbors = markov_graphs.from_edges([(NAMES[i], NAMES[j]) for i, j in pairs], NAMES)
        steps = list(triangulation.removals(neighbors, list(rng.permutation(list(NAMES)))))
        place = {step.name: k for k, step in enumerate(steps)}
        tied = [(k, step.clique[1:]) for k, step in enumerate(steps) if len(step.clique) > 1]
        links = [(k, min(place[other] for other in others)) for k, others in tied]
        scopes = [step.clique for step in steps]
        for name in NAMES:                                       # a walk among the clusters that hold it meets all
            holders = {k for k, scope in enumerate(scopes) if name in scope}
            reached = {min(holders)}
            for _ in scopes:
                reached |= {b for a, b in [*links, *((b, a) for a, b in links)] if a in reached and b in holders}
            assert reached == holders
        homes = [[] for _ in scopes]
        for names, values in given:
            homes[min(place[name] for name in names)].append(tables.factor(names, values))
        sizes = dict.fromkeys(NAMES, 2)
        potentials = tuple(tables.product(home, scope, sizes) for home, scope in zip(homes, scopes))
        exact = np.log(total(given, NAMES))
        tree = trees.ClusterGraph(tuple(scopes), potentials, tuple(links), sizes)
        np.testing.assert_allclose(trees.propagate(tables, tree).log_total, exact)
        other = tuple((k, k + 1) for k in range(7))              # a chain of the same clusters
        if not clusters.runs_through(scopes, other):
            wrong = trees.propagate(tables, trees.ClusterGraph(tuple(scopes), potentials, other, sizes)).log_total
            broken += abs(wrong - exact) > 1e-6
    assert broken >= 2


def test_result_width():
    """The width of a sequence against the definition, on paper: grids, circles, stars; min-fill is not always best."""
    grid = lambda n: markov_graphs.from_edges(
        [(f"{i}{j}", f"{i + 1}{j}") for i in range(n - 1) for j in range(n)]
        + [(f"{i}{j}", f"{i}{j + 1}") for i in range(n) for j in range(n - 1)])
    for n in (3, 4, 5):
        assert triangulation.triangulate(grid(n), sorted(grid(n))).width == n
        assert triangulation.search(grid(n), np.random.default_rng(n)).width == n
    assert enumeration.smallest_width(grid(3)) == 3
    assert triangulation.triangulate(markov_graphs.from_edges(zip(NAMES, NAMES[1:] + "a"))).width == 2


def test_result_bethe():
    """Exact where there are no loops, whatever the scale of the messages; on a loop it is not."""
    rng = np.random.default_rng(1)
    for scopes, exact in (([(0, 1), (1, 2), (2, 3)], True), ([(0, 1), (1, 2), (2, 3), (3, 0)], False)):
        given = enumeration.random_factors(rng, NAMES[:4], scopes)
        found, sweep = trees.loopy(tables, trees.factor_graph(tables, [tables.factor(*each) for each in given]))
        assert sweep.change < 1e-9
        gap = abs(found.log_total - np.log(total(given, NAMES[:4])))
        assert gap < 1e-9 if exact else gap > 1e-4
