"""The experiments of chapters/08-non-invertible/8.3b-scores.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.distributions import noising
from pedagogy_lib.inference import annealed_langevin
from pedagogy_lib.learning.objectives import scores

GEYSER = data.old_faithful().values
CENTER, UNIT = GEYSER.mean(0), GEYSER.std(0)
Y = (GEYSER - CENTER) / UNIT


def score(x, level):
    v = level.deviation
    logs = -0.5 * ((x[:, None] - Y) ** 2).sum(2) / v**2
    weights = np.exp(logs - logs.max(1, keepdims=True))
    return scores.tweedie_score(x, weights @ Y / weights.sum(1, keepdims=True), 1.0, v**2 * np.eye(2))


def share_of_long(levels):
    stairs = [noising.Level(1.0, v) for v in np.geomspace(3.0, 0.15, levels)]
    short, shares = np.tile(Y[[1]], (400, 1)), []
    for seed in (2, 3, 4):
        rng = np.random.default_rng(seed)
        *_, last = annealed_langevin.anneal(score, stairs, short, 480 // levels, 0.5, rng)
        shares.append(np.mean(CENTER[0] + UNIT[0] * last.state[:, 0] > 3))
    return np.mean(shares)


def test_8_3b_e_how_slowly_to_anneal():
    hold(
        "8.3b-e",
        two=share_of_long(2),
        three=share_of_long(3),
        twenty_four=share_of_long(24),
    )
