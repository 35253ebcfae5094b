"""One step at a time: the boxes of section 2.2.1, on tables of probabilities.

Building blocks, which trust their arguments because their callers have checked them.

References
----------
Section 2.2, Eqs. 2.36, 2.37 and 2.40; section 2.2.1, Eqs. 2.43 and 2.44.
"""

import numpy as np


def time_update(belief, transition):
    """Move the belief one step on, without looking: p(x_t | y_1 ... y_{t-1}).

    Parameters
    ----------
    belief : ndarray, shape (K,), p(x_{t-1} | y_1 ... y_{t-1})
    transition : ndarray, shape (K, K)

    Returns
    -------
    ndarray, shape (K,)

    References
    ----------
    Eq. 2.36, which is Eq. 2.10 on the arrow x_{t-1} -> x_t.
    """
    return transition @ belief


def measurement_update(belief, likelihoods):
    """Look, and let the observation re-weight the belief: p(x_t | y_1 ... y_t).

    Parameters
    ----------
    belief : ndarray, shape (K,), p(x_t | y_1 ... y_{t-1})
    likelihoods : ndarray, shape (K,), p(y_t | x_t = k), or these times any constant

    Returns
    -------
    belief : ndarray, shape (K,), p(x_t | y_1 ... y_t)
    evidence : float, p(y_t | y_1 ... y_{t-1}), times that constant

    References
    ----------
    Eq. 2.37, which is Eq. 2.6 on the arrow x_t -> y_t.
    """
    joint = belief * likelihoods
    evidence = joint.sum()
    return joint / evidence, evidence


def gamma_step(smoothed, filtered, predicted, transition):
    """Take the future into account: future conditioning and backward step in one.

    Parameters
    ----------
    smoothed : ndarray, shape (K,), p(x_t | y_1 ... y_T)
    filtered : ndarray, shape (K,), p(x_{t-1} | y_1 ... y_{t-1}), or these times any constant
    predicted : ndarray, shape (K,), the transition times ``filtered``
    transition : ndarray, shape (K, K)

    Returns
    -------
    ndarray, shape (K, K)
        p(x_t = i, x_{t-1} = j | y_1 ... y_T) in row i, column j. The sums of its columns are
        the smoothed probabilities of x_{t-1}.

    References
    ----------
    Eq. 2.44, which puts Eq. 2.38 into Eq. 2.39. The data do not appear.
    """
    return divide(smoothed, predicted)[:, None] * transition * filtered


def divide(numerator, denominator):
    """A ratio of probabilities, where 0/0 is 0: what was impossible before stays so."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
