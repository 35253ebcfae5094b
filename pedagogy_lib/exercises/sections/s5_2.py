"""Exercises of section 5.2: InfoMax and independent components."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _loss_cases(rng):
    D = rng.normal(size=(3, 3))
    flipped = D * [[-1.0], [1.0], [1.0]]                   # one determinant is positive and one negative
    return [(D, rng.laplace(size=(7, 3))), (flipped, rng.laplace(size=(4, 3)))]


def _laplace_loss(D, y, determinant=1.0, peak=2.0, average=np.mean):
    x = y @ D.T
    return average((np.abs(x) + np.log(peak)).sum(1) - determinant * np.linalg.slogdet(D)[1])


@task("5.2-a", cases=_loss_cases)
def laplace_loss(D, y):
    """With shapes (K, K) and (N, K), returning a number."""
    return _laplace_loss(D, y)


@laplace_loss.mistake(
    "no determinant",
    "This loss is lowest at D = 0, where all outputs are zero and nothing can be told apart. What does the change of "
    "variables add (Eq. 5.26)?",
)
def _(D, y):
    return _laplace_loss(D, y, determinant=0)


@laplace_loss.mistake(
    "the determinant with the other sign",
    "The density has a factor |det D|. Minus its logarithm is subtracted, not added.",
)
def _(D, y):
    return _laplace_loss(D, y, determinant=-1)


@laplace_loss.mistake(
    "densities that do not sum to one", "The Laplace density is exp(-|x|) / 2: each source adds log 2 to the loss."
)
def _(D, y):
    return _laplace_loss(D, y, peak=1.0)


@laplace_loss.mistake("a sum over samples", "The loss is for each observation: average over the rows.")
def _(D, y):
    return _laplace_loss(D, y, average=np.sum)


@laplace_loss.mistake(
    "the determinant without its absolute value",
    "Two outputs exchanged change the sign of the determinant and nothing else: take the log of its absolute value.",
)
def _(D, y):
    with np.errstate(invalid="ignore"):
        return np.mean((np.abs(y @ D.T) + np.log(2)).sum(1)) - np.log(np.linalg.det(D))


@laplace_loss.mistake("the transpose of D", "Samples are rows: the outputs are y @ D.T.")
def _(D, y):
    return _laplace_loss(D.T, y)


def _step_cases(rng):
    return [
        (rng.normal(size=(3, 3)), rng.laplace(size=(9, 3)), 0.1),
        (rng.normal(size=(2, 2)), rng.laplace(size=(5, 2)), 0.5),
    ]


def _step(D, y, rate, squash=lambda x: np.tanh(x / 2), left=True, sign=1.0):
    x = y @ D.T
    G = squash(x).T @ x / len(y) - np.eye(len(D))
    return D - sign * rate * (G @ D if left else D @ G)


def _logistic(x):
    return 1 / (1 + np.exp(-x))


@task("5.2-b", cases=_step_cases, stars=2)
def natural_step(D, y, rate):
    """With shapes (K, K), (N, K) and a number, returning (K, K)."""
    return _step(D, y, rate)


@natural_step.mistake(
    "both bugs are still there",
    "This is the colleague's answer. At the solution the mean of f(x) x is one: for which function f?",
)
def _(D, y, rate):
    return _step(D, y, rate, _logistic, left=False)


@natural_step.mistake(
    "the logistic function itself",
    "The step stands on the right side now. But minus the derivative of log psi' is 2 psi - 1, and not psi.",
)
def _(D, y, rate):
    return _step(D, y, rate, _logistic)


@natural_step.mistake(
    "the step on the wrong side",
    "The function is right now. But outputs change to (I + S) x, so that the step multiplies D from the left.",
)
def _(D, y, rate):
    return _step(D, y, rate, left=False)


@natural_step.mistake("uphill", "The gradient of the loss is subtracted. You added it.")
def _(D, y, rate):
    return _step(D, y, rate, sign=-1)


@natural_step.mistake("the plain gradient", "This adds a step; the natural gradient multiplies the gradient by D^T D.")
def _(D, y, rate):
    x = y @ D.T
    return D - rate * (np.tanh(x / 2).T @ y / len(y) - np.linalg.inv(D).T)


def _unit_cases(rng):
    found = []
    for size in (3, 2):
        w = rng.normal(size=size)
        found.append((w / np.linalg.norm(w), rng.laplace(size=(12, size))))
    return found


def _unit(w, z, second=1.0, normalize=True, average=np.mean):
    x = z @ w
    moved = average(z * np.tanh(x)[:, None], axis=0) - second * average(1 - np.tanh(x) ** 2, axis=0) * w
    return moved / np.linalg.norm(moved) if normalize else moved


@task("5.2-c", cases=_unit_cases, stars=2)
def one_unit(w, z):
    """With shapes (K,) and (N, K), returning (K,)."""
    return _unit(w, z)


@one_unit.mistake(
    "not of length one",
    "Divide by the length: on white data a unit vector gives an output of variance one.",
)
def _(w, z):
    return _unit(w, z, normalize=False)


@one_unit.mistake(
    "only the first term",
    "This follows the gradient only. Newton's method subtracts the mean curvature times w.",
)
def _(w, z):
    return _unit(w, z, second=0)


@one_unit.mistake(
    "the curvature without w",
    "The mean curvature is a number: it multiplies the old w before it is subtracted.",
)
def _(w, z):
    x = z @ w
    moved = np.mean(z * np.tanh(x)[:, None], axis=0) - np.mean(1 - np.tanh(x) ** 2)
    return moved / np.linalg.norm(moved)


@one_unit.mistake("the curvature of another function", "The derivative of tanh x is 1 - tanh^2 x.")
def _(w, z):
    x = z @ w
    moved = np.mean(z * np.tanh(x)[:, None], axis=0) - np.mean(1 - np.tanh(x)) * w
    return moved / np.linalg.norm(moved)


@one_unit.mistake(
    "the curvature added",
    "The second term is subtracted: it is what plain decorrelation would have given.",
)
def _(w, z):
    return _unit(w, z, second=-1)
