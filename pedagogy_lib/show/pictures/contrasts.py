"""Pictures of learning by contrast: a curve that competes with noise, and scraps of a picture to be matched."""

import numpy as np

from ..colors import COLORS, CYCLE
from ..style import figure
from .images import picture as gray

#: Colors that stand out from the grays of a photograph; black and white themselves would follow the theme.
BRIGHT, HELD, AROUND = "#4fd2ff", "#fdfdfd", "#101114"
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


def scraps(picture, table, width, grip):
    """Draw a picture with square scraps marked on it, and make room for one that is sought.

    Parameters
    ----------
    picture : ndarray, shape (H, W)
    table : sequence of pairs (x, y), the middles of the scraps
    width : int, the side of a scrap, in pixels
    grip : pair of float
        How far from the middle of the scrap in hand it is held, so that what holds it covers nothing.

    Returns
    -------
    fig : matplotlib.figure.Figure
    place : callable
        Of four middles: the scrap in hand, its partner, a first choice (a cross) and a second (a ring).
    """
    H, W = picture.shape
    fig, ax = figure(width=5.2, height=5.2 * H / W)
    fig.set_layout_engine("none")
    ax.set_position([0, 0, 1, 1])
    gray(ax, picture, limits=(picture.min(), picture.max()), levels=24)
    half = 0.5 * width
    square = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) - 0.5      # pixel 0 is centered on 0
    for middle in table:
        ax.plot(*(square + middle).T, color=CYCLE[1], lw=1.2)
    first = (np.sign(square[:-1] + 0.5) == np.sign(grip)).all(1).argmax()       # the corner towards the grip
    held_by = np.vstack([np.roll(square[:-1], -first, axis=0), square[first], grip])
    around, hand = (ax.plot([], [], color=color, lw=lw)[0] for color, lw in ((AROUND, 4.4), (HELD, 2.2)))
    partner = ax.plot([], [], color=CYCLE[1], lw=2)[0]
    look = {"color": BRIGHT, "mfc": "none", "mew": 3}
    cross, ring = (ax.plot([], [], mark, ms=size, **look)[0] for mark, size in (("x", 14), ("o", 36)))

    def place(held, belongs, first, second):
        for line in (around, hand):
            line.set_data(*(held_by + held).T)
        partner.set_data(*(square + belongs).T)
        cross.set_data([first[0] - 0.5], [first[1] - 0.5])
        ring.set_data([second[0] - 0.5], [second[1] - 0.5])

    return fig, place
