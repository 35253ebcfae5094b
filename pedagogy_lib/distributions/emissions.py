"""Emissions of a discrete source: what each of its K states shows.

Three families, for symbols, real vectors and counts. Each is a named tuple of parameters with

    ``log_densities(y)``                  log p(y_t | x_t = k), what inference needs
    ``sample(states, rng)``               one observation for each state
    ``observed_statistics(weights, y)``   what the M step needs, with its own ``maximize()``
    ``log_prior(prior)``                  what a prior, worth imaginary observations, adds

so that a model with discrete sources (`pedagogy_lib.models.dynamical.hmm`) takes any of them. A row of y that
is NaN throughout is missing: every state explains it equally well, with log density zero.

References
----------
Sections 2.1.1, 2.2.1, 7.1 and 7.2.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from pedagogy_lib import checks
from pedagogy_lib.distributions import gaussians

# --------------------------------------------------------------------------- symbols


class Symbols(NamedTuple):
    """Each state throws its own die, and shows the symbol on it: a whole number from 0 to M - 1.

    probabilities : ndarray, shape (M, K); entry m, k is p(y = m | x = k), columns sum to one
    """

    probabilities: np.ndarray

    def log_densities(self, y):
        """Evaluate log p(y_t | x_t = k).

        Parameters
        ----------
        y : array_like, shape (T,) or (T, 1)
            Whole numbers; NaN, in an array of floats, where a symbol is missing.

        Returns
        -------
        ndarray, shape (T, K)
        """
        table = self.checked().probabilities
        symbols, seen = _symbols(y, len(table))
        with np.errstate(divide="ignore"):
            logs = np.log(table)[symbols]
        return _silent(logs, seen)

    def sample(self, states, rng):
        """Draw one symbol for each state.

        Parameters
        ----------
        states : array_like of int, shape (T,)
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of int, shape (T,)
        """
        table = self.checked().probabilities
        states = checked_states(states, table.shape[1])
        uniforms = checks.generator("rng", rng).random(len(states))
        edges = np.cumsum(table, axis=0)
        symbols = (edges[:, states] <= uniforms * edges[-1, states]).sum(0)     # inverse CDF
        return symbols.astype(np.int64)

    def observed_statistics(self, weights, y):
        """Count how often each state showed each symbol.

        Parameters
        ----------
        weights : array_like, shape (T, K)
            How much of each state was there: one-hot, or a posterior.
        y
            As for `log_densities`.

        Returns
        -------
        SymbolStatistics
        """
        symbols, seen = _symbols(y, len(self.probabilities))
        w = checks.array("weights", weights, (len(symbols), np.shape(self.probabilities)[1]))
        shape = np.shape(self.probabilities)
        counts = np.empty(shape)
        for k in range(shape[1]):
            counts[:, k] = np.bincount(symbols[seen], w[seen, k], minlength=shape[0])
        return SymbolStatistics(counts)

    def log_prior(self, prior):
        """The log density, up to a constant, of the Dirichlet prior that ``prior`` stands for.

        Parameters
        ----------
        prior : float or array_like, shape (M, K)
            How often each state is imagined to have shown each symbol, besides the data.
        """
        return imagined(prior, self.probabilities, "prior")

    def checked(self):
        """The same, checked."""
        name = "emission.probabilities"
        return Symbols(checks.probabilities(name, self.probabilities, ("M", "K"), axis=0))


class SymbolStatistics(NamedTuple):
    """counts : ndarray, shape (M, K), how often state k showed symbol m; expected, or counted."""

    counts: np.ndarray

    def maximize(self, prior=None):
        """The most probable `Symbols`: the share of each symbol in each state.

        Raises
        ------
        ValueError
            If some state showed nothing at all.
        """
        counts = self.counts
        if prior is not None:
            counts = counts + pseudo_counts("prior", prior, counts.shape)
        return Symbols(counts / _visited(counts.sum(0)))


# ---------------------------------------------------------------------- real vectors


class Gaussians(NamedTuple):
    """Each state emits a vector from a Gaussian of its own.

    means : ndarray, shape (K, D)
    covariances : ndarray, shape (K, D, D), positive definite
    """

    means: np.ndarray
    covariances: np.ndarray

    def log_densities(self, y):
        """Evaluate log N(y_t; mu_k, Sigma_k).

        Parameters
        ----------
        y : array_like, shape (T, D)
            A row of NaN is missing.

        Returns
        -------
        ndarray, shape (T, K)
        """
        means, covariances = self.checked()
        y, seen = _rows(y, means.shape[1])
        roots = np.linalg.cholesky(covariances)                          # Sigma = R R'
        return _silent(gaussians.log_densities(y, means, roots), seen)

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

    def observed_statistics(self, weights, y):
        """Sum up the vectors that each state emitted.

        Parameters
        ----------
        weights : array_like, shape (T, K)
        y
            As for `log_densities`.

        Returns
        -------
        GaussianStatistics
        """
        K, D = np.shape(self.means)
        y, seen = _rows(y, D)
        w = checks.array("weights", weights, (len(y), K))
        if not seen.all():
            y, w = y[seen], w[seen]
        totals = np.ones(len(w)) @ w                                     # <X^k>
        sums = w.T @ y                                                   # <X^k Y>
        own_means = sums / np.where(totals > 0, totals, 1.0)[:, None]
        return GaussianStatistics(totals, sums, gaussians.scatter(w, y, own_means))

    def log_prior(self, prior):
        """The log density, up to a constant, of the inverse-Wishart prior on each covariance.

        Parameters
        ----------
        prior : pair of a covariance, shape (D, D), and a float
            The covariance of imaginary observations, and how many of them each state has seen.
        """
        scale, strength = _checked_scale(prior, np.shape(self.means)[1])
        ratios = np.linalg.solve(self.covariances, np.broadcast_to(scale, np.shape(self.covariances)))
        misfit = np.trace(ratios, axis1=1, axis2=2)
        return float(-0.5 * strength * (misfit + np.linalg.slogdet(self.covariances)[1]).sum())

    def checked(self):
        """The same, checked."""
        means = checks.array("emission.means", self.means, ("K", "D"))
        K, D = means.shape
        covariances = checks.array("emission.covariances", self.covariances, (K, D, D))
        if not _surely_definite(covariances):
            checks.covariance("emission.covariances", covariances, D)
        return Gaussians(means, covariances)


class GaussianStatistics(NamedTuple):
    """Sums over time, weighted by the states.

    totals : ndarray, shape (K,), how often each state emitted
    sums : ndarray, shape (K, D), of what it emitted
    scatters : ndarray, shape (K, D, D), of (y - m_k)(y - m_k)', where m_k = sums_k / totals_k.
        Centred, because taking m_k m_k' away afterwards would cancel the digits of a tight state.
    """

    totals: np.ndarray
    sums: np.ndarray
    scatters: np.ndarray

    def maximize(self, prior=None):
        """The most probable `Gaussians`: weighted means and weighted covariances.

        Raises
        ------
        ValueError
            If some state emitted nothing, or all that it emitted lies in a line, plane or point.
        """
        totals = _visited(self.totals)
        scatters, counts = self.scatters, totals
        if prior is not None:
            scale, strength = _checked_scale(prior, self.sums.shape[1])
            scatters, counts = scatters + strength * scale, totals + strength
        covariances = scatters / counts[:, None, None]
        flat = np.linalg.eigvalsh(covariances)[:, 0] <= 0
        if flat.any():
            raise ValueError(
                "statistics.scatters: expected observations in every state that spread in all directions, "
                f"got a singular covariance in state {np.argmax(flat)}; a prior would keep it open"
            )
        return Gaussians(self.sums / totals[:, None], covariances)


# ---------------------------------------------------------------------------- counts


class Poissons(NamedTuple):
    """Each state emits D counts at D rates of its own, independent of each other.

    rates : ndarray, shape (K, D), not negative
    """

    rates: np.ndarray

    def log_densities(self, y):
        """Evaluate log p(y_t | x_t = k), the sum of D Poisson log probabilities.

        Parameters
        ----------
        y : array_like, shape (T, D)
            Whole numbers; a row of NaN is missing.

        Returns
        -------
        ndarray, shape (T, K)
        """
        rates = self.checked().rates
        y, seen = _counts(y, rates.shape[1])
        log_rates = np.log(np.where(rates > 0, rates, 1.0))
        logs = y @ log_rates.T - rates.sum(1) - gammaln(y + 1).sum(1, keepdims=True)
        logs[(y > 0).astype(float) @ (rates == 0).T > 0] = -np.inf       # rate 0 never fires
        return _silent(logs, seen)

    def sample(self, states, rng):
        """Draw D counts for each state.

        Parameters
        ----------
        states : array_like of int, shape (T,)
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of int, shape (T, D)
        """
        rates = self.checked().rates
        return checks.generator("rng", rng).poisson(rates[checked_states(states, len(rates))])

    def observed_statistics(self, weights, y):
        """Sum up the counts that each state emitted.

        Parameters
        ----------
        weights : array_like, shape (T, K)
        y
            As for `log_densities`.

        Returns
        -------
        PoissonStatistics
        """
        K, D = np.shape(self.rates)
        y, seen = _counts(y, D)
        w = checks.array("weights", weights, (len(y), K)) * seen[:, None]
        return PoissonStatistics(w.sum(0), w.T @ y)

    def log_prior(self, prior):
        """The log density, up to a constant, of the gamma prior on each rate.

        Parameters
        ----------
        prior : pair of float
            How many events every state is imagined to have shown, besides the data, and in how
            many steps.
        """
        events, steps = _checked_events(prior)
        with np.errstate(divide="ignore"):
            logs = events * np.log(self.rates) if events > 0 else 0.0
        return float(np.sum(logs - steps * np.asarray(self.rates)))

    def checked(self):
        """The same, checked."""
        rates = checks.array("emission.rates", self.rates, ("K", "D"))
        if (rates < 0).any():
            raise ValueError(f"emission.rates: expected rates of at least 0, got {rates.min():.3g}")
        return Poissons(rates)


class PoissonStatistics(NamedTuple):
    """totals : ndarray, shape (K,), steps in each state; sums : ndarray, shape (K, D), counts in them."""

    totals: np.ndarray
    sums: np.ndarray

    def maximize(self, prior=None):
        """The most probable `Poissons`: counts per step in each state.

        Raises
        ------
        ValueError
            If some state emitted nothing.
        """
        events, steps = (0.0, 0.0) if prior is None else _checked_events(prior)
        return Poissons((self.sums + events) / _visited(self.totals + steps)[:, None])


# --------------------------------------------------------------------- shared by all


def pseudo_counts(name, value, shape):
    """Imaginary counts, not negative: one number for all, or an array."""
    given = checks.array(name, value)
    if given.shape not in ((), shape) or (given < 0).any():
        raise ValueError(
            f"{name}: expected counts of at least 0, one number or shape {shape}, "
            f"got {'a negative one' if given.shape in ((), shape) else f'shape {given.shape}'}"
        )
    return np.broadcast_to(given, shape)


def imagined(counts, probabilities, name):
    """The log probability of imaginary counts: what a Dirichlet prior adds, up to a constant."""
    p = np.asarray(probabilities, float)
    n = pseudo_counts(name, counts, p.shape)
    with np.errstate(divide="ignore"):
        return float(np.sum(n[n > 0] * np.log(p[n > 0])))


def _surely_definite(covariances):
    """Whether all are symmetric and have a Cholesky root: quicker than all of their eigenvalues."""
    try:
        np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        return False
    return np.array_equal(covariances, np.swapaxes(covariances, 1, 2))


def _visited(totals):
    """The weights of the states, all above zero."""
    if not (totals > 0).all():
        raise ValueError(
            "statistics: expected observations in every state, "
            f"got none in state {int(np.argmin(totals))}; use fewer states, other starting values, or a prior"
        )
    return totals


def _silent(logs, seen):
    """Log densities in which every state explains a missing observation equally well."""
    if not seen.all():
        logs[~seen] = 0.0
    return logs


def _symbols(y, M):
    """Symbols as whole numbers, 0 where they are missing, and which ones are there."""
    given = checks.array("y", y, missing=True)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim != 1:
        raise ValueError(f"y: expected symbols, shape (T,) or (T, 1), got shape {given.shape}")
    seen = ~np.isnan(given)
    values = np.where(seen, given, 0.0)
    wrong = (values != np.floor(values)) | (values < 0) | (values >= M)
    if wrong.any():
        t = int(np.argmax(wrong))
        raise ValueError(f"y: expected whole numbers from 0 to {M - 1}, got {given[t]:g} at index {t}")
    return values.astype(np.int64), seen


def _rows(y, D):
    """Observations with zeros for the rows that are missing, and which ones are there."""
    given = checks.observations("y", y, D, missing=True)
    missing = np.isnan(given)
    if not missing.any():
        return given, np.ones(len(given), bool)
    gone = missing.all(1)
    partly = missing.any(1) & ~gone
    if partly.any():
        raise ValueError(f"y: expected rows observed or missing as a whole, got row {np.argmax(partly)} partly NaN")
    return np.where(gone[:, None], 0.0, given), ~gone


def _counts(y, D):
    """The same for counts."""
    y, seen = _rows(y, D)
    wrong = (y != np.floor(y)) | (y < 0)
    if wrong.any():
        t, d = (int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"y: expected counts, whole numbers of at least 0, got {y[t, d]:g} at index ({t}, {d})")
    return y, seen


def checked_states(states, K):
    """States as whole numbers from 0 to K - 1."""
    given = np.asarray(states)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(f"states: expected whole numbers, shape (T,), got {given.dtype} of shape {given.shape}")
    if given.size and (given.min() < 0 or given.max() >= K):
        raise ValueError(f"states: expected states from 0 to {K - 1}, got {given.min()} to {given.max()}")
    return given.astype(np.int64, copy=False)


def _checked_scale(prior, D):
    """The covariance and the number of imaginary vectors."""
    try:
        scale, strength = prior
    except (TypeError, ValueError):
        raise ValueError(f"prior: expected a pair, a covariance and a number, got {prior!r}") from None
    return checks.covariance("prior[0]", scale, D), checks.number("prior[1]", strength, above=0)


def _checked_events(prior):
    """The numbers of imaginary events and steps."""
    try:
        events, steps = prior
    except (TypeError, ValueError):
        raise ValueError(f"prior: expected a pair of numbers, events and steps, got {prior!r}") from None
    return checks.number("prior[0]", events, at_least=0), checks.number("prior[1]", steps, at_least=0)
