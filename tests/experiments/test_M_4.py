"""The experiments of chapters/90-sampling/M.4-diagnosis.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.inference import mcmc


def bumps(x):
    return float(np.logaddexp(-0.5 * ((x[0] + 3) / 0.8) ** 2, -0.5 * ((x[0] - 3) / 0.8) ** 2))


def four(width, rng):
    """Four chains of 2,000 steps, two from each bump."""
    walks = [mcmc.metropolis_hastings(bumps, mcmc.random_walk(width), [start], rng) for start in (-3.0, -3.0, 3.0, 3.0)]
    return np.array([mcmc.collect(walk, 2000).samples[:, 0] for walk in walks])


def test_M_4_e_a_wall_between_two_bumps():
    rng = np.random.default_rng(0)
    runs = {width: [four(width, rng) for _ in range(20)] for width in (0.5, 0.8, 1.5)}
    rhat = {w: np.median([mcmc.potential_scale_reduction(chains) for chains in several]) for w, several in runs.items()}
    shares = {w: np.array([np.mean(chains > 0) for chains in several]) for w, several in runs.items()}
    hold(
        "M.4-e",
        rhat_narrow=rhat[0.5],
        rhat_wide=rhat[1.5],
        half_narrow=np.mean(np.abs(shares[0.5] - 0.5) < 0.01),
        half_middle=np.mean(np.abs(shares[0.8] - 0.5) < 0.01),
        scatter_middle=shares[0.8].std(),
        scatter_wide=shares[1.5].std(),
        crossings=np.mean([np.diff(chains > 0).sum(1) for chains in runs[1.5]]),
    )
