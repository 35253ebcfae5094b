"""The experiments of chapters/02-directed/2.0-directed-models.ipynb."""

import numpy as np
from experiments import hold

GRAPHS = ("collider", "chain", "fork")


def drawn(graph, rng):
    """Return a joint of three bits, axes X, Y, Z, with tables drawn uniformly."""
    one, two = rng.uniform(size=(2, 2)), rng.uniform(size=(2, 2, 2))
    bit = lambda p: np.stack([1 - p, p], -1)
    if graph == "collider":
        return bit(one[0, 0])[:, None, None] * bit(one[0, 1])[None, None, :] * bit(two[0]).transpose(0, 2, 1)
    if graph == "chain":
        return bit(one[0, 0])[:, None, None] * bit(two[0, 0])[:, :, None] * bit(two[1, 0])[None]
    return bit(one[0, 0])[None, :, None] * bit(two[0, 0]).T[:, :, None] * bit(two[1, 0])[None]


def information(joint):
    """Mutual information of the first and the last axis, in nats; with three axes, given the one between."""
    joint = joint / joint.sum()
    if joint.ndim == 3:
        return sum(joint[:, y].sum() * information(joint[:, y]) for y in range(2) if joint[:, y].sum())
    product = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    seen = joint > 0
    return (joint[seen] * np.log(joint[seen] / product[seen])).sum()


def shares_right(n, rng, repeats=4000):
    """How often the smaller cost names the graph: as counted, and less what chance adds to each."""
    bare = fair = 0
    for _ in range(repeats):
        graph = GRAPHS[rng.integers(3)]
        counts = rng.multinomial(n, drawn(graph, rng).ravel()).reshape(2, 2, 2)
        apart, given = information(counts.sum(1)), information(counts)
        bare += (apart < given) == (graph == "collider")
        fair += (apart - 1 / (2 * n) < given - 1 / n) == (graph == "collider")
    return bare / repeats, fair / repeats


def test_2_0_e_collider_or_not():
    rng = np.random.default_rng(0)
    (bare_300, fair_300), (bare_3000, fair_3000) = shares_right(300, rng), shares_right(3000, rng)
    hold("2.0-e", bare_300=bare_300, fair_300=fair_300, bare_3000=bare_3000, fair_3000=fair_3000)
