"""Exercises of section 5.1.3: recurrent networks and backpropagation through time."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _influence_cases(rng):
    sizes = ((3, 5), (2, 3))
    return [(rng.normal(size=(k, k)), rng.uniform(-1, 1, (steps, k))) for k, steps in sizes]


def _influence_edges():
    """Without a step there is nothing to go through; with one number it is a product of numbers."""
    return [(np.eye(2) + 0.5, np.array([[0.1, 0.2]])), (np.array([[2.0]]), np.array([[0.3], [0.5], [-0.2]]))]


def _influence(D, z, slope_of=1, left=True, transposed=False, slopes=True):
    found = np.eye(len(D))
    for t in range(1, len(z)):
        J = np.diag(1 - z[t if slope_of else t - 1] ** 2) if slopes else np.eye(len(D))
        step = J @ (D.T if transposed else D)
        found = step @ found if left else found @ step
    return found


@task("5.1.3b-a", cases=_influence_cases, edges=_influence_edges)
def influence(D, z):
    """With shapes (K, K) and (T + 1, K), returning (K, K)."""
    return _influence(D, z)


@influence.mistake(
    "the slopes of the time before",
    "z_t depends on z_(t-1) through the slope at time t: 1 - z_t^2, not 1 - z_(t-1)^2.",
)
def _(D, z):
    return _influence(D, z, slope_of=0)


@influence.mistake("the factors in the wrong order", "The latest step stands on the left: J_T D ... J_2 D J_1 D.")
def _(D, z):
    return _influence(D, z, left=False)


@influence.mistake("the transpose", "Row i, column j shall say how z_T,i moves with z_0,j. This is its transpose.")
def _(D, z):
    return _influence(D, z).T


@influence.mistake(
    "the weights transposed",
    "Forward the step is D z, so that its derivative is D. Only messages go through its transpose.",
)
def _(D, z):
    return _influence(D, z, transposed=True)


@influence.mistake("no slopes", "This is a power of D. The units are tanh: each step has a factor 1 - z_t^2 as well.")
def _(D, z):
    return _influence(D, z, slopes=False)


def _gradient_cases(rng):
    return [
        (rng.normal(size=(3, 3)), rng.uniform(-1, 1, (6, 3)), rng.normal(size=(5, 3))),
        (rng.normal(size=(2, 2)), rng.uniform(-1, 1, (4, 2)), rng.normal(size=(3, 2))),
    ]


def _weights_gradient(D, z, direct, future=True, head=False, accumulate=True, slope=True):
    found, total = np.zeros_like(D), np.zeros(len(D))
    for t in range(len(direct), 0, -1):
        total = direct[t - 1] + (total if future else 0)
        b = (1 - z[t] ** 2) * total if slope else total
        term = np.outer(b, z[t] if head else z[t - 1])
        found = found + term if accumulate else term
        total = D.T @ b
    return found


@task("5.1.3b-b", cases=_gradient_cases, stars=2)
def recurrent_gradient(D, z, direct):
    """With shapes (K, K), (T + 1, K) and (T, K), returning (K, K)."""
    return _weights_gradient(D, z, direct)


@recurrent_gradient.mistake(
    "both bugs are still there",
    "This is the colleague's answer. It is right for a sequence of one step. For two steps write down by hand what z_1 "
    "does to the loss, and by which ways.",
)
def _(D, z, direct):
    return _weights_gradient(D, z, direct, future=False, accumulate=False)


@recurrent_gradient.mistake(
    "the future is forgotten", "The message that came back from time t + 1 must be added to the direct one (Eq. 5.20)."
)
def _(D, z, direct):
    return _weights_gradient(D, z, direct, future=False)


@recurrent_gradient.mistake(
    "only the first time counts", "The same D acts at every time: its gradient is the sum over times (Eq. 5.19)."
)
def _(D, z, direct):
    return _weights_gradient(D, z, direct, accumulate=False)


@recurrent_gradient.mistake("the activity at the head", "The tail of the weight at time t is z_(t-1), and not z_t.")
def _(D, z, direct):
    return _weights_gradient(D, z, direct, head=True)


@recurrent_gradient.mistake("no slope", "Eq. 5.21: b_t = J_t dS/dz_t, with the slopes 1 - z_t^2 in J_t.")
def _(D, z, direct):
    return _weights_gradient(D, z, direct, slope=False)


def _clip_cases(rng):
    return [
        (3 * rng.normal(size=(3, 2)), 3 * rng.normal(size=3), 1.5),
        (np.array([[0.3, 0.1]]), np.array([0.2]), 5.0),
        (np.array([[3.0, 0.0]]), np.array([4.0]), 1.0),
    ]


def _clip_edges():
    """A gradient of zeros stays one."""
    return [(np.zeros((2, 2)), np.zeros(2), 1.0)]


@task("5.1.3b-c", cases=_clip_cases, edges=_clip_edges, parts=("weights", "biases"))
def clipped(weights, biases, longest):
    """With shapes (K, M), (K,) and a number. Return (weights, biases)."""
    length = np.sqrt((weights**2).sum() + (biases**2).sum())
    scale = min(1.0, longest / length) if length else 1.0
    return scale * weights, scale * biases


@clipped.mistake(
    "each array by itself",
    "Then the two are shortened differently, and the direction changes. There is one length, of all numbers together.",
)
def _(weights, biases, longest):
    return tuple(v * min(1.0, longest / max(np.linalg.norm(v), 1e-300)) for v in (weights, biases))


@clipped.mistake(
    "each number by itself",
    "That changes the direction. Multiply all numbers by one factor, so that only the length changes.",
)
def _(weights, biases, longest):
    return np.clip(weights, -longest, longest), np.clip(biases, -longest, longest)


@clipped.mistake(
    "short gradients are stretched", "A gradient that is shorter already stays as it is: the factor is at most 1."
)
def _(weights, biases, longest):
    length = np.sqrt((weights**2).sum() + (biases**2).sum())
    scale = longest / length if length else 1.0
    return scale * weights, scale * biases


@clipped.mistake("divided by the square", "The length is the *root* of the sum of squares.")
def _(weights, biases, longest):
    square = (weights**2).sum() + (biases**2).sum()
    scale = min(1.0, longest / square) if square else 1.0
    return scale * weights, scale * biases
