"""The Kalman filter and the RTS smoother as compiled loops.

The same work as `pedagogy_lib.inference.kalman.updates`, where the equations are
explained: here they are comments over the loops. Filter and smoother come twice, for small and for
large matrices; the same on square roots is in `kalman_roots`. Where covariances have stopped
changing, `stream` goes on with the means.

Loops run along rows, which lie next to each other in memory: products are written X Y', and
symmetric matrices used as their own transposes. Large products are left to BLAS. Calling a function
with ten arrays takes longer than multiplying two small matrices: the kernels for these are one long
function each, and those for large matrices are made of steps.

A missing entry of y is one that says nothing: its row of C is zero, its variance one, its
innovation zero. So the sizes of the arrays stay the same, and what comes out is the same.

Parameters have a first axis of length 1, or of time; ``a`` has one of sequences before it, of
length 1 or B. Names as in the reference: xp and Pp are x_{t|t-1} and Y_{t|t-1}.
"""

import numpy as np

from pedagogy_lib.kernels import arrays
from pedagogy_lib.kernels._jit import helper, helper_sums, jit, jit_sums
from pedagogy_lib.kernels.kalman_roots import filter_roots, smooth_roots

LOG_TAU = np.log(2 * np.pi)
EPSILON = np.finfo(np.float64).eps
SHAKY = 1e-8                        # a pivot below this part of its variance: rounding may grow
TINY = 1e-290                       # a variance below it counts as zero: it loses its digits soon
MEDIUM, LARGE = 10, 18              # beyond so many states BLAS is faster: filter, smoother
STRETCH = 32                        # steps before it is asked whether covariances still change
LANES = 8                           # sequences that are filtered side by side, in SIMD registers

# What a kernel found wrong; the caller turns it into a sentence.
OK, NOT_DEFINITE, LOST, OUT_OF_REACH, CANCELLED = range(5)
NEVER = 2**62                       # a step that no sequence reaches


