"""Exercises of section 2.2: filtering and smoothing in a chain, for a die."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _chain(rng, k):
    return rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), size=k).T


def _filter_cases(rng):
    return [(*_chain(rng, k), rng.dirichlet(np.ones(m), size=k).T, y) for k, m, y in ((3, 2, 1), (4, 3, 0))]


def _past(filtered, transition):
    pair = transition * filtered
    return pair / pair.sum(axis=1, keepdims=True)


def _smoother_cases(rng):
    found = []
    for k in (3, 4):
        filtered, transition = _chain(rng, k)
        found.append((filtered, rng.dirichlet(np.ones(k)), transition))
    return found


@task("2.2-a", cases=_filter_cases)
def filter_step(belief, transition, emission, y):
    """Return (belief, probability)."""
    joint = emission[y] * (transition @ belief)
    return joint / joint.sum(), joint.sum()


@filter_step.mistake(
    "looked before moving",
    "You looked first and moved afterwards. The belief is about the last step: move it on, then look.",
)
def _look_then_move(belief, transition, emission, y):
    joint = emission[y] * belief
    return transition @ (joint / joint.sum()), joint.sum()


@filter_step.mistake(
    "did not move",
    "The time update is missing: multiply the belief by the transition first.",
)
def _(belief, transition, emission, y):
    return filter_step(belief, np.eye(len(belief)), emission, y)


@filter_step.mistake(
    "transposed the transition",
    "Columns of the transition sum to one: transition[i, j] leads from j to i, so the new belief is "
    "transition @ belief.",
)
def _(belief, transition, emission, y):
    return filter_step(belief, transition.T, emission, y)


@filter_step.mistake(
    "did not normalize",
    "This is the joint of state and datum. Divide it by its sum; the sum is the second thing to return.",
)
def _(belief, transition, emission, y):
    return (
        emission[y] * (transition @ belief),
        emission[y] @ transition @ belief,
    )


@task("2.2-b", cases=_smoother_cases, stars=2)
def smoother_step(filtered, smoothed_next, transition):
    """Return an array of shape (K,)."""
    return smoothed_next @ _past(filtered, transition)


@smoother_step.mistake(
    "turned the transition round without a prior",
    "You inverted the transition as if every state had been equally probable. The prior of the inversion is "
    "the filter distribution.",
)
def _(filtered, smoothed_next, transition):
    return smoothed_next @ (transition / transition.sum(axis=1, keepdims=True))


@smoother_step.mistake(
    "used the transition as it is",
    "The transition says how the present makes the future. Going back takes its inverse by Bayes' theorem.",
)
def _(filtered, smoothed_next, transition):
    return smoothed_next @ transition


@smoother_step.mistake(
    "multiplied filter and future",
    "You treated the smoother of the next step as a likelihood. It has used the filter already: divide by the "
    "prediction, which is what normalizing over the present state, for each next state, does.",
)
def _(filtered, smoothed_next, transition):
    return filtered * (smoothed_next @ transition) / (filtered * (smoothed_next @ transition)).sum()


@smoother_step.mistake(
    "went forwards",
    "This moves the smoother distribution one step on. The question is about the step before.",
)
def _(filtered, smoothed_next, transition):
    return transition @ smoothed_next


@task("2.2-c", cases=_smoother_cases, stars=2)
def posterior_transition(filtered, smoothed_next, transition):
    """Return an array of shape (K, K)."""
    joint = smoothed_next[:, None] * _past(filtered, transition)
    return joint / joint.sum(axis=0)


@posterior_transition.mistake(
    "returned the pair",
    "This is the joint of the two states. Divide each column by its sum to condition on the present state.",
)
def _(filtered, smoothed_next, transition):
    return smoothed_next[:, None] * _past(filtered, transition)


@posterior_transition.mistake(
    "returned the future conditioning",
    "This is the present given the next state: fragment C itself. Invert it, with the smoother for a prior.",
)
def _(filtered, smoothed_next, transition):
    return _past(filtered, transition)


@posterior_transition.mistake(
    "transposed",
    "The numbers are right and the axes are swapped: the column is the present state, the row the next.",
)
def _(filtered, smoothed_next, transition):
    return posterior_transition(filtered, smoothed_next, transition).T


@posterior_transition.mistake(
    "weighted the transition by the smoother",
    "The next state's smoother has used the prediction already. Divide by it: invert the future conditioning "
    "rather than reweight the transition.",
)
def _(filtered, smoothed_next, transition):
    return smoothed_next[:, None] * transition / (smoothed_next[:, None] * transition).sum(axis=0)


def _record_cases(rng):
    found = []
    for T, K in ((4, 3), (6, 2)):
        A = rng.dirichlet(np.ones(K), size=K).T
        f = [rng.dirichlet(np.ones(K))]
        for _ in range(T - 1):
            joint = rng.uniform(0.1, 1, size=K) * (A @ f[-1])
            f.append(joint / joint.sum())
        found.append((np.array(f), A))
    return found


def _divided(pair):
    return pair / pair.sum(1, keepdims=True)


def _smooth(filtered, transition, last=lambda f: f[-1], past=_divided):
    rows = [last(filtered)]
    for f in filtered[-2::-1]:
        rows.append(rows[-1] @ past(transition * f))
    return np.array(rows[::-1])


def _normalized(rows):
    return rows / rows.sum(1, keepdims=True)


def _flat(filtered):
    return np.full_like(filtered[-1], 1 / len(filtered[-1]))


@task("2.2-d", cases=_record_cases, stars=2)
def smooth(filtered, transition):
    """With shapes (T, K) and (K, K), returning an array of shape (T, K)."""
    return _smooth(filtered, transition)


@smooth.mistake("nothing mended", "Nothing has changed: where does the smoother begin? By what is a row divided?")
def _(*case):
    return _normalized(_smooth(*case, last=_flat, past=lambda pair: pair))


@smooth.mistake("only the last step mended", "The last step is right. Each *next* state has a past of its own.")
def _(*case):
    return _normalized(_smooth(*case, past=lambda pair: pair))


@smooth.mistake("begins with nothing known", "At the last step all data are known to the filter already.")
def _(*case):
    return _smooth(*case, last=_flat)


@smooth.mistake("columns divided", "Given the next state (a row), the sum runs over the state now.")
def _(*case):
    return _normalized(_smooth(*case, past=lambda pair: pair / pair.sum(0)))


@smooth.mistake("the filter", "That is the filter: later data change what is believed of earlier states.")
def _(filtered, transition):
    return filtered
