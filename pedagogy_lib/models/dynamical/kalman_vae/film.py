"""The codes of a film as one long Gaussian vector: under the prior, and drawn from q.

All films of one length share the matrices, because q is the smoother written as a linear map.

References
----------
Section 2.2.2; J. Durbin and S.J. Koopman (2002), "A simple and efficient simulation smoother".
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.inference._matrices import covariance_root


class _Codes(NamedTuple):
    """p(a_1 ... a_T) and the readings' noise.

    mean, S : (TC,);  P : (TC, TC);  M : (TC, TC), the inverse of P + diag S;  log_det : log|P + diag S|
    """

    mean: np.ndarray
    P: np.ndarray
    S: np.ndarray
    M: np.ndarray
    log_det: float


class _Draw(NamedTuple):
    """Codes drawn from q, shape (B, TC), and what their derivatives need."""

    codes: np.ndarray
    noise: np.ndarray
    pulls: np.ndarray


def _codes_in_time(params, T):
    """The moments of the codes of T pictures, from those of the states: Cov[z_s, z_t] = A^(s - t) Cov[z_t]."""
    (m, V), (A, a, Q) = params.state_space.params[:2]
    C, K = len(params.log_variances), len(m)
    means, P = np.empty((T, K)), np.empty((T, C, T, C))
    for t in range(T):
        if t:
            m, V = A @ m + a, A @ V @ A.T + Q
        means[t], across = m, V
        for s in range(t, T):
            P[s, :, t], P[t, :, s] = across[:C, :C], across[:C, :C].T
            across = A @ across
    S, P = np.tile(np.exp(params.log_variances), T), P.reshape(T * C, T * C)
    return _Codes(means[:, :C].ravel(), P, S, np.linalg.inv(P + np.diag(S)), np.linalg.slogdet(P + np.diag(S))[1])


def _draw(prior, read, rng):
    """Draw from q: draw codes and readings from the prior, and correct by what the readings say besides."""
    a = prior.mean + rng.standard_normal(read.shape) @ covariance_root(prior.P).T
    noise = rng.standard_normal(read.shape)
    pulls = (read - a - np.sqrt(prior.S) * noise) @ prior.M
    return _Draw(a + pulls @ prior.P, noise, pulls)
