"""Pictures for directed graphs: who tells of whom, squares of probability.

Everything here takes names, arrows and arrays.
"""

from ..colors import COLORS, CYCLE
from ..marks.graph import graph, latent, observed


def information(places, edges, start, given=(), reached=(), title=None):
    """Draw a graph with the variables that one of them tells of.

    Parameters
    ----------
    places : dict from str to pair of float
        Where each variable stands. Its name is its label: one or two letters.
    edges : sequence of str
        As for `show.graph`.
    start : str
        The variable whose value becomes known; drawn in blue.
    given : iterable of str
        Those known before: shaded.
    reached : iterable of str
        Those that ``start`` tells of: in orange. All others are gray.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    reached = set(reached) - {start}
    nodes = {}
    for name, (x, y) in places.items():
        color = "blue" if name == start else "orange" if name in reached else None if name in given else "muted"
        kind = observed if name in given else latent
        nodes[name] = kind(x, y, rf"$\mathbf{{{name}}}$" if name == start or name in reached else f"${name}$", color)
    return graph(nodes, edges, title=title)


def square(ax, prior, likelihoods, names, outcome):
    """Draw Bayes' theorem as areas: columns as wide as the prior, filled as high as the likelihood.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    prior : sequence of float, shape (K,)
    likelihoods : sequence of float, shape (K,)
        p(outcome | k).
    names : sequence of str
        Of the K causes.
    outcome : str
        What the filled part stands for.
    """
    left = 0.0
    for k, (width, height) in enumerate(zip(prior, likelihoods)):
        ax.bar(left, height, width, align="edge", color=CYCLE[k], alpha=0.75, linewidth=0,
               hatch=("", "//", "..")[k % 3], edgecolor=COLORS["paper"], label=f"{names[k]}, {outcome}")
        ax.bar(left, 1 - height, width, bottom=height, align="edge", color=CYCLE[k], alpha=0.12, linewidth=0)
        left += width
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="prior", ylabel=f"p({outcome} | cause)")
