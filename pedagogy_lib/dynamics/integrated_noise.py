"""How white noise moves a position and its derivatives between two observations.

The state holds a position, its velocity, and perhaps its acceleration. Between two observations, h apart,
each derivative feeds the one below, and white noise of density q comes in at the top::

    A = exp(N h),    Q = q int_0^h exp(N s) b b' exp(N s)' ds

with N shifting each derivative down to the one it feeds, and b the last unit vector.

References
----------
Section 2.2.2 (the model); Y. Bar-Shalom, X.R. Li and T. Kirubarajan (2001), section 6.2 (these motions).
"""

from math import factorial

import numpy as np

from pedagogy_lib import checks


def integrated_noise(order, interval):
    """How white noise of density one moves a position and its derivatives, ``order`` numbers in all.

    Parameters
    ----------
    order : int
        n: 1 for a random walk, 2 for constant velocity, 3 for constant acceleration, but for the noise.
    interval : float
        h, the time between observations.

    Returns
    -------
    A, Q : ndarray, shapes (n, n)
        A[i, j] = h^(j-i) / (j-i)! for j >= i, by Taylor's theorem. White noise from a time s before the
        end arrives as b(s), with b_i = s^(n-1-i) / (n-1-i)!, and Q is the integral of b b' from 0 to h.
    """
    n, h = checks.count("order", order), checks.number("interval", interval, above=0)
    A = np.array([[h ** (j - i) / factorial(j - i) if j >= i else 0.0 for j in range(n)] for i in range(n)])
    left = n - 1 - np.arange(n)                                        # the power of s in b_i
    scale = np.array([float(factorial(power)) for power in left])
    power = np.add.outer(left, left) + 1
    return A, h**power / (power * np.outer(scale, scale))
