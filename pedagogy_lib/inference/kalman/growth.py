"""Never silently wrong: what the smoother does where it makes rounding errors grow.

The filter forgets; the smoother goes back, and undoes what the dynamics have done. Where they damp a
state without noise, the gain J magnifies that state again, and with it the rounding of every number.
`watch` follows the errors back to the start, and raises where they have grown too large.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

import numpy as np

from pedagogy_lib.inference.kalman.guards import LostDigits, naming

EPS = np.finfo(float).eps

GROWN = (
    "the smoother has lost its digits: where the dynamics damp a state without noise, it undoes the "
    "damping, and rounding grows. Give transition.covariance a little variance in every direction"
)


def watch(filtered, found, method, follow=None):
    """Raise where rounding, carried back by the smoother, has grown too large for what it found.

    Parameters
    ----------
    filtered : Filtered, with means of shape (B, T, K)
    found : list of ndarray
        The fields of `Smoothed`, for the same sequences.
    method : {"joseph", "covariance", "sqrt"}
    follow : callable, optional
        `follow_rounding`, or the kernel that does the same.
    """
    means, covariances, _, gains = found
    digits, x = EPS ** (2 if method == "sqrt" else 1), np.ascontiguousarray(filtered.means)
    variances = np.diagonal(filtered.predicted_covariances, axis1=1, axis2=2)
    if method != "sqrt":
        variances = np.maximum(variances, left_over(variances, filtered.covariances))
    largest = np.diagonal(covariances, axis1=1, axis2=2).max()
    limits = (1e-13 if method == "sqrt" else 1e-7) * largest, 1e-6 * np.abs(means).max()
    spread, shift, t = (follow or follow_rounding)(digits, limits, gains, variances, x, means)
    if not (spread <= limits[0] and shift <= limits[1]):
        with naming(t):
            raise LostDigits(GROWN if method == "sqrt" else f"{GROWN}, or use method='sqrt'")


def left_over(predicted, covariances):
    """What updates leave of variances that they bring to nothing, over EPS, shape (T, 1): all of it is rounding.

    An exact sensor leaves about EPS^2 of what was there, because in (1 - K C) Y (1 - K C)' each factor is zero to
    within EPS. (`follow_rounding` multiplies by ``unit``, which is the second EPS.) Later steps move what is left to
    other states, so that it counts for every state from then on.
    """
    nothing = np.diagonal(covariances, axis1=1, axis2=2) < EPS * predicted
    there = np.where(nothing, predicted, 0.0).max(1)
    return EPS * np.maximum.accumulate(np.append(0.0, there[:-1]))[:, None]


def follow_rounding(unit, limits, gains, variances, x, means):
    """How large rounding errors become when the smoother carries them back.

    An error E of Y_{t+1|T} becomes J E J' in Y_{t|T} (Eq. 2.54); so does the covariance E of errors
    of x_{t+1|T}. Both are followed, and each step adds its own: unit times the variances of
    Y_{t|t-1} to the first (on roots unit is squared, and so is the error), and to the second the
    rounding of the means, where the future has changed them.

    Returns
    -------
    spread, shift : float
        The largest error of a variance, and the largest deviation of the errors of a mean.
    t : int
        Where following them has ended: at the start, or as soon as one is beyond its limit.
    """
    K, changed = x.shape[-1], means != x
    rounding = EPS * np.where(changed, np.abs(x), 0.0).max(0)
    errors, largest, diagonal, t = np.zeros((2, K, K)), np.zeros(2), np.arange(K), 0
    for t in range(len(gains) - 1, -1, -1):
        errors = gains[t] @ errors @ gains[t].T
        errors[:, diagonal, diagonal] += unit * np.maximum(variances[t], 0.0), rounding[t] ** 2
        largest = np.maximum(largest, errors[:, diagonal, diagonal].max(1))
        if not (largest[0] <= limits[0] and np.sqrt(largest[1]) <= limits[1]):
            break
    return largest[0], np.sqrt(largest[1]), t
