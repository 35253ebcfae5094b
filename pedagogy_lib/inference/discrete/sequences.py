"""Whole sequences: filter, smoother, pairs, the most probable path, and draws from the posterior.

Arguments are bound once, for `filter`; the other functions take the same.

References
----------
Section 2.2, Eqs. 2.36-2.40; section 2.2.1, Eqs. 2.41-2.44.
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference.discrete import _arguments as arguments
from pedagogy_lib.inference.discrete import _logs as on_logs
from pedagogy_lib.inference.discrete._backends import passes_of
from pedagogy_lib.inference.discrete.results import Filtered, ImpossibleError, Path, Smoothed
from pedagogy_lib.inference.discrete.updates import divide


def filter(initial, transition, log_emissions, backend="auto"):
    """Filter a sequence: p(x_t | y_1 ... y_t) for every t, forwards.

    Parameters
    ----------
    initial : array_like, shape (K,)
        p(x_1).
    transition : array_like, shape (K, K)
        ``transition[i, j]`` is p(x_t = i | x_{t-1} = j): columns sum to one.
    log_emissions : array_like, shape (T, K)
        log p(y_t | x_t = k), up to a constant for each t if the log-likelihood does not matter.
    backend : {"auto", "numba", "numpy"}
        The compiled kernel, or the NumPy reference; ``"auto"`` takes the kernel if numba is there.

    Returns
    -------
    Filtered

    Raises
    ------
    ValueError
        If an argument has the wrong shape, is not finite (minus infinity is welcome among the log
        densities), or is no probability.
    ImpossibleError
        If an observation has probability zero, given those before it. It is a ValueError too.

    Notes
    -----
    Takes of the order of T K^2 operations.

    References
    ----------
    Eqs. 2.36, 2.37 and 2.40.
    """
    pi, A = arguments.chain(initial, transition)
    return _filter(passes_of(backend), pi, A, arguments.log_emissions_of(log_emissions, len(pi)))


def _filter(run, pi, A, logs):
    """The same, of checked arguments."""
    predicted, filtered, evidence, peaks = run.filter(pi, A, logs)
    arguments.check_peaks(peaks)
    if not on_logs.fits(A, logs, predicted, filtered, evidence):
        predicted, filtered, evidence, impossible = run.filter_logs(on_logs.log(pi), A, on_logs.log(A), logs)
        if impossible >= 0:
            raise ImpossibleError(impossible)
        return Filtered(np.exp(predicted), np.exp(filtered), evidence, (predicted, filtered))
    return Filtered(predicted, filtered, np.log(evidence) + peaks)


def smooth(transition, filtered, backend="auto"):
    """Smooth a filtered sequence: p(x_t | y_1 ... y_T) for every t, backwards.

    Parameters
    ----------
    transition : array_like, shape (K, K)
        As for `filter`.
    filtered : Filtered
        From `filter`. It holds all that the smoother needs of the data.
    backend
        As for `filter`.

    Returns
    -------
    Smoothed

    References
    ----------
    Eqs. 2.43 and 2.44.
    """
    return _smooth(passes_of(backend), *arguments.filter_result(transition, filtered))


def _smooth(run, A, filtered):
    """The same, of checked arguments."""
    if filtered.logs is not None:
        return Smoothed(*run.smooth_logs(on_logs.log(A), *filtered.logs))
    return Smoothed(*run.smooth(A, filtered.predicted, filtered.probabilities))


def filter_and_smooth(initial, transition, log_emissions, backend="auto"):
    """Filter a sequence forwards, then smooth it backwards.

    Parameters
    ----------
    initial, transition, log_emissions, backend
        As for `filter`.

    Returns
    -------
    filtered : Filtered
    smoothed : Smoothed

    Raises
    ------
    ValueError, ImpossibleError
        As for `filter`.
    """
    pi, A = arguments.chain(initial, transition)
    run = passes_of(backend)
    filtered = _filter(run, pi, A, arguments.log_emissions_of(log_emissions, len(pi)))
    return filtered, _smooth(run, A, filtered)


def pair_posteriors(transition, filtered, smoothed, start=1, stop=None):
    """The posterior of neighboring states, p(x_t, x_{t-1} | y_1 ... y_T), for some of the steps.

    Parameters
    ----------
    transition, filtered
        As for `smooth`.
    smoothed : Smoothed
        From `smooth`.
    start, stop : int
        The steps t, from 1 (the pair of the first two states, counted from 0) to before T.

    Returns
    -------
    ndarray, shape (stop - start, K, K)
        The first index is t, the second the state at t, the last the state at t - 1.

    References
    ----------
    Eq. 2.44.
    """
    A, filtered = arguments.filter_result(transition, filtered)
    T, K = filtered.probabilities.shape
    checks.having("smoothed", smoothed, "probabilities")
    gamma = checks.array("smoothed.probabilities", smoothed.probabilities, (T, K))
    start = checks.count("start", start)
    stop = T if stop is None else checks.count("stop", stop)
    if stop > T:
        raise ValueError(f"stop: expected at most {T}, the number of steps, got {stop}")
    now, before = slice(start, stop), slice(start - 1, max(stop - 1, start - 1))
    if filtered.logs is not None:
        predicted, belief = filtered.logs
        ratios = on_logs.log_ratios(gamma[now], predicted[now])
        return np.exp(ratios[:, :, None] + on_logs.log(A) + belief[before, None, :])
    ratios = divide(gamma[now], filtered.predicted[now])
    return ratios[:, :, None] * A * filtered.probabilities[before, None, :]


def alpha_unnormalized(initial, transition, log_emissions):
    """The alpha recursion as the textbook prints it: p(x_t, y_1 ... y_t), never normalized.

    It is here to be looked at. Every step multiplies by numbers below one (or above, for narrow
    densities), so that a few hundred steps underflow to zero (or overflow).

    Parameters
    ----------
    initial, transition, log_emissions
        As for `filter`.

    Returns
    -------
    ndarray, shape (T, K)

    References
    ----------
    Eqs. 2.41 and 2.42.
    """
    pi, A = arguments.chain(initial, transition)
    logs = arguments.log_emissions_of(log_emissions, len(pi))
    if np.isnan(logs).any() or (logs == np.inf).any():
        raise ValueError("log_emissions: expected numbers below infinity, got others")
    with np.errstate(over="ignore"):
        likelihoods = np.exp(logs)
    alpha = np.empty_like(likelihoods)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for t, likelihood in enumerate(likelihoods):
            alpha[t] = (A @ alpha[t - 1] if t > 0 else pi) * likelihood     # Eq. 2.41
    return alpha


def viterbi(initial, transition, log_emissions, backend="auto"):
    """Find the most probable sequence of states, given all observations.

    The recursion is that of the filter on logarithms, with the best previous state in the place of
    the sum over them. Of equally probable sequences, one is returned.

    Parameters
    ----------
    initial, transition, log_emissions, backend
        As for `filter`.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        As for `filter`.
    """
    pi, A = arguments.chain(initial, transition)
    logs = arguments.log_emissions_of(log_emissions, len(pi))
    arguments.check_peaks(logs.max(1))
    start, moves = on_logs.log(pi), on_logs.log(A)
    path, impossible = passes_of(backend).viterbi(start, moves, logs)
    if impossible >= 0:
        raise ImpossibleError(impossible)
    steps = start[path[0]] + moves[path[1:], path[:-1]].sum()
    return Path(path, float(steps + logs[np.arange(len(path)), path].sum()))


def sample(transition, filtered, n, rng, backend="auto"):
    """Draw whole sequences of states from the posterior p(x_1 ... x_T | y_1 ... y_T).

    The last state is drawn from its filter distribution, and each one before it from the future
    conditioning, p(x_t | x_{t+1}, y_1 ... y_t): the chain rule, read backwards.

    Parameters
    ----------
    transition, filtered, backend
        As for `smooth`.
    n : int
        How many sequences.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (n, T)

    References
    ----------
    Section 2.2, "Inference over sequences"; Eq. 2.38.
    """
    A, filtered = arguments.filter_result(transition, filtered)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    uniforms = rng.random((n, len(filtered.probabilities)))
    if filtered.logs is not None:
        return on_logs.sample_pass(A, filtered.logs[1], uniforms)
    return passes_of(backend).sample(A, filtered.probabilities, uniforms)
