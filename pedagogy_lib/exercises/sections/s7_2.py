"""Exercises of section 7.2: learning the hidden Markov model."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


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


def _count_cases(rng):
    return [(tuple(_visited_sequences(rng, K, lengths)), K) for K, lengths in ((2, (9, 4, 7)), (3, (20, 5, 11)))]


def _rows(counts):
    return counts / counts.sum(1, keepdims=True)


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


def _posterior(gamma, symbols, M):
    counts = np.zeros((M, gamma.shape[1]))
    np.add.at(counts, symbols, gamma)
    return counts / np.where(counts.sum(1, keepdims=True) > 0, counts.sum(1, keepdims=True), 1.0)


def _rate_cases(rng):
    return [(rng.dirichlet(np.ones(K), size=T), rng.poisson(6.0, T).astype(float)) for K, T in ((2, 7), (3, 12))]


def _count_edges():
    """Moves that go round: forwards they are counted otherwise than backwards."""
    return [((np.array([0, 1, 2, 0, 1, 1, 2, 2, 0]), np.array([1, 0])), 3)]


@task("7.2-a", cases=_count_cases, edges=_count_edges)
def count_transitions(sequences, K):
    """Return an array of shape (K, K)."""
    counts = sum(_pairs_of(np.asarray(s), K) for s in sequences)
    return counts / counts.sum(0)


@count_transitions.mistake(
    "joined the sequences",
    "You joined the sequences first. That counts a move from the last state of each to the first of the next, "
    "which nobody observed.",
)
def _joined(sequences, K):
    counts = _pairs_of(np.concatenate(sequences), K)
    return counts / counts.sum(0)


@count_transitions.mistake(
    "divided by all visits",
    "You divided by how often each state was visited. The last step of a sequence is visited and not left: "
    "leave it out of the denominator.",
)
def _over_visits(sequences, K):
    visits = np.bincount(np.concatenate(sequences), minlength=K)
    return sum(_pairs_of(np.asarray(s), K) for s in sequences) / visits


@count_transitions.mistake(
    "transposed",
    "The numbers are right and the axes are swapped: the column is the state that is left.",
)
def _(sequences, K):
    return count_transitions(sequences, K).T


@count_transitions.mistake(
    "normalized the rows",
    "Rows sum to one in your answer. Row i gathers the moves to i; divide each column, the moves from j, by its sum.",
)
def _(sequences, K):
    return _rows(sum(_pairs_of(np.asarray(s), K) for s in sequences))


@task("7.2-b", cases=_update_cases, stars=2)
def baum_welch_step(gamma, pairs, symbols, M):
    """Return (initial, transition, emission)."""
    counts = np.zeros((M, gamma.shape[1]))
    np.add.at(counts, symbols, gamma)
    moves = pairs.sum(0)
    return gamma[0], moves / moves.sum(0), counts / counts.sum(0)


@baum_welch_step.mistake(
    "divided the moves by all visits",
    "The denominator of the transition leaves the last step out: divide by the column sums of the moves, not "
    "by all visits.",
)
def _(gamma, pairs, symbols, M):
    return (
        gamma[0],
        pairs.sum(0) / gamma.sum(0),
        baum_welch_step(gamma, pairs, symbols, M)[2],
    )


@baum_welch_step.mistake(
    "averaged the initial probabilities over time",
    "The initial probabilities are those of the first step alone.",
)
def _(gamma, pairs, symbols, M):
    return (gamma.mean(0), *baum_welch_step(gamma, pairs, symbols, M)[1:])


@baum_welch_step.mistake(
    "normalized the emission over states",
    "You divided each row by its sum: that is the probability of the state given the symbol. The emission is "
    "the probability of the symbol given the state: columns sum to one.",
)
def _(gamma, pairs, symbols, M):
    return (*baum_welch_step(gamma, pairs, symbols, M)[:2], _posterior(gamma, symbols, M))


@baum_welch_step.mistake(
    "used the most probable states",
    "You gave each symbol wholly to its most probable state. The E step gives each state its share of it.",
)
def _(gamma, pairs, symbols, M):
    return (
        gamma[0],
        baum_welch_step(gamma, pairs, symbols, M)[1],
        baum_welch_step(np.eye(gamma.shape[1])[gamma.argmax(1)] + 1e-300, pairs, symbols, M)[2],
    )


@task("7.2-c", cases=_rate_cases, stars=2)
def poisson_rates(gamma, counts):
    """Return an array of shape (K,)."""
    return gamma.T @ counts / gamma.sum(0)


@poisson_rates.mistake(
    "divided by the number of steps",
    "Divide by the steps that the state is expected to have lasted, the sum of its gammas, not by all steps.",
)
def _(gamma, counts):
    return gamma.T @ counts / len(counts)


@poisson_rates.mistake(
    "divided by the counts",
    "This is steps per event. The rate is events per step.",
)
def _(gamma, counts):
    return gamma.sum(0) / (gamma.T @ counts)


@poisson_rates.mistake(
    "took one rate for all",
    "This is the mean of all counts. Weigh each count by how much the state was there.",
)
def _(gamma, counts):
    return np.full(gamma.shape[1], counts.mean())
