"""The forward-backward algorithm of the hidden Markov model, in the textbook's alpha-gamma form.

The model is a chain of discrete states with one observation of each, of any kind::

    p(x_1)         = Categ(pi)              initial, shape (K,)
    p(x_t|x_{t-1}) = Categ(A x_{t-1})       transition, shape (K, K), columns sum to one
    p(y_t|x_t)     = anything               log_emissions, shape (T, K)

All that inference needs of the emissions is log p(y_t | x_t = k), for every t and k: these numbers
are the argument ``log_emissions``, and `pedagogy_lib.distributions.emissions` computes them. A
missing observation is a row of zeros; an observation that state k cannot emit is minus infinity.

`filter` alternates `time_update` and `measurement_update`, and normalizes after every step, so
that no number of steps can underflow (`alpha_unnormalized` shows what happens otherwise). `smooth`
walks back with `gamma_step`, and does not need the data again.

Probabilities keep their relative precision: nothing is subtracted or rounded off, zeros are exact,
and a transition of probability 1e-9 counts as 1e-9. Where the evidence is so strong that a float
cannot hold the probabilities (beyond 1e-200) and they could still matter, the same recursions run
on logarithms, which takes longer (`_discrete_logs`).

Building blocks, which trust their arguments because their callers have checked them: `time_update`,
`measurement_update`, `gamma_step`, `divide` and `ImpossibleError`.

References
----------
Section 2.2, Eqs. 2.36-2.40; section 2.2.1, Eqs. 2.41-2.44.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks, kernels
from pedagogy_lib.inference import _discrete_logs as on_logs

BACKENDS = ("auto", "numba", "numpy")



class Filtered(NamedTuple):
    """What the filter found.

    predicted : ndarray, shape (T, K), p(x_t | y_1 ... y_{t-1}); the first row is p(x_1)
    probabilities : ndarray, shape (T, K), p(x_t | y_1 ... y_t)
    log_likelihoods : ndarray, shape (T,), log p(y_t | y_1 ... y_{t-1})
    logs : pair of ndarray, shape (T, K), or None; the logarithms of ``predicted`` and of
        ``probabilities``, where floats cannot hold these and what is lost could matter
    """

    predicted: np.ndarray
    probabilities: np.ndarray
    log_likelihoods: np.ndarray
    logs: tuple | None = None

    @property
    def log_likelihood(self):
        """log p(y_1 ... y_T) (Eq. 2.40)."""
        return float(self.log_likelihoods.sum())


class Smoothed(NamedTuple):
    """What the smoother found.

    probabilities : ndarray, shape (T, K), the textbook's gamma_t: p(x_t | y_1 ... y_T) (Eq. 2.43)
    pair_sums : ndarray, shape (K, K); entry i, j is the sum over t of
        p(x_t = i, x_{t-1} = j | y_1 ... y_T), the expected number of moves from j to i
    """

    probabilities: np.ndarray
    pair_sums: np.ndarray


class Path(NamedTuple):
    """The most probable sequence of states.

    states : ndarray of int, shape (T,)
    log_probability : float, log p(x_1 ... x_T, y_1 ... y_T)
    """

    states: np.ndarray
    log_probability: float


class ImpossibleError(ValueError):
    """An observation has probability zero, given those before it.

    t : int, its time step, counted from 0
    """

    def __init__(self, t, name="log_emissions"):
        super().__init__(
            f"{name}: expected observations that the model can emit, got one of probability zero at "
            f"time step {t}, given those before it"
        )
        self.t, self.name = t, name

    def __reduce__(self):
        return type(self), (self.t, self.name)

    def about(self, name):
        """The same error, about an argument of another name."""
        return ImpossibleError(self.t, name)


# -------------------------------------------------------------------- one step at a time


def time_update(belief, transition):
    """Move the belief one step on, without looking: p(x_t | y_1 ... y_{t-1}).

    Parameters
    ----------
    belief : ndarray, shape (K,), p(x_{t-1} | y_1 ... y_{t-1})
    transition : ndarray, shape (K, K)

    Returns
    -------
    ndarray, shape (K,)

    References
    ----------
    Eq. 2.36, which is Eq. 2.10 on the arrow x_{t-1} -> x_t.
    """
    return transition @ belief


def measurement_update(belief, likelihoods):
    """Look, and let the observation re-weight the belief: p(x_t | y_1 ... y_t).

    Parameters
    ----------
    belief : ndarray, shape (K,), p(x_t | y_1 ... y_{t-1})
    likelihoods : ndarray, shape (K,), p(y_t | x_t = k), or these times any constant

    Returns
    -------
    belief : ndarray, shape (K,), p(x_t | y_1 ... y_t)
    evidence : float, p(y_t | y_1 ... y_{t-1}), times that constant

    References
    ----------
    Eq. 2.37, which is Eq. 2.6 on the arrow x_t -> y_t.
    """
    joint = belief * likelihoods
    evidence = joint.sum()
    return joint / evidence, evidence


def gamma_step(smoothed, filtered, predicted, transition):
    """Take the future into account: future conditioning and backward step in one.

    Parameters
    ----------
    smoothed : ndarray, shape (K,), p(x_t | y_1 ... y_T)
    filtered : ndarray, shape (K,), p(x_{t-1} | y_1 ... y_{t-1}), or these times any constant
    predicted : ndarray, shape (K,), the transition times ``filtered``
    transition : ndarray, shape (K, K)

    Returns
    -------
    ndarray, shape (K, K)
        p(x_t = i, x_{t-1} = j | y_1 ... y_T) in row i, column j. The sums of its columns are
        the smoothed probabilities of x_{t-1}.

    References
    ----------
    Eq. 2.44, which puts Eq. 2.38 into Eq. 2.39. The data do not appear.
    """
    return divide(smoothed, predicted)[:, None] * transition * filtered


# ----------------------------------------------------------------------- whole sequences


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
    pi, A = _checked(initial, transition)
    return _filter(_passes(backend), pi, A, _checked_logs(log_emissions, len(pi)))


def _filter(run, pi, A, logs):
    """The same, of checked arguments."""
    predicted, filtered, evidence, peaks = run.filter(pi, A, logs)
    _check_peaks(peaks)
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
    return _smooth(_passes(backend), *_checked_filtered(transition, filtered))


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
    pi, A = _checked(initial, transition)
    run = _passes(backend)
    filtered = _filter(run, pi, A, _checked_logs(log_emissions, len(pi)))
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
    A, filtered = _checked_filtered(transition, filtered)
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
    pi, A = _checked(initial, transition)
    logs = _checked_logs(log_emissions, len(pi))
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
    pi, A = _checked(initial, transition)
    logs = _checked_logs(log_emissions, len(pi))
    _check_peaks(logs.max(1))
    start, moves = on_logs.log(pi), on_logs.log(A)
    path, impossible = _passes(backend).viterbi(start, moves, logs)
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
    A, filtered = _checked_filtered(transition, filtered)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    uniforms = rng.random((n, len(filtered.probabilities)))
    if filtered.logs is not None:
        return on_logs.sample_pass(A, filtered.logs[1], uniforms)
    return _passes(backend).sample(A, filtered.probabilities, uniforms)


# --------------------------------------------------------------- the passes, in NumPy


def _filter_reference(pi, A, logs):
    """Predicted and filtered probabilities, evidence and its scale: its logarithm lacks ``peaks``."""
    peaks = logs.max(1)
    predicted, filtered = np.empty_like(logs), np.empty_like(logs)
    evidence = np.empty_like(peaks)
    with np.errstate(invalid="ignore", divide="ignore"):    # checked by `_check_peaks` and `fits`
        likelihoods = np.exp(logs - peaks[:, None])
        for t, likelihood in enumerate(likelihoods):
            predicted[t] = pi if t == 0 else time_update(filtered[t - 1], A)
            filtered[t], evidence[t] = measurement_update(predicted[t], likelihood)
    return predicted, filtered, evidence, peaks


def _smooth_reference(A, predicted, filtered):
    """Smoothed probabilities and pair sums: `gamma_step` without its table."""
    smoothed, ratios = np.empty_like(filtered), np.empty_like(filtered[1:])
    smoothed[-1] = filtered[-1]
    for t in range(len(filtered) - 2, -1, -1):
        ratios[t] = divide(smoothed[t + 1], predicted[t + 1])
        smoothed[t] = filtered[t] * (ratios[t] @ A)     # the sums of the table's columns
    return smoothed, A * (ratios.T @ filtered[:-1])     # the sum over t of all tables


def _viterbi_reference(start, moves, logs):
    """The best path, and -1; or anything, and the step at which no path is possible."""
    best, path = np.empty_like(logs), np.empty(len(logs), np.int64)
    top = 0.0
    for t, log in enumerate(logs):
        came = start if t == 0 else (moves + best[t - 1]).max(1)
        best[t] = came + (log - top)        # less the best so far: the sum cannot grow
        top = best[t].max()
        if top == -np.inf:
            return path, t
    path[-1] = best[-1].argmax()
    for t in range(len(logs) - 2, -1, -1):
        path[t] = (best[t] + moves[path[t + 1]]).argmax()
    return path, -1


def _sample_reference(A, filtered, uniforms):
    """One sequence for each row of uniform random numbers, drawn by inverting the CDF."""
    states = np.empty(uniforms.shape, np.int64)
    states[:, -1] = on_logs.invert(np.cumsum(filtered[-1]), uniforms[:, -1])
    for t in range(len(filtered) - 2, -1, -1):
        edges = np.cumsum(A * filtered[t], axis=1)              # for each next state
        states[:, t] = on_logs.invert(edges[states[:, t + 1]], uniforms[:, t])
    return states


class _Passes(NamedTuple):
    """The passes of one backend."""

    filter: callable
    smooth: callable
    filter_logs: callable
    smooth_logs: callable
    viterbi: callable
    sample: callable


def _passes(backend):
    """The passes of the backend that was asked for, or that is there."""
    backend = checks.option("backend", backend, BACKENDS)
    kernel = None if backend == "numpy" else kernels.load("hmm", required=backend == "numba")
    if kernel is None:
        return _Passes(_filter_reference, _smooth_reference, on_logs.filter_pass, on_logs.smooth_pass,
                       _viterbi_reference, _sample_reference)  # fmt: skip
    return _Passes(kernel.filter, kernel.smooth, kernel.filter_logs, kernel.smooth_logs, kernel.viterbi, kernel.sample)


def divide(numerator, denominator):
    """A ratio of probabilities, where 0/0 is 0: what was impossible before stays so."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


