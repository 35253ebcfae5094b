"""The hidden Markov model's recursions as compiled loops.

The same work as the reference in `pedagogy_lib.inference.discrete`, where the equations
are explained: here they are comments over the loops. Every inner loop runs along a row. The filter
and the smoother sum along it in SIMD lanes, few states or many; the best of few states is found
row by row, the best of many for all of them at once.
"""

import numpy as np

from pedagogy_lib.kernels import arrays
from pedagogy_lib.kernels._jit import helper, jit, jit_sums

BLOCK = 8192                        # numbers to work on at a time
LARGE_PAGES = 2**19                 # numbers, 4 MB: the size from which the system's large pages are used
SAFE = 1e-180                       # a sum above this has lost nothing
SMALLEST = -745.0                   # exp of less is zero
LARGE = 12                          # the number of states from which Viterbi's loops change places


@jit
def subtract_peaks(logs, peaks, shifted):
    """The largest entry of each row, and the row without it."""
    T, K = logs.shape
    for t in range(T):
        peak = logs[t, 0]
        for k in range(K):
            if logs[t, k] > peak or np.isnan(logs[t, k]):
                peak = logs[t, k]
        peaks[t] = peak
        for k in range(K):
            shifted[t, k] = logs[t, k] - peak


@jit_sums
def forward(pi, A, likelihoods, start, predicted, filtered, evidence):
    """Fill some rows, from ``start`` on, of what the filter finds."""
    steps, K = likelihoods.shape
    for step in range(steps):
        t, total = start + step, 0.0
        for i in range(K):
            # p(x_t | y_1 ... y_{t-1}) = A p(x_{t-1} | y_1 ... y_{t-1})                Eq. 2.36
            probability = pi[i]
            if t > 0:
                probability = 0.0
                for j in range(K):
                    probability += A[i, j] * filtered[t - 1, j]
            predicted[t, i] = probability
            # p(x_t, y_t | y_1 ... y_{t-1})                                            Eq. 2.37
            probability *= likelihoods[step, i]
            filtered[t, i] = probability
            total += probability
        evidence[t] = total
        scale = 1.0 / total
        for i in range(K):
            filtered[t, i] *= scale


@jit_sums
def backward(A_T, predicted, filtered, start, ratios, smoothed):
    """Fill some rows, from ``start`` on, of the smoothed probabilities, the last row first.

    ``ratios`` are those of the step after: of what is smoothed to what was predicted.
    """
    steps, K = ratios.shape
    for step in range(steps - 1, -1, -1):
        t = start + step
        for i in range(K):
            # What was impossible before y_t stays so: 0/0 is 0 here.
            possible = predicted[t + 1, i] > 0.0
            ratios[step, i] = smoothed[t + 1, i] / predicted[t + 1, i] if possible else 0.0
        for j in range(K):
            # gamma_t = sum over x_{t+1} of p(x_t, x_{t+1} | y_1 ... y_T)              Eq. 2.44
            total = 0.0
            for i in range(K):
                total += A_T[j, i] * ratios[step, i]
            smoothed[t, j] = filtered[t, j] * total


@jit_sums
def forward_logs(logs_pi, A, logs_A, logs, predicted, filtered, evidence):
    """The filter on logarithms. Returns the time step of an impossible observation, or -1.

    The sum over previous states is taken relative to the most probable of them. Only where all of
    it is so small that terms may have been lost, it is taken again, relative to its own largest.
    """
    T, K = logs.shape
    relative = np.empty(K)
    for t in range(T):
        top = -np.inf
        if t > 0:
            for j in range(K):
                top = max(top, filtered[t - 1, j])
            for j in range(K):
                relative[j] = np.exp(filtered[t - 1, j] - top)
        peak = -np.inf
        for i in range(K):
            value = logs_pi[i]
            if t > 0:
                total = 0.0
                for j in range(K):
                    total += A[i, j] * relative[j]
                value = np.log(total) + top if total > SAFE else _log_sum(logs_A[i], filtered[t - 1])
            predicted[t, i] = value
            filtered[t, i] = value + logs[t, i]
            peak = max(peak, filtered[t, i])
        if peak == -np.inf:
            return t
        total = 0.0
        for i in range(K):
            total += np.exp(filtered[t, i] - peak)
        evidence[t] = np.log(total) + peak
        for i in range(K):
            filtered[t, i] -= evidence[t]
    return -1


