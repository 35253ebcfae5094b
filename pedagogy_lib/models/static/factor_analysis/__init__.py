"""Factor analysis: a few independent factors, loaded onto many noisy observations.

::

    p(x)   = N(0, I)                           factors: K of them
    p(y|x) = N(C x + c, Lambda)                observations: D of them, Lambda diagonal

The Gaussian mixture's source was one of K classes; here it is K numbers at once. Whatever two
observations share must come through the factors, because the noise of each is its own.

`residual_variances` is a building block, and trusts its arguments, which its callers have checked.

===========  ======================================================================
`model`      parameters, draws, and the two arrows
`inference`  the posterior of the factors, and log p(y): what section 2.1.2 derives
`learning`   the E step, the M step, and a prior: what section 7.3 derives
===========  ======================================================================

References
----------
Sections 2.1.2 (inference, Eqs. 2.20-2.22) and 7.3 (learning, Eqs. 7.2 and 7.3).
"""

from pedagogy_lib.models.static.factor_analysis.inference import Posterior, log_marginal, posterior
from pedagogy_lib.models.static.factor_analysis.learning import (
    HEYWOOD,
    PLAIN,
    Options,
    Statistics,
    expected_statistics,
    maximize,
    observed_statistics,
    regression,
    residual_variances,
    start,
)
from pedagogy_lib.models.static.factor_analysis.model import Parameters, Sample, communalities, emission, sample, source

__all__ = [
    "HEYWOOD",
    "PLAIN",
    "Options",
    "Parameters",
    "Posterior",
    "Sample",
    "Statistics",
    "communalities",
    "emission",
    "expected_statistics",
    "log_marginal",
    "maximize",
    "observed_statistics",
    "posterior",
    "regression",
    "residual_variances",
    "sample",
    "source",
    "start",
]
