"""The averages that FastICA needs, for many observations: in blocks that stay in the cache.

Where the curvature of a source's energy follows from its slope, as it does for
`HyperbolicCosine`, no second transcendental function is evaluated.
"""

import numpy as np

from pedagogy_lib.distributions.heavy_tailed import HyperbolicCosine

#: Rows in a block: some hundred kilobytes for ten sources.
BLOCK = 4096


def moments(source, white, W):
    """<E'(x) v'> and <E''(x)>, where v is a white datum and x = W v.

    Parameters
    ----------
    source : source density
    white : ndarray, shape (N, K)
    W : ndarray, shape (K, K)

    Returns
    -------
    cross : ndarray, shape (K, K)
    curvatures : ndarray, shape (K,)
    """
    cross, total = np.zeros_like(W), np.zeros(len(W))
    both = _from_tanh if isinstance(source, HyperbolicCosine) and np.ndim(source.rates) == 0 else _plainly
    for first in range(0, len(white), BLOCK):
        v = white[first : first + BLOCK]
        slopes, curvatures = both(source, v @ W.T)
        cross += slopes.T @ v
        total += curvatures
    return cross / len(white), total / len(white)


def _plainly(source, x):
    """E'(x), and the sum of E''(x) over the rows."""
    return source.derivative(x), source.curvature(x).sum(0)


def _from_tanh(source, x):
    """The same for E' = alpha tanh(beta x), whose derivative is alpha beta (1 - tanh^2(beta x))."""
    if source.sharpness != 1:
        x *= source.sharpness
    slopes = np.tanh(x, out=x)
    curvatures = source.rates * source.sharpness * (len(x) - np.einsum("nk,nk->k", slopes, slopes))
    if source.rates != 1:
        slopes *= source.rates
    return slopes, curvatures
