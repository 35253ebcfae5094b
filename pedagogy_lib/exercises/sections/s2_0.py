"""Exercises of section 2.0: Bayes' theorem and directed graphs."""

from itertools import product

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _invert_cases(rng):
    return [(rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(i), size=k).T, y) for k, i, y in ((3, 2, 1), (2, 4, 0))]


def _count_cases(rng):
    return [(rng.integers(5, 90, size=(d, 2, 2)),) for d in (3, 5)]


def _stops(collider_rule):
    """The rule for a path, given what opens a collider."""

    def blocked(kinds, known, descendant_known):
        return any(
            not collider_rule(is_known, below) if kind == "collider" else is_known
            for kind, is_known, below in zip(kinds, known, descendant_known)
        )

    return blocked


def _path_cases(rng):
    single = [([kind], [a], [b]) for kind, a, b in product(("chain", "fork", "collider"), (False, True), (False, True))]
    pairs = [
        (["chain", "collider"], [False, True], [True, False]),
        (["fork", "collider"], [True, True], [False, False]),
        (["collider", "fork"], [False, False], [True, False]),
        (["chain", "fork"], [False, False], [True, True]),
        ([], [], []),
    ]
    return single + pairs + [_random_path(rng) for _ in range(8)]


def _random_path(rng, length=4):
    """Any path: whether it is blocked may depend on any of its nodes."""
    kinds = rng.choice(["chain", "fork", "collider"], length).tolist()
    return kinds, (rng.random(length) < 0.25).tolist(), (rng.random(length) < 0.4).tolist()


@task("2.0-a", cases=_invert_cases)
def invert(prior, emission, y):
    """With shapes (K,), (I, K) and a number, returning (K,)."""
    joint = emission[y] * prior
    return joint / joint.sum()


@invert.mistake(
    "forgot the prior",
    "This is the likelihood, normalized. A rare cause needs stronger evidence: multiply by the prior first.",
)
def _(prior, emission, y):
    return emission[y] / emission[y].sum()


@invert.mistake(
    "did not normalize",
    "This is the joint, p(x, y). Divide by its sum over x, the marginal of y, to have a distribution over x.",
)
def _(prior, emission, y):
    return emission[y] * prior


@invert.mistake(
    "returned the likelihood",
    "This is p(y | x) as a function of x. It does not sum to one, and it knows nothing of the prior.",
)
def _(prior, emission, y):
    return emission[y]


@invert.mistake(
    "returned the prior",
    "The observation has not been used: multiply the prior by the row of the emission that belongs to y.",
)
def _(prior, emission, y):
    return prior


@task("2.0-b", cases=_count_cases, stars=2)
def adjusted_rates(counts):
    """With shape (departments, 2, 2), returning (2,)."""
    rates = counts[..., 1] / counts.sum(-1)
    return counts.sum((1, 2)) / counts.sum() @ rates


@adjusted_rates.mistake(
    "pooled the departments",
    "These are the rates all together: each sex is weighted by where it applied. Weight the rates of the "
    "departments by the shares of all applicants, the same for both sexes.",
)
def _own_shares(counts):
    return counts[..., 1].sum(0) / counts.sum((0, 2))


@adjusted_rates.mistake(
    "averaged the departments equally",
    "You gave a small department as much weight as a large one. Weight by p(d), its share of all applicants.",
)
def _(counts):
    return (counts[..., 1] / counts.sum(-1)).mean(0)


@adjusted_rates.mistake(
    "took rejections for admissions",
    "These are the rates of rejection: index 1 of the last axis is the admitted.",
)
def _(counts):
    return 1 - adjusted_rates(counts)


@adjusted_rates.mistake(
    "weighted by admissions",
    "You weighted the departments by whom they admitted. Ask about those who apply: weight by p(d).",
)
def _(counts):
    return counts[..., 1].sum(1) / counts[..., 1].sum() @ (counts[..., 1] / counts.sum(-1))


@task("2.0-c", cases=_path_cases, stars=2)
def blocked(kinds, known, descendant_known):
    """Three lists of one length, returning True or False."""
    return _stops(lambda is_known, below: is_known or below)(kinds, known, descendant_known)


@blocked.mistake(
    "forgot the descendants of colliders",
    "A collider also opens when something that depends on it is known: a neighbor's call tells of the alarm.",
)
def _(*case):
    return _stops(lambda is_known, below: is_known)(*case)


@blocked.mistake(
    "treated colliders like the rest",
    "A collider is the other way round: it blocks as long as neither it nor a descendant is known.",
)
def _(kinds, known, below):
    return any(known)


@blocked.mistake(
    "answered whether it is open",
    "This says whether the path is open. Return True where it is blocked.",
)
def _(kinds, known, below):
    return not blocked(kinds, known, below)


@blocked.mistake(
    "let descendants block chains and forks",
    "A descendant matters for colliders only. To know something that depends on the middle of a chain weakens "
    "what passes, but does not stop it.",
)
def _(kinds, known, below):
    return any(not (k or b) if kind == "collider" else (k or b) for kind, k, b in zip(kinds, known, below))


@blocked.mistake(
    "asked for all nodes to block",
    "One blocked node blocks the path; you ask for all of them. With no node in between nothing blocks.",
)
def _(kinds, known, below):
    return all(not (k or b) if kind == "collider" else k for kind, k, b in zip(kinds, known, below))
