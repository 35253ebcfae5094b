"""Emissions of a discrete source: what each of its K states shows.

Three families, for symbols, real vectors and counts. Each is a named tuple of parameters with

    ``log_densities(y)``                  log p(y_t | x_t = k), what inference needs
    ``sample(states, rng)``               one observation for each state
    ``observed_statistics(weights, y)``   what the M step needs, with its own ``maximize()``
    ``start(y, k, rng)``                  k states to begin learning from
    ``log_prior(prior)``                  what a prior, worth imaginary observations, adds

so that a model with discrete sources (`pedagogy_lib.models.dynamical.hmm`) takes any of them; the
Gaussian mixture (`pedagogy_lib.models.static.gmm`) is made of the second. A row of y that is NaN
throughout is missing: every state explains it equally well, with log density zero.

References
----------
Sections 2.1.1, 2.2.1, 7.1 and 7.2.
"""

from pedagogy_lib.distributions.emissions._common import checked_states, imagined, pseudo_counts
from pedagogy_lib.distributions.emissions.gaussians import Gaussians, GaussianStatistics
from pedagogy_lib.distributions.emissions.poissons import Poissons, PoissonStatistics
from pedagogy_lib.distributions.emissions.symbols import Symbols, SymbolStatistics

__all__ = [
    "GaussianStatistics", "Gaussians", "PoissonStatistics", "Poissons", "SymbolStatistics", "Symbols",
    "checked_states", "imagined", "pseudo_counts",
]
