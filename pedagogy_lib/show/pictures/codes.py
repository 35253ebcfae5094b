"""Pictures of codes: trees of questions, bars of bits, a stack that grows and shrinks.

Everything here takes names, numbers and merges, and draws on given axes.
"""

import numpy as np

from ..colors import COLORS, CYCLE
from ..marks.shapes import label


def tree(ax, names, probabilities, merges, count=None):
    """Draw a tree of questions, or the part of it that has been built: yes to the left.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    names : sequence of K str
        Of the outcomes, which stand at the bottom in the order of the finished tree.
    probabilities : sequence of K float
    merges : sequence of K - 1
        Each has the fields ``yes``, ``no``, ``node`` (numbers of nodes: outcomes first) and
        ``probability``.
    count : int, optional
        How many of the merges to draw, the last of them in orange. All of them, and none in orange,
        if left out.
    """
    merges = list(merges)
    newest, count = count, len(merges) if count is None else count
    places = {outcome: (rank, 0.0) for rank, outcome in enumerate(_order(len(names), merges))}
    for height, merge in enumerate(merges[:count], 1):
        x = (places[merge.yes][0] + places[merge.no][0]) / 2
        places[merge.node] = (x, float(height))
        color = COLORS["orange" if height == newest else "muted"]
        for child, digit in ((merge.yes, "1"), (merge.no, "0")):
            (x0, y0), side = places[child], -1 if digit == "1" else 1
            ax.plot([x0, x0, x], [y0, height, height], color=color, lw=1.6)
            label(ax, x0 + 0.12 * side, height - 0.12, digit, ha="center", va="top", color="muted")
        ax.text(x, height - 0.12, _short(merge.probability), ha="center", va="top", color=COLORS["ink"])
    for outcome, (name, p) in enumerate(zip(names, probabilities)):
        x = places[outcome][0]
        ax.text(x, -0.35, name, ha="center", va="top", color=COLORS["ink"])
        ax.text(x, -1.25, _short(p), ha="center", va="top", color=COLORS["muted"])
    ax.set(xlim=(-0.6, len(names) - 0.4), ylim=(-2.3, len(names) - 0.2), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def letters(ax, probabilities, names, other=None):
    """Draw a distribution as bars, and if wanted another as dots upon them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    probabilities : sequence of K float
    names : sequence of K str
    other : sequence of K float, optional
    """
    places = np.arange(len(names))
    ax.bar(places, probabilities, width=0.75, color=CYCLE[0], alpha=0.55)
    if other is not None:
        ax.plot(places, other, "o", color=CYCLE[1], ms=5)
    ax.set(xticks=places, xticklabels=names, xlim=(-0.7, len(names) - 0.3), ylim=(0, None))
    ax.tick_params(axis="x", length=0)


def stacked(ax, row, parts, height=0.62):
    """Draw a sum as one bar of labeled parts, from left to right.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    row : float
        Where the bar stands.
    parts : sequence of (str, float, str)
        A word, a length (a negative one goes back, above the bar, pale and dashed), and a color of
        `show.COLORS`.
    height : float

    Returns
    -------
    float
        Where the bar ends: the sum.
    """
    end = 0.0
    for word, length, color in parts:
        back = length < 0
        place, size = (row + 0.78 * height, height / 2) if back else (row, height)
        ax.barh(place, length, left=end, height=size, color=COLORS[color], alpha=0.3 if back else 0.55, linewidth=0)
        ax.barh(place, length, left=end, height=size, fill=False, edgecolor=COLORS[color], linewidth=1.0,
                linestyle="--" if back else "-")
        if word:
            label(ax, end + length / 2, place, word, ha="center", va="center")
        end += length
    return end


def _order(size, merges):
    """The outcomes as they stand under the finished tree, from left to right."""
    under = {outcome: [outcome] for outcome in range(size)}
    for merge in merges:
        under[merge.node] = under[merge.yes] + under[merge.no]
    return under[max(under)]


def _short(probability):
    """Two digits after the point, or three where that is exact or the number small; no zero before it."""
    exact = abs(1000 * probability - round(1000 * probability)) < 1e-9 and round(1000 * probability) % 10
    text = f"{probability:.3f}" if exact or probability < 0.1 else f"{probability:.2f}"
    return "1" if text.startswith("1") else text.lstrip("0")
