"""The hidden Markov model (HMM): a die that remembers its last side, and shows it through noise.

::

    p(x_1)         = Categ(pi)                 which state first: one of K
    p(x_t|x_{t-1}) = Categ(A x_{t-1})          which state next
    p(y_t|x_t)     = any emission              what it shows: a symbol, a vector, counts

It is the mixture model with a memory: take the arrow from x_{t-1} to x_t away (equal columns of A,
all pi), and what is left is a mixture. Inference is in `pedagogy_lib.inference.discrete`,
emissions in `pedagogy_lib.distributions.emissions`.

Everywhere here ``y`` is one sequence, an array with a time step in each row; the functions that
learn, and `log_marginal`, also take a list of sequences, which may differ in length.

References
----------
Sections 2.2.1 (inference, Eqs. 2.41-2.44) and 7.2 (learning).
"""

from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions import emissions
from pedagogy_lib.distributions.emissions import Gaussians, Poissons, Symbols
from pedagogy_lib.inference import discrete
from pedagogy_lib.inference.discrete import Filtered, ImpossibleError, Path, Smoothed

__all__ = [
    "Filtered", "Gaussians", "Options", "Parameters", "Path", "Poissons", "Posterior", "Sample",
    "Statistics", "Symbols", "expected_statistics", "filter", "log_marginal", "maximize",
    "most_probable_path", "observed_statistics", "pair_posteriors", "posterior", "sample",
    "sample_posterior", "start",
]


class Parameters(NamedTuple):
    """What there is to know about a hidden Markov model.

    initial : ndarray, shape (K,), the textbook's pi: p(x_1)
    transition : ndarray, shape (K, K), the textbook's A: ``transition[i, j]`` is
        p(x_t = i | x_{t-1} = j), columns sum to one
    emission : Symbols, Gaussians, Poissons, or anything with their methods, for K states
    """

    initial: np.ndarray
    transition: np.ndarray
    emission: Any


class Sample(NamedTuple):
    """One sequence from the model.

    states : ndarray of int, shape (T,), numbered from 0
    observations : ndarray, shape (T,) for symbols, (T, D) for vectors and counts
    """

    states: np.ndarray
    observations: np.ndarray


class Posterior(NamedTuple):
    """What all observations together say about the states.

    probabilities : ndarray, shape (T, K), p(x_t | y_1 ... y_T) (Eq. 2.43)
    pair_sums : ndarray, shape (K, K); entry i, j is the expected number of moves from j to i
    log_likelihood : float, log p(y_1 ... y_T) (Eq. 2.40)
    filtered : Filtered, what the observations up to t say about x_t
    """

    probabilities: np.ndarray
    pair_sums: np.ndarray
    log_likelihood: float
    filtered: Filtered


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
    y : array_like, or list of array_like
        One sequence, or several.
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
    return Parameters(np.full(k, 1 / k), transition, family.start(_joined(y)[0], k, rng))


def sample(params, n, rng):
    """Draw one sequence of ``n`` steps.

    Parameters
    ----------
    params : Parameters
    n : int
        T, the number of steps.
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    References
    ----------
    Eq. 2.35.
    """
    pi, A = _checked(params)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    tables = np.column_stack([pi, A])                   # column 0: before the first step
    edges = np.cumsum(tables, axis=0).T.tolist()
    states, column = [], 0
    for u in rng.random(n).tolist():
        states.append(bisect_right(edges[column], u * edges[column][-1]))       # inverse CDF
        column = states[-1] + 1
    states = np.array(states)
    return Sample(states, params.emission.sample(states, rng))


def filter(params, y, backend="auto"):
    """Infer each state from the observations up to it: p(x_t | y_1 ... y_t).

    Parameters
    ----------
    params : Parameters
    y : array_like, T rows
        One sequence; a row of NaN is missing. Vectors and counts may also lack single entries.
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    Filtered

    Raises
    ------
    ValueError
        If y does not fit the model, is empty, or is impossible: then with the time step.

    References
    ----------
    Eqs. 2.36 and 2.37.
    """
    return _run(discrete.filter, params, _logs(params, y), backend)


