"""The experiments of chapters/95-appendices/B.2-scores-and-identities.ipynb."""

import numpy as np
from experiments import hold


def test_B_2_e_how_often_two_errors_cover():
    mean, variance = 19.36, 51.1
    r = mean**2 / (variance - mean)
    counts = np.random.default_rng(0).negative_binomial(r, r / (r + mean), (2000, 107))
    off = np.abs(counts.mean(1) - mean)
    hold(
        "B.2-e",
        poisson=np.mean(off < 1.96 * np.sqrt(counts.mean(1) / 107)),
        sandwich=np.mean(off < 1.96 * counts.std(1) / np.sqrt(107)),
    )
