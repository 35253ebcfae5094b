"""The Kalman filter as compiled loops: for small and for large matrices, and in its steady state.

Names and conventions as in `pedagogy_lib.kernels.kalman`, which calls them.
"""

import numpy as np

from pedagogy_lib.kernels._jit import helper, helper_sums, jit_sums

LOG_TAU = np.log(2 * np.pi)
EPSILON = np.finfo(np.float64).eps
NEVER = 2**62                       # a step that no sequence reaches
# What a kernel found wrong; the caller turns it into a sentence.
OK, NOT_DEFINITE, LOST, OUT_OF_REACH, CANCELED = range(5)


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
                return CANCELED, t
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
            np.dot(A_[u], P[t - 1], AP)
            np.dot(AP, A_T, M)
        for i in range(K):
            for j in range(i + 1):
                Pp[t, i, j] = Q_[w, i, j] + M[i, j] if t > 0 else P0[i, j]
                Pp[t, j, i] = Pp[t, i, j]
        for k in range(K):
            new = new or Pp[t, k, k] > peak[k]
        if new and count > 0:
            remember(Pp[t], C, R, digits, peak, floor)
        np.dot(C, Pp[t], CP)
        trouble, constant, told = factor(C, CP, R, precision, seen, floor, root, scale, variance)
        if trouble != OK:
            return trouble, t
        constant += count * LOG_TAU
        protect = joseph and not (noisy and told < 1e3)             # told = trace(R^-1 C Y C')
        gains(CP, root, scale, protect, V_T, V, gain_T, gain)
        # M = Y - K C Y, with K C Y = V V'; in the Joseph form M - (M C' - K R) K'     Eq. 2.47
        np.dot(V, V_T, M)
        for i in range(K):
            for j in range(i + 1):
                P[t, i, j] = Pp[t, i, j] - M[i, j]
                P[t, j, i] = P[t, i, j]
            if not joseph and P[t, i, i] < digits * Pp[t, i, i]:
                return CANCELED, t
        if protect:
            np.dot(P[t], C_T, D)
            subtract_product(gain, R, E, D)
            np.dot(D, gain_T, M)
            for i in range(K):
                for j in range(i + 1):
                    P[t, i, j] -= 0.5 * (M[i, j] + M[j, i])
                    P[t, j, i] = P[t, i, j]
        if not move_means(t, reach, m0, A_, a, C, c, seen, y, root, scale, variance, constant, V, e, xp, x,
                          log_likelihoods):
            return OUT_OF_REACH, t
    return OK, stop


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


@helper
def look(y, t, seen):
    """Mark the entries of y_t that were seen; their number."""
    count = 0
    for l in range(y.shape[2]):
        seen[l] = not np.isnan(y[0, t, l])
        count += seen[l]
    return count


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
    np.dot(inverse, C, whitened_C)
    np.dot(V, whitened_C, power)
    for i in range(K):
        for j in range(K):
            power[i, j] = (1.0 if i == j else 0.0) - power[i, j]
    np.dot(A, power, F)
    for _ in range(4):
        np.dot(F, F, power)
        np.dot(power, power, F)
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
    np.dot(V, whiten, gain)
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
def transpose(X, out):
    """out = X'."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            out[j, i] = X[i, j]


@helper
def subtract_product(X, Y, XY, out):
    """out = out - X Y."""
    np.dot(X, Y, XY)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] -= XY[i, j]
