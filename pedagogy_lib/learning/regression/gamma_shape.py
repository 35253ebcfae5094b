"""Gamma regression in which the shape depends on the inputs: alone, or together with the mean.

x_n is a positive number of shape k_n and scale theta_n, with mean k_n theta_n. The family of `generalized` has one
shape for all samples. Here there are two other models:

    fixed scale    log k_n = a'z_n, and theta is known: the textbook's model
    both           log mean_n = b'z_n and log k_n = a'z_n

where z_n is the input y_n with a one appended. In both, the loss is minus the log likelihood. It need not be convex,
because a logarithm is not the canonical link of a shape; the expected Hessian is positive definite all the same.

References
----------
Section 5.1.2, "IRLS for the Gamma Distribution".
"""

from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family import vectors
from pedagogy_lib.learning.regression._design import standardized
from pedagogy_lib.learning.regression.generalized import ARRIVED, STILL
from pedagogy_lib.learning.regression.scoring import scoring

#: A shape above this has a standard deviation of less than a hundred thousandth of the mean: it grows without end.
ENDLESS = 1e10


class Line(NamedTuple):
    """The logarithm of a parameter as an affine function of the inputs.

    coefficients : ndarray, shape (M,)
    intercept : float
    covariance : ndarray, shape (M + 1, M + 1), the intercept last
    """

    coefficients: np.ndarray
    intercept: float
    covariance: np.ndarray

    def at(self, y):
        """The parameter itself at each input, shape (N,)."""
        return np.exp(checks.observations("y", y, len(self.coefficients)) @ self.coefficients + self.intercept)


class Fit(NamedTuple):
    """A fitted model.

    mean : Line, or None where the scale was given
    shape : Line
    log_likelihood : float
    steps : int
    """

    mean: Line | None
    shape: Line
    log_likelihood: float
    steps: int


class _FixedScale:
    """The textbook's model; beta is its theta, the scale is its theta too, and they are not the same."""

    def __init__(self, z, x, scale):
        self.z, self.x, self.scale = z, x, scale
        self.log_x = np.log(x)

    def loss(self, a):
        k = np.exp(self.z @ a)
        return np.sum(gammaln(k) + k * np.log(self.scale) - (k - 1) * self.log_x + self.x / self.scale)

    def score_and_information(self, a):
        k = np.exp(self.z @ a)
        mean, variance = digamma(k) + np.log(self.scale), polygamma(1, k)      # of log x
        score = self.z.T @ ((self.log_x - mean) * k)
        return score, self.z.T @ ((k**2 * variance)[:, None] * self.z)


class _Both:
    """Mean m = e^(z b) and shape k = e^(z a): beta is b, then a. Their information matrix has no block between them."""

    def __init__(self, z, x):
        self.z, self.x = z, x

    def parameters(self, beta):
        return np.exp(self.z @ beta.reshape(2, -1).T).T

    def loss(self, beta):
        m, k = self.parameters(beta)
        ratio = self.x / m
        return np.sum(gammaln(k) - k * np.log(k) + np.log(self.x) - k * (np.log(ratio) - ratio))

    def score_and_information(self, beta):
        m, k = self.parameters(beta)
        ratio = self.x / m
        of_mean = k * (ratio - 1)
        of_shape = k * (np.log(k) - digamma(k) + 1 + np.log(ratio) - ratio)
        P = self.z.shape[1]
        information = np.zeros((2 * P, 2 * P))
        information[:P, :P] = self.z.T @ (k[:, None] * self.z)
        information[P:, P:] = self.z.T @ ((k**2 * _excess(k))[:, None] * self.z)
        return np.concatenate([self.z.T @ of_mean, self.z.T @ of_shape]), information


def _excess(k):
    """psi'(k) - 1/k: as a series where k is large, because the two are then nearly equal."""
    large = np.maximum(k, 1e3)
    return np.where(k < 1e3, polygamma(1, k) - 1 / k, 1 / (2 * large**2) + 1 / (6 * large**3))


def iterate(y, x, scale=None, intercept=True):
    """Yield the steps of Fisher scoring, without end: of the shape, and of the mean too where no scale is given.

    Parameters
    ----------
    y : array_like, shape (N, M)
    x : array_like, shape (N,)
        Numbers above 0.
    scale : float, optional
        The known scale of all samples.
    intercept : bool

    Yields
    ------
    Step
        Of `scoring`, in standardized inputs: loss, decrement, halvings.
    """
    problem, _, beta = _begin(y, x, scale, intercept)
    with np.errstate(all="ignore"):
        steps = scoring(problem, beta)
    while True:
        with np.errstate(all="ignore"):
            yield next(steps)


def fit(y, x, scale=None, intercept=True, steps=500):
    """Fit shapes, or means and shapes, as functions of the inputs.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If the likelihood has no maximum: outputs that means fit exactly are the more probable the larger the shape.
    """
    problem, back, beta = _begin(y, x, scale, intercept)
    P = problem.z.shape[1]
    with np.errstate(all="ignore"):
        for number, step in enumerate(scoring(problem, beta), 1):
            motion = max(np.abs(problem.z @ part).max() for part in step.change.reshape(-1, P))
            if scale is None and (problem.z @ step.beta[-P:]).max() > np.log(ENDLESS):
                raise ValueError("x: expected outputs that scatter about their means, got some that these fit exactly")
            if motion <= STILL and (step.decrement <= ARRIVED or motion <= 1e-11):
                break
            if number == checks.count("steps", steps):
                raise ValueError(f"x: expected outputs whose likelihood has a maximum, got none after {steps} steps")
        information = problem.score_and_information(step.beta)[1]
    lines = []
    for i, part in enumerate(step.beta.reshape(-1, P)):
        both, block = back @ part, information[i * P:(i + 1) * P, i * P:(i + 1) * P]
        lines.append(Line(both[:-1], float(both[-1]), back @ np.linalg.solve(block, back.T)))
    return Fit(lines[0] if scale is None else None, lines[-1], -step.loss, number)


def _begin(y, x, scale, intercept):
    x = checks.array("x", x, ("N",))
    y = checks.array("y", y, (len(x), "M"))
    if not (x > 0).all():
        raise ValueError(f"x: expected numbers above 0, got {x.min()} at index {x.argmin()}")
    design = standardized(y, np.ones(len(x)), intercept)
    ones = np.linalg.lstsq(design.z, np.ones(len(x)), rcond=None)[0]      # a predictor of one, if there is one
    if scale is not None:
        scale = checks.number("scale", scale, above=0)
        return _FixedScale(design.z, x, scale), design.back, np.log(x.mean() / scale) * ones
    t = vectors.Gamma().statistics(x).mean(0)
    if np.log(t[1]) - t[0] <= 1e-15:
        raise ValueError("x: expected outputs that differ, because equal ones have no finite shape")
    k, s = vectors.Gamma().customary(vectors.match(vectors.Gamma(), t))
    return _Both(design.z, x), design.back, np.concatenate([np.log(k * s) * ones, np.log(k) * ones])
