"""Particle filtering and smoothing: beliefs as weighted samples.

The state-space model is given by plain functions, of many states at once (`Model`) or of one state
(`each`; these can be compiled). A belief is N states with weights, which is a die with N sides whose
faces are states. So filtering and smoothing are those of the hidden Markov model, but for one
half-update: the time update *draws* new faces.

    ``filter``          the bootstrap filter, or a guided one
    ``moments``         the same, but the particles are forgotten
    ``smooth``          the same particles, re-weighted by the future: O(N^2) for each step
    ``sample_paths``    whole paths from the posterior, drawn backwards
    ``resample``        four ways to draw N faces in proportion to their weights

References
----------
Section 2.2.2, "Sampling-based approaches", Eqs. 2.56-2.61. N. Gordon, D. Salmond and A. Smith
(1993); A. Doucet and A. Johansen (2009), a tutorial; S. Godsill, A. Doucet and M. West (2004),
backward simulation; P. Bunch and S. Godsill (2013), its form with Markov chains.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks, kernels
from pedagogy_lib.inference._particle_models import Model, each, example, sample  # noqa: F401  the reader's names

RESAMPLING = ("multinomial", "residual", "stratified", "systematic")


class Guide(NamedTuple):
    """A proposal that looks at the datum before it moves.

    initial : callable of (y, n, rng), draws x_0 and gives log p(x_0) - log q(x_0 | y_0)
    move : callable of (x, y, t, rng), draws x_{t+1} and gives
        log p(x_{t+1} | x_t) - log q(x_{t+1} | x_t, y_{t+1})
    """

    initial: Callable
    move: Callable


class TimeUpdate(NamedTuple):
    """The particles moved: p(x_t | y_1 ... y_{t-1}).

    t : int, from 0
    particles : ndarray, shape (N, K)
    weights : ndarray, shape (N,), equal if they were resampled
    ancestors : ndarray of int, shape (N,), from which particle of t - 1 each one came
    resampled : bool
    """

    t: int
    particles: np.ndarray
    weights: np.ndarray
    ancestors: np.ndarray
    resampled: bool


class MeasurementUpdate(NamedTuple):
    """The particles were weighted by how well they explain y_t: p(x_t | y_1 ... y_t).

    t : int, from 0
    particles : ndarray, shape (N, K)
    weights : ndarray, shape (N,), summing to one
    log_likelihood : float, the estimate of log p(y_t | y_1 ... y_{t-1})
    """

    t: int
    particles: np.ndarray
    weights: np.ndarray
    log_likelihood: float


class Filtered(NamedTuple):
    """What the filter found.

    particles : ndarray, shape (T, N, K)
    weights : ndarray, shape (T, N), rows sum to one
    ancestors : ndarray of int, shape (T, N); the first row is 0 ... N - 1
    log_likelihoods : ndarray, shape (T,)
    resampled : ndarray of bool, shape (T,)
    """

    particles: np.ndarray
    weights: np.ndarray
    ancestors: np.ndarray
    log_likelihoods: np.ndarray
    resampled: np.ndarray

    @property
    def log_likelihood(self):
        """The estimate of log p(y_1 ... y_T). Its exponential is right on average, for every N."""
        return float(self.log_likelihoods.sum())

    @property
    def means(self):
        """The mean of each belief, shape (T, K)."""
        return np.einsum("tn,tnk->tk", self.weights, self.particles)

    @property
    def effective_sizes(self):
        """The effective sample size of each belief, shape (T,)."""
        return effective_size(self.weights)


class Moments(NamedTuple):
    """What the filter's beliefs come to.

    means, variances : ndarray, shape (T, K)
    log_likelihoods : ndarray, shape (T,)
    effective_sizes : ndarray, shape (T,)
    resampled : ndarray of bool, shape (T,)
    """

    means: np.ndarray
    variances: np.ndarray
    log_likelihoods: np.ndarray
    effective_sizes: np.ndarray
    resampled: np.ndarray

    @property
    def log_likelihood(self):
        """The estimate of log p(y_1 ... y_T). Its exponential is right on average, for every N."""
        return float(self.log_likelihoods.sum())


# --------------------------------------------------------------------------------- filter


def steps(model, y, n, rng, resampling="systematic", threshold=1.0, guide=None):
    """Filter one half-update at a time.

    Parameters
    ----------
    model : Model
    y : array_like, shape (T, L)
        A row of NaN is missing.
    n : int
        N, the number of particles.
    rng : numpy.random.Generator
    resampling : {"systematic", "stratified", "residual", "multinomial"}
        The textbook's filter is ``"multinomial"``.
    threshold : float
        Resample before a move if the effective sample size is below this share of N; at 1 always,
        which is the textbook's filter, at 0 never.
    guide : Guide, optional
        Without it the particles move by the model alone (the bootstrap filter).

    Yields
    ------
    TimeUpdate and MeasurementUpdate, in turn
        The first time update is the draw from p(x_1).

    Raises
    ------
    ValueError
        If a function of the model returns the wrong shape or NaN, or no particle can have emitted
        y_t; with the time step.

    References
    ----------
    Eqs. 2.57-2.59.
    """
    y = _checked_data(y)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    checks.option("resampling", resampling, RESAMPLING)
    threshold = checks.number("threshold", threshold, at_least=0)
    checks.having("model", model, "initial", "move", "log_emission")
    x, log_weights = None, np.full(n, -np.log(n))
    for t, datum in enumerate(y):
        missing = np.isnan(datum).all()
        resampled, ancestors = False, np.arange(n)
        weights = np.exp(log_weights)
        if t > 0 and (threshold >= 1 or effective_size(weights) < threshold * n):
            resampled, ancestors = True, resample(weights, n, rng, resampling)
            log_weights = np.full(n, -np.log(n))              # Eq. 2.58
        gained = 0.0
        if guide is None or missing:
            x = (model.initial(n, rng) if t == 0
                 else model.move(x[ancestors], t - 1, rng))   # Eq. 2.57
        else:
            x, gained = (guide.initial(datum, n, rng) if t == 0
                         else guide.move(x[ancestors], datum, t - 1, rng))
        x = _states(x, n, t)
        yield TimeUpdate(t, x, np.exp(log_weights), ancestors, resampled)
        log_likelihood = 0.0
        if not missing:
            emitted = _log_densities(model.log_emission(x, datum, t), n, t)
            log_joint = log_weights + gained + emitted
            log_likelihood = float(logsumexp(log_joint))
            if log_likelihood == -np.inf:
                raise ValueError("y: expected data that some particle can emit, "
                                 f"got none at time step t={t}")
            log_weights = log_joint - log_likelihood          # Eq. 2.59
        yield MeasurementUpdate(t, x, np.exp(log_weights), log_likelihood)


def filter(model, y, n, rng, resampling="systematic", threshold=1.0, guide=None, backend="auto"):
    """Filter a sequence with N particles, and keep all of them.

    Parameters
    ----------
    model, y, n, rng, resampling, threshold, guide
        As for `steps`.
    backend : {"auto", "numba", "numpy"}
        A model made by `each` can be compiled. ``"auto"`` does so where numba is installed, can
        compile it, there is no guide, and the resampling is systematic or stratified; otherwise it
        takes `steps`. Both draw the same numbers. ``"numba"`` insists, and says why not.

    Returns
    -------
    Filtered
    """
    compiled = _run(model, y, n, rng, resampling, threshold, guide, backend, keep=True)
    if compiled:
        return Filtered(*compiled[:3], compiled.log_likelihoods, compiled.resampled)
    moves, looks = [], []
    for event in steps(model, y, n, rng, resampling, threshold, guide):
        (moves if isinstance(event, TimeUpdate) else looks).append(event)
    if not moves:
        raise ValueError("y: expected at least one time step, got none")
    return Filtered(
        np.array([look.particles for look in looks]),
        np.array([look.weights for look in looks]),
        np.array([move.ancestors for move in moves]),
        np.array([look.log_likelihood for look in looks]),
        np.array([move.resampled for move in moves]),
    )


def moments(model, y, n, rng, resampling="systematic", threshold=1.0, guide=None, backend="auto"):
    """Filter a sequence with N particles, and keep only what the beliefs come to.

    Parameters
    ----------
    model, y, n, rng, resampling, threshold, guide, backend
        As for `filter`.

    Returns
    -------
    Moments
    """
    compiled = _run(model, y, n, rng, resampling, threshold, guide, backend, keep=False)
    if compiled:
        return Moments(*compiled.moments, compiled.log_likelihoods, compiled.sizes, compiled.resampled)
    found, resampled = [], []
    for event in steps(model, y, n, rng, resampling, threshold, guide):
        if isinstance(event, TimeUpdate):
            resampled.append(event.resampled)
            continue
        w, x = event.weights, event.particles
        found.append((w @ x, w @ (x - w @ x) ** 2, event.log_likelihood, effective_size(w)))
    if not found:
        raise ValueError("y: expected at least one time step, got none")
    return Moments(*(np.array(part) for part in zip(*found)), np.array(resampled))


def resample(weights, n, rng, method="systematic"):
    """Draw n indices, index i on average n w_i times.

    Parameters
    ----------
    weights : array_like, shape (N,), summing to one
    n : int
    rng : numpy.random.Generator
    method : {"systematic", "stratified", "residual", "multinomial"}
        ``"multinomial"``: n independent draws. ``"stratified"``: one draw in each of n equal slices
        of the unit interval. ``"systematic"``: the same, all at one random offset; then every index
        comes floor(n w_i) or ceil(n w_i) times. ``"residual"``: floor(n w_i) copies for certain, the
        rest multinomial.

    Returns
    -------
    ndarray of int, shape (n,)
        Rising, except for the copies of ``"residual"``.
    """
    w = checks.probabilities("weights", weights, ("N",))
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    checks.option("method", method, RESAMPLING)
    if method == "residual":
        copies = np.floor(n * w * (1 + 1e-15)).astype(int)
        rest, left = np.maximum(n * w - copies, 0.0), n - copies.sum()
        certain = np.repeat(np.arange(len(w)), copies)
        if left == 0:
            return certain
        drawn = resample(rest / rest.sum(), left, rng, "multinomial")
        return np.concatenate([certain, drawn])
    if method == "multinomial":
        places = np.sort(rng.random(n))
    else:
        offsets = rng.random(n) if method == "stratified" else rng.random()
        places = (np.arange(n) + offsets) / n
    edges = np.cumsum(w)
    edges[np.flatnonzero(w)[-1]:] = 1.0               # rounding leaves no gap at the top
    return np.searchsorted(edges, places, side="right")


def effective_size(weights):
    """1 / sum of w_i^2: how many equal particles the weights are worth.

    Parameters
    ----------
    weights : ndarray, shape (..., N), rows summing to one

    Returns
    -------
    float or ndarray
    """
    return 1.0 / (checks.array("weights", weights) ** 2).sum(-1)


# ------------------------------------------------------------------------------- smoothers


def smooth(model, filtered):
    """Re-weight the filter's particles by the future: p(x_t | y_1 ... y_T).

    Parameters
    ----------
    model : Model
        With its ``log_transition``.
    filtered : Filtered

    Returns
    -------
    ndarray, shape (T, N)
        The weights beta of the same particles.

    Notes
    -----
    Takes of the order of T N^2 operations: every particle is asked about every other.

    References
    ----------
    Eqs. 2.60 and 2.61.
    """
    _need_transition(model)
    filtered = _checked(filtered)
    beta = filtered.weights.copy()
    for t in range(len(beta) - 2, -1, -1):
        alpha, before, after = filtered.weights[t], filtered.particles[t], filtered.particles[t + 1]
        log_moves = model.log_transition(after[:, None], before, t)             # (N after, N before)
        with np.errstate(divide="ignore"):
            log_joint = np.log(alpha) + _pairs(log_moves, len(after), len(before), t)
        log_predicted = logsumexp(log_joint, axis=1, keepdims=True)
        possible = np.isfinite(log_predicted)
        log_past = log_joint - np.where(possible, log_predicted, 0)             # Eq. 2.60
        past = np.where(possible, np.exp(log_past), 0)
        beta[t] = _normalized(beta[t + 1] @ past, t)                            # Eq. 2.61
    return beta


def sample_paths(model, filtered, m, rng, method="exact", moves=5):
    """Draw whole paths from p(x_1 ... x_T | y_1 ... y_T), backwards.

    The last state is drawn by the filter's weights; then each one before it by
    alpha_t p(x_{t+1} | x_t), among the filter's particles.

    Parameters
    ----------
    model : Model
        With its ``log_transition``.
    filtered : Filtered
    m : int
        How many paths.
    rng : numpy.random.Generator
    method : {"exact", "mcmc"}
        ``"exact"`` weighs all N particles for every path. ``"mcmc"`` starts at the ancestor and makes
        a few independence-Metropolis moves instead: a cost that does not grow with N, and paths
        that are right in the limit of many moves.
    moves : int
        For ``"mcmc"``.

    Returns
    -------
    ndarray, shape (m, T, K)
    """
    _need_transition(model)
    m, rng = checks.count("m", m, minimum=0), checks.generator("rng", rng)
    checks.option("method", method, ("exact", "mcmc"))
    moves, filtered = checks.count("moves", moves), _checked(filtered)
    T, N, K = filtered.particles.shape
    chosen = np.empty((m, T), int)
    chosen[:, -1] = _draw(filtered.weights[-1], m, rng)
    for t in range(T - 2, -1, -1):
        after = filtered.particles[t + 1, chosen[:, t + 1]]
        if method == "exact":
            log_moves = _pairs(model.log_transition(after[:, None], filtered.particles[t], t), m, N, t)
            with np.errstate(divide="ignore"):
                chosen[:, t] = _draw_rows(np.log(filtered.weights[t]) + log_moves, rng)
        else:
            index = filtered.ancestors[t + 1, chosen[:, t + 1]]
            height = model.log_transition(after, filtered.particles[t, index], t)
            for _ in range(moves):
                other = _draw(filtered.weights[t], m, rng)      # proposed by alpha, which cancels
                there = model.log_transition(after, filtered.particles[t, other], t)
                taken = np.log(rng.random(m)) < there - height
                index, height = np.where(taken, other, index), np.where(taken, there, height)
            chosen[:, t] = index
    return filtered.particles[np.arange(T), chosen]


# --------------------------------------------------------------------------------- helpers


def _checked(filtered):
    """Particles and weights of the filter, as arrays of finite numbers."""
    checks.having("filtered", filtered, "particles", "weights", "ancestors")
    particles = checks.array("filtered.particles", filtered.particles, ("T", "N", "K"))
    weights = checks.array("filtered.weights", filtered.weights, particles.shape[:2])
    return filtered._replace(particles=particles, weights=weights)


class _Run(NamedTuple):
    """What the compiled filter fills."""

    particles: np.ndarray
    weights: np.ndarray
    ancestors: np.ndarray
    moments: np.ndarray
    log_likelihoods: np.ndarray
    sizes: np.ndarray
    resampled: np.ndarray


def _run(model, y, n, rng, resampling, threshold, guide, backend, keep):
    """The compiled filter's findings, or None where the reference shall run."""
    compiled = kernels.choose("particles", backend)
    reason = _why_not(model, resampling, guide, y)
    if compiled is None or reason:
        if backend == "numba":
            raise ValueError(f'backend: "numba" needs {reason}')
        return None
    y = _checked_data(y)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    threshold = checks.number("threshold", threshold, at_least=0)
    state, datum = example(model.one, rng), tuple(y[0].tolist()) if y.shape[1] > 1 else 0.0
    T, K, kept = len(y), np.size(state), len(y) if keep else 0
    filled = _Run(
        np.empty((kept, n, K)), np.empty((kept, n)), np.empty((kept, n), np.int64), np.empty((2, T, K)),
        np.empty(T), np.empty(T), np.zeros(T, bool),
    )
    seen = ~np.isnan(y).all(axis=1)
    outcome = compiled.attempt(
        compiled.run, model.one[:3],
        (state, datum, y.T, seen, n, rng, compiled.METHODS[resampling], threshold, *filled),
        required=backend == "numba",
    )
    if outcome is None:
        return None
    wrong, t = outcome[0]
    if wrong:
        raise ValueError({
            compiled.NOT_FINITE: f"model: expected {n} rows of finite numbers for the states at t={t}, got others",
            compiled.NO_DENSITY: f"model.log_emission: expected {n} numbers below infinity at t={t}, got others",
            compiled.IMPOSSIBLE: f"y: expected data that some particle can emit, got none at time step t={t}",
        }[wrong])
    return filled


