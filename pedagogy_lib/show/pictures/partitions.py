"""Pictures of mixtures: classes in the plane, the lines between them, and beliefs as bars.

Everything here takes arrays and callables and draws on given axes.
"""

import numpy as np

from ..colors import COLORS, CYCLE, blend
from ..marks.shapes import label as write
from ..style import figure

#: One marker for each class, beside its color: no class is told by color alone.
MARKERS = ("o", "^", "s", "D", "v", "P")


def scatter(ax, y, classes=None, names=None, columns=None, size=16):
    """Draw observations in the plane, one color and one marker for each class.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    y : ndarray, shape (N, 2)
    classes : ndarray of int, shape (N,), optional
        Without them all points are drawn alike, in a muted color.
    names : sequence of str, optional
        For a legend.
    columns : pair of str, optional
        For the axis labels.
    size : float
        Of the markers, in points squared.
    """
    if classes is None:
        ax.scatter(*y.T, s=size, c=COLORS["muted"], alpha=0.55, linewidths=0)
    else:
        for k in np.unique(classes):
            label = None if names is None else names[k]
            ax.scatter(*y[classes == k].T, s=size, c=CYCLE[k], marker=MARKERS[k], alpha=0.6, linewidths=0, label=label)
    if columns is not None:
        ax.set(xlabel=columns[0], ylabel=columns[1])
    if names is not None:
        ax.legend(loc="best", handletextpad=0.2)


def boundaries(ax, log_joint, limits, points=180):
    """Draw the lines at which the most probable class changes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    log_joint : callable
        Takes points of shape (N, 2), returns log p(x = k, y) of shape (N, K).
    limits : tuple of four float
        Left, right, bottom, top.
    points : int
        Of the grid, in each direction.
    """
    left, right, bottom, top = limits
    x1, x2 = np.meshgrid(np.linspace(left, right, points), np.linspace(bottom, top, points))
    z = log_joint(np.column_stack([x1.ravel(), x2.ravel()]))
    for k in range(z.shape[1]):
        for j in range(k):
            others = np.delete(z, [j, k], axis=1)
            beaten = (np.maximum(z[:, j], z[:, k])[:, None] < others).any(1)
            lead = np.ma.array(z[:, k] - z[:, j], mask=beaten).reshape(x1.shape)
            if lead.min() < 0 < lead.max():
                ax.contour(x1, x2, lead, levels=[0.0], colors=COLORS["ink"], linewidths=1.6)
    ax.set(xlim=(left, right), ylim=(bottom, top))


def bars(ax, probabilities, names, value=True):
    """Draw a categorical distribution as horizontal bars.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    probabilities : ndarray, shape (K,)
    names : sequence of str
    value : bool
        Whether to write each probability beside its bar.
    """
    rows = np.arange(len(names))
    ax.barh(rows, probabilities, color=CYCLE[: len(names)], height=0.62)
    if value:
        for row, p in zip(rows, probabilities):
            ax.text(min(p, 0.86) + 0.015, row, f"{p:.3f}", va="center", color=COLORS["ink"])
    ax.set(xlim=(0, 1), yticks=rows, yticklabels=names, xlabel="probability")
    ax.yaxis.set_inverted(True)  # the first above, also when drawn again


def curves(axes, x, log_joint, names):
    """Draw, over one variable, each class's share of the density, and below it the posterior.

    Vertical lines mark where the first two classes are equally probable. The axes are left as they are, so
    that this may stand in the `move` of a figure that is drawn once.

    Parameters
    ----------
    axes : pair of matplotlib.axes.Axes
        Upper and lower.
    x : ndarray, shape (N,)
    log_joint : ndarray, shape (N, K)
        log p(x = k, y) at each value.
    names : sequence of str
        For a legend, which the caller draws.
    """
    joint = np.exp(log_joint)
    posterior = joint / joint.sum(1, keepdims=True)
    for k, name in enumerate(names):
        axes[0].fill_between(x, joint[:, k], color=CYCLE[k], alpha=0.35, linewidth=0)
        axes[0].plot(x, joint[:, k], color=CYCLE[k], label=name, ls=("-", "--", ":")[k % 3])
        axes[1].plot(x, posterior[:, k], color=CYCLE[k], ls=("-", "--", ":")[k % 3])
    lead = np.diff(np.sign(joint[:, 1] - joint[:, 0]))
    for edge in x[:-1][lead != 0]:
        for ax in axes:
            ax.axvline(edge, color=COLORS["ink"], lw=1)


def segment(ax, start, end, text, color="ink", offset=(4, 4)):
    """Draw an arrow from one point to another, with a word beside its head."""
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": COLORS[color], "lw": 1.6})
    ax.annotate(text, end, textcoords="offset points", xytext=offset, color=COLORS[color])


def line(ax, normal, threshold, **style):
    """Draw the line of points y with ``normal @ y == threshold``, across the whole axes."""
    foot = normal * threshold / (normal @ normal)
    along = np.array([-normal[1], normal[0]])
    ax.axline(foot, foot + along, **({"color": COLORS["ink"], "lw": 1.6} | style))


def responsibilities(ax, y, weights, size=18):
    """Draw observations colored by how much of each belongs to which class.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    y : ndarray, shape (N, 2)
    weights : ndarray, shape (N, K)
        Responsibilities; rows sum to one. The marker is that of the most responsible class.
    size : float
        Of the markers, in points squared.
    """
    best = weights.argmax(1)
    for k in np.unique(best):
        own = best == k
        colors = blend(weights[own], CYCLE[: weights.shape[1]])
        ax.scatter(*y[own].T, s=size, c=colors, marker=MARKERS[k], linewidths=0)


def unknown(y, classes, names, columns, places, means, posterior, limits):
    """Draw a star among points of known classes, a line to the nearest mean, and the belief as bars.

    Parameters
    ----------
    y : ndarray, shape (N, 2)
    classes : ndarray of int, shape (N,)
    names : sequence of str
    columns : pair of str
        For the axis labels.
    places : sequence of pairs
        Where the name of each class is written.
    means : ndarray, shape (K, 2)
        Of the classes.
    posterior : callable
        Of a point of shape (2,). Returns the probability of each class, shape (K,).
    limits : tuple of four float
        Left, right, bottom, top.

    Returns
    -------
    fig : matplotlib.figure.Figure
    move : callable
        Of the star's two coordinates.
    """
    fig, (ax, side) = figure(ncols=2, height=3.7, width_ratios=(2, 1), wspace=0.95)
    scatter(ax, y, classes, columns=columns)
    for name, place, color in zip(names, places, CYCLE):
        write(ax, *place, name, color, ha="center")
    (link,) = ax.plot([], [], color=COLORS["ink"], lw=1.2, ls="--")
    (star,) = ax.plot([], [], "*", ms=15, color=COLORS["ink"])
    K = len(names)
    rows = side.barh(range(K), np.ones(K), color=CYCLE[:K], height=0.55)
    shares = [side.text(0.04, k - 0.47, "", va="center", color=COLORS["ink"]) for k in range(K)]
    ax.set(xlim=limits[:2], ylim=limits[2:])
    side.set(xlim=(0, 1), ylim=(K - 0.6, -0.75), yticks=range(K), yticklabels=names)
    side.set(xlabel="probability", xticks=[0, 0.5, 1])

    def move(first, second):
        here = np.array([first, second])
        nearest = means[((here - means) ** 2).sum(1).argmin()]
        link.set_data(*np.transpose([here, nearest]))
        star.set_data([first], [second])
        for row, share, p in zip(rows, shares, posterior(here)):
            row.set_width(p)
            share.set_text(f"{p:.3f}")

    return fig, move
