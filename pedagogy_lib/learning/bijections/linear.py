"""Bijections that are linear: a square matrix, and two rearrangements of the columns.

A permutation has nothing to learn. It stands between coupling layers, so that what one layer leaves alone
the next one moves; `Mixing` is its learned generalization (the "1x1 convolution" of Kingma and Dhariwal, 2018).

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 9.1, Eq. 9.5.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.learning.bijections.passages import Gradients, Passage, check_field


class Mixing(NamedTuple):
    """x = D (y - m): the unmixing of independent-components analysis, as one layer of a flow.

    matrix : ndarray, shape (D, D), invertible
    mean : ndarray, shape (D,)
    """

    matrix: np.ndarray
    mean: np.ndarray

    @classmethod
    def start(cls, D, hidden, rng, dtype):
        """A random rotation; ``hidden`` is not used."""
        return cls(np.linalg.qr(rng.standard_normal((D, D)))[0].astype(dtype), np.zeros(D, dtype))

    @property
    def width(self):
        """The columns that the layer takes."""
        return len(self.mean)

    def check(self, name, D):
        """Refuse other shapes, and a matrix that has no inverse."""
        check_field(f"{name}.matrix", self.matrix, (D, D))
        check_field(f"{name}.mean", self.mean, (D,))
        if not np.isfinite(np.linalg.slogdet(self.matrix)[1]):
            raise ValueError(f"{name}.matrix: expected an invertible matrix, got one with dependent rows")

    def run(self, y):
        """x = D (y - m), log|det D|."""
        away = y - self.mean
        volume = np.linalg.slogdet(self.matrix)[1]
        return Passage(away @ self.matrix.T, np.full(len(y), volume, y.dtype), away)

    def undo(self, x):
        """y = D^-1 x + m."""
        return np.linalg.solve(self.matrix, x.T).T + self.mean

    def run_back(self, passage, to_output, to_volume):
        """dL/dD = sum b (y - m)' + D^-T sum v, because the slope of log|det D| is D^-T (section B.1)."""
        to_inputs = to_output @ self.matrix
        slope = to_output.T @ passage.kept + to_volume.sum() * np.linalg.inv(self.matrix).T
        return Gradients(Mixing(slope, -to_inputs.sum(0)), to_inputs)


class Reverse(NamedTuple):
    """The columns in the opposite order. No parameters, and no change of volume."""

    @staticmethod
    def order(D):
        """The columns, as they will stand."""
        return np.arange(D)[::-1]

    #: Any.
    width = None

    @classmethod
    def start(cls, D, hidden, rng, dtype):
        """Nothing is drawn."""
        return cls()

    def check(self, name, D):
        """Nothing can be wrong."""

    def run(self, y):
        """x_i = y_order(i); |det| = 1."""
        return Passage(y[:, self.order(y.shape[1])], np.zeros(len(y), y.dtype), None)

    def undo(self, x):
        """y_order(i) = x_i."""
        return x[:, np.argsort(self.order(x.shape[1]))]

    def run_back(self, passage, to_output, to_volume):
        """The transpose of a permutation is its inverse."""
        return Gradients(self, self.undo(to_output))


class Riffle(Reverse):
    """Columns 0, 2, 4, ... and then 1, 3, 5, ...: with a coupling layer behind it, the checkerboard mask of RealNVP."""

    __slots__ = ()

    @staticmethod
    def order(D):
        """Even columns first."""
        return np.concatenate([np.arange(0, D, 2), np.arange(1, D, 2)])
