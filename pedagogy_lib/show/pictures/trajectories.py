"""Pictures of a window of data: trajectories pulled to them, landscapes of a cost, water on a circle.

Everything here takes arrays and draws on given axes.
"""

import numpy as np

from ..colors import COLORS
from ..marks.shapes import band


def guess(ax, times, found, truth=None, data=None, label=None, color="blue"):
    """Draw one entry of a trajectory that was found, the true one, and the data.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    times, found : ndarray, shape (T,)
    truth, data : ndarray, shape (T,), optional
        Data that are NaN are left out.
    label : str, optional
    color : str, a name in `show.COLORS`
    """
    if truth is not None:
        ax.plot(times, truth, color=COLORS["ink"], lw=1.1, label="truth")
    ax.plot(times, found, color=COLORS[color], label=label)
    if data is not None:
        ax.plot(times, data, "o", ms=3.6, color=COLORS["orange"], label="data")


def valleys(costs):
    """The places of the local minima of a curve, ends left out.

    Parameters
    ----------
    costs : array_like, shape (N,)

    Returns
    -------
    ndarray of int
    """
    costs = np.asarray(costs, float)
    middle = costs[1:-1]
    return 1 + np.flatnonzero((middle < costs[:-2]) & (middle <= costs[2:]))


def landscape(ax, places, costs, truth=None, color="blue"):
    """Draw a cost along a line, with a ring at each local minimum and a dot at the lowest.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places, costs : ndarray, shape (N,)
    truth : float, optional
        A dashed line stands there.
    color : str, a name in `show.COLORS`
    """
    if truth is not None:
        ax.axvline(truth, color=COLORS["muted"], lw=1.0, ls="--")
    ax.plot(places, costs, color=COLORS[color], lw=1.4)
    for i in valleys(costs):
        lowest = costs[i] == np.min(costs)
        ax.plot(places[i], costs[i], "o", ms=7 if lowest else 5, mew=1.4, color=COLORS["vermillion"],
                mfc=COLORS["vermillion"] if lowest else COLORS["paper"], zorder=4)


def slope(ax, place, height, rise, width, color="orange", label=None):
    """Draw a slope as a short straight piece through a dot.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    place, height, rise : float
        The piece goes through (place, height) and rises by ``rise`` for each unit.
    width : float
        Of the piece, along the horizontal axis.
    color : str, a name in `show.COLORS`
    label : str, optional
    """
    ends = np.array([-0.5, 0.5]) * width
    ax.plot(place + ends, height + rise * ends, color=COLORS[color], label=label)
    ax.plot(place, height, "o", ms=6, color=COLORS[color], zorder=4)


def blocks(ax, matrix, size, color="blue"):
    """Draw a matrix as squares, the darker the larger, with lines between its blocks.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    matrix : ndarray, shape (N, N)
        Entries below a millionth of the largest are left white.
    size : int
        Of a block.
    color : str, a name in `show.COLORS`
    """
    magnitude = np.abs(np.asarray(matrix, float))
    magnitude = magnitude / magnitude.max()
    for (i, j), value in np.ndenumerate(magnitude):
        if value > 1e-6:
            ax.fill([j, j + 1, j + 1, j], [i, i, i + 1, i + 1], color=COLORS[color], linewidth=0,
                    alpha=0.2 + 0.8 * round(float(np.sqrt(value)), 1))
    n = len(magnitude)
    for edge in range(0, n + 1, size):
        ax.plot([edge, edge], [0, n], color=COLORS["muted"], lw=0.6)
        ax.plot([0, n], [edge, edge], color=COLORS["muted"], lw=0.6)
    ax.set(xlim=(0, n), ylim=(n, 0), aspect="equal", xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def water(ax, places, depth, deviation=None, label=None, color="blue", fill=False, **style):
    """Draw the depth of water along a circle, cut open; the last place is joined to the first.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places, depth : ndarray, shape (N,)
        The places equally far apart.
    deviation : ndarray, shape (N,), optional
        Two of them to each side are shaded.
    label : str, optional
    color : str, a name in `show.COLORS`
    fill : bool
        Shade the water below.
    **style
        Of the line.
    """
    places = np.append(places, places[-1] + places[1] - places[0])
    depth = np.append(depth, depth[0])
    if fill:
        ax.fill_between(places, depth, 0.0, color=COLORS["sky"], alpha=0.3, linewidth=0)
    if deviation is not None:
        band(ax, places, depth, np.append(deviation, deviation[0]), color=color, line=False)
    ax.plot(places, depth, color=COLORS[color], label=label, **style)


def put_water(line, places, depth):
    """Put a line that was drawn before along a circle, cut open: the last place is joined to the first.

    Parameters
    ----------
    line : matplotlib.lines.Line2D
    places, depth : ndarray, shape (N,)
        The places equally far apart.
    """
    line.set_data(np.append(places, 2 * places[-1] - places[-2]), np.append(depth, depth[0]))


def gauges(ax, places, readings=None):
    """Draw gauges as thin posts, and what they read as dots.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places : sequence of float
    readings : sequence of float, optional
    """
    for place in places:
        ax.axvline(place, color=COLORS["muted"], lw=0.8, ls=(0, (2, 2)))
    if readings is not None:
        ax.plot(places, readings, "o", ms=5, color=COLORS["orange"], zorder=4, label="gauges")


def spacetime(ax, field, span, limits, places=()):
    """Draw a field over a circle and time as shades; gauges as lines along time.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    field : ndarray, shape (T, N)
    span : float
        Time from the first row to the last.
    limits : pair of float
        The values at the two ends of the shades.
    places : sequence of float
        In cells.
    """
    ax.imshow(field, origin="lower", aspect="auto", extent=(-0.5, field.shape[1] - 0.5, 0, span),
              vmin=limits[0], vmax=limits[1], interpolation="bilinear")
    for place in places:
        ax.axvline(place, color=COLORS["orange"], lw=1.2, ls=(0, (2, 2)))
