"""The experiments of chapters/95-appendices/C-graphical-models.ipynb."""

from itertools import combinations

import numpy as np
from experiments import hold

from pedagogy_lib.inference import graphs

SQUARE = {"A": (), "B": ("A",), "C": ("A",), "D": ("B", "C")}


def dependence(table, a, b, given):
    """Largest gap between p(a, b | given) and p(a | given) p(b | given), by the axes of the table."""
    table = np.moveaxis(table, (a, b, *given), range(2 + len(given)))
    table = table.sum(tuple(range(2 + len(given), table.ndim))).reshape(2, 2, -1)
    table = table[:, :, table.sum((0, 1)) > 0]
    table = table / table.sum((0, 1))
    return np.abs(table - table.sum(1, keepdims=True) * table.sum(0, keepdims=True)).max()


def questions():
    """Every pair, and every set of the others, that the graph does not separate."""
    for a, b in combinations(range(4), 2):
        others = [i for i in range(4) if i not in (a, b)]
        for given in (c for size in range(3) for c in combinations(others, size)):
            if not graphs.separated(SQUARE, "ABCD"[a], "ABCD"[b], {"ABCD"[i] for i in given}):
                yield a, b, given


def nearly_independent(parameter, rng):
    below = []
    for _ in range(200):
        draw = lambda parents: np.moveaxis(rng.dirichlet([parameter] * 2, (2,) * len(parents)), -1, 0)
        table = graphs.joint(graphs.Network(SQUARE, {name: draw(parents) for name, parents in SQUARE.items()}))
        below += [dependence(table, *question) < 0.01 for question in questions()]
    return np.mean(below)


def test_C_e_nearly_independent():
    rng = np.random.default_rng(0)
    near_1, near_02, near_01 = (nearly_independent(parameter, rng) for parameter in (1, 0.2, 0.1))
    hold("C-e", near_1=near_1, near_02=near_02, near_01=near_01)
