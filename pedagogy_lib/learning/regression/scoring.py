"""Fisher scoring: Newton's method with the expected Hessian, and steps that are halved until the loss falls.

A problem is an object with two methods,

    loss(beta)                     what is minimized; not finite where beta is not allowed
    score_and_information(beta)    the gradient of minus the loss, (P,), and the expected Hessian, (P, P)

and the step is beta + information^-1 score. For a canonical link the expected Hessian is the Hessian itself, so that
this is Newton's method (Eqs. 5.7, 5.14). For another link the steps may be many, because each leaves a fixed share of
the way. A problem whose loss is convex may therefore have a third method,

    hessian(beta)                  the Hessian, (P, P), by which Newton's method goes on where scoring is slow

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

from itertools import count
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigvalsh

#: A loss may rise by this part of itself: rounding, not a step too long.
ROUNDING = 1e-13
HALVINGS = 40
#: Scoring that has not arrived after so many steps is slow.
SLOW = 12
#: A Hessian that falls below this part of its expectation says little about the loss a step away.
FLAT = 1e-5


class Step(NamedTuple):
    """One step of Fisher scoring.

    beta : ndarray, shape (P,), after the step
    change : ndarray, shape (P,), the step
    loss : float, after the step
    decrement : float, score' information^-1 score before the step: twice what a quadratic loss would have lost
    halvings : int, how often the step was halved
    """

    beta: np.ndarray
    change: np.ndarray
    loss: float
    decrement: float
    halvings: int


def scoring(problem, beta):
    """Yield a `Step` after another, without end."""
    loss = problem.loss(beta)
    dust = ROUNDING**2 * abs(loss)                            # what is left where a fit is perfect
    for number in count():
        score, information = problem.score_and_information(beta)
        if not np.isfinite(information).all():
            raise ValueError("x: expected outputs within the range of numbers, got fitted variances beyond it")
        if number >= SLOW and hasattr(problem, "hessian"):
            information = _curved(problem.hessian(beta), information)
        change = solve(information, score)                    # Eq. 5.14, first line
        decrement = float(score @ change)
        halvings, after = 0, problem.loss(beta + change)
        highest = loss + ROUNDING * abs(loss) + dust
        while not after <= highest and halvings < HALVINGS:   # "not <=" is true of NaN too
            halvings, change = halvings + 1, change / 2
            after = problem.loss(beta + change)
        if not after <= highest:
            change, after = np.zeros_like(change), loss
        beta, loss = beta + change, after
        yield Step(beta, change, float(loss), decrement, halvings)


def _curved(hessian, information):
    """The Hessian, unless the loss is so flat in some direction that Newton's step would lead far astray."""
    return hessian if np.isfinite(hessian).all() and eigvalsh(hessian, information)[0] > FLAT else information


def solve(information, score):
    """information^-1 score, by Cholesky; by least squares where rounding has left no positive pivot."""
    try:
        return cho_solve(cho_factor(information, lower=True), score)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(information, score, rcond=None)[0]
