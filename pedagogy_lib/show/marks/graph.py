"""Directed graphical models, drawn small: circles for variables, arrows, plates."""

from typing import NamedTuple

from ..colors import COLORS
from ..style import style

_UNIT = 0.95  # inches between neighbors at distance one
_RADIUS = 0.27  # inches
_DOT = 0.055
_PADDING = 0.17  # between a plate and the nodes in it


class Node(NamedTuple):
    """One node. Made by `latent`, `observed`, `parameter` or `factor`."""

    kind: str
    x: float
    y: float
    label: str
    color: str | None
    side: str


class Plate(NamedTuple):
    """A box around nodes that are repeated. Made by `plate`."""

    nodes: tuple
    label: str
    padding: float


def latent(x, y, label, color=None):
    """A variable that is not observed: an open circle at (x, y), in units of the grid."""
    return Node("latent", x, y, label, color, "inside")


def observed(x, y, label, color=None):
    """An observed variable: a shaded circle."""
    return Node("observed", x, y, label, color, "inside")


def parameter(x, y, label, color=None, side="left"):
    """A parameter, no random variable: a small dot with its label on one `side`."""
    return Node("parameter", x, y, label, color, side)


def dots(x, y):
    """An ellipsis: the chain goes on."""
    return Node("dots", x, y, r"$\cdots$", None, "inside")


def plate(nodes, label, padding=0.0):
    """A box around `nodes` (their names), with how often they are repeated in its corner.

    Give an outer plate more `padding` than the one inside it.
    """
    return Plate(tuple(nodes), label, padding)


def graph(nodes, edges, plates=(), title=None, unit=_UNIT):
    """Draw a directed graphical model.

    Parameters
    ----------
    nodes : dict
        Name -> `show.latent`, `show.observed`, `show.parameter` or `show.dots`, each with its place
        on a grid (x to the right, y upwards).
    edges : sequence of str
        `"x -> y"`, a chain `"x1 -> x2 -> x3"`, or `"x -- y"` for an edge without direction.
    plates : sequence of show.plate
    title : str, optional
    unit : float
        Inches between neighbors on the grid.

    Returns
    -------
    matplotlib.figure.Figure
        To be passed to `show.still`.

    Raises
    ------
    ValueError
        If an edge or a plate names a node that is not there, or an edge cannot be read.

    Examples
    --------
    >>> fig = show.graph(
    ...     {"x": show.latent(0, 1, r"$X$"), "y": show.observed(0, 0, r"$Y$")},
    ...     ["x -> y"],
    ...     plates=[show.plate(["x", "y"], r"$N$")],
    ... )
    """
    from matplotlib.figure import Figure

    pairs = _read_edges(edges, nodes)
    for box in plates:
        for name in box.nodes:
            _check_known(name, nodes, f"plate {box.label!r}")
    places = {name: (node.x * unit, node.y * unit) for name, node in nodes.items()}
    boxes = [_plate_box(box, nodes, places) for box in plates]
    left, bottom, right, top = _extent(places, boxes)
    with style():
        fig = Figure()
        ax = fig.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        _fit(ax, left, bottom, right, top)
        for box, corners in zip(plates, boxes):
            _draw_plate(ax, box, corners)
        for start, end, directed in pairs:
            _draw_edge(ax, nodes[start], nodes[end], places[start], places[end], directed)
        for name, node in nodes.items():
            _draw_node(ax, node, *places[name])
        if title:
            ax.text(left + 0.08, top + 0.28, title, va="top", fontsize=11)
        _fit(ax, *_with_texts(ax, left, bottom, right, top))
    return fig


def _fit(ax, left, bottom, right, top):
    """Give the figure the size of these limits: one unit of the axes is one inch."""
    ax.figure.set_size_inches(right - left, top - bottom)
    ax.set(xlim=(left, right), ylim=(bottom, top))


