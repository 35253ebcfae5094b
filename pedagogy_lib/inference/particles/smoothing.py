"""What the future says of the filter's particles: new weights for them, or whole paths through them.

In all functions ``model`` is a `Model` with its ``log_transition``, and ``filtered`` is what the filter found.

References
----------
Section 2.2.2, Eqs. 2.60 and 2.61; S. Godsill, A. Doucet and M. West (2004), backward simulation; P. Bunch and S.
Godsill (2013), its form with Markov chains.
"""

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks


def smooth(model, filtered):
    """Re-weight the filter's particles by the future: p(x_t | y_1 ... y_T).

    Parameters
    ----------
    model, filtered

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
    model, filtered
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


def _checked(filtered):
    """Particles and weights of the filter, as arrays of finite numbers."""
    checks.having("filtered", filtered, "particles", "weights", "ancestors")
    particles = checks.array("filtered.particles", filtered.particles, ("T", "N", "K"))
    weights = checks.array("filtered.weights", filtered.weights, particles.shape[:2])
    return filtered._replace(particles=particles, weights=weights)


def _need_transition(model):
    checks.having("model", model, "initial", "move", "log_emission", "log_transition")
    if model.log_transition is None:
        raise ValueError("model.log_transition: expected a function, got None; smoothing asks how probable a move was")


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


def _draw(weights, n, rng):
    """n independent indices, in no order."""
    return np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(n), side="right").clip(max=len(weights) - 1)


def _draw_rows(log_weights, rng):
    """One index for each row of unnormalized log weights."""
    weights = np.exp(log_weights - log_weights.max(1, keepdims=True))
    edges = np.cumsum(weights, axis=1)
    return (edges <= rng.random(len(edges))[:, None] * edges[:, -1:]).sum(1)
