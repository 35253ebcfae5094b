"""Symbols: every state throws a die of its own.

Building blocks, which trust their arguments because their callers have checked them:
`observed_statistics`, `log_prior`, `start`, `maximize` and `checked`.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.emissions._common import checked_states, imagined, pseudo_counts, silent, visited


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
        return silent(logs, seen)

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

    @classmethod
    def start(cls, y, k, rng):
        """Tables to begin learning from: the shares of the symbols in all of ``y``, shaken at random.

        Parameters
        ----------
        y : array_like, shape (T,) or (T, 1)
            The largest symbol in it is taken for M - 1.
        k : int
        rng : numpy.random.Generator
        """
        y = checks.array("y", y, missing=True)
        M = int(np.nanmax(y)) + 1
        symbols, seen = _symbols(y, M)
        shares = np.bincount(symbols[seen], minlength=M) / seen.sum()
        table = shares[:, None] * rng.gamma(5.0, size=(M, k))
        return cls(table / table.sum(0))

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
        return Symbols(counts / visited(counts.sum(0)))


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
