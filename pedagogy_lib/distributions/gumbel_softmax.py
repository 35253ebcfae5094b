"""Gumbel numbers: categorical draws by a maximum, and the soft version of them, which has derivatives.

::

    G = eta + G_0,  G_0 with the density exp(-g - exp(-g))      perturb
    sigma_0(G): a one in the place of the largest               harden     categorical, Eq. 8.28
    sigma(G/s): the softmax, of softness s                      soften     Gumbel-softmax, Eq. 8.29

eta are the natural parameters (logits) of the categorical distribution. The soft draws lie inside the
simplex, and their distribution is called Gumbel-softmax, or *concrete*. The softness s is often called
the temperature. Most Gumbel numbers G lie near eta, which is the mode of their distribution; the mean
lies higher by Euler's constant, 0.577....

``marginalize`` is missing: a soft draw that is averaged over its logits has no closed form. So is
``invert``, for the same reason.

References
----------
Section 8.2.2, Eqs. 8.27-8.29. C.J. Maddison, A. Mnih and Y.W. Teh (2017); E. Jang, S. Gu and B. Poole (2017).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, logsumexp, softmax

from pedagogy_lib import checks


class GumbelSoftmax(NamedTuple):
    """The distribution of a softened categorical draw.

    logits : ndarray, shape (K,), eta: the logarithms of the weights, up to a constant
    softness : float, s, above 0; toward 0 the draws become one-hot
    """

    logits: np.ndarray
    softness: float


def sample(distribution, n, rng):
    """Draw points of the simplex (Eq. 8.29).

    Parameters
    ----------
    distribution : GumbelSoftmax
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, K), not negative, rows sum to one
    """
    logits, softness = _checked(distribution)
    return _softmax(_perturb(logits, checks.count("n", n, minimum=0), checks.generator("rng", rng)) / softness)


def log_density(distribution, y):
    """Evaluate the log density on the simplex, with respect to its first K-1 coordinates.

    Parameters
    ----------
    distribution : GumbelSoftmax
    y : array_like, shape (N, K)
        Points inside the simplex: every entry above 0, every row sums to one.

    Returns
    -------
    ndarray, shape (N,)

    References
    ----------
    The draft leaves it out, after Eq. 8.29:
    (K-1)! s^(K-1) prod_k (e^eta_k y_k^(-s-1)) / (sum_k e^eta_k y_k^(-s))^K.
    """
    logits, softness = _checked(distribution)
    y = checks.probabilities("y", y, ("N", len(logits)))
    if (y <= 0).any():
        raise ValueError("y: expected points inside the simplex, every entry above 0, got an entry of 0")
    log_y, K = np.log(y), len(logits)
    shared = logsumexp(logits - softness * log_y, axis=1)
    constant = gammaln(K) + (K - 1) * np.log(softness)
    return constant + (logits - (softness + 1) * log_y).sum(1) - K * shared


def perturb(logits, n, rng):
    """Add independent Gumbel numbers to the logits, ``n`` times over.

    Parameters
    ----------
    logits : array_like, shape (..., K)
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, ..., K)
    """
    logits = _logits("logits", logits)
    return _perturb(logits, checks.count("n", n, minimum=0), checks.generator("rng", rng))


def harden(perturbed):
    """Put a one in the place of the largest, and zeros elsewhere: sigma_0.

    Parameters
    ----------
    perturbed : array_like, shape (..., K)

    Returns
    -------
    ndarray, shape (..., K)
        Of perturbed logits, a draw from Categ(softmax(logits)) (Eq. 8.28).
    """
    return _harden(_logits("perturbed", perturbed))


def soften(perturbed, softness):
    """The softmax of ``perturbed / softness``, over the last axis (Eq. 8.29).

    Parameters
    ----------
    perturbed : array_like, shape (..., K)
    softness : float, above 0

    Returns
    -------
    ndarray, shape (..., K)
    """
    return _softmax(_logits("perturbed", perturbed) / checks.number("softness", softness, above=0))


def pull_back(soft, softness, slope):
    """Take a slope with respect to a soft draw back to the logits: the transposed Jacobian of `soften`, applied.

    Parameters
    ----------
    soft : array_like, shape (..., K)
        From `soften`.
    softness : float, above 0
    slope : array_like, shape (..., K)

    Returns
    -------
    ndarray, shape (..., K)
    """
    soft = _logits("soft", soft)
    slope, softness = checks.array("slope", slope, soft.shape), checks.number("softness", softness, above=0)
    # dsigma_l/dg_m = sigma_l (1[l = m] - sigma_m) / s
    return soft * (slope - (soft * slope).sum(-1, keepdims=True)) / softness


# --- the pieces ---------------------------------------------------------------------------------


def _perturb(logits, n, rng):
    # G_0 = -log(an exponential number): P(G_0 < g) = P(Exp > e^-g) = exp(-e^-g).
    return logits - np.log(rng.standard_exponential((n, *logits.shape)))


def _harden(perturbed):
    return np.eye(perturbed.shape[-1])[perturbed.argmax(-1)]


def _softmax(logits):
    return softmax(logits, axis=-1)


def _logits(name, value):
    given = checks.array(name, value)
    if given.ndim == 0 or given.shape[-1] < 2:
        raise ValueError(f"{name}: expected shape (..., K) with K at least 2, got {given.shape}")
    return given


def _checked(distribution):
    if not isinstance(distribution, GumbelSoftmax):
        raise TypeError(f"distribution: expected GumbelSoftmax, got {type(distribution).__name__}")
    logits = checks.array("distribution.logits", _logits("distribution.logits", distribution.logits), ("K",))
    return logits, checks.number("distribution.softness", distribution.softness, above=0)
