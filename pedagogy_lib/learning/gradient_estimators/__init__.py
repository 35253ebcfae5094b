"""Monte Carlo gradients: the derivative of an expectation with respect to its distribution, from draws.

Wanted is d/dphi E[f(X)], where phi are parameters of the distribution of X (Eq. 8.22). An estimator needs

================  ============================================  ======================
estimator         asks of f                                     asks of X
================  ============================================  ======================
score function    values                                        log p has a derivative
pathwise          slopes, and no jumps                          X = g(Z, phi)
measure-valued    values, at two points for each parameter      dp/dphi as a difference
Gumbel-softmax    slopes between the categories; is biased      categorical
================  ============================================  ======================

Every estimator here gives its *terms*: one estimate from each draw, shape (..., N, P). The Monte Carlo
estimate is their mean over N, and `accuracy.measure` asks many such estimates for bias and variance.
``size`` is N, or (..., N) for many estimates at once.

`gaussians` and `categoricals` have the estimators for these distributions; `score_function` the general form
with its control variates; `gaussian_moments` the identities of Bonnet and Price.

References
----------
Section 8.2.1, and 8.2.2 for discrete latents. S. Mohamed, M. Rosca, M. Figurnov and A. Mnih (2020).
"""

from pedagogy_lib.learning.gradient_estimators import (
    accuracy,
    categoricals,
    gaussian_moments,
    gaussians,
    score_function,
)

__all__ = ["accuracy", "categoricals", "gaussian_moments", "gaussians", "score_function"]
