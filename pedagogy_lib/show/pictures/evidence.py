"""Pictures for directed graphs: who tells of whom, squares of probability.

Everything here takes names, arrows and arrays.
"""

from ..colors import COLORS, CYCLE
from ..marks.graph import graph, latent


def information(places, edges, title=None):
    """Draw a graph, once, to show with `tell` which variables one of them tells of.

    Parameters
    ----------
    places : dict from str to pair of float
        Where each variable stands. Its name is its label: one or two letters.
    edges : sequence of str
        As for `show.graph`.
    title : str, optional
        The longest of the titles that are to come.

    Returns
    -------
    fig : matplotlib.figure.Figure
    tell : callable
        ``tell(start, given=(), reached=(), title=None)`` sets the colors: ``start``, whose value
        becomes known, is blue; those that it tells of, ``reached``, are orange; those known before,
        ``given``, are shaded; all others are gray.
    """
    from matplotlib.patches import Circle

    fig = graph({name: latent(x, y, f"${name}$") for name, (x, y) in places.items()}, edges, title=title)
    ax = fig.axes[0]
    circles, letters = [patch for patch in ax.patches if isinstance(patch, Circle)], ax.texts[: len(places)]
    titles = ax.texts[len(places) :]

    def tell(start, given=(), reached=(), title=None):
        for name, circle, letter in zip(places, circles, letters):
            told = name == start or name in reached
            color = COLORS["blue" if name == start else "orange" if told else "ink" if name in given else "muted"]
            circle.set(edgecolor=color, facecolor=COLORS["shade" if name in given else "paper"])
            letter.set(color=color, text=rf"$\mathbf{{{name}}}$" if told else f"${name}$")
        for text in titles:
            text.set_text(title or "")

    return fig, tell


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
