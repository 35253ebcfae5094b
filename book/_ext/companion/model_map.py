"""The directive `model-map`: the models, or the methods, as a drawing with links, and the same as a list.

Positions come from `book/model_map.yml` and `book/method_map.yml`. The drawing is for the eye; the list says the same
to a screen reader and to a keyboard, and takes the drawing's place on a narrow telephone.
"""

import math
import textwrap
from functools import cache
from html import escape

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .ledger import ROOT

logger = logging.getLogger(__name__)
MAP = ROOT / "book" / "model_map.yml"
MAPS = {"models": MAP, "methods": ROOT / "book" / "method_map.yml"}
WIDTH, HEIGHT = 188, 70  # of a node
LINE = 18  # between two lines of text
NAME_COLUMNS = 20  # of a node's name


class ModelMap(SphinxDirective):
    """The drawing, or with `:as: list` the same in words; `:of:` says whether of models or of methods."""

    option_spec = {"as": directives.unchanged, "of": lambda word: directives.choice(word, tuple(MAPS))}

    def run(self):
        of = self.options.get("of", "models")
        self.env.note_dependency(str(MAPS[of]))
        model_map = yaml.safe_load(MAPS[of].read_text(encoding="utf-8"))
        for key, node in model_map["nodes"].items():
            node["link"] = self.link(key, node)
        if self.options.get("as") == "list":
            return [self.listing(model_map)]
        return [nodes.raw("", svg(model_map, of), format="html")]

    def link(self, key, node):
        page = node.get("page")
        if page is None:
            return None
        if page not in self.env.found_docs:
            logger.warning("model map: %s has no page %s", key, page, location=self.get_location())
            return None
        return self.env.app.builder.get_relative_uri(self.env.docname, page)

    def listing(self, model_map):
        """Every model with its changes, in words."""
        items = nodes.bullet_list(classes=["model-list"])
        for key, node in model_map["nodes"].items():
            line = nodes.paragraph("", "", self.label(node))
            item = nodes.list_item("", line)
            leaving = [edge for edge in model_map["edges"] if edge["from"] == key]
            if leaving:
                changes = nodes.bullet_list()
                for edge in leaving:
                    target = model_map["nodes"][edge["to"]]
                    text = nodes.Text(f"{edge['change']} → {target['name']}")
                    changes += nodes.list_item("", nodes.paragraph("", "", text))
                item += changes
            items += item
        return items

    def label(self, node):
        text = f"{node['name']} ({node['section']})"
        if node["link"]:
            return nodes.reference("", text, refuri=node["link"], internal=True)
        return nodes.inline("", f"{text}, planned")


def svg(model_map, of="models") -> str:
    """The drawing. Colors come from the style sheet, so that it follows the theme."""
    width, height = model_map["size"]
    named = model_map["nodes"]
    lines = "\n".join(edge_svg(edge, named) for edge in model_map["edges"])
    labels = [label_svg(edge, named) for edge in model_map["edges"]]
    boxes = "\n".join(node_svg(node) for node in named.values())
    columns = model_map.get("heads", [])
    heads = "\n".join(text_svg([head["name"]], (head["x"], head["y"]), "map-name") for head in columns)
    blots, changes = ("\n".join(part) for part in zip(*labels))
    region = f'class="model-map" role="region" aria-label="Map of {of}" tabindex="0"'
    arrow = 'viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"'
    return f"""<div {region}>
<svg viewBox="0 0 {width} {height}" role="group" aria-labelledby="map-of-{of}">
<title id="map-of-{of}">The {of}, and the one change that turns one into another;
the list in words says the same</title>
<defs><marker id="model-map-head" {arrow}>
<path class="map-head" d="M0 1 L10 5 L0 9 z"/></marker></defs>
{heads}
{lines}
{blots}
{changes}
{boxes}
</svg>
</div>"""


@cache
def _drawn(text):
    return yaml.safe_load(text)


