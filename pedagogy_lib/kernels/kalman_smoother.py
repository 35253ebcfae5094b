"""The RTS smoother as compiled loops: for small and for large matrices, and what watches it.

Names and conventions as in `pedagogy_lib.kernels.kalman`, which calls them.
"""

import numpy as np

from pedagogy_lib.kernels._jit import helper, helper_sums, jit, jit_sums

EPSILON = np.finfo(np.float64).eps
SHAKY = 1e-8                        # a pivot below this part of its variance: rounding may grow
TINY = 1e-290                       # a variance below it counts as zero: it loses its digits soon


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
        np.dot(A, now, AP)
        cholesky(ahead, root, rounding)
        for i in range(K):
            shaky = shaky or root[i, i] ** 2 < SHAKY * ahead[i, i]
        invert(root, inverse)
        transpose(inverse, inverse_T)
        np.dot(inverse, AP, V_T)
        np.dot(inverse_T, V_T, J_T)
        transpose(J_T, J)
        # Cov[X_{t+1}, X_t | y_1 ... y_T] = Y_{t+1|T} J'                               Eq. 2.55
        np.dot(smoothed, J_T, N)
        for i in range(K):
            for j in range(K):
                cross[t, i, j] = N[i, j]
                gains[t, i, j] = J[i, j]
        # M - (M A' - J (Q + Y_{t+1|T})) J', with M = Y - J A Y; or, not in the Joseph form,
        # Y - J (Y_{t+1|t} - Y_{t+1|T}) J'                                             Eq. 2.54
        if joseph:
            subtract_product(J, AP, N, now)
            np.dot(now, A_T, D)
            for i in range(K):
                for j in range(K):
                    smoothed[i, j] += Q[i, j]
            subtract_product(J, smoothed, E, D)
        else:
            for i in range(K):
                for j in range(K):
                    ahead[i, j] -= smoothed[i, j]
            np.dot(J, ahead, D)
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
def follow_rounding(unit, limits, gains, variances, x, means):
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
            spread[i, i] += unit * max(variances[t, i], 0.0)
            shift[i, i] += (EPSILON * size) ** 2
            worst_spread = max(worst_spread, spread[i, i])
            worst_shift = max(worst_shift, shift[i, i])
            # Asked of each number itself: a maximum may forget a NaN.
            within = within and spread[i, i] <= limits[0] and np.sqrt(shift[i, i]) <= limits[1]
        if not within:
            break
    return worst_spread, np.sqrt(worst_shift), t


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
def subtract_product(X, Y, XY, out):
    """out = out - X Y."""
    np.dot(X, Y, XY)
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