def _why_not(model, resampling, guide, y):
    """What the compiled filter lacks, or an empty string."""
    checks.having("model", model, "initial", "move", "log_emission", "one")
    checks.option("resampling", resampling, RESAMPLING)
    if model.one is None:
        return "a model made by particles.each, got one of functions of many states"
    if guide is not None:
        return "no guide, got one"
    if resampling not in ("systematic", "stratified"):
        return f'resampling "systematic" or "stratified", got "{resampling}"'
    return "" if len(y) else "at least one time step in y, got none"


def _draw(weights, n, rng):
    """n independent indices, in no order."""
    return np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(n), side="right").clip(max=len(weights) - 1)


def _draw_rows(log_weights, rng):
    """One index for each row of unnormalised log weights."""
    weights = np.exp(log_weights - log_weights.max(1, keepdims=True))
    edges = np.cumsum(weights, axis=1)
    return (edges <= rng.random(len(edges))[:, None] * edges[:, -1:]).sum(1)


def _states(x, n, t):
    x = np.asarray(x, float)
    if x.ndim != 2 or len(x) != n or not np.isfinite(x).all():
        got = "others" if x.ndim == 2 and len(x) == n else f"shape {x.shape}"
        raise ValueError(f"model: expected {n} rows of finite numbers for the states at t={t}, got {got}")
    return x


