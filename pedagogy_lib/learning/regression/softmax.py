"""Softmax regression: the logits of K classes as affine functions of the inputs.

log p(x = k | y) = s_k - log sum_j e^(s_j), s_k = d_k'y + c_k. ``y`` is (N, M), ``x`` holds the classes, numbered from
0. A number added to all logits changes no probability, so that those of class 0 are zero. The canonical link of a die;
with two classes it is logistic regression.

References
----------
Section 5.1.2, Eqs. 5.12-5.14, for an output of several dimensions: x as one-hot vectors.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from pedagogy_lib import checks
from pedagogy_lib.learning.regression import separation
from pedagogy_lib.learning.regression._design import standardized
from pedagogy_lib.learning.regression.generalized import ARRIVED, STILL, SUSPECT
from pedagogy_lib.learning.regression.scoring import scoring


class Event(NamedTuple):
    """One step of Newton's method.

    coefficients : ndarray, shape (K, M), the textbook's D; its first row is zero
    intercepts : ndarray, shape (K,)
    loss : float, minus the log likelihood, with half the penalty
    decrement : float, twice what a quadratic loss would have fallen
    halvings : int
    """

    coefficients: np.ndarray
    intercepts: np.ndarray
    loss: float
    decrement: float
    halvings: int


class Fit(NamedTuple):
    """A fitted model.

    coefficients : ndarray, shape (K, M); intercepts : ndarray, shape (K,)
    covariance : ndarray, shape ((K - 1)(M + 1), (K - 1)(M + 1)), class by class from class 1, the intercept last
    log_likelihood : float
    steps : int
    """

    coefficients: np.ndarray
    intercepts: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    steps: int


class _Problem:
    """Loss, score and information of the logits; beta is D without its first row, row by row."""

    def __init__(self, z, x, K, weights, precision):
        self.z, self.x, self.K, self.weights, self.precision = z, x, K, weights, precision
        self.onehot = np.eye(K)[x]

    def logits(self, beta):
        return np.column_stack([np.zeros(len(self.z)), self.z @ beta.reshape(self.K - 1, -1).T])

    def loss(self, beta):
        s = self.logits(beta)
        own = np.take_along_axis(s, self.x[:, None], 1)
        return self.weights @ logsumexp(s - own, axis=1) + beta @ self.precision @ beta / 2

    def score_and_information(self, beta):
        p = softmax(self.logits(beta), 1)
        score = ((self.onehot - p) * self.weights[:, None])[:, 1:].T @ self.z          # Eq. 5.13
        blocks = [
            [self.z.T @ ((self.weights * p[:, i] * ((i == j) - p[:, j]))[:, None] * self.z) for j in range(1, self.K)]
            for i in range(1, self.K)
        ]                                                                             # Cov[x_i, x_j] y y'
        return score.ravel() - self.precision @ beta, np.block(blocks) + self.precision


def iterate(y, x, K=None, intercept=True, weights=None, penalty=0.0):
    """Yield one `Event` for each step of Newton's method, without end.

    Parameters
    ----------
    y : array_like, shape (N, M)
    x : array_like of int, shape (N,)
        Classes, numbered from 0.
    K : int, optional
        How many classes; one more than the largest of ``x`` without it.
    intercept : bool
    weights : array_like, shape (N,), optional
        How often each sample counts.
    penalty : float
        Adds penalty |d_k|^2 / 2 for each class but class 0.

    References
    ----------
    Eqs. 5.13, 5.14.
    """
    problem, back = _begin(y, x, K, intercept, weights, penalty)
    for step in scoring(problem, np.zeros(len(problem.precision))):
        yield Event(*_apart(back, step.beta), step.loss, step.decrement, step.halvings)


def fit(y, x, K=None, intercept=True, weights=None, penalty=0.0, steps=200):
    """Fit softmax regression: run `iterate` until its steps change nothing.

    Returns
    -------
    Fit

    Raises
    ------
    SeparationError
        If the inputs separate the classes, or a class has no sample, so that the likelihood has no maximum.
    """
    problem, back = _begin(y, x, K, intercept, weights, penalty)
    for number, step in enumerate(scoring(problem, np.zeros(len(problem.precision))), 1):
        motion, largest = (np.abs(problem.logits(v)).max() for v in (step.change, step.beta))
        still = motion <= STILL * max(1.0, largest)
        if still and (step.decrement <= ARRIVED or motion <= 1e-12 * largest):
            break
        if number == SUSPECT or step.decrement <= ARRIVED:
            _refuse_separation(problem, back, penalty)
        if number == checks.count("steps", steps):
            raise ValueError(f"steps: expected as many as it takes, and {steps} did not suffice")
    information = problem.score_and_information(step.beta)[1]
    turn = np.kron(np.eye(problem.K - 1), back)
    penalized = step.beta @ problem.precision @ step.beta / 2
    covariance = turn @ np.linalg.solve(information, turn.T)
    return Fit(*_apart(back, step.beta), covariance, float(penalized - step.loss), number)


def probabilities(fit, y):
    """The probability of each class at each input, shape (N, K)."""
    checks.kind("fit", fit, Fit)
    y = checks.observations("y", y, fit.coefficients.shape[1])
    return softmax(y @ fit.coefficients.T + fit.intercepts, axis=1)


def _begin(y, x, K, intercept, weights, penalty):
    given = checks.numbers("x", x)
    if given.ndim != 1 or given.dtype.kind not in "iu" or not len(given) or given.min() < 0:
        raise ValueError("x: expected classes, whole numbers from 0, in shape (N,)")
    K = checks.count("K", int(given.max()) + 1 if K is None else K, minimum=2)
    if given.max() >= K:
        raise ValueError(f"x: expected classes from 0 to {K - 1}, got {given.max()}")
    y = checks.array("y", y, (len(given), "M"))
    weights = np.ones(len(y)) if weights is None else checks.array("weights", weights, (len(y),))
    if (weights < 0).any() or not weights.any():
        raise ValueError("weights: expected none below 0 and one above")
    penalty, kept = checks.number("penalty", penalty, at_least=0), weights > 0
    design = standardized(y[kept], weights[kept], intercept, check=penalty == 0)
    precision = np.zeros(design.z.shape[1])
    if penalty:
        precision[: y.shape[1]] = penalty / design.scale**2
    problem = _Problem(design.z, given[kept].astype(int), K, weights[kept], np.diag(np.tile(precision, K - 1)))
    return problem, design.back


def _refuse_separation(problem, back, penalty):
    z = problem.z
    if penalty:
        z = z[:, len(back) - 1:]                            # only an intercept is free
    found = separation.separated_classes(z, problem.x, problem.K) if z.shape[1] else None
    if found is not None:
        missing = sorted(set(range(problem.K)) - set(problem.x.tolist()))
        why = f"no sample of class {missing[0]}" if missing else "a direction of the inputs separates some"
        turn = np.kron(np.eye(problem.K - 1), back[:, -z.shape[1]:])
        raise separation.SeparationError(
            f"x: expected classes that overlap, but {why}: the likelihood rises without end, so that it has no "
            "maximum; leave a class or an input out, or give a penalty above 0",
            separation.Separation(turn @ found.direction, found.complete),
        )


def _apart(back, beta):
    both = back @ beta.reshape(-1, back.shape[1]).T                 # (M + 1, K - 1)
    both = np.column_stack([np.zeros(len(both)), both])
    return both[:-1].T, both[-1]
