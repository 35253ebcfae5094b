"""What the families of emissions share: missing rows, states, and priors that are imaginary counts."""

import numpy as np

from pedagogy_lib import checks


def pseudo_counts(name, value, shape):
    """Imaginary counts, not negative: one number for all, or an array."""
    given = checks.array(name, value)
    if given.shape not in ((), shape) or (given < 0).any():
        raise ValueError(
            f"{name}: expected counts of at least 0, one number or shape {shape}, "
            f"got {'a negative one' if given.shape in ((), shape) else f'shape {given.shape}'}"
        )
    return np.broadcast_to(given, shape)


def imagined(counts, probabilities, name):
    """The log probability of imaginary counts: what a Dirichlet prior adds, up to a constant."""
    p = np.asarray(probabilities, float)
    n = pseudo_counts(name, counts, p.shape)
    with np.errstate(divide="ignore"):
        return float(np.sum(n[n > 0] * np.log(p[n > 0])))


def visited(totals, *others):
    """The weights of the states, all above zero."""
    shapes = [np.shape(totals), *(np.shape(other) for other in others)]
    if len(shapes[0]) != 1 or any(shape[:1] != shapes[0] or len(shape) < 2 for shape in shapes[1:]):
        raise ValueError(f"statistics: expected the same number of states in all of them, got shapes {shapes}")
    if not (totals > 0).all():
        raise ValueError(
            "statistics: expected observations in every state, "
            f"got none in state {int(np.argmin(totals))}; use fewer states, other starting values, or a prior"
        )
    return totals


def silent(logs, seen):
    """Log densities in which every state explains a missing observation equally well."""
    if not seen.all():
        logs[~seen] = 0.0
    return logs


def rows(y, D):
    """Observations with zeros for the rows that are missing, and which ones are there."""
    given = checks.observations("y", y, D, missing=True)
    missing = np.isnan(given)
    if not missing.any():
        return given, np.ones(len(given), bool)
    gone = missing.all(1)
    partly = missing.any(1) & ~gone
    if partly.any():
        row = np.argmax(partly)
        raise ValueError(f"y: expected rows observed or missing as a whole, to learn from, got row {row} partly NaN")
    return np.where(gone[:, None], 0.0, given), ~gone


def entries(y, D):
    """Observations with zeros for the entries that are missing, and which entries are there: both (T, D)."""
    given = checks.observations("y", y, D, missing=True)
    seen = ~np.isnan(given)
    return np.where(seen, given, 0.0), seen


def checked_states(states, K):
    """States as whole numbers from 0 to K - 1."""
    given = checks.numbers("states", states)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(f"states: expected whole numbers, shape (T,), got {given.dtype} of shape {given.shape}")
    if given.size and (given.min() < 0 or given.max() >= K):
        raise ValueError(f"states: expected states from 0 to {K - 1}, got {given.min()} to {given.max()}")
    return given.astype(np.int64, copy=False)
