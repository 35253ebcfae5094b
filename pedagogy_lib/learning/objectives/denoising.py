"""What a denoising network may answer: four ways to say one guess.

Where x = a y + v z at a level (a, v) of `distributions.noising`, whoever knows x and one of y and z knows the
other. So the last layer of a network may answer either, or a mixture of both, and a class says which. Each has

    target(y, z, level)   what the answer is compared with
    guess(level)          (keep, scale): the guess of the datum is  keep * x + scale * answer

so that |y - guess|^2 = scale^2 |target - answer|^2: all four losses are the same, term by term, and only what
the network has to compute differs.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 8.3.1, Eqs. 8.41, 8.43, 8.47 and 8.48.
"""

import numpy as np

from pedagogy_lib.learning.networks.layers import Linear


class Noise(Linear):
    """The noise z in x = a y + v z; fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def target(y, z, level):
        """z."""
        return z

    @staticmethod
    def guess(level):
        """(x - v z) / a."""
        a, v = level
        return 1 / a, -v / a


class Datum(Linear):
    """The datum y; fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def target(y, z, level):
        """y."""
        return y

    @staticmethod
    def guess(level):
        """The output itself."""
        one = np.ones_like(level.signal)
        return 0 * one, one


class Force(Linear):
    """The score, whose draws are -z / v (Eq. 8.48); fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def target(y, z, level):
        """-z / v."""
        return -z / level.deviation

    @staticmethod
    def guess(level):
        """(x + v^2 f) / a, Eq. 8.47 solved for the guess."""
        a, v = level
        return 1 / a, v**2 / a


class Velocity(Linear):
    """(a z - v y) / (a^2 + v^2)^(1/2): noise where there is none, and the datum where all is noise.

    Fields as in `Linear`.

    References
    ----------
    T. Salimans and J. Ho (2022).
    """

    __slots__ = ()

    @staticmethod
    def target(y, z, level):
        """The derivative of x along the circle of signal and deviation."""
        a, v = level
        return (a * z - v * y) / np.hypot(a, v)

    @staticmethod
    def guess(level):
        """a x - v output, for a^2 + v^2 = 1; else divided by the root of that sum once more."""
        a, v = level
        return a / np.hypot(a, v) ** 2, -v / np.hypot(a, v)


TARGETS = (Noise, Datum, Force, Velocity)
