"""Information: how surprising outcomes are, and how few yes/no questions find them out.

The surprisal of an outcome is -log p. Its average is the entropy; its average under another
distribution than the one that assigned it is the cross entropy; what the second exceeds the first
by is the relative entropy. The Huffman code is the best strategy in the guessing game that gives
these numbers their meaning: one question is one bit.

Distributions are given as arrays of probabilities, as `Categorical`, or as `Gaussian`. Results are
in nats, as everywhere in the library; `bits` converts them.

References
----------
Section 4.2, Eqs. 4.1-4.5.
"""

import heapq
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import rel_entr

from pedagogy_lib import checks
from pedagogy_lib.distributions.categorical import Categorical
from pedagogy_lib.distributions.gaussian import LOG_TAU, Gaussian


def bits(nats):
    """Convert nats to bits: one bit, a fair yes/no question, is log 2 nats.

    Parameters
    ----------
    nats : float or array_like

    Returns
    -------
    float or ndarray
    """
    found = np.divide(nats, np.log(2))
    return float(found) if np.ndim(found) == 0 else found


def entropy(p):
    """The average surprisal of a distribution, -E[log p(Y)].

    Parameters
    ----------
    p : array_like, Categorical or Gaussian
        Probabilities that sum to one, in an array of any shape (a table is a joint distribution);
        or a Gaussian, whose *differential* entropy may be negative.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        If ``p`` is no distribution, or a Gaussian of singular covariance.

    References
    ----------
    Eq. 4.3.
    """
    return cross_entropy(p, p)


def cross_entropy(p, q):
    """The average surprisal that q assigns to what p produces, -E_p[log q(Y)].

    Parameters
    ----------
    p, q : array_like, Categorical or Gaussian
        Two of a kind, and of one shape.

    Returns
    -------
    float
        In nats; infinite where q rules out what p can produce.

    References
    ----------
    Eq. 4.4.
    """
    p, q = _pair(p, q)
    if isinstance(p, Gaussian):
        square = _average_square(p, q)
        return 0.5 * (len(p.mean) * LOG_TAU + _log_determinant(q) + square)
    with np.errstate(divide="ignore", invalid="ignore"):
        surprisals = -np.log(q)
        # What never happens costs nothing, however surprising it would be.
        return float(np.where(p > 0, p * surprisals, 0.0).sum())


def relative_entropy(p, q):
    """The questions wasted by guessing as if q, KL{p || q} = H_pq - H_p. Never negative.

    Parameters
    ----------
    p, q : array_like, Categorical or Gaussian
        Two of a kind, and of one shape.

    Returns
    -------
    float
        In nats.

    References
    ----------
    Eq. 4.5.
    """
    p, q = _pair(p, q)
    if isinstance(p, Gaussian):
        gap = _log_determinant(q) - _log_determinant(p)
        return 0.5 * (gap + _average_square(p, q) - len(p.mean))
    # Not a difference of two sums: that would cancel the digits where p and q are close.
    # Each term is at least zero; together, -p + q add nothing.
    return float(np.maximum((rel_entr(p, q) - p + q).sum(), 0.0))


# ------------------------------------------------------------------------- the guessing game


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
    words, outcomes = _checked_words(words), np.asarray(outcomes)
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


# ------------------------------------------------------------------------- helpers


def _average_square(p, q):
    """E_p[(Y - mu_q)' Sigma_q^-1 (Y - mu_q)]: the trace of a ratio, and a squared distance."""
    factor, shift = _factor(q), p.mean - q.mean
    return float(np.trace(cho_solve(factor, p.covariance)) + shift @ cho_solve(factor, shift))


def _log_determinant(distribution):
    return float(2 * np.log(np.diag(_factor(distribution)[0])).sum())


def _factor(distribution):
    return cho_factor(distribution.covariance, lower=True)


def _pair(p, q):
    """Two distributions of one kind, checked."""
    p, q = _checked("p", p), _checked("q", q)
    if isinstance(p, Gaussian) != isinstance(q, Gaussian):
        raise ValueError("q: expected a distribution of the same kind as p, got a Gaussian and a discrete one")
    shapes = [np.shape(d.mean if isinstance(d, Gaussian) else d) for d in (p, q)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"q: expected shape {shapes[0]}, that of p, got {shapes[1]}")
    return p, q


def _checked(name, distribution):
    """An array of probabilities, or a Gaussian with a covariance that can be inverted."""
    if isinstance(distribution, Gaussian):
        mean = checks.array(f"{name}.mean", distribution.mean, ("K",))
        return Gaussian(mean, checks.covariance(f"{name}.covariance", distribution.covariance, len(mean)))
    if isinstance(distribution, Categorical):
        distribution = distribution.probabilities
    given = checks.array(name, distribution)
    return checks.probabilities(name, given.ravel()).reshape(given.shape)


def _checked_words(words):
    """Words of zeros and ones, none of which begins another."""
    words = tuple(words)
    for word in words:
        if not isinstance(word, str) or set(word) - {"0", "1"}:
            raise ValueError(f"words: expected words of the digits 0 and 1, got {word!r}")
    ordered = sorted(words)                     # a word stands right before those it begins
    for word, after in zip(ordered, ordered[1:]):
        if after.startswith(word):
            raise ValueError(f"words: expected that no word begins another, got {word!r} and {after!r}")
    return words
