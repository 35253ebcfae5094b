"""The experiments of chapters/90-sampling/M.2-gibbs-and-langevin.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.inference import mcmc

RHO, N = 0.99, 100_000
LEFT = np.sqrt(1 - RHO**2)


def worth(x1, draws):
    return 1000 * mcmc.effective_sample_size(x1) / draws


def test_M_2_e_coordinates_for_gibbs_and_steps_for_langevin():
    rng = np.random.default_rng(0)
    given = [(0, lambda x, rng: RHO * x[1] + LEFT * rng.normal()), (1, lambda x, rng: RHO * x[0] + LEFT * rng.normal())]
    x1 = mcmc.collect(mcmc.gibbs(given, [0.0, 0.0], rng), N // 2, every=2).samples[:, 0]
    turned = [
        (0, lambda s, rng: np.sqrt(2 + 2 * RHO) * rng.normal()),
        (1, lambda s, rng: np.sqrt(2 - 2 * RHO) * rng.normal()),
    ]
    other_x1 = mcmc.collect(mcmc.gibbs(turned, [0.0, 0.0], rng), N // 2, every=2).samples.sum(1) / 2
    precision = np.linalg.inv([[1, RHO], [RHO, 1]])
    log_density, slope = lambda x: -0.5 * x @ precision @ x, lambda x: -precision @ x
    steps = (0.1, 0.15, 0.2, 0.25, 0.3)
    chains = {h: mcmc.collect(mcmc.langevin(log_density, slope, [0.0, 0.0], h, rng), N) for h in steps}
    hold(
        "M.2-e",
        gibbs=worth(x1, N),
        turned=worth(other_x1, N),
        langevin=max(worth(chain.samples[:, 0], N) for chain in chains.values()),
        accepted=chains[0.2].acceptance,
    )
