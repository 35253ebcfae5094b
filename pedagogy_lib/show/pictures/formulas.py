"""Pictures of notation: formulas whose symbols can be told apart, and tables that are cut."""

import numpy as np

from ..colors import COLORS

#: How each kind of symbol is drawn once it is revealed: color, and a line below for eyes without color.
KINDS = {"argument": ("purple", ":"), "variable": ("ink", "-"), "dummy": ("green", "--")}


def formula(ax, tokens, reveal=True, size=19):
    """Write a formula token by token, and mark what each symbol is.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its frame is taken away.
    tokens : sequence of (text, kind)
        Mathematical text without dollar signs; ``kind`` is a key of `KINDS`, or None for what is
        no symbol of interest.
    reveal : bool
        Whether colors and lines are shown.
    size : float
        Of the letters, in points.
    """
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    points = 72 * ax.figure.get_figwidth() * ax.get_position().width  # from left to right
    x = 0.02
    for text, kind in tokens:
        color, line = KINDS[kind] if reveal and kind else ("ink", None)
        written = ax.text(x, 0.5, f"${text}$", fontsize=size, color=COLORS[color], va="baseline")
        end = x + _width(written) / points
        if line:
            ax.plot([x, end], [0.36, 0.36], color=COLORS[color], ls=line, lw=1.6)
        x = end + 0.004


def key(ax, size=10.5):
    """Write what the lines of `formula` mean."""
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    for i, (kind, (color, line)) in enumerate(KINDS.items()):
        ax.plot([0.02 + 0.3 * i, 0.08 + 0.3 * i], [0.5, 0.5], color=COLORS[color], ls=line, lw=1.6)
        ax.text(0.1 + 0.3 * i, 0.5, kind, color=COLORS[color], va="center", fontsize=size)


def table(ax, values, rows, columns, strong=None, digits=2):
    """Write a table of numbers, with some cells shaded.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : ndarray, shape (R, C)
    rows, columns : sequences of str
    strong : ndarray of bool, shape (R, C), optional
        Cells to shade; the others are written in gray.
    digits : int
    """
    values = np.asarray(values, float)
    strong = np.ones(values.shape, bool) if strong is None else np.asarray(strong)
    ax.set_axis_off()
    ax.set(xlim=(-1.1, len(columns)), ylim=(len(rows), -1))
    for j, name in enumerate(columns):
        ax.text(j + 0.5, -0.4, name, ha="center", va="center")
    for i, name in enumerate(rows):
        ax.text(-0.1, i + 0.5, name, ha="right", va="center")
        for j in range(len(columns)):
            ax.fill([j, j + 1, j + 1, j], [i, i, i + 1, i + 1], facecolor=COLORS["shade"] if strong[i, j] else "none",
                    edgecolor=COLORS["muted"], lw=0.8)
            ax.text(j + 0.5, i + 0.5, f"{values[i, j]:.{digits}f}", ha="center", va="center",
                    color=COLORS["ink" if strong[i, j] else "muted"])


def _width(written):
    """Return how wide mathematical text is, in points: the same at every resolution."""
    from matplotlib.textpath import text_to_path

    return text_to_path.get_text_width_height_descent(written.get_text(), written.get_fontproperties(), True)[0]
