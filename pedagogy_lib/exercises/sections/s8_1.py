"""Exercises of section 8.1, sparse coding by EM."""

import numpy as np
from scipy.special import ndtr

from pedagogy_lib.exercises.tasks import task


def _bell(z):
    return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def _hinge_cases(rng):
    return [
        (rng.normal(size=6), np.exp(rng.normal(size=6)), np.exp(rng.normal(size=6))),
        (rng.normal(size=(3, 2)), np.exp(rng.normal(size=(3, 2))), np.exp(rng.normal(size=(3, 2)))),
    ]


def _hinge_edges():
    """Far below zero nothing is paid, far above all of the mean."""
    return [(np.array([-60.0, 60.0, 0.0]), np.array([1.0, 1.0, 4.0]), np.array([2.0, 2.0, 1.0]))]


@task("8.1-a", cases=_hinge_cases, edges=_hinge_edges)
def mean_price(means, variances, rates):
    """With arrays of one shape, returning that shape."""
    s = np.sqrt(variances)
    return rates * (means * ndtr(means / s) + s * _bell(means / s))


@mean_price.mistake("the price of the mean", "The mean of a price is not the price of the mean: the corner blurs.")
def _(means, variances, rates):
    return rates * np.maximum(means, 0)


@mean_price.mistake("the price of |x|", "Only codes above zero are paid for.")
def _(means, variances, rates):
    s = np.sqrt(variances)
    return rates * (means * (2 * ndtr(means / s) - 1) + 2 * s * _bell(means / s))


@mean_price.mistake("the variance for the deviation", "Divide by the standard deviation, the root of the variance.")
def _(means, variances, rates):
    return rates * (means * ndtr(means / variances) + variances * _bell(means / variances))


@mean_price.mistake("the rates left out", "Each unit of code costs its rate.")
def _(means, variances, rates):
    s = np.sqrt(variances)
    return means * ndtr(means / s) + s * _bell(means / s)


def _step_cases(rng):
    roots = rng.normal(size=(9, 3, 3))
    square = rng.normal(size=(5, 2, 2))
    return [
        (rng.normal(size=(9, 2)), rng.normal(size=(9, 3)), roots @ roots.transpose(0, 2, 1)),
        (rng.normal(size=(5, 2)), rng.normal(size=(5, 2)), square @ square.transpose(0, 2, 1)),
    ]


def _step_edges():
    """Codes of mean zero say nothing, however many there are."""
    return [(np.array([[1.0, 2.0], [3.0, -1.0]]), np.zeros((2, 2)), np.tile(np.eye(2), (2, 1, 1)))]


def _normal_equations(scatter, cross):
    return np.linalg.solve(scatter, cross).T


@task("8.1-b", cases=_step_cases, edges=_step_edges, stars=2)
def dictionary(y, means, covariances):
    """With shapes (N, D), (N, K), (N, K, K), returning (D, K)."""
    return _normal_equations(covariances.mean(0) + means.T @ means / len(y), means.T @ y / len(y))


@dictionary.mistake(
    "the covariances left out", "In Eq. 8.9 the second moment of a code has two parts: its covariance too."
)
def _(y, means, covariances):
    return np.linalg.lstsq(means, y, rcond=None)[0].T


@dictionary.mistake("transposed", "The dictionary has one row for each entry of y.")
def _(y, means, covariances):
    return _normal_equations(covariances.mean(0) + means.T @ means / len(y), means.T @ y / len(y)).T


@dictionary.mistake("both bugs still there", "Add the covariances; and the dictionary has shape (D, K).")
def _(y, means, covariances):
    return np.linalg.lstsq(means, y, rcond=None)[0]


@dictionary.mistake("a sum and a mean", "Average both parts of the second moment, or sum both.")
def _(y, means, covariances):
    return _normal_equations(covariances.mean(0) + means.T @ means, means.T @ y)


def _noise_cases(rng):
    roots = rng.normal(size=(7, 3, 3))
    covariances = roots @ roots.transpose(0, 2, 1)
    return [(rng.normal(size=(2, 3)), rng.normal(size=(7, 2)), rng.normal(size=(7, 3)), covariances)]


def _noise_edges():
    """A code that is right and not sure still leaves noise."""
    return [(np.eye(2), np.ones((3, 2)), np.ones((3, 2)), np.tile(0.5 * np.eye(2), (3, 1, 1)))]


def _misfit(C, y, means, covariances):
    return ((y - means @ C.T) ** 2).sum(1) + np.trace(C @ covariances @ C.T, axis1=1, axis2=2)


@task("8.1-c", cases=_noise_cases, edges=_noise_edges, stars=2)
def noise_precision(C, y, means, covariances):
    """With shapes (D, K), (N, D), (N, K), (N, K, K), returning a number."""
    return len(C) / _misfit(C, y, means, covariances).mean()


@noise_precision.mistake("K for D", "The emission has D numbers: as Eq. 8.7 mended, -D/2 log(lambda).")
def _(C, y, means, covariances):
    return (C.shape[1] if C.shape[1] != len(C) else len(C) + 1) / _misfit(C, y, means, covariances).mean()


@noise_precision.mistake("the blur left out", "The misfit is averaged under the Gaussian: add the trace.")
def _(C, y, means, covariances):
    return len(C) / (((y - means @ C.T) ** 2).sum(1).mean() + 1e-300)


@noise_precision.mistake("the variance", "Lambda is a precision, one over the variance.")
def _(C, y, means, covariances):
    return _misfit(C, y, means, covariances).mean() / len(C)


@noise_precision.mistake("summed over data", "Average the misfit over the data.")
def _(C, y, means, covariances):
    return len(C) / _misfit(C, y, means, covariances).sum()
