"""Pictures of noise-contrastive estimation: a curve that competes with noise, and what a classifier makes of both."""

import numpy as np

from ..colors import COLORS, CYCLE
from ..style import figure

#: The most marks of data, and of noise, that are drawn.
MARKS = 40


def against_noise(values, axis, ratio, top, unit, titles):
    """Draw data, and make room for a noise, a learned curve and the classifier that goes with them.

    Parameters
    ----------
    values : ndarray, shape (N,), the data
    axis : ndarray, shape (M,), where curves are drawn, evenly spaced
    ratio : float, draws of noise for each datum
    top : float, the highest density that is shown
    unit : str, such as "minutes"
    titles : pair of str, of the curve's side and of the classifier's

    Returns
    -------
    fig : matplotlib.figure.Figure
    place : callable
        Of (noise, curve, drawn, words): the two densities along the axis, some draws, and a short text. It puts all
        marks in place.
    """
    fig, (ax, side) = figure(ncols=2, height=3.3)
    ax.hist(values, bins=np.linspace(axis[0], axis[-1], 21), density=True, color=COLORS["muted"], alpha=0.35)
    bell, learned = ax.plot([], [], color=CYCLE[1], lw=1.6)[0], ax.plot([], [], color=CYCLE[0], lw=2.2)[0]
    answer, rug = side.plot([], [], color=CYCLE[0], lw=2.2)[0], side.plot([], [], "|", color=CYCLE[1], ms=8)[0]
    some = values[:: max(1, len(values) // MARKS)]
    side.plot(some, np.full(len(some), 1.04), "|", color=COLORS["muted"], ms=8)
    text = ax.text(axis[-1], 1.015 * top, "", ha="right", va="bottom")
    ax.set(xlim=axis[[0, -1]], ylim=(0, top), xlabel=unit, ylabel="density", title=titles[0])
    ax.title.set_horizontalalignment("left")
    side.set(xlim=axis[[0, -1]], ylim=(-0.1, 1.1), yticks=[0, 0.5, 1], xlabel=unit, title=titles[1])

    def place(noise, curve, drawn, words):
        bell.set_data(axis, noise)
        learned.set_data(axis, np.minimum(curve, 10 * top))
        answer.set_data(axis, curve / (curve + ratio * noise + 1e-300))
        rug.set_data(drawn[:MARKS], np.full(min(MARKS, len(drawn)), -0.04))
        text.set_text(words)

    return fig, place