# -------------------------------------------------------------------------- checks


def _checked(initial, transition):
    """The initial probabilities and the transition, checked against each other."""
    pi = checks.probabilities("initial", initial, ("K",))
    return pi, checks.probabilities("transition", transition, (len(pi), len(pi)), axis=0)


def _checked_filtered(transition, filtered):
    """The transition, checked against a filter result."""
    checks.having("filtered", filtered, "predicted", "probabilities", "log_likelihoods", "logs")
    f = checks.array("filtered.probabilities", filtered.probabilities, ("T", "K"))
    predicted = checks.array("filtered.predicted", filtered.predicted, f.shape)
    A = checks.probabilities("transition", transition, (f.shape[1], f.shape[1]), axis=0)
    if filtered.logs is None:
        moved = f[:-1] @ A.T
        # Also in the zeros: a state that cannot be reached has no state before it.
        belongs = np.allclose(moved, predicted[1:], rtol=1e-6, atol=1e-12) and not (f[1:] > 0)[moved == 0].any()
    else:
        belongs = all(np.shape(part) == f.shape for part in filtered.logs)
    if not belongs:
        raise ValueError(
            "filtered: expected what `filter` returns for this transition, got predictions that the "
            "transition does not make"
        )
    return A, filtered._replace(probabilities=f, predicted=predicted)


def _checked_logs(log_emissions, K):
    """Log densities as an array, its shape checked; its values are checked by `_check_peaks`."""
    logs = checks.numbers("log_emissions", log_emissions)
    if logs.ndim != 2 or logs.shape[1] != K:
        raise ValueError(f"log_emissions: expected real numbers of shape (T, {K}), got shape {logs.shape}")
    if len(logs) == 0:
        raise ValueError(f"log_emissions: expected at least one time step, got shape {logs.shape}")
    return logs.astype(np.float64, copy=False)


def _check_peaks(peaks):
    """Refuse NaN and infinite densities, and observations that no state can emit."""
    if np.isfinite(peaks).all():
        return
    t = int(np.flatnonzero(~np.isfinite(peaks))[0])
    if peaks[t] == -np.inf:
        raise ImpossibleError(t)
    raise ValueError(f"log_emissions: expected numbers below infinity, got {peaks[t]} at time step {t}")


