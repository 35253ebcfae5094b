"""Exercises of chapter 1: arguments, variables, expectations and derivatives."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _joint_cases(rng):
    return [(rng.dirichlet(np.ones(i * j)).reshape(i, j),) for i, j in ((2, 3), (3, 3))]


CONDITIONALS = Task(
    "1-a",
    "conditionals(joint), with shape (I, J), returning p(x|y) and p(y|x)",
    lambda joint: (joint / joint.sum(0), joint / joint.sum(1, keepdims=True)),
    _joint_cases,
    (
        Mistake(
            "swapped the two",
            lambda joint: (joint / joint.sum(1, keepdims=True), joint / joint.sum(0)),
            "Both tables are right, in the wrong order: p(x|y) sums to one over x, which is axis 0.",
        ),
        Mistake(
            "returned the marginals",
            lambda joint: (joint.sum(1), joint.sum(0)),
            "These are p(x) and p(y). Divide the joint by one of them to condition on it.",
        ),
        Mistake(
            "divided by the variable it is over",
            lambda joint: (joint / joint.sum(), joint / joint.sum()),
            "This is the joint again. To condition on y, divide each column by its own sum.",
        ),
        Mistake(
            "multiplied instead of dividing",
            lambda joint: (joint * joint.sum(0), joint * joint.sum(1, keepdims=True)),
            "A conditional times a marginal is a joint; so a joint divided by a marginal is a conditional.",
        ),
    ),
)


def _derivative_cases(rng):
    return [(rng.normal(size=k), rng.normal(size=(k, k)), rng.normal(size=(k, k))) for k in (2, 4)]


DERIVATIVE = Task(
    "1-b",
    "total_derivative(x, A, B), with shapes (K,), (K, K), (K, K), returning (K,)",
    lambda x, A, B: A @ B @ x + B.T @ A.T @ x,
    _derivative_cases,
    (
        Mistake(
            "moved the first argument only",
            lambda x, A, B: A @ B @ x,
            "This is the partial derivative in the first argument. h(x) moves with x: add what the second contributes.",
        ),
        Mistake(
            "moved the second argument only",
            lambda x, A, B: B.T @ A.T @ x,
            "This is what the second argument contributes. The first moves as well.",
        ),
        Mistake(
            "took it for symmetric",
            lambda x, A, B: 2 * A @ B @ x,
            "2 A B x is right when A B is symmetric. In general the two contributions differ.",
        ),
        Mistake(
            "forgot the inner derivative",
            lambda x, A, B: A @ B @ x + A.T @ x,
            "The chain rule: the partial derivative in the second argument is to be multiplied by dh/dx, which is B.",
        ),
    ),
)


def _tower_cases(rng):
    sizes = ((3, 2), (3, 3))
    return [(rng.dirichlet(np.ones(i), size=j).T, rng.dirichlet(np.ones(j)), rng.normal(size=(i, j))) for i, j in sizes]


TOWER = Task(
    "1-c",
    "tower(posterior, marginal, f), with shapes (I, J), (J,), (I, J), returning a number",
    lambda posterior, marginal, f: (posterior * f).sum(0) @ marginal,
    _tower_cases,
    (
        Mistake(
            "averaged y without its weights",
            lambda posterior, marginal, f: (posterior * f).sum(0).mean(),
            "Every y counted the same. The outer expectation weights it by p(y).",
        ),
        Mistake(
            "stopped at the inner expectation",
            lambda posterior, marginal, f: (posterior * f).sum(0),
            "This is the inner expectation, a function of y. Average it over y.",
        ),
        Mistake(
            "forgot the posterior",
            lambda posterior, marginal, f: f.sum(0) @ marginal,
            "The inner sum is to be weighted by p(x|y).",
        ),
        Mistake(
            "took the expectation of the parts",
            lambda posterior, marginal, f: (posterior @ marginal) @ (f @ marginal),
            "You averaged y out of the two factors separately. They belong together: p(x|y) and f(x, y) share the y.",
        ),
    ),
)

TASKS = (CONDITIONALS, DERIVATIVE, TOWER)
