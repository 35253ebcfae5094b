"""Dealing out the data in random batches.

`Dealer` is a building block, and trusts its arguments, which its callers have checked.
"""

import numpy as np

from pedagogy_lib import checks


def minibatches(n, size, rng):
    """Deal out the numbers 0 ... n-1 in random batches, shuffling anew after every pass.

    Parameters
    ----------
    n : int
        The number of observations.
    size : int
        Of a batch; the last one of a pass has what is left.
    rng : numpy.random.Generator

    Yields
    ------
    ndarray of int
    """
    dealer = Dealer(n, size)
    return _deal(dealer, checks.generator("rng", rng))


def _deal(dealer, rng):
    while True:
        yield dealer.deal(rng)


class Dealer:
    """A shuffled pack of the numbers 0 ... n-1, dealt in batches; what is undealt can be kept and put back.

    order : ndarray of int, the pack; empty before the first shuffle
    position : int, how many of it have been dealt
    """

    def __init__(self, n, size):
        self.n, self.size = checks.count("n", n), checks.count("size", size)
        if size > n:
            raise ValueError(f"size: expected at most n, {n}, got {size}")
        self.order, self.position = np.empty(0, np.int64), 0

    def deal(self, rng):
        """The next batch."""
        if self.position >= len(self.order):
            self.order, self.position = rng.permutation(self.n), 0
        batch = self.order[self.position : self.position + self.size]
        self.position += len(batch)
        return batch
