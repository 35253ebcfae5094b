"""Exercises of section 2.2: filtering and smoothing in a chain, for a die."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _chain(rng, k):
    return rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), size=k).T


def _filter_step(belief, transition, emission, y):
    joint = emission[y] * (transition @ belief)
    return joint / joint.sum(), joint.sum()


def _look_then_move(belief, transition, emission, y):
    joint = emission[y] * belief
    return transition @ (joint / joint.sum()), joint.sum()


def _filter_cases(rng):
    return [(*_chain(rng, k), rng.dirichlet(np.ones(m), size=k).T, y) for k, m, y in ((3, 2, 1), (4, 3, 0))]


FILTER = Task(
    "2.2-a",
    "filter_step(belief, transition, emission, y), returning (belief, probability)",
    _filter_step,
    _filter_cases,
    (
        Mistake(
            "looked before moving",
            _look_then_move,
            "You looked first and moved afterwards. The belief is about the last step: move it on, then look.",
        ),
        Mistake(
            "did not move",
            lambda belief, transition, emission, y: _filter_step(belief, np.eye(len(belief)), emission, y),
            "The time update is missing: multiply the belief by the transition first.",
        ),
        Mistake(
            "transposed the transition",
            lambda belief, transition, emission, y: _filter_step(belief, transition.T, emission, y),
            "Columns of the transition sum to one: transition[i, j] leads from j to i, so the new belief is "
            "transition @ belief.",
        ),
        Mistake(
            "did not normalise",
            lambda belief, transition, emission, y: (
                emission[y] * (transition @ belief),
                emission[y] @ transition @ belief,
            ),
            "This is the joint of state and datum. Divide it by its sum; the sum is the second thing to return.",
        ),
    ),
)


def _past(filtered, transition):
    pair = transition * filtered
    return pair / pair.sum(axis=1, keepdims=True)


def _smoother_cases(rng):
    found = []
    for k in (3, 4):
        filtered, transition = _chain(rng, k)
        found.append((filtered, rng.dirichlet(np.ones(k)), transition))
    return found


SMOOTHER = Task(
    "2.2-b",
    "smoother_step(filtered, smoothed_next, transition), returning an array of shape (K,)",
    lambda filtered, smoothed_next, transition: smoothed_next @ _past(filtered, transition),
    _smoother_cases,
    (
        Mistake(
            "turned the transition round without a prior",
            lambda filtered, smoothed_next, transition: (
                smoothed_next @ (transition / transition.sum(axis=1, keepdims=True))
            ),
            "You inverted the transition as if every state had been equally probable. The prior of the inversion is "
            "the filter distribution.",
        ),
        Mistake(
            "used the transition as it is",
            lambda filtered, smoothed_next, transition: smoothed_next @ transition,
            "The transition says how the present makes the future. Going back takes its inverse by Bayes' theorem.",
        ),
        Mistake(
            "multiplied filter and future",
            lambda filtered, smoothed_next, transition: (
                filtered * (smoothed_next @ transition) / (filtered * (smoothed_next @ transition)).sum()
            ),
            "You treated the smoother of the next step as a likelihood. It has used the filter already: divide by the "
            "prediction, which is what normalising over the present state, for each next state, does.",
        ),
        Mistake(
            "went forwards",
            lambda filtered, smoothed_next, transition: transition @ smoothed_next,
            "This moves the smoother distribution one step on. The question is about the step before.",
        ),
    ),
)


def _posterior_transition(filtered, smoothed_next, transition):
    joint = smoothed_next[:, None] * _past(filtered, transition)
    return joint / joint.sum(axis=0)


SIXTH = Task(
    "2.2-c",
    "posterior_transition(filtered, smoothed_next, transition), returning an array of shape (K, K)",
    _posterior_transition,
    _smoother_cases,
    (
        Mistake(
            "returned the pair",
            lambda filtered, smoothed_next, transition: smoothed_next[:, None] * _past(filtered, transition),
            "This is the joint of the two states. Divide each column by its sum to condition on the present state.",
        ),
        Mistake(
            "returned the future conditioning",
            lambda filtered, smoothed_next, transition: _past(filtered, transition),
            "This is the present given the next state: fragment C itself. Invert it, with the smoother for a prior.",
        ),
        Mistake(
            "transposed",
            lambda filtered, smoothed_next, transition: _posterior_transition(filtered, smoothed_next, transition).T,
            "The numbers are right and the axes are swapped: the column is the present state, the row the next.",
        ),
        Mistake(
            "weighted the transition by the smoother",
            lambda filtered, smoothed_next, transition: (
                smoothed_next[:, None] * transition / (smoothed_next[:, None] * transition).sum(axis=0)
            ),
            "The next state's smoother has used the prediction already. Divide by it: invert the future conditioning "
            "rather than reweight the transition.",
        ),
    ),
)

TASKS = (FILTER, SMOOTHER, SIXTH)
