"""From smoothed sequences to moments: sums over time and over sequences, gaps in the data left out.

`learning` says what is computed; here is the book-keeping.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning.moments import moments


class Rows(NamedTuple):
    """Pairs of one arrow, and the sums of their posterior covariances.

    targets : ndarray, shape (N, L); sources : ndarray, shape (N, K), posterior means
    target_sum, cross_sum, source_sum : ndarray, shape (L, L), (L, K), (K, K); or 0.0 if observed
    """

    targets: np.ndarray
    sources: np.ndarray
    target_sum: np.ndarray | float = 0.0
    cross_sum: np.ndarray | float = 0.0
    source_sum: np.ndarray | float = 0.0


class Part(NamedTuple):
    """What sequences of one length contribute: three arrows, B T steps, and -log p(Y) of all of them."""

    initial: Rows
    transition: Rows
    emission: Rows
    steps: int
    loss: float


def batches(y, controls, name="y"):
    """One sequence, a batch, or a list: as a list of (B, T, L) arrays with their controls.

    Sequences of one length go together, because the smoother takes them together.
    """
    if not isinstance(y, (list, tuple)) or not y or np.ndim(y[0]) != 2:
        y = checks.array(name, y, missing=True)
        controls = None if controls is None else checks.array("controls", controls)
        if y.ndim == 2:
            y, controls = y[None], None if controls is None else controls[None]
        if y.ndim != 3 or y.shape[0] == 0:
            raise ValueError(f"{name}: expected shape (T, L) or (B, T, L), or a list of (T, L), got {y.shape}")
        return [(y, _shared(controls, len(y)))]
    if controls is not None and len(controls) != len(y):
        raise ValueError(f"controls: expected one array for each sequence, {len(y)}, got {len(controls)}")
    y = [checks.array(f"{name}[{b}]", sequence, ("T", np.shape(y[0])[1]), missing=True) for b, sequence in enumerate(y)]
    groups = {}
    for b, sequence in enumerate(y):
        groups.setdefault(len(sequence), []).append(b)
    return [
        (
            np.stack([y[b] for b in group]),
            None if controls is None else _stacked(controls, group, length),
        )
        for length, group in groups.items()
    ]


def _stacked(controls, group, length):
    """The controls of sequences of one length."""
    return np.stack([checks.array(f"controls[{b}]", controls[b], (length - 1, "M")) for b in group])


def _shared(controls, size):
    """Controls with a first axis of sequences."""
    if controls is not None and controls.ndim == 3 and len(controls) not in (1, size):
        raise ValueError(f"controls: expected a row for each of {size} sequences, got {len(controls)}")
    if controls is None or controls.ndim < 2:
        return controls
    return np.broadcast_to(controls, (size, *controls.shape[-2:]))


def expected(smoothed, emission, y, controls, losses):
    """The three arrows of a batch, under the smoother's posterior.

    The sums start at the second step where the target is x_t with t > 1, and end before the last
    where it is a predictor: x_t is not the same variable in both.
    """
    means, covariances, cross, _ = smoothed
    B, T, K = means.shape
    M = 0 if controls is None else controls.shape[2]
    initial = Rows(means[:, 0], np.empty((B, 0)), total(covariances[:, :1]))
    source_sum, cross_sum = np.zeros((K + M, K + M)), np.zeros((K, K + M))     # controls are known
    source_sum[:K, :K], cross_sum[:, :K] = total(covariances[:, :-1]), total(cross)
    transition = Rows(
        _flat(means[:, 1:]), _predictors(means, controls), total(covariances[:, 1:]), cross_sum, source_sum
    )
    return Part(
        initial, transition, _completed(means, covariances, emission, y), B * T, float(losses.sum())
    )


def observed(states, y, controls):
    """The three arrows of sequences whose states are known."""
    inner, outer = batches(states, controls, "states"), batches(y, None)
    shapes = [part[0].shape[:2] for part in inner], [part[0].shape[:2] for part in outer]
    if shapes[0] != shapes[1]:
        raise ValueError(f"y: expected as many sequences and steps as states has, {shapes[0]}, got {shapes[1]}")
    parts = []
    for (x, u), (seen, _) in zip(inner, outer):
        B, T, K = x.shape
        checks.array("states", x)
        if u is not None and u.shape[1:2] != (T - 1,):
            raise ValueError(f"controls: expected {T - 1} rows, one for each move, got shape {u.shape}")
        rows = ~np.isnan(seen).all(2)
        if np.isnan(seen[rows]).any():
            raise ValueError("y: expected all entries of a time step, or none, where the states are known")
        initial = Rows(x[:, 0], np.empty((B, 0)))
        transition = Rows(_flat(x[:, 1:]), _predictors(x, u))
        parts.append(Part(initial, transition, Rows(seen[rows], x[rows]), B * T, 0.0))
    return parts


def _completed(means, covariances, emission, y):
    """y_t and its predictor x_t, at the steps where something was observed.

    Given x and the entries o that were seen, the missing entries m of y are Gaussian:
    C_m x + c_m + G (y_o - C_o x - c_o), with G = R_mo R_oo^-1 and covariance R_mm - G R_om. So the
    whole of y is H x + h + noise of covariance W, with rows of zeros in H and W where y was seen.
    """
    C, c, R = (np.asarray(part, float) for part in emission)
    L, K = C.shape
    missing = np.isnan(y)
    if not missing.any():
        return Rows(_flat(y), _flat(means), 0.0, 0.0, total(covariances))
    targets, sources = [np.empty((0, L))], [np.empty((0, K))]
    target_sum, cross_sum, source_sum = np.zeros((L, L)), np.zeros((L, K)), np.zeros((K, K))
    for m in np.unique(missing[~missing.all(2)], axis=0):
        rows, o = (missing == m).all(2), ~m
        H, W, h = np.zeros((L, K)), np.zeros((L, L)), np.where(m, c, y[rows])
        if m.any():
            G = np.linalg.solve(R[np.ix_(o, o)], R[np.ix_(o, m)]).T
            H[m], W[np.ix_(m, m)] = C[m] - G @ C[o], R[np.ix_(m, m)] - G @ R[np.ix_(o, m)]
            h[:, m] += (y[rows][:, o] - c[o]) @ G.T
        P = covariances[rows].sum(0)
        targets.append(means[rows] @ H.T + h)
        sources.append(means[rows])
        target_sum += H @ P @ H.T + rows.sum() * W
        cross_sum += H @ P
        source_sum += P
    return Rows(np.concatenate(targets), np.concatenate(sources), target_sum, cross_sum, source_sum)


def pooled(parts):
    """The moments of all batches together, the number of time steps, and -log p(Y)."""
    found = []
    for name in ("initial", "transition", "emission"):
        rows = [getattr(part, name) for part in parts]
        targets, sources = (np.concatenate([r[i] for r in rows]) if len(rows) > 1 else rows[0][i] for i in (0, 1))
        if len(targets) == 0:
            raise ValueError(_TOO_FEW[name])
        sums = (sum(r[i] for r in rows) / len(targets) for i in (2, 3, 4))
        found.append(moments(targets, sources, *sums))
    return *found, sum(part.steps for part in parts), sum(part.loss for part in parts)


_TOO_FEW = {
    "initial": "y: expected at least one time step, got none",
    "transition": "y: expected a sequence of at least two time steps, got none that shows a transition",
    "emission": "y: expected at least one observation, got nothing but missing ones",
}


def total(matrices):
    """The sum of (B, T, K, K) matrices; where sequences share them, of one row of them, B times."""
    if len(matrices) > 1 and matrices.strides[0] == 0:
        return len(matrices) * matrices[0].sum(0)
    return matrices.sum((0, 1))


def refuse_varying(params):
    """What changes in time cannot be learned from averages over time."""
    for name in ("transition", "emission"):
        for part, ndim in zip(("matrix", "offset", "covariance"), (2, 1, 2)):
            given = np.shape(getattr(getattr(params, name), part))
            if len(given) > ndim:
                raise ValueError(
                    f"params.{name}.{part}: expected one that does not change in time, got shape {given}"
                )


def _predictors(states, controls):
    """x_{t-1}, and u_{t-1} beside it."""
    before = states[:, :-1]
    return _flat(before if controls is None else np.concatenate([before, controls], axis=2))


def _flat(sequences):
    """(B, T, L) as (B T, L)."""
    return sequences.reshape(-1, sequences.shape[-1])
