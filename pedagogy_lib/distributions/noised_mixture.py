"""A mixture of Gaussians under noise: where the best denoiser, the score and the density have closed forms.

If y comes from a mixture with weights pi_k, means mu_k and covariances S_k, then at a level (a, v) of
`noising` x = a y + v z comes from a mixture with the same weights and

    means a mu_k,   covariances a^2 S_k + v^2 I                   `gaussian.marginalize`, for each component

and the posterior mean of y is the components' own, averaged with their responsibilities. With one component
the data are Gaussian; with one component of covariance zero for each datum, they are a finite sample.

An observation through any other affine-Gaussian emission leaves a mixture, too (`invert`).

References
----------
Section 2.1.1; section 8.3.1, Eqs. 8.45 and 8.46.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from pedagogy_lib import checks
from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import LOG_TAU, Gaussian


class Mixture(NamedTuple):
    """Data whose every noised version is known.

    weights : ndarray, shape (K,), the textbook's pi
    means : ndarray, shape (K, D)
    covariances : ndarray, shape (K, D, D), positive semi-definite
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def sample(mixture, n, rng):
    """Draw data.

    Parameters
    ----------
    mixture : Mixture
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, D)
    """
    pi, mu, S = _checked(mixture)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    k = rng.choice(len(pi), size=n, p=pi)
    values, vectors = np.linalg.eigh(S)
    roots = vectors * np.sqrt(np.maximum(values, 0))[:, None]
    return mu[k] + np.einsum("nij,nj->ni", roots[k], rng.standard_normal((n, mu.shape[1])))


def log_density(mixture, x, level):
    """The log density of the noised data.

    Parameters
    ----------
    mixture : Mixture
    x : array_like, shape (N, D)
    level : noising.Level, of two numbers

    Returns
    -------
    ndarray, shape (N,)
    """
    logs, _ = _components(mixture, x, level)
    return logsumexp(logs, axis=1)


def denoise(mixture, x, level):
    """The posterior mean E[Y | x]: of all estimates of the datum, that of the least mean square error.

    Parameters
    ----------
    mixture, x, level
        As for `log_density`.

    Returns
    -------
    ndarray, shape (N, D)
    """
    logs, whitened = _components(mixture, x, level)
    _, mu, S = _checked(mixture)
    # Each component's own posterior mean: mu + a S (a^2 S + v^2 I)^-1 (x - a mu), Eq. 2.24.
    means = mu[:, None] + level.signal * np.einsum("kij,knj->kni", S, whitened)
    return checks.held("x", x, np.einsum("nk,kni->ni", softmax(logs, axis=1), means))


def score(mixture, x, level):
    """The gradient of `log_density` with respect to x, the textbook's force.

    Parameters
    ----------
    mixture, x, level
        As for `log_density`.

    Returns
    -------
    ndarray, shape (N, D)
    """
    logs, whitened = _components(mixture, x, level)
    return checks.held("x", x, -np.einsum("nk,kni->ni", softmax(logs, axis=1), whitened))


def invert(mixture, emission, y):
    """Turn the arrow round: the mixture that is left of the data's, given an observation of them.

    Each component is updated as a Gaussian is, and weighed by what the observation was worth to it::

        pi_k' = pi_k N(y; H mu_k + c, H S_k H' + R) / sum_j the same       the class, given y (Eq. 2.4)
        mu_k', S_k' = `gaussian.invert` of mu_k and S_k                    the data, given y and the class

    Parameters
    ----------
    mixture : Mixture
        Or anything with its three fields, such as `models.static.gmm.Parameters`.
    emission : AffineGaussian
        H, c and R: of L numbers, given the D of a datum.
    y : array_like, shape (L,)

    Returns
    -------
    Mixture
        With as many components.

    References
    ----------
    Section 2.1.1 for the weights; Eqs. 2.24-2.27 for the components.
    """
    pi, mu, S = _checked(mixture)
    parts = [Gaussian(*part) for part in zip(checks.squarable("mixture.means", mu), S)]
    foretold = [gaussian.marginalize(part, emission) for part in parts]
    checks.squarable("emission.offset", emission.offset)
    y = checks.squarable("y", checks.array("y", y, ("L",)))
    with np.errstate(divide="ignore"):
        logs = np.log(pi) + [gaussian.log_density(told, y) for told in foretold]
    posteriors = [gaussian.invert(part, emission, y) for part in parts]
    return Mixture(softmax(logs), np.array([p.mean for p in posteriors]), np.array([p.covariance for p in posteriors]))


def _components(mixture, x, level):
    """log pi_k + log N(x; ...), shape (N, K), and (a^2 S + v^2 I)^-1 (x - a mu), shape (K, N, D)."""
    checks.having("level", level, "signal", "deviation")
    pi, mu, S = _checked(mixture)
    x = checks.observations("x", x, mu.shape[1])
    a, v = float(level.signal), float(level.deviation)
    total = a**2 * S + v**2 * np.eye(mu.shape[1])
    deviations = x - a * mu[:, None]
    whitened = np.linalg.solve(total, deviations.swapaxes(1, 2)).swapaxes(1, 2)
    squares = (deviations * whitened).sum(2)
    logs = -0.5 * (squares + np.linalg.slogdet(total)[1][:, None] + mu.shape[1] * LOG_TAU)
    with np.errstate(divide="ignore"):
        return (logs + np.log(pi)[:, None]).T, whitened


def _checked(mixture):
    checks.having("mixture", mixture, "weights", "means", "covariances")
    pi = checks.probabilities("mixture.weights", mixture.weights, ("K",))
    mu = checks.array("mixture.means", mixture.means, (len(pi), "D"))
    S = checks.covariance("mixture.covariances", mixture.covariances, mu.shape[1], definite=False)
    if S.shape != (*mu.shape, mu.shape[1]):
        raise ValueError(
            f"mixture.covariances: expected shape {(*mu.shape, mu.shape[1])}, one for each mean, got {S.shape}"
        )
    return pi, mu, S
