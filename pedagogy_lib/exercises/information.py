"""Exercises of section 4.2: entropies, codes, and the likelihood of a die."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _pairs(rng):
    """Two distributions of one size; one of the first has an outcome that never happens."""
    p, q = np.array([0.5, 0.25, 0.25, 0.0]), rng.dirichlet(np.ones(4))
    return [(rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))), (p, q)]


def _average(p, values):
    """Of what p can produce."""
    return float((p[p > 0] * values[p > 0]).sum())


def _cross_entropy(p, q):
    return _average(p, -np.log2(q))


CROSS_ENTROPY = Task(
    "4.2-a",
    "cross_entropy_bits(p, q), with two arrays of shape (K,), returning a number",
    _cross_entropy,
    _pairs,
    (
        Mistake(
            "swapped the two",
            lambda p, q: float(-(q * np.log2(np.where(p > 0, p, 1))).sum()) if (p > 0).all() else np.inf,
            "You averaged under q. The data come from p: p gives the weights, q the surprisals.",
        ),
        Mistake(
            "used nats",
            lambda p, q: _average(p, -np.log(q)),
            "These are nats. A bit is log 2 nats: use log2.",
        ),
        Mistake(
            "lost the minus sign",
            lambda p, q: _average(p, np.log2(q)),
            "A logarithm of a probability is never above zero: the surprisal is its negative.",
        ),
        Mistake(
            "computed the entropy",
            lambda p, q: _average(p, -np.log2(np.where(p > 0, p, 1))),
            "This is the entropy of p: the cost with the right strategy. Here the strategy is q's.",
        ),
        Mistake(
            "computed the relative entropy",
            lambda p, q: _average(p, np.log2(np.where(p > 0, p, 1)) - np.log2(q)),
            "This is what is wasted. The cross entropy is what is paid: do not take the entropy of p away.",
        ),
    ),
)


def _rounded_cost(p, q):
    return float(p @ np.ceil(-np.log2(q)))


ROUNDED_COST = Task(
    "4.2-b",
    "rounded_cost(p, q), with two arrays of shape (K,), returning a number",
    _rounded_cost,
    lambda rng: [tuple(rng.dirichlet(np.ones(n), size=2)) for n in (6, 4)],
    (
        Mistake(
            "did not round",
            lambda p, q: _cross_entropy(p, q),
            "This is the cross entropy. A word has a whole number of digits: round each surprisal up.",
        ),
        Mistake(
            "rounded down",
            lambda p, q: float(p @ np.floor(-np.log2(q))),
            "Rounded down, the sum of 2^-length exceeds one, and no such code exists. Round up.",
        ),
        Mistake(
            "rounded to the nearest",
            lambda p, q: float(p @ np.round(-np.log2(q))),
            "Rounding to the nearest can make the sum of 2^-length exceed one. Round up.",
        ),
        Mistake(
            "rounded the average",
            lambda p, q: float(np.ceil(p @ -np.log2(q))),
            "You rounded at the end. Each word has a whole number of digits: round first, then average.",
        ),
        Mistake(
            "averaged under the code's distribution",
            lambda p, q: float(q @ np.ceil(-np.log2(q))),
            "You averaged under q. The code was built for q, but the data come from p.",
        ),
        Mistake(
            "built the code for the data",
            lambda p, q: float(p @ np.ceil(-np.log2(p))),
            "Your words are those for p. The code was built for q.",
        ),
    ),
)


def _fit_die(rolls, K, alpha):
    counts = np.bincount(rolls, minlength=K) + alpha
    return counts / counts.sum()


def _die_cases(rng):
    return [(rng.integers(0, 4, 11), 6, 0.5), (np.array([0, 2, 2, 3]), 5, 2.0)]


FIT_DIE = Task(
    "4.2-c",
    "fit_die(rolls, K, alpha), with whole numbers from 0 to K - 1, returning shape (K,)",
    _fit_die,
    _die_cases,
    (
        Mistake(
            "left the pseudo-counts out",
            lambda rolls, K, alpha: np.bincount(rolls, minlength=K) / len(rolls),
            "These are the plain shares: a side that did not come up has probability zero. Add alpha to each count.",
        ),
        Mistake(
            "did not count the pseudo-counts below the line",
            lambda rolls, K, alpha: (np.bincount(rolls, minlength=K) + alpha) / len(rolls),
            "These sum to more than one: the alphas were added above the line, and must be below it too.",
        ),
        Mistake(
            "added one alpha below the line",
            lambda rolls, K, alpha: (np.bincount(rolls, minlength=K) + alpha) / (len(rolls) + alpha),
            "There are K sides, and each got alpha: below the line stands N + K alpha.",
        ),
        Mistake(
            "added only where nothing was seen",
            lambda rolls, K, alpha: (lambda c: c / c.sum())(
                np.where(np.bincount(rolls, minlength=K) == 0, alpha, np.bincount(rolls, minlength=K))
            ),
            "You gave alpha to the unseen sides alone. Then a side seen once may be less probable than one never "
            "seen; add alpha to all.",
        ),
        Mistake(
            "left the unseen sides at the end out",
            lambda rolls, K, alpha: (lambda c: c / c.sum())(np.bincount(rolls) + alpha),
            "The die has K sides, also those after the largest roll: pass minlength=K to bincount.",
        ),
    ),
)

TASKS = (CROSS_ENTROPY, ROUNDED_COST, FIT_DIE)
