"""The experiments of chapters/02-directed/2.2.2d-particle-smoothing.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.inference import particles
from pedagogy_lib.models.dynamical import state_space
from pedagogy_lib.show.pictures.swarms import lineage

RETURNS = 100 * np.diff(np.log(data.crude_oil()[1]))
RETURNS = (RETURNS - RETURNS.mean())[:, None]
OIL = state_space.stochastic_volatility(1.6, 0.99, 0.12)


def alive(n, resampling, rng):
    """How many particles of each day have a descendant on the last one."""
    found = particles.filter(OIL, RETURNS, n, rng, resampling)
    return np.array([len(set(row)) for row in lineage(found.ancestors)])


def reach(n, resampling, rng, runs=8):
    """Steps from the end back to the day on which a single ancestor is left, averaged."""
    return np.mean([np.argmax(alive(n, resampling, rng)[::-1] == 1) for _ in range(runs)])


def test_2_2_2d_e_how_far_back_the_tree_reaches():
    rng = np.random.default_rng(0)
    by_chance = {n: reach(n, "multinomial", rng) for n in (10, 30, 100, 300)}
    evenly = {n: reach(n, "systematic", rng) for n in (10, 30)}
    hold(
        "2.2.2d-e",
        chance_10=by_chance[10],
        chance_30=by_chance[30],
        chance_100=by_chance[100],
        chance_300=by_chance[300],
        longer_10=evenly[10] / by_chance[10],
        longer_30=evenly[30] / by_chance[30],
        left=np.mean([alive(100, "systematic", rng)[-251] for _ in range(8)]),
    )