@jit_sums
def filter_small(joseph, span, limits, model, y, latest, fields):
    """Filter B sequences that miss the same observations, from one step to before another.

    Parameters
    ----------
    joseph : bool
    span : first, stop
    limits : digits, reach
    model : m0, P0, A, a, Q, C, c, R
    y : shape (B, T, L)
    latest : peak, root, V
        Begin as zeros, and belong to the latest step when this ends: the largest variance that each
        state had so far, S^1/2 and K S^1/2.
    fields : xp, Pp, x, P, log_likelihoods
        To be filled.

    Returns
    -------
    What went wrong, and when.

    Notes
    -----
    In every direction P - K C P keeps at least 1 part in 1 + trace(R^-1 C P C') of P. Where that is
    1 part in 1000 or more, three digits are lost at most, and the Joseph form, which costs half as
    much again, would change nothing but the last ones: then it is left out.
    """
    (first, stop), (digits, reach) = span, limits
    m0, P0, A_, a, Q_, C_, c, R_ = model
    peak, root, V = latest
    xp, Pp, x, P, log_likelihoods = fields
    (B, _, L), K = y.shape, P0.shape[0]
    AP, C, R, CP = np.empty((K, K)), np.empty((L, K)), np.empty((L, L)), np.empty((L, K))
    V_T, gain, gain_T, D = np.empty((L, K)), np.empty((K, L)), np.empty((L, K)), np.empty((K, L))
    scale, variance, floor, e = np.empty(L), np.empty(L), np.empty(L), np.empty(L)
    seen, whole, precision, noisy = np.empty(L, np.bool_), False, np.empty((L, L)), False
    for t in range(first, stop):
        count = 0
        for l in range(L):
            seen[l] = not np.isnan(y[0, t, l])
            count += seen[l]
        new = not whole or count < L or C_.shape[0] > 1 or R_.shape[0] > 1
        if new:
            whole, noisy = count == L, leave_out(t, seen, C_, R_, C, R, precision)
        # Y_{t|t-1} = A Y A' + Q                                                       Eq. 2.48
        u, w = (t - 1) * (A_.shape[0] > 1), (t - 1) * (Q_.shape[0] > 1)
        for i in range(K):
            for j in range(K if t > 0 else 0):
                total = 0.0
                for k in range(K):
                    total += A_[u, i, k] * P[t - 1, j, k]
                AP[i, j] = total
            for j in range(i + 1):
                total = P0[i, j]
                if t > 0:
                    total = Q_[w, i, j]
                    for k in range(K):
                        total += AP[i, k] * A_[u, j, k]
                Pp[t, i, j] = total
                Pp[t, j, i] = total
        for k in range(K):
            new = new or Pp[t, k, k] > peak[k]
        if new and count > 0:
            remember(Pp[t], C, R, digits, peak, floor)
        for l in range(L):
            for k in range(K):
                total = 0.0
                for m in range(K):
                    total += C[l, m] * Pp[t, k, m]
                CP[l, k] = total
        # S = C Y C' + R = root root', as in `factor`
        constant, told, determinant = count * LOG_TAU, 0.0, 1.0
        for l in range(L):
            for m in range(l + 1):
                total = R[l, m]
                for k in range(K):
                    total += C[l, k] * CP[m, k]
                told += (1.0 if m == l else 2.0) * precision[l, m] * (total - R[l, m])
                if m == l:
                    variance[l] = total
                for k in range(m):
                    total -= root[l, k] * root[m, k]
                if m < l:
                    root[l, m] = total * scale[m]
            if not total > 0.0:
                return NOT_DEFINITE, t
            if seen[l] and total < floor[l]:
                return LOST, t
            if 1e-100 < total < 1e100:
                determinant *= total
            else:
                constant += np.log(total)
            if not 1e-100 < determinant < 1e100:
                constant += np.log(determinant)
                determinant = 1.0
            root[l, l] = np.sqrt(total)
            scale[l] = 1.0 / root[l, l]
        constant += np.log(determinant)
        protect = joseph and not (noisy and told < 1e3)             # told = trace(R^-1 C Y C')
        # K = Y C' S^-1 = V root^-1: forwards through the root, and backwards if needed  Eq. 2.47
        for l in range(L):
            for k in range(K):
                V_T[l, k] = CP[l, k]
            for m in range(l):
                weight = root[l, m]
                for k in range(K):
                    V_T[l, k] -= weight * V_T[m, k]
            for k in range(K):
                V_T[l, k] *= scale[l]
                V[k, l] = V_T[l, k]
        for l in range(L - 1, -1 if protect else L - 1, -1):
            for k in range(K):
                gain_T[l, k] = V_T[l, k]
            for m in range(l + 1, L):
                weight = root[m, l]
                for k in range(K):
                    gain_T[l, k] -= weight * gain_T[m, k]
            for k in range(K):
                gain_T[l, k] *= scale[l]
                gain[k, l] = gain_T[l, k]
        # M = Y - K C Y, with K C Y = V V'; in the Joseph form M - (M C' - K R) K'     Eq. 2.47
        for i in range(K):
            for j in range(i + 1):
                total = Pp[t, i, j]
                for l in range(L):
                    total -= V[i, l] * V[j, l]
                P[t, i, j] = total
                P[t, j, i] = total
            if not joseph and P[t, i, i] < digits * Pp[t, i, i]:
                return CANCELLED, t
        for i in range(K if protect else 0):
            for l in range(L):
                total = 0.0
                for k in range(K):
                    total += P[t, i, k] * C[l, k]
                for m in range(L):
                    total -= gain[i, m] * R[l, m]
                D[i, l] = 0.5 * total
        for i in range(K if protect else 0):
            for j in range(i + 1):
                total = P[t, i, j]
                for l in range(L):
                    total -= D[i, l] * gain[j, l] + gain[i, l] * D[j, l]
                P[t, i, j] = total
                P[t, j, i] = total
        for b in range(B):
            # x_{t|t-1} = A x_{t-1|t-1} + B u_{t-1} + a                                    Eq. 2.48
            for i in range(K):
                total = m0[b, i]
                if t > 0:
                    total = a[b * (a.shape[0] > 1), (t - 1) * (a.shape[1] > 1), i]
                    for k in range(K):
                        total += A_[u, i, k] * x[b, t - 1, k]
                xp[b, t, i] = total
            # x_{t|t} = x_{t|t-1} + K e, with e = y - (C x_{t|t-1} + c)                    Eq. 2.47
            square = 0.0
            for l in range(L):
                total = 0.0
                if seen[l]:
                    total = y[b, t, l]
                    if total * total > reach * variance[l]:
                        return OUT_OF_REACH, t
                    total -= c[t * (c.shape[0] > 1), l]
                    for k in range(K):
                        total -= C[l, k] * xp[b, t, k]
                for m in range(l):
                    total -= root[l, m] * e[m]
                e[l] = total * scale[l]                     # whitened: K e = V (root^-1 e)
                square += e[l] * e[l]
            for k in range(K):
                total = xp[b, t, k]
                for l in range(L):
                    total += V[k, l] * e[l]
                x[b, t, k] = total
            log_likelihoods[b, t] = -0.5 * (square + constant)
    return OK, stop


@jit_sums
def filter_large(joseph, span, limits, model, y, latest, fields):
    """`filter_small` with BLAS: the same arguments, the same equations."""
    (first, stop), (digits, reach) = span, limits
    m0, P0, A_, a, Q_, C_, c, R_ = model
    peak, root, V = latest
    xp, Pp, x, P, log_likelihoods = fields
    K, L = P0.shape[0], y.shape[2]
    A_T, AP, M = np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    C, C_T, CP, R = np.empty((L, K)), np.empty((K, L)), np.empty((L, K)), np.empty((L, L))
    V_T, gain, gain_T = np.empty((L, K)), np.empty((K, L)), np.empty((L, K))
    D, E = np.empty((K, L)), np.empty((K, L))
    scale, variance, floor, e = np.empty(L), np.empty(L), np.empty(L), np.empty(L)
    seen, whole, precision, noisy = np.empty(L, np.bool_), False, np.empty((L, L)), False
    for t in range(first, stop):
        count = look(y, t, seen)
        new = not whole or count < L or C_.shape[0] > 1 or R_.shape[0] > 1
        if new:
            whole, noisy = count == L, leave_out(t, seen, C_, R_, C, R, precision)
            transpose(C, C_T)
        # Y_{t|t-1} = A Y A' + Q                                                       Eq. 2.48
        u, w = (t - 1) * (A_.shape[0] > 1), (t - 1) * (Q_.shape[0] > 1)
        if t > 0:
            if t <= first + 1 or A_.shape[0] > 1:
                transpose(A_[u], A_T)
            multiply(A_[u], P[t - 1], AP)
            multiply(AP, A_T, M)
        for i in range(K):
            for j in range(i + 1):
                Pp[t, i, j] = Q_[w, i, j] + M[i, j] if t > 0 else P0[i, j]
                Pp[t, j, i] = Pp[t, i, j]
        for k in range(K):
            new = new or Pp[t, k, k] > peak[k]
        if new and count > 0:
            remember(Pp[t], C, R, digits, peak, floor)
        multiply(C, Pp[t], CP)
        trouble, constant, told = factor(C, CP, R, precision, seen, floor, root, scale, variance)
        if trouble != OK:
            return trouble, t
        constant += count * LOG_TAU
        protect = joseph and not (noisy and told < 1e3)             # told = trace(R^-1 C Y C')
        gains(CP, root, scale, protect, V_T, V, gain_T, gain)
        # M = Y - K C Y, with K C Y = V V'; in the Joseph form M - (M C' - K R) K'     Eq. 2.47
        multiply(V, V_T, M)
        for i in range(K):
            for j in range(i + 1):
                P[t, i, j] = Pp[t, i, j] - M[i, j]
                P[t, j, i] = P[t, i, j]
            if not joseph and P[t, i, i] < digits * Pp[t, i, i]:
                return CANCELLED, t
        if protect:
            multiply(P[t], C_T, D)
            subtract_product(gain, R, E, D)
            multiply(D, gain_T, M)
            for i in range(K):
                for j in range(i + 1):
                    P[t, i, j] -= 0.5 * (M[i, j] + M[j, i])
                    P[t, j, i] = P[t, i, j]
        if not move_means(t, reach, m0, A_, a, C, c, seen, y, root, scale, variance, constant, V, e, xp, x,
                          log_likelihoods):
            return OUT_OF_REACH, t
    return OK, stop


