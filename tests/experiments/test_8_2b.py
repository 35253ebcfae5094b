"""The experiments of chapters/08-non-invertible/8.2b-gradients-of-expectations.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.learning.gradient_estimators import gaussians

SECTORS = np.array([20, 1, 18, 4, 13, 6, 10, 15, 2, 17, 3, 19, 7, 16, 8, 11, 14, 9, 12, 5])
RADII = (0.635, 1.59, 9.9, 10.7, 16.2, 17.0)
EDGE = np.arange(-30, 30.01, 0.1)
SHAKE = 3.0


def points(x):
    radius, angle = np.hypot(x[..., 0], x[..., 1]), np.arctan2(x[..., 0], x[..., 1])
    number = SECTORS[np.round(angle / (np.pi / 10)).astype(int) % 20]
    worth = [50 + 0 * number, 25 + 0 * number, number, 3 * number, number, 2 * number, 0 * number]
    return np.choose(np.searchsorted(RADII, radius), worth) * 1.0


LANDED = points(np.stack(np.meshgrid(EDGE, EDGE), -1))


def expected(aim):
    across, up = (np.exp(-0.5 * ((EDGE - a) / SHAKE) ** 2) * 0.1 / (SHAKE * np.sqrt(2 * np.pi)) for a in aim)
    return up @ LANDED @ across


def at_the_end(darts, rate, repeats=20):
    found = []
    for seed in range(repeats):
        rng, aim = np.random.default_rng(seed), np.array([4.0, 6.0])
        for _ in range(4000 // darts):
            found_slopes = gaussians.score_function(points, aim, np.full(2, SHAKE), darts, rng, "leave-one-out")
            aim = aim + rate * found_slopes.mean.mean(0)
        found.append(expected(aim))
    return np.mean(found)


def test_8_2b_e_how_many_darts():
    hold(
        "8.2b-e",
        many=np.mean([at_the_end(500, rate) for rate in (0.5, 1, 2, 4)]),
        few_slow=at_the_end(5, 0.5),
        some=at_the_end(20, 2),
        more_fast=at_the_end(100, 4),
        few_fast=at_the_end(5, 4),
    )
