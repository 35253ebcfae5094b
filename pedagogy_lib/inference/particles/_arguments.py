"""What goes into the filter: the data, and what the model's functions return, checked at every step."""

import numpy as np

from pedagogy_lib import checks


def checked_data(y):
    """Data with one number at least in each row: a row without any would be taken for a missing one."""
    y = checks.array("y", y, ("T", "L"), missing=True)
    if not y.shape[1]:
        raise ValueError(f"y: expected one number at least in each row, got shape {y.shape}")
    return y


def states_at(x, n, t):
    """States in rows, as the model drew them."""
    x = np.asarray(x, float)
    if x.ndim != 2 or len(x) != n or not np.isfinite(x).all():
        got = "others" if x.ndim == 2 and len(x) == n else f"shape {x.shape}"
        raise ValueError(f"model: expected {n} rows of finite numbers for the states at t={t}, got {got}")
    return x


def log_densities_at(logs, n, t):
    """One log density for each state, as the model gave them."""
    logs = np.asarray(logs, float)
    if logs.shape != (n,) or np.isnan(logs).any() or (logs == np.inf).any():
        got = "others" if logs.shape == (n,) else f"shape {logs.shape}"
        raise ValueError(f"model.log_emission: expected {n} numbers below infinity at t={t}, got {got}")
    return logs
