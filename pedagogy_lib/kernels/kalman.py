"""The Kalman filter and the RTS smoother as compiled loops.

The same work as the reference in `pedagogy_lib.inference.kalman`, where the equations are
explained: here they are comments over the loops. Matrices are written as products ``X Y'`` of
rows, which lie next to each other in memory. Symmetric matrices are their own transposes, and
used so without saying.

A missing entry of y is one that says nothing: its row of C is zero, its variance one, its
innovation zero. So the sizes of the arrays stay the same, and what comes out is the same.

Shapes: state K, observation L, time T, sequence B.
"""

import numpy as np

from pedagogy_lib.kernels._jit import helper, helper_sums, jit

LOG_TAU = np.log(2 * np.pi)
EPSILON = np.finfo(np.float64).eps
LARGE = 20              # the size from which a library product is faster than loops

# What a kernel found wrong; the shell turns it into a sentence.
OK, NOT_DEFINITE, LOST, OUT_OF_REACH, CANCELLED, ILL_CONDITIONED = range(6)


@helper_sums
def product(X, Y, Y_T, out):
    """out = X Y', with Y' given too."""
    if out.shape[0] > LARGE:
        np.dot(X, Y_T, out)
        return
    for i in range(X.shape[0]):
        for j in range(Y.shape[0]):
            total = 0.0
            for k in range(X.shape[1]):
                total += X[i, k] * Y[j, k]
            out[i, j] = total


