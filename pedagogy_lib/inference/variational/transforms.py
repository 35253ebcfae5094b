"""Coordinates without bounds for unknowns that have them.

A Gaussian guess may put mass anywhere, so that an unknown which must be positive, or a share, is guessed in
other coordinates: x = T(z), with z free. A density is not a number but a number for each length, and T changes
lengths. Therefore log p(z) = log p(x) + log |dT/dz|: without the second term the answer is wrong.

A transform takes ``free`` numbers z to ``units`` unknowns x, both along the last axis, and has

    ``forward(z)``        x = T(z)
    ``inverse(x)``        z, with a check that x lies within its bounds
    ``log_slope(z)``      numbers whose sum is log |dT/dz|, the logarithm of the determinant
    ``bend(z)``           d log |dT/dz| / dz
    ``carry(z, slopes)``  slopes with respect to x, brought to z: the transposed Jacobian's product with them

All but `Simplex` take one number to one, number by number. A tuple of transforms acts on consecutive columns of
arrays of shape (S, K); the functions at the end take such a tuple.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 8.4, which is empty in the textbook. A. Kucukelbir, D. Tran, R. Ranganath, A. Gelman and D.M. Blei,
"Automatic differentiation variational inference" (2017), section 2.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit, logit

from pedagogy_lib import checks


class _Single:
    """One number to one."""

    free = units = 1

    def carry(self, z, slopes):
        return slopes * np.exp(self.log_slope(z))


class Real(_Single):
    """No bounds: x = z."""

    def forward(self, z):
        return np.asarray(z, float)

    def inverse(self, x):
        return checks.array("x", x)

    def log_slope(self, z):
        return np.zeros_like(z, float)

    def bend(self, z):
        return np.zeros_like(z, float)


class Positive(_Single):
    """Above zero: x = exp z."""

    def forward(self, z):
        return np.exp(z)

    def inverse(self, x):
        return np.log(_inside(x, 0.0, np.inf))

    def log_slope(self, z):
        return np.asarray(z, float)

    def bend(self, z):
        return np.ones_like(z, float)


class _Bounds(NamedTuple):
    low: float = 0.0
    high: float = 1.0


class Between(_Bounds, _Single):
    """Between two bounds: x = low + (high - low) / (1 + exp -z).

    low, high : float
    """

    __slots__ = ()

    def forward(self, z):
        return self.low + (self.high - self.low) * expit(z)

    def inverse(self, x):
        return logit((_inside(x, self.low, self.high) - self.low) / (self.high - self.low))

    def log_slope(self, z):
        return np.log(self.high - self.low) + log_expit(z) + log_expit(-np.asarray(z))

    def bend(self, z):
        return 1 - 2 * expit(z)


class Simplex:
    """K shares, above zero and summing to one, by *stick breaking*, from K - 1 free numbers.

    A stick of length one is broken K - 1 times. Piece k is the part b_k of what is left,

        b_k = 1 / (1 + exp(log(K - k) - z_k)),    x_k = b_k (1 - b_1) ... (1 - b_{k-1}),

    and the last share is the rest; the shift log(K - k) makes all shares equal at z = 0. Densities are those of the
    first K - 1 shares, as a Dirichlet's is, so that the Jacobian is triangular, with the diagonal x_k (1 - b_k).

    Parameters
    ----------
    units : int, K
    """

    def __init__(self, units):
        self.units = checks.count("units", units, minimum=2)
        self.free = self.units - 1
        self._later = np.arange(self.free, 0, -1.0)            # K - k, the pieces after piece k

    def forward(self, z):
        b = self._parts(z)
        left = np.cumprod(1 - b, axis=-1)
        return np.concatenate([b, np.ones_like(b[..., :1])], -1) * np.concatenate([np.ones_like(b[..., :1]), left], -1)

    def inverse(self, x):
        x = _inside(x, 0.0, 1.0)
        if x.shape[-1] != self.units or np.abs(x.sum(-1) - 1).max() > 1e-8:
            raise ValueError(f"x: expected {self.units} shares that sum to one, got shape {x.shape}, sums {x.sum(-1)}")
        after = np.cumsum(x[..., ::-1], -1)[..., ::-1][..., 1:]  # what is left when piece k is off
        return np.log(x[..., :-1] / after) + np.log(self._later)

    def log_slope(self, z):
        """The logarithms of the Jacobian's diagonal: log x_k (1 - b_k)."""
        z = np.asarray(z, float) - np.log(self._later)
        left = log_expit(-z)                                     # log(1 - b_k)
        return np.cumsum(left, -1) + log_expit(z)

    def bend(self, z):
        return 1 - (self._later + 1) * self._parts(z)

    def carry(self, z, slopes):
        """d x_k / d z_k = x_k (1 - b_k), and d x_j / d z_k = -x_j b_k for every later share j."""
        b, pulls = self._parts(z), self.forward(z) * slopes
        after = np.cumsum(pulls[..., ::-1], -1)[..., ::-1][..., 1:]
        return pulls[..., :-1] * (1 - b) - b * after

    def _parts(self, z):
        return expit(np.asarray(z, float) - np.log(self._later))


# ------------------------------------------------------------------------------ many in a row


def sizes(transforms):
    """How many free numbers z, and how many unknowns x, a tuple of transforms has."""
    return sum(t.free for t in transforms), sum(t.units for t in transforms)


def forward(transforms, z):
    """The unknowns x for free numbers z, along the last axis."""
    return np.concatenate([t.forward(z[..., part]) for t, part in _columns(transforms, "free")], -1)


def inverse(transforms, x):
    """The free numbers z for unknowns x, along the last axis."""
    return np.concatenate([t.inverse(x[..., part]) for t, part in _columns(transforms, "units")], -1)


def log_volume(transforms, z):
    """log |dT/dz|, and its slopes: arrays of shapes (S,) and that of z, (S, K)."""
    blocks = [(t, z[..., part]) for t, part in _columns(transforms, "free")]
    logs = sum(t.log_slope(part).sum(-1) for t, part in blocks)
    return logs, np.concatenate([t.bend(part) for t, part in blocks], -1)


def carry(transforms, z, slopes):
    """Slopes with respect to x, brought to z."""
    blocks = zip(_columns(transforms, "free"), _columns(transforms, "units"))
    return np.concatenate([t.carry(z[..., free], slopes[..., units]) for (t, free), (_, units) in blocks], -1)


def _columns(transforms, size):
    """Each transform and its columns. Alike neighbors that act number by number act on theirs together."""
    found = []
    for t in transforms:
        last, part = found[-1] if found else (None, slice(0, 0))
        if isinstance(t, _Single) and t == last:
            found[-1] = (t, slice(part.start, part.stop + 1))
        else:
            found.append((t, slice(part.stop, part.stop + getattr(t, size))))
    return found


def _inside(x, low, high):
    x = checks.array("x", x)
    if not ((low < x) & (x < high)).all():
        raise ValueError(f"x: expected numbers above {low} and below {high}, got {x.min():.3g} to {x.max():.3g}")
    return x
