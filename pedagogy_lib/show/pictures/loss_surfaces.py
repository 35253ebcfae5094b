"""Pictures of losses over two parameters, and of the paths that learning takes across them."""

import numpy as np

from ..colors import COLORS

#: One marker and one style for each path, beside its color.
STYLES = {"blue": ("o", "-"), "orange": ("s", "--"), "green": ("^", "-."), "purple": ("D", ":")}


def trail(ax, points, color="blue", label=None, marks=True):
    """Draw where a method has been, with a large mark where it is.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    points : array_like, shape (T, 2)
    color : str, a key of `STYLES`
    label : str, optional
    marks : bool
        Whether every stop is marked.
    """
    points = np.asarray(points, float)
    marker, style = STYLES[color]
    ax.plot(*points.T, ls=style, color=COLORS[color], lw=1.3, marker=marker if marks else None, ms=3, label=label)
    ax.plot(*points[-1], marker, color=COLORS[color], ms=8)


def losses(ax, values, color="blue", label=None, floor=None, x=None):
    """Draw the loss against the iteration, on a logarithmic scale above its floor.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : array_like, shape (T,)
    color, label
        As for `trail`.
    floor : float, optional
        The lowest loss there is; subtracted.
    x : array_like, shape (T,), optional
        Instead of the iteration.
    """
    values = np.asarray(values, float) - (floor or 0.0)
    x = np.arange(len(values)) if x is None else x
    ax.plot(x, np.maximum(values, 1e-16), ls=STYLES[color][1], color=COLORS[color], label=label)
    ax.set(yscale="log")
