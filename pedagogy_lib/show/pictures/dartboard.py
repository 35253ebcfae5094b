"""A board of rings and sectors, seen from the front."""

import numpy as np

from ..colors import COLORS, blend


def board(ax, numbers, radii, size=9.5):
    """Draw sectors, the narrow rings that count more, and the numbers around them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    numbers : sequence
        Of the sectors, clockwise; the first is at the top.
    radii : sequence of six floats
        From the middle: of the bull, of the ring around it, of the treble's two edges, of the double's two edges.
    size : float
        Of the numbers, in points.
    """
    count = len(numbers)
    bull, ring, *edges, rim = radii
    for k, number in enumerate(numbers):
        turn = 2 * np.pi * (k + np.linspace(-0.5, 0.5, 5)) / count
        if k % 2:
            _patch(ax, turn, ring, rim, COLORS["grid"])
        for inner, outer in ((edges[0], edges[1]), (edges[2], rim)):
            _patch(ax, turn, inner, outer, _shade(0.55 if k % 2 else 0.3))
        middle = 2 * np.pi * k / count
        place = 1.1 * rim * np.array([np.sin(middle), np.cos(middle)])
        ax.text(*place, str(number), ha="center", va="center", fontsize=size, color=COLORS["muted"])
    around = np.linspace(0, 2 * np.pi, 41)
    for radius, shade in ((ring, 0.3), (bull, 0.75)):
        _patch(ax, around, 0, radius, _shade(shade))
    ax.plot(rim * np.sin(around), rim * np.cos(around), color=COLORS["muted"], lw=0.8)
    ax.set_aspect("equal")


def _patch(ax, turn, inner, outer, color):
    """Fill the piece of a ring between two radii, over angles clockwise from the top."""
    arc = np.stack([np.sin(turn), np.cos(turn)])
    ax.fill(*np.hstack([inner * arc, outer * arc[:, ::-1]]), color=color, lw=0)


def _shade(weight):
    """Gray, as dark as `weight` says."""
    return blend([[weight, 1 - weight]], ["muted", "paper"])[0]
