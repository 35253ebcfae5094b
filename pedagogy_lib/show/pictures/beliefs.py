"""Pictures of sequences: beliefs over time, bell curves, and paths in the plane.

Everything here takes arrays and draws on given axes.
"""

import numpy as np

from ..colors import COLORS
from ..marks.shapes import band, ellipse


def observations(ax, times, y, label=None):
    """Draw one observed series as points."""
    ax.plot(times, y, "o", ms=3.2, color=COLORS["muted"], alpha=0.8, label=label)


def belief(ax, times, mean, variance, label=None, color="blue", n_std=2.0):
    """Draw the mean of a belief over time, with the region within ``n_std`` standard deviations."""
    band(ax, times, mean, np.sqrt(variance), n_std=n_std, color=color)
    if label is not None:
        ax.plot([], [], color=COLORS[color], label=label)


def path(ax, means, covariances=None, every=1, color="blue", label=None, n_std=2.0, **style):
    """Draw a path in the plane, with covariance ellipses at every so many steps.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    means : ndarray, shape (T, 2)
    covariances : ndarray, shape (T, 2, 2), optional
    every : int
    color : str, a name in `show.COLORS`
    label : str, optional
    n_std : float
    **style
        Of the line.
    """
    ax.plot(*means.T, color=COLORS[color], label=label, **({"lw": 1.6} | style))
    if covariances is not None:
        for mean, covariance in zip(means[::every], covariances[::every]):
            ellipse(ax, mean, covariance, n_std=n_std, color=color)


def errors(ax, columns, rows):
    """Draw relative errors of several methods over problems of growing difficulty.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    columns : sequence of str
        The problems, in order.
    rows : dict from str to sequence of float
        One error for each problem; NaN where the method raised an error instead of answering: a
        cross, above the line where an error is as large as the answer.
    """
    markers, styles = ("o", "s", "^", "D", "v", "P"), ("-", "--", ":", "-.")
    for i, (name, values) in enumerate(rows.items()):
        values = np.maximum(np.asarray(values, float), 1e-17)
        line = ax.plot(values, marker=markers[i % 6], ls=styles[i % 4], label=name)[0]
        refused = np.flatnonzero(np.isnan(values))
        height = 10.0 * 8.0 ** (len(rows) - 1 - i)
        ax.plot(refused, np.full(len(refused), height), "x", color=line.get_color(), ms=7, mew=2)
    ax.set(yscale="log", ylim=(1e-17, 100.0 * 8.0 ** (len(rows) - 1)), xticks=range(len(columns)), xticklabels=columns)
    ax.axhline(1.0, color=COLORS["muted"], lw=0.8)


def cells(ax, probabilities, marked=(), truth=None, color="blue", top=1.0):
    """Draw a distribution over cells in a row, with the special cells and the true one marked.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    probabilities : ndarray, shape (K,)
    marked : sequence of int
        Cells with a door: a short thick line below them.
    truth : int, optional
        A triangle stands below this cell.
    color : str, a name in `show.COLORS`
    top : float
        Upper end of the axis.
    """
    count = len(probabilities)
    ax.bar(range(count), probabilities, width=0.85, color=COLORS[color], alpha=0.85)
    depth = -0.06 * top
    ax.bar(marked, np.full(len(marked), depth), width=0.85, color=COLORS["ink"], linewidth=0)
    if truth is not None:
        ax.plot(truth, 2.4 * depth, "^", color=COLORS["vermillion"], ms=8, clip_on=False)
    ax.set(xlim=(-0.6, count - 0.4), ylim=(3.6 * depth, top), yticks=[0, top], xticks=[])
    ax.spines["bottom"].set_visible(False)


def beliefs(ax, rows, path=None, label=None):
    """Draw beliefs over cells through time: the darker, the more probable.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    rows : ndarray, shape (T, K)
    path : sequence of int, length T, optional
        The cell at each time, as dots.
    label : str, optional
        Of the path.
    """
    ax.imshow(np.sqrt(rows).T, origin="lower", aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="none")
    if path is not None:
        ax.plot(path, ".", color=COLORS["vermillion"], ms=5, label=label)
    ax.set(xlabel="time", ylabel="cell")
