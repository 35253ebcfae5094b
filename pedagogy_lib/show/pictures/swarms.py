"""Pictures of beliefs that are clouds of weighted points: swarms, histograms, copies, family trees."""

import numpy as np

from ..colors import COLORS


def terrain(ax, x, heights):
    """Draw the ground seen from the side.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, heights : array_like, shape (M,)
    """
    x, heights = np.asarray(x, float), np.asarray(heights, float)
    ax.fill_between(x, 0, heights, color=COLORS["shade"], alpha=0.7, lw=0)
    ax.plot(x, heights, color=COLORS["muted"], lw=1)
    ax.set(xlim=(x[0], x[-1]), ylim=(0, heights.max() * 1.35))


def swarm(ax, x, y, weights, color="blue", size=1600.0):
    """Draw particles as circles whose areas are in proportion to their weights.

    Particles at one place are drawn as one circle that has all their weight. Areas are rounded to
    within a tenth, and circles too small to see are left out.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, y : array_like, shape (N,)
    weights : array_like, shape (N,), summing to one
    color : str
        A name in `show.COLORS`.
    size : float
        The area of all circles together, in square points.

    Returns
    -------
    int
        How many circles were drawn.
    """
    places, inverse = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
    areas = size * np.bincount(np.ravel(inverse), weights=np.asarray(weights, float))
    seen = areas > 0.3
    # Few different sizes, as markers of one line each: a stored figure stays small.
    levels = np.round(4 * np.log2(np.where(seen, areas, 1.0)))
    for level in np.unique(levels[seen]):
        diameter = np.sqrt(2 ** (level / 4) * 4 / np.pi)
        chosen = places[seen & (levels == level)]
        ax.plot(*chosen.T, "o", ms=diameter, color=COLORS[color], alpha=0.6, mew=0)
    return int(seen.sum())


def histogram(ax, x, weights, edges, color="blue", **kw):
    """Draw the density of weighted particles as bars.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, weights : array_like, shape (N,)
    edges : array_like, shape (M + 1,)
    color : str
        A name in `show.COLORS`.
    **kw
        Passed to `matplotlib.axes.Axes.stairs` (`label`, ...).

    Returns
    -------
    ndarray, shape (M,)
        The heights.
    """
    held, edges = np.histogram(x, edges, weights=weights)
    heights = held / np.diff(edges)
    ax.stairs(heights, edges, fill=True, color=COLORS[color], alpha=0.5, **kw)
    return heights


def copies(ax, expected, counts, color="blue"):
    """Draw how often each particle was copied, and short lines at how often it should be.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    expected : array_like, shape (N,), N times the weights
    counts : array_like of int, shape (N,)
    color : str
        A name in `show.COLORS`.
    """
    expected, places = np.asarray(expected, float), np.arange(len(expected))
    ax.bar(places, counts, width=0.7, color=COLORS[color], alpha=0.55, lw=0)
    ax.hlines(expected, places - 0.45, places + 0.45, color=COLORS["ink"], lw=1.6)
    ax.set(xlim=(-0.7, len(places) - 0.3))


def lineage(ancestors):
    """Return who came before each of the last particles.

    Parameters
    ----------
    ancestors : array_like of int, shape (T, N)
        Row t says from which particle of t - 1 each one of t came; the first row is not used.

    Returns
    -------
    ndarray of int, shape (T, N)
        Column i is the history of the last particle i, as indices.
    """
    ancestors = np.asarray(ancestors)
    history = np.empty_like(ancestors)
    history[-1] = np.arange(ancestors.shape[1])
    for t in range(len(ancestors) - 1, 0, -1):
        history[t - 1] = ancestors[t, history[t]]
    return history


def genealogy(ax, ancestors, x):
    """Draw the family tree of particles: all moves faint, and the ancestors of the last ones strong.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    ancestors : array_like of int, shape (T, N)
        As for `lineage`.
    x : array_like, shape (T, N)
        Where they are drawn.

    Returns
    -------
    ndarray of int, shape (T,)
        How many particles of each time have descendants at the end.
    """
    ancestors, x = np.asarray(ancestors), np.asarray(x, float)
    alive = [set(row) for row in lineage(ancestors)]
    for wanted, color, width in ((False, "muted", 0.4), (True, "blue", 1.4)):
        xs, ys = [], []
        for t in range(1, len(x)):
            for child in range(x.shape[1]):
                if (child in alive[t]) is wanted:
                    xs += [t - 1, t, np.nan]
                    ys += [x[t - 1, ancestors[t, child]], x[t, child], np.nan]
        ax.plot(xs, ys, color=COLORS[color], lw=width, alpha=0.9 if wanted else 0.6)
    ax.set(xlim=(0, len(x) - 1))
    return np.array([len(row) for row in alive])
