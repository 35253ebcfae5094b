"""Real vectors: every state, or class, has a Gaussian of its own.

Mixtures and hidden Markov models share this emission.

Building blocks, which trust their arguments because their callers have checked them:
`observed_statistics`, `log_prior`, `start`, `maximize` and `checked`.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.emissions import _passes
from pedagogy_lib.distributions.emissions._common import checked_states, entries, rows, visited


class Gaussians(NamedTuple):
    """Each state emits a vector from a Gaussian of its own.

    means : ndarray, shape (K, D)
    covariances : ndarray, shape (K, D, D), positive definite
    """

    means: np.ndarray
    covariances: np.ndarray

    def log_densities(self, y, backend="auto"):
        """Evaluate log N(y_t; mu_k, Sigma_k).

        Parameters
        ----------
        y : array_like, shape (T, D)
            NaN is missing: what is left of a row is compared with its marginal Gaussian.
        backend : {"auto", "numba", "numpy"}

        Returns
        -------
        ndarray, shape (T, K)
        """
        means, covariances = self.checked()
        y, seen = entries(y, means.shape[1])
        logs = _passes.log_densities(y, means, np.linalg.cholesky(covariances), backend)
        for there in np.unique(seen[~seen.all(1)], axis=0):
            alike = (seen == there).all(1)
            logs[alike] = _marginal(y[alike][:, there], means[:, there], covariances[:, there][:, :, there], backend)
        return logs

    def sample(self, states, rng):
        """Draw one vector for each state.

        Parameters
        ----------
        states : array_like of int, shape (T,)
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, shape (T, D)
        """
        means, covariances = self.checked()
        states = checked_states(states, len(means))
        noise = checks.generator("rng", rng).standard_normal((len(states), means.shape[1]))
        roots = np.linalg.cholesky(covariances)
        return means[states] + np.einsum("tde,te->td", roots[states], noise)

    def observed_statistics(self, weights, y, backend="auto"):
        """Sum up the vectors that each state emitted.

        Parameters
        ----------
        weights : array_like, shape (T, K)
        y : array_like, shape (T, D)
            A row of NaN is missing. A row that is missing in part is refused, because its sums would
            need what the other entries say of the missing ones.
        backend
            As for `log_densities`.

        Returns
        -------
        GaussianStatistics
        """
        K, D = np.shape(self.means)
        y, seen = rows(y, D)
        w = checks.array("weights", weights, (len(y), K))
        if not seen.all():
            y, w = y[seen], w[seen]
        return GaussianStatistics(*_passes.weighted_sums(w, y, backend))

    def log_prior(self, prior, shared=False):
        """The log density, up to a constant, of the inverse-Wishart prior on each covariance.

        Parameters
        ----------
        prior : pair of a covariance, shape (D, D), and a float
            The covariance of imaginary observations, and how many of them each state has seen.
        shared : bool
            Whether all states have one covariance, with one prior.
        """
        scale, strength = _checked_scale(prior, np.shape(self.means)[1])
        covariances = np.asarray(self.covariances)[:1] if shared else np.asarray(self.covariances)
        ratios = np.linalg.solve(covariances, np.broadcast_to(scale, covariances.shape))
        misfit = np.trace(ratios, axis1=1, axis2=2)
        return float(-0.5 * strength * (misfit + np.linalg.slogdet(covariances)[1]).sum())

    @classmethod
    def start(cls, y, k, rng):
        """Gaussians to begin learning from: about k observations, each as wide as all of ``y``.

        Parameters
        ----------
        y : array_like, shape (T, D)
        k : int
            At most the number of different observations.
        rng : numpy.random.Generator
        """
        y, seen = rows(y, np.shape(y)[-1])
        different = np.unique(y[seen], axis=0)
        if len(different) < k:
            raise ValueError(f"k: expected at most the number of different observations, {len(different)}, got {k}")
        spread = checks.covariance("the covariance of y", np.atleast_2d(np.cov(y[seen].T, bias=True)))
        return cls(rng.choice(different, k, replace=False), np.tile(spread, (k, 1, 1)))

    def checked(self):
        """The same, checked."""
        means = checks.array("emission.means", self.means, ("K", "D"))
        K, D = means.shape
        covariances = checks.array("emission.covariances", self.covariances, (K, D, D))
        return Gaussians(means, checks.covariance("emission.covariances", covariances, D))


def _marginal(y, means, covariances, backend):
    """Log densities of the entries that are there; where there are none, all states explain that equally well."""
    if y.shape[1] == 0:
        return np.zeros((len(y), len(means)))
    y, means = np.ascontiguousarray(y), np.ascontiguousarray(means)
    return _passes.log_densities(y, means, np.linalg.cholesky(covariances), backend)


class GaussianStatistics(NamedTuple):
    """Sums over time, weighted by the states.

    totals : ndarray, shape (K,), how often each state emitted
    sums : ndarray, shape (K, D), of what it emitted
    scatters : ndarray, shape (K, D, D), of (y - m_k)(y - m_k)', where m_k = sums_k / totals_k.
        Centered, because taking m_k m_k' away afterwards would cancel the digits of a tight state.
    """

    totals: np.ndarray
    sums: np.ndarray
    scatters: np.ndarray

    def maximize(self, prior=None, shared=False):
        """The most probable `Gaussians`: weighted means and weighted covariances.

        Parameters
        ----------
        prior : pair, optional
            As for `Gaussians.log_prior`.
        shared : bool
            Whether all states have one covariance: the average of their own.

        Raises
        ------
        ValueError
            If some state emitted nothing, or all that it emitted lies in a line, plane or point.
        """
        totals = visited(self.totals, self.sums, self.scatters)
        scatters, counts = self.scatters, totals
        if shared:
            scatters, counts = scatters.sum(0, keepdims=True), counts.sum(keepdims=True)
        if prior is not None:
            scale, strength = _checked_scale(prior, self.sums.shape[1])
            scatters, counts = scatters + strength * scale, counts + strength
        covariances = _definite(scatters / counts[:, None, None])
        return Gaussians(self.sums / totals[:, None], np.broadcast_to(covariances, self.scatters.shape).copy())


def _definite(covariances):
    """The same, if all of them are spread in every direction by more than rounding."""
    eigenvalues = np.linalg.eigvalsh(covariances)
    flat = eigenvalues[:, 0] <= covariances.shape[1] * np.finfo(float).eps * eigenvalues[:, -1]
    if flat.any():
        raise ValueError(
            "statistics.scatters: expected observations in every state that spread in all directions, "
            f"got a singular covariance in state {np.argmax(flat)}; a prior would keep it open"
        )
    return covariances


def _checked_scale(prior, D):
    """The covariance and the number of imaginary vectors."""
    try:
        scale, strength = prior
    except (TypeError, ValueError):
        raise ValueError(f"prior: expected a pair, a covariance and a number, got {prior!r}") from None
    return checks.covariance("prior[0]", scale, D, stack=False), checks.number("prior[1]", strength, above=0)
