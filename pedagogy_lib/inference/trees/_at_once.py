"""Loopy messages between tables, all messages of one kind in one array operation.

The same numbers as `propagation` finds message by message: a cluster's belief is its potential times *all* that it was
told, and what it tells a neighbor is the belief divided by what that neighbor had said. The division asks for
tables without zeros, and the arrays for links along which a single variable is shared, as in a factor graph, or none,
because it was observed.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.inference.trees.tables import Factor, log_sum


class Kind(NamedTuple):
    """Directed links that leave clusters of one shape along one axis.

    shape : tuple of int
    axis : int
    source : ndarray of int, the cluster's row among those of its shape
    out, back : ndarray of int, the rows of what it says and of what it is told, among messages of that length
    """

    shape: tuple
    axis: int
    source: np.ndarray
    out: np.ndarray
    back: np.ndarray


def fits(clusters):
    """Whether the messages can be sent so: at most one variable to a link, and no zeros."""
    single = all(len(clusters.separator(i, j)) <= 1 for i, j in clusters.links)
    return single and all(np.isfinite(potential.logs).all() for potential in clusters.potentials)


def iterate(clusters, pairs, damping, maximize):
    """Yield the messages of all pairs, a dict of factors, and the largest change: as `iterate_loopy`, without end."""
    potentials, kinds, names, rows = _laid_out(clusters, pairs)
    messages = {K: np.full((len(which), K), -np.log(K)) for K, which in rows.items()}
    while True:
        beliefs = {shape: logs.copy() for shape, logs in potentials.items()}
        for kind in kinds:
            np.add.at(beliefs[kind.shape], kind.source, _spread(messages, kind))
        new = {K: np.empty_like(logs) for K, logs in messages.items()}
        for kind in kinds:
            others = beliefs[kind.shape][kind.source] - _spread(messages, kind)
            away = tuple(1 + axis for axis in range(len(kind.shape)) if axis != kind.axis)
            new[kind.shape[kind.axis]][kind.out] = others.max(away) if maximize else log_sum(others, away)
        new = {K: _rescaled(damping * messages[K] + (1 - damping) * _rescaled(logs)) for K, logs in new.items()}
        change = max((float(np.abs(np.exp(messages[K]) - np.exp(new[K])).max(initial=0)) for K in new), default=0.0)
        messages = new
        told = {pair: logs for K, which in rows.items() for pair, logs in zip(which, messages[K])}
        yield {pair: Factor(names[pair], told.get(pair, np.zeros(()))) for pair in pairs}, change


def _laid_out(clusters, pairs):
    """Potentials stacked by shape, links by kind, and which pair has which row among messages of one length."""
    shapes = [potential.logs.shape for potential in clusters.potentials]
    members = {shape: [i for i, other in enumerate(shapes) if other == shape] for shape in dict.fromkeys(shapes)}
    potentials = {shape: np.stack([clusters.potentials[i].logs for i in which]) for shape, which in members.items()}
    place = {i: n for which in members.values() for n, i in enumerate(which)}
    rows, row, found = {}, {}, {}
    names = {(i, j): clusters.separator(i, j) for i, j in pairs}
    speaking = [pair for pair in pairs if names[pair]]
    for i, j in speaking:
        which = rows.setdefault(clusters.sizes[names[i, j][0]], [])
        row[i, j] = len(which)
        which.append((i, j))
    for i, j in speaking:
        axis = clusters.potentials[i].names.index(names[i, j][0])
        found.setdefault((shapes[i], axis), []).append((place[i], row[i, j], row[j, i]))
    kinds = [Kind(shape, axis, *np.transpose(links)) for (shape, axis), links in found.items()]
    return potentials, kinds, names, rows


def _spread(messages, kind):
    """What the sources of a kind were told along its links, as tables that broadcast over their shape."""
    told = messages[kind.shape[kind.axis]][kind.back]
    return told.reshape(-1, *(size if axis == kind.axis else 1 for axis, size in enumerate(kind.shape)))


def _rescaled(logs):
    return logs - log_sum(logs, (1,))[:, None]