@helper
def look(y, t, seen):
    """Mark the entries of y_t that were seen; their number."""
    count = 0
    for l in range(y.shape[2]):
        seen[l] = not np.isnan(y[0, t, l])
        count += seen[l]
    return count


@helper
def leave_out(t, seen, C_, R_, C, R, precision):
    """C and R of y_t, in which a missing entry says nothing; R^-1, and whether there is one."""
    u, w = t * (C_.shape[0] > 1), t * (R_.shape[0] > 1)
    for l in range(C.shape[0]):
        for k in range(C.shape[1]):
            C[l, k] = C_[u, l, k] if seen[l] else 0.0
        for m in range(C.shape[0]):
            unit = 1.0 if l == m else 0.0
            R[l, m] = R_[w, l, m] if seen[l] and seen[m] else unit
            precision[l, m] = R[l, m]
    return to_precision(R, precision)


@helper
def remember(Y, C, R, digits, peak, floor):
    """The largest variance of each state so far, and the smallest pivots of S to trust."""
    for k in range(C.shape[1]):
        peak[k] = max(peak[k], Y[k, k])
    for l in range(C.shape[0]):
        floor[l] = digits * R[l, l]
        for k in range(C.shape[1]):
            floor[l] += digits * C[l, k] * C[l, k] * peak[k]


@helper_sums
def factor(C, CP, R, precision, seen, floor, root, scale, variance):
    """S = C Y C' + R = root root'. Fills the last three: the root, 1 / its diagonal, the diagonal of S.

    Returns what went wrong; log det S, where a missing entry adds 0; and trace(R^-1 C Y C').
    """
    constant, told, determinant = 0.0, 0.0, 1.0
    for l in range(C.shape[0]):
        for m in range(l + 1):
            total = R[l, m]
            for k in range(C.shape[1]):
                total += C[l, k] * CP[m, k]
            told += (1.0 if m == l else 2.0) * precision[l, m] * (total - R[l, m])
            if m == l:
                variance[l] = total
            for k in range(m):
                total -= root[l, k] * root[m, k]
            if m < l:
                root[l, m] = total * scale[m]
        if not total > 0.0:
            return NOT_DEFINITE, 0.0, 0.0
        if seen[l] and total < floor[l]:
            return LOST, 0.0, 0.0
        # One logarithm for many pivots; none of these products leaves the range of floats.
        if 1e-100 < total < 1e100:
            determinant *= total
        else:
            constant += np.log(total)
        if not 1e-100 < determinant < 1e100:
            constant += np.log(determinant)
            determinant = 1.0
        root[l, l] = np.sqrt(total)
        scale[l] = 1.0 / root[l, l]
    return OK, constant + np.log(determinant), told


@helper_sums
def gains(CP, root, scale, backwards, V_T, V, gain_T, gain):
    """K = Y C' S^-1 = V root^-1: forwards through the root, and backwards if needed.          Eq. 2.47"""
    L, K = CP.shape
    for l in range(L):
        for k in range(K):
            V_T[l, k] = CP[l, k]
        for m in range(l):
            weight = root[l, m]
            for k in range(K):
                V_T[l, k] -= weight * V_T[m, k]
        for k in range(K):
            V_T[l, k] *= scale[l]
            V[k, l] = V_T[l, k]
    for l in range(L - 1, -1 if backwards else L - 1, -1):
        for k in range(K):
            gain_T[l, k] = V_T[l, k]
        for m in range(l + 1, L):
            weight = root[m, l]
            for k in range(K):
                gain_T[l, k] -= weight * gain_T[m, k]
        for k in range(K):
            gain_T[l, k] *= scale[l]
            gain[k, l] = gain_T[l, k]


