"""Spline couplings: the part that moves goes through a monotone curve, whose shape the other part tells.

Between the knots (X_k, Y_k) the curve is a ratio of two quadratics, which rises, has given slopes at the knots,
and is undone by solving one quadratic. Outside of a square it is the identity.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
C. Durkan, A. Bekasov, I. Murray and G. Papamakarios (2019), "Neural spline flows", Eqs. 4-8; J.A. Gregory and
R. Delbourgo (1982).
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.learning.bijections.couplings import Additive, _halves
from pedagogy_lib.learning.bijections.passages import Gradients, Passage
from pedagogy_lib.learning.networks import feedforward

#: Pieces of each curve, and half the side of the square in which it bends.
BINS, BOUND = 8, 4.0
#: No piece is narrower or lower than this share of the square, and no slope at a knot is smaller than this.
LEAST = 1e-3
#: softplus of this is 1 - LEAST: a network that says nothing gives slopes of one.
UNIT = float(np.log(np.expm1(1 - LEAST)))


class Piece(NamedTuple):
    """Where numbers lie on their curves; every field has the shape of the numbers, (N, M).

    index : ndarray of int, which piece
    inside : ndarray of bool, whether in the square at all
    left, low, width, height : ndarray, the corner (X_k, Y_k) and the sides of the piece
    before, after : ndarray, the slopes at its two knots
    """

    index: np.ndarray
    inside: np.ndarray
    left: np.ndarray
    low: np.ndarray
    width: np.ndarray
    height: np.ndarray
    before: np.ndarray
    after: np.ndarray


class Spline(Additive):
    """x_a = y_a, and each column of y_b goes through a curve of its own, told by y_a (neural spline flow).

    network : tuple of layers; for each column of b it gives BINS widths, BINS heights and BINS - 1 slopes
    """

    __slots__ = ()
    OUTPUTS = 3 * BINS - 1

    def run(self, y):
        """log|det| = sum of the logarithms of the curves' slopes."""
        a, b = _halves(y)
        record = feedforward.run(self.network, a)
        shares, slopes = _shape(record.output, b)
        piece = _piece(shares, slopes, b, across=True)
        x, log_slope = _curve(piece, b)[:2]
        kept = record, b, shares, piece
        return Passage(np.hstack([a, np.where(piece.inside, x, b)]), (piece.inside * log_slope).sum(1), kept)

    def undo(self, x):
        """A quadratic in the place within the piece, solved in the form in which nothing cancels."""
        a, b = _halves(x)
        piece = _piece(*_shape(feedforward.run(self.network, a).output, b), b, across=False)
        s, up = piece.height / piece.width, b - piece.low
        bend = up * (piece.before + piece.after - 2 * s)
        square, linear, constant = piece.height * (s - piece.before) + bend, piece.height * piece.before - bend, -s * up
        root = np.sqrt(np.maximum(linear * linear - 4 * square * constant, 0))
        place = -2 * constant / np.where(piece.inside, linear + root, 1)
        return np.hstack([a, np.where(piece.inside, piece.left + place * piece.width, b)])

    def run_back(self, passage, to_output, to_volume):
        """Through the curve to its six numbers, and from these to the network's outputs."""
        record, b, shares, piece = passage.kept
        to_a, to_b = _halves(to_output)
        to_x, to_log = to_b * piece.inside, to_volume[:, None] * piece.inside
        to_y, to_piece = _curve_back(piece, b, to_x, to_log)
        raw = _shape_back(record.output, shares, piece, to_piece)
        below = feedforward.run_back(self.network, record, raw, input_gradient=True)
        return Gradients(Spline(below.params), np.hstack([to_a + below.inputs, np.where(piece.inside, to_y, to_b)]))


# --- the curve within one piece ------------------------------------------------------------------


def _curve(piece, y):
    """x = Y + H N / D, log dx/dy = log(s^2 M / D^2), and what both are made of."""
    s, place = piece.height / piece.width, (y - piece.left) / piece.width
    place = np.where(piece.inside, place, 0)
    q = place * (1 - place)
    N = s * place**2 + piece.before * q
    D = s + (piece.before + piece.after - 2 * s) * q
    M = piece.after * place**2 + 2 * s * q + piece.before * (1 - place) ** 2
    return piece.low + piece.height * N / D, np.log(s * s * M / (D * D)), (s, place, q, N, D, M)


