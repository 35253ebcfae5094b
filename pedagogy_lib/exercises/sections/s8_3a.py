"""Exercises of section 8.3a, diffusion models."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _steps_cases(rng):
    return [(np.linspace(0.001, 0.2, 30),), (rng.uniform(0.05, 0.6, size=7),)]


def _steps_edges():
    """One step; and a step that adds no noise, after one that does."""
    return [(np.array([0.36]),), (np.array([0.5, 0.0]),)]


@task("8.3a-a", cases=_steps_cases, edges=_steps_edges, parts=("the signals", "the deviations"))
def levels(b):
    """With shape (L,), returning two arrays of shape (L,)."""
    squares = np.cumprod(1 - b)
    return np.sqrt(squares), np.sqrt(1 - squares)


@levels.mistake("each step alone", "A level has gone through all steps before it: its signal is a product of them.")
def _(b):
    return np.sqrt(1 - b), np.sqrt(b)


@levels.mistake("the squares returned", "Signal and deviation are roots: of the product, and of one minus the product.")
def _(b):
    squares = np.cumprod(1 - b)
    return squares, 1 - squares


@levels.mistake(
    "the variances added", "Noise that was added earlier is scaled down by the later steps: add up less than the sum."
)
def _(b):
    return np.sqrt(np.cumprod(1 - b)), np.sqrt(np.cumsum(b))


@levels.mistake("the root left out of the product", "A step multiplies the mean by the root of 1 - b.")
def _(b):
    a = np.cumprod(1 - b)
    return a, np.sqrt(1 - a**2)


def _back_cases(rng):
    return [
        (rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), 0.9, 0.43, 0.6, 0.8),
        (3 * rng.normal(size=(2, 5)), rng.normal(size=(2, 5)), 1.0, 0.5, 1.0, 2.0),
    ]


def _back_edges():
    """A guess that explains the state: no noise is left in it, and none may be put in."""
    return [(np.array([[1.2, -0.6]]), np.array([[2.0, -1.0]]), 0.8, 0.6, 0.6, 0.8)]


@task("8.3a-b", cases=_back_cases, edges=_back_edges, stars=2)
def step_back(x, guess, a, v, b, w):
    """With shapes (N, D), (N, D) and four numbers, returning (N, D)."""
    return a * guess + v * (x - b * guess) / w


@step_back.mistake(
    "both as they were", "Compare with x = b y + w z: where is the signal b in the noise, and a in the state?"
)
def _(x, guess, a, v, b, w):
    return guess + v * (x - guess) / w


@step_back.mistake("the guess not scaled in the noise", "What is left after the scaled guess is noise: x - b guess.")
def _(x, guess, a, v, b, w):
    return a * guess + v * (x - guess) / w


@step_back.mistake("the guess not scaled in the state", "The earlier state has the signal a: a times the guess.")
def _(x, guess, a, v, b, w):
    return guess + v * (x - b * guess) / w


@step_back.mistake(
    "the noise in units of the wrong level", "The noise in x has the deviation w: divide by w, then multiply by v."
)
def _(x, guess, a, v, b, w):
    return a * guess + x - b * guess


def _velocity_cases(rng):
    angles = rng.uniform(0.3, 1.2, size=2)
    return [(*rng.normal(size=(2, 5, 3)), np.cos(angle), np.sin(angle)) for angle in angles]


def _velocity_edges():
    """Hardly any signal, and hardly any noise: both guesses must stay finite."""
    x, o = np.array([[0.5, -1.0]]), np.array([[2.0, 0.25]])
    return [(x, o, 0.0, 1.0), (x, o, 1.0, 0.0)]


@task("8.3a-c", cases=_velocity_cases, edges=_velocity_edges, parts=("the data", "the noise"), stars=2)
def from_velocity(x, o, a, v):
    """With shapes (N, D), (N, D) and two numbers, returning two arrays of shape (N, D)."""
    return a * x - v * o, v * x + a * o


@from_velocity.mistake("the rotation the wrong way round", "Put y and z into your formula: x and o must come back.")
def _(x, o, a, v):
    return a * x + v * o, a * o - v * x


@from_velocity.mistake("data and noise exchanged", "The guess of the data comes first.")
def _(x, o, a, v):
    return v * x + a * o, a * x - v * o


@from_velocity.mistake(
    "the answer taken for the noise",
    "The network answers a mixture, a z - v y, and not z: solve two equations for y and z.",
)
def _(x, o, a, v):
    return (x - v * o) / (a or 1.0), o


@from_velocity.mistake(
    "divided by a number that may be zero",
    "That is right where neither a nor v is zero. Solve so that nothing is divided.",
)
def _(x, o, a, v):
    y = a * x - v * o
    with np.errstate(divide="ignore", invalid="ignore"):
        return y, (x - a * y) / v
