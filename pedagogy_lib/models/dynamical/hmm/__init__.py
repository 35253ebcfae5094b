"""The hidden Markov model (HMM): a die that remembers its last side, and shows it through noise.

::

    p(x_1)         = Categ(pi)                 which state first: one of K
    p(x_t|x_{t-1}) = Categ(A x_{t-1})          which state next
    p(y_t|x_t)     = any emission              what it shows: a symbol, a vector, counts

It is the mixture model with a memory: take the arrow from x_{t-1} to x_t away (equal columns of A,
all pi), and what is left is a mixture. Inference is in `pedagogy_lib.inference.discrete`,
emissions in `pedagogy_lib.distributions.emissions`.

Everywhere here ``y`` is one sequence, an array with a time step in each row; the functions that
learn, and `log_marginal`, also take a list of sequences, which may differ in length.

===========  ================================================================
`model`      parameters, and sequences drawn from them
`inference`  filter, smoother, most probable path: what section 2.2.1 derives
`learning`   the E step, the M step, and a prior: what section 7.2 derives
===========  ================================================================

References
----------
Sections 2.2.1 (inference, Eqs. 2.41-2.44) and 7.2 (learning).
"""

from pedagogy_lib.distributions.emissions import Gaussians, Poissons, Symbols
from pedagogy_lib.inference.discrete import Filtered, Path
from pedagogy_lib.models.dynamical.hmm.inference import (
    Posterior,
    filter,
    log_marginal,
    most_probable_path,
    pair_posteriors,
    posterior,
    sample_posterior,
)
from pedagogy_lib.models.dynamical.hmm.learning import (
    PLAIN,
    Options,
    Statistics,
    expected_statistics,
    maximize,
    observed_statistics,
    start,
)
from pedagogy_lib.models.dynamical.hmm.model import Parameters, Sample, sample

__all__ = [
    "PLAIN",
    "Filtered",
    "Gaussians",
    "Options",
    "Parameters",
    "Path",
    "Poissons",
    "Posterior",
    "Sample",
    "Statistics",
    "Symbols",
    "expected_statistics",
    "filter",
    "log_marginal",
    "maximize",
    "most_probable_path",
    "observed_statistics",
    "pair_posteriors",
    "posterior",
    "sample",
    "sample_posterior",
    "start",
]
