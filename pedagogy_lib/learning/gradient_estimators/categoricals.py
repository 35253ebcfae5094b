"""Estimators of the gradient of E[f(Y)] in the logits of a categorical Y, a one-hot vector of length K.

Parameters that all functions share: ``logits`` eta, shape (K,); ``size``, the number of draws N, or (..., N);
``rng``, a numpy.random.Generator. ``f`` takes rows (..., K) and returns values (...), and ``slope`` takes rows and
returns df/dy, (..., K). Between the categories, inside the simplex, f may be anything that is smooth: the score
function never looks there, and the two others look nowhere else for their slopes. Each returns its terms, one
estimate from each draw, shape (..., N, K).

References
----------
Section 8.2.2, Eqs. 8.27-8.29. E. Jang, S. Gu and B. Poole (2017); C.J. Maddison, A. Mnih and Y.W. Teh (2017);
Y. Bengio, N. Leonard and A. Courville (2013) for straight-through.
"""

import numpy as np
from scipy.special import softmax

from pedagogy_lib import checks
from pedagogy_lib.distributions import gumbel_softmax as gumbel
from pedagogy_lib.learning.gradient_estimators import _calls
from pedagogy_lib.learning.gradient_estimators import score_function as general


def exact(f, logits):
    """The gradient itself, by a sum over the K categories: sigma_l (f_l - sum_k sigma_k f_k).

    Returns
    -------
    ndarray, shape (K,)
    """
    eta = _logits(logits)
    values, p = _calls.values(f, np.eye(len(eta))), softmax(eta)
    return p * (values - p @ values)


def score_function(f, logits, size, rng, baseline=0.0):
    """E[(Y - sigma) (f(Y) - baseline)], unbiased.

    Parameters
    ----------
    baseline : float, array_like of shape (K,), or "leave-one-out"

    Returns
    -------
    ndarray, shape (..., N, K)
    """
    eta, G = _perturbed(logits, size, rng)
    y = gumbel.harden(G)
    return general.terms(y - softmax(eta), _calls.values(f, y), baseline)


def relaxed(slope, logits, softness, size, rng):
    """The pathwise gradient of E[f(sigma(G/s))], the Gumbel-softmax estimator: biased for E[f(Y)].

    Parameters
    ----------
    softness : float, s, above 0

    Returns
    -------
    ndarray, shape (..., N, K)
    """
    _, G = _perturbed(logits, size, rng)
    soft = gumbel.soften(G, softness)
    return gumbel.pull_back(soft, softness, _calls.slopes(slope, soft))


def straight_through(slope, logits, softness, size, rng):
    """Forward with the one-hot draw, back as if it had been soft: slope at sigma_0(G), Jacobian at sigma(G/s).

    This is the gradient of neither f(sigma_0(G)) nor f(sigma(G/s)). As s goes to 0 it measures the change of f from
    one category to another by the trapezoid rule, from the slopes at both ends, so that a bias remains unless f is
    quadratic between them.

    Parameters
    ----------
    softness : float, s, above 0

    Returns
    -------
    ndarray, shape (..., N, K)
    """
    _, G = _perturbed(logits, size, rng)
    return gumbel.pull_back(gumbel.soften(G, softness), softness, _calls.slopes(slope, gumbel.harden(G)))


def _logits(logits):
    eta = checks.array("logits", logits, ("K",))
    if len(eta) < 2:
        raise ValueError(f"logits: expected at least 2 categories, got {len(eta)}")
    return eta


def _perturbed(logits, size, rng):
    """The logits, and Gumbel numbers around them, shape (..., N, K)."""
    eta, shape = _logits(logits), _calls.sizes(size)
    G = gumbel.perturb(eta, int(np.prod(shape)), rng)
    return eta, G.reshape(*shape, len(eta))
