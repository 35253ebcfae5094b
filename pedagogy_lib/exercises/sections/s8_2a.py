"""Exercises of section 8.2, variational autoencoders."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _divergence_cases(rng):
    return [
        (
            rng.normal(size=(5, 3)),
            np.exp(0.5 * rng.normal(size=(5, 3))),
            rng.normal(size=3),
            np.exp(rng.normal(size=3)),
        ),
        (rng.normal(size=(2, 1)), np.exp(rng.normal(size=(2, 1))), rng.normal(size=1), np.exp(rng.normal(size=1))),
    ]


def _divergence_edges():
    """Where guess and source are the same the divergence is zero."""
    return [(np.array([[1.0, -2.0]]), np.array([[0.5, 3.0]]), np.array([1.0, -2.0]), np.array([0.5, 3.0]))]


def _divergence(nu, s):
    return (0.5 * (nu**2 + s**2 - 1) - np.log(s)).sum(1)


@task("8.2a-a", cases=_divergence_cases, edges=_divergence_edges)
def divergences(means, deviations, m, t):
    """With shapes (N, K), (N, K), (K,), (K,), returning (N,)."""
    return _divergence((means - m) / t, deviations / t)


@divergences.mistake("the source taken as standard", "The source has the mean m and the deviations t here.")
def _(means, deviations, m, t):
    return _divergence(means, deviations)


@divergences.mistake(
    "the means not measured in units of t", "The squared distance of the means is divided by t squared."
)
def _(means, deviations, m, t):
    return _divergence(means - m, deviations / t)


@divergences.mistake(
    "the relative entropy the other way round", "It is from the guess to the source, and it is not symmetric."
)
def _(means, deviations, m, t):
    return _divergence((m - means) / deviations, t / deviations)


@divergences.mistake("summed over the data", "Return one number for each datum: sum over the latents only.")
def _(means, deviations, m, t):
    return np.full(len(means), _divergence((means - m) / t, deviations / t).sum())


@divergences.mistake(
    "logarithm with the wrong sign", "A narrow guess is dear: the term is minus the logarithm of s / t."
)
def _(means, deviations, m, t):
    nu, s = (means - m) / t, deviations / t
    return (0.5 * (nu**2 + s**2 - 1) + np.log(s)).sum(1)


def _weights_cases(rng):
    return [
        (rng.normal(size=(50, 4)) - 20, rng.normal(size=(50, 4))),
        (3 * rng.normal(size=(7, 2)) - 2000, 3 * rng.normal(size=(7, 2))),
    ]


def _weights_edges():
    """One draw, where both means are the same; and a draw that cannot be."""
    return [
        (np.array([[-3.0, -4.0]]), np.array([[-1.0, 2.0]])),
        (np.array([[-1.0], [-np.inf]]), np.array([[0.5], [0.25]])),
    ]


def _log_mean(a):
    top = a.max(0)
    return top + np.log(np.exp(a - top).mean(0))


@task("8.2a-b", cases=_weights_cases, edges=_weights_edges, stars=2)
def importance_bound(log_joint, log_guess):
    """With shapes (S, N), returning (N,)."""
    return _log_mean(log_joint - log_guess)


@importance_bound.mistake(
    "the mean of the logarithms", "That is the ELBO. The mean of the weights belongs inside of the logarithm."
)
def _(log_joint, log_guess):
    return (log_joint - log_guess).mean(0)


@importance_bound.mistake("the sum in the place of the mean", "S draws: divide by S, that is, take log S off.")
def _(log_joint, log_guess):
    return _log_mean(log_joint - log_guess) + np.log(len(log_joint))


@importance_bound.mistake(
    "underflow", "e to the power of -2000 is zero in the machine: subtract the largest logarithm first."
)
def _(log_joint, log_guess):
    with np.errstate(divide="ignore"):
        return np.log(np.exp(log_joint - log_guess).mean(0))


@importance_bound.mistake(
    "the guess added", "A weight is the joint divided by the guess, so that the logarithms are subtracted."
)
def _(log_joint, log_guess):
    return _log_mean(log_joint + log_guess)


def _slopes_cases(rng):
    return [tuple(rng.normal(size=(4, 6, 2))), tuple(rng.normal(size=(4, 1, 3)) * 0.5)]


def _slopes_edges():
    """A guess that is the source itself, at a draw without noise: only the slope is left, and nothing for the logs."""
    return [(np.array([[2.0, -1.0]]), np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 2)))]


@task("8.2a-c", cases=_slopes_cases, edges=_slopes_edges, parts=("for the means", "for the logarithms"), stars=2)
def to_recognition(slopes, noise, means, logs):
    """All of shape (N, K). Return two arrays of shape (N, K)."""
    s = np.exp(logs)
    return slopes + means, slopes * noise * s + s**2 - 1


@to_recognition.mistake(
    "the derivative with respect to s", "For the logarithm of s multiply by s: ds / dlog s = s, in the divergence, too."
)
def _(slopes, noise, means, logs):
    s = np.exp(logs)
    return slopes + means, slopes * noise + s - 1 / s


@to_recognition.mistake(
    "the divergence left out", "The loss is the energy plus the divergence, which has derivatives as well."
)
def _(slopes, noise, means, logs):
    return slopes, slopes * noise * np.exp(logs)


@to_recognition.mistake(
    "the noise left out", "The draw is means + s noise, so that its derivative has the noise in it."
)
def _(slopes, noise, means, logs):
    s = np.exp(logs)
    return slopes + means, slopes * s + s**2 - 1


@to_recognition.mistake("divided by the number of data", "The gradient of the sum was asked for, not that of the mean.")
def _(slopes, noise, means, logs):
    s = np.exp(logs)
    return (slopes + means) / (len(slopes) + 1), (slopes * noise * s + s**2 - 1) / (len(slopes) + 1)
