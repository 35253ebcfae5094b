"""A stack of bits that symbols are pushed on and popped from: the asymmetric numeral system (ANS).

The stack is one whole number. Pushing a symbol of probability f / M multiplies the number by about
M / f, so it grows by the surprisal, log2(M / f) bits. Popping is the exact inverse, and is also a way
to *sample*: popped from a stack of random bits, symbols have the frequencies that were asked for,
and the bits that chose them leave the stack.

`push` and `pop` are building blocks, which trust their arguments; `bits_back` checks what it hands to them.

References
----------
J. Duda, "Asymmetric numeral systems" (2013). Section 6.3.2 of the textbook needs such a stack.
"""

import math
from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks

#: What the frequencies of a distribution sum to, unless said otherwise: probabilities have 24 bits.
TOTAL = 1 << 24


class Stack(int):
    """A whole number, not negative, that prints its length: its digits would fill pages."""

    def __repr__(self):
        return f"<stack of {self.bit_length()} bits>"


class Popped(NamedTuple):
    """What `pop` leaves and what it found.

    stack : Stack
    symbol : int, from 0
    """

    stack: int
    symbol: int


def push(stack, symbol, frequencies):
    """Put a symbol on the stack, at a cost of log2(sum(frequencies) / frequencies[symbol]) bits.

    Parameters
    ----------
    stack : Stack or int, not negative
    symbol : int, the number of a frequency above zero
    frequencies : sequence of int

    Returns
    -------
    Stack
    """
    f = _frequency(symbol, frequencies)
    start, total = int(sum(frequencies[:symbol])), int(sum(frequencies))
    # Of every `total` numbers in a row, f are this symbol's, from `start` on:
    # go to the one whose place among the symbol's own numbers is `stack`.
    return Stack(int(stack) // f * total + start + int(stack) % f)


def pop(stack, frequencies):
    """Take a symbol from the stack: the exact inverse of `push`.

    Parameters
    ----------
    stack : Stack or int, not negative
        Anything: where no symbol was pushed, the bits there choose one, at random if they are.
    frequencies : sequence of int

    Returns
    -------
    Popped
    """
    ends = list(accumulate(map(int, frequencies)))
    slot = int(stack) % ends[-1]                     # the inverse of the cumulative frequencies
    symbol = bisect_right(ends, slot)
    f, start = int(frequencies[symbol]), ends[symbol] - int(frequencies[symbol])
    return Popped(Stack(int(stack) // ends[-1] * f + slot - start), symbol)


def length(stack):
    """The length of a stack in bits, with the fraction of the last one.

    Parameters
    ----------
    stack : Stack or int, above zero

    Returns
    -------
    float
    """
    check_stack(stack)
    if stack <= 0:
        raise ValueError(f"stack: expected a whole number above zero, got {stack}")
    return math.log2(stack)


def stack_of(data):
    """A stack that holds some bytes: the message whose bits will be borrowed.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    Stack
    """
    if not isinstance(data, bytes):
        raise TypeError(f"data: expected bytes, got {type(data).__name__}")
    return Stack.from_bytes(b"\x01" + data, "big")          # the 1 keeps zeros at the front


def data_of(stack):
    """The bytes that `stack_of` was given.

    Parameters
    ----------
    stack : Stack

    Returns
    -------
    bytes
    """
    check_stack(stack)
    whole = stack.to_bytes((stack.bit_length() + 7) // 8, "big")
    if whole[:1] != b"\x01":
        raise ValueError("stack: expected one that stack_of made, got another")
    return whole[1:]


def frequencies(probabilities, total=TOTAL):
    """Whole numbers in proportion to probabilities, as nearly as their sum allows.

    Parameters
    ----------
    probabilities : array_like, shape (K,)
        Zero stays zero; anything above it, however small, becomes at least 1.
    total : int
        What they sum to.

    Returns
    -------
    list of int
    """
    p = checks.probabilities("probabilities", probabilities, ("K",))
    total = checks.count("total", total, minimum=int((p > 0).sum()))
    found = np.where(p > 0, np.maximum(np.floor(p * total), 1), 0).astype(int)
    while found.sum() != total:     # the largest gain from the remainder, or bear the loss
        short = total - found.sum()
        order = np.argsort(found - p * total if short > 0 else p * total - found, kind="stable")
        able = [k for k in order if found[k] > (0 if short > 0 else 1)][: abs(short)]
        found[able] += np.sign(short)
    return found.tolist()


def _frequency(symbol, frequencies):
    if not 0 <= symbol < len(frequencies) or frequencies[symbol] <= 0:
        raise ValueError(f"symbol: expected one whose frequency is above zero, got {symbol}")
    return int(frequencies[symbol])             # a whole number of Python, which cannot overflow


def check_stack(stack):
    """Refuse what is no stack: `push` and `pop` are called once for each symbol, and trust theirs."""
    if not isinstance(stack, int) or isinstance(stack, bool) or stack < 0:
        raise ValueError(f"stack: expected a whole number that is not negative, got {stack!r}")
