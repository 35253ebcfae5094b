"""The Bayesian Gaussian mixture: a mixture that is not sure of its own parameters.

::

    p(pi)      = Dirichlet(count, ..., count)                                the weights
    p(Sigma_k) = inverse Wishart(scatter, degrees)                           each class's covariance
    p(mu_k | Sigma_k) = N(mean, Sigma_k / strength)                          each class's mean
    p(x | pi), p(y | x, mu, Sigma)     as in `pedagogy_lib.models.static.gmm`

The posterior over classes *and* parameters has no closed form. Mean field asks for the best one that
is right up to independence, q(X) q(pi, mu, Sigma). Then both factors come out in the families above,
and coordinate ascent (CAVI) is EM whose M step returns a distribution. Therefore this module has EM's
two verbs, and ``em.fit(bayesian_gmm, params, y)`` runs it; the loss is the variational free energy,
minus the evidence lower bound (ELBO).

No ``log_marginal``: log p(y), all parameters integrated out, is the sum over K^N assignments that the
free energy bounds. `log_predictive` is what the fitted factors say of new data.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

=============  ==============================================================
`model`        the prior, and the factor over the parameters
`inference`    the factor over the classes
`learning`     the two half-steps, and a part of one for stochastic inference
`divergences`  what the learned factor costs against the prior
`predictive`   the density of new data, and draws from it
=============  ==============================================================

References
----------
Section 8.4, which is empty in the textbook. H. Attias, "A variational Bayesian framework for graphical
models" (2000); C.M. Bishop, Pattern Recognition and Machine Learning (2006), section 10.2.
"""

from pedagogy_lib.models.static.bayesian_gmm.divergences import divergence
from pedagogy_lib.models.static.bayesian_gmm.inference import discounts, posterior
from pedagogy_lib.models.static.bayesian_gmm.learning import (
    Statistics,
    blend,
    expected_statistics,
    maximize,
    observed_statistics,
    start,
    with_prior,
)
from pedagogy_lib.models.static.bayesian_gmm.model import Parameters, Prior, vague_prior
from pedagogy_lib.models.static.bayesian_gmm.predictive import log_predictive, sample

__all__ = [
    "Parameters",
    "Prior",
    "Statistics",
    "blend",
    "discounts",
    "divergence",
    "expected_statistics",
    "log_predictive",
    "maximize",
    "observed_statistics",
    "posterior",
    "sample",
    "start",
    "vague_prior",
    "with_prior",
]
