"""Exercises of chapter 1: arguments, variables, expectations and derivatives."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _joint_cases(rng):
    return [(rng.dirichlet(np.ones(i * j)).reshape(i, j),) for i, j in ((2, 3), (3, 3))]


def _derivative_cases(rng):
    return [(rng.normal(size=k), rng.normal(size=(k, k)), rng.normal(size=(k, k))) for k in (2, 4)]


def _tower_cases(rng):
    sizes = ((3, 2), (3, 3))
    return [(rng.dirichlet(np.ones(i), size=j).T, rng.dirichlet(np.ones(j)), rng.normal(size=(i, j))) for i, j in sizes]


@task("1-a", cases=_joint_cases)
def conditionals(joint):
    """With shape (I, J), returning p(x|y) and p(y|x)."""
    return (joint / joint.sum(0), joint / joint.sum(1, keepdims=True))


@conditionals.mistake(
    "swapped the two",
    "Both tables are right, in the wrong order: p(x|y) sums to one over x, which is axis 0.",
)
def _(joint):
    return (joint / joint.sum(1, keepdims=True), joint / joint.sum(0))


@conditionals.mistake(
    "returned the marginals",
    "These are p(x) and p(y). Divide the joint by one of them to condition on it.",
)
def _(joint):
    return (joint.sum(1), joint.sum(0))


@conditionals.mistake(
    "divided by the variable it is over",
    "This is the joint again. To condition on y, divide each column by its own sum.",
)
def _(joint):
    return (joint / joint.sum(), joint / joint.sum())


@conditionals.mistake(
    "multiplied instead of dividing",
    "A conditional times a marginal is a joint; so a joint divided by a marginal is a conditional.",
)
def _(joint):
    return (joint * joint.sum(0), joint * joint.sum(1, keepdims=True))


@task("1-b", cases=_derivative_cases, stars=2)
def total_derivative(x, A, B):
    """With shapes (K,), (K, K), (K, K), returning (K,)."""
    return A @ B @ x + B.T @ A.T @ x


@total_derivative.mistake(
    "moved the first argument only",
    "This is the partial derivative in the first argument. h(x) moves with x: add what the second contributes.",
)
def _(x, A, B):
    return A @ B @ x


@total_derivative.mistake(
    "moved the second argument only",
    "This is what the second argument contributes. The first moves as well.",
)
def _(x, A, B):
    return B.T @ A.T @ x


@total_derivative.mistake(
    "took it for symmetric",
    "2 A B x is right when A B is symmetric. In general the two contributions differ.",
)
def _(x, A, B):
    return 2 * A @ B @ x


@total_derivative.mistake(
    "forgot the inner derivative",
    "The chain rule: the partial derivative in the second argument is to be multiplied by dh/dx, which is B.",
)
def _(x, A, B):
    return A @ B @ x + A.T @ x


@task("1-c", cases=_tower_cases, stars=2)
def tower(posterior, marginal, f):
    """With shapes (I, J), (J,), (I, J), returning a number."""
    return (posterior * f).sum(0) @ marginal


@tower.mistake(
    "averaged y without its weights",
    "Every y counted the same. The outer expectation weights it by p(y).",
)
def _(posterior, marginal, f):
    return (posterior * f).sum(0).mean()


@tower.mistake(
    "stopped at the inner expectation",
    "This is the inner expectation, a function of y. Average it over y.",
)
def _(posterior, marginal, f):
    return (posterior * f).sum(0)


@tower.mistake(
    "forgot the posterior",
    "The inner sum is to be weighted by p(x|y).",
)
def _(posterior, marginal, f):
    return f.sum(0) @ marginal


@tower.mistake(
    "took the expectation of the parts",
    "You averaged y out of the two factors separately. They belong together: p(x|y) and f(x, y) share the y.",
)
def _(posterior, marginal, f):
    return (posterior @ marginal) @ (f @ marginal)


def _turn_cases(rng):
    return [(rng.dirichlet(np.ones(j), size=i), rng.dirichlet(np.ones(i))) for i, j in ((3, 3), (2, 4))]


@task("1-d", cases=_turn_cases, stars=2)
def turn(emission, prior):
    """With shapes (I, J) and (I,), returning p(x|y), of shape (I, J)."""
    joint = emission * prior[:, None]
    return joint / joint.sum(0)


@turn.mistake("nothing mended", "Nothing has changed: with which axis of the table does NumPy pair the prior?")
def _(emission, prior):
    joint = emission * np.resize(prior, emission.shape[1])
    return joint / joint.sum(1)[:, None] if joint.shape[0] != joint.shape[1] else joint / joint.sum(1)


@turn.mistake(
    "the prior has no effect",
    "Your answer does not depend on the prior: paired with y, it cancels when you divide. Which axis is x?",
)
def _(emission, prior):
    return emission / emission.sum(0)


@turn.mistake("only the prior mended", "The joint is right. Over which letter must the posterior sum to one?")
def _(emission, prior):
    joint = emission * prior[:, None]
    return joint / joint.sum(1, keepdims=True)


@turn.mistake("not divided", "That is the joint distribution. Divide it by p(y).")
def _(emission, prior):
    return emission * prior[:, None]
