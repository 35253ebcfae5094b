"""Exercises of section 9.2b, guesses that bend."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _guesses(rng):
    found = []
    for n, k in ((3, 2), (4, 3)):
        factors = np.tril(rng.normal(size=(n, k, k)), -1)
        factors[:, np.arange(k), np.arange(k)] = rng.uniform(0.3, 2, size=(n, k))
        found.append((rng.normal(size=(n, k)), factors, rng.normal(size=(n, k))))
    return found


def _one_latent():
    return [(np.array([[1.0]]), np.array([[[0.5]]]), np.array([[2.0]]))]


def _drawn(means, factors, noise):
    return means + np.einsum("nij,nj->ni", factors, noise)


def _density(factors, noise, sign=1.0):
    diagonals = np.diagonal(factors, axis1=1, axis2=2)
    return -0.5 * (noise**2 + np.log(2 * np.pi)).sum(axis=1) - sign * np.log(diagonals).sum(axis=1)


@task("9.2b-a", cases=_guesses, edges=_one_latent, stars=1, parts=("latents", "log_density"))
def correlated_draw(means, factors, noise):
    """With arrays of shape (N, K), (N, K, K) and (N, K), returning latents (N, K) and log densities (N,)."""
    return _drawn(means, factors, noise), _density(factors, noise)


@correlated_draw.mistake("transposed", "The factor stands on the left of the noise: sum over its second index.")
def _(means, factors, noise):
    return means + np.einsum("nij,ni->nj", factors, noise), _density(factors, noise)


@correlated_draw.mistake("no volume", "Where the factor stretches space, the density falls.")
def _(means, factors, noise):
    return _drawn(means, factors, noise), _density(factors, noise, 0.0)


@correlated_draw.mistake("added", "The density is that of the noise divided by the volume: subtract its logarithm.")
def _(means, factors, noise):
    return _drawn(means, factors, noise), _density(factors, noise, -1.0)


@correlated_draw.mistake("no constant", "A Gaussian's density has a constant, for each latent.")
def _(means, factors, noise):
    return _drawn(means, factors, noise), _density(factors, noise) + 0.5 * noise.shape[1] * np.log(2 * np.pi)


@correlated_draw.mistake("twice", "The determinant of the factor is the product of its diagonal, once.")
def _(means, factors, noise):
    return _drawn(means, factors, noise), _density(factors, noise, 2.0)


def _planes(rng):
    found = []
    for n, k in ((4, 2), (5, 3)):
        u, w = rng.normal(size=k), rng.normal(size=k)
        u *= np.sign(u @ w)                              # nothing folds
        found.append((rng.normal(size=(n, k)), rng.normal(size=n), u, w, float(rng.normal())))
    return found


def _stretch(x, u, w, b):
    return np.log(np.abs(1 + w @ u * (1 - np.tanh(x @ w + b) ** 2)))


def _moved(x, u, w, b):
    return x + np.outer(np.tanh(x @ w + b), u)


@task("9.2b-b", cases=_planes, stars=2, parts=("x", "log_density"))
def bent(x, log_density, u, w, b):
    """With arrays of shape (N, K), (N,), (K,), (K,) and a number, returning (N, K) and (N,)."""
    return _moved(x, u, w, b), log_density - _stretch(x, u, w, b)


@bent.mistake("added", "Where space is stretched, the density falls: subtract.")
def _(x, log_density, u, w, b):
    return _moved(x, u, w, b), log_density + _stretch(x, u, w, b)


@bent.mistake("stretched where it went", "The stretch belongs to the place before it is bent.")
def _(x, log_density, u, w, b):
    return _moved(x, u, w, b), log_density - _stretch(_moved(x, u, w, b), u, w, b)


@bent.mistake("both still there", "Where is the stretch taken, and does the density rise or fall with it?")
def _(x, log_density, u, w, b):
    return _moved(x, u, w, b), log_density + _stretch(_moved(x, u, w, b), u, w, b)


@bent.mistake("not bent", "Return where the draws go, and not where they were.")
def _(x, log_density, u, w, b):
    return x, log_density - _stretch(x, u, w, b)


def _precisions(rng):
    found = []
    for k in (2, 3):
        root = rng.normal(size=(k, k))
        found.append((root @ root.T + 0.5 * np.eye(k),))
    return found


def _independent():
    return [(np.diag([2.0, 0.3]),), (np.array([[1.0, 0.99], [0.99, 1.0]]),)]


def _logs(precision):
    return np.log(np.diag(precision)).sum(), np.linalg.slogdet(precision)[1]


@task("9.2b-c", cases=_precisions, edges=_independent, stars=2)
def gap_of_independence(precision):
    """With ``precision`` of shape (K, K), returning a number."""
    diagonal, whole = _logs(precision)
    return 0.5 * (diagonal - whole)


@gap_of_independence.mistake("no half", "A Gaussian's normalizer has the root of the determinant: a half.")
def _(precision):
    diagonal, whole = _logs(precision)
    return diagonal - whole


@gap_of_independence.mistake("the other sign", "A relative entropy is never negative.")
def _(precision):
    diagonal, whole = _logs(precision)
    return 0.5 * (whole - diagonal)


@gap_of_independence.mistake("marginal variances", "The best variances are 1 / P_kk, not the marginal ones.")
def _(precision):
    covariance = np.linalg.inv(precision)
    trace = (np.diag(precision) * np.diag(covariance)).sum() - len(precision)
    return 0.5 * (trace - np.log(np.diag(covariance)).sum() - np.linalg.slogdet(precision)[1])
