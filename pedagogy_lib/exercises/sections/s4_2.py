"""Exercises of section 4.2: entropies, codes, and the likelihood of a die."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _pairs(rng):
    """Two distributions of one size; one of the first has an outcome that never happens."""
    p, q = np.array([0.5, 0.25, 0.25, 0.0]), rng.dirichlet(np.ones(4))
    return [(rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))), (p, q)]


def _average(p, values):
    """Of what p can produce."""
    return float((p[p > 0] * values[p > 0]).sum())


def _die_cases(rng):
    cases = []
    for K, N, strength in ((6, 30, 12.0), (4, 3, 2.0), (9, 50, 7.5)):
        base = rng.dirichlet(2 * np.ones(K))
        rolls = rng.integers(0, K - 1, N)  # the last side does not come up
        cases.append((rolls, base, strength))
    return cases


def _impossible():
    """What never happens costs nothing, also where the code does not know it."""
    return [(np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.75, 0.0])), (np.array([1.0, 0.0]), np.array([1.0, 0.0]))]


@task("4.2-a", cases=_pairs, edges=_impossible)
def cross_entropy_bits(p, q):
    """With two arrays of shape (K,), returning a number."""
    return _average(p, -np.log2(q))


@cross_entropy_bits.mistake(
    "swapped the two",
    "You averaged under q. The data come from p: p gives the weights, q the surprisals.",
)
def _(p, q):
    return float(-(q * np.log2(np.where(p > 0, p, 1))).sum()) if (p > 0).all() else np.inf


@cross_entropy_bits.mistake(
    "used nats",
    "These are nats. A bit is log 2 nats: use log2.",
)
def _(p, q):
    return _average(p, -np.log(q))


@cross_entropy_bits.mistake(
    "lost the minus sign",
    "A logarithm of a probability is never above zero: the surprisal is its negative.",
)
def _(p, q):
    return _average(p, np.log2(q))


@cross_entropy_bits.mistake(
    "computed the entropy",
    "This is the entropy of p: the cost with the right strategy. Here the strategy is q's.",
)
def _(p, q):
    return _average(p, -np.log2(np.where(p > 0, p, 1)))


@cross_entropy_bits.mistake(
    "computed the relative entropy",
    "This is what is wasted. The cross entropy is what is paid: do not take the entropy of p away.",
)
def _(p, q):
    return _average(p, np.log2(np.where(p > 0, p, 1)) - np.log2(q))


def _powers_of_two():
    """Lengths that are whole before they are rounded."""
    return [
        (np.array([0.5, 0.25, 0.25]), np.array([0.5, 0.25, 0.25])),
        (np.array([0.5, 0.5]), np.array([0.125, 0.875])),
    ]


@task(
    "4.2-b", cases=lambda rng: [tuple(rng.dirichlet(np.ones(n), size=2)) for n in (6, 4)], edges=_powers_of_two, stars=2
)
def rounded_cost(p, q):
    """With two arrays of shape (K,), returning a number."""
    return float(p @ np.ceil(-np.log2(q)))


@rounded_cost.mistake(
    "did not round",
    "This is the cross entropy. A word has a whole number of digits: round each surprisal up.",
)
def _(p, q):
    return cross_entropy_bits(p, q)


@rounded_cost.mistake(
    "rounded down",
    "Rounded down, the sum of 2^-length exceeds one, and no such code exists. Round up.",
)
def _(p, q):
    return float(p @ np.floor(-np.log2(q)))


@rounded_cost.mistake(
    "rounded to the nearest",
    "Rounding to the nearest can make the sum of 2^-length exceed one. Round up.",
)
def _(p, q):
    return float(p @ np.round(-np.log2(q)))


@rounded_cost.mistake(
    "rounded the average",
    "You rounded at the end. Each word has a whole number of digits: round first, then average.",
)
def _(p, q):
    return float(np.ceil(p @ -np.log2(q)))


@rounded_cost.mistake(
    "averaged under the code's distribution",
    "You averaged under q. The code was built for q, but the data come from p.",
)
def _(p, q):
    return float(q @ np.ceil(-np.log2(q)))


@rounded_cost.mistake(
    "built the code for the data",
    "Your words are those for p. The code was built for q.",
)
def _(p, q):
    return float(p @ np.ceil(-np.log2(p)))


@task("4.2-c", cases=_die_cases, stars=2)
def fit_die(rolls, base, strength):
    """With whole numbers from 0 to K - 1, K shares, and a number, returning shape (K,)."""
    counts = np.bincount(rolls, minlength=len(base)) + strength * base
    return counts / counts.sum()


@fit_die.mistake(
    "left the factory out",
    "These are the shares of this die's rolls alone: a side that did not come up has probability zero. Add the "
    "imaginary rolls to the counts.",
)
def _(rolls, base, strength):
    return np.bincount(rolls, minlength=len(base)) / len(rolls)


@fit_die.mistake(
    "did not count the imaginary rolls below the line",
    "These sum to more than one: the imaginary rolls were added above the line, and must be below it too.",
)
def _(rolls, base, strength):
    return (np.bincount(rolls, minlength=len(base)) + strength * base) / len(rolls)


@fit_die.mistake(
    "shared the imaginary rolls out evenly",
    "Each side got as many imaginary rolls as any other. They come from the factory's dice, in the shares of base.",
)
def _(rolls, base, strength):
    counts = np.bincount(rolls, minlength=len(base)) + strength / len(base)
    return counts / counts.sum()


@fit_die.mistake(
    "gave every side all of the strength",
    "There are strength imaginary rolls in all. You took so many times the size of base, which sums to one already.",
)
def _(rolls, base, strength):
    counts = np.bincount(rolls, minlength=len(base)) + len(base) * strength * base
    return counts / counts.sum()


@fit_die.mistake(
    "averaged the two",
    "This is the mean of the die's shares and the factory's, however many rolls there were. With more rolls the die's "
    "own must count for more.",
)
def _(rolls, base, strength):
    return (np.bincount(rolls, minlength=len(base)) / len(rolls) + base) / 2


def _two_texts(rng):
    """Counts of signs in a text and in another one; one sign of the second never came in the first."""
    cases = []
    for K, N in ((5, 40), (7, 90)):
        counts = rng.multinomial(N, rng.dirichlet(np.ones(K)))
        counts[K - 1] = 0
        others = rng.multinomial(2 * N, rng.dirichlet(2 * np.ones(K)))
        others[K - 1] += 1
        cases.append((counts, others, 0.5))
    return cases


@task("4.2-d", cases=_two_texts, stars=2)
def held_out(counts, others, alpha, *, whole=True, weighted=True, log=np.log2):
    """With two arrays of K counts and a number, returning a number."""
    pi = (counts + alpha) / (counts.sum() + (len(counts) * alpha if whole else 0))
    weights = others / others.sum() if weighted else np.full(len(counts), 1 / len(counts))
    return float(-(weights * log(pi)).sum())


@held_out.mistake(
    "did not count the pseudo-counts below the line",
    "One of the two is left: the shares sum to more than one. Each of the K signs got alpha, so that all of them "
    "stand below the line.",
)
def _(*a):
    return held_out(*a, whole=False)


@held_out.mistake(
    "gave each sign the same weight",
    "One of the two is left: a frequent sign is paid for often. The shares of the other text are the weights.",
)
def _(*a):
    return held_out(*a, weighted=False)


@held_out.mistake("used nats", "These are nats. A bit is log 2 nats: use log2.")
def _(*a):
    return held_out(*a, log=np.log)


@held_out.mistake(
    "paid for the first text",
    "That is what the first text costs by its own model, which flatters it. The weights are the other text's shares.",
)
def _own_cost(counts, others, alpha):
    return held_out(counts, counts, alpha)


@held_out.mistake(
    "left both mistakes in",
    "Do the shares sum to one? And how often is each surprisal paid?",
)
def _as_found(counts, others, alpha):
    return held_out(counts, others, alpha, whole=False, weighted=False)
