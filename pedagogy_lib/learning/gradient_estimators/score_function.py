"""The score-function estimator of any distribution, also called REINFORCE or likelihood ratio, with control variates.

    d/dphi E[f(X)] = E[ d log p(X; phi)/dphi  f(X) ] = E[ d log p(X; phi)/dphi  (f(X) - beta) ]

The second equation holds for every beta that does not depend on X, since the mean score is zero (section B.2).
beta is called a baseline, and the score times beta a control variate.

References
----------
Section 8.2.1. R.J. Williams (1992); W. Kool, H. van Hoof and M. Welling (2019) for leave-one-out.
"""

import numpy as np

from pedagogy_lib import checks

#: The baseline that is, for each draw, the mean value of all the others.
LEAVE_ONE_OUT = "leave-one-out"


def terms(scores, values, baseline=0.0):
    """Multiply scores by values, less a baseline.

    Parameters
    ----------
    scores : array_like, shape (..., N, P)
        d log p(x_n; phi)/dphi.
    values : array_like, shape (..., N)
        f(x_n).
    baseline : float, array_like of shape (P,), or "leave-one-out"
        beta. Numbers must not have been computed from the same draws, or the estimate is biased.

    Returns
    -------
    ndarray, shape (..., N, P)
        One estimate from each draw; their mean over N is the estimate.
    """
    scores, values = _checked(scores, values)
    if isinstance(baseline, str):
        checks.option("baseline", baseline, [LEAVE_ONE_OUT])
        return scores * (values - _others_mean(values))[..., None]
    baseline = checks.array("baseline", baseline)
    if baseline.shape not in ((), scores.shape[-1:]):
        raise ValueError(f"baseline: expected a number or shape ({scores.shape[-1]},), got {baseline.shape}")
    return scores * (values[..., None] - baseline)


def optimal_baseline(scores, values):
    """Estimate the constant that makes the variance smallest, E[score^2 f] / E[score^2], for each parameter.

    Use it on other draws than those it was computed from.

    Parameters
    ----------
    scores : array_like, shape (..., N, P)
    values : array_like, shape (..., N)

    Returns
    -------
    ndarray, shape (P,)
    """
    scores, values = _checked(scores, values)
    largest = np.abs(scores).max(initial=0.0)
    squares = (scores / (largest or 1.0)).reshape(-1, scores.shape[-1]) ** 2       # in no unit: none is lost
    if (squares.sum(0) == 0).any():
        raise ValueError("scores: expected one that is not zero for each parameter, got none")
    return (squares * values.reshape(-1, 1)).sum(0) / squares.sum(0)


def _others_mean(values):
    """The mean of f over all draws but one: independent of that one, so that nothing is biased."""
    N = values.shape[-1]
    if N < 2:
        raise ValueError("values: leave-one-out needs at least two draws, got 1")
    return (values.sum(-1, keepdims=True) - values) / (N - 1)


def _checked(scores, values):
    scores = checks.array("scores", scores)
    if scores.ndim < 2:
        raise ValueError(f"scores: expected shape (..., N, P), got {scores.shape}")
    return scores, checks.array("values", values, scores.shape[:-1])
