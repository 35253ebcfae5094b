"""Exercises of appendix C: graphical models. A graph is a square table: arrows[i, j] is True where i points to j."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _arrows(rng, n=6, share=0.4):
    """A random graph without circles, its variables shuffled."""
    drawn = np.triu(rng.random((n, n)) < share, 1)
    order = rng.permutation(n)
    return drawn[np.ix_(order, order)]


def _graph(n, *pairs):
    arrows = np.zeros((n, n), bool)
    arrows[tuple(np.transpose(pairs))] = True
    return arrows


def _blanket_cases(rng):
    return [(_arrows(rng), int(rng.integers(6))) for _ in range(12)]


def _blanket_edges():
    """A collider, asked from one of its causes; a variable alone."""
    return [(_graph(4, (0, 2), (1, 2), (2, 3)), 0), (np.zeros((3, 3), bool), 1)]


def _without(mask, i):
    return mask & (np.arange(len(mask)) != i)


@task("C-a", cases=_blanket_cases, edges=_blanket_edges)
def blanket(arrows, i):
    """With shape (N, N) and a number, returning booleans of shape (N,)."""
    return _without(arrows[:, i] | arrows[i] | arrows[:, arrows[i]].any(1), i)


@blanket.mistake("the variable itself", "The variable is a parent of its children, and still not in its own blanket.")
def _(arrows, i):
    return arrows[:, i] | arrows[i] | arrows[:, arrows[i]].any(1)


@blanket.mistake(
    "without the other parents", "Two causes of one effect are rivals once it is known: the other parents belong to it."
)
def _(arrows, i):
    return arrows[:, i] | arrows[i]


@blanket.mistake("without the parents", "What points to the variable is missing: look at its column.")
def _(arrows, i):
    return _without(arrows[i] | arrows[:, arrows[i]].any(1), i)


@blanket.mistake("without the children", "What the variable points to is missing: look at its row.")
def _(arrows, i):
    return _without(arrows[:, i] | arrows[:, arrows[i]].any(1), i)


@blanket.mistake("read the arrows the other way round", "arrows[i, j] says that i points to j.")
def _(arrows, i):
    return blanket(arrows.T, i)


def _reach(joined, a, given):
    reached = np.arange(len(joined)) == a
    for _ in range(len(joined)):
        reached = reached | (joined[reached].any(0) & ~given)
    return reached


def _ancestors(arrows, kept):
    for _ in range(len(arrows)):
        kept = kept | arrows[:, kept].any(1)
    return kept


def _masks(arrows, a, b, given):
    start = given.copy()
    start[[a, b]] = True
    return start, arrows | np.eye(len(arrows), dtype=bool)


def _separation_cases(rng):
    found = []
    for _ in range(25):
        a, b, *rest = (int(i) for i in rng.permutation(6))
        given = np.zeros(6, bool)
        given[rest[: int(rng.integers(3))]] = True
        found.append((_arrows(rng, share=0.35), a, b, given))
    return found


def _separation_edges():
    """A collider with nothing known, with itself known, and with its descendant known."""
    arrows = _graph(4, (0, 2), (1, 2), (2, 3))
    return [(arrows, 0, 1, np.array(known, bool)) for known in ([0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1])]


@task("C-b", cases=_separation_cases, edges=_separation_edges, stars=2)
def separated(arrows, a, b, given):
    """With shape (N, N), two numbers and booleans of shape (N,), returning True or False."""
    start, family = _masks(arrows, a, b, given)
    family = family[:, _ancestors(arrows, start)]
    return not _reach(family @ family.T, a, given)[b]


@separated.mistake(
    "all variables kept", "A variable that is no ancestor of a, b or the given ones ties nobody: drop its family first."
)
def _(arrows, a, b, given):
    _, family = _masks(arrows, a, b, given)
    return not _reach(family @ family.T, a, given)[b]


@separated.mistake("nobody married", "The parents of every child that is kept have to be joined to each other.")
def _(arrows, a, b, given):
    start, _ = _masks(arrows, a, b, given)
    kept = _ancestors(arrows, start)
    inside = arrows & np.outer(kept, kept)
    return not _reach(inside | inside.T, a, given)[b]


@separated.mistake("ancestors of a and b alone", "The given variables and their ancestors have to be kept, too.")
def _(arrows, a, b, given):
    start, family = _masks(arrows, a, b, np.zeros_like(given))
    family = family[:, _ancestors(arrows, start)]
    return not _reach(family @ family.T, a, given)[b]


@separated.mistake("the opposite", "True is for variables that are separated.")
def _(arrows, a, b, given):
    return not separated(arrows, a, b, given)


def _pairs(rng):
    """Graphs with one arrow turned round, and the same graph twice."""
    found = []
    for _ in range(20):
        first = _arrows(rng, 4, 0.5)
        second = first.copy()
        pairs = np.argwhere(first)
        if len(pairs):
            i, j = pairs[rng.integers(len(pairs))]
            second[i, j], second[j, i] = False, True
            if np.linalg.matrix_power(second.astype(int), 4).any():      # a circle
                second = first.copy()
        found.append((first, second))
    return found


def _pair_edges():
    """Chain, fork and collider; an arrow too many; a collider whose parents are joined."""
    chain, fork, collider = _graph(3, (0, 1), (1, 2)), _graph(3, (1, 0), (1, 2)), _graph(3, (0, 1), (2, 1))
    full, turned = _graph(3, (0, 1), (2, 1), (0, 2)), _graph(3, (0, 1), (1, 2), (0, 2))
    return [(chain, fork), (chain, collider), (chain, _graph(3, (0, 1))), (full, turned)]


def _colliders(arrows, only_unjoined=True):
    """(i, j, c): i and j point to c, and are not joined."""
    n = len(arrows)
    both = arrows[:, None, :] & arrows[None, :, :] & ~np.eye(n, dtype=bool)[:, :, None]
    return both & ~(arrows | arrows.T)[:, :, None] if only_unjoined else both


@task("C-c", cases=_pairs, edges=_pair_edges, stars=2)
def same_claims(first, second):
    """With shapes (N, N) and (N, N), returning True or False."""
    return _same_lines(first, second) and bool((_colliders(first) == _colliders(second)).all())


def _same_lines(first, second):
    return bool(((first | first.T) == (second | second.T)).all())


@same_claims.mistake("only the lines compared", "A chain and a collider have the same lines, and other claims.")
def _(first, second):
    return _same_lines(first, second)


@same_claims.mistake("only the colliders compared", "A missing line is a claim: compare the lines as well.")
def _(first, second):
    return bool((_colliders(first) == _colliders(second)).all())


@same_claims.mistake(
    "colliders with joined parents counted", "Parents that are joined anyway claim nothing: leave such colliders out."
)
def _(first, second):
    return _same_lines(first, second) and bool((_colliders(first, False) == _colliders(second, False)).all())


@same_claims.mistake("the arrows compared", "A chain and a fork differ in their arrows, and make the same claims.")
def _(first, second):
    return bool((first == second).all())
