"""The two loops of `updates` as `kalman.filter` runs them where no kernel does.

They take what the printed loops leave out: several sequences at once, parameters that change in time,
each of the three methods, and the guards.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

from functools import partial

import numpy as np

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.inference._matrices import squares
from pedagogy_lib.inference.kalman import guards, roots, updates
from pedagogy_lib.inference.kalman.problem import at

#: For each method: the time update, the measurement update, and how to leave out what is missing.
_UPDATES = {
    "joseph": (updates.time_update, updates.measurement_update, updates.rows),
    "covariance": (
        updates.time_update, partial(updates.measurement_update, posterior=updates.difference), updates.rows,
    ),
    "sqrt": (roots.time_update_sqrt, roots.measurement_update_sqrt, roots.observed),
}


def filter(problem, method):
    """Filter sequences that miss the same observations; the fields of `Filtered`."""
    belief, transition, emission, y, pushes = problem
    move, correct, observed = _UPDATES[method]
    (B, T, _), K = y.shape, belief.mean.shape[1]
    predicted_means, means = np.empty((B, T, K)), np.empty((B, T, K))
    predicted_spreads, spreads = np.empty((T, K, K)), np.empty((T, K, K))
    log_likelihoods, peak = np.zeros((B, T)), np.zeros(K)
    for t in range(T):
        if t > 0:
            push = 0.0 if pushes is None else pushes[:, t - 1]
            belief = move(belief, at(transition, t - 1), push)
        predicted_means[:, t], predicted_spreads[t] = before = belief
        seen = ~np.isnan(y[0, t])
        if seen.any():
            with guards.naming(t):
                arrow, data = observed(at(emission, t), seen), y[:, t, seen]
                corrected = correct(belief, arrow, data)
                guards.watch(method, before, corrected, arrow, data, peak)
            belief, log_likelihoods[:, t], _ = corrected
        means[:, t], spreads[t] = belief
    if method == "sqrt":
        predicted_covariances, covariances = squares(predicted_spreads), squares(spreads)
        return [predicted_means, predicted_covariances, means, covariances, log_likelihoods, spreads]
    return [predicted_means, predicted_spreads, means, spreads, log_likelihoods, None]


def smooth(problem, filtered, method):
    """Walk back along sequences that miss the same observations; the fields of `Smoothed`."""
    step_back = _step_back_sqrt if method == "sqrt" else _step_back
    if method == "covariance":
        step_back = partial(_step_back, posterior=updates.difference)
    kind = roots.Rooted if method == "sqrt" else Gaussian
    spreads = filtered.roots if method == "sqrt" else filtered.covariances
    T, K = filtered.means.shape[1:]
    means, covariances = np.empty_like(filtered.means), np.empty((T, K, K))
    gains = np.empty((T - 1, K, K))
    belief = kind(filtered.means[:, -1], spreads[-1])               # at T the two beliefs agree
    means[:, -1], covariances[-1] = belief.mean, filtered.covariances[-1]
    for t in range(T - 2, -1, -1):
        now = kind(filtered.means[:, t], spreads[t])
        ahead = Gaussian(filtered.predicted_means[:, t + 1], filtered.predicted_covariances[t + 1])
        belief, covariances[t], gains[t] = step_back(belief, now, ahead, at(problem.transition, t))
        means[:, t] = belief.mean
    return [means, covariances, covariances[1:] @ np.swapaxes(gains, 1, 2), gains]      # Eq. 2.55


def _step_back(belief, now, ahead, transition, posterior=updates.joseph):
    """The smoother's two updates: the new belief, its covariance, and J."""
    gain, past = updates.future_conditioning(now, transition, posterior)
    belief = updates.backward_step(belief, now, ahead, gain, past)
    return belief, belief.covariance, gain


def _step_back_sqrt(belief, now, ahead, transition):
    belief, gain = roots.backward_step_sqrt(belief, now, ahead, transition)
    return belief, squares(belief.root), gain
