"""What the functions for whole sequences ask of their arguments."""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference.discrete.results import ImpossibleError


def chain(initial, transition):
    """The initial probabilities and the transition, checked against each other."""
    pi = checks.probabilities("initial", initial, ("K",))
    return pi, checks.probabilities("transition", transition, (len(pi), len(pi)), axis=0)


def filter_result(transition, filtered):
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


def log_emissions_of(log_emissions, K):
    """Log densities as an array, its shape checked; its values are checked by `check_peaks`."""
    logs = checks.numbers("log_emissions", log_emissions)
    if logs.ndim != 2 or logs.shape[1] != K:
        raise ValueError(f"log_emissions: expected real numbers of shape (T, {K}), got shape {logs.shape}")
    if len(logs) == 0:
        raise ValueError(f"log_emissions: expected at least one time step, got shape {logs.shape}")
    return logs.astype(np.float64, copy=False)


def check_peaks(peaks):
    """Refuse NaN and infinite densities, and observations that no state can emit."""
    if np.isfinite(peaks).all():
        return
    t = int(np.flatnonzero(~np.isfinite(peaks))[0])
    if peaks[t] == -np.inf:
        raise ImpossibleError(t)
    raise ValueError(f"log_emissions: expected numbers below infinity, got {peaks[t]} at time step {t}")
