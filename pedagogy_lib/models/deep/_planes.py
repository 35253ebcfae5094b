"""A planar layer for each datum: what `bijections.Planar` does to a table, each row with numbers of its own.

    x -> x + u tanh(w'x + b),   log|det| = log(1 + w'u (1 - tanh^2))

``x``, ``u`` and ``w`` have shape (N, K), ``b`` has shape (N,).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from pedagogy_lib.learning.bijections.planar import MARGIN


class Passage(NamedTuple):
    """Where the rows went, (N, K), how much space was stretched there, (N,), and what the way back needs."""

    output: np.ndarray
    log_volume: np.ndarray
    kept: tuple


def pushed(u, w):
    """u moved along w until w'u = softplus(w'u) - 1 + MARGIN > -1; from -1 on the map would fold. And that w'u."""
    before, square = (u * w).sum(1), (w * w).sum(1)
    along = np.logaddexp(0, before) - 1 + before.dtype.type(MARGIN)
    return u + ((along - before) / square)[:, None] * w, along


def run(x, u, w, b):
    """x + u tanh(w'x + b); |det| = 1 + w'u tanh', by the matrix determinant lemma."""
    moved, along = pushed(u, w)
    t = np.tanh((w * x).sum(1) + b)
    stretch = 1 + along * (1 - t * t)
    return Passage(x + t[:, None] * moved, np.log(stretch), (x, u, w, moved, along, t, stretch))


def run_back(kept, to_output, to_volume):
    """The derivatives of a loss by x, u, w and b, from those by the output and by the log volume."""
    x, u, w, moved, along, t, stretch = kept
    square, before = (w * w).sum(1), (u * w).sum(1)
    to_stretch = to_volume / stretch
    to_t = (to_output * moved).sum(1) - 2 * along * t * to_stretch
    to_b = to_t * (1 - t * t)
    to_moved = t[:, None] * to_output
    # moved = u + (along - before) w / w'w, and along = softplus(before) - 1 + MARGIN
    lean = (to_moved * w).sum(1) / square
    to_before = (lean + to_stretch * (1 - t * t)) * expit(before) - lean
    ratio = (along - before) / square
    to_u = to_moved + to_before[:, None] * w
    to_w = to_b[:, None] * x + ratio[:, None] * to_moved - 2 * (ratio * lean)[:, None] * w + to_before[:, None] * u
    return to_output + to_b[:, None] * w, to_u, to_w, to_b
