"""The Gaussian mixture model (GMM): roll a die, then draw from the Gaussian of that side.

::

    p(x)   = Categ(pi)                         which class: x is one of K
    p(y|x) = N(mu_x, Sigma_x)                  where: y has D dimensions

The emission is `pedagogy_lib.distributions.emissions.Gaussians`, that of the hidden Markov model: give
the die a memory, and this model becomes that one.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

===========  =====================================================================
`model`      parameters, draws, and the boundary between two classes
`inference`  the responsibilities, and log p(y): what section 2.1.1 derives
`learning`   the E step, the M step, and the free energy: what section 7.1 derives
`labeled`    the same where some classes are known
===========  =====================================================================

References
----------
Sections 2.1.1 (inference, Eqs. 2.2-2.10) and 7.1 (learning).
"""

from pedagogy_lib.models.static.gmm.inference import Posterior, log_marginal, posterior
from pedagogy_lib.models.static.gmm.labeled import Labeled
from pedagogy_lib.models.static.gmm.learning import (
    PLAIN,
    Options,
    Statistics,
    expected_statistics,
    free_energy,
    maximize,
    observed_statistics,
    start,
)
from pedagogy_lib.models.static.gmm.model import Parameters, Sample, emission, linear_boundary, sample

__all__ = [
    "PLAIN",
    "Labeled",
    "Options",
    "Parameters",
    "Posterior",
    "Sample",
    "Statistics",
    "emission",
    "expected_statistics",
    "free_energy",
    "linear_boundary",
    "log_marginal",
    "maximize",
    "observed_statistics",
    "posterior",
    "sample",
    "start",
]
