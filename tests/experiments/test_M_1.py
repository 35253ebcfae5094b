"""The experiments of chapters/90-sampling/M.1-metropolis-hastings.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.inference import mcmc


def walk(width, deviations, seed=0, n=40_000):
    """A random walk with a round proposal on a Gaussian of independent numbers."""
    rng = np.random.default_rng(seed)
    log_density = lambda x: -0.5 * ((x / deviations) ** 2).sum()
    start = deviations * rng.standard_normal(len(deviations))
    return mcmc.collect(mcmc.metropolis_hastings(log_density, mcmc.random_walk(width), start, rng), n)


def worth(width, deviations, coordinate=-1):
    """Independent samples for each step, averaged over three chains."""
    chains = [walk(width, deviations, seed).samples[:, coordinate] for seed in range(3)]
    return np.mean([mcmc.effective_sample_size(chain) / len(chain) for chain in chains])


def test_M_1_d_the_best_width():
    best, round_one = lambda dimensions: 2.4 / np.sqrt(dimensions), np.ones(10)
    ten = worth(best(10), round_one)
    one_narrow = np.r_[0.1, np.ones(9)]
    hold(
        "M.1-d",
        worth_5=5 * worth(best(5), np.ones(5)),
        worth_20=20 * worth(best(20), np.ones(20)),
        accepted_2=walk(best(2), np.ones(2)).acceptance,
        accepted_50=walk(best(50), np.ones(50)).acceptance,
        half_as_wide=worth(best(10) / 2, round_one) / ten,
        twice_as_wide=worth(best(10) * 2, round_one) / ten,
        narrow=max(worth(width, one_narrow) for width in (0.2, 0.4, 0.6, 0.8)) / ten,
    )