@helper_sums
def move_means(
    t, reach, m0, A_, a, C, c, seen, y, root, scale, variance, constant, V, e, xp, x, log_likelihoods
):
    """The means and log-likelihoods of all sequences at step t; whether y is within reach."""
    B, K, L = y.shape[0], C.shape[1], C.shape[0]
    u = (t - 1) * (A_.shape[0] > 1)
    for b in range(B):
        # x_{t|t-1} = A x_{t-1|t-1} + B u_{t-1} + a                                    Eq. 2.48
        for i in range(K):
            total = m0[b, i]
            if t > 0:
                total = a[b * (a.shape[0] > 1), (t - 1) * (a.shape[1] > 1), i]
                for k in range(K):
                    total += A_[u, i, k] * x[b, t - 1, k]
            xp[b, t, i] = total
        # x_{t|t} = x_{t|t-1} + K e, with e = y - (C x_{t|t-1} + c)                    Eq. 2.47
        square = 0.0
        for l in range(L):
            total = 0.0
            if seen[l]:
                total = y[b, t, l]
                if total * total > reach * variance[l]:
                    return False
                total -= c[t * (c.shape[0] > 1), l]
                for k in range(K):
                    total -= C[l, k] * xp[b, t, k]
            for m in range(l):
                total -= root[l, m] * e[m]
            e[l] = total * scale[l]                     # whitened: K e = V (root^-1 e)
            square += e[l] * e[l]
        for k in range(K):
            total = xp[b, t, k]
            for l in range(L):
                total += V[k, l] * e[l]
            x[b, t, k] = total
        log_likelihoods[b, t] = -0.5 * (square + constant)
    return True


@jit_sums
def gains_small(Pp, C_, R_, seen, root, V, variance, constant):
    """S^1/2 and V = K S^1/2 at every step, from the predicted covariances. Fills the last four.

    What `filter_small` computes on its way and forgets. Where nothing of an entry was seen its row
    of the root is that of the identity, and its column of V zero.
    """
    T, L = seen.shape
    K = Pp.shape[1]
    CP = np.empty((L, K))
    for t in range(T):
        u, w = t * (C_.shape[0] > 1), t * (R_.shape[0] > 1)
        constant[t] = 0.0
        for l in range(L):
            for k in range(K):
                total = 0.0
                for m in range(K):
                    total += C_[u, l, m] * Pp[t, k, m]
                CP[l, k] = total if seen[t, l] else 0.0
        for l in range(L):
            for m in range(l + 1):
                total = 1.0 if l == m else 0.0
                if seen[t, l] and seen[t, m]:           # S = C Y C' + R
                    total = R_[w, l, m]
                    for k in range(K):
                        total += C_[u, l, k] * CP[m, k]
                if m == l:
                    variance[t, l] = total
                for k in range(m):
                    total -= root[t, l, k] * root[t, m, k]
                root[t, l, m] = total / root[t, m, m] if m < l else np.sqrt(total)
            if seen[t, l]:
                constant[t] += LOG_TAU + 2.0 * np.log(root[t, l, l])
            for k in range(K):                          # V = Y C' root^-T
                total = CP[l, k]
                for m in range(l):
                    total -= root[t, l, m] * V[t, k, m]
                V[t, k, l] = total / root[t, l, l]


@jit_sums
def filter_lanes(reach, m0, A_, a, C_, c, seen, root, V, variance, constant, y, xp, x, log_likelihoods):
    """The means of many sequences that share their gains. Fills the last three arguments.

    A step depends on the step before it, so one sequence cannot fill a SIMD register. Several can:
    every innermost loop below runs over the sequences of a block, one in each lane.
    """
    B, T, L = y.shape
    K = A_.shape[1]
    now, moved = np.zeros((K, LANES)), np.zeros((K, LANES))
    e, square = np.zeros((L, LANES)), np.zeros(LANES)
    trouble, when = OK, T
    for first in range(0, B, LANES):
        lanes = min(LANES, B - first)
        for t in range(T):
            # x_{t|t-1} = A x_{t-1|t-1} + B u_{t-1} + a                                Eq. 2.48
            u = (t - 1) * (A_.shape[0] > 1)
            row = (t - 1) * (a.shape[1] > 1)
            for i in range(K):
                if t == 0:
                    for b in range(lanes):
                        moved[i, b] = m0[first + b, i]
                else:
                    for b in range(LANES):
                        moved[i, b] = a[0, row, i]
                    if a.shape[0] > 1:
                        for b in range(lanes):
                            moved[i, b] = a[first + b, row, i]
                    for k in range(K):
                        factor = A_[u, i, k]
                        for b in range(LANES):
                            moved[i, b] += factor * now[k, b]
            # e = root^-1 [y - (C x_{t|t-1} + c)]
            u, w = t * (C_.shape[0] > 1), t * (c.shape[0] > 1)
            for b in range(LANES):
                square[b] = constant[t]
            for l in range(L):
                if not seen[t, l]:
                    for b in range(LANES):
                        e[l, b] = 0.0
                    continue
                bound = reach * variance[t, l]
                farthest = 0.0
                for b in range(lanes):
                    value = y[first + b, t, l]
                    farthest = max(farthest, value * value)
                    e[l, b] = value - c[w, l]
                if farthest > bound and t < when:
                    trouble, when = OUT_OF_REACH, t
                for k in range(K):
                    factor = C_[u, l, k]
                    for b in range(LANES):
                        e[l, b] -= factor * moved[k, b]
                for m in range(l):
                    factor = root[t, l, m]
                    for b in range(LANES):
                        e[l, b] -= factor * e[m, b]
                factor = 1.0 / root[t, l, l]
                for b in range(LANES):
                    e[l, b] *= factor
                    square[b] += e[l, b] * e[l, b]
            # x_{t|t} = x_{t|t-1} + K e = x_{t|t-1} + V (root^-1 e)                    Eq. 2.47
            for i in range(K):
                for b in range(LANES):
                    now[i, b] = moved[i, b]
                for l in range(L):
                    factor = V[t, i, l]
                    for b in range(LANES):
                        now[i, b] += factor * e[l, b]
            for i in range(K):
                for b in range(lanes):
                    xp[first + b, t, i] = moved[i, b]
                    x[first + b, t, i] = now[i, b]
            for b in range(lanes):
                log_likelihoods[first + b, t] = -0.5 * square[b]
    return trouble, when


