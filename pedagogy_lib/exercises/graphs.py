"""Exercises of section 2.0: Bayes' theorem and directed graphs."""

from itertools import product

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _invert(prior, emission, y):
    joint = emission[y] * prior
    return joint / joint.sum()


def _invert_cases(rng):
    return [(rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(i), size=k).T, y) for k, i, y in ((3, 2, 1), (2, 4, 0))]


INVERT = Task(
    "2.0-a",
    "invert(prior, emission, y), with shapes (K,), (I, K) and a number, returning (K,)",
    _invert,
    _invert_cases,
    (
        Mistake(
            "forgot the prior",
            lambda prior, emission, y: emission[y] / emission[y].sum(),
            "This is the likelihood, normalised. A rare cause needs stronger evidence: multiply by the prior first.",
        ),
        Mistake(
            "did not normalise",
            lambda prior, emission, y: emission[y] * prior,
            "This is the joint, p(x, y). Divide by its sum over x, the marginal of y, to have a distribution over x.",
        ),
        Mistake(
            "returned the likelihood",
            lambda prior, emission, y: emission[y],
            "This is p(y | x) as a function of x. It does not sum to one, and it knows nothing of the prior.",
        ),
        Mistake(
            "returned the prior",
            lambda prior, emission, y: prior,
            "The observation has not been used: multiply the prior by the row of the emission that belongs to y.",
        ),
    ),
)


def _adjusted(counts):
    rates = counts[..., 1] / counts.sum(-1)
    return counts.sum((1, 2)) / counts.sum() @ rates


def _own_shares(counts):
    return counts[..., 1].sum(0) / counts.sum((0, 2))


def _count_cases(rng):
    return [(rng.integers(5, 90, size=(d, 2, 2)),) for d in (3, 5)]


ADJUSTED = Task(
    "2.0-b",
    "adjusted_rates(counts), with shape (departments, 2, 2), returning (2,)",
    _adjusted,
    _count_cases,
    (
        Mistake(
            "pooled the departments",
            _own_shares,
            "These are the rates all together: each sex is weighted by where it applied. Weight the rates of the "
            "departments by the shares of all applicants, the same for both sexes.",
        ),
        Mistake(
            "averaged the departments equally",
            lambda counts: (counts[..., 1] / counts.sum(-1)).mean(0),
            "You gave a small department as much weight as a large one. Weight by p(d), its share of all applicants.",
        ),
        Mistake(
            "took rejections for admissions",
            lambda counts: 1 - _adjusted(counts),
            "These are the rates of rejection: index 1 of the last axis is the admitted.",
        ),
        Mistake(
            "weighted by admissions",
            lambda counts: counts[..., 1].sum(1) / counts[..., 1].sum() @ (counts[..., 1] / counts.sum(-1)),
            "You weighted the departments by whom they admitted. Ask about those who apply: weight by p(d).",
        ),
    ),
)


def _stops(collider_rule):
    """The rule for a path, given what opens a collider."""

    def blocked(kinds, known, descendant_known):
        return any(
            not collider_rule(is_known, below) if kind == "collider" else is_known
            for kind, is_known, below in zip(kinds, known, descendant_known)
        )

    return blocked


_blocked = _stops(lambda is_known, below: is_known or below)


def _path_cases(rng):
    single = [([kind], [a], [b]) for kind, a, b in product(("chain", "fork", "collider"), (False, True), (False, True))]
    pairs = [
        (["chain", "collider"], [False, True], [True, False]),
        (["fork", "collider"], [True, True], [False, False]),
        (["collider", "fork"], [False, False], [True, False]),
        (["chain", "fork"], [False, False], [True, True]),
        ([], [], []),
    ]
    return single + pairs


BLOCKED = Task(
    "2.0-c",
    "blocked(kinds, known, descendant_known), three lists of one length, returning True or False",
    _blocked,
    _path_cases,
    (
        Mistake(
            "forgot the descendants of colliders",
            _stops(lambda is_known, below: is_known),
            "A collider also opens when something that depends on it is known: a neighbour's call tells of the alarm.",
        ),
        Mistake(
            "treated colliders like the rest",
            lambda kinds, known, below: any(known),
            "A collider is the other way round: it blocks as long as neither it nor a descendant is known.",
        ),
        Mistake(
            "answered whether it is open",
            lambda kinds, known, below: not _blocked(kinds, known, below),
            "This says whether the path is open. Return True where it is blocked.",
        ),
        Mistake(
            "let descendants block chains and forks",
            lambda kinds, known, below: any(
                not (k or b) if kind == "collider" else (k or b) for kind, k, b in zip(kinds, known, below)
            ),
            "A descendant matters for colliders only. To know something that depends on the middle of a chain weakens "
            "what passes, but does not stop it.",
        ),
        Mistake(
            "asked for all nodes to block",
            lambda kinds, known, below: all(
                not (k or b) if kind == "collider" else k for kind, k, b in zip(kinds, known, below)
            ),
            "One blocked node blocks the path; you ask for all of them. With no node in between nothing blocks.",
        ),
    ),
)

TASKS = (INVERT, ADJUSTED, BLOCKED)
