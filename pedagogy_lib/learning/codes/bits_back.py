"""Bits-back coding: send data with a latent-variable model, and get the cost of its codes back.

A stack of bits holds the message (`pedagogy_lib.learning.codes.ans`). To send y with the model
p(x) p(y|x), the sender pops the class x with the recognition distribution p(x|y), pushes y with
p(y|x), and pushes x with p(x). The receiver pops x and y, knows p(x|y) then, and pushes x back:
whatever was on the stack before is there again.

References
----------
Section 6.3.2, "Minimum description length and the bits-back argument", Eqs. 6.10-6.15.
J. Townsend, T. Bird and D. Barber, "Practical lossless compression with latent variables using bits
back coding" (2019).
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from pedagogy_lib import checks
from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Table
from pedagogy_lib.learning.codes.ans import TOTAL, check_stack, frequencies, pop, push

#: What the frequencies of the recognition model sum to: a prime, so that the remainder which chooses
#: the next class depends on the whole stack. With one total for both models it would be the remainder
#: that the last push left behind: a class would choose its successor, and nothing would be sampled.
RECOGNITION_TOTAL = TOTAL - 3


class Model(NamedTuple):
    """A mixture of discrete emissions, and a recognition distribution, in whole frequencies.

    prior : list of K int, of the classes
    emission : list of K lists of J int, of the observations in each class
    recognition : list of J lists of K int, of the classes for each observation
    """

    prior: list
    emission: list
    recognition: list


class Step(NamedTuple):
    """One observation was put on the stack.

    n : int, its number, from 0
    y, x : int, the observation and the class it was sent with
    stack : Stack, afterwards
    refund : float, the bits that choosing the class took off the stack, -log2 p-check(x|y)
    code, reconstruction : float, the bits that x and y put on it, -log2 p(x) and -log2 p(y|x)
    """

    n: int
    y: int
    x: int
    stack: int
    refund: float
    code: float
    reconstruction: float


class Decoded(NamedTuple):
    """What the receiver has.

    observations : list of int
    stack : Stack, what was there before the observations were put on it
    """

    observations: list
    stack: int


def model(source, emission, recognition=None):
    """Round a mixture to whole frequencies, which the sender and the receiver share.

    Parameters
    ----------
    source : Categorical
        p(x), with K classes.
    emission : Table
        p(y|x): J observations (rows), one column for each class. See `discretized`.
    recognition : Table, optional
        p-check(x|y): K rows, one column for each observation. The posterior if left out. `hard`
        makes one that does not sample.

    Returns
    -------
    Model
    """
    posterior = categorical.invert(source, emission)
    if recognition is None:
        recognition = posterior
    shape = posterior.probabilities.shape
    given = checks.probabilities("recognition.probabilities", recognition.probabilities, shape, axis=0)
    return Model(
        frequencies(source.probabilities),
        [frequencies(column) for column in np.transpose(emission.probabilities)],
        [frequencies(column, RECOGNITION_TOTAL) for column in given.T],
    )


def hard(recognition):
    """The recognition distribution that always takes the most probable class.

    Parameters
    ----------
    recognition : Table, shape (K, J)

    Returns
    -------
    Table
        One 1 in each column. Of equally probable classes, the first.

    References
    ----------
    Eq. 6.11.
    """
    checks.having("recognition", recognition, "probabilities")
    p = checks.probabilities("recognition.probabilities", recognition.probabilities, ("K", "J"), axis=0)
    return Table(np.eye(len(p))[:, p.argmax(0)])


def discretized(means, variances, edges):
    """The emissions of a Gaussian mixture in one dimension, in bins: p(y in bin j | x = k).

    Parameters
    ----------
    means, variances : array_like, shape (K,)
    edges : array_like, shape (J - 1,), increasing
        Between the bins; the first and the last bin reach to infinity.

    Returns
    -------
    Table
        J rows, K columns.
    """
    means = checks.array("means", means, ("K",))
    variances = checks.array("variances", variances, (len(means),))
    edges = checks.array("edges", edges, ("J - 1",))
    if (variances <= 0).any():
        raise ValueError(f"variances: expected numbers above zero, got {variances.min():.3g}")
    if (np.diff(edges) <= 0).any():
        raise ValueError("edges: expected increasing numbers")
    scaled = (edges[:, None] - means) / np.sqrt(variances)
    below = np.vstack([np.zeros(len(means)), ndtr(scaled), np.ones(len(means))])
    above = np.vstack([np.ones(len(means)), ndtr(-scaled), np.zeros(len(means))])
    # Either difference is right. In the upper tail 1 - 1 has no digits: take the other one there.
    upper = below[:-1] > 0.5
    mass = np.where(upper, above[:-1] - above[1:], below[1:] - below[:-1])
    return Table(mass / mass.sum(0))


def steps(code, observations, stack):
    """Put observations on the stack, one at a time.

    Parameters
    ----------
    code : Model
    observations : array_like of int, shape (N,)
        The number of the bin of each.
    stack : Stack
        Other data, whose bits choose the classes. See `stack_of`.

    Yields
    ------
    Step
    """
    for n, y in enumerate(_checked(code, observations, stack)):
        stack, x = pop(stack, code.recognition[y])              # x from p-check(x|y)
        stack = push(stack, y, code.emission[x])                # costs -log2 p(y|x)
        stack = push(stack, x, code.prior)                      # costs -log2 p(x)
        costs = (code.recognition[y], x), (code.prior, x), (code.emission[x], y)
        yield Step(n, y, x, stack, *(_surprisal(*cost) for cost in costs))


def encode(code, observations, stack):
    """Put all of the observations on the stack: what the sender does.

    Parameters
    ----------
    code, observations, stack
        As for `steps`.

    Returns
    -------
    Stack
        The new one. ``length(new) - length(old)`` is the net cost in bits.

    References
    ----------
    Eq. 6.15: on average ``S_bits-back`` more than the entropy of the data.
    """
    for step in steps(code, observations, stack):
        stack = step.stack
    return stack


def decode(code, size, stack):
    """Take observations off the stack: what the receiver does. Every step of `steps`, backwards.

    Parameters
    ----------
    code : Model
    size : int
        N, the number of observations.
    stack : Stack

    Returns
    -------
    Decoded
    """
    observations = []
    for _ in range(_checked_size(code, size, stack)):
        stack, x = pop(stack, code.prior)
        stack, y = pop(stack, code.emission[x])
        stack = push(stack, x, code.recognition[y])     # the refund
        observations.append(y)
    return Decoded(observations[::-1], stack)                   # last in, first out


# ------------------------------------------------------------------------- helpers


def _surprisal(frequencies, symbol):
    return math.log2(sum(frequencies) / frequencies[symbol])


def _checked(code, observations, stack):
    """Observations as whole numbers, for which the code has frequencies; and whether there is a stack."""
    """Whole numbers, as Python's own: NumPy's would overflow on the stack."""
    _checked_code(code, stack)
    given = checks.numbers("observations", observations)
    bins = len(code.recognition)
    whole = given.ndim == 1 and (given.dtype.kind in "iu" or given.size == 0)
    if not whole or (given < 0).any() or (given >= bins).any():
        raise ValueError(f"observations: expected whole numbers from 0 to {bins - 1}, got {observations!r}")
    return [int(y) for y in given]


def _checked_code(code, stack):
    checks.kind("code", code, Model)
    check_stack(stack)


def _checked_size(code, size, stack):
    _checked_code(code, stack)
    return checks.count("size", size, minimum=0)
