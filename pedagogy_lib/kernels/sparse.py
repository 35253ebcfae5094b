"""Coordinate descent for sparse codes as a compiled loop.

The same work as the reference, `pedagogy_lib.inference.modes.coordinate_descent`, one
observation after another. Most coordinates of a sparse code are zero and stay zero: those cost one
comparison. Only a coordinate that moves costs K operations, along one row of the Gram matrix.
"""

import numpy as np

from pedagogy_lib.kernels._jit import helper_sums, jit_sums


@jit_sums
def coordinate_descent(
    gram, thresholds, pulls, squares, nat, tolerance, singular, max_sweeps, codes, sweeps
):
    """Fill ``codes`` (N, K), which holds the start, and ``sweeps`` (N,), how many each took.

    gram : C'C, (K, K). thresholds : alpha / lambda, (K,). pulls : y'C, (N, K). squares : y'y, (N,).
    nat : 1 / lambda. A code that has not settled after ``max_sweeps`` has one sweep more than that.
    """
    N, K = codes.shape
    slack, used = np.empty(K), np.empty(K, np.int64)
    root, d = np.empty((K, K)), np.empty(K)
    for n in range(N):
        x, pull = codes[n], pulls[n]
        # slack = C' (y - C x), what each element of the dictionary still finds in the residual
        for k in range(K):
            slack[k] = pull[k]
        for j in range(K):
            if x[j] != 0.0:
                for k in range(K):
                    slack[k] -= x[j] * gram[j, k]
        limit = tolerance * (nat + 0.5 * squares[n])
        sweeps[n] = max_sweeps + 1
        for sweep in range(max_sweeps):
            steady = True
            for k in range(K):
                if gram[k, k] == 0.0:
                    continue
                old = x[k]
                target = slack[k] + gram[k, k] * old
                # x_k <- soft(target, alpha / lambda) / (c_k' c_k)
                if target > thresholds[k]:
                    new = (target - thresholds[k]) / gram[k, k]
                elif target < -thresholds[k]:
                    new = (target + thresholds[k]) / gram[k, k]
                else:
                    new = 0.0
                move = new - old
                if move != 0.0:
                    x[k] = new
                    steady = steady and new * old > 0.0
                    row = gram[k]
                    for j in range(K):
                        slack[j] -= move * row[j]
            if gap(x, slack, pull, thresholds, squares[n]) <= limit:
                sweeps[n] = sweep + 1
                break
            if steady:
                jump(gram, thresholds, singular, x, slack, used, root, d)


@helper_sums
def gap(x, slack, pull, thresholds, square):
    """The duality gap, divided by lambda, with r = y - C x, so that x'C'C x = x'pull - x'slack."""
    shrink, price, along, across = 1.0, 0.0, 0.0, 0.0
    for k in range(len(x)):
        if abs(slack[k]) * shrink > thresholds[k]:
            shrink = thresholds[k] / abs(slack[k])
        price += thresholds[k] * abs(x[k])
        along += x[k] * pull[k]
        across += x[k] * slack[k]
    residual, shadow = square - along - across, square - along         # r'r and r'y
    return 0.5 * (1.0 + shrink * shrink) * residual - shrink * shadow + price


@helper_sums
def jump(gram, thresholds, singular, x, slack, used, root, d):
    """To the bottom of the parabola of this pattern of signs, or until a sign would change."""
    K, count, longest = len(x), 0, 1.0
    for k in range(K):
        if x[k] != 0.0:
            used[count] = k
            count += 1
    # gram d = slack - threshold sign(x), among those that are used, by Cholesky
    for a in range(count):
        i = used[a]
        total = slack[i] - (thresholds[i] if x[i] > 0.0 else -thresholds[i])
        for b in range(a):
            entry = gram[i, used[b]]
            for c in range(b):
                entry -= root[a, c] * root[b, c]
            root[a, b] = entry / root[b, b]
            total -= root[a, b] * d[b]
        pivot = gram[i, i]
        for c in range(a):
            pivot -= root[a, c] * root[a, c]
        if pivot <= singular * gram[i, i]:
            # This element is a combination of those before it. To exchange them leaves C x as it
            # is: in the cheaper direction, until one is not used any more.
            for b in range(a):
                d[b] = -root[a, b]
            d[a], count, longest = 1.0, a + 1, np.inf
            break
        root[a, a] = np.sqrt(pivot)
        d[a] = total / root[a, a]
    solved = count if longest == 1.0 else count - 1
    for a in range(solved - 1, -1, -1):
        d[a] /= root[a, a]
        for b in range(a):
            d[b] -= root[a, b] * d[a]
    if longest > 1.0:
        price = 0.0
        for a in range(count):
            price += (thresholds[used[a]] if x[used[a]] > 0.0 else -thresholds[used[a]]) * d[a]
        if price > 0.0:
            for a in range(count):
                d[a] = -d[a]
    share, first = longest, -1
    for a in range(count):
        if d[a] * x[used[a]] < 0.0 and -x[used[a]] / d[a] < share:
            share, first = -x[used[a]] / d[a], a
    if share == np.inf:
        return
    for a in range(count):
        move = share * d[a]
        if a == first:
            move = -x[used[a]]
        x[used[a]] += move
        row = gram[used[a]]
        for j in range(K):
            slack[j] -= move * row[j]
