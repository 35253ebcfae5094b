"""The experiments of chapters/02-directed/2.2.2b-particle-filter.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.inference import particles


def size(D, rng, n=1000):
    """Effective sample size after the first datum of D random walks, averaged over 50 runs."""
    sizes = []
    for _ in range(50):
        y = 2 * rng.standard_normal(D) + rng.standard_normal(D)
        x = 2 * rng.standard_normal((n, D))  # the prior's deviation is 2, the noise's 1
        logs = -0.5 * ((y - x) ** 2).sum(1)
        weights = np.exp(logs - logs.max())
        sizes.append(particles.effective_size(weights / weights.sum()))
    return np.mean(sizes)


def test_2_2_2b_e_many_dimensions():
    rng = np.random.default_rng(0)
    one, two, four, eight, sixteen, many = (size(D, rng) for D in (1, 2, 4, 8, 16, 64))
    hold(
        "2.2.2b-e",
        one=one,
        two=two,
        four=four,
        eight=eight,
        sixteen=sixteen,
        many=many,
        eight_of_many=size(8, rng, 100_000),
    )
