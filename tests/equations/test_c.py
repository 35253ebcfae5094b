"""Appendix C: what graphs claim, against tables of numbers; every claim once more where it must fail."""

from itertools import combinations, permutations

import enumeration
import numpy as np
from compare import assert_only_as_printed

from pedagogy_lib.inference import graphs, markov_graphs

NAMES = "abcde"


def dependence(table, a, b, given):
    """Largest |p(a, b | c) - p(a | c) p(b | c)|, axes of two-sided variables."""
    table = np.moveaxis(table / table.sum(), (a, b, *given), range(2 + len(given)))
    table = table.sum(tuple(range(2 + len(given), table.ndim))).reshape(2, 2, -1)
    table = table[..., table.sum((0, 1)) > 0]
    table = table / table.sum((0, 1))
    return np.abs(table - table.sum(1, keepdims=True) * table.sum(0, keepdims=True)).max()


def a_network(seed):
    rng = np.random.default_rng(seed)
    parents = {name: tuple(p for p in NAMES[:i] if rng.random() < 0.5) for i, name in enumerate(NAMES)}
    tables = {n: np.moveaxis(rng.dirichlet([1, 1], (2,) * len(p)), -1, 0) for n, p in parents.items()}
    by_loops = enumeration.joint([((n, *p), tables[n]) for n, p in parents.items()], dict.fromkeys(NAMES, 2))
    return parents, by_loops


def questions():
    for a, b in combinations(range(5), 2):
        others = [i for i in range(5) if i not in (a, b)]
        for size in range(4):
            yield from ((a, b, given) for given in combinations(others, size))


def test_result_d_separation():
    """The moral graph of the ancestors against numbers; that of all variables, and unmarried parents, are wrong."""
    numbers, claimed, of_all, unmarried = [], [], [], []
    for seed in range(6):
        parents, table = a_network(seed)
        moral = markov_graphs.moral(parents)
        heads_off = markov_graphs.from_edges([(c, p) for c, names in parents.items() for p in names], NAMES)
        for a, b, given in questions():
            asked = NAMES[a], NAMES[b], {NAMES[i] for i in given}
            numbers.append(dependence(table, a, b, given) < 1e-12)
            claimed.append(markov_graphs.moral_separated(parents, *asked))
            of_all.append(markov_graphs.separated(moral, *asked))
            unmarried.append(markov_graphs.separated(heads_off, *asked))
    assert_only_as_printed(np.array(numbers, float), *(np.array(x, float) for x in (claimed, of_all, unmarried)))


def test_result_markov_blanket():
    """Given the blanket nothing else matters: p(x | rest) is the same for all others; without one of it, not."""
    for seed in range(6):
        parents, table = a_network(seed)
        for i, name in enumerate(NAMES):
            blanket = markov_graphs.blanket(parents, name)
            axes = [NAMES.index(other) for other in NAMES if other not in blanket | {name}]
            conditional = np.moveaxis(table / table.sum(i, keepdims=True), i, 0)
            spread = lambda axes, c=conditional, i=i: max([0, *(np.ptp(c, axis=a + (a < i)).max() for a in axes)])
            assert spread(axes) < 1e-12
            for one in blanket:
                assert spread([NAMES.index(one)]) > 1e-6


def test_result_hammersley_clifford():
    """Potentials of sets that are no cliques vanish; a dependence that the graph denies makes one appear."""
    pairs = [(0, 1), (1, 2), (2, 3), (3, 0)]
    rng = np.random.default_rng(0)
    table = enumeration.joint(enumeration.random_factors(rng, "abcd", pairs, sides=3), dict.fromkeys("abcd", 3))
    logs = np.log(table / table.sum())

    def over_cliques(logs):
        cliques = {(), *((i,) for i in range(4)), *(tuple(sorted(pair)) for pair in pairs)}
        found = markov_graphs.interactions(logs)
        return sum(found[c][tuple(slice(None) if i in c else None for i in range(4))] for c in cliques)

    diagonal = logs + rng.normal(size=(3, 1, 3, 1))
    np.testing.assert_allclose(over_cliques(logs), logs, atol=1e-12)
    assert np.abs(over_cliques(diagonal) - diagonal).max() > 0.1