def _log_densities(logs, n, t):
    logs = np.asarray(logs, float)
    if logs.shape != (n,) or np.isnan(logs).any() or (logs == np.inf).any():
        got = "others" if logs.shape == (n,) else f"shape {logs.shape}"
        raise ValueError(f"model.log_emission: expected {n} numbers below infinity at t={t}, got {got}")
    return logs


def _pairs(logs, m, n, t):
    logs = np.asarray(logs, float)
    if logs.shape != (m, n) or np.isnan(logs).any():
        got = "NaN" if logs.shape == (m, n) else f"shape {logs.shape}"
        raise ValueError(f"model.log_transition: expected shape ({m}, {n}) at t={t}, got {got}")
    return logs


def _normalized(weights, t):
    if not weights.sum() > 0:
        raise ValueError(f"model.log_transition: expected moves that are possible, got none from t={t} to t={t + 1}")
    return weights / weights.sum()


def _checked_data(y):
    """Data with one number at least in each row: a row without any would be taken for a missing one."""
    y = checks.array("y", y, ("T", "L"), missing=True)
    if not y.shape[1]:
        raise ValueError(f"y: expected one number at least in each row, got shape {y.shape}")
    return y


def _need_transition(model):
    checks.having("model", model, "initial", "move", "log_emission", "log_transition")
    if model.log_transition is None:
        raise ValueError("model.log_transition: expected a function, got None; smoothing asks how probable a move was")