@helper
def _log_sum(first, second):
    """log of the sum of exp(first + second)."""
    peak = -np.inf
    for j in range(len(first)):
        peak = max(peak, first[j] + second[j])
    if peak == -np.inf:
        return peak
    total = 0.0
    for j in range(len(first)):
        total += np.exp(first[j] + second[j] - peak)
    return np.log(total) + peak


@jit
def backward_logs(logs_A, predicted, filtered, smoothed, pair_sums):
    """The smoother on logarithms: fills the smoothed probabilities and adds to the pair sums."""
    T, K = filtered.shape
    for i in range(K):
        smoothed[T - 1, i] = np.exp(filtered[T - 1, i])
    for t in range(T - 2, -1, -1):
        for j in range(K):
            smoothed[t, j] = 0.0
        for i in range(K):
            if smoothed[t + 1, i] == 0.0:
                continue
            ratio = np.log(smoothed[t + 1, i]) - predicted[t + 1, i]
            for j in range(K):
                # p(x_{t+1}, x_t | y_1 ... y_T)                                          Eq. 2.44
                pair = logs_A[i, j] + filtered[t, j] + ratio
                if pair > SMALLEST:
                    pair = np.exp(pair)
                    pair_sums[i, j] += pair
                    smoothed[t, j] += pair


@jit
def best_path_small(start, logs_A, logs, best, path):
    """The most probable path; the loop inside runs over where it came from."""
    T, K = logs.shape
    top = 0.0
    for t in range(T):
        peak = -np.inf
        for i in range(K):
            value = start[i]
            if t > 0:
                value = -np.inf
                for j in range(K):
                    candidate = logs_A[i, j] + best[t - 1, j]
                    value = candidate if candidate > value else value
            value += logs[t, i] - top
            best[t, i] = value
            peak = value if value > peak else peak
        if peak == -np.inf:
            return t
        top = peak
    _trace(logs_A, best, path)
    return -1


@jit
def best_path_large(start, logs_A, logs_A_T, logs, best, path):
    """The same; the loop inside runs over where the path goes to."""
    T, K = logs.shape
    top, value = 0.0, np.empty(K)
    for t in range(T):
        for i in range(K):
            value[i] = start[i] if t == 0 else -np.inf
        if t > 0:
            for j in range(K):
                before = best[t - 1, j]
                for i in range(K):
                    candidate = logs_A_T[j, i] + before
                    value[i] = candidate if candidate > value[i] else value[i]
        peak = -np.inf
        for i in range(K):
            value[i] += logs[t, i] - top
            best[t, i] = value[i]
            peak = value[i] if value[i] > peak else peak
        if peak == -np.inf:
            return t
        top = peak
    _trace(logs_A, best, path)
    return -1


@helper
def _trace(logs_A, best, path):
    """Walk back from the best last state, each time to the best state before."""
    T, K = best.shape
    for t in range(T - 1, -1, -1):
        peak, state = -np.inf, 0
        for j in range(K):
            value = best[t, j]
            if t < T - 1:
                value += logs_A[path[t + 1], j]
            if value > peak:
                peak, state = value, j
        path[t] = state


