"""A shore, the surface of the water along it, and what gauges report of it."""

import numpy as np

from pedagogy_lib.show.colors import COLORS


def shore(ax, km, depth, gauges, town):
    """Draw the shore, and return what draws surfaces on it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    km : ndarray, shape (K,)
    depth : float
        Of the water, in meters; surfaces come in its units.
    gauges : sequence of int
        Where triangles stand.
    town : int
        Where a square stands.

    Returns
    -------
    callable of (truth, guess, deviation=None), arrays of shape (K,)
    """
    ax.axhline(0, color=COLORS["muted"], lw=0.8)
    ax.plot(gauges, np.full(len(gauges), -2.5), "^", ms=8, color=COLORS["vermillion"], clip_on=False)
    ax.plot([town], [-2.5], "s", ms=8, color=COLORS["purple"], clip_on=False)
    (true,) = ax.plot([], [], color=COLORS["muted"], lw=4, alpha=0.6)
    (guessed,) = ax.plot([], [], color=COLORS["blue"], lw=1.8)
    edges = [ax.plot([], [], color=COLORS["blue"], lw=0.8, ls="--")[0] for _ in range(2)]
    ax.set(xlim=(-1, len(km)), ylim=(-3, 7), xlabel="kilometer along the shore", ylabel="surface, m")

    def draw(truth, guess, deviation=None):
        true.set_data(km, depth * truth), guessed.set_data(km, depth * guess)
        for edge, sign in zip(edges, (-2, 2)):
            edge.set_data(*((km, depth * (guess + sign * deviation)) if deviation is not None else ([], [])))

    return draw


def along_the_shore():
    """Colors for places from one end of the shore to the other, to be seen on light and dark ground."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shore", [COLORS["blue"], "#9a9a9a", COLORS["orange"]])


def reports(ax, depth, minutes=27, names=("kilometer 6", "kilometer 42")):
    """Draw axes for what two gauges report, and return what draws a record of shape (T, 2) on them."""
    shades = ("vermillion", "green")
    lines = [ax.plot([], [], "o-", ms=3, lw=1, color=COLORS[c], label=n)[0] for c, n in zip(shades, names)]
    ax.set(xlim=(-0.5, minutes), ylim=(-2.5, 6.5), xlabel="minutes since the slide", ylabel="reported, m")
    ax.legend(loc="upper left", ncols=2)

    def draw(y):
        for line, column in zip(lines, y.T):
            line.set_data(np.arange(len(y)), depth * column)

    return draw