def posterior(params, y, backend="auto"):
    """Infer each state from all of the observations: p(x_t | y_1 ... y_T).

    Parameters
    ----------
    params, y, backend
        As for `filter`.

    Returns
    -------
    Posterior

    References
    ----------
    Eqs. 2.41-2.44.
    """
    return _posterior(params, _logs(params, y), backend)


def pair_posteriors(params, found, start=1, stop=None):
    """The posterior of neighbouring states, p(x_t, x_{t-1} | y_1 ... y_T), for some of the steps.

    Parameters
    ----------
    params : Parameters
    found : Posterior
        From `posterior`.
    start, stop : int
        The steps t, counted from 0; the first that has a neighbour before it is 1.

    Returns
    -------
    ndarray, shape (stop - start, K, K)
        The first index is t, the second the state at t, the last the state at t - 1.

    References
    ----------
    Eq. 2.44.
    """
    smoothed = Smoothed(found.probabilities, found.pair_sums)
    return discrete.pair_posteriors(params.transition, found.filtered, smoothed, start, stop)


def most_probable_path(params, y, backend="auto"):
    """Find the most probable sequence of states given y, by Viterbi's algorithm.

    Parameters
    ----------
    params, y, backend
        As for `filter`.

    Returns
    -------
    Path
    """
    return _run(discrete.viterbi, params, _logs(params, y), backend)


def sample_posterior(params, y, n, rng, backend="auto"):
    """Draw whole sequences of states, given y.

    Parameters
    ----------
    params, y, backend
        As for `filter`.
    n : int
        How many sequences.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (n, T)

    References
    ----------
    Section 2.2, "Inference over sequences".
    """
    filtered = filter(params, y, backend)
    return discrete.sample(params.transition, filtered, n, rng, backend)


def log_marginal(params, y, backend="auto"):
    """Evaluate log p(y_1 ... y_T), what a sequence costs (with the sign turned round).

    Parameters
    ----------
    params, backend
        As for `filter`.
    y : array_like, or list of array_like
        One sequence, or several.

    Returns
    -------
    float, or ndarray with one number for each sequence
        In nats.

    References
    ----------
    Eq. 2.40.
    """
    whole, lengths = _joined(y)
    logs = np.split(params.emission.log_densities(whole), np.cumsum(lengths)[:-1])
    found = [
        _run(discrete.filter, params, part, backend, name)
        for part, name in zip(logs, _names(y))
    ]
    costs = np.array([one.log_likelihood for one in found])
    return costs if _is_list(y) else float(costs[0])


def expected_statistics(params, y, options=PLAIN, backend="auto"):
    """The E step: the sufficient statistics, expected under the smoother.

    Parameters
    ----------
    params, backend
        As for `filter`.
    y : array_like, or list of array_like
        One sequence, or several.
    options : Options
        With a prior the loss includes the prior's part, so that it still never rises.

    Returns
    -------
    Statistics

    References
    ----------
    Section 7.2, "The E step".
    """
    whole, lengths = _joined(y)
    logs = np.split(params.emission.log_densities(whole), np.cumsum(lengths)[:-1])
    found = [_posterior(params, part, backend, name) for part, name in zip(logs, _names(y))]
    loss = -(sum(one.log_likelihood for one in found) + _log_prior(options, params)) / len(whole)
    return _collected(found, whole, params.emission)._replace(loss=loss)