def test_result_zeros():
    """Moussouris: a table that obeys the square and is no product of four functions on its sides."""
    odd = np.zeros((2, 2, 2, 2))
    for row in ("0000", "1000", "1100", "1110", "1111", "0111", "0011", "0001"):
        odd[tuple(map(int, row))] = 1 / 8
    assert dependence(odd, 0, 2, (1, 3)) == dependence(odd, 1, 3, (0, 2)) == 0
    supports = [odd.sum(tuple(i for i in range(4) if i not in pair)) > 0 for pair in ((0, 1), (1, 2), (2, 3), (0, 3))]
    assert all(support.all() for support in supports) and (odd == 0).sum() == 8
    best, gaps = np.ones((2, 2, 2, 2)), []                       # products of sides, fitted by iterative scaling
    for _ in range(40):
        for pair in ((0, 1), (1, 2), (2, 3), (0, 3)):
            gone = tuple(i for i in range(4) if i not in pair)
            best = best * odd.sum(gone, keepdims=True) / best.sum(gone, keepdims=True)
        gaps.append(np.abs(best - odd).max())
    assert (best > 0).all() and 0 < gaps[-1] < gaps[19] / 1.5    # never there, and ever nearer: a limit of products


def test_result_factor_graphs():
    """Three pairs or one triple: the same lines, and different potentials."""
    rng = np.random.default_rng(1)
    pairs = enumeration.random_factors(rng, "abc", [(0, 1), (1, 2), (0, 2)])
    pairwise = enumeration.joint(pairs, dict.fromkeys("abc", 2))
    triple = rng.uniform(0.2, 2, (2, 2, 2))
    of_three = [np.abs(markov_graphs.interactions(np.log(p))[0, 1, 2]).max() for p in (pairwise, triple)]
    assert of_three[0] < 1e-12 < 0.05 < of_three[1]


def test_result_moralization():
    """The moral graph claims nothing false; each line is needed; the collider's claim is lost."""
    for seed in range(6):
        parents, table = a_network(seed)
        lines = markov_graphs.moral(parents)
        for a, b, given in questions():
            if markov_graphs.separated(lines, NAMES[a], NAMES[b], [NAMES[i] for i in given]):
                assert dependence(table, a, b, given) < 1e-12
        for a, b in markov_graphs.edges(lines):
            i, j = NAMES.index(a), NAMES.index(b)
            assert dependence(table, i, j, [k for k in range(5) if k not in (i, j)]) > 1e-9
    collider = {"a": (), "b": (), "c": ("a", "b")}
    assert graphs.separated(collider, "a", "b")
    assert not markov_graphs.separated(markov_graphs.moral(collider), "a", "b")


def test_result_lines_to_arrows():
    """A chordal graph keeps all its claims; a square keeps one of two, in every order."""
    square = markov_graphs.from_edges(["ab", "bc", "cd", "da"])
    chordal = markov_graphs.from_edges(["ab", "bc", "cd", "da", "ac"])
    for order in permutations("abcd"):
        for neighbors, expected in ((square, 1), (chordal, None)):
            parents = markov_graphs.orient(neighbors, order)
            lines = markov_graphs.claims("abcd", lambda a, b, c, n=neighbors: markov_graphs.separated(n, a, b, c))
            arrows = markov_graphs.claims("abcd", lambda a, b, c, p=parents: graphs.separated(p, a, b, c))
            assert arrows <= lines
            if expected:
                assert len(arrows) == expected
    perfect = markov_graphs.orient(chordal, "acbd")
    kept = markov_graphs.claims("abcd", lambda a, b, c: graphs.separated(perfect, a, b, c))
    assert kept == {("b", "d", frozenset("ac"))}
