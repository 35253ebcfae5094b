"""The experiments of chapters/03-undirected/3.5-junction-trees.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.inference import trees
from pedagogy_lib.inference.trees import tables

SIDE = range(6)
NAMES = [(i, j) for i in SIDE for j in SIDE]
PAIRS = [(a, b) for a in NAMES for b in NAMES if (b[0] - a[0], b[1] - a[1]) in ((0, 1), (1, 0))]


def compared(J, rng, random_signs=False):
    """The largest error of a marginal and the error of log Z by loopy propagation, and whether it settled."""
    signs = rng.choice([-1, 1], len(PAIRS)) if random_signs else np.ones(len(PAIRS))
    agree = np.array([[1, -1], [-1, 1]])
    factors = [tables.factor((str(a), str(b)), np.exp(s * J * agree)) for (a, b), s in zip(PAIRS, signs)]
    factors += [
        tables.factor((str(n),), np.exp(h * np.array([-1, 1]))) for n, h in zip(NAMES, 0.3 * rng.standard_normal(36))
    ]
    exact = trees.propagate(tables, trees.junction_tree(tables, factors))
    around, sweep = trees.loopy(tables, trees.factor_graph(tables, factors), tolerance=1e-6, max_iterations=150)
    ones = [
        [tables.probabilities(trees.marginal(tables, beliefs, str(n)))[1] for n in NAMES] for beliefs in (exact, around)
    ]
    return np.abs(np.subtract(*ones)).max(), around.log_total - exact.log_total, sweep.change <= 1e-6


def test_3_5_e_how_good_is_loopy():
    rng = np.random.default_rng(0)
    agree = {J: np.median([compared(J, rng) for _ in range(7)], 0) for J in (0.2, 0.3, 0.5)}
    mixed = {J: [compared(J, rng, random_signs=True) for _ in range(7)] for J in (0.2, 0.5, 0.9)}
    hold(
        "3.5-e",
        agree_2=agree[0.2][0],
        agree_3=agree[0.3][0],
        agree_5=agree[0.5][0],
        log_z=agree[0.5][1],
        mixed_2=np.median(mixed[0.2], 0)[0],
        mixed_5=np.median(mixed[0.5], 0)[0],
        unsettled=np.mean([not settled for *_, settled in mixed[0.9]]),
    )
