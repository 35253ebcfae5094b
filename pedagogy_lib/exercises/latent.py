"""Exercises of chapter 6: the free energy, a partial E step, the stack."""

import numpy as np
from scipy.special import logsumexp, softmax, xlogy

from pedagogy_lib.exercises import Mistake, Task


def _tables(rng):
    """Log joints and recognition distributions, for two sizes; one recognition row is certain."""
    cases = [(rng.normal(size=(n, k)) - 3, rng.dirichlet(np.ones(k), size=n)) for n, k in ((6, 3), (5, 2))]
    cases[1][1][0] = [1.0, 0.0]
    return cases


def _free_energy(log_joint, r):
    return float((xlogy(r, r) - r * log_joint).sum(1).mean())


FREE_ENERGY = Task(
    "6-a",
    "free_energy(log_joint, r), with two arrays of shape (N, K), returning a number",
    _free_energy,
    _tables,
    (
        Mistake(
            "left the recognition entropy out",
            lambda log_joint, r: float(-(r * log_joint).sum(1).mean()),
            "This is the joint cross entropy. The free energy takes the entropy of r away from it.",
        ),
        Mistake(
            "added the recognition entropy",
            lambda log_joint, r: float((-xlogy(r, r) - r * log_joint).sum(1).mean()),
            "The entropy of r is what you get back: take it away, do not add it. As r log r it enters with a plus.",
        ),
        Mistake(
            "summed over the data",
            lambda log_joint, r: float((xlogy(r, r) - r * log_joint).sum()),
            "Sum over the classes, but average over the data: nats per observation.",
        ),
        Mistake(
            "returned the evidence lower bound",
            lambda log_joint, r: -_free_energy(log_joint, r),
            "This is the evidence lower bound: the negative of the free energy, which is a cost.",
        ),
        Mistake(
            "ignored the recognition distribution",
            lambda log_joint, r: float(-logsumexp(log_joint, axis=1).mean()),
            "This is the marginal cross entropy: what the free energy is when r is the posterior. Use the r given.",
        ),
        Mistake(
            "lost zeros",
            lambda log_joint, r: float((r * np.log(r) - r * log_joint).sum(1).mean()),
            "0 log 0 gave NaN. A class with r = 0 adds nothing: scipy.special.xlogy knows that.",
        ),
    ),
)


def _partial(log_joint, r, eta):
    return softmax((1 - eta) * np.log(r) + eta * (log_joint - logsumexp(log_joint, axis=1, keepdims=True)), axis=1)


def _partial_cases(rng):
    sizes = (6, 3, 0.3), (5, 2, 0.8)
    return [(rng.normal(size=(n, k)) - 2, rng.dirichlet(np.ones(k), size=n), eta) for n, k, eta in sizes]


PARTIAL = Task(
    "6-b",
    "partial_e_step(log_joint, r, eta), with shapes (N, K), (N, K) and a number, returning (N, K)",
    _partial,
    _partial_cases,
    (
        Mistake(
            "took the whole step",
            lambda log_joint, r, eta: softmax(log_joint, axis=1),
            "This is the posterior: the whole E step. Go only a part of the way, eta, from r.",
        ),
        Mistake(
            "mixed the probabilities",
            lambda log_joint, r, eta: (1 - eta) * r + eta * softmax(log_joint, axis=1),
            "You mixed the probabilities. That improves r as well, but the task asks for the mixture of logarithms.",
        ),
        Mistake(
            "went the other part of the way",
            lambda log_joint, r, eta: _partial(log_joint, r, 1 - eta),
            "With eta = 1 the posterior should be reached; yours stays at r. Swap the two weights.",
        ),
        Mistake(
            "did not normalise",
            lambda log_joint, r, eta: r ** (1 - eta) * softmax(log_joint, axis=1) ** eta,
            "Powers of probabilities do not sum to one: divide each row by its sum.",
        ),
        Mistake(
            "normalised over the data",
            lambda log_joint, r, eta: softmax((1 - eta) * np.log(r) + eta * log_joint, axis=0),
            "You normalised the columns. Each row, one datum, is a distribution over the classes.",
        ),
    ),
)


def _pop(stack, frequencies):
    ends = np.cumsum(frequencies)
    symbol = int(np.searchsorted(ends, stack % ends[-1], side="right"))
    start = int(ends[symbol]) - frequencies[symbol]
    return stack // int(ends[-1]) * frequencies[symbol] + stack % int(ends[-1]) - start, symbol


def _pop_without_start(stack, frequencies):
    rest, symbol = _pop(stack, frequencies)
    return rest + sum(frequencies[:symbol]), symbol


def _pop_quotient(stack, frequencies):
    return stack // sum(frequencies), _pop(stack, frequencies)[1]


def _pop_even(stack, frequencies):
    symbol = stack % len(frequencies)
    return stack // len(frequencies), symbol


POP = Task(
    "6-c",
    "pop(stack, frequencies), with a whole number and a list of whole numbers, returning (stack, symbol)",
    _pop,
    lambda rng: [(1357, [1, 5, 2]), (98765, [3, 0, 1, 12]), (46, [3, 1])],
    (
        Mistake(
            "forgot where the symbol's numbers begin",
            _pop_without_start,
            "The symbol is right. Its own numbers begin at the sum of the frequencies before it: take that away.",
        ),
        Mistake(
            "kept the quotient only",
            _pop_quotient,
            "The symbol is right, but too much was taken off: the place among the symbol's own numbers stays on "
            "the stack. Without it, push cannot undo pop.",
        ),
        Mistake(
            "took all symbols as equally probable",
            _pop_even,
            "You took one of K equal digits off. The remainder on division by the *sum* of the frequencies says which "
            "symbol it is: the one whose stretch it falls in.",
        ),
        Mistake(
            "returned the symbol first",
            lambda stack, frequencies: _pop(stack, frequencies)[::-1],
            "The two are right, in the other order: return (stack, symbol).",
        ),
    ),
)

TASKS = (FREE_ENERGY, PARTIAL, POP)
