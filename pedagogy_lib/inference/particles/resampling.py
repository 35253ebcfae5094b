"""Four ways to draw particles in proportion to their weights, and what weights are worth.

References
----------
Section 2.2.2, Eq. 2.58; A. Doucet and A. Johansen (2009), a tutorial.
"""

import numpy as np

from pedagogy_lib import checks

RESAMPLING = ("multinomial", "residual", "stratified", "systematic")


def resample(weights, n, rng, method="systematic"):
    """Draw n indices, index i on average n w_i times.

    Parameters
    ----------
    weights : array_like, shape (N,), summing to one
    n : int
    rng : numpy.random.Generator
    method : {"systematic", "stratified", "residual", "multinomial"}
        ``"multinomial"``: n independent draws. ``"stratified"``: one draw in each of n equal slices
        of the unit interval. ``"systematic"``: the same, all at one random offset; then every index
        comes floor(n w_i) or ceil(n w_i) times. ``"residual"``: floor(n w_i) copies for certain, the
        rest multinomial.

    Returns
    -------
    ndarray of int, shape (n,)
        Rising, except for the copies of ``"residual"``.
    """
    w = checks.probabilities("weights", weights, ("N",))
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    checks.option("method", method, RESAMPLING)
    if method == "residual":
        copies = np.floor(n * w * (1 + 1e-15)).astype(int)
        rest, left = np.maximum(n * w - copies, 0.0), n - copies.sum()
        certain = np.repeat(np.arange(len(w)), copies)
        if left == 0:
            return certain
        drawn = resample(rest / rest.sum(), left, rng, "multinomial")
        return np.concatenate([certain, drawn])
    if method == "multinomial":
        places = np.sort(rng.random(n))
    else:
        offsets = rng.random(n) if method == "stratified" else rng.random()
        places = (np.arange(n) + offsets) / n
    edges = np.cumsum(w)
    edges[np.flatnonzero(w)[-1]:] = 1.0               # rounding leaves no gap at the top
    return np.searchsorted(edges, places, side="right")


def effective_size(weights):
    """1 / sum of w_i^2: how many equal particles the weights are worth.

    Parameters
    ----------
    weights : ndarray, shape (..., N), rows summing to one

    Returns
    -------
    float or ndarray
    """
    return 1.0 / (checks.array("weights", weights) ** 2).sum(-1)
