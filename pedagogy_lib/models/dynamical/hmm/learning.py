"""Learning: the expected moves of the E step, and the M step, which divides them.

In all functions ``params`` are `Parameters`, and ``y`` is one sequence, a time step to a row, or a list of sequences,
which may differ in length.

References
----------
Section 7.2.
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions import emissions
from pedagogy_lib.models.dynamical.hmm._lists import is_list, joined, names
from pedagogy_lib.models.dynamical.hmm.inference import Posterior, _posterior
from pedagogy_lib.models.dynamical.hmm.model import Parameters


class Statistics(NamedTuple):
    """All that the M step needs to know of the data: sums over time, and over sequences.

    The textbook divides each by the number of sequences, which cancels in every ratio.

    initial : ndarray, shape (K,), of X_1^k
    pairs : ndarray, shape (K, K), of X_t^i X_{t-1}^j over t = 2 ... T
    emission : the emission's own statistics
    size : int, the number of time steps in all
    loss : float
        The marginal cross entropy, -log p(Y) / size, of the parameters that gave the posterior; NaN
        for observed states, which need none. In nats per time step.
    """

    initial: np.ndarray
    pairs: np.ndarray
    emission: Any
    size: int
    loss: float


class Options(NamedTuple):
    """What may be asked of learning, by ``em.fit(hmm, params, y, options=hmm.Options(...))``.

    A prior on the parameters, for data that say too little about some. Each table sees imaginary
    counts besides the real ones (the mode under a Dirichlet prior), so that nothing is ruled out
    only because it has not happened yet.

    initial : float or array_like, shape (K,), imaginary starts in each state
    transition : float or array_like, shape (K, K), imaginary moves; a larger diagonal makes states
        that last
    emission : what the emission takes as its prior, or None. Symbols: imaginary counts, a float or
        shape (M, K). Gaussians: a covariance and a number of imaginary vectors. Poissons: imaginary
        events and steps.
    """

    initial: Any = 0.0
    transition: Any = 0.0
    emission: Any = None


PLAIN = Options()


def start(y, k, family, rng):
    """Choose where EM begins: states that last about ten steps, and emissions that differ at random.

    Parameters
    ----------
    y
    k : int
        The number of states.
    family : type
        `Symbols`, `Gaussians` or `Poissons`, or anything with a ``start(y, k, rng)`` like theirs.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    k, rng = checks.count("k", k), checks.generator("rng", rng)
    leave = 0.1 if k > 1 else 0.0
    transition = np.full((k, k), leave / max(k - 1, 1))
    np.fill_diagonal(transition, 1 - leave)
    return Parameters(np.full(k, 1 / k), transition, family.start(joined(y)[0], k, rng))


def expected_statistics(params, y, options=PLAIN, backend="auto"):
    """The E step: the sufficient statistics, expected under the smoother.

    Parameters
    ----------
    params, y
    backend : {"auto", "numba", "numpy"}
    options : Options
        With a prior the loss includes the prior's part, so that it still never rises.

    Returns
    -------
    Statistics

    References
    ----------
    Section 7.2, "The E step".
    """
    whole, lengths = joined(y)
    logs = np.split(params.emission.log_densities(whole), np.cumsum(lengths)[:-1])
    found = [_posterior(params, part, backend, name) for part, name in zip(logs, names(y))]
    loss = -(sum(one.log_likelihood for one in found) + _log_prior(options, params)) / len(whole)
    return _collected(found, whole, params.emission)._replace(loss=loss)


def observed_statistics(states, y, emission):
    """The same statistics for states that are known, or given softly.

    Parameters
    ----------
    states : array_like of int, shape (T,), or Posterior; or a list of them, one for each sequence
        What the states were, or what is known about them.
    y
    emission : Symbols, Gaussians, Poissons
        Of the right family, with the right number of states; its numbers are not used.

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    given = list(states) if is_list(y) else [states]
    whole, lengths = joined(y)
    if len(given) != len(lengths):
        raise ValueError(f"states: expected one for each of {len(lengths)} sequences, got {len(given)}")
    K = emission.log_densities(whole[:1]).shape[1]
    found = [one if isinstance(one, Posterior) else _known(one, K) for one in given]
    for name, one, length in zip(names(y), found, lengths):
        if np.shape(one.probabilities) != (length, K):
            raise ValueError(
                f"{name.replace('y', 'states')}: expected one of {K} states for each of {length} time steps, "
                f"got shape {np.shape(one.probabilities)}"
            )
    checks.squarable("y", np.nan_to_num(whole))              # NaN: an entry that is missing
    return _collected(found, whole, emission)


def _known(states, K):
    """What is known of states that were seen: they are one-hot, and so are their pairs."""
    states = emissions.checked_states(states, K)
    pairs = np.zeros((K, K))
    np.add.at(pairs, (states[1:], states[:-1]), 1.0)
    return Posterior(np.eye(K)[states], pairs, np.nan, None)


def _collected(found, y, emission):
    """Sums over the posteriors of all sequences."""
    parts = [one.probabilities for one in found]
    weights = np.concatenate(parts) if len(parts) > 1 else parts[0]
    return Statistics(
        np.sum([part[0] for part in parts], axis=0),
        np.sum([one.pair_sums for one in found], axis=0),
        emission.observed_statistics(weights, y),
        len(weights),
        np.nan,
    )


def maximize(statistics, options=PLAIN):
    """The M step: the parameters that minimize the joint cross entropy.

    Parameters
    ----------
    statistics : Statistics
        From `expected_statistics`, or from `observed_statistics` where the states are known.
    options : Options
        Its imaginary counts are added to the real ones.

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If some state is never visited, or never left: nothing can be learned about it.

    References
    ----------
    Section 7.2, "The M step".
    """
    statistics = checks.record("statistics", statistics, initial="K", pairs="KK")
    starts = statistics.initial + emissions.pseudo_counts("initial", options.initial, statistics.initial.shape)
    moves = statistics.pairs + emissions.pseudo_counts("transition", options.transition, statistics.pairs.shape)
    return Parameters(
        starts / starts.sum(),                              # pi_k = <X_1^k>
        _shares(moves),                                     # a_ij = <X_t^i X_{t-1}^j> / <X_{t-1}^j>
        statistics.emission.maximize(options.emission),
    )


def _shares(pairs):
    """Expected moves from j to i, divided by all moves from j."""
    departures = pairs.sum(0)
    if not (departures > 0).all():
        raise ValueError(
            "statistics.pairs: expected every state to be left at least once, got no move from state "
            f"{int(np.argmin(departures))}; use fewer states, longer sequences, other starting values, or a prior"
        )
    return pairs / departures


def _log_prior(options, params):
    """The log probability of the imaginary counts, up to a constant."""
    gain = emissions.imagined(options.initial, params.initial, "initial")
    gain += emissions.imagined(options.transition, params.transition, "transition")
    return gain if options.emission is None else gain + params.emission.log_prior(options.emission)
