"""Pictures of ensembles: members on a circle of places, covariances, errors beside spreads, ranks."""

import numpy as np

from ..colors import COLORS

#: Left to right: far below zero, zero, far above.
DIVERGING = ("#2b5c8a", "#f3f3f0", "#b5571c")


def circle(ax, members, truth=None, places=None, data=None, color="blue"):
    """Draw states over the places of a circle, one thin line each, the truth and the data on top.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    members : array_like, shape (N, K)
    truth : array_like, shape (K,), optional
    places, data : array_like, shape (L,), optional
        Where the data were taken, and what they say.
    color : str
        Of the members, a name in `show.COLORS`.
    """
    members = np.asarray(members, float)
    size = members.shape[1]
    # One path with gaps: a stored figure stays small.
    rows = np.column_stack([members, np.full(len(members), np.nan)])
    where = np.tile(np.append(np.arange(float(size)), np.nan), len(members))
    ax.plot(where, rows.ravel(), color=COLORS[color], lw=0.9, alpha=0.6)
    if truth is not None:
        ax.plot(np.arange(size), truth, color=COLORS["ink"], lw=1.6)
    if data is not None:
        ax.plot(places, data, "o", color=COLORS["orange"], ms=4.5)
    ax.set(xlim=(-0.5, size - 0.5))


def picture(ax, values, limit, levels=48, **kw):
    """Draw numbers in rows and columns as colors: blue below zero, brown above, pale at zero.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : array_like, shape (I, J)
    limit : float
        The size of number at which the color is full.
    levels : int
        How many colors there are, so that a stored figure stays small.
    **kw
        Passed to `matplotlib.axes.Axes.imshow` (`extent`, `aspect`, ...).

    Returns
    -------
    matplotlib.image.AxesImage
    """
    from matplotlib.colors import LinearSegmentedColormap

    cmap = LinearSegmentedColormap.from_list("diverging", DIVERGING, N=levels)
    style = {"interpolation": "none", "vmin": -limit, "vmax": limit} | kw
    return ax.imshow(np.asarray(values, float), cmap=cmap, **style)


def error_and_spread(ax, times, error, spread, level=None):
    """Draw how wrong an ensemble is over time, and how wrong it says it is.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    times, error, spread : array_like, shape (T,)
    level : float, optional
        A dashed line, at the error of one who knows nothing.
    """
    if level is not None:
        ax.axhline(level, color=COLORS["muted"], lw=0.9, ls="--")
    ax.plot(times, error, color=COLORS["vermillion"], lw=1.5, label="error")
    ax.plot(times, spread, color=COLORS["blue"], lw=1.5, ls=(0, (4, 1.5)), label="spread")
    ax.set(xlim=(times[0], times[-1]))


def ranks(members, truth):
    """Count how many times the truth comes first, second, ... among the members.

    Parameters
    ----------
    members : array_like, shape (T, N, K)
    truth : array_like, shape (T, K)

    Returns
    -------
    ndarray of int, shape (N + 1,)
        Entry j: how often j members are below the truth.
    """
    members, truth = np.asarray(members, float), np.asarray(truth, float)
    below = (members < truth[:, None]).sum(1)
    return np.bincount(below.ravel(), minlength=members.shape[1] + 1)


def rank_histogram(ax, counts, color="blue"):
    """Draw ranks as shares, and a line where all would be if every rank were as frequent.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    counts : array_like, shape (N + 1,)
    color : str
        A name in `show.COLORS`.
    """
    counts = np.asarray(counts, float)
    ax.bar(np.arange(len(counts)), counts / counts.sum(), width=0.9, color=COLORS[color], alpha=0.6, lw=0)
    ax.axhline(1 / len(counts), color=COLORS["ink"], lw=1)
    ax.set(xlim=(-0.7, len(counts) - 0.3))


def plume(ax, times, members, truth, color="blue"):
    """Draw forecasts of one number from many starts, and what came.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    times : array_like, shape (T,)
    members : array_like, shape (T, N)
    truth : array_like, shape (T,)
    color : str
        A name in `show.COLORS`.
    """
    members = np.asarray(members, float)
    gaps = np.vstack([members, np.full(members.shape[1], np.nan)])
    where = np.tile(np.append(np.asarray(times, float), np.nan), members.shape[1])
    ax.plot(where, gaps.T.ravel(), color=COLORS[color], lw=0.9, alpha=0.6)
    ax.plot(times, truth, color=COLORS["ink"], lw=1.8)
    ax.set(xlim=(times[0], times[-1]))
