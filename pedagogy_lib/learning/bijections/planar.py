"""Planar flow: space is squeezed or stretched across a hyperplane.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
D.J. Rezende and S. Mohamed (2015), Eqs. 10-12 and appendix A.1.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.learning.bijections.passages import Gradients, Passage, check_field

#: Halvings and Newton steps of the inverse; far more than it needs.
ROUNDS = 100
#: How far w'u stays above -1, where a plane of zero thickness would appear.
MARGIN = 1e-4


class Planar(NamedTuple):
    """x = y + u tanh(w'y + b), with u moved along w as far as it must be for w'u > -1.

    push : ndarray, shape (D,), u before it is moved
    normal : ndarray, shape (D,), w, not zero
    offset : ndarray, shape (1,), b
    """

    push: np.ndarray
    normal: np.ndarray
    offset: np.ndarray

    @classmethod
    def start(cls, D, hidden, rng, dtype):
        """Small random vectors; ``hidden`` is not used."""
        u, w = 0.1 * rng.standard_normal(D), rng.standard_normal(D)
        return cls(u.astype(dtype), w.astype(dtype), np.zeros(1, dtype))

    @property
    def width(self):
        """The columns that the layer takes."""
        return len(self.push)

    def check(self, name, D):
        """Refuse other shapes, and a normal without a direction."""
        check_field(f"{name}.push", self.push, (D,))
        check_field(f"{name}.normal", self.normal, (D,))
        check_field(f"{name}.offset", self.offset, (1,))
        if not self.normal.any():
            raise ValueError(f"{name}.normal: expected a vector with a direction, got zeros")

    def pushed(self):
        """u such that w'u = softplus(w'u_before) - 1 + MARGIN > -1; from -1 on the map would fold; and that w'u."""
        u, w, _ = self
        along = w @ u
        wanted = np.logaddexp(0, along) - 1 + along.dtype.type(MARGIN)
        return u + (wanted - along) * w / (w @ w), wanted

    def run(self, y):
        """x = y + u h(w'y + b); |det| = 1 + h'(w'y + b) w'u, by the matrix determinant lemma."""
        u, along = self.pushed()
        t = np.tanh(y @ self.normal + self.offset)
        stretch = 1 + along * (1 - t * t)
        return Passage(y + t[:, None] * u, np.log(stretch), (y, t, stretch))

    def undo(self, x):
        """y = x - u tanh(w'y + b), where the number a = w'y solves a + w'u tanh(a + b) = w'x."""
        u, along = self.pushed()
        a = _solve(x @ self.normal, along, self.offset[0])
        return x - np.tanh(a + self.offset)[:, None] * u

    def run_back(self, passage, to_output, to_volume):
        """Through the tanh, the constraint on u, and the logarithm of 1 + w'u h'."""
        (u, w, _), (y, t, stretch) = self, passage.kept
        moved, along = self.pushed()
        square, before = w @ w, w @ u
        to_stretch = to_volume / stretch
        to_t = to_output @ moved - 2 * along * t * to_stretch
        to_z = to_t * (1 - t * t)
        to_moved = t @ to_output
        # moved = u + (along - before) w / w'w, and along = softplus(before) - 1 + MARGIN
        lean = to_moved @ w / square
        to_along = lean + (to_stretch * (1 - t * t)).sum()
        to_before = to_along * _logistic(before) - lean
        ratio = (along - before) / square
        to_w = to_z @ y + ratio * to_moved - 2 * ratio * lean * w + to_before * u
        layer = Planar(to_moved + to_before * w, to_w, to_z.sum(keepdims=True))
        return Gradients(layer, to_output + to_z[:, None] * w)


def _solve(target, along, offset):
    """The root of a + along tanh(a + offset) = target, which rises in a because along > -1.

    Newton's method, and half the bracket where its step would leave it.
    """
    low, high = target - np.abs(along), target + np.abs(along)
    a = target.copy()
    for _ in range(ROUNDS):
        t = np.tanh(a + offset)
        excess = a + along * t - target
        low, high = np.where(excess < 0, a, low), np.where(excess > 0, a, high)
        moved = a - excess / (1 + along * (1 - t * t))
        moved = np.where((moved < low) | (moved > high), (low + high) / 2, moved)
        if np.all(moved == a):
            break
        a = moved
    return a


def _logistic(z):
    """1 / (1 + exp(-z)), which cannot overflow in this form."""
    return (0.5 * (1 + np.tanh(0.5 * z))).astype(z.dtype)