def _curve_back(piece, y, to_x, to_log):
    """What the two results receive, sent on to y and to the numbers of the piece."""
    s, place, q, N, D, M = _curve(piece, y)[2]
    to_N = to_x * piece.height / D
    to_D = -to_x * piece.height * N / (D * D) - 2 * to_log / D
    to_M = to_log / M
    to_s = to_N * place**2 + to_D * (1 - 2 * q) + 2 * to_M * q + 2 * to_log / s
    to_q = to_N * piece.before + to_D * (piece.before + piece.after - 2 * s) + 2 * to_M * s
    to_place = 2 * to_N * s * place + 2 * to_M * (piece.after * place - piece.before * (1 - place))
    to_place = to_place + to_q * (1 - 2 * place)
    to_y = to_place / piece.width
    to_piece = piece._replace(
        left=-to_y,
        low=to_x,
        width=-(to_s * s + to_place * place) / piece.width,
        height=to_x * N / D + to_s / piece.width,
        before=(to_N + to_D) * q + to_M * (1 - place) ** 2,
        after=to_D * q + to_M * place**2,
    )
    return to_y, to_piece


# --- from the network's outputs to the piece, and back --------------------------------------------


def _shape(output, b):
    """Widths and heights as shares of the square, shape (2, N, M, BINS), and slopes at all knots, (N, M, BINS + 1)."""
    raw = output.reshape(*b.shape, 3 * BINS - 1)
    sides = np.stack([raw[..., :BINS], raw[..., BINS : 2 * BINS]])
    sides = np.exp(sides - sides.max(-1, keepdims=True))
    shares = LEAST + (1 - BINS * LEAST) * sides / sides.sum(-1, keepdims=True)
    inner = LEAST + np.logaddexp(0, raw[..., 2 * BINS :] + raw.dtype.type(UNIT))
    ends = np.ones((*b.shape, 1), output.dtype)
    return shares, np.concatenate([ends, inner, ends], -1)


def _piece(shares, slopes, value, across):
    """Find the piece of each number: ``across`` by the X of the knots, else by their Y."""
    sides = 2 * BOUND * shares
    knots = np.cumsum(sides, -1) - sides - BOUND  # the lower ends of the pieces
    index = (value[..., None] >= knots[0 if across else 1]).sum(-1) - 1
    index = np.clip(index, 0, BINS - 1)
    take = lambda values: np.take_along_axis(values, index[..., None], -1)[..., 0]
    return Piece(
        index, np.abs(value) < BOUND, take(knots[0]), take(knots[1]), take(sides[0]), take(sides[1]),
        take(slopes[..., :-1]), take(slopes[..., 1:]),
    )  # fmt: skip


def _shape_back(output, shares, piece, to_piece):
    """A knot is the sum of the sides before it; sides are a softmax, and slopes a softplus."""
    bins = np.arange(BINS)
    here, earlier = bins == piece.index[..., None], bins < piece.index[..., None]
    to_sides = [
        here * side[..., None] + earlier * corner[..., None]
        for side, corner in ((to_piece.width, to_piece.left), (to_piece.height, to_piece.low))
    ]
    free = (shares - LEAST) / (1 - BINS * LEAST)  # the softmax
    to_free = 2 * BOUND * (1 - BINS * LEAST) * np.stack(to_sides)
    to_raw = free * (to_free - (free * to_free).sum(-1, keepdims=True))
    to_slopes = here[..., 1:] * to_piece.before[..., None] + here[..., :-1] * to_piece.after[..., None]
    raw = output.reshape(*piece.index.shape, 3 * BINS - 1)[..., 2 * BINS :]
    to_slopes = to_slopes * -np.expm1(-np.logaddexp(0, raw + raw.dtype.type(UNIT)))
    return np.concatenate([to_raw[0], to_raw[1], to_slopes], -1).reshape(output.shape).astype(output.dtype)
