"""Exercises of section 5.1.3c, a text letter by letter."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _texts(rng):
    return [(rng.dirichlet(np.ones(k), size=t), rng.integers(0, k, size=t)) for t, k in ((7, 3), (12, 5))]


def _two_letters():
    return [(np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([1, 0]))]


def _given(predictions, letters):
    return predictions[np.arange(len(letters) - 1), letters[1:]]


@task("5.1.3c-a", cases=_texts, edges=_two_letters, stars=1)
def bits_per_letter(predictions, letters):
    """With ``predictions`` of shape (T, K) and ``letters`` of shape (T,), returning a number."""
    return -np.log2(_given(predictions, letters)).mean()


@bits_per_letter.mistake("the same row", "Row t is for the letter after letter t.")
def _(predictions, letters):
    return -np.log2(predictions[np.arange(len(letters)), letters]).mean()


@bits_per_letter.mistake("nats", "Bits are logarithms to base two.")
def _(*case):
    return -np.log(_given(*case)).mean()


@bits_per_letter.mistake("the mean first", "Average the logarithms, not the probabilities: costs add up.")
def _(*case):
    return -np.log2(_given(*case).mean())


@bits_per_letter.mistake("a sum", "Per letter: divide by the number of letters that cost something.")
def _(*case):
    return -np.log2(_given(*case)).sum()


@bits_per_letter.mistake("the free letter counted", "The first letter is free: T - 1 letters cost something.")
def _(predictions, letters):
    return -np.log2(_given(predictions, letters)).sum() / len(letters)


@bits_per_letter.mistake("negative", "A cost is minus the logarithm.")
def _(*case):
    return np.log2(_given(*case)).mean()


def _logits(rng):
    return [(rng.normal(0, 2, size=(4, 3)), 0.5), (rng.normal(0, 2, size=(3, 6)), 1.7)]


def _large_logits():
    return [(np.array([[1000.0, 999.0], [-1000.0, -1001.0]]), 1.0), (np.array([[1800.0, 1790.0, -10.0]]), 2.0)]


def _softmax(scaled):
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


@task("5.1.3c-b", cases=_logits, edges=_large_logits, stars=2)
def tempered(logits, temperature):
    """With ``logits`` of shape (N, K) and ``temperature`` a number, returning an array of shape (N, K)."""
    return _softmax(logits / temperature)


@tempered.mistake("temperature without effect", "A factor before the sum is taken out by the sum: divide the logits.")
def _(logits, temperature):
    return _softmax(logits)


@tempered.mistake("multiplied", "A high temperature makes the probabilities more equal, so the logits are divided.")
def _(logits, temperature):
    return _softmax(logits * temperature)


@tempered.mistake("one sum", "Each row is a distribution, with a sum of its own.")
def _(logits, temperature):
    weights = np.exp(logits / temperature)
    return weights / weights.sum()


@tempered.mistake("overflow", "The exponential of a thousand is infinite: take off each row's largest logit first.")
def _(logits, temperature):
    with np.errstate(all="ignore"):
        weights = np.exp(logits / temperature)
        return weights / weights.sum(axis=1, keepdims=True)


@tempered.mistake("both still there", "Where does the temperature act, and over what is the sum?")
def _(logits, temperature):
    with np.errstate(all="ignore"):
        weights = np.exp(logits) / temperature
        return weights / weights.sum()


def _readers(rng):
    return [(rng.uniform(0.01, 1, size=t), rng.uniform(0.01, 1, size=t), rounds) for t, rounds in ((9, 1), (20, 7))]


def _no_rounds():
    return [(np.array([0.5, 0.1]), np.array([0.1, 0.9]), 0), (np.array([0.3, 0.3]), np.array([0.1, 0.2]), 1)]


def _em(first, second, rounds, weight=0.5):
    for _ in range(rounds):
        weight = (weight * first / (weight * first + (1 - weight) * second)).mean()
    return weight


@task("5.1.3c-c", cases=_readers, edges=_no_rounds, stars=2)
def learned_weight(first, second, rounds):
    """With ``first`` and ``second`` of shape (T,) and ``rounds`` a whole number, returning a number."""
    return _em(first, second, rounds)


@learned_weight.mistake("the other's weight", "The weight is that of the first reader.")
def _(first, second, rounds):
    return _em(second, first, rounds)


@learned_weight.mistake("the weight not used", "The E step uses the weight of the round before.")
def _(first, second, rounds):
    return (first / (first + second)).mean() if rounds else 0.5


@learned_weight.mistake("winners counted", "A letter belongs to both, in shares: the responsibilities.")
def _(first, second, rounds):
    weight = 0.5
    for _ in range(rounds):
        weight = (weight * first > (1 - weight) * second).mean()
    return weight


@learned_weight.mistake("sums, not shares", "Each letter counts once: average the shares.")
def _(first, second, rounds):
    weight = 0.5
    for _ in range(rounds):
        weight = (weight * first).sum() / (weight * first + (1 - weight) * second).sum()
    return weight
