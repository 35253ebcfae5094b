"""InfoNCE: picking out of K candidates the one that belongs, and how much information that proves.

Given z, there are K candidates: one y drawn together with z, and K - 1 drawn without regard to it. A function h(y, z)
scores each, and

    p(candidate i is the one) = softmax(h(y^1, z), ..., h(y^K, z))_i                                        (10.6)
    loss = <-log softmax of the right one>                                                                  (10.7)

The loss is least where h is log p(y|z) - log p(y), up to a number for each z, which the softmax does not see: other
than in noise-contrastive estimation no normalizer is learned. What is proved is information: log K - loss is on average
never above the mutual information of y and z, whatever h is, and never above log K at all. (`information`)

``scores`` has shape (N, K): h of N contexts with K candidates each. Where K candidates serve K contexts, each being the
right one for one context and a wrong one for all others, the scores are square, with the right ones on the diagonal.

References
----------
Section 10.1.2, Eqs. 10.5-10.11. A. van den Oord, Y. Li and O. Vinyals (2018); B. Poole, S. Ozair, A. van den Oord,
A. Alemi and G. Tucker (2019), for the bound.
"""

import numpy as np
from scipy.special import log_softmax, softmax

from pedagogy_lib import checks


def posterior(scores):
    """The probability that each candidate is the one that belongs.

    Parameters
    ----------
    scores : array_like, shape (N, K)

    Returns
    -------
    ndarray, shape (N, K)
        Rows sum to one.

    References
    ----------
    Eq. 10.6.
    """
    return softmax(_scores(scores), axis=1)


def loss(scores, right=None):
    """The cross entropy of the choice, in nats.

    Parameters
    ----------
    scores : array_like, shape (N, K)
    right : array_like of int, shape (N,), optional
        The candidate that belongs. Without it: number n in row n of square scores.

    Returns
    -------
    float

    References
    ----------
    Eq. 10.7.
    """
    return _loss(*_checked(scores, right))


def value_and_slope(scores, right=None):
    """The loss and its derivative by the scores.

    Parameters
    ----------
    scores, right : as for `loss`

    Returns
    -------
    float, ndarray of shape (N, K)
        The slope is what is believed less what is true, over N.
    """
    scores, right = _checked(scores, right)
    slope = softmax(scores, axis=1)
    slope[np.arange(len(right)), right] -= 1
    return _loss(scores, right), slope / len(right)


def information(scores, right=None):
    """What the choices prove of the mutual information, in nats: log K - loss.

    Parameters
    ----------
    scores, right : as for `loss`

    Returns
    -------
    float
        At most log K. Its expectation over independent pairs is at most the mutual information, for scores that were
        not learned from these very pairs.

    References
    ----------
    Eq. 10.11, with the sign that holds for every K.
    """
    scores, right = _checked(scores, right)
    return float(np.log(scores.shape[1]) - _loss(scores, right))


def accuracy(scores, right=None):
    """The share of contexts whose right candidate has the highest score.

    Parameters
    ----------
    scores, right : as for `loss`

    Returns
    -------
    float
    """
    scores, right = _checked(scores, right)
    return float((scores.argmax(1) == right).mean())


def _loss(scores, right):
    return float(-log_softmax(scores, axis=1)[np.arange(len(right)), right].mean())


def _scores(scores):
    scores = checks.array("scores", scores, ("N", "K"))
    if len(scores) < 1 or scores.shape[1] < 2:
        raise ValueError(f"scores: expected at least one context and at least two candidates, got shape {scores.shape}")
    return scores


def _checked(scores, right):
    scores = _scores(scores)
    N, K = scores.shape
    if right is None:
        if N != K:
            raise ValueError(f"right: expected the right candidate of each row: {N} by {K} scores are not square")
        return scores, np.arange(N)
    right = np.asarray(checks.array("right", right, (N,)))
    if not ((right == right.astype(int)) & (right >= 0) & (right < K)).all():
        raise ValueError(f"right: expected whole numbers from 0 to {K - 1}, got others")
    return scores, right.astype(int)