@jit_sums
def smooth_small(joseph, A_, Q_, xp, Pp, x, P, means, covariances, cross, gains):
    """Smooth B sequences that miss the same observations. Fills the last four arguments.

    Returns whether rounding may grow. It may where the other states predict one of them almost exactly,
    that is, where little of its variance is left in its pivot of Y_{t+1|t}: J divides by that pivot, and
    so magnifies errors that are small against the variance but not against the pivot.
    """
    B, T, K = x.shape
    PA, M, D, spread = np.empty((K, K)), np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    root, J_T, scale = np.empty((K, K)), np.empty((K, K)), np.empty(K)
    rounding, shaky = 8.0 * EPSILON * K, False
    for i in range(K):
        for j in range(K):
            covariances[T - 1, i, j] = P[T - 1, i, j]
        for b in range(B):
            means[b, T - 1, i] = x[b, T - 1, i]
    for t in range(T - 2, -1, -1):
        u, w = t * (A_.shape[0] > 1), t * (Q_.shape[0] > 1)
        # Y_{t+1|t} = root root'; a pivot that is only rounding counts as zero
        for i in range(K):
            for j in range(i + 1):
                total = Pp[t + 1, i, j]
                for k in range(j):
                    total -= root[i, k] * root[j, k]
                if j < i:
                    root[i, j] = total * scale[j]
            shaky = shaky or total < SHAKY * Pp[t + 1, i, i]
            known = total > max(rounding * Pp[t + 1, i, i], TINY)
            root[i, i] = np.sqrt(total) if known else 0.0
            scale[i] = 1.0 / root[i, i] if known else 0.0
        # J = Y A' Y_{t+1|t}^-1: forwards through the root, then backwards             Eq. 2.53
        for j in range(K):
            for i in range(K):
                total = 0.0
                for k in range(K):
                    total += A_[u, j, k] * P[t, i, k]
                PA[i, j] = total
                J_T[j, i] = total
            for k in range(j):
                factor = root[j, k]
                for i in range(K):
                    J_T[j, i] -= factor * J_T[k, i]
            for i in range(K):
                J_T[j, i] *= scale[j]
        for j in range(K - 1, -1, -1):
            for k in range(j + 1, K):
                factor = root[k, j]
                for i in range(K):
                    J_T[j, i] -= factor * J_T[k, i]
            for i in range(K):
                J_T[j, i] *= scale[j]
                gains[t, i, j] = J_T[j, i]
        # Cov[X_{t+1}, X_t | y_1 ... y_T] = Y_{t+1|T} J'                               Eq. 2.55
        for i in range(K):
            for j in range(K):
                total = 0.0
                for k in range(K):
                    total += covariances[t + 1, i, k] * gains[t, j, k]
                cross[t, i, j] = total
        # Y_{t|T} = Y_{t|t+1} + J Y_{t+1|T} J'. As in the filter, with the smoothed covariance as
        # one more noise: M - (M A' - J (Q + Y_{t+1|T})) J', M = Y - J A Y             Eq. 2.54
        if joseph:
            for i in range(K):
                for j in range(K):
                    spread[i, j] = Q_[w, i, j] + covariances[t + 1, i, j]
                for j in range(i + 1):
                    total = P[t, i, j]
                    for k in range(K):
                        total -= gains[t, i, k] * PA[j, k]
                    M[i, j] = total
                    M[j, i] = total
            for i in range(K):
                for j in range(K):
                    total = 0.0
                    for k in range(K):
                        total += M[i, k] * A_[u, j, k] - gains[t, i, k] * spread[j, k]
                    D[i, j] = -total
        else:
            for i in range(K):
                for j in range(K):
                    M[i, j] = P[t, i, j]
                    spread[i, j] = covariances[t + 1, i, j] - Pp[t + 1, i, j]
            for i in range(K):
                for j in range(K):
                    total = 0.0
                    for k in range(K):
                        total += gains[t, i, k] * spread[j, k]
                    D[i, j] = total
        for i in range(K):
            for j in range(i + 1):
                total = 0.0
                for k in range(K):
                    total += D[i, k] * gains[t, j, k] + gains[t, i, k] * D[j, k]
                covariances[t, i, j] = M[i, j] + 0.5 * total
                covariances[t, j, i] = M[i, j] + 0.5 * total
        # x_{t|T} = x_{t|t} + J (x_{t+1|T} - x_{t+1|t})                                Eq. 2.54
        for b in range(B):
            for i in range(K):
                total = x[b, t, i]
                for k in range(K):
                    total += gains[t, i, k] * (means[b, t + 1, k] - xp[b, t + 1, k])
                means[b, t, i] = total
    return shaky


