"""The experiments of chapters/95-appendices/A.1-leaving-one-out.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning.regression import crossvalidation


def test_A_1_e_lost_years_of_earthquakes():
    years, counts = data.earthquakes().values.T
    k, n = np.arange(1, 41), len(years)
    waves = np.cos(np.pi * np.outer((years - years[0] + 0.5) / n, k)) / k
    penalties = np.geomspace(1e-4, 100, 37)

    def errors(length):
        found = crossvalidation.leave_folds_out(waves, counts[:, None], penalties, np.arange(n) // length)
        return np.sqrt(found.errors)

    of = {length: errors(length) for length in (1, 10, 20)}
    hold(
        "A.1-e",
        penalty_1=penalties[of[1].argmin()],
        penalty_20=penalties[of[20].argmin()],
        error_1=of[1].min(),
        error_10=of[10].min(),
        error_20=of[20].min(),
        worst_10=of[10][0],
    )