@helper
def cholesky(S, root, rounding):
    """root root' = S, lower triangular. Returns False at a pivot that is not positive.

    With ``rounding`` above zero, a pivot below that part of its row's variance counts as zero and
    gives a zero column: the semi-definite root.
    """
    for j in range(S.shape[0]):
        pivot = S[j, j]
        for k in range(j):
            pivot -= root[j, k] * root[j, k]
        root[j, j] = 0.0
        if not pivot > rounding * S[j, j]:
            if rounding == 0.0:
                return False
            for i in range(j + 1, S.shape[0]):
                root[i, j] = 0.0
            continue
        root[j, j] = np.sqrt(pivot)
        scale = 1.0 / root[j, j]
        for i in range(j + 1, S.shape[0]):
            total = S[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            root[i, j] = total * scale
    return True


@helper
def solve_root(root, right):
    """Overwrite right with the solution of (L L') x = right; zero pivots give zero rows."""
    n, m = right.shape
    for i in range(n):                      # L z = right, forwards
        for k in range(i):
            factor = root[i, k]
            for j in range(m):
                right[i, j] -= factor * right[k, j]
        scale = 1.0 / root[i, i] if root[i, i] > 0.0 else 0.0
        for j in range(m):
            right[i, j] *= scale
    for i in range(n - 1, -1, -1):          # L' x = z, backwards
        for k in range(i + 1, n):
            factor = root[k, i]
            for j in range(m):
                right[i, j] -= factor * right[k, j]
        scale = 1.0 / root[i, i] if root[i, i] > 0.0 else 0.0
        for j in range(m):
            right[i, j] *= scale


@helper
def copy(X, out):
    """out = X."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            out[i, j] = X[i, j]


@helper
def load(X, t, out):
    """out = X[t], or X[0] where X does not change in time."""
    row = t if X.shape[0] > 1 and t > 0 else 0
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = X[row, i, j]


@helper
def store(X, out, t):
    """out[t] = X."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            out[t, i, j] = X[i, j]


@helper
def transpose(X, out):
    """out = X'."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            out[j, i] = X[i, j]


@helper
def predict(A, A_T, P, Q, AP, M, out):
    """out = A P A' + Q, and A P on the way (Eq. 2.48)."""
    product(A, P, P, AP)
    product(AP, A, A_T, M)
    for i in range(A.shape[0]):
        for j in range(i + 1):
            out[i, j] = out[j, i] = 0.5 * (M[i, j] + M[j, i]) + Q[i, j]


@helper
def posterior(joseph, C, C_T, P, R, CP, gain, gain_T, D, E, M, N, out):
    """out = P - K C P (Eq. 2.47), in the Joseph form if wanted.

    (I - KC) P (I - KC)' + K R K' = M - (M C' - K R) K', with M = P - K C P. Nothing but products
    with thin matrices, and the same protection.
    """
    transpose(gain_T, gain)
    copy(P, M)
    subtract_product(gain, CP, N, M)
    if joseph:
        product(M, C, C_T, D)
        subtract_product(gain, R, E, D)
        subtract_product(D, gain_T, N, M)
    for i in range(M.shape[0]):
        for j in range(i + 1):
            out[i, j] = out[j, i] = 0.5 * (M[i, j] + M[j, i])


@helper
def subtract_product(X, Y, XY, out):
    """out = out - X Y."""
    if out.shape[0] > LARGE:
        np.dot(X, Y, XY)
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                out[i, j] -= XY[i, j]
        return
    for i in range(X.shape[0]):
        for k in range(Y.shape[0]):
            factor = X[i, k]
            for j in range(Y.shape[1]):
                out[i, j] -= factor * Y[k, j]


@helper
def relative_change(before, now):
    """The largest change of a covariance, in units of the standard deviations."""
    largest = 0.0
    for i in range(now.shape[0]):
        for j in range(i + 1):
            scale = np.sqrt(now[i, i] * now[j, j])
            change = abs(now[i, j] - before[i, j])
            largest = max(largest, change / scale if scale > 0.0 else change)
    return largest


@helper
def steps_to_limit(change, A, C, gain):
    """How many steps until all changes to come, a geometric series, sum to below 1e-15.

    A small change D of Y becomes F D F' with F = A (I - K C): it shrinks by the square of the
    spectral radius of F, which is how fast a vector shrinks that is multiplied by F many times.
    """
    K, L = gain.shape
    v, seen, rest = np.empty(K), np.empty(L), np.empty(K)
    for k in range(K):
        v[k] = 1.0 + np.sin(1.0 + k)            # in no special direction
    growth = 0.0                                # of its logarithm, in the later half of the steps
    for step in range(512):
        for l in range(L):
            seen[l] = 0.0
            for k in range(K):
                seen[l] += C[l, k] * v[k]
        for k in range(K):
            rest[k] = v[k]
            for l in range(L):
                rest[k] -= gain[k, l] * seen[l]
        size = 0.0
        for k in range(K):
            v[k] = 0.0
            for m in range(K):
                v[k] += A[k, m] * rest[m]
            size = max(size, abs(v[k]))
        if change == 0.0 or size == 0.0:
            return 0.0
        for k in range(K):
            v[k] /= size
        if step >= 256:
            growth += np.log(size)
    rate = np.exp(2.0 * growth / 256.0)
    if rate >= 1.0:
        return np.inf
    return max(0.0, np.ceil(np.log(1e-15 * (1.0 - rate) / change) / np.log(rate)))


@jit
def filter_covariances(
    joseph, steady, digits, reach, m0, P0, A_, a, Q_, C_, c, R_, y, xp, Pp, x, P, log_likelihoods
):
    """Filter B sequences that miss the same observations.

    The parameters have a first axis of length 1, or of time; ``a`` has one of sequences before it.
    Fills the last five arguments. Returns what went wrong, and when.

    Matrices of one time step are copied into arrays of their own: a view for each would cost
    reference counts in every step, and seconds of compilation.
    """
    B, T, L = y.shape
    K = m0.shape[0]
    A, Q, C, R = np.empty((K, K)), np.empty((K, K)), np.empty((L, K)), np.empty((L, L))
    predicted, updated, before = np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    AP, M, N = np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    A_T, C_T, CP = np.empty((K, K)), np.empty((K, L)), np.empty((L, K))
    S, root, D, E = np.empty((L, L)), np.zeros((L, L)), np.empty((K, L)), np.empty((K, L))
    gain_T, gain = np.empty((L, K)), np.empty((K, L))
    peak, innovation, seen = np.zeros(L), np.empty(L), np.empty(L, np.bool_)
    constant = 0.0                      # log |S| + (number of entries) log tau
    frozen, steps_left, whole = False, -1.0, False      # whether C has all its rows
    for t in range(T):
        if t < 2 or A_.shape[0] > 1:
            load(A_, t - 1, A)
            transpose(A, A_T)
        if t < 2 or Q_.shape[0] > 1:
            load(Q_, t - 1, Q)
        if t < 1 or R_.shape[0] > 1:
            load(R_, t, R)
        count = 0
        for l in range(L):
            seen[l] = not np.isnan(y[0, t, l])
            count += seen[l]
        if C_.shape[0] > 1 or count < L or not whole:
            load(C_, t, C)
            whole = count == L
            for l in range(L):
                if not seen[l]:
                    for k in range(K):
                        C[l, k] = 0.0
            transpose(C, C_T)
        if t == 0:
            copy(P0, predicted)
        elif not frozen:
            copy(predicted, before)
            predict(A, A_T, updated, Q, AP, M, predicted)
        if count == 0:
            copy(predicted, updated)
        elif count < L or not frozen:
            # S = C Y C' + R, of the entries that were observed
            product(C, predicted, predicted, CP)
            product(CP, C, C_T, S)
            for i in range(L):
                for j in range(i + 1):
                    S[i, j] += R[i, j]
                    if not (seen[i] and seen[j]):
                        S[i, j] = 1.0 if i == j else 0.0
            if not cholesky(S, root, 0.0):
                return NOT_DEFINITE, t
            constant = count * LOG_TAU
            for l in range(L):
                if seen[l]:
                    peak[l] = max(peak[l], S[l, l])
                    if root[l, l] * root[l, l] < digits * peak[l]:
                        return LOST, t
                    constant += 2.0 * np.log(root[l, l])
            copy(CP, gain_T)
            solve_root(root, gain_T)    # K' = S^-1 C Y
            posterior(joseph, C, C_T, predicted, R, CP, gain, gain_T, D, E, M, N, updated)
            if not joseph:
                for k in range(K):
                    if updated[k, k] < digits * predicted[k, k]:
                        return CANCELLED, t
        store(predicted, Pp, t)
        store(updated, P, t)
        if count < L:
            frozen, steps_left = False, -1.0
        elif steady and t > 0 and not frozen:
            if steps_left < 0.0:
                change = relative_change(before, predicted)
                if change < 1e-12:
                    steps_left = steps_to_limit(change, A, C, gain)
            else:
                steps_left -= 1.0
            frozen = steps_left == 0.0
        for b in range(B):
            # x_{t|t-1} = A x_{t-1|t-1} + B u_{t-1} + a                                Eq. 2.48
            for i in range(K):
                total = m0[i]
                if t > 0:
                    total = a[b * (a.shape[0] > 1), (t - 1) * (a.shape[1] > 1), i]
                    for k in range(K):
                        total += A[i, k] * x[b, t - 1, k]
                xp[b, t, i] = total
                x[b, t, i] = total
            log_likelihoods[b, t] = 0.0
            if count == 0:
                continue
            # x_{t|t} = x_{t|t-1} + K [y - (C x_{t|t-1} + c)]                          Eq. 2.47
            for l in range(L):
                innovation[l] = 0.0
                if seen[l]:
                    if y[b, t, l] * y[b, t, l] > reach * S[l, l]:
                        return OUT_OF_REACH, t
                    total = y[b, t, l] - c[t * (c.shape[0] > 1), l]
                    for k in range(K):
                        total -= C[l, k] * xp[b, t, k]
                    innovation[l] = total
            for k in range(K):
                total = x[b, t, k]
                for l in range(L):
                    total += gain[k, l] * innovation[l]
                x[b, t, k] = total
            # log N(innovation; 0, S), the innovation whitened by L^-1
            square = 0.0
            for l in range(L):
                total = innovation[l]
                for k in range(l):
                    total -= root[l, k] * innovation[k]
                innovation[l] = total / root[l, l]
                square += innovation[l] * innovation[l]
            log_likelihoods[b, t] = -0.5 * (square + constant)
    return OK, 0


@jit
def smooth_covariances(joseph, A_, Q_, xp, Pp, x, P, means, covariances, cross, gains):
    """Smooth B sequences that miss the same observations. Fills the last four arguments."""
    B, T, K = x.shape
    A, Q, now, ahead = np.empty((K, K)), np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    AP, J, J_T, root = np.empty((K, K)), np.empty((K, K)), np.empty((K, K)), np.zeros((K, K))
    D, E, M, N = np.empty((K, K)), np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    smoothed, spread, A_T = np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    rounding = 8.0 * EPSILON * K
    load(P, T - 1, smoothed)
    store(smoothed, covariances, T - 1)
    for b in range(B):
        for k in range(K):
            means[b, T - 1, k] = x[b, T - 1, k]
    for t in range(T - 2, -1, -1):
        if t == T - 2 or A_.shape[0] > 1:
            load(A_, t, A)
            transpose(A, A_T)
        if t == T - 2 or Q_.shape[0] > 1:
            load(Q_, t, Q)
        load(P, t, now)
        load(Pp, t + 1, ahead)
        # J = Y A' Y_{t+1|t}^-1                                                        Eq. 2.53
        product(A, now, now, AP)
        copy(AP, J_T)
        cholesky(ahead, root, rounding)
        solve_root(root, J_T)
        transpose(J_T, J)
        # Cov[X_{t+1}, X_t | all] = Y_{t+1|T} J'                                       Eq. 2.55
        product(smoothed, J, J_T, M)
        store(M, cross, t)
        store(J, gains, t)
        # Y_{t|t+1} + J Y_{t+1|T} J': the posterior covariance of the filter, with the smoothed
        # covariance as one more noise; without Joseph Y + J (Y_{t+1|T} - Y_{t+1|t}) J'  Eq. 2.54
        for i in range(K):
            for j in range(K):
                spread[i, j] = smoothed[i, j] + (Q[i, j] if joseph else -ahead[i, j])
        if joseph:
            posterior(True, A, A_T, now, spread, AP, J, J_T, D, E, M, N, smoothed)
        else:
            predict(J, J_T, spread, now, M, N, smoothed)
        store(smoothed, covariances, t)
        for b in range(B):
            # x_{t|T} = x_{t|t} + J (x_{t+1|T} - x_{t+1|t})                            Eq. 2.54
            for i in range(K):
                total = x[b, t, i]
                for k in range(K):
                    total += J[i, k] * (means[b, t + 1, k] - xp[b, t + 1, k])
                means[b, t, i] = total


@helper_sums
def triangularize(X, rows, scale, owner):
    """Rotate the first rows of X, in place, until they are lower triangular, diagonal positive.

    X X' stays what it was: Householder reflections from the right, each along one row of memory.
    What is left of a row and is only rounding of its ``scale`` has no direction: it becomes zero,
    and so does its column.
    """
    columns = X.shape[1]
    used = 0                            # columns that are done; owner[i] is that of row i, or -1
    for i in range(rows):
        square = 0.0
        for k in range(used, columns):
            square += X[i, k] * X[i, k]
        owner[i] = -1
        if np.sqrt(square) <= 8.0 * EPSILON * columns * scale[i]:
            for k in range(used, columns):
                X[i, k] = 0.0
            continue
        length = -np.sqrt(square) if X[i, used] > 0.0 else np.sqrt(square)
        X[i, used] -= length            # row i is the mirror's normal now
        factor = -1.0 / (length * X[i, used])
        sign = 1.0 if length > 0.0 else -1.0
        for j in range(i + 1, rows):
            total = 0.0
            for k in range(used, columns):
                total += X[i, k] * X[j, k]
            total *= factor
            for k in range(used, columns):
                X[j, k] -= total * X[i, k]
            X[j, used] *= sign
        X[i, used] = abs(length)
        for k in range(used + 1, columns):
            X[i, k] = 0.0
        owner[i] = used
        used += 1
    if used < rows:                     # put each column under the diagonal entry of its row
        for i in range(rows - 1, -1, -1):
            for j in range(rows):
                X[j, i] = X[j, owner[i]] if owner[i] >= 0 and j >= i else 0.0


@helper
def sizes(first, root, noise, scale, row):
    """The sizes of the numbers that the rows of [first root, noise] are computed from."""
    for i in range(first.shape[0]):
        square = 0.0
        for k in range(noise.shape[1]):
            square += noise[i, k] * noise[i, k]
        total = np.sqrt(square)
        for k in range(root.shape[0]):
            square = 0.0
            for j in range(k + 1):
                square += root[k, j] * root[k, j]
            total += abs(first[i, k]) * np.sqrt(square)
        scale[row + i] = total


@helper
def lengths(X, scale, row):
    """The lengths of the rows of X."""
    for i in range(X.shape[0]):
        square = 0.0
        for k in range(X.shape[1]):
            square += X[i, k] * X[i, k]
        scale[row + i] = np.sqrt(square)


@helper
def join(first, root, X, row, column):
    """Add first @ root, with a lower triangular root, to a block of X that is zero."""
    for i in range(first.shape[0]):
        for k in range(root.shape[0]):
            factor = first[i, k]
            for j in range(k + 1):
                X[row + i, column + j] += factor * root[k, j]


@helper
def place(block, X, row, column):
    """Copy a block into X."""
    for i in range(block.shape[0]):
        for j in range(block.shape[1]):
            X[row + i, column + j] = block[i, j]


@helper
def take(X, row, column, out):
    """Copy a block out of X."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = X[row + i, column + j]


@helper
def clear(X):
    """X = 0."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            X[i, j] = 0.0


@helper
def square_of(root, out):
    """out = root root', for a lower triangular root."""
    for i in range(root.shape[0]):
        for j in range(i + 1):
            total = 0.0
            for k in range(j + 1):
                total += root[i, k] * root[j, k]
            out[i, j] = total
            out[j, i] = total


@jit
def filter_roots(
    steady, digits, reach, m0, P0_root, A, a, Q_root, C, c, R_root, y,
    xp, Pp, x, P, log_likelihoods, roots,
):
    """`filter_covariances` on square roots. Fills the last six arguments."""
    B, T, L = y.shape
    K = m0.shape[0]
    move, joint = np.empty((K, 2 * K)), np.empty((L + K, K + L))
    predicted, C_row, R_row = np.empty((K, K)), np.empty((1, K)), np.empty((1, L))
    scale, owner = np.empty(L + K), np.empty(L + K, np.int64)
    gain = np.zeros((K, L))
    peak, variance, whitened = np.zeros(L), np.empty(L), np.empty(L)
    index = np.empty(L, np.int64)
    constant = 0.0
    frozen, steps_left = False, -1.0
    for t in range(T):
        now_A, now_Q = A[(t - 1) * (A.shape[0] > 1)], Q_root[(t - 1) * (Q_root.shape[0] > 1)]
        now_C, now_R = C[t * (C.shape[0] > 1)], R_root[t * (R_root.shape[0] > 1)]
        now_c = c[t * (c.shape[0] > 1)]
        count = 0
        for l in range(L):
            if not np.isnan(y[0, t, l]):
                index[count] = l
                count += 1
        # [A L, Q^1/2] rotated is Y_{t|t-1}^1/2                                        Eq. 2.48
        if t == 0:
            place(P0_root, predicted, 0, 0)
        elif not frozen:
            clear(move)
            join(now_A, roots[t - 1], move, 0, 0)
            place(now_Q, move, 0, K)
            sizes(now_A, roots[t - 1], now_Q, scale, 0)
            triangularize(move, K, scale, owner)
            take(move, 0, 0, predicted)
        square_of(predicted, Pp[t])
        if count == 0:
            place(predicted, roots[t], 0, 0)
        elif frozen and count == L:
            place(roots[t - 1], roots[t], 0, 0)
        else:
            # [C L, R^1/2; L, 0] rotated is [S^1/2, 0; K S^1/2, Y_{t|t}^1/2]            Eq. 2.47
            clear(joint)
            for r in range(count):
                l = index[r]
                for k in range(K):
                    C_row[0, k] = now_C[l, k]
                for k in range(L):
                    R_row[0, k] = now_R[l, k]
                join(C_row, predicted, joint, r, 0)
                place(R_row, joint, r, K)
                sizes(C_row, predicted, R_row, scale, r)
            place(predicted, joint, count, 0)
            lengths(predicted, scale, count)
            triangularize(joint, count + K, scale, owner)
            take(joint, count, count, roots[t])
            constant = count * LOG_TAU
            for r in range(count):
                l = index[r]
                variance[r] = 0.0
                for k in range(r + 1):
                    variance[r] += joint[r, k] * joint[r, k]
                pivot = joint[r, r]
                if not pivot > 0.0:
                    return NOT_DEFINITE, t
                peak[l] = max(peak[l], variance[r])
                if pivot * pivot < digits * peak[l]:
                    return LOST, t
                constant += 2.0 * np.log(pivot)
        square_of(roots[t], P[t])
        if count < L:
            frozen, steps_left = False, -1.0
        elif steady and t > 0 and not frozen:
            if steps_left < 0.0:
                change = relative_change(Pp[t - 1], Pp[t])
                if change < 1e-12:
                    for k in range(K):          # K = (K S^1/2) S^-1/2
                        for l in range(L - 1, -1, -1):
                            total = joint[L + k, l]
                            for m in range(l + 1, L):
                                total -= gain[k, m] * joint[m, l]
                            gain[k, l] = total / joint[l, l]
                    steps_left = steps_to_limit(change, now_A, now_C, gain)
            else:
                steps_left -= 1.0
            frozen = steps_left == 0.0
        for b in range(B):
            for i in range(K):
                total = m0[i]
                if t > 0:
                    total = a[b * (a.shape[0] > 1), (t - 1) * (a.shape[1] > 1), i]
                    for k in range(K):
                        total += now_A[i, k] * x[b, t - 1, k]
                xp[b, t, i] = total
                x[b, t, i] = total
            log_likelihoods[b, t] = 0.0
            if count == 0:
                continue
            square = 0.0
            for r in range(count):              # S^-1/2 [y - (C x + c)]
                l = index[r]
                if y[b, t, l] * y[b, t, l] > reach * variance[r]:
                    return OUT_OF_REACH, t
                total = y[b, t, l] - now_c[l]
                for k in range(K):
                    total -= now_C[l, k] * xp[b, t, k]
                for k in range(r):
                    total -= joint[r, k] * whitened[k]
                whitened[r] = total / joint[r, r]
                square += whitened[r] * whitened[r]
            for k in range(K):
                total = x[b, t, k]
                for r in range(count):
                    total += joint[count + k, r] * whitened[r]
                x[b, t, k] = total
            log_likelihoods[b, t] = -0.5 * (square + constant)
    return OK, 0


@jit
def smooth_roots(A, Q_root, xp, x, roots, means, covariances, cross, gains):
    """`smooth_covariances` on square roots. Fills the last four arguments."""
    B, T, K = x.shape
    joint, back = np.empty((2 * K, 2 * K)), np.empty((K, 2 * K))
    solved, smoothed, J_T = np.empty((K, K)), np.empty((K, K)), np.empty((K, K))
    change, scale, owner = np.empty(K), np.empty(2 * K), np.empty(2 * K, np.int64)
    place(roots[T - 1], smoothed, 0, 0)
    square_of(smoothed, covariances[T - 1])
    for b in range(B):
        for k in range(K):
            means[b, T - 1, k] = x[b, T - 1, k]
    for t in range(T - 2, -1, -1):
        now_A, now_Q = A[t * (A.shape[0] > 1)], Q_root[t * (Q_root.shape[0] > 1)]
        # [A L, Q^1/2; L, 0] rotated is [Y_{t+1|t}^1/2, 0; J Y_{t+1|t}^1/2, Y_{t|t+1}^1/2]  Eq. 2.53
        clear(joint)
        join(now_A, roots[t], joint, 0, 0)
        place(now_Q, joint, 0, K)
        place(roots[t], joint, K, 0)
        sizes(now_A, roots[t], now_Q, scale, 0)
        lengths(roots[t], scale, K)
        triangularize(joint, 2 * K, scale, owner)
        # J Y_{t+1|T}^1/2 and J, from Y_{t+1|t}^-1/2 of the smoothed root and of the identity
        clear(back)
        for identity in range(2):
            for i in range(K):
                for j in range(K):
                    unit = 1.0 if i == j else 0.0
                    solved[i, j] = unit if identity else smoothed[i, j]
                    for k in range(i):
                        solved[i, j] -= joint[i, k] * solved[k, j]
                    solved[i, j] = solved[i, j] / joint[i, i] if joint[i, i] > 0.0 else 0.0
            for i in range(K):
                for j in range(K):
                    total = 0.0
                    for k in range(K):
                        total += joint[K + i, k] * solved[k, j]
                    if identity:
                        gains[t, i, j] = total
                    else:
                        back[i, j] = total
        for i in range(K):
            for j in range(K):
                back[i, K + j] = joint[K + i, K + j]
        # [J Y_{t+1|T}^1/2, Y_{t|t+1}^1/2] rotated is Y_{t|T}^1/2                       Eq. 2.54
        lengths(back, scale, 0)
        triangularize(back, K, scale, owner)
        take(back, 0, 0, smoothed)
        square_of(smoothed, covariances[t])
        transpose(gains[t], J_T)
        product(covariances[t + 1], gains[t], J_T, cross[t])                         # Eq. 2.55
        for b in range(B):
            for i in range(K):
                total = means[b, t + 1, i] - xp[b, t + 1, i]
                for k in range(i):
                    total -= joint[i, k] * change[k]
                change[i] = total / joint[i, i] if joint[i, i] > 0.0 else 0.0
            for i in range(K):
                total = x[b, t, i]
                for k in range(K):
                    total += joint[K + i, k] * change[k]
                means[b, t, i] = total


# ------------------------------------------------------------------------- for the caller


def filter(problem, method, steady_state, digits, reach):
    """Run the filter for sequences that miss the same observations.

    Parameters
    ----------
    problem
        Has initial, transition, emission, y (B, T, L) and pushes (B, T-1, K) or None; with
        ``method="sqrt"`` covariances are roots.
    digits, reach : float
        When to give up: below this part of its peak a pivot is rounding; beyond so many standard
        deviations so is y.

    Returns
    -------
    fields : list
        predicted means and covariances, means and covariances, log-likelihoods, roots or None.
    trouble, t : int
        What went wrong (``OK`` if nothing did), and at which time step.
    """
    B, T, _ = problem.y.shape
    K = len(problem.initial.mean)
    arguments = _contiguous(
        *problem.initial, *_moves(problem), *_stacked(problem.emission), problem.y
    )
    fields = [
        np.empty(shape) for shape in ((B, T, K), (T, K, K), (B, T, K), (T, K, K), (B, T), (T, K, K))
    ]
    if method == "sqrt":
        return fields, *filter_roots(steady_state, digits, reach**2, *arguments, *fields)
    fields[5] = None
    joseph = method == "joseph"
    return fields, *filter_covariances(
        joseph, steady_state, digits, reach**2, *arguments, *fields[:5]
    )


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
    list of ndarray
        Means, covariances, cross-covariances, gains.
    """
    B, T, K = filtered.means.shape
    A, _, Q = _stacked(problem.transition)
    fields = [np.empty(shape) for shape in ((B, T, K), (T, K, K), (T - 1, K, K), (T - 1, K, K))]
    xp, Pp, x, P = filtered[:4]
    if method == "sqrt":
        smooth_roots(*_contiguous(A, Q, xp, x, filtered.roots), *fields)
    else:
        smooth_covariances(method == "joseph", *_contiguous(A, Q, xp, Pp, x, P), *fields)
    return fields


def _stacked(arrow):
    """The parts of a conditional, each with a first axis of time or of length 1."""
    return tuple(
        part if part.ndim > ndim else part[None] for part, ndim in zip(arrow, (2, 1, 2))
    )


def _moves(problem):
    """The parts of the transition, the offset with a first axis of sequences and the inputs in it."""
    A, a, Q = _stacked(problem.transition)
    return A, a[None] if problem.pushes is None else a + problem.pushes, Q


def _contiguous(*arrays):
    """Arrays whose rows follow each other in memory, as the kernels were compiled for."""
    return tuple(np.ascontiguousarray(array) for array in arrays)
