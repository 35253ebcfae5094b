"""One step of Adam in one pass; the reference is `pedagogy_lib.learning.optimization.Adam.step`.

Seven arrays go through memory once: that, and not arithmetic, is the cost. The operations are those
of the reference in its order, and none is fused with another, so that both give the same digits.
"""

import numpy as np

from pedagogy_lib.kernels._jit import jit_exact


@jit_exact
def adam(params, gradient, mean, square, decay, fresh, weight, square_decay, square_fresh, square_weight, rate, eps):
    """Change the parameters and both running averages in place.

    ``rate`` has the sign of the step; ``fresh`` is 1 - decay; ``weight`` undoes the start at zero.
    """
    for i in range(len(params)):
        g = gradient[i]
        m = decay * mean[i] + fresh * g
        s = square_decay * square[i] + square_fresh * (g * g)
        mean[i] = m
        square[i] = s
        params[i] += rate * (m * weight) / (np.sqrt(s * square_weight) + eps)