def here(keys, link) -> str:
    """The model map in small, without words, with some boxes filled: where a lesson stands."""
    model_map = _drawn(MAP.read_text(encoding="utf-8"))
    width, height = model_map["size"]
    named = model_map["nodes"]
    lines = "".join(edge_svg(edge, named, head="") for edge in model_map["edges"])
    boxes = "".join(
        f'<rect class="{"here" if key in keys else "away"}" x="{node["x"] - WIDTH / 2:.0f}" '
        f'y="{node["y"] - HEIGHT / 2:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="10"/>'
        for key, node in named.items()
    )
    names = " and ".join(named[key]["name"] for key in keys)
    return (
        f'<a class="map-here" href="{escape(link, quote=True)}"><span>You are here: {escape(names)}</span>'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{lines}{boxes}</svg></a>'
    )


def edge_svg(edge, named, head=' marker-end="url(#model-map-head)"') -> str:
    """The line of an edge, from border to border."""
    bends = map(tuple, edge.get("via", []))
    points = [center(named[edge["from"]]), *bends, center(named[edge["to"]])]
    points = [border(points[0], points[1]), *points[1:-1], border(points[-1], points[-2])]
    path = "M" + " L".join(f"{x:.0f} {y:.0f}" for x, y in points)
    return f'<path class="map-edge" d="{path}"{head}/>'


def label_svg(edge, named) -> tuple[str, str]:
    """The change written on an edge: a patch that hides the line, and the text above it.

    Apart, so that no patch covers the text of another edge.
    """
    horizontal = named[edge["from"]]["y"] == named[edge["to"]]["y"]
    x, y = edge["at"]
    lines = textwrap.wrap(edge["change"], edge.get("wrap", 15 if horizontal else 30))
    half, height = max(map(len, lines)) * 3.7 + 3, LINE * len(lines)
    patch = (
        f'<rect class="map-blot" x="{x - half:.0f}" y="{y - height / 2:.0f}" '
        f'width="{2 * half:.0f}" height="{height}"/>'
    )
    return patch, text_svg(lines, (x, y), "map-change")


def node_svg(node) -> str:
    x, y = center(node)
    kind = "map-written" if node["link"] else "map-planned"
    status = "" if node["link"] else ", planned"
    corner = f'x="{x - WIDTH / 2:.0f}" y="{y - HEIGHT / 2:.0f}"'
    rect = f'<rect {corner} width="{WIDTH}" height="{HEIGHT}" rx="10"/>'
    lines = textwrap.wrap(node["name"], NAME_COLUMNS)
    name = text_svg(lines, (x, y - LINE / 2), "map-name")
    section = text_svg([node["section"] + status], (x, y + LINE * len(lines) / 2), "map-section")
    box = f'<g class="{kind}">{rect}{name}{section}</g>'
    if not node["link"]:
        return box
    return f'<a href="{escape(node["link"], quote=True)}">{box}</a>'


def text_svg(lines, at, css) -> str:
    """Lines of text, centered on a point."""
    x, y = at
    top = y - LINE * (len(lines) - 1) / 2
    spans = "".join(
        f'<tspan x="{x:.0f}" y="{top + LINE * i + 5:.0f}">{escape(line)}</tspan>'
        for i, line in enumerate(lines)
    )
    return f'<text class="{css}" text-anchor="middle">{spans}</text>'


def center(node):
    return node["x"], node["y"]


def border(inside, outside):
    """Where the line from a node's center to a point leaves the node's box."""
    dx, dy = outside[0] - inside[0], outside[1] - inside[1]
    reach = [half / abs(d) for half, d in ((WIDTH / 2 + 4, dx), (HEIGHT / 2 + 4, dy)) if d]
    step = min(reach, default=math.inf)
    return inside[0] + dx * step, inside[1] + dy * step


def setup(app):
    app.add_directive("model-map", ModelMap)
