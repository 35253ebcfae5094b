"""Exercises of section 10.1a, noise-contrastive estimation."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _loss_cases(rng):
    found = []
    for N, M in ((6, 6), (4, 12), (10, 5)):
        found.append((rng.normal(size=N), rng.normal(size=M), rng.normal(size=N), rng.normal(size=M)))
    return found


def _loss_edges():
    """Rows that are told apart with certainty, whose log odds would overflow."""
    return [(np.array([-900.0, -800.0]), np.full(4, 900.0), np.zeros(2), np.zeros(4))]


def _odds(E, noise, ratio):
    return noise - E - np.log(ratio)


@task("10.1a-a", cases=_loss_cases, edges=_loss_edges)
def contrastive_loss(E_data, E_noise, noise_data, noise_noise):
    """With shapes (N,), (M,), (N,) and (M,), returning a number."""
    N, M = len(E_data), len(E_noise)
    of_data, of_noise = _odds(E_data, noise_data, M / N), _odds(E_noise, noise_noise, M / N)
    return (np.logaddexp(0, -of_data).sum() + np.logaddexp(0, of_noise).sum()) / (N + M)


@contrastive_loss.mistake(
    "log nu left out", "Noise is nu times as common: subtract log nu from the log odds of a datum."
)
def _(E_data, E_noise, noise_data, noise_noise):
    of_data, of_noise = noise_data - E_data, noise_noise - E_noise
    return (np.logaddexp(0, -of_data).sum() + np.logaddexp(0, of_noise).sum()) / (len(E_data) + len(E_noise))


@contrastive_loss.mistake("the energies turned round", "Low energy of the model speaks for a datum: E_n less E.")
def _(E_data, E_noise, noise_data, noise_noise):
    N, M = len(E_data), len(E_noise)
    of_data, of_noise = _odds(noise_data, E_data, M / N), _odds(noise_noise, E_noise, M / N)
    return (np.logaddexp(0, -of_data).sum() + np.logaddexp(0, of_noise).sum()) / (N + M)


@contrastive_loss.mistake("two means added", "Every row counts once: divide the sum over all rows by N + M.")
def _(E_data, E_noise, noise_data, noise_noise):
    ratio = len(E_noise) / len(E_data)
    of_data, of_noise = _odds(E_data, noise_data, ratio), _odds(E_noise, noise_noise, ratio)
    return np.logaddexp(0, -of_data).mean() + np.logaddexp(0, of_noise).mean()


@contrastive_loss.mistake("the data alone", "The draws of noise are rows of the classifier, too.")
def _(E_data, E_noise, noise_data, noise_noise):
    ratio = len(E_noise) / len(E_data)
    return np.logaddexp(0, -_odds(E_data, noise_data, ratio)).mean()


def _area_cases(rng):
    return [(rng.normal(size=8), rng.normal(size=8)), (rng.normal(size=5) - 3.0, rng.normal(size=5))]


def _area_edges():
    """Energies of some hundreds."""
    return [(np.array([-800.0, -801.0, -802.5]), np.array([1.0, 2.0, 0.5]))]


@task("10.1a-b", cases=_area_cases, edges=_area_edges, stars=2)
def log_area(E, E_noise):
    """With shapes (M,) and (M,), returning a number."""
    h = E_noise - E
    return h.max() + np.log(np.mean(np.exp(h - h.max())))


@log_area.mistake("neither mended", "The exponent has the wrong sign: the model's density over that of the noise.")
def _(E, E_noise):
    with np.errstate(over="ignore", divide="ignore"):
        return np.log(np.mean(np.exp(E - E_noise)))


@log_area.mistake("the overflow left", "The exponential of 800 is no number: take the largest exponent out first.")
def _(E, E_noise):
    with np.errstate(over="ignore"):
        return np.log(np.mean(np.exp(E_noise - E)))


@log_area.mistake("the logarithm inside", "The mean of a logarithm is less than the logarithm of the mean.")
def _(E, E_noise):
    return np.mean(E_noise - E)


@log_area.mistake("a sum in the place of the mean", "The draws share the noise's probability: divide by their number.")
def _(E, E_noise):
    h = E_noise - E
    return h.max() + np.log(np.sum(np.exp(h - h.max())))


def _error_cases(rng):
    found = []
    for K, ratio, N in ((3, 1.0, 50), (5, 4.0, 200)):
        found.append((rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K)), ratio, N))
    return found


def _error_edges():
    """An outcome that the data never have."""
    return [(np.array([0.5, 0.5, 0.0]), np.array([0.2, 0.4, 0.4]), 2.0, 100)]


def _doubt(p, noise, ratio):
    return (p * ratio * noise / (p + ratio * noise)).sum()


@task("10.1a-c", cases=_error_cases, edges=_error_edges, stars=2)
def error_of_log_Z(p, noise, ratio, N):
    """With shapes (K,) and (K,), and two numbers, returning a number."""
    return np.sqrt(max(1 / _doubt(p, noise, ratio) - 1 - 1 / ratio, 0) / N)


@error_of_log_Z.mistake("the variance", "That is the variance: take its root.")
def _(p, noise, ratio, N):
    return max(1 / _doubt(p, noise, ratio) - 1 - 1 / ratio, 0) / N


@error_of_log_Z.mistake("the second term left out", "The bracket has two terms: the second takes off 1 + 1/nu.")
def _(p, noise, ratio, N):
    return np.sqrt(1 / _doubt(p, noise, ratio) / N)


@error_of_log_Z.mistake("the average over the noise", "The averages of Q are taken over the data's distribution, p.")
def _(p, noise, ratio, N):
    q = (noise * ratio * noise / (p + ratio * noise)).sum()
    return np.sqrt(max(1 / q - 1 - 1 / ratio, 0) / N)


@error_of_log_Z.mistake("the probability of data", "Q is the probability of noise: nu p_n in the numerator.")
def _(p, noise, ratio, N):
    q = (p * p / (p + ratio * noise)).sum()
    return np.sqrt(max(1 / q - 1 - 1 / ratio, 0) / N)
