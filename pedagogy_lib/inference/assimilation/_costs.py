"""The parts of the cost that both constraints share, of a window that has been checked once."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from pedagogy_lib import checks
from pedagogy_lib.inference.assimilation.problems import Look, Window, check_window


class _Parts(NamedTuple):
    """A window with its covariances factored."""

    window: Window
    look: Look
    B: Callable        # v -> B^-1 v, or None
    Q: Callable        # v -> Q^-1 v, or None
    R: Callable        # (t, v) -> R^-1 v, of what was seen at t
    seen: np.ndarray


def prepared(window, weak=False, rooted=False, tried_at=None):
    """Check a window and factor its covariances.

    With a root of B at hand (``rooted``) B itself is not read. Sensors are tried at the background, or at a state.
    """
    check_window(window)
    mean = checks.array("window.background.mean", window.background.mean, ("K",))
    K = len(mean)
    B = None
    if not rooted:
        B = solver(checks.covariance("window.background.covariance", window.background.covariance, K, stack=False))
    R = checks.covariance("window.noise", window.noise, stack=False)
    look = _checked_look(window.look, mean if tried_at is None else tried_at, len(R))
    y = checks.observations("window.y", window.y, len(R), missing=True)
    if len(y) == 0:
        raise ValueError("window.y: expected at least one time step, got none")
    if weak and window.model_error is None:
        raise ValueError("window.model_error: expected a covariance, got None; without it use strong")
    Q = checks.covariance("window.model_error", window.model_error, K, stack=False) if weak else None
    seen = ~np.isnan(y)
    roots = [cho_factor(R[np.ix_(s, s)]) if s.any() else None for s in seen]
    return _Parts(
        window._replace(y=y), look, B, None if Q is None else solver(Q),
        lambda t, v: v if roots[t] is None else cho_solve(roots[t], v), seen,
    )


def _checked_look(look, x, L):
    """The operator as a `Look`, tried at the background's mean."""
    if isinstance(look, Look):
        checks.array("window.look.see", look.see(x), (L,))
        checks.array("window.look.tangent", look.tangent(x), (L, len(x)))
        return look
    H = checks.array("window.look", look, (L, len(x)))
    return Look(lambda x: H @ x, lambda x: H)


def solver(covariance):
    root = cho_factor(covariance)
    return lambda v: cho_solve(root, v)


def background_cost(parts, first):
    away = np.asarray(first, float) - parts.window.background.mean
    return 0.5 * float(away @ parts.B(away))


def data_cost(parts, states):
    total = 0.0
    for t, (x, datum, seen) in enumerate(zip(states, parts.window.y, parts.seen)):
        misfit = parts.look.see(x)[seen] - datum[seen]
        total += 0.5 * float(misfit @ parts.R(t, misfit))
    return _finite(total, states)


def data_pulls(parts, states):
    """H' R^-1 (h(x_t) - y_t) for every t."""
    pulls = np.zeros_like(states)
    for t, (x, datum, seen) in enumerate(zip(states, parts.window.y, parts.seen)):
        H, misfit = parts.look.tangent(x)[seen], parts.look.see(x)[seen] - datum[seen]
        pulls[t] = H.T @ parts.R(t, misfit)
    return _finite(pulls, states)


def _finite(answer, states):
    """What the misfits make, or a word that they are too large: a descent could do nothing with infinity."""
    if not np.isfinite(answer).all():
        largest = np.abs(states).max()
        raise ValueError(f"window.look: expected misfits with finite squares, got others at states up to {largest:.3g}")
    return answer
