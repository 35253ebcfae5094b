"""Prefix codes: words of zeros and ones of which none begins another, and the shortest of them.

The Huffman code is the best strategy in the guessing game that gives entropy its meaning: one yes/no
question is one bit, and the answers that lead to an outcome are its word.

References
----------
Section 4.2, Eqs. 4.1-4.5.
"""

import heapq
from itertools import product
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks


class Merge(NamedTuple):
    """The two least probable nodes of the tree became one.

    Nodes are numbered: the K outcomes from 0, then every merged node in the order of its making.

    iteration : int, from 0
    yes, no : int
        The nodes that were merged. The question at the new node is: "is it in ``yes``?" The yes
        side is the more probable one; of two equally probable, the one with the lower number.
    node : int, the number of the new node
    probability : float, of the new node
    """

    iteration: int
    yes: int
    no: int
    node: int
    probability: float


def merges(probabilities):
    """Build Huffman's tree of questions from the leaves up, one merge at a time.

    The last question that is asked tells two outcomes apart. It should be asked as rarely as can
    be: so it parts the two least probable ones. From then on the two count as one outcome.

    Parameters
    ----------
    probabilities : array_like, shape (K,)

    Yields
    ------
    Merge
        K - 1 of them; the last node is the root, the question to be asked first.
    """
    p = checks.probabilities("probabilities", probabilities, ("K",))
    waiting = [(p_k, k) for k, p_k in enumerate(p.tolist())]
    heapq.heapify(waiting)
    for iteration in range(len(p) - 1):
        (rare, a), (common, b) = heapq.heappop(waiting), heapq.heappop(waiting)
        # Yes is the more probable side; of equals, the lower number pops first.
        yes, no = (a, b) if rare == common else (b, a)
        node = len(p) + iteration
        heapq.heappush(waiting, (rare + common, node))
        yield Merge(iteration, yes, no, node, rare + common)


def huffman(probabilities):
    """The code with the shortest expected words: "1" for every yes on the way to an outcome.

    Parameters
    ----------
    probabilities : array_like, shape (K,)

    Returns
    -------
    tuple of str
        K words of the digits 0 and 1. No word begins another. A certain outcome (K = 1) needs no
        question: its word is empty.

    References
    ----------
    Section 4.2, "Efficient coding".
    """
    events = list(merges(probabilities))
    words = {events[-1].node: ""} if events else {0: ""}
    for event in reversed(events):                          # from the root down to the leaves
        word = words.pop(event.node)
        words[event.yes], words[event.no] = word + "1", word + "0"
    return tuple(words[outcome] for outcome in range(len(words)))


def expected_length(words, probabilities):
    """The average number of questions, in bits: each word's length, weighted by its probability.

    Parameters
    ----------
    words : sequence of str, K of them
        Designed for these probabilities, or for others: then the excess is the price of that.
    probabilities : array_like, shape (K,)

    Returns
    -------
    float
        At least ``bits(entropy(probabilities))``, for any words of which none begins another.
    """
    words = _checked_words(words)
    p = checks.probabilities("probabilities", probabilities, (len(words),))
    return float(p @ [len(word) for word in words])


def blocks(probabilities, n):
    """The distribution of ``n`` independent outcomes, taken together as one.

    A question cannot be split. A code for blocks shares the last question of each between the n
    outcomes, so its expected length, divided by n, exceeds the entropy by less than 1 / n bits.

    Parameters
    ----------
    probabilities : array_like, shape (K,)
    n : int

    Returns
    -------
    ndarray, shape (K**n,)
        In the order of ``itertools.product``: the last outcome of the block varies fastest.
    """
    p = checks.probabilities("probabilities", probabilities, ("K",))
    n = checks.count("n", n)
    return np.array([np.prod(block) for block in product(p, repeat=n)])


def encode(words, outcomes):
    """Write outcomes one after the other.

    Parameters
    ----------
    words : sequence of str
    outcomes : array_like of int, each the number of a word

    Returns
    -------
    str
    """
    words, outcomes = _checked_words(words), checks.numbers("outcomes", outcomes)
    whole = outcomes.ndim == 1 and (outcomes.dtype.kind in "iu" or outcomes.size == 0)
    if not whole or (outcomes < 0).any() or (outcomes >= len(words)).any():
        raise ValueError(f"outcomes: expected whole numbers from 0 to {len(words) - 1}, got {outcomes!r}")
    return "".join(words[int(outcome)] for outcome in outcomes)


def decode(words, text):
    """Read outcomes back: no word begins another, so the first that fits is the right one.

    Parameters
    ----------
    words : sequence of str
    text : str of the digits 0 and 1

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If the text ends inside a word, or holds what no word begins with.
    """
    words = _checked_words(words)
    checks.kind("text", text, str)
    if "" in words:
        raise ValueError("words: expected words that can be counted, got an empty one")
    numbers, outcomes, start = {word: k for k, word in enumerate(words)}, [], 0
    for stop in range(1, len(text) + 1):
        if text[start:stop] in numbers:
            outcomes.append(numbers[text[start:stop]])
            start = stop
    if start < len(text):
        raise ValueError(f"text: expected whole words, got {text[start:]!r} left over")
    return outcomes


def _checked_words(words):
    """Words of zeros and ones, none of which begins another."""
    words = tuple(checks.several("words", words))
    for word in words:
        if not isinstance(word, str) or set(word) - {"0", "1"}:
            raise ValueError(f"words: expected words of the digits 0 and 1, got {word!r}")
    ordered = sorted(words)                     # a word stands right before those it begins
    for word, after in zip(ordered, ordered[1:]):
        if after.startswith(word):
            raise ValueError(f"words: expected that no word begins another, got {word!r} and {after!r}")
    return words
