"""The experiments of chapters/09-reparameterizations/9.2-normalizing-flows.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.learning import bijections, optimization
from pedagogy_lib.models.deep import flow

REVERSAL = np.eye(2)[::-1]


def moons(n, rng):
    angle, lower = np.pi * rng.random(n), rng.random(n) < 0.5
    arc = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.where(lower[:, None], [1.0, 0.5] - arc, arc) + 0.1 * rng.normal(size=(n, 2))


def heaps(n, rng):
    return np.column_stack([rng.choice([-2.0, 2.0], n), np.zeros(n)]) + 0.3 * rng.normal(size=(n, 2))


def mixed(layer):
    return bijections.Mixing(REVERSAL.copy(), np.zeros(2)) if isinstance(layer, bijections.Reverse) else layer


def learn(y, hidden, steps, seed=0):
    """Return the flow with reversals, and that with matrices in their place."""
    for change in (lambda layer: layer, mixed):
        rng = np.random.default_rng(seed)
        begin = flow.start(y, bijections.Affine, 6, hidden, rng)
        begin = begin._replace(layers=tuple(map(change, begin.layers)))
        method = optimization.Adam(optimization.cosine(0.01, steps))
        yield optimization.run(flow, begin, y, rng, method=method, batch_size=256, iterations=steps).params


def between(params):
    return np.mean(np.abs(flow.sample(params, 20_000, np.random.default_rng(1)).observations[:, 0]) < 1)


def test_9_2_e_learned_permutations():
    rng = np.random.default_rng(4)
    y, fresh = moons(2000, rng), moons(4000, rng)
    two, fresh_two = heaps(2000, rng), heaps(4000, rng)
    reversals, matrices = learn(y, (24, 24), 1000)
    stiff, turned = learn(two, (16,), 1500)
    # the first layer is the linear one that every flow begins with
    moved = [layer.matrix - REVERSAL for layer in matrices.layers[1:] if isinstance(layer, bijections.Mixing)]
    hold(
        "9.2-e",
        moons=flow.loss(reversals, fresh),
        gained=flow.loss(reversals, fresh) - flow.loss(matrices, fresh),
        moved=np.abs(moved).max(),
        changed=flow.loss(turned, fresh_two) - flow.loss(stiff, fresh_two),
        filament=between(stiff),
        filament_matrices=between(turned),
    )