def observed_statistics(states, y, emission):
    """The same statistics for states that are known, or given softly.

    Parameters
    ----------
    states : array_like of int, shape (T,), or Posterior; or a list of them, one for each sequence
        What the states were, or what is known about them.
    y : array_like, or list of array_like
        One sequence, or several.
    emission : Symbols, Gaussians, Poissons
        Of the right family, with the right number of states; its numbers are not used.

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    given = list(states) if _is_list(y) else [states]
    whole, lengths = _joined(y)
    if len(given) != len(lengths):
        raise ValueError(f"states: expected one for each of {len(lengths)} sequences, got {len(given)}")
    K = emission.log_densities(whole[:1]).shape[1]
    found = [one if isinstance(one, Posterior) else _known(one, K) for one in given]
    for name, one, length in zip(_names(y), found, lengths):
        if np.shape(one.probabilities) != (length, K):
            raise ValueError(
                f"{name.replace('y', 'states')}: expected one of {K} states for each of {length} time steps, "
                f"got shape {np.shape(one.probabilities)}"
            )
    return _collected(found, whole, emission)


def maximize(statistics, options=PLAIN):
    """The M step: the parameters that minimise the joint cross entropy.

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


def _log_prior(options, params):
    """The log probability of the imaginary counts, up to a constant."""
    gain = emissions.imagined(options.initial, params.initial, "initial")
    gain += emissions.imagined(options.transition, params.transition, "transition")
    return gain if options.emission is None else gain + params.emission.log_prior(options.emission)


def _logs(params, y):
    """The log densities of one sequence."""
    if isinstance(y, (list, tuple)) and _is_list(y):
        raise ValueError(
            f"y: expected one sequence, got a list of {len(y)}, which is as many sequences; make it an array "
            "if its items are time steps"
        )
    return params.emission.log_densities(y)


def _run(algorithm, params, logs, backend, name="y"):
    """Run an algorithm on a sequence of log densities; messages call the sequence by its name."""
    if np.shape(logs)[:1] == (0,):
        raise ValueError(f"{name}: expected at least one time step, got none")
    try:
        return algorithm(params.initial, params.transition, logs, backend)
    except ImpossibleError as error:
        raise error.about(name) from None


def _posterior(params, logs, backend, name="y"):
    """Filter forwards, smooth backwards."""
    filtered, smoothed = _run(discrete.filter_and_smooth, params, logs, backend, name)
    return Posterior(smoothed.probabilities, smoothed.pair_sums, filtered.log_likelihood, filtered)


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


def _shares(pairs):
    """Expected moves from j to i, divided by all moves from j."""
    departures = pairs.sum(0)
    if not (departures > 0).all():
        raise ValueError(
            "statistics.pairs: expected every state to be left at least once, got no move from state "
            f"{int(np.argmin(departures))}; use fewer states, longer sequences, other starting values, or a prior"
        )
    return pairs / departures


def _is_list(y):
    """Whether y is a list of sequences, and not one sequence."""
    if isinstance(y, np.ndarray):
        return y.ndim == 3
    return isinstance(y, (list, tuple)) and len(y) > 0 and np.ndim(y[0]) > 0


def _joined(y):
    """All sequences, one below the other, and their lengths."""
    names = _names(y)
    parts = [checks.numbers(name, part) for name, part in zip(names, y if _is_list(y) else [y])]
    for name, part in zip(names, parts):
        if part.ndim == 0 or len(part) == 0:
            raise ValueError(f"{name}: expected at least one time step, got shape {part.shape}")
        if part.shape[1:] != parts[0].shape[1:]:
            raise ValueError(f"{name}: expected rows of shape {parts[0].shape[1:]}, as in y[0], got {part.shape[1:]}")
    return (np.concatenate(parts) if len(parts) > 1 else parts[0]), [len(part) for part in parts]


def _names(y):
    """What to call each sequence in a message."""
    return [f"y[{i}]" for i in range(len(y))] if _is_list(y) else ["y"]


def _checked(params):
    """The initial and the transition probabilities."""
    pi = checks.probabilities("params.initial", params.initial, ("K",))
    return pi, checks.probabilities("params.transition", params.transition, (len(pi), len(pi)), axis=0)
