"""The experiments of chapters/10-energy-based/10.1a-noise-contrastive-estimation.ipynb."""

import numpy as np
from experiments import hold
from scipy import stats

from pedagogy_lib import data
from pedagogy_lib.learning.objectives import noise_contrastive as nce
from pedagogy_lib.models.undirected import polynomial

POWERS = np.arange(1, 5)


def test_10_1a_e_noise_in_two_rounds():
    y = ((data.old_faithful().values[:, 1] - 70) / 13)[:, None]
    n, width = len(y), 40 / 13
    bell = lambda rows: stats.norm.logpdf(rows[:, 0], 0, width)

    def fit(drawn, log_noise):
        return nce.fit(y**POWERS, drawn**POWERS, log_noise(y), log_noise(drawn))

    def three(rng):
        first = fit(width * rng.normal(size=(n, 1)), bell)
        curve = polynomial.Parameters(first.coefficients)
        second = fit(polynomial.sample(curve, n, rng), lambda rows: polynomial.log_marginal(curve, rows))
        longer = fit(width * rng.normal(size=(2 * n, 1)), bell)
        return first.log_normalizer, second.log_normalizer, longer.log_normalizer

    found = np.array([three(np.random.default_rng(seed)) for seed in range(90)])
    log_z = polynomial.log_partition(polynomial.fit(y, 4))
    first, second, longer = np.sqrt(np.mean((found - log_z) ** 2, axis=0))
    hold("10.1a-e", first=first, second=second, longer=longer)
