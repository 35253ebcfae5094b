"""Exercises of section 4.1: learning as optimization."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _ridge_cases(rng):
    sizes = ((7, 2, 0.3), (9, 4, 1.7))
    return [(rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=n), penalty) for n, d, penalty in sizes]


def _momentum_cases(rng):
    found = []
    for d, n in ((2, 3), (3, 5)):
        root = rng.normal(size=(d, d))
        found.append((rng.normal(size=d), root @ root.T, 0.1, 0.7, n))
    return found


def _hessian_cases(rng):
    found = []
    for d in (2, 3):
        rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
        found.append((rng.normal(size=d), rotation * np.linspace(-1.5, 2.0, d) @ rotation.T))
    root = rng.normal(size=(2, 2))
    return [*found, (rng.normal(size=2), root @ root.T + np.eye(2))]


@task("4.1-a", cases=_ridge_cases)
def ridge_gradient(params, features, targets, penalty):
    """With shapes (D,), (N, D), (N,), returning (D,)."""
    return features.T @ (features @ params - targets) / len(targets) + penalty * params


@ridge_gradient.mistake(
    "turned the sign round",
    "The derivative of (y - f)^2 / 2 with respect to f is f - y, not y - f: uphill is where the error grows.",
)
def _(params, features, targets, penalty):
    return features.T @ (targets - features @ params) / len(targets) + penalty * params


@ridge_gradient.mistake(
    "summed instead of averaging",
    "This is the gradient of the sum of squares. The loss is an average: divide by N.",
)
def _(params, features, targets, penalty):
    return features.T @ (features @ params - targets) + penalty * params


@ridge_gradient.mistake(
    "forgot the penalty",
    "The data's part is right. Add the derivative of penalty / 2 |params|^2.",
)
def _(params, features, targets, penalty):
    return features.T @ (features @ params - targets) / len(targets)


@ridge_gradient.mistake(
    "counted the halves twice",
    "The factor 1/2 in the loss and in the penalty cancels the 2 of the derivative.",
)
def _(params, features, targets, penalty):
    return 2 * ridge_gradient(params, features, targets, penalty)


@task("4.1-b", cases=_momentum_cases, stars=2)
def momentum_steps(start, H, rate, decay, n):
    """Return (D,)."""
    params, step = np.array(start, float), 0.0
    for _ in range(n):
        step = decay * step - rate * H @ params
        params = params + step
    return params


@momentum_steps.mistake(
    "kept nothing of the last step",
    "This is gradient descent. Momentum adds decay times the step before.",
)
def _no_memory(start, H, rate, decay, n):
    return np.linalg.matrix_power(np.eye(len(H)) - rate * H, n) @ start


@momentum_steps.mistake(
    "let the position decay",
    "You shrank the parameters. What decays is the step; the parameters move by it.",
)
def _decayed_position(start, H, rate, decay, n):
    params = np.array(start, float)
    for _ in range(n):
        params = decay * params - rate * H @ params
    return params


@momentum_steps.mistake(
    "averaged the gradients",
    "You weighted the new gradient by 1 - decay, as Adam does. Here it enters in full.",
)
def _averaged(start, H, rate, decay, n):
    params, step = np.array(start, float), 0.0
    for _ in range(n):
        step = decay * step - (1 - decay) * rate * H @ params
        params = params + step
    return params


@momentum_steps.mistake(
    "took one step too many",
    "That is one step too many: the first of the n steps starts from `start`.",
)
def _(start, H, rate, decay, n):
    return momentum_steps(start, H, rate, decay, n + 1)


@task("4.1-c", cases=_hessian_cases, stars=2)
def saddle_free_step(gradient, hessian):
    """With shapes (D,), (D, D), returning (D,)."""
    values, vectors = np.linalg.eigh(hessian)
    return -vectors @ (vectors.T @ gradient / np.abs(values))


@saddle_free_step.mistake(
    "took the Newton step",
    "This is Newton's step: it climbs wherever a curvature is negative. Take the absolute values of the "
    "eigenvalues first.",
)
def _(gradient, hessian):
    return -np.linalg.solve(hessian, gradient)


@saddle_free_step.mistake(
    "took the absolute values of the entries",
    "The absolute values are to be taken of the eigenvalues, not of the entries of the matrix.",
)
def _(gradient, hessian):
    return -np.linalg.solve(np.abs(hessian), gradient)


@saddle_free_step.mistake(
    "went uphill",
    "The step has the right size and the wrong sign: it must go against the gradient.",
)
def _(gradient, hessian):
    return -saddle_free_step(gradient, hessian)


@saddle_free_step.mistake(
    "forgot to come back",
    "You divided in the coordinates of the eigenvectors and stayed there. Multiply by them to come back.",
)
def _(gradient, hessian):
    return -(np.linalg.eigh(hessian)[1].T @ gradient) / np.abs(np.linalg.eigvalsh(hessian))


def _claimed_cases(rng):
    found = []
    for planted in ("sign", "factor", "penalty", "sign", None):
        bend, penalty = rng.uniform(1, 2, 6), 0.8
        params = rng.uniform(0.6, 1.4, 6) * rng.choice([-1, 1], 6)

        def loss(at, bend=bend, penalty=penalty):
            return np.sum(bend * np.asarray(at) ** 4) / 4 + penalty / 2 * np.sum(np.asarray(at) ** 2)

        claimed = bend * params**3 + penalty * params
        i = np.abs(claimed).argmin()  # not the entry that looks suspicious
        if planted is not None:
            claimed[i] = {"sign": -claimed[i], "factor": 2 * claimed[i], "penalty": bend[i] * params[i] ** 3}[planted]
        found.append((loss, claimed, params))
    return found


@task("4.1-d", cases=_claimed_cases, stars=2)
def wrong_entry(loss, claimed, params):
    """With a function, and arrays of shape (D,), returning an index, or -1."""
    h = 1e-5
    slopes = [(loss(params + h * e) - loss(params - h * e)) / (2 * h) for e in np.eye(len(params))]
    off = np.abs(claimed - np.array(slopes))
    return int(off.argmax()) if off.max() > 1e-3 else -1


@wrong_entry.mistake(
    "always found one",
    "One of the gradients is right in every entry. Differences are inexact by their step, so ask first whether the "
    "largest disagreement is larger than that.",
)
def _(loss, claimed, params):
    slopes = [(loss(params + 1e-5 * e) - loss(params - 1e-5 * e)) / 2e-5 for e in np.eye(len(params))]
    off = np.abs(claimed - np.array(slopes))
    return int(off.argmax())


@wrong_entry.mistake(
    "stepped in all directions at once",
    "You moved all parameters together, which gives the sum of all slopes. Move one at a time: h times a row of the "
    "identity matrix.",
)
def _(loss, claimed, params):
    off = np.abs(claimed - (loss(params + 1e-5) - loss(params - 1e-5)) / 2e-5)
    return int(off.argmax()) if off.max() > 1e-3 else -1


@wrong_entry.mistake(
    "trusted the largest entry least",
    "A large entry is not a wrong one. Compare each entry with a slope that you measure on the loss.",
)
def _(loss, claimed, params):
    return int(np.abs(claimed).argmax())
