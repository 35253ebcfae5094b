"""Where a network's weights begin: random, and of a size that lets signals through many layers.

A unit that sums M inputs of variance v, with independent weights of variance w and mean zero, has the
variance M w v. On the way back, a unit sums K messages. Signals keep their size forward if w = 1/M, and
gradients backward if w = 1/K. `glorot` takes the mean of M and K, and `he` gives back the half that a
rectifier takes away.

References
----------
X. Glorot and Y. Bengio (2010); K. He, X. Zhang, S. Ren and J. Sun (2015); A.M. Saxe, J.L. McClelland and
S. Ganguli (2014).
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning.networks.layers import LeakyRectified, Linear, Rectified, Tanh


def _glorot(K, M, rng):
    return rng.standard_normal((K, M)) * np.sqrt(2 / (M + K))


def _he(K, M, rng):
    return rng.standard_normal((K, M)) * np.sqrt(2 / M)


def _orthogonal(K, M, rng):
    """Orthonormal rows or columns, whichever are fewer; without the sign, QR would favor some rotations."""
    Q, R = np.linalg.qr(rng.standard_normal((max(K, M), min(K, M))))
    Q = Q * np.where(np.diag(R) < 0, -1.0, 1.0)
    return Q if K >= M else Q.T


SCHEMES = {"glorot": _glorot, "he": _he, "orthogonal": _orthogonal}


def start(sizes, rng, hidden=Tanh, output=Linear, scheme=None, gain=1.0, dtype=np.float64):
    """Draw a network to start learning from.

    Parameters
    ----------
    sizes : sequence of L+1 ints
        The number of inputs, then the number of units in each layer.
    rng : numpy.random.Generator
    hidden, output : classes of `layers`
        Of all layers but the last, and of the last.
    scheme : {"glorot", "he", "orthogonal"}, optional
        If none is given, "he" where the hidden layers are rectifiers, else "glorot".
    gain : float
        Multiplies the weights.
    dtype : float64 or float32

    Returns
    -------
    tuple of L layers
        The biases are zero.
    """
    rng, gain = checks.generator("rng", rng), checks.number("gain", gain, above=0)
    dtype = dtype if dtype is None else np.dtype(dtype)          # None would be taken for float64
    checks.option("dtype", dtype, (np.dtype(np.float32), np.dtype(np.float64)))
    for name, kind in (("hidden", hidden), ("output", output)):
        if not (isinstance(kind, type) and issubclass(kind, Linear)):
            raise TypeError(f"{name}: expected a class of layers, such as networks.Tanh, got {kind!r}")
    if scheme is None:
        scheme = "he" if issubclass(hidden, (Rectified, LeakyRectified)) else "glorot"
    draw = SCHEMES[checks.option("scheme", scheme, tuple(SCHEMES))]
    sizes = [checks.count(f"sizes[{l}]", size) for l, size in enumerate(checks.several("sizes", sizes))]
    if len(sizes) < 2:
        raise ValueError(f"sizes: expected the number of inputs and of at least one layer's units, got {sizes}")
    kinds = [hidden] * (len(sizes) - 2) + [output]
    return tuple(
        kind((gain * draw(K, M, rng)).astype(dtype), np.zeros(K, dtype))
        for kind, M, K in zip(kinds, sizes, sizes[1:])
    )
