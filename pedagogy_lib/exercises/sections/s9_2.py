"""Exercises of section 9.2, normalizing flows."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _planar_cases(rng):
    return [
        (rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=3), float(rng.normal())),
        (rng.normal(size=(4, 2)), np.array([1.5, -1.0]), rng.uniform(0.5, 1.0, size=2), 0.3),
        (0.1 * rng.normal(size=(5, 2)), np.array([-3.0, 0.5]), np.array([1.0, 0.2]), 0.0),
    ]


def _planar_edges():
    """A push along the plane, which changes no volume."""
    return [(np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([1.0, -1.0]), np.array([1.0, 1.0]), 0.5)]


def _slope(y, w, b):
    return 1 - np.tanh(y @ w + b) ** 2


@task("9.2-a", cases=_planar_cases, edges=_planar_edges)
def planar_volumes(y, u, w, b):
    """With shapes (N, D), (D,), (D,) and a number, returning (N,)."""
    return np.log(np.abs(1 + _slope(y, w, b) * (w @ u)))


@planar_volumes.mistake("the derivative of tanh left out", "The slope of tanh is 1 - tanh squared, not tanh itself.")
def _(y, u, w, b):
    return np.log(np.abs(1 + np.tanh(y @ w + b) * (w @ u)))


@planar_volumes.mistake("the identity left out", "x is y plus something: the Jacobian is the identity plus a matrix.")
def _(y, u, w, b):
    with np.errstate(divide="ignore"):
        return np.log(np.abs(_slope(y, w, b) * (w @ u)))


@planar_volumes.mistake("no logarithm", "The logarithm of the determinant was asked for.")
def _(y, u, w, b):
    return np.abs(1 + _slope(y, w, b) * (w @ u))


@planar_volumes.mistake("the sign of the way back", "That is the log volume of the inverse, from x to y.")
def _(y, u, w, b):
    return -np.log(np.abs(1 + _slope(y, w, b) * (w @ u)))


@planar_volumes.mistake(
    "the absolute value left out", "The determinant may be negative: take its absolute value first."
)
def _(y, u, w, b):
    with np.errstate(invalid="ignore"):
        return np.log(1 + _slope(y, w, b) * (w @ u))


def _density_cases(rng):
    return [(rng.normal(size=(5, 3)), rng.normal(size=(4, 5))), (rng.normal(size=(3, 2)), rng.normal(size=(1, 3)))]


def _density_edges():
    """Sources at the origin, and layers that change no volume."""
    return [(np.zeros((2, 2)), np.zeros((3, 2)))]


def _normal(x):
    return -0.5 * (x**2).sum(1) - 0.5 * x.shape[1] * np.log(2 * np.pi)


@task("9.2-b", cases=_density_cases, edges=_density_edges, stars=2)
def log_density(x, log_volumes):
    """With shapes (N, D) and (L, N), returning (N,)."""
    return _normal(x) + log_volumes.sum(0)


@log_density.mistake("both of them left", "Neither is mended: look at the normalizer, and at the sign of the volumes.")
def _(x, log_volumes):
    return -0.5 * (x**2).sum(1) - 0.5 * np.log(2 * np.pi) - log_volumes.sum(0)


@log_density.mistake("the volumes subtracted", "Where the way to the source stretches space, the data are the denser.")
def _(x, log_volumes):
    return _normal(x) - log_volumes.sum(0)


@log_density.mistake("one normalizer for all columns", "There is a factor of the square root of tau for each column.")
def _(x, log_volumes):
    return -0.5 * (x**2).sum(1) - 0.5 * np.log(2 * np.pi) + log_volumes.sum(0)


@log_density.mistake("the volumes averaged", "Volumes multiply from layer to layer, so that their logarithms add.")
def _(x, log_volumes):
    return _normal(x) + log_volumes.mean(0) / 2


def _leap_cases(rng):
    found = []
    for D in (2, 3):
        root = rng.normal(size=(D, D))
        found.append((rng.normal(size=(4, D)), rng.normal(size=(4, D)), root @ root.T, float(rng.uniform(0.1, 0.4))))
    return found


def _leap_edges():
    """No step at all."""
    return [(np.array([[1.0, 2.0]]), np.array([[0.5, -1.0]]), np.eye(2), 0.0)]


@task("9.2-c", cases=_leap_cases, edges=_leap_edges, parts=("the places", "the momenta"), stars=2)
def leapfrog(q, p, A, step):
    """With shapes (N, D), (N, D), (D, D) and a number, returning two arrays of shape (N, D)."""
    p = p - 0.5 * step * q @ A
    q = q + step * p
    return q, p - 0.5 * step * q @ A


@leapfrog.mistake(
    "all at once", "Each move reads what the one before has left: the place moves by the new momentum, and so on."
)
def _(q, p, A, step):
    return q + step * p, p - step * q @ A


@leapfrog.mistake("whole steps of the momentum", "The momentum moves twice, each time by half a step.")
def _(q, p, A, step):
    p = p - step * q @ A
    q = q + step * p
    return q, p - step * q @ A


@leapfrog.mistake("only the first half", "The momentum moves once more at the end, at the new place.")
def _(q, p, A, step):
    p = p - 0.5 * step * q @ A
    return q + step * p, p


@leapfrog.mistake("uphill", "The momentum moves against the gradient of the energy.")
def _(q, p, A, step):
    p = p + 0.5 * step * q @ A
    q = q + step * p
    return q, p + 0.5 * step * q @ A


@leapfrog.mistake("the old place twice", "The second half step reads the gradient at the new place.")
def _(q, p, A, step):
    half = 0.5 * step * q @ A
    return q + step * (p - half), p - 2 * half
