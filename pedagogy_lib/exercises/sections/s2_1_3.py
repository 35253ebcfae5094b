"""Exercises of section 2.1.3: sparse coding."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _shrink_cases(rng):
    return [(np.array([-2.0, -0.6, 0.6, 0.7, 0.8, 0.9, 3.0]), 1.5, 4.0, 0.7), (rng.normal(size=6), 0.6, 2.0, -0.4)]


def _code_cases(rng):
    shapes = ((4, 3), (2, 4))
    return [(rng.normal(size=(D, K)), 5.0, 1.2, 3.0, 0.5 * rng.normal(size=K), rng.normal(size=D)) for D, K in shapes]


@task("2.1.3-a", cases=_shrink_cases)
def shrink(y, alpha, precision, m, *, back=True):
    """With an array, two numbers above zero and a number, returning an array of the same shape."""
    moved = y - m
    return np.sign(moved) * np.maximum(np.abs(moved) - alpha / precision, 0) + back * m


@shrink.mistake(
    "thresholded about zero",
    "That is the mode for the price alpha |x|. Here the corner stands at m: it is the distance from m that shrinks.",
)
def _(y, alpha, precision, m):
    return shrink(y, alpha, precision, 0.0)


@shrink.mistake(
    "returned the change",
    "That is how far the code moves away from m. Add m.",
)
def _(*a):
    return shrink(*a, back=False)


@shrink.mistake(
    "forgot the precision",
    "You shrink by alpha. A precise datum resists: divide alpha by the precision of the noise.",
)
def _(y, alpha, precision, m):
    return shrink(y, alpha, 1.0, m)


@shrink.mistake(
    "multiplied by the precision",
    "The more precise the datum, the less it is shrunk. Divide alpha by the precision; do not multiply.",
)
def _(y, alpha, precision, m):
    return shrink(y, alpha, 1 / precision, m)


@shrink.mistake(
    "cut and did not shrink",
    "Data near m are right. Farther out the slope of the price is still alpha, so the mode stays short of y.",
)
def _(y, alpha, precision, m):
    return np.where(np.abs(y - m) > alpha / precision, y, m)


@shrink.mistake(
    "forgot the other side",
    "Right above m. The price is symmetric: a datum below m is drawn upwards.",
)
def _(y, alpha, precision, m):
    return m + np.maximum(y - m - alpha / precision, 0)


@shrink.mistake(
    "did not stop at the corner",
    "Data near m have gone past it to the other side. There the slope of the price has changed its sign.",
)
def _(y, alpha, precision, m):
    return y - alpha / precision * np.sign(y - m)


@task("2.1.3-b", cases=_code_cases, stars=2)
def gradient(C, precision, alpha, beta, x, y):
    """With shapes (D, K), three numbers, (K,), (D,), returning (K,)."""
    return -precision * C.T @ (y - C @ x) + alpha * np.tanh(beta * x)


@gradient.mistake(
    "turned the misfit's sign",
    "The misfit's part has the wrong sign. To move x so that C x comes nearer to y must lower the energy.",
)
def _(C, precision, alpha, beta, x, y):
    return gradient(C, -precision, alpha, beta, x, y)


@gradient.mistake(
    "forgot the precision",
    "The energy of the emission is precision / 2 times the squared misfit.",
)
def _(C, precision, alpha, beta, x, y):
    return gradient(C, 1.0, alpha, beta, x, y)


@gradient.mistake(
    "differentiated twice",
    "The prior's part is its curvature, alpha beta sech^2. One derivative only: alpha tanh(beta x).",
)
def _(C, precision, alpha, beta, x, y):
    return -precision * C.T @ (y - C @ x) + alpha * beta / np.cosh(beta * x) ** 2


@gradient.mistake(
    "used the Laplace prior",
    "That is the slope under a Laplace prior. The hyperbolic cosine rounds the corner: tanh in place of sign.",
)
def _(C, precision, alpha, beta, x, y):
    return -precision * C.T @ (y - C @ x) + alpha * np.sign(x)


@gradient.mistake(
    "multiplied by the sharpness",
    "The energy is divided by beta in front, and the chain rule multiplies by beta: they cancel.",
)
def _(C, precision, alpha, beta, x, y):
    return -precision * C.T @ (y - C @ x) + alpha * beta * np.tanh(beta * x)


@task("2.1.3-c", cases=_code_cases, stars=2)
def log_marginal(C, precision, alpha, beta, mode, y, *, price=-1.0, prior=True, circle=True, root=-0.5):
    """With shapes (D, K), three numbers, (K,), (D,), returning a number."""
    D, K = C.shape
    hessian = precision * C.T @ C + np.diag(alpha * beta / np.cosh(beta * mode) ** 2)
    normalizer = K * np.log(2 / alpha) * prior + 0.5 * D * np.log(2 * np.pi / precision)
    energy = -price * alpha * np.abs(mode).sum() + 0.5 * precision * ((y - C @ mode) ** 2).sum()
    return 0.5 * K * np.log(2 * np.pi) * circle - normalizer - energy + root * np.linalg.slogdet(hessian)[1]


@log_marginal.mistake(
    "took the sign as printed",
    "This is Eq. 2.34 as printed. The prior's energy stands in the exponent with a minus: large codes are improbable.",
)
def _(*a):
    return log_marginal(*a, price=1.0)


@log_marginal.mistake(
    "forgot the prior's normalizer",
    "Z of the joint has two factors: (tau / precision)^(D/2) of the emission, and (2 / alpha)^K of the prior.",
)
def _(*a):
    return log_marginal(*a, prior=False)


@log_marginal.mistake(
    "forgot tau",
    "The Gaussian that replaces the posterior has tau^(K/2) in its normalizer.",
)
def _(*a):
    return log_marginal(*a, circle=False)


@log_marginal.mistake(
    "turned the root upside down",
    "A sharper peak holds less mass: the determinant of the Hessian stands under the fraction, with a root.",
)
def _(*a):
    return log_marginal(*a, root=0.5)


def _sweep_cases(rng):
    """A dictionary whose elements have lengths other than one, more elements than numbers, and few sweeps."""
    return [(rng.normal(size=(D, K)), 4.0, 1.5, rng.normal(size=D), n) for D, K, n in ((3, 4, 3), (4, 6, 5))]


@task("2.1.3-d", cases=_sweep_cases, stars=2)
def descend(C, precision, alpha, y, sweeps, *, own=True, long=True):
    """With shapes (D, K), two numbers, (D,) and a whole number, returning codes (K,), from zeros."""
    x = np.zeros(C.shape[1])
    for _ in range(sweeps):
        for k, c in enumerate(C.T):
            pull = c @ (y - C @ x + own * c * x[k])
            x[k] = np.sign(pull) * max(abs(pull) - alpha / precision, 0) / (c @ c if long else 1.0)
    return x


@descend.mistake(
    "took its own part out of the residual",
    "One of the two is left: code k explains what the *others* leave. Put its own part back before you project.",
)
def _(*a):
    return descend(*a, own=False)


@descend.mistake(
    "forgot the length of the element",
    "One of the two is left: with c'c = 4 a code of half the size explains the same. Divide by the squared length.",
)
def _(*a):
    return descend(*a, long=False)


@descend.mistake(
    "left both mistakes in",
    "Follow one code by hand, with one element of length 2: where is the energy least, and does a second sweep "
    "stay there?",
)
def _(*a):
    return descend(*a, own=False, long=False)
