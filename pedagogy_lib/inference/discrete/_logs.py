"""The forward-backward algorithm on logarithms, for evidence so strong that floats cannot hold the probabilities.

The same recursions as in `discrete`, which asks `fits` whether they are needed. They take longer, because each sum of
probabilities is a sum of exponentials here.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Eqs. 2.36, 2.37, 2.40, 2.43 and 2.44.
"""

import numpy as np

#: The evidence of one step, relative to its best state, that puts the others in danger.
WEAK = 1e-100
#: A filter probability below this, relative to the others, may have lost digits or be lost.
LOST = 1e-200
#: A predicted probability so many times larger than what it could owe to those is right.
DIGITS = 1e20
#: A predicted probability below this has lost digits itself.
TINY = 1e-290


def fits(A, logs, predicted, filtered, evidence):
    """Whether the floats held every probability that could still matter.

    A filter probability below ``LOST`` may have lost its digits, or be zero though it is not. That
    matters only where a predicted probability is so small that it could have come from there.
    """
    if not evidence.min() >= WEAK:              # also where it is NaN
        return False
    if filtered.min() >= LOST:
        return True
    lost = (filtered < LOST) & (predicted > 0) & (logs > -np.inf)
    # The most that a predicted probability can owe to what was lost: A @ LOST, or a little more.
    owed = lost[:-1] @ np.where(A > 0, np.maximum(A, WEAK), 0.0).T * LOST
    p = predicted[1:]
    return not ((p < owed * DIGITS) | ((p > 0) & (p < TINY))).any()


def filter_pass(start, A, moves, logs):
    """Logarithms of the predicted and filtered probabilities and of the evidence; as for Viterbi."""
    predicted, filtered = np.empty_like(logs), np.empty_like(logs)
    evidence = np.empty(len(logs))
    for t, emitted in enumerate(logs):
        predicted[t] = start if t == 0 else log_sum(moves + filtered[t - 1])
        joint = predicted[t] + emitted
        evidence[t] = log_sum(joint)
        if evidence[t] == -np.inf:
            return predicted, filtered, evidence, t
        filtered[t] = joint - evidence[t]
    return predicted, filtered, evidence, -1


def smooth_pass(moves, predicted, filtered):
    """Smoothed probabilities and pair sums, from logarithms."""
    smoothed, pair_sums = np.empty_like(filtered), np.zeros_like(moves)
    smoothed[-1] = np.exp(filtered[-1])
    for t in range(len(filtered) - 2, -1, -1):
        ratios = log_ratios(smoothed[t + 1], predicted[t + 1])
        pair = np.exp(ratios[:, None] + moves + filtered[t])
        pair_sums += pair
        smoothed[t] = pair.sum(0)
    return smoothed, pair_sums


def sample_pass(A, filtered, uniforms):
    """Backward sampling on logarithms."""
    moves, states = log(A), np.empty(uniforms.shape, np.int64)
    for t in range(len(filtered) - 1, -1, -1):
        logs = filtered[t]
        if t < len(filtered) - 1:
            logs = (moves + logs)[states[:, t + 1]]
        weights = np.exp(logs - logs.max(-1, keepdims=True))
        states[:, t] = invert(np.cumsum(weights, axis=-1), uniforms[:, t])
    return states


def log(probabilities):
    """Logarithms, minus infinity for zero."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities)


def log_sum(logs):
    """The logarithm of the sum along the last axis, minus infinity where all are."""
    peak = logs.max(-1)
    shift = np.where(peak > -np.inf, peak, 0.0)
    return log(np.exp(logs - shift[..., None]).sum(-1)) + shift


def log_ratios(probabilities, logs):
    """log p - logs, minus infinity where p is zero."""
    known = probabilities > 0
    return np.subtract(log(probabilities), logs, out=np.full(logs.shape, -np.inf), where=known)


def invert(edges, uniforms):
    """The first entry whose edge is above the random part of the last edge."""
    return (edges <= (uniforms * edges[..., -1])[:, None]).sum(-1)
