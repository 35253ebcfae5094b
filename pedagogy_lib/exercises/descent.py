"""Exercises of section 4.1: learning as optimization."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _ridge(params, features, targets, penalty):
    return features.T @ (features @ params - targets) / len(targets) + penalty * params


def _ridge_cases(rng):
    sizes = ((7, 2, 0.3), (9, 4, 1.7))
    return [(rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=n), penalty) for n, d, penalty in sizes]


RIDGE = Task(
    "4.1-a",
    "ridge_gradient(params, features, targets, penalty), with shapes (D,), (N, D), (N,), returning (D,)",
    _ridge,
    _ridge_cases,
    (
        Mistake(
            "turned the sign round",
            lambda params, features, targets, penalty: features.T @ (targets - features @ params) / len(targets)
            + penalty * params,
            "The derivative of (y - f)^2 / 2 with respect to f is f - y, not y - f: uphill is where the error grows.",
        ),
        Mistake(
            "summed instead of averaging",
            lambda params, features, targets, penalty: features.T @ (features @ params - targets) + penalty * params,
            "This is the gradient of the sum of squares. The loss is an average: divide by N.",
        ),
        Mistake(
            "forgot the penalty",
            lambda params, features, targets, penalty: features.T @ (features @ params - targets) / len(targets),
            "The data's part is right. Add the derivative of penalty / 2 |params|^2.",
        ),
        Mistake(
            "counted the halves twice",
            lambda params, features, targets, penalty: 2 * _ridge(params, features, targets, penalty),
            "The factor 1/2 in the loss and in the penalty cancels the 2 of the derivative.",
        ),
    ),
)


def _momentum(start, H, rate, decay, n):
    params, step = np.array(start, float), 0.0
    for _ in range(n):
        step = decay * step - rate * H @ params
        params = params + step
    return params


def _no_memory(start, H, rate, decay, n):
    return np.linalg.matrix_power(np.eye(len(H)) - rate * H, n) @ start


def _decayed_position(start, H, rate, decay, n):
    params = np.array(start, float)
    for _ in range(n):
        params = decay * params - rate * H @ params
    return params


def _averaged(start, H, rate, decay, n):
    params, step = np.array(start, float), 0.0
    for _ in range(n):
        step = decay * step - (1 - decay) * rate * H @ params
        params = params + step
    return params


def _momentum_cases(rng):
    found = []
    for d, n in ((2, 3), (3, 5)):
        root = rng.normal(size=(d, d))
        found.append((rng.normal(size=d), root @ root.T, 0.1, 0.7, n))
    return found


MOMENTUM = Task(
    "4.1-b",
    "momentum_steps(start, H, rate, decay, n), returning (D,)",
    _momentum,
    _momentum_cases,
    (
        Mistake(
            "kept nothing of the last step",
            _no_memory,
            "This is gradient descent. Momentum adds decay times the step before.",
        ),
        Mistake(
            "let the position decay",
            _decayed_position,
            "You shrank the parameters. What decays is the step; the parameters move by it.",
        ),
        Mistake(
            "averaged the gradients",
            _averaged,
            "You weighted the new gradient by 1 - decay, as Adam does. Here it enters in full.",
        ),
        Mistake(
            "took one step too many",
            lambda start, H, rate, decay, n: _momentum(start, H, rate, decay, n + 1),
            "That is one step too many: the first of the n steps starts from `start`.",
        ),
    ),
)


def _saddle_free(gradient, hessian):
    values, vectors = np.linalg.eigh(hessian)
    return -vectors @ (vectors.T @ gradient / np.abs(values))


def _hessian_cases(rng):
    found = []
    for d in (2, 3):
        rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
        found.append((rng.normal(size=d), rotation * np.linspace(-1.5, 2.0, d) @ rotation.T))
    root = rng.normal(size=(2, 2))
    return [*found, (rng.normal(size=2), root @ root.T + np.eye(2))]


SADDLE = Task(
    "4.1-c",
    "saddle_free_step(gradient, hessian), with shapes (D,), (D, D), returning (D,)",
    _saddle_free,
    _hessian_cases,
    (
        Mistake(
            "took the Newton step",
            lambda gradient, hessian: -np.linalg.solve(hessian, gradient),
            "This is Newton's step: it climbs wherever a curvature is negative. Take the absolute values of the "
            "eigenvalues first.",
        ),
        Mistake(
            "took the absolute values of the entries",
            lambda gradient, hessian: -np.linalg.solve(np.abs(hessian), gradient),
            "The absolute values are to be taken of the eigenvalues, not of the entries of the matrix.",
        ),
        Mistake(
            "went uphill",
            lambda gradient, hessian: -_saddle_free(gradient, hessian),
            "The step has the right size and the wrong sign: it must go against the gradient.",
        ),
        Mistake(
            "forgot to come back",
            lambda gradient, hessian: -(np.linalg.eigh(hessian)[1].T @ gradient) / np.abs(np.linalg.eigvalsh(hessian)),
            "You divided in the coordinates of the eigenvectors and stayed there. Multiply by them to come back.",
        ),
    ),
)

TASKS = (RIDGE, MOMENTUM, SADDLE)
