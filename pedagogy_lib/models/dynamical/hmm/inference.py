"""Inference: what a sequence says of its states, by the algorithms of `pedagogy_lib.inference.discrete`.

In all functions ``params`` are `Parameters`; ``y`` is one sequence, a time step to a row, in which a row of NaN is
missing (vectors and counts may also lack single entries); and ``backend`` is ``"auto"``, ``"numba"`` or ``"numpy"``.

References
----------
Section 2.2.1, Eqs. 2.36-2.44.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.inference import discrete
from pedagogy_lib.inference.discrete import Filtered, ImpossibleError, Smoothed
from pedagogy_lib.models.dynamical.hmm._lists import is_list, joined, names


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


def filter(params, y, backend="auto"):
    """Infer each state from the observations up to it: p(x_t | y_1 ... y_t).

    Parameters
    ----------
    params, y, backend

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

    Returns
    -------
    Posterior

    References
    ----------
    Eqs. 2.41-2.44.
    """
    return _posterior(params, _logs(params, y), backend)


def pair_posteriors(params, found, start=1, stop=None):
    """The posterior of neighboring states, p(x_t, x_{t-1} | y_1 ... y_T), for some of the steps.

    Parameters
    ----------
    params
    found : Posterior
        From `posterior`.
    start, stop : int
        The steps t, counted from 0; the first that has a neighbor before it is 1.

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
    whole, lengths = joined(y)
    logs = np.split(params.emission.log_densities(whole), np.cumsum(lengths)[:-1])
    found = [
        _run(discrete.filter, params, part, backend, name)
        for part, name in zip(logs, names(y))
    ]
    costs = np.array([one.log_likelihood for one in found])
    return costs if is_list(y) else float(costs[0])


def _logs(params, y):
    """The log densities of one sequence."""
    if isinstance(y, (list, tuple)) and is_list(y):
        raise ValueError(
            f"y: expected one sequence, got a list of {len(y)}, which is as many sequences; make it an array "
            "if its items are time steps"
        )
    return params.emission.log_densities(y)


def _posterior(params, logs, backend, name="y"):
    """Filter forwards, smooth backwards."""
    filtered, smoothed = _run(discrete.filter_and_smooth, params, logs, backend, name)
    return Posterior(smoothed.probabilities, smoothed.pair_sums, filtered.log_likelihood, filtered)


def _run(algorithm, params, logs, backend, name="y"):
    """Run an algorithm on a sequence of log densities; messages call the sequence by its name."""
    if np.shape(logs)[:1] == (0,):
        raise ValueError(f"{name}: expected at least one time step, got none")
    try:
        return algorithm(params.initial, params.transition, logs, backend)
    except ImpossibleError as error:
        raise error.about(name) from None
