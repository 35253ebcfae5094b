"""The experiments of chapters/07-invertible/7.1-em-for-the-gmm.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.learning import em
from pedagogy_lib.models.static import gmm


def test_7_1_f_how_fast_is_em():
    rng = np.random.default_rng(0)
    rounds = {}
    for m in (0.5, 1, 1.5, 3):
        truth = gmm.Parameters(np.full(2, 0.5), np.array([[-m], [m]]), np.ones((2, 1, 1)))
        y = gmm.sample(truth, 2000, rng).observations
        off = truth._replace(means=1.1 * truth.means)
        rounds[m] = len(em.fit(gmm, off, y, tolerance=1e-10, max_iterations=100_000).losses) - 1
    hold("7.1-f", rounds_3=rounds[3], rounds_1_5=rounds[1.5], rounds_1=rounds[1], rounds_0_5=rounds[0.5])
