"""Never silently wrong: what the filter does when rounding takes over.

Joseph's form and square roots keep digits; neither can bring back what is lost. The filter therefore
watches two numbers at each step, and raises `numpy.linalg.LinAlgError` with the time step instead of
returning what it cannot know. What watches the smoother is in `growth`.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

from contextlib import contextmanager

import numpy as np

from pedagogy_lib.distributions import rounding
from pedagogy_lib.inference._matrices import sizes

#: How far the variance of an observation may fall below what it was: half of the digits; on
#: roots, where a variance of 1e-24 has a root of 1e-12, about all of them.
DIGITS = {"joseph": rounding.HALF, "covariance": rounding.HALF, "sqrt": 1e-24}
#: How many standard deviations from zero an observation may lie, before its own rounding counts.
REACH = 4e10

NOT_DEFINITE = (
    "the covariance of y, C Y C' + R, is not positive definite. Give emission.covariance more "
    "variance, leave out sensors that repeat others exactly, or use method='sqrt'"
)
LOST = {
    "joseph": (
        "the covariance of y has lost its digits: earlier observations, or other entries of y, predict "
        "an entry so well that the variance left over is mostly rounding. Use method='sqrt'"
    ),
    "sqrt": (
        "the covariance of y has lost its digits, even on square roots. Bring the precisions of "
        "the sensors and of the initial state nearer to each other"
    ),
}
LOST["covariance"] = LOST["joseph"]
CANCELED = (
    "the covariance of x has lost its digits in Y - K C Y. Use method='joseph' or method='sqrt'"
)
OUT_OF_REACH = (
    "y lies so many standard deviations from zero that its own rounding counts. Subtract a "
    "constant from y and from emission.offset before it is rounded"
)


class LostDigits(np.linalg.LinAlgError):
    """Rounding has taken over."""


def watch(method, before, corrected, emission, y, peak):
    """Raise where what an update left over is mostly rounding.

    ``peak``, shape (K,), remembers the largest variance of each state so far, and is updated here: see
    `pedagogy_lib.distributions.rounding`.
    """
    C, root = emission.matrix, corrected.innovation_root
    if method == "sqrt":
        variances, noise = sizes(before.root) ** 2, sizes(emission.covariance) ** 2
    else:
        variances, noise = np.diag(before.covariance), np.diag(emission.covariance)
    np.maximum(peak, variances, out=peak)
    if not rounding.trusted(np.diag(root) ** 2, C, noise, peak, DIGITS[method]).all():
        raise LostDigits(LOST[method])
    if (np.abs(y) > REACH * sizes(root)).any():     # the rounding of y is as large as what y can tell
        raise LostDigits(OUT_OF_REACH)
    # Y - K C Y, of two nearly equal numbers, has few digits left.
    if method == "covariance" and (np.diag(corrected.belief.covariance) < DIGITS[method] * variances).any():
        raise LostDigits(CANCELED)


@contextmanager
def naming(t):
    """Name the time step in whatever goes wrong."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        # What is not ours was raised by a Cholesky factorization.
        reason = error if isinstance(error, LostDigits) else NOT_DEFINITE
        raise np.linalg.LinAlgError(f"at time step t={t} (counted from 0): {reason}") from None


def refuse(kernel, trouble, t, method):
    """Raise what a kernel found wrong, if anything."""
    if trouble == kernel.OK:
        return
    message = {
        kernel.NOT_DEFINITE: NOT_DEFINITE,
        kernel.LOST: LOST[method],
        kernel.OUT_OF_REACH: OUT_OF_REACH,
        kernel.CANCELED: CANCELED,
    }[trouble]
    with naming(t):
        raise LostDigits(message)
