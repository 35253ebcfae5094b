"""Radial flow: space is drawn towards a point, or pushed away from it.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
D.J. Rezende and S. Mohamed (2015), Eq. 14 and appendix A.2.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.learning.bijections.passages import Gradients, Passage, check_field


class Radial(NamedTuple):
    """x = y + beta (y - c) / (alpha + r), where r = |y - c|, alpha > 0 and beta > -alpha.

    center : ndarray, shape (D,), c
    log_width : ndarray, shape (1,), log alpha
    pull : ndarray, shape (1,), any number rho; beta = softplus(rho) - alpha
    """

    center: np.ndarray
    log_width: np.ndarray
    pull: np.ndarray

    @classmethod
    def start(cls, D, hidden, rng, dtype):
        """A random center, and hardly any pull; ``hidden`` is not used."""
        even = np.log(np.expm1(1.0))  # softplus of this is alpha = 1
        return cls(rng.standard_normal(D).astype(dtype), np.zeros(1, dtype), np.full(1, even, dtype))

    @property
    def width(self):
        """The columns that the layer takes."""
        return len(self.center)

    def check(self, name, D):
        """Refuse other shapes."""
        check_field(f"{name}.center", self.center, (D,))
        check_field(f"{name}.log_width", self.log_width, (1,))
        check_field(f"{name}.pull", self.pull, (1,))

    def constants(self):
        """alpha and beta."""
        alpha = np.exp(self.log_width[0])
        return alpha, np.logaddexp(self.pull[0], 0) - alpha

    def run(self, y):
        """|det| = (1 + beta h)^(D-1) (1 + beta alpha h^2), h = 1 / (alpha + r): across the radius and along it."""
        alpha, beta = self.constants()
        away = y - self.center
        r = np.sqrt((away * away).sum(1))
        h = 1 / (alpha + r)
        across, outward = 1 + beta * h, 1 + beta * alpha * h * h
        log_volume = (y.shape[1] - 1) * np.log(across) + np.log(outward)
        return Passage(y + (beta * h)[:, None] * away, log_volume, (away, r, h, across, outward))

    def undo(self, x):
        """The radius s of x and that of y have s = r (1 + beta / (alpha + r)), which is quadratic in r."""
        alpha, beta = self.constants()
        away = x - self.center
        s = np.sqrt((away * away).sum(1))
        p = alpha + beta - s  # r^2 + p r - alpha s = 0
        root = np.sqrt(p * p + 4 * alpha * s)
        # Of the two forms of the root, the one in which nothing cancels.
        r = np.where(p > 0, 2 * alpha * s / np.where(p > 0, p + root, 1), 0.5 * (root - p))
        return self.center + away / (1 + beta / (alpha + r))[:, None]

    def run_back(self, passage, to_output, to_volume):
        """Through k = beta h and q = beta alpha h^2, and then through h, beta and alpha."""
        alpha, beta = self.constants()
        away, r, h, across, outward = passage.kept
        to_k = (to_output * away).sum(1) + (away.shape[1] - 1) * to_volume / across
        to_q = to_volume / outward
        to_h = beta * to_k + 2 * alpha * beta * h * to_q
        to_r = -h * h * to_h
        to_beta = (h * to_k + alpha * h * h * to_q).sum()
        to_alpha = (beta * h * h * to_q + to_r).sum() - to_beta  # beta = softplus(rho) - alpha
        to_away = (beta * h)[:, None] * to_output + (to_r / np.maximum(r, np.finfo(r.dtype).tiny))[:, None] * away
        to_rho = to_beta * -np.expm1(-np.logaddexp(self.pull, 0))
        return Gradients(Radial(-to_away.sum(0), alpha * to_alpha[None], to_rho), to_output + to_away)
