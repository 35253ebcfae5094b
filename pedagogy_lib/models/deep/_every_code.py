"""A discrete VAE without estimates: sums over all K^J codes, for a model small enough to try them.

The emission does not depend on the datum, so that it is run once for each code and not once for each datum and code.
"""

import numpy as np
from scipy.special import log_softmax, logsumexp

from pedagogy_lib.learning.networks import feedforward

#: More codes than this are not tried.
MOST = 4096


def codes(J, K):
    """All ways in which J dice of K sides can fall, one-hot: shape (K^J, J, K)."""
    if K**J > MOST:
        raise ValueError(
            f"params.source: expected at most {MOST} codes for an exact sum, got {K}^{J}; "
            "estimate with value_and_gradient"
        )
    sides = np.stack(np.meshgrid(*[np.arange(K)] * J, indexing="ij"), -1).reshape(-1, J)
    return np.eye(K)[sides]


def reconstruction(params, q, y):
    """E_q[-log p(y|x)], averaged over data; its gradient in the emission; and its slope in the logits of q.

    Parameters
    ----------
    q : ndarray, shape (N, J, K)
    y : ndarray, shape (N, D)

    Returns
    -------
    float, tuple of layers, ndarray of shape (N, J, K)
    """
    every, down, surprisals = _surprisals(params, y)
    N, (M, J, K), last = len(y), every.shape, params.emission[-1]
    weights = np.prod(np.einsum("njk,mjk->nmj", q, every), axis=2)  # q(code m | datum n)
    # Slope in the emission's eta of code m: sum over n of q_nm (mean_m - y_n) / N.
    slope = (weights.sum(0)[:, None] * last.mean(down.output) - weights.T @ y) / N
    emission = feedforward.run_back(params.emission, down, slope, False).params
    # q_jk E[surprisal | x_j = k], from which dE/deta_jk = q_jk (E[. | x_j = k] - E[.]).
    parts = ((weights * surprisals) @ every.reshape(M, -1)).reshape(N, J, K)
    means = (weights * surprisals).sum(1)
    return means.mean(), emission, (parts - q * means[:, None, None]) / N


def log_marginal(params, y):
    """log sum over codes of p(code) p(y | code), shape (N,)."""
    every, _, surprisals = _surprisals(params, y)
    prior = (every * log_softmax(params.source, axis=-1)).sum((1, 2))
    return logsumexp(prior - surprisals, axis=1)


def _surprisals(params, y):
    """All codes (M, J, K), the record of the emission at them, and -log p(y_n | code m), shape (N, M)."""
    every = codes(*params.source.shape)
    down = feedforward.run(params.emission, every.reshape(len(every), -1))
    last = params.emission[-1]
    columns = [last.surprisals(np.broadcast_to(eta, y.shape), y) for eta in down.output]
    return every, down, np.stack(columns, 1)
