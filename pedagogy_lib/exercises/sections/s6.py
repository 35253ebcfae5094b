"""Exercises of chapter 6: the free energy, a partial E step, the stack."""

import numpy as np
from scipy.special import logsumexp, softmax, xlogy

from pedagogy_lib.exercises.tasks import task


def _tables(rng):
    """Log joints and recognition distributions, for two sizes; one recognition row is certain."""
    cases = [(rng.normal(size=(n, k)) - 3, rng.dirichlet(np.ones(k), size=n)) for n, k in ((6, 3), (5, 2))]
    cases[1][1][0] = [1.0, 0.0]
    return cases


def _partial_cases(rng):
    sizes = (6, 3, 0.3), (5, 2, 0.8)
    return [(rng.normal(size=(n, k)) - 2, rng.dirichlet(np.ones(k), size=n), eta) for n, k, eta in sizes]


@task("6-a", cases=_tables)
def free_energy(log_joint, r):
    """With two arrays of shape (N, K), returning a number."""
    return float((xlogy(r, r) - r * log_joint).sum(1).mean())


@free_energy.mistake(
    "left the recognition entropy out",
    "This is the joint cross entropy. The free energy takes the entropy of r away from it.",
)
def _(log_joint, r):
    return float(-(r * log_joint).sum(1).mean())


@free_energy.mistake(
    "added the recognition entropy",
    "The entropy of r is what you get back: take it away, do not add it. As r log r it enters with a plus.",
)
def _(log_joint, r):
    return float((-xlogy(r, r) - r * log_joint).sum(1).mean())


@free_energy.mistake(
    "summed over the data",
    "Sum over the classes, but average over the data: nats per observation.",
)
def _(log_joint, r):
    return float((xlogy(r, r) - r * log_joint).sum())


@free_energy.mistake(
    "returned the evidence lower bound",
    "This is the evidence lower bound: the negative of the free energy, which is a cost.",
)
def _(log_joint, r):
    return -free_energy(log_joint, r)


@free_energy.mistake(
    "ignored the recognition distribution",
    "This is the marginal cross entropy: what the free energy is when r is the posterior. Use the r given.",
)
def _(log_joint, r):
    return float(-logsumexp(log_joint, axis=1).mean())


@free_energy.mistake(
    "lost zeros",
    "0 log 0 gave NaN. A class with r = 0 adds nothing: scipy.special.xlogy knows that.",
)
def _(log_joint, r):
    return float((r * np.log(r) - r * log_joint).sum(1).mean())


@task("6-b", cases=_partial_cases, stars=2)
def partial_e_step(log_joint, r, eta):
    """With shapes (N, K), (N, K) and a number, returning (N, K)."""
    return softmax((1 - eta) * np.log(r) + eta * (log_joint - logsumexp(log_joint, axis=1, keepdims=True)), axis=1)


@partial_e_step.mistake(
    "took the whole step",
    "This is the posterior: the whole E step. Go only a part of the way, eta, from r.",
)
def _(log_joint, r, eta):
    return softmax(log_joint, axis=1)


@partial_e_step.mistake(
    "mixed the probabilities",
    "You mixed the probabilities. That improves r as well, but the task asks for the mixture of logarithms.",
)
def _(log_joint, r, eta):
    return (1 - eta) * r + eta * softmax(log_joint, axis=1)


@partial_e_step.mistake(
    "went the other part of the way",
    "With eta = 1 the posterior should be reached; yours stays at r. Swap the two weights.",
)
def _(log_joint, r, eta):
    return partial_e_step(log_joint, r, 1 - eta)


@partial_e_step.mistake(
    "did not normalise",
    "Powers of probabilities do not sum to one: divide each row by its sum.",
)
def _(log_joint, r, eta):
    return r ** (1 - eta) * softmax(log_joint, axis=1) ** eta


@partial_e_step.mistake(
    "normalised over the data",
    "You normalised the columns. Each row, one datum, is a distribution over the classes.",
)
def _(log_joint, r, eta):
    return softmax((1 - eta) * np.log(r) + eta * log_joint, axis=0)


def _pop_cases(rng):
    return [(int(rng.integers(10**3, 10**6)), rng.integers(1, 9, size).tolist()) for size in (3, 4, 2)]


def _pop_edges():
    """A slot that begins where the one before ended; a symbol without a slot; a number that nearly fills 64 bits."""
    return [(8 * 169 + 1, [1, 5, 2]), (98765, [3, 0, 1, 12]), (8 * 3 + 6, [1, 5, 2]), (2**62 - 1, [3, 1])]


@task("6-c", cases=_pop_cases, edges=_pop_edges, parts=("stack", "symbol"), stars=2)
def pop(stack, frequencies):
    """With a whole number and a list of whole numbers, returning (stack, symbol)."""
    ends = np.cumsum(frequencies)
    symbol = int(np.searchsorted(ends, stack % ends[-1], side="right"))
    start = int(ends[symbol]) - frequencies[symbol]
    return stack // int(ends[-1]) * frequencies[symbol] + stack % int(ends[-1]) - start, symbol


@pop.mistake(
    "forgot where the symbol's numbers begin",
    "The symbol is right. Its own numbers begin at the sum of the frequencies before it: take that away.",
)
def _pop_without_start(stack, frequencies):
    rest, symbol = pop(stack, frequencies)
    return rest + sum(frequencies[:symbol]), symbol


@pop.mistake(
    "kept the quotient only",
    "The symbol is right, but too much was taken off: the place among the symbol's own numbers stays on "
    "the stack. Without it, push cannot undo pop.",
)
def _pop_quotient(stack, frequencies):
    return stack // sum(frequencies), pop(stack, frequencies)[1]


@pop.mistake(
    "took all symbols as equally probable",
    "You took one of K equal digits off. The remainder on division by the *sum* of the frequencies says which "
    "symbol it is: the one whose stretch it falls in.",
)
def _pop_even(stack, frequencies):
    symbol = stack % len(frequencies)
    return stack // len(frequencies), symbol


@pop.mistake(
    "returned the symbol first",
    "The two are right, in the other order: return (stack, symbol).",
)
def _(stack, frequencies):
    return pop(stack, frequencies)[::-1]
