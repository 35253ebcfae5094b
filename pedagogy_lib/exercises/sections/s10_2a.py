"""Exercises of section 10.2a, the exact gradient of a harmonium."""

from itertools import product

import numpy as np
from scipy.special import expit, logsumexp, softmax

from pedagogy_lib.exercises.tasks import task


def _every(K):
    return np.array(list(product((0.0, 1.0), repeat=K)))


def _machine(rng, K, D):
    return rng.normal(size=(K, D)), rng.normal(size=K), rng.normal(size=D)


def _logs(W, b, c):
    x = _every(len(b))
    return x @ b + np.logaddexp(0, c + x @ W).sum(1)


@task(
    "10.2a-a",
    cases=lambda rng: [_machine(rng, 2, 3), _machine(rng, 4, 6), _machine(rng, 3, 2)],
    edges=lambda: [(np.zeros((2, 4)), np.zeros(2), np.zeros(4)), (np.full((1, 3), 400.0), np.zeros(1), np.zeros(3))],
)
def log_partition(W, b, c):
    """With shapes (K, D), (K,) and (D,), returning a number."""
    return float(logsumexp(_logs(W, b, c)))


@log_partition.mistake(
    "the visible layer left out", "For every setting of the hidden coins, the pixels must be summed over, too."
)
def _(W, b, c):
    return float(logsumexp(_every(len(b)) @ b))


@log_partition.mistake(
    "the hidden biases left out", "Each setting of the hidden coins has a factor of its own: its biases."
)
def _(W, b, c):
    return float(logsumexp(np.logaddexp(0, c + _every(len(b)) @ W).sum(1)))


@log_partition.mistake("a mean", "Z is the sum over all settings, not their mean.")
def _(W, b, c):
    return float(logsumexp(_logs(W, b, c)) - len(b) * np.log(2))


@log_partition.mistake("the largest term", "That is the largest term alone. Add the others.")
def _(W, b, c):
    return float(_logs(W, b, c).max())


def _count_cases(rng):
    return [(2 * rng.normal(size=K), rng.integers(1, 20, size=K).astype(float)) for K in (3, 5, 8)]


def _shares(counts):
    return counts / counts.sum()


@task(
    "10.2a-b",
    cases=_count_cases,
    edges=lambda: [
        (np.array([900.0, 900.0, 901.0]), np.array([3.0, 0.0, 1.0])),
        (np.array([-2000.0, 0.5]), np.array([1.0, 4.0])),
    ],
    stars=2,
)
def energy_gradient(E, counts):
    """With two arrays of shape (K,), returning (K,)."""
    return _shares(counts) - softmax(-E)


@energy_gradient.mistake(
    "uphill", "The sign: to lower the energy of what was seen lowers the cost, so that the slope in it is positive."
)
def _(E, counts):
    return softmax(-E) - _shares(counts)


@energy_gradient.mistake("the sign of the energy", "The probability is the exponential of minus the energy.")
def _(E, counts):
    return _shares(counts) - softmax(E)


@energy_gradient.mistake(
    "the wake phase alone", "The normalizer depends on the energies, too: where is the model's own average?"
)
def _(E, counts):
    return _shares(counts)


@energy_gradient.mistake(
    "sums in the place of means", "The cost of a datum is a mean over the data: divide the counts by their sum."
)
def _(E, counts):
    return counts - counts.sum() * softmax(-E)


def _weight_case(rng, K, D, N):
    W, b, c = _machine(rng, K, D)
    return rng.integers(2, size=(N, D)).astype(float), W, b, c, _every(K), softmax(_logs(W, b, c))


def _weight_edges():
    """No weights."""
    W, b, c = np.zeros((2, 3)), np.array([0.5, -0.5]), np.array([0.2, -0.3, 0.1])
    return [(np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]), W, b, c, _every(2), softmax(_logs(W, b, c)))]


def _wake(y, W, b):
    return expit(b + y @ W.T).T @ y


@task(
    "10.2a-c", cases=lambda rng: [_weight_case(rng, 2, 3, 5), _weight_case(rng, 3, 4, 8)], edges=_weight_edges, stars=2
)
def weight_gradient(y, W, b, c, x, p):
    """With shapes (N, D), (K, D), (K,), (D,), (S, K) and (S,), returning (K, D)."""
    return (x * p[:, None]).T @ expit(c + x @ W) - _wake(y, W, b) / len(y)


@weight_gradient.mistake(
    "both of them left",
    "Neither is mended: is the wake phase a mean, and with what do the pixels enter the sleep phase?",
)
def _(y, W, b, c, x, p):
    return (x * p[:, None]).T @ (expit(c + x @ W) > 0.5) - _wake(y, W, b)


@weight_gradient.mistake("a sum over data", "The wake phase is the mean over the data, because the cost is.")
def _(y, W, b, c, x, p):
    return (x * p[:, None]).T @ expit(c + x @ W) - _wake(y, W, b)


@weight_gradient.mistake(
    "rounded pixels", "Given x, a pixel enters the average with its mean, not with its likelier side."
)
def _(y, W, b, c, x, p):
    return (x * p[:, None]).T @ (expit(c + x @ W) > 0.5) - _wake(y, W, b) / len(y)


@weight_gradient.mistake("the signs of both phases", "The gradient is what the model expects, less what is there.")
def _(y, W, b, c, x, p):
    return _wake(y, W, b) / len(y) - (x * p[:, None]).T @ expit(c + x @ W)
