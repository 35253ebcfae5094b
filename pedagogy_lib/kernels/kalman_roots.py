"""The Kalman filter and the RTS smoother on square roots, as compiled loops.

The two kernels of `pedagogy_lib.kernels.kalman`, which calls them, with a triangular root in the
place of each covariance. What is known and what is new stand side by side in one matrix; rotated
until it is triangular, it holds the root of their sum.
"""

import numpy as np

from pedagogy_lib.kernels._jit import helper, helper_sums, jit

LOG_TAU = np.log(2 * np.pi)
EPSILON = np.finfo(np.float64).eps
NOTHING = 1e-120                        # as in the reference
SHAKY = 1e-8                            # as in `kalman`
# As in `kalman`: a constant from another file would stay in the compiled code when that changes.
OK, NOT_DEFINITE, LOST, OUT_OF_REACH = range(4)


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
        size = np.sqrt(square)
        if size <= 8.0 * EPSILON * columns * scale[i]:
            for k in range(used, columns):
                X[i, k] = 0.0
            continue
        for k in range(used, columns):
            X[i, k] /= size             # or products of three small numbers would be zero
        sign = -1.0 if X[i, used] > 0.0 else 1.0
        X[i, used] -= sign              # row i is the mirror's normal now
        square = 0.0
        for k in range(used, columns):
            square += X[i, k] * X[i, k]
        for j in range(i + 1, rows):
            total = 0.0
            for k in range(used, columns):
                total += X[i, k] * X[j, k]
            total *= 2.0 / square
            for k in range(used, columns):
                X[j, k] -= total * X[i, k]
            X[j, used] *= sign
        X[i, used] = size
        for k in range(used + 1, columns):
            X[i, k] = 0.0
        owner[i] = used
        used += 1
    if used < rows:                     # put each column under the diagonal entry of its row
        for i in range(rows - 1, -1, -1):
            for j in range(rows):
                X[j, i] = X[j, owner[i]] if owner[i] >= 0 and j >= i else 0.0


@helper
def sizes(first, root, noise, least, scale, row):
    """The sizes of the numbers that the rows of [first root, noise] are computed from, or ``least``."""
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
        scale[row + i] = max(total, least)


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
def filter_roots(span, limits, model, y, latest, fields):
    """Filter B sequences that miss the same observations, from one step to before another.

    As `kalman.filter_small`, but for the roots: ``model`` has those of P0, Q and R, and ``fields`` end
    with those of P.
    """
    (first, stop), (digits, reach) = span, limits
    m0, P0_root, A, a, Q_root, C, c, R_root = model
    peak, root, V = latest
    xp, Pp, x, P, log_likelihoods, roots = fields
    (B, _, L), K = y.shape, P0_root.shape[0]
    move, joint = np.empty((K, 2 * K)), np.empty((L + K, K + L))
    predicted, C_row, R_row = np.empty((K, K)), np.empty((1, K)), np.empty((1, L))
    scale, owner = np.empty(L + K), np.empty(L + K, np.int64)
    variance, floor, whitened = np.empty(L), np.empty(L), np.empty(L)
    index, constant = np.empty(L, np.int64), 0.0
    for t in range(first, stop):
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
        else:
            clear(move)
            join(now_A, roots[t - 1], move, 0, 0)
            place(now_Q, move, 0, K)
            sizes(now_A, roots[t - 1], now_Q, 0.0, scale, 0)
            triangularize(move, K, scale, owner)
            take(move, 0, 0, predicted)
        square_of(predicted, Pp[t])
        grown = t == first or C.shape[0] > 1 or R_root.shape[0] > 1
        for k in range(K if count else 0):
            grown = grown or Pp[t, k, k] > peak[k]
            peak[k] = max(peak[k], Pp[t, k, k])
        for l in range(L if grown else 0):          # the smallest pivots of S to trust
            floor[l] = 0.0
            for k in range(K):
                floor[l] += digits * now_C[l, k] * now_C[l, k] * peak[k]
            for k in range(L):
                floor[l] += digits * now_R[l, k] * now_R[l, k]
        if count == 0:
            place(predicted, roots[t], 0, 0)
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
                sizes(C_row, predicted, R_row, 0.0, scale, r)
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
                if pivot * pivot < floor[l]:
                    return LOST, t
                constant += 2.0 * np.log(pivot)
        square_of(roots[t], P[t])
        for b in range(B):
            for i in range(K):
                total = m0[b, i]
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
        take(joint, 0, 0, root)
        take(joint, L, 0, V)
    return OK, stop


@jit
def smooth_roots(A, Q_root, xp, x, roots, means, covariances, cross, gains):
    """Smooth B sequences that miss the same observations. Fills the last four arguments.

    Returns whether rounding may have grown.
    """
    B, T, K = x.shape
    joint, back = np.empty((2 * K, 2 * K)), np.empty((K, 2 * K))
    solved, smoothed = np.empty((K, K)), np.empty((K, K))
    change, scale, owner = np.empty(K), np.empty(2 * K), np.empty(2 * K, np.int64)
    shaky = False
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
        sizes(now_A, roots[t], now_Q, NOTHING, scale, 0)
        lengths(roots[t], scale, K)
        triangularize(joint, 2 * K, scale, owner)
        for i in range(K):
            total = 0.0
            for k in range(i + 1):
                total += joint[i, k] * joint[i, k]
            shaky = shaky or joint[i, i] * joint[i, i] < SHAKY * total
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
        # Cov[X_{t+1}, X_t | y_1 ... y_T] = Y_{t+1|T} J'                               Eq. 2.55
        for i in range(K):
            for j in range(K):
                total = 0.0
                for k in range(K):
                    total += covariances[t + 1, i, k] * gains[t, j, k]
                cross[t, i, j] = total
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
    return shaky
