"""The experiments of chapters/91-time/T.7-learned-transitions.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.learning import learned_motion, optimization
from pedagogy_lib.learning.networks.circle import Convolution
from pedagogy_lib.models.dynamical import learned_transition


def film(winters, pictures, seed):
    """Pictures six hours apart of a circle of 20 places."""
    law = fields.lorenz96(20)
    taken = [steppers.flow(law, 2.3 + 3.6 * np.random.default_rng(seed).normal(size=(winters, 20)), 0.025, 800)]
    for _ in range(pictures - 1):
        taken.append(steppers.flow(law, taken[-1], 0.025, 2))
    return np.stack(taken, 1)


def test_T_7_e_three_remedies_a_day_ahead():
    archive, later = film(24, 500, 0), film(20, 101, 1)
    center, scale = archive.mean(), archive.std()
    daily = lambda films: learned_transition.pairs((films[:, ::4] - center) / scale)
    pairs, fresh = np.random.default_rng(0).permutation(daily(archive)), daily(later)

    def error(neighbors, n=1000):
        rng, channels = np.random.default_rng(2), [1, *[16] * (len(neighbors) - 1), 1]
        layers = [Convolution.start(*shape, rng) for shape in zip(channels, channels[1:], neighbors)]
        begin = learned_transition.start(pairs[:n], (learned_motion.Circle.start(tuple(layers)),))
        method = optimization.Adam(optimization.cosine(0.01, 1500))
        rng = np.random.default_rng(1)
        run = optimization.run(learned_transition, begin, pairs[:n], rng, batch_size=32, iterations=1500, method=method)
        return np.sqrt(np.mean((learned_transition.predict(run.params, fresh[:, 0]) - fresh[:, 1]) ** 2))

    hold(
        "T.7-e",
        base=error((5, 3, 3)),
        pairs=error((5, 3, 3), len(pairs)),
        nine=error((9, 3, 3)),
        fourth=error((5, 3, 3, 3)),
    )
