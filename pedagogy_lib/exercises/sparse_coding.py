"""Exercises of section 2.1.3: sparse coding."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _shrink_cases(rng):
    return [(np.array([-2.0, -0.6, -0.1, 0.0, 0.2, 0.9, 3.0]), 1.5, 4.0), (rng.normal(size=6), 0.6, 2.0)]


def _shrink(y, alpha, precision):
    return np.sign(y) * np.maximum(np.abs(y) - alpha / precision, 0)


SHRINK = Task(
    "2.1.3-a",
    "shrink(y, alpha, precision), with an array and two numbers above zero, returning an array of the same shape",
    _shrink,
    _shrink_cases,
    (
        Mistake(
            "forgot the precision",
            lambda y, alpha, precision: _shrink(y, alpha, 1.0),
            "You shrink by alpha. A precise datum resists: divide alpha by the precision of the noise.",
        ),
        Mistake(
            "multiplied by the precision",
            lambda y, alpha, precision: _shrink(y, alpha, 1 / precision),
            "The more precise the datum, the less it is shrunk. Divide alpha by the precision; do not multiply.",
        ),
        Mistake(
            "cut and did not shrink",
            lambda y, alpha, precision: np.where(np.abs(y) > alpha / precision, y, 0.0),
            "The zeros are right. Beyond them the slope of the price is still alpha, so the mode stays short of y.",
        ),
        Mistake(
            "forgot the negative side",
            lambda y, alpha, precision: np.maximum(y - alpha / precision, 0),
            "Right for positive y. The price is symmetric: a negative y is shrunk upwards, towards zero.",
        ),
        Mistake(
            "did not stop at zero",
            lambda y, alpha, precision: y - alpha / precision * np.sign(y),
            "Small values have gone past zero to the other side. There the slope of the price has changed its sign.",
        ),
    ),
)


def _code_cases(rng):
    shapes = ((4, 3), (2, 4))
    return [(rng.normal(size=(D, K)), 5.0, 1.2, 3.0, 0.5 * rng.normal(size=K), rng.normal(size=D)) for D, K in shapes]


def _slope(C, precision, alpha, beta, x, y):
    return -precision * C.T @ (y - C @ x) + alpha * np.tanh(beta * x)


GRADIENT = Task(
    "2.1.3-b",
    "gradient(C, precision, alpha, beta, x, y), with shapes (D, K), three numbers, (K,), (D,), returning (K,)",
    _slope,
    _code_cases,
    (
        Mistake(
            "turned the misfit's sign",
            lambda C, precision, alpha, beta, x, y: _slope(C, -precision, alpha, beta, x, y),
            "The misfit's part has the wrong sign. To move x so that C x comes nearer to y must lower the energy.",
        ),
        Mistake(
            "forgot the precision",
            lambda C, precision, alpha, beta, x, y: _slope(C, 1.0, alpha, beta, x, y),
            "The energy of the emission is precision / 2 times the squared misfit.",
        ),
        Mistake(
            "differentiated twice",
            lambda C, precision, alpha, beta, x, y: (
                -precision * C.T @ (y - C @ x) + alpha * beta / np.cosh(beta * x) ** 2
            ),
            "The prior's part is its curvature, alpha beta sech^2. One derivative only: alpha tanh(beta x).",
        ),
        Mistake(
            "used the Laplace prior",
            lambda C, precision, alpha, beta, x, y: -precision * C.T @ (y - C @ x) + alpha * np.sign(x),
            "That is the slope under a Laplace prior. The hyperbolic cosine rounds the corner: tanh in place of sign.",
        ),
        Mistake(
            "multiplied by the sharpness",
            lambda C, precision, alpha, beta, x, y: -precision * C.T @ (y - C @ x) + alpha * beta * np.tanh(beta * x),
            "The energy is divided by beta in front, and the chain rule multiplies by beta: they cancel.",
        ),
    ),
)


def _log_marginal(C, precision, alpha, beta, mode, y, *, price=-1.0, prior=True, circle=True, root=-0.5):
    D, K = C.shape
    hessian = precision * C.T @ C + np.diag(alpha * beta / np.cosh(beta * mode) ** 2)
    normaliser = K * np.log(2 / alpha) * prior + 0.5 * D * np.log(2 * np.pi / precision)
    energy = -price * alpha * np.abs(mode).sum() + 0.5 * precision * ((y - C @ mode) ** 2).sum()
    return 0.5 * K * np.log(2 * np.pi) * circle - normaliser - energy + root * np.linalg.slogdet(hessian)[1]


LOG_MARGINAL = Task(
    "2.1.3-c",
    "log_marginal(C, precision, alpha, beta, mode, y), with shapes (D, K), three numbers, (K,), (D,), returning a "
    "number",
    _log_marginal,
    _code_cases,
    (
        Mistake(
            "took the sign as printed",
            lambda *a: _log_marginal(*a, price=1.0),
            "This is Eq. 2.34 as printed. The prior's energy stands in the exponent with a minus: large codes are "
            "improbable.",
        ),
        Mistake(
            "forgot the prior's normaliser",
            lambda *a: _log_marginal(*a, prior=False),
            "Z of the joint has two factors: (tau / precision)^(D/2) of the emission, and (2 / alpha)^K of the prior.",
        ),
        Mistake(
            "forgot tau",
            lambda *a: _log_marginal(*a, circle=False),
            "The Gaussian that replaces the posterior has tau^(K/2) in its normaliser.",
        ),
        Mistake(
            "turned the root upside down",
            lambda *a: _log_marginal(*a, root=0.5),
            "A sharper peak holds less mass: the determinant of the Hessian stands under the fraction, with a root.",
        ),
    ),
)

TASKS = (SHRINK, GRADIENT, LOG_MARGINAL)
