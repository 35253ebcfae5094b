"""Learning the noise schedule of a diffusion model: the one that makes the draws of its bound scatter least.

A draw of the denoising term takes a uniform time u, and so a log signal-to-noise ratio eta = eta(u), and is

    V = -eta'(u) f,    f = 1/2 e^eta |y - m(x, eta)|^2.

Let p(eta) = -1 / eta'(u) be the density of the levels. Then E[V] is the integral of E[f | eta] from the last level to
the first, in which p does not occur: the bound depends on the schedule through its ends alone. But the mean square,

    E[V^2] = integral of E[f^2 | eta] / p(eta),

does depend on p, and with it the variance of V. It is least for p proportional to sqrt(E[f^2 | eta]) (Cauchy and
Schwarz), and its gradient in any parameters phi of p is -E[V^2 d log p / d phi]. That asks for values of V only:
nothing has to flow back through the denoiser.

Here p is constant on each of K equal parts of the range of eta, so that the schedule is `noising.pieces`. Its
shares are the softmax of K free numbers.

References
----------
Section 8.3.1, the continuous-time limit. D.P. Kingma, T. Salimans, B. Poole and J. Ho (2021), who let the gradient
flow through the denoiser instead.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from pedagogy_lib import checks
from pedagogy_lib.distributions import noising


class Spread(NamedTuple):
    """The mean square of the draws, in the form that `pedagogy_lib.learning.optimization` takes.

    Its parameters are ``scores``, an array of shape (K,): the logarithms of the pieces' shares, up to a constant.

    draws : callable
        Of (schedule, y, u, rng): V for each datum, shape (N,), at the times u, shape (N, 1).
    first, last : float, the log signal-to-noise ratios at both ends
    """

    draws: Any
    first: float
    last: float

    def schedule(self, scores):
        """The schedule that the scores stand for, a `noising.Pieces`."""
        scores = checks.array("scores", scores, ("K",))
        if not scores.size:
            raise ValueError("scores: expected one number at least, got none")
        shares = softmax(scores)
        if not (shares > 0).all():
            raise ValueError(f"scores: expected numbers at most 700 apart, or a piece has no time, got {scores}")
        return noising.pieces(shares, self.first, self.last)

    def value_and_gradient(self, scores, y, rng):
        """The mean square of one draw for each datum, and an unbiased estimate of its gradient.

        Parameters
        ----------
        scores : array_like, shape (K,)
        y : array_like, shape (N, D)
        rng : numpy.random.Generator

        Returns
        -------
        float, ndarray of shape (K,)
        """
        schedule, y = self.schedule(scores), checks.array("y", y, ("N", "D"))
        if not len(y):
            raise ValueError("y: expected one datum at least, got none")
        u = checks.generator("rng", rng).random((len(y), 1))
        squares = checks.array("draws(...)", self.draws(schedule, y, u, rng), (len(y),)) ** 2
        # d log p / d scores_j = 1 - share_j on piece j, and -share_j elsewhere.
        on_piece = np.bincount(schedule.piece(u[:, 0]), squares, minlength=len(schedule.shares)) / len(y)
        return float(squares.mean()), np.array(schedule.shares) * squares.mean() - on_piece

    def loss(self, scores, y, rng):
        """The mean square alone: see `value_and_gradient`."""
        return self.value_and_gradient(scores, y, rng)[0]


def best_shares(squares):
    """The shares of least mean square, where it is known what each piece costs.

    Parameters
    ----------
    squares : array_like, shape (K,)
        The mean of f^2 on each of the equal parts of the range; above zero.

    Returns
    -------
    ndarray, shape (K,)
    """
    squares = checks.array("squares", squares, ("K",))
    if (squares <= 0).any():
        raise ValueError(f"squares: expected numbers above zero, got {squares.min():.3g}")
    return np.sqrt(squares) / np.sqrt(squares).sum()
