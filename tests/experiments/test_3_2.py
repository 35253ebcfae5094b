"""The experiments of chapters/03-undirected/3.2-deep-belief-networks.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.data.images import bars
from pedagogy_lib.learning.objectives import contrastive
from pedagogy_lib.models.undirected import dbn, harmonium

LAW = bars(4, 0.3)


def cost_and_budget(sweeps, rng):
    """A harmonium of eight coins, learned with so many steps of the chain: its cost, and what it leaves."""
    y = LAW.pictures[rng.choice(len(LAW.pictures), 1000, p=LAW.probabilities)]
    params = harmonium.rbm(y, 8, rng)
    for _ in range(6000):
        batch = y[rng.integers(len(y), size=50)]
        params = next(contrastive.iterate(harmonium, params, batch, rng, 0.1, sweeps)).params
    return harmonium.loss(params, y), dbn.budget(dbn.unroll(params), y)


def test_3_2_e_longer_chains():
    rng = np.random.default_rng(0)
    (cost_1, budget_1), (cost_3, budget_3), (cost_10, budget_10) = (
        np.mean([cost_and_budget(sweeps, rng) for _ in range(2)], 0) for sweeps in (1, 3, 10)
    )
    hold(
        "3.2-e",
        cost_1=cost_1,
        cost_3=cost_3,
        cost_10=cost_10,
        budget_1=budget_1,
        budget_3=budget_3,
        budget_10=budget_10,
    )
