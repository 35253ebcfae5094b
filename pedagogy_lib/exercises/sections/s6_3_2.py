"""Exercises of section 6.3.2: the stack, a receiver, the shortest whole message."""

import numpy as np

from pedagogy_lib.exercises.tasks import task
from pedagogy_lib.learning.codes import ans


def _pop_cases(rng):
    return [(int(rng.integers(10**3, 10**6)), rng.integers(1, 9, size).tolist()) for size in (3, 4, 2)]


def _pop_edges():
    """A slot that begins where the one before ended; a symbol without a slot; a number that nearly fills 64 bits."""
    return [(8 * 169 + 1, [1, 5, 2]), (98765, [3, 0, 1, 12]), (8 * 3 + 6, [1, 5, 2]), (2**62 - 1, [3, 1])]


@task("6.3.2-a", cases=_pop_cases, edges=_pop_edges, parts=("stack", "symbol"), stars=2)
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


def _sent(rng):
    """Stacks, a prior, emissions and a recognition table, in whole frequencies."""
    cases = []
    for k, j in ((2, 3), (3, 2), (2, 4)):
        table = [rng.integers(1, 9, size).tolist() for size in (k, *[j] * k, *[k] * j)]
        cases.append((int(rng.integers(10**8, 10**12)), table[0], table[1 : k + 1], table[k + 1 :]))
    return cases


@task("6.3.2-b", cases=_sent, parts=("stack", "observation"), stars=2)
def receive(stack, prior, emission, recognition):
    """With a whole number, K whole numbers, K lists of J and J lists of K, returning (stack, observation)."""
    stack, x = ans.pop(stack, prior)
    stack, y = ans.pop(stack, emission[x])
    return int(ans.push(stack, x, recognition[y])), y


@receive.mistake(
    "pushed the class with the prior",
    "The observation is right. The sender chose the class with the recognition distribution, so that its bits come "
    "back only if you push it with the same frequencies, recognition[y].",
)
def _receive_prior(stack, prior, emission, recognition):
    stack, x = ans.pop(stack, prior)
    stack, y = ans.pop(stack, emission[x])
    return int(ans.push(stack, x, prior)), y


@receive.mistake(
    "kept the bits",
    "The observation is right, but the other message is not there again: push the class back.",
)
def _receive_unrefunded(stack, prior, emission, recognition):
    stack, x = ans.pop(stack, prior)
    stack, y = ans.pop(stack, emission[x])
    return int(stack), y


@receive.mistake(
    "popped in the sender's order",
    "A stack gives back last what was put on first. The sender pushed the class last: pop it first.",
)
def _receive_sender_order(stack, prior, emission, recognition):
    stack, y = ans.pop(stack, emission[0])
    stack, x = ans.pop(stack, prior)
    return int(ans.push(stack, x, recognition[y])), y


@receive.mistake(
    "returned the observation first",
    "The two are right, in the other order: return (stack, observation).",
)
def _receive_swapped(stack, prior, emission, recognition):
    return receive(stack, prior, emission, recognition)[::-1]
