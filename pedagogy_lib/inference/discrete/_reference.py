"""The passes over a whole sequence, in NumPy: what the compiled ones compute, too.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

import numpy as np

from pedagogy_lib.inference.discrete import _logs as on_logs
from pedagogy_lib.inference.discrete.updates import divide, measurement_update, time_update


def filter(pi, A, logs):
    """Predicted and filtered probabilities, evidence and its scale: its logarithm lacks ``peaks``."""
    peaks = logs.max(1)
    predicted, filtered = np.empty_like(logs), np.empty_like(logs)
    evidence = np.empty_like(peaks)
    with np.errstate(invalid="ignore", divide="ignore"):    # checked by `check_peaks` and `fits`
        likelihoods = np.exp(logs - peaks[:, None])
        for t, likelihood in enumerate(likelihoods):
            predicted[t] = pi if t == 0 else time_update(filtered[t - 1], A)
            filtered[t], evidence[t] = measurement_update(predicted[t], likelihood)
    return predicted, filtered, evidence, peaks


def smooth(A, predicted, filtered):
    """Smoothed probabilities and pair sums: `gamma_step` without its table."""
    smoothed, ratios = np.empty_like(filtered), np.empty_like(filtered[1:])
    smoothed[-1] = filtered[-1]
    for t in range(len(filtered) - 2, -1, -1):
        ratios[t] = divide(smoothed[t + 1], predicted[t + 1])
        smoothed[t] = filtered[t] * (ratios[t] @ A)     # the sums of the table's columns
    return smoothed, A * (ratios.T @ filtered[:-1])     # the sum over t of all tables


def viterbi(start, moves, logs):
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


def sample(A, filtered, uniforms):
    """One sequence for each row of uniform random numbers, drawn by inverting the CDF."""
    states = np.empty(uniforms.shape, np.int64)
    states[:, -1] = on_logs.invert(np.cumsum(filtered[-1]), uniforms[:, -1])
    for t in range(len(filtered) - 2, -1, -1):
        edges = np.cumsum(A * filtered[t], axis=1)              # for each next state
        states[:, t] = on_logs.invert(edges[states[:, t + 1]], uniforms[:, t])
    return states
