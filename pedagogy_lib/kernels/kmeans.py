"""The E step of K-means as one compiled pass; the reference is in `pedagogy_lib.models.static.kmeans`.

Blocks of rows, transposed, as in `pedagogy_lib.kernels.gaussians`.
"""

import numpy as np

from pedagogy_lib.kernels._jit import jit_sums

ROWS = 128                              # of a block


@jit_sums
def _assign(y, means, counts, sums):
    """Count and sum the rows nearest to each mean. Adds to the last two arguments, which are zero.

    Returns the sum of the squared distances. Of equally near means the first counts.
    """
    N, D = y.shape
    K = len(means)
    block, square = np.zeros((D, ROWS)), np.zeros(ROWS)
    least, nearest = np.zeros(ROWS), np.zeros(ROWS, np.int64)
    cost = 0.0
    for first in range(0, N, ROWS):
        rows = min(ROWS, N - first)
        for d in range(D):
            for b in range(rows):
                block[d, b] = y[first + b, d]
        for k in range(K):
            # Two dimensions at a time: half as many loads and stores.
            if D % 2 == 1:
                for b in range(ROWS):
                    square[b] = (block[0, b] - means[k, 0]) ** 2
            else:
                one, two = means[k, 0], means[k, 1]
                for b in range(ROWS):
                    square[b] = (block[0, b] - one) ** 2 + (block[1, b] - two) ** 2
            for d in range(2 - D % 2, D, 2):
                one, two = means[k, d], means[k, d + 1]
                for b in range(ROWS):
                    square[b] += (block[d, b] - one) ** 2 + (block[d + 1, b] - two) ** 2
            for b in range(ROWS):
                closer = k == 0 or square[b] < least[b]
                least[b] = square[b] if closer else least[b]
                nearest[b] = k if closer else nearest[b]
        for b in range(rows):
            k = nearest[b]
            cost += least[b]
            counts[k] += 1.0
            for d in range(D):
                sums[k, d] += y[first + b, d]
    return cost


def assign(means, y):
    """As the reference: counts, shape (K,), sums, shape (K, D), and the cost."""
    counts, sums = np.zeros(len(means)), np.zeros(means.shape)
    cost = _assign(np.ascontiguousarray(y), np.ascontiguousarray(means), counts, sums)
    return counts, sums, cost