def _with_texts(ax, left, bottom, right, top):
    """Return the limits widened to hold all labels, whose size only drawing can tell."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(ax.figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in ax.texts]
    dots, margin = ax.figure.dpi, 0.06
    return (
        min([left, *(left + box.x0 / dots - margin for box in boxes)]),
        min([bottom, *(bottom + box.y0 / dots - margin for box in boxes)]),
        max([right, *(left + box.x1 / dots + margin for box in boxes)]),
        max([top, *(bottom + box.y1 / dots + margin for box in boxes)]),
    )


def _read_edges(edges, nodes):
    """Return (start, end, directed) for each arrow in the edges as written."""
    pairs = []
    for edge in edges:
        directed = "->" in edge
        names = [name.strip() for name in edge.split("->" if directed else "--")]
        if len(names) < 2 or not all(names):
            raise ValueError(f'graph: an edge is written "x -> y" or "x -- y", got {edge!r}')
        for name in names:
            _check_known(name, nodes, f"edge {edge!r}")
        pairs += [(start, end, directed) for start, end in zip(names, names[1:])]
    return pairs


def _check_known(name, nodes, where):
    if name not in nodes:
        raise ValueError(f"graph: {where} names the node {name!r}; there are {sorted(nodes)}")


def _radius(node):
    return _DOT if node.kind == "parameter" else _RADIUS


def _plate_box(box, nodes, places):
    """Return left, bottom, right, top of a plate in inches."""
    pad = _PADDING + box.padding
    xs = [places[name][0] + sign * _radius(nodes[name]) for name in box.nodes for sign in (-1, 1)]
    ys = [places[name][1] + sign * _radius(nodes[name]) for name in box.nodes for sign in (-1, 1)]
    # Room below for the count, which stands in the corner under the nodes.
    return min(xs) - pad, min(ys) - pad - 0.2, max(xs) + pad, max(ys) + pad


def _extent(places, boxes):
    """Return the frame around everything, with a small margin."""
    reach = _RADIUS + 0.03
    spans = [(x - reach, y - reach, x + reach, y + reach) for x, y in places.values()] + boxes
    lefts, bottoms, rights, tops = zip(*spans)
    return min(lefts) - 0.06, min(bottoms) - 0.06, max(rights) + 0.06, max(tops) + 0.06


def _draw_plate(ax, box, corners):
    from matplotlib.patches import FancyBboxPatch

    left, bottom, right, top = corners
    ax.add_patch(
        FancyBboxPatch(
            (left, bottom),
            right - left,
            top - bottom,
            boxstyle="round,pad=0,rounding_size=0.09",
            facecolor="none",
            edgecolor=COLORS["muted"],
            linewidth=1.0,
        )
    )
    ax.text(right - 0.08, bottom + 0.06, box.label, ha="right", va="bottom", color=COLORS["muted"])


def _draw_edge(ax, start, end, tail, head, directed):
    from matplotlib.patches import FancyArrowPatch

    points = 72  # per inch: the axes are in inches, shrinking is in points
    ax.add_patch(
        FancyArrowPatch(
            tail,
            head,
            arrowstyle="-|>,head_length=0.42,head_width=0.2" if directed else "-",
            mutation_scale=14,
            shrinkA=points * _radius(start),
            shrinkB=points * _radius(end) + 0.6,
            color=COLORS["ink"],
            linewidth=1.3,
            joinstyle="miter",
        )
    )


_SIDES = {  # dx, dy, horizontal and vertical alignment of the label
    "left": (-1, 0, "right", "center"),
    "right": (1, 0, "left", "center"),
    "above": (0, 1, "center", "bottom"),
    "below": (0, -1, "center", "top"),
}


def _draw_node(ax, node, x, y):
    from matplotlib.patches import Circle

    color = COLORS.get(node.color, node.color) if node.color else COLORS["ink"]
    if node.kind == "parameter":
        ax.add_patch(Circle((x, y), _DOT, facecolor=color, edgecolor="none"))
        dx, dy, ha, va = _SIDES[node.side]
        ax.text(x + 0.12 * dx, y + 0.12 * dy, node.label, ha=ha, va=va, color=color, fontsize=12)
        return
    if node.kind != "dots":
        face = COLORS["shade"] if node.kind == "observed" else COLORS["paper"]
        ax.add_patch(Circle((x, y), _RADIUS, facecolor=face, edgecolor=color, linewidth=1.5))
    ax.text(
        x, y, node.label, ha="center", va="center_baseline", color=color, fontsize=12.5, zorder=3
    )
