"""Graphs whose nodes are words in boxes, drawn once: boxes and edges may then change from state to state.

Everything here takes names, places and pairs of names.
"""

from typing import NamedTuple

from ..colors import COLORS


class WordGraph(NamedTuple):
    """The artists of a graph, to be changed by `move`.

    boxes : dict from str to matplotlib.text.Text
    lines : dict from pair of str to matplotlib.lines.Line2D
    heads : dict from pair of str to matplotlib.patches.Polygon; empty where the graph has no arrows
    """

    boxes: dict
    lines: dict
    heads: dict

    def show_edges(self, edges, color=COLORS["ink"], width=1.4):
        """Show these edges and no others."""
        for pair, line in self.lines.items():
            line.set_visible(pair in edges)
            line.set(color=color, lw=width)
        for pair, head in self.heads.items():
            head.set_visible(pair in edges)

    def paint(self, colors, faces=()):
        """Give every box an edge and a text of the color named for it (default: ink), and shade some."""
        for name, box in self.boxes.items():
            color = colors.get(name, COLORS["ink"])
            box.set_color(color)
            face = COLORS["shade"] if name in faces else COLORS["paper"]
            box.get_bbox_patch().set(edgecolor=color, facecolor=face, linewidth=2.0 if name in colors else 1.2)


def word_graph(ax, places, edges, directed=False, words=None, size=10.5, margin=(0.55, 0.4), head=0.053):
    """Draw a graph into axes, with a word at each node.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its frame is taken away.
    places : dict from str to pair of float
    edges : sequence of pairs of str
        All edges that any state shows.
    directed : bool
        Whether to put an arrowhead in the middle of each edge.
    words : dict from str to str, optional
        What stands at a node, if not its name.
    size : float
        Of the letters, in points.
    margin : pair of float
        Room to the left and right, and above and below.
    head : float
        The length of an arrowhead, as a share of the graph's larger side.

    Returns
    -------
    WordGraph
    """
    words = words or {}
    lines, heads = {}, {}
    xs, ys = zip(*places.values())
    length = head * max(max(xs) - min(xs), max(ys) - min(ys))
    for a, b in edges:
        (x0, y0), (x1, y1) = places[a], places[b]
        lines[a, b] = ax.plot([x0, x1], [y0, y1], color=COLORS["ink"], lw=1.4, zorder=1)[0]
        if directed:
            heads[a, b] = _head(ax, (x0, y0), (x1, y1), length)
    boxes = {}
    for name, (x, y) in places.items():
        box = {"boxstyle": "round,pad=0.28", "facecolor": COLORS["paper"], "edgecolor": COLORS["ink"], "linewidth": 1.2}
        boxes[name] = ax.text(x, y, words.get(name, name), ha="center", va="center", fontsize=size, bbox=box, zorder=3)
    ax.set_axis_off()
    ax.set(xlim=(min(xs) - margin[0], max(xs) + margin[0]), ylim=(min(ys) - margin[1], max(ys) + margin[1]))
    return WordGraph(boxes, lines, heads)


def _head(ax, tail, tip, length, share=0.62):
    """A triangle on the way from tail to tip."""
    from matplotlib.patches import Polygon

    dx, dy = tip[0] - tail[0], tip[1] - tail[1]
    distance = (dx**2 + dy**2) ** 0.5
    dx, dy, width = dx / distance, dy / distance, 0.44 * length
    x, y = tail[0] + share * (tip[0] - tail[0]), tail[1] + share * (tip[1] - tail[1])
    back = x - length * dx, y - length * dy
    corners = [(x, y), (back[0] - width * dy, back[1] + width * dx), (back[0] + width * dy, back[1] - width * dx)]
    return ax.add_patch(Polygon(corners, closed=True, color=COLORS["ink"], linewidth=0, zorder=2))
