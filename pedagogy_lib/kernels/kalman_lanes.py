"""The Kalman filter of many sequences at once, side by side in SIMD registers, as compiled loops.

Names and conventions as in `pedagogy_lib.kernels.kalman`, which calls them.
"""

import numpy as np

from pedagogy_lib.kernels._jit import jit_sums

LOG_TAU = np.log(2 * np.pi)
LANES = 8                           # sequences that are filtered side by side
OK, OUT_OF_REACH = 0, 3             # as in `kalman_filter`


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
