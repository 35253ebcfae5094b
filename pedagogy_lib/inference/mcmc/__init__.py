"""Markov-chain Monte Carlo: samples from a density that is known only up to a constant.

Each method is a stream. It yields a `Step` for ever: where the chain stands, what was proposed and
whether it was taken. `collect` gathers a stream into a `Chain`. The target is a function
``log_density`` of one vector; constants in it cancel.

    ``metropolis_hastings``   propose anything, accept with a probability that makes it right
    ``gibbs``                 draw one part at a time, given the rest
    ``langevin``              drift uphill and diffuse; adjusted by Metropolis, or not
    ``hamiltonian``           give the state a push and let it glide along the density

What they share is *detailed balance*: p(x) P(x'|x) = p(x') P(x|x'). It makes p stationary: once the
chain is distributed like p, it stays so. `metropolis_matrix` and `imbalance` check it exactly, where
there are few enough states to write the transition matrix down.

=============  =========================================================
`samplers`     the mathematics: one function for each method
`chains`       a step, a stretch of steps, and `collect`, which gathers it
`few_states`   transition matrices, and detailed balance checked exactly
`diagnostics`  R-hat, autocorrelation, effective sample size
=============  =========================================================

References
----------
N. Metropolis et al. (1953); W.K. Hastings (1970); S. and D. Geman (1984), Gibbs sampling;
G.O. Roberts and R.L. Tweedie (1996), Langevin; S. Duane et al. (1987) and R.M. Neal (2011),
Hamiltonian; A. Vehtari et al. (2021), diagnostics.
"""

from pedagogy_lib.inference.mcmc.chains import Chain, Step, collect
from pedagogy_lib.inference.mcmc.diagnostics import autocorrelation, effective_sample_size, potential_scale_reduction
from pedagogy_lib.inference.mcmc.few_states import imbalance, metropolis_matrix, stationary
from pedagogy_lib.inference.mcmc.samplers import (
    gibbs,
    hamiltonian,
    independent,
    langevin,
    leapfrog,
    metropolis_hastings,
    random_walk,
)

__all__ = [
    "Chain",
    "Step",
    "autocorrelation",
    "collect",
    "effective_sample_size",
    "gibbs",
    "hamiltonian",
    "imbalance",
    "independent",
    "langevin",
    "leapfrog",
    "metropolis_hastings",
    "metropolis_matrix",
    "potential_scale_reduction",
    "random_walk",
    "stationary",
]