@helper_sums
def cholesky(S, root, rounding):
    """root root' = S, lower triangular, of a semi-definite S.

    A pivot below the part ``rounding`` of its row's variance counts as zero and gives a zero column.
    """
    for i in range(S.shape[0]):
        for j in range(i + 1):
            total = S[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            if j < i:
                root[i, j] = total / root[j, j] if root[j, j] > 0.0 else 0.0
            else:
                root[i, i] = np.sqrt(total) if total > max(rounding * S[i, i], TINY) else 0.0


@helper
def invert(root, inverse):
    """The inverse of a lower triangular root; a zero pivot gives a row of zeros."""
    for i in range(root.shape[0]):
        for j in range(root.shape[0]):
            inverse[i, j] = 0.0
        if not root[i, i] > 0.0:
            continue
        scale = 1.0 / root[i, i]
        inverse[i, i] = scale
        for k in range(i):
            factor = scale * root[i, k]
            for j in range(k + 1):
                inverse[i, j] -= factor * inverse[k, j]


@helper
def to_precision(R, precision):
    """Turn ``precision`` from R into its inverse (Gauss-Jordan); False if a pivot is only rounding."""
    L = R.shape[0]
    for k in range(L):
        if not precision[k, k] > 8.0 * EPSILON * L * R[k, k]:
            return False
        scale = 1.0 / precision[k, k]
        precision[k, k] = 1.0
        for j in range(L):
            precision[k, j] *= scale
        for i in range(L):
            factor = precision[i, k] if i != k else 0.0
            if i != k:
                precision[i, k] = 0.0
            for j in range(L):
                precision[i, j] -= factor * precision[k, j]
    return True


@helper
def transpose(X, out):
    """out = X'."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            out[j, i] = X[i, j]


@helper
def load(X, t, out):
    """out = X[t], or X[0] where X does not change in time."""
    row = t if X.shape[0] > 1 and t > 0 else 0
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = X[row, i, j]


@helper
def multiply(X, Y, out):
    """out = X Y, by BLAS."""
    np.dot(X, Y, out)


@helper
def subtract_product(X, Y, XY, out):
    """out = out - X Y."""
    multiply(X, Y, XY)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] -= XY[i, j]


@helper
def store_symmetric(X, out, t):
    """out[t] = (X + X') / 2."""
    for i in range(X.shape[0]):
        for j in range(i + 1):
            value = 0.5 * (X[i, j] + X[j, i])
            out[t, i, j] = value
            out[t, j, i] = value


@helper_sums
def carry(J, E, JE):
    """E = J E J', of a symmetric E."""
    K = E.shape[0]
    for i in range(K):
        for k in range(K):
            total = 0.0
            for j in range(K):
                total += J[i, j] * E[k, j]
            JE[i, k] = total
    for i in range(K):
        for k in range(i + 1):
            total = 0.0
            for j in range(K):
                total += JE[i, j] * J[k, j]
            E[i, k] = total
            E[k, i] = total


@jit_sums
def last_change(t, Pp, A, C, root, V):
    """The step at which the predicted covariance will have stopped changing; NEVER if it is far off.

    A change from step t-1 to t that is small is followed to its end. The next step takes a small
    change D to F D F', with F = A (I - K C) and K = V root^-1: changes shrink by the square of the
    spectral radius of F, which the size of F^256 tells. The end is where everything that remains of
    this geometric series is below 1e-15 of the variances.
    """
    K, L = V.shape
    change = 0.0
    for i in range(K):
        for j in range(i + 1):
            scale = np.sqrt(Pp[t, i, i] * Pp[t, j, j])
            step = abs(Pp[t, i, j] - Pp[t - 1, i, j]) / (scale if scale > 0.0 else 1.0)
            if step > 1e-12:
                return NEVER
            change = max(change, step)
    inverse, whitened_C = np.empty((L, L)), np.empty((L, K))
    F, power = np.empty((K, K)), np.empty((K, K))
    invert(root, inverse)
    multiply(inverse, C, whitened_C)
    multiply(V, whitened_C, power)
    for i in range(K):
        for j in range(K):
            power[i, j] = (1.0 if i == j else 0.0) - power[i, j]
    multiply(A, power, F)
    for _ in range(4):
        multiply(F, F, power)
        multiply(power, power, F)
    square = 0.0
    for i in range(K):
        for j in range(K):
            square += F[i, j] * F[i, j]
    rate = square ** (1 / 256)
    if not rate < 1.0:
        return NEVER
    remaining = change * rate / (1.0 - rate)
    return t + (int(np.ceil(np.log(1e-15 / remaining) / np.log(rate))) if remaining > 1e-15 else 0)


@jit_sums
def stream(first, reach, A, a, C, c, root, V, y, xp, Pp, x, P, log_likelihoods):
    """Filter on, with the covariances of the step before ``first``, until something is missing.

    Only the means are computed. Covariances are copied in between: the processor stores them while
    it waits for one product to end before it can begin the next.
    """
    B, T, L = y.shape
    K = A.shape[0]
    ahead, now, e = np.empty(K), np.empty(K), np.empty(L)       # nearer than xp and x
    whiten, gain = np.empty((L, L)), np.empty((K, L))
    invert(root, whiten)
    multiply(V, whiten, gain)
    variance, constant, stop = np.empty(L), L * LOG_TAU, T
    for l in range(L):
        constant += 2.0 * np.log(root[l, l])
        variance[l] = 0.0
        for m in range(l + 1):
            variance[l] += root[l, m] * root[l, m]
    for b in range(B):
        for k in range(K):
            now[k] = x[b, first - 1, k]
        for t in range(first, stop):
            # x_{t|t-1} = A x_{t-1|t-1} + B u_{t-1} + a                                Eq. 2.48
            for i in range(K):
                total = a[b * (a.shape[0] > 1), (t - 1) * (a.shape[1] > 1), i]
                for k in range(K):
                    total += A[i, k] * now[k]
                ahead[i] = total
                xp[b, t, i] = total
                for k in range(K if b == 0 else 0):
                    Pp[t, i, k] = Pp[t - 1, i, k]
            # x_{t|t} = x_{t|t-1} + K e, with e = y - (C x_{t|t-1} + c)                Eq. 2.47
            for l in range(L):
                total = y[b, t, l]
                if total * total > reach * variance[l]:
                    return OUT_OF_REACH, t
                total -= c[t * (c.shape[0] > 1), l]
                for k in range(K):
                    total -= C[l, k] * ahead[k]
                e[l] = total
            for k in range(K):
                total = ahead[k]
                for l in range(L):
                    total += gain[k, l] * e[l]
                now[k] = total
                x[b, t, k] = total
                for i in range(K if b == 0 else 0):
                    P[t, k, i] = P[t - 1, k, i]
            square = 0.0
            for l in range(L):
                total = 0.0
                for m in range(l + 1):
                    total += whiten[l, m] * e[m]
                square += total * total
            if np.isnan(square):
                stop = t
                break
            log_likelihoods[b, t] = -0.5 * (square + constant)
    return OK, stop


@jit
def smooth_large(joseph, A_, Q_, xp, Pp, x, P, means, covariances, cross, gains):
    """`smooth_small` with BLAS: the same arguments, the same equations."""
    B, T, K = x.shape
    A, A_T, Q, now = np.empty((K, K)), np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    ahead, root, smoothed = np.empty((K, K)), np.zeros((K, K)), np.empty((K, K))
    AP, V_T, J, J_T = np.empty((K, K)), np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    D, E, N = np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    inverse, inverse_T = np.empty((K, K)), np.empty((K, K))
    rounding, shaky = 8.0 * EPSILON * K, False
    for i in range(K):
        for j in range(K):
            covariances[T - 1, i, j] = P[T - 1, i, j]
        for b in range(B):
            means[b, T - 1, i] = x[b, T - 1, i]
    for t in range(T - 2, -1, -1):
        if t == T - 2 or A_.shape[0] > 1:
            load(A_, t, A)
            transpose(A, A_T)
        if t == T - 2 or Q_.shape[0] > 1:
            load(Q_, t, Q)
        load(P, t, now)
        load(Pp, t + 1, ahead)
        load(covariances, t + 1, smoothed)
        # J = Y A' Y_{t+1|t}^-1; a pivot that is only rounding counts as zero          Eq. 2.53
        multiply(A, now, AP)
        cholesky(ahead, root, rounding)
        for i in range(K):
            shaky = shaky or root[i, i] ** 2 < SHAKY * ahead[i, i]
        invert(root, inverse)
        transpose(inverse, inverse_T)
        multiply(inverse, AP, V_T)
        multiply(inverse_T, V_T, J_T)
        transpose(J_T, J)
        # Cov[X_{t+1}, X_t | y_1 ... y_T] = Y_{t+1|T} J'                               Eq. 2.55
        multiply(smoothed, J_T, N)
        for i in range(K):
            for j in range(K):
                cross[t, i, j] = N[i, j]
                gains[t, i, j] = J[i, j]
        # M - (M A' - J (Q + Y_{t+1|T})) J', with M = Y - J A Y; or, not in the Joseph form,
        # Y - J (Y_{t+1|t} - Y_{t+1|T}) J'                                             Eq. 2.54
        if joseph:
            subtract_product(J, AP, N, now)
            multiply(now, A_T, D)
            for i in range(K):
                for j in range(K):
                    smoothed[i, j] += Q[i, j]
            subtract_product(J, smoothed, E, D)
        else:
            for i in range(K):
                for j in range(K):
                    ahead[i, j] -= smoothed[i, j]
            multiply(J, ahead, D)
        subtract_product(D, J_T, N, now)
        store_symmetric(now, covariances, t)
        # x_{t|T} = x_{t|t} + J (x_{t+1|T} - x_{t+1|t})                                Eq. 2.54
        for b in range(B):
            for i in range(K):
                total = x[b, t, i]
                for k in range(K):
                    total += J[i, k] * (means[b, t + 1, k] - xp[b, t + 1, k])
                means[b, t, i] = total
    return shaky


@jit
def follow_rounding(unit, limits, gains, Pp, x, means):
    """`growth.follow_rounding`, compiled."""
    B, T, K = x.shape
    spread, shift, work = np.zeros((K, K)), np.zeros((K, K)), np.empty((K, K))
    worst_spread, worst_shift, t = 0.0, 0.0, 0
    for t in range(T - 2, -1, -1):
        carry(gains[t], spread, work)
        carry(gains[t], shift, work)
        within = True
        for i in range(K):
            size = 0.0
            for b in range(B):
                if means[b, t, i] != x[b, t, i]:
                    size = max(size, abs(x[b, t, i]))
            spread[i, i] += unit * max(Pp[t, i, i], 0.0)
            shift[i, i] += (EPSILON * size) ** 2
            worst_spread = max(worst_spread, spread[i, i])
            worst_shift = max(worst_shift, shift[i, i])
            # Asked of each number itself: a maximum may forget a NaN.
            within = within and spread[i, i] <= limits[0] and np.sqrt(shift[i, i]) <= limits[1]
        if not within:
            break
    return worst_spread, np.sqrt(worst_shift), t


# ------------------------------------------------------------------------- for the caller


def filter(problem, method, freeze, digits, reach):
    """Run the filter for sequences that miss the same observations.

    Parameters
    ----------
    problem
        Has initial (means of shape (B, K)), transition, emission, y (B, T, L) and pushes
        (B, T-1, K) or None; with ``method="sqrt"`` covariances are roots.
    freeze : bool
        Whether to stop computing covariances once they have stopped changing.
    digits, reach : float
        When to give up: a pivot below this part of the largest variance that its entry of y ever
        had is rounding; beyond so many standard deviations so is y.

    Returns
    -------
    fields : list
        Predicted means and covariances, means and covariances, log-likelihoods, roots or None.
    trouble, t : int
        What went wrong (``OK`` if nothing did), and at which time step.
    """
    B, T, L = problem.y.shape
    K = problem.initial.mean.shape[1]
    C, c, R = _stacked(problem.emission)
    arguments = _contiguous(*problem.initial, *_moves(problem), C, c, R)
    y = _contiguous(problem.y)[0]
    roots = T if method == "sqrt" else 0
    fields = arrays((B, T, K), (T, K, K), (B, T, K), (T, K, K), (B, T), (roots, K, K))
    if roots or B < LANES:
        trouble, t = _in_stretches(method, freeze, digits, reach**2, arguments, y, fields)
    else:
        # Covariances and gains from one of the sequences, then the means of all.
        m0, P0, A, a, Q, C, c, R = arguments
        first = m0[:1], P0, A, a[:1], Q, C, c, R
        one = [field[:1] if i in (0, 2, 4) else field for i, field in enumerate(fields)]
        trouble, t = _in_stretches(method, freeze, digits, reach**2, first, y[:1], one)
        if trouble == OK:
            seen = ~np.isnan(y[0])
            shared = arrays((T, L, L), (T, K, L), (T, L), (T,))
            gains_small(fields[1], C, R, seen, *shared)
            means = fields[0], fields[2], fields[4]
            trouble, t = filter_lanes(reach**2, m0, A, a, C, c, seen, *shared, y, *means)
    return [*fields[:5], fields[5] if roots else None], trouble, t


def _in_stretches(method, freeze, digits, reach, arguments, y, fields):
    """Fill the fields; with `stream` where covariances have stopped changing.

    Whether they have is asked after ever longer stretches. What is missing makes them move again.
    """
    _, _, A, a, _, C, c, _ = arguments
    (T, L), K = y.shape[1:], A.shape[1]
    latest, limits = (np.zeros(K), np.zeros((L, L)), np.zeros((K, L))), (digits, reach)

    def run(first, stop):
        if method == "sqrt":
            return filter_roots((first, stop), limits, arguments, y, latest, tuple(fields))
        kernel = filter_large if K > MEDIUM else filter_small
        return kernel(method == "joseph", (first, stop), limits, arguments, y, latest, tuple(fields[:5]))

    t, stretch = 0, STRETCH if freeze else T
    while t < T:
        trouble, t = run(t, min(t + stretch, T))
        if trouble != OK or t == T:
            break
        stretch *= 2
        last = last_change(t - 1, fields[1], A[0], C[0], *latest[1:])
        if last >= T or np.isnan(y[0, t - 2 : last + 1]).any():
            continue
        if t <= last:
            trouble, t = run(t, last + 1)
        if trouble != OK or t == T:
            break
        first, stretch = t, STRETCH
        trouble, t = stream(first, reach, A[0], a, C[0], c, *latest[1:], y, *fields[:5])
        fields[5][first:t] = fields[5][first - 1 : first]
        if trouble != OK:
            break
    return trouble, t


def smooth(problem, filtered, method):
    """Run the smoother for sequences that miss the same observations.

    Parameters
    ----------
    problem
        As for `filter`.
    filtered
        The fields that `filter` returned, by name.

    Returns
    -------
    fields : list of ndarray
        Means, covariances, cross-covariances, gains.
    shaky : bool
        Whether rounding may have grown.
    """
    B, T, K = filtered.means.shape
    A, _, Q = _stacked(problem.transition)
    fields = arrays((B, T, K), (T, K, K), (T - 1, K, K), (T - 1, K, K))
    xp, Pp, x, P = filtered[:4]
    if method == "sqrt":
        return fields, smooth_roots(*_contiguous(A, Q, xp, x, filtered.roots), *fields)
    run = smooth_large if K > LARGE else smooth_small
    return fields, run(method == "joseph", *_contiguous(A, Q, xp, Pp, x, P), *fields)


def _stacked(arrow):
    """The parts of a conditional, each with a first axis of time or of length 1."""
    return tuple(
        part if part.ndim > ndim else part[None] for part, ndim in zip(arrow, (2, 1, 2))
    )


def _moves(problem):
    """The parts of the transition; the offset has a first axis of sequences, and the inputs in it."""
    A, a, Q = _stacked(problem.transition)
    return A, a[None] if problem.pushes is None else a + problem.pushes, Q


def _contiguous(*arrays):
    """Arrays of the one kind that kernels are compiled for: another kind would compile anew."""
    return tuple(
        array if array.flags.carray and array.dtype == np.float64 else np.array(array, np.float64, order="C")
        for array in arrays
    )
