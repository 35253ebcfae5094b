"""Counts: every state has rates of its own.

Building blocks, which trust their arguments because their callers have checked them:
`observed_statistics`, `log_prior`, `start`, `maximize` and `checked`.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from pedagogy_lib import checks
from pedagogy_lib.distributions.emissions._common import checked_states, entries, rows, visited

#: NumPy draws no counts at higher rates, because a count must be a whole number of 64 bits.
LARGEST = 9.2e18


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
            Whole numbers; NaN is missing, and its factor is left out.

        Returns
        -------
        ndarray, shape (T, K)
        """
        rates = self.checked().rates
        y, seen = _whole(*entries(y, rates.shape[1]))
        log_rates = np.log(np.where(rates > 0, rates, 1.0))
        logs = y @ log_rates.T - seen.astype(float) @ rates.T - gammaln(y + 1).sum(1, keepdims=True)
        logs[(y > 0).astype(float) @ (rates == 0).T > 0] = -np.inf       # rate 0 never fires
        return logs

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
        rates, rng = self.checked().rates, checks.generator("rng", rng)
        if (rates > LARGEST).any():
            raise ValueError(f"emission.rates: expected rates up to {LARGEST:.3g}, to draw, got {rates.max():.3g}")
        return rng.poisson(rates[checked_states(states, len(rates))])

    def observed_statistics(self, weights, y):
        """Sum up the counts that each state emitted.

        Parameters
        ----------
        weights : array_like, shape (T, K)
        y : array_like, shape (T, D)
            Whole numbers; a row of NaN is missing, and one that is missing in part is refused.

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

    @classmethod
    def start(cls, y, k, rng):
        """Rates to begin learning from: those of all of ``y``, shaken at random.

        Parameters
        ----------
        y : array_like, shape (T, D)
        k : int
        rng : numpy.random.Generator
        """
        y, seen = _counts(y, np.shape(y)[-1])
        if not seen.any():
            raise ValueError(f"y: expected one observation at least, got {len(y)} rows, all of them missing")
        return cls(y[seen].mean(0) * rng.gamma(5.0, 1 / 5.0, (k, y.shape[1])))

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
        return Poissons((self.sums + events) / visited(self.totals + steps, self.sums)[:, None])


def _counts(y, D):
    """Counts, with zeros for the rows that are missing, and which ones are there."""
    return _whole(*rows(y, D))


def _whole(y, seen):
    """The same, if they are counts."""
    wrong = (y != np.floor(y)) | (y < 0)
    if wrong.any():
        t, d = (int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"y: expected counts, whole numbers of at least 0, got {y[t, d]:g} at index ({t}, {d})")
    return y, seen


def _checked_events(prior):
    """The numbers of imaginary events and steps."""
    try:
        events, steps = prior
    except (TypeError, ValueError):
        raise ValueError(f"prior: expected a pair of numbers, events and steps, got {prior!r}") from None
    return checks.number("prior[0]", events, at_least=0), checks.number("prior[1]", steps, at_least=0)
