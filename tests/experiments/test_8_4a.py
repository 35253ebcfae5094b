"""The experiments of chapters/08-non-invertible/8.4a-mean-field.ipynb."""

from math import lgamma

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import bayesian_gmm, gmm


def fits(y, k, imaginary):
    prior = bayesian_gmm.vague_prior(y, imaginary)
    starts = [gmm.start(y, k, np.random.default_rng(seed)) for seed in range(10)]
    return [em.fit(bayesian_gmm, bayesian_gmm.with_prior(start, y, prior), y) for start in starts]


def test_8_4a_e_how_much_data():
    lead, kinds, ends = {}, set(), {}
    for n in (25, 50, 100, 272):
        y = data.old_faithful().values[:n]
        six = sorted(fits(y, 6, 0.1), key=lambda fit: fit.losses[-1])
        kinds.add(int((six[0].params.counts - 0.1 > 1).sum()))
        ends[n] = n * (six[-1].losses[-1] - six[0].losses[-1])
        one, two = (min(n * fit.losses[-1] for fit in fits(y, k, 1.0)) - lgamma(k + 1) for k in (1, 2))
        lead[n] = one - two
    (only,) = kinds
    hold(
        "8.4a-e",
        kinds=only,
        lead_25=lead[25],
        lead_50=lead[50],
        lead_100=lead[100],
        lead_272=lead[272],
        other_end=ends[50],
    )
