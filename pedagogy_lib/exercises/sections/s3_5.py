"""Exercises of section 3.5: messages, widths and partition functions."""

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib.exercises.tasks import task


def _message_cases(rng):
    return [(rng.normal(size=(3, 4)), rng.normal(size=3)), (300 * rng.normal(size=(2, 5)), 900 * rng.normal(size=2))]


def _message_edges():
    """Numbers whose exponentials overflow, and some that vanish."""
    large = np.array([[3000.0, 2998.0], [2990.0, 3000.0]])
    return [(large, np.array([-10.0, 5.0])), (-5000 * np.ones((2, 3)), np.zeros(2))]


def _scaled(message):
    return message - logsumexp(message)


@task("3.5-a", cases=_message_cases, edges=_message_edges)
def log_message(log_factor, log_incoming):
    """With shapes (I, J) and (I,), returning (J,)."""
    return _scaled(logsumexp(log_factor + log_incoming[:, None], axis=0))


@log_message.mistake("not scaled", "The message should sum to one: subtract the logarithm of its sum.")
def _(log_factor, log_incoming):
    return logsumexp(log_factor + log_incoming[:, None], axis=0)


@log_message.mistake("a maximum in the place of the sum", "That is max-product. A sum over x_i was asked for.")
def _(log_factor, log_incoming):
    return _scaled((log_factor + log_incoming[:, None]).max(0))


@log_message.mistake("the incoming message left out", "What has been told about x_i has to be multiplied in.")
def _(log_factor, log_incoming):
    return _scaled(logsumexp(log_factor, axis=0))


@log_message.mistake("summed the logarithms", "The sum is over numbers, not over their logarithms.")
def _(log_factor, log_incoming):
    return _scaled((log_factor + log_incoming[:, None]).sum(0))


@log_message.mistake("left the logarithms too early", "Exponentials of thousands overflow: take the largest out first.")
def _(log_factor, log_incoming):
    with np.errstate(all="ignore"):
        message = np.exp(log_factor + log_incoming[:, None]).sum(0)
        return np.log(message / message.sum())


def _graph_cases(rng):
    found = []
    for n in (5, 7, 8):
        upper = np.triu(rng.random((n, n)) < 0.4, 1)
        found.append((upper | upper.T, rng.permutation(n)))
    return found


def _graph_edges():
    """A grid, row by row; a star whose hub goes first; no edge at all."""
    at = np.array([(i, j) for i in range(3) for j in range(3)])
    grid = np.abs(at[:, None] - at[None]).sum(-1) == 1
    star = np.zeros((6, 6), bool)
    star[0, 1:] = star[1:, 0] = True
    return [(grid, np.arange(9)), (star, np.arange(6)), (np.zeros((3, 3), bool), np.arange(3))]


def _width(joined, sequence, tie=True, remove=True):
    joined, largest = joined.copy(), 0
    for v in sequence:
        neighbors = np.flatnonzero(joined[v])
        largest = max(largest, len(neighbors))
        if tie:
            joined[np.ix_(neighbors, neighbors)] = True
            joined[neighbors, neighbors] = False
        if remove:
            joined[v] = joined[:, v] = False
    return largest


@task("3.5-b", cases=_graph_cases, edges=_graph_edges, stars=2)
def width(joined, sequence):
    """With shapes (N, N) and (N,), returning a whole number."""
    return _width(joined, sequence)


@width.mistake("no fill", "The neighbors of a variable that is summed out share a table: tie them to each other.")
def _(joined, sequence):
    return _width(joined, sequence, tie=False)


@width.mistake("nobody goes", "A variable that has been taken out is nobody's neighbor any more.")
def _(joined, sequence):
    return _width(joined, sequence, remove=False)


@width.mistake("counted the variable itself", "The width is the number of variables of the largest clique, less one.")
def _(joined, sequence):
    return _width(joined, sequence) + 1


def _ring_cases(rng):
    return [(float(rng.normal()), float(rng.normal()), int(n)) for n in (3, 4, 7)] + [(0.3, 0.2, 1_000_000)]


def _ring_edges():
    """No coupling; spins that want to differ, around an odd ring."""
    return [(0.0, 0.5, 6), (-0.9, 0.1, 5)]


def _eigenvalues(J, h):
    return np.linalg.eigvalsh(np.exp([[J - h, -J], [-J, J + h]]))


@task("3.5-c", cases=_ring_cases, edges=_ring_edges, stars=2)
def ring_log_partition(J, h, n):
    """With two numbers and a whole number, returning a number."""
    small, large = _eigenvalues(J, h)
    return n * np.log(large) + np.log1p((small / large) ** n)


@ring_log_partition.mistake("the smaller eigenvalue left out", "The trace is the sum of both eigenvalues' powers.")
def _(J, h, n):
    return n * np.log(_eigenvalues(J, h)[1])


@ring_log_partition.mistake("an open chain", "The last spin is joined to the first: n factors, not n - 1.")
def _(J, h, n):
    values, vectors = np.linalg.eigh(np.exp([[J - h, -J], [-J, J + h]]))
    weights = (vectors.sum(0)) ** 2
    return (n - 1) * np.log(values[1]) + np.log(weights @ (values / values[1]) ** (n - 1))


@ring_log_partition.mistake("the field twice", "Each spin is in two factors, each with half of h.")
def _(J, h, n):
    return ring_log_partition(J, 2 * h, n)


@ring_log_partition.mistake("no logarithm", "The logarithm of Z was asked for.")
def _(J, h, n):
    with np.errstate(over="ignore"):
        return float(np.exp(ring_log_partition(J, h, n)))
