"""Pictures of discrete states in time: shares, strips, colored letters, tables of probabilities.

Everything here takes arrays and draws on given axes.
"""

import numpy as np

from ..colors import COLORS, CYCLE, blend


def shares(ax, times, probabilities):
    """Draw the probabilities of states over time, state 0 at the bottom: together they fill the axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    times : ndarray, shape (T,), equally spaced
    probabilities : ndarray, shape (T, K)
    """
    times, p = np.asarray(times, float), np.asarray(probabilities, float)
    step = times[1] - times[0] if len(times) > 1 else 1.0
    edges = np.append(times, times[-1] + step) - step / 2
    tops = np.cumsum(p, axis=1)
    tops = np.concatenate([tops, tops[-1:]])
    bottom = np.zeros(len(edges))
    for k in range(p.shape[1]):
        ax.fill_between(edges, bottom, tops[:, k], step="post", facecolor=CYCLE[k % 6], alpha=0.75, linewidth=0)
        if k < p.shape[1] - 1:
            ax.step(edges, tops[:, k], where="post", color=COLORS["paper"], lw=1)
        bottom = tops[:, k]
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, 1), yticks=[0, 1])


def key(ax, names, **place):
    """Write the names of the states above the axes, each beside a block of its color."""
    from matplotlib.patches import Patch

    blocks = [Patch(facecolor=CYCLE[k % 6], alpha=0.75, linewidth=0, label=name) for k, name in enumerate(names)]
    above = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.98), "ncols": len(names), "borderaxespad": 0.0}
    ax.legend(handles=blocks, **(above | place))


def strip(ax, times, states, count, height=0.8, at=0.0):
    """Draw a sequence of states as a row of colored blocks, each run of one state a block.

    The higher the number of a state, the taller its block.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    times : ndarray, shape (T,), equally spaced
    states : ndarray of int, shape (T,)
    count : int
        K, how many states there are.
    height, at : float
        Height of the row, and where its middle lies.
    """
    times, states = np.asarray(times, float), np.asarray(states)
    step = times[1] - times[0] if len(times) > 1 else 1.0
    starts = np.flatnonzero(np.diff(states, prepend=states[0] - 1))
    for first, last in zip(starts, np.append(starts[1:], len(states))):
        k = int(states[first])
        tall = height * (0.3 + 0.7 * k / max(count - 1, 1))
        ax.barh(at, (last - first) * step, left=times[first] - step / 2, height=tall, color=CYCLE[k % 6], alpha=0.8)


def levels(ax, times, y, means, label=None, color="ink"):
    """Draw counts as points, and what was expected of each as a line of steps."""
    ax.plot(times, y, "o", ms=3, color=COLORS["muted"], label="observed")
    ax.step(times, means, where="mid", color=COLORS[color], lw=1.6, label=label)


def table(ax, probabilities, rows, columns, digits=2):
    """Draw a table of probabilities: the darker, the more probable; the numbers on top.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    probabilities : ndarray, shape (I, J)
    rows, columns : sequence of str
    digits : int
        After the point.
    """
    p = np.asarray(probabilities, float)
    for i, j in np.ndindex(*p.shape):
        share = 0.6 * p[i, j]
        face = blend([[1 - share, share]], ["paper", "blue"])[0]
        ax.fill([j - 0.48, j + 0.48, j + 0.48, j - 0.48], [i - 0.48, i - 0.48, i + 0.48, i + 0.48], color=face, lw=0)
        ax.text(j, i, f"{p[i, j]:.{digits}f}", ha="center", va="center", color=COLORS["ink"])
    ax.set(
        xlim=(-0.5, p.shape[1] - 0.5), ylim=(p.shape[0] - 0.5, -0.5), xticks=range(p.shape[1]), xticklabels=columns,
        yticks=range(p.shape[0]), yticklabels=rows,
    )
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def letters(ax, symbols, heights, colors=None, size=11):
    """Draw one letter for each value, at that height.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    symbols : sequence of str
    heights : ndarray, shape (N,), between 0 and 1
    colors : sequence of str, length N, optional
        Names in `show.COLORS`.
    size : float
        Of the letters, in points.
    """
    for i, (symbol, height) in enumerate(zip(symbols, heights)):
        color = COLORS[colors[i]] if colors is not None else COLORS["ink"]
        ax.plot([i, i], [0.5, height], color=COLORS["grid"], lw=1, zorder=0)
        ax.text(i, height, symbol, ha="center", va="center", size=size, color=color)
    ax.set(xlim=(-1, len(symbols)), ylim=(-0.08, 1.08), xticks=[], yticks=[0, 0.5, 1])


def text(ax, line, weights, colors=("blue", "orange"), size=12, row=0.0):
    """Write a line of text, each letter in a blend of two colors.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    line : str
    weights : ndarray, shape (len(line),), the share of the second color
    colors : pair of str
        Names in `show.COLORS`.
    size : float
        Of the letters, in points.
    row : float
        Height of the line.
    """
    weights = np.clip(np.asarray(weights, float), 0.0, 1.0)
    blends = blend(np.column_stack([1 - weights, weights]), colors)
    for i, (letter, color) in enumerate(zip(line, blends)):
        ax.text(i, row, letter, ha="center", va="center", size=size, color=color, family="monospace", weight="bold")
