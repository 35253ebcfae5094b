"""Pictures of curves replaced by lines: the line with what it misses, the points, the true belief.

Everything here takes arrays and draws on given axes.
"""

import numpy as np

from ..colors import COLORS
from ..marks.shapes import band


def straight(ax, x, slope, offset, variance=0.0, color="blue", label=None, n_std=2.0, **style):
    """Draw a line in place of a curve, with what it misses as a band about it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x : ndarray, shape (N,)
    slope, offset : float
    variance : float
        Of what the line misses. Where it is zero there is no band.
    color : str, a name in `show.COLORS`
    label : str, optional
    n_std : float
        Half the width of the band, in standard deviations.
    **style
        Of the line.

    Raises
    ------
    ValueError
        If the variance is negative.
    """
    if not variance >= 0:
        raise ValueError(f"straight: variance: expected a number >= 0, got {variance}")
    line = slope * x + offset
    if variance > 0:
        band(ax, x, line, np.full(len(x), np.sqrt(variance)), n_std=n_std, color=color, alpha=0.14, line=False)
    ax.plot(x, line, color=COLORS[color], label=label, **style)


def nodes(ax, x, images, weights, color="green", largest=11.0, label=None):
    """Draw weighted points on a curve; the area is the weight, and a hollow one is negative.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, images, weights : ndarray, shape (P,)
    color : str, a name in `show.COLORS`
    largest : float
        Diameter of the point with the largest weight.
    label : str, optional
    """
    weights = np.asarray(weights, float)
    sizes = largest * np.sqrt(np.abs(weights) / np.abs(weights).max())
    for number, (a, b, weight, size) in enumerate(zip(x, images, weights, sizes)):
        ax.plot(a, b, "o", ms=max(size, 2.0), color=COLORS[color], mew=1.4, zorder=4,
                mfc=COLORS[color] if weight >= 0 else COLORS["paper"], label=label if number == 0 else None)


def truth(ax, x, density, label="truth"):
    """Draw a density that is nobody's approximation: a gray hill with a dark ridge.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, density : ndarray, shape (N,)
    label : str, optional
    """
    x, density = np.asarray(x, float), np.asarray(density, float)
    high = density > 1e-4 * density.max()                   # plains need only their ends
    kept = high | np.roll(high, 1) | np.roll(high, -1)
    kept[[0, -1]] = True
    x, density = x[kept], density[kept]
    ax.fill_between(x, density, color=COLORS["shade"], linewidth=0, alpha=0.8)
    ax.plot(x, density, color=COLORS["ink"], lw=1.2, label=label)


def level(ax, value, label=None, color="orange"):
    """Draw what was observed as a level line."""
    ax.axhline(value, color=COLORS[color], lw=1.4, ls=(0, (4, 2)), label=label)
