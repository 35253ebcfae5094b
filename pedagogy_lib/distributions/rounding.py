"""When what is left of a variance is only rounding: one rule for every Gaussian filter.

A variance carries a rounding error of 1e-16 times the size that it had before observations reduced it,
and keeps that error. A filter therefore remembers the largest variance that each state ever had, its
*peak*, and asks of each observation whether its own variance is still larger than that rounding.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""


#: How far the variance of an observation may fall below what it was: half of the digits.
HALF = 1.5e-8


def trusted(pivots, matrix, noise, peak, digits=HALF):
    """Whether each pivot of S = C Y C' + R is more than the rounding that it carries.

    Parameters
    ----------
    pivots : ndarray, shape (L,)
        What the entries of y before it leave uncertain about each entry: the squared diagonal of the
        Cholesky root of S.
    matrix : ndarray, shape (L, K), C
    noise : ndarray, shape (L,), the diagonal of R
    peak : ndarray, shape (K,)
        The largest variance of each state so far.
    digits : float

    Returns
    -------
    ndarray of bool, shape (L,)
    """
    # C^2 peak + R, as if the states were uncorrelated: their errors have no common sign.
    return pivots >= digits * (matrix**2 @ peak + noise)
