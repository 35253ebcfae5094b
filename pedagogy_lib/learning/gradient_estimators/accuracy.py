"""How good an estimator is: its bias and its variance, from many estimates and the exact answer."""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks


class Accuracy(NamedTuple):
    """Of one estimate, which is a mean of N terms; for each of P parameters.

    bias : ndarray, shape (P,), the mean of the estimates less the exact gradient
    bias_error : ndarray, shape (P,), the standard error with which the bias is known
    variance : ndarray, shape (P,), of the estimates about their mean
    """

    bias: np.ndarray
    bias_error: np.ndarray
    variance: np.ndarray

    @property
    def squared_error(self):
        """The mean squared distance to the exact gradient: bias^2 plus variance, summed over parameters."""
        return float((self.bias**2 + self.variance).sum())


def measure(terms, exact):
    """Ask R estimates from N draws each for their bias and variance.

    Parameters
    ----------
    terms : array_like, shape (R, N, P)
        From an estimator, with ``size=(R, N)``; R at least 2.
    exact : array_like, shape (P,)

    Returns
    -------
    Accuracy
    """
    terms = checks.array("terms", terms, ("R", "N", "P"))
    exact = checks.array("exact", exact, terms.shape[2:])
    if len(terms) < 2:
        raise ValueError(f"terms: expected at least 2 estimates to measure a variance, got {len(terms)}")
    estimates = terms.mean(1)
    variance = estimates.var(0, ddof=1)
    return Accuracy(estimates.mean(0) - exact, np.sqrt(variance / len(estimates)), variance)
