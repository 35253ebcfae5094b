"""Exercises of section 7.2: learning the hidden Markov model."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _pairs_of(states, K):
    """Counted moves, row: to, column: from."""
    counts = np.zeros((K, K))
    np.add.at(counts, (states[1:], states[:-1]), 1.0)
    return counts


def _visited_sequences(rng, K, lengths):
    """Sequences of states in which each is left at least once."""
    sequences = [rng.integers(0, K, n) for n in lengths]
    sequences[0][:K] = np.arange(K)
    return sequences


def _count(sequences, K):
    counts = sum(_pairs_of(np.asarray(s), K) for s in sequences)
    return counts / counts.sum(0)


def _count_cases(rng):
    return [(tuple(_visited_sequences(rng, K, lengths)), K) for K, lengths in ((2, (9, 4, 7)), (3, (20, 5, 11)))]


def _joined(sequences, K):
    counts = _pairs_of(np.concatenate(sequences), K)
    return counts / counts.sum(0)


def _over_visits(sequences, K):
    visits = np.bincount(np.concatenate(sequences), minlength=K)
    return sum(_pairs_of(np.asarray(s), K) for s in sequences) / visits


COUNT = Task(
    "7.2-a",
    "count_transitions(sequences, K), returning an array of shape (K, K)",
    _count,
    _count_cases,
    (
        Mistake(
            "joined the sequences",
            _joined,
            "You joined the sequences first. That counts a move from the last state of each to the first of the next, "
            "which nobody observed.",
        ),
        Mistake(
            "divided by all visits",
            _over_visits,
            "You divided by how often each state was visited. The last step of a sequence is visited and not left: "
            "leave it out of the denominator.",
        ),
        Mistake(
            "transposed",
            lambda sequences, K: _count(sequences, K).T,
            "The numbers are right and the axes are swapped: the column is the state that is left.",
        ),
        Mistake(
            "normalised the rows",
            lambda sequences, K: _rows(sum(_pairs_of(np.asarray(s), K) for s in sequences)),
            "Rows sum to one in your answer. Row i gathers the moves to i; divide each column, the moves from j, by "
            "its sum.",
        ),
    ),
)


def _rows(counts):
    return counts / counts.sum(1, keepdims=True)


def _update(gamma, pairs, symbols, M):
    counts = np.zeros((M, gamma.shape[1]))
    np.add.at(counts, symbols, gamma)
    moves = pairs.sum(0)
    return gamma[0], moves / moves.sum(0), counts / counts.sum(0)


def _update_cases(rng):
    """Posteriors that belong together: the margins of the pairs are gamma."""
    found = []
    for K, T, M in ((2, 6, 4), (3, 8, 5)):
        gamma, pairs = np.empty((T, K)), np.empty((T - 1, K, K))
        gamma[0] = rng.dirichlet(np.ones(K))
        for t in range(T - 1):
            pairs[t] = rng.dirichlet(np.ones(K), size=K).T * gamma[t]
            gamma[t + 1] = pairs[t].sum(1)
        found.append((gamma, pairs, rng.integers(0, M, T), M))
    return found


UPDATE = Task(
    "7.2-b",
    "baum_welch_step(gamma, pairs, symbols, M), returning (initial, transition, emission)",
    _update,
    _update_cases,
    (
        Mistake(
            "divided the moves by all visits",
            lambda gamma, pairs, symbols, M: (
                gamma[0],
                pairs.sum(0) / gamma.sum(0),
                _update(gamma, pairs, symbols, M)[2],
            ),
            "The denominator of the transition leaves the last step out: divide by the column sums of the moves, not "
            "by all visits.",
        ),
        Mistake(
            "averaged the initial probabilities over time",
            lambda gamma, pairs, symbols, M: (gamma.mean(0), *_update(gamma, pairs, symbols, M)[1:]),
            "The initial probabilities are those of the first step alone.",
        ),
        Mistake(
            "normalised the emission over states",
            lambda gamma, pairs, symbols, M: (*_update(gamma, pairs, symbols, M)[:2], _posterior(gamma, symbols, M)),
            "You divided each row by its sum: that is the probability of the state given the symbol. The emission is "
            "the probability of the symbol given the state: columns sum to one.",
        ),
        Mistake(
            "used the most probable states",
            lambda gamma, pairs, symbols, M: (
                gamma[0],
                _update(gamma, pairs, symbols, M)[1],
                _update(np.eye(gamma.shape[1])[gamma.argmax(1)] + 1e-300, pairs, symbols, M)[2],
            ),
            "You gave each symbol wholly to its most probable state. The E step gives each state its share of it.",
        ),
    ),
)


def _posterior(gamma, symbols, M):
    counts = np.zeros((M, gamma.shape[1]))
    np.add.at(counts, symbols, gamma)
    return counts / np.where(counts.sum(1, keepdims=True) > 0, counts.sum(1, keepdims=True), 1.0)


def _rates(gamma, counts):
    return gamma.T @ counts / gamma.sum(0)


def _rate_cases(rng):
    return [(rng.dirichlet(np.ones(K), size=T), rng.poisson(6.0, T).astype(float)) for K, T in ((2, 7), (3, 12))]


RATES = Task(
    "7.2-c",
    "poisson_rates(gamma, counts), returning an array of shape (K,)",
    _rates,
    _rate_cases,
    (
        Mistake(
            "divided by the number of steps",
            lambda gamma, counts: gamma.T @ counts / len(counts),
            "Divide by the steps that the state is expected to have lasted, the sum of its gammas, not by all steps.",
        ),
        Mistake(
            "divided by the counts",
            lambda gamma, counts: gamma.sum(0) / (gamma.T @ counts),
            "This is steps per event. The rate is events per step.",
        ),
        Mistake(
            "took one rate for all",
            lambda gamma, counts: np.full(gamma.shape[1], counts.mean()),
            "This is the mean of all counts. Weigh each count by how much the state was there.",
        ),
    ),
)

TASKS = (COUNT, UPDATE, RATES)