@jit
def draw_backwards(A, filtered, uniforms, states):
    """Draw whole sequences from the posterior, the last state first."""
    n, T = uniforms.shape
    K = A.shape[0]
    edges = np.empty(K)
    for s in range(n):
        for t in range(T - 1, -1, -1):
            # p(x_t | x_{t+1}, y_1 ... y_t), not normalized                             Eq. 2.38
            total = 0.0
            for j in range(K):
                weight = filtered[t, j]
                if t < T - 1:
                    weight *= A[states[s, t + 1], j]
                total += weight
                edges[j] = total
            target, state = uniforms[s, t] * total, 0
            while edges[state] <= target:
                state += 1
            states[s, t] = state


# ------------------------------------------------------------------------- for the caller


def filter(pi, A, logs):
    """As the reference's ``filter``."""
    T, K = logs.shape
    predicted, filtered, evidence, peaks = _block((T, K), (T, K), (T,), (T,))
    pi, A, logs = _plain(pi), _plain(A), _plain(logs)
    buffer = np.empty((_rows(K), K))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for start in range(0, T, len(buffer)):
            part = slice(start, start + len(buffer))
            likelihoods = buffer[: len(peaks[part])]
            subtract_peaks(logs[part], peaks[part], likelihoods)
            np.exp(likelihoods, out=likelihoods)
            forward(pi, A, likelihoods, start, predicted, filtered, evidence)
    return predicted, filtered, evidence, peaks


def smooth(A, predicted, filtered):
    """As the reference's ``smooth``."""
    T, K = filtered.shape
    predicted, filtered, A_T = _plain(predicted), _plain(filtered), _plain(A.T)
    smoothed, sums, buffer = np.empty((T, K)), np.zeros((K, K)), np.empty((_rows(K), K))
    smoothed[-1] = filtered[-1]
    for stop in range(T - 1, 0, -len(buffer)):
        start = max(stop - len(buffer), 0)
        ratios = buffer[: stop - start]
        backward(A_T, predicted, filtered, start, ratios, smoothed)
        sums += ratios.T @ filtered[start:stop]
    return smoothed, A * sums


def _block(*shapes):
    """Arrays cut from one block; of a size for which NumPy asks the system for large pages.

    What is not touched of it takes no memory.
    """
    size = sum(int(np.prod(shape)) for shape in shapes)
    spare = max(LARGE_PAGES - size, 0) if size > LARGE_PAGES // 16 else 0
    return arrays(*shapes, (spare,))[:-1]


def _rows(K):
    """As many rows as fit into a processor's cache."""
    return max(1, BLOCK // K)


def filter_logs(logs_pi, A, logs_A, logs):
    """As the reference's ``_filter_logs_reference``."""
    T, K = logs.shape
    predicted, filtered, evidence = arrays((T, K), (T, K), (T,))
    logs_pi, A, logs_A, logs = _plain(logs_pi), _plain(A), _plain(logs_A), _plain(logs)
    impossible = forward_logs(logs_pi, A, logs_A, logs, predicted, filtered, evidence)
    return predicted, filtered, evidence, impossible


def smooth_logs(logs_A, predicted, filtered):
    """As the reference's ``_smooth_logs_reference``."""
    smoothed, pair_sums = np.empty(filtered.shape), np.zeros(logs_A.shape)
    backward_logs(_plain(logs_A), _plain(predicted), _plain(filtered), smoothed, pair_sums)
    return smoothed, pair_sums


def viterbi(start, logs_A, logs):
    """As the reference's ``_viterbi_reference``."""
    best, path = np.empty(logs.shape), np.empty(len(logs), np.int64)
    start, logs_A, logs = _plain(start), _plain(logs_A), _plain(logs)
    if len(start) < LARGE:
        return path, best_path_small(start, logs_A, logs, best, path)
    return path, best_path_large(start, logs_A, _plain(logs_A.T), logs, best, path)


def sample(A, filtered, uniforms):
    """As the reference's ``_sample_reference``."""
    states = np.empty(uniforms.shape, np.int64)
    draw_backwards(_plain(A), _plain(filtered), uniforms, states)
    return states


def _plain(array):
    """The one kind of array that kernels are compiled for: another kind would compile anew."""
    return np.require(array, np.float64, "CAW")
