"""The experiments of chapters/10-energy-based/10.2b-contrastive-divergence.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.learning.objectives import annealed_importance
from pedagogy_lib.models.undirected import harmonium


def double(picture, more):
    """One hidden coin: down for the picture, up for the same with more pixels black, and 13 nats the heavier."""
    other = picture.copy()
    other[np.flatnonzero(picture == 0)[:more]] = 1
    low, high = 4 * (2 * picture - 1), 4 * (2 * other - 1)
    bias = 13 + np.logaddexp(0, low).sum() - np.logaddexp(0, high).sum()
    return harmonium.Parameters((high - low)[None], layers.Bernoulli(np.array([bias])), layers.Bernoulli(low))


def test_10_2b_e_when_forward_annealing_finds_the_heavy_mode():
    digits = data.digits()
    picture = (digits.values[digits.classes == 1][0] >= 8).astype(float)

    def off(more, levels, seed):
        """By how many nats the forward estimate misses the exact log normalizer."""
        params, rng = double(picture, more), np.random.default_rng(seed)
        at = lambda level: harmonium.loosened(params, level)
        found = annealed_importance.forward(
            lambda y, level: -harmonium.marginal_energy(at(level), y),
            lambda y, level, rng: harmonium.sweep(at(level), y, rng),
            harmonium.draw_independent(params, 100, rng),
            harmonium.independent_log_partition(params),
            np.linspace(0, 1, levels),
            rng,
        )
        return found.log_ratio - harmonium.log_partition(params)

    root_mean_square = lambda values: np.sqrt(np.mean(np.square(values)))
    hold(
        "10.2b-e",
        error_5_30=root_mean_square([off(5, 30, seed) for seed in range(20)]),
        error_5_3000=root_mean_square([off(5, 3000, seed) for seed in range(3)]),
        off_10_30=np.median([off(10, 30, seed) for seed in range(20)]),
        off_20_300=np.median([off(20, 300, seed) for seed in range(5)]),
    )
