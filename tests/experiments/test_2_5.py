"""The experiments of chapters/02-directed/2.5-data-assimilation.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics import fields
from pedagogy_lib.inference import assimilation
from pedagogy_lib.inference.assimilation import Window

CELLS, NOISE = 48, 0.02
TIDE = assimilation.motion(fields.shallow_water(CELLS, gravity=1.0, rotation=0.2, diffusion=0.1), 0.4, 5)
FAR = np.abs(np.subtract.outer(np.arange(CELLS), np.arange(CELLS)))
SPREAD = np.kron(np.diag([0.15, 0.08, 0.08]) ** 2, np.exp(-0.5 * (np.minimum(FAR, CELLS - FAR) / 3.0) ** 2))
CALM = Gaussian(np.repeat([1.0, 0.0, 0.0], CELLS), SPREAD + 1e-5 * np.eye(3 * CELLS))


def errors(gauges, times, firsts, rng):
    """Error of the analysis at time 0, in depth and in the current along, over channels that begin so."""
    look = np.eye(3 * CELLS)[np.arange(gauges) * CELLS // gauges]
    off = []
    for first in firsts:
        states = [first]
        for _ in range(times - 1):
            states.append(TIDE.move(states[-1]))
        y = np.array(states) @ look.T + NOISE * rng.standard_normal((times, gauges))
        window = Window(CALM, TIDE, look, NOISE**2 * np.eye(gauges), y)
        found = assimilation.follow(assimilation.strong(window), 1e-3)
        off.append((found.states[0] - first)[: 2 * CELLS].reshape(2, CELLS))
    return np.sqrt(np.mean(np.square(off), (0, 2)))


def test_2_5_e_how_many_gauges():
    rng = np.random.default_rng(0)
    firsts = CALM.mean + rng.standard_normal((12, 3 * CELLS)) @ np.linalg.cholesky(CALM.covariance).T
    cases = (1, 1), (2, 1), (1, 4), (1, 13), (5, 1), (5, 13), (12, 1)
    off = {case: errors(*case, firsts, rng) for case in cases}  # gauges, times: depth, current
    hold(
        "2.5-e",
        one=off[1, 1][0],
        two=off[2, 1][0],
        one_by_4=off[1, 4][0],
        one_by_13=off[1, 13][0],
        five=off[5, 1][0],
        twelve=off[12, 1][0],
        current_1=off[1, 1][1],
        current_12=off[12, 1][1],
        five_by_13=off[5, 13][0],
        current_5_by_13=off[5, 13][1],
    )
