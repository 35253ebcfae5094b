"""A figure drawn once, and then only its marks that move.

Matplotlib takes a tenth of a second to draw a figure, nearly all of it for axes, letters and points
that are the same in every state. `Recorder` draws the whole figure once, with an empty place for each
mark that moves. For each state it draws these marks alone, with Matplotlib's own SVG renderer, so
that it can be any artist and looks as in a whole drawing. Which marks moved, Matplotlib knows
itself: an artist is `stale` from a change until it is drawn. What `move` draws itself moves anyway.
"""

import io
import re
from contextlib import contextmanager

from ..style import style
from . import packing
from .svg import MARK, compact, compact_marks, merge_clips

_TAG = re.compile(r"<[^>]*>")
_DEFINED = re.compile(r"<\w+ id='(~\w+)'")
_STYLE = re.compile(r"style='([^']*)'")
_CLASS = re.compile(r"class='s(\d+)'")


class AxesMoved(Exception):
    """`move` changed more than marks: limits, ticks, sizes, which axes there are."""


class Recorder:
    """The states of one figure, taken one after the other, inside `studio`.

    Parameters
    ----------
    slate : Slate
        The figure in its starting state, drawn at least once.
    names : dict
        Short SVG names; see `svg.compact`.
    dpi : float
        The resolution of images, as `studio` gives it.
    """

    def __init__(self, slate, names, dpi):
        self.slate, self.fig, self._names, self._dpi = slate, slate.fig, names, dpi
        self.fig.set_layout_engine("none")  # what the first drawing laid out stays where it is
        self._geometry = _geometry(slate)
        added = {id(artist) for _, artist in slate.added()}
        self._artists = [artist for artist in _marks(slate) if id(artist) not in added]
        self._axis = [axis for ax in slate.axes for axis in ax._axis_map.values()]
        self._ticks = [_ticks(axis) for axis in self._axis]
        self._definitions = {}
        self._layers = {}  # (number of the axes, height) of what `move` drew itself -> number
        self._now = self._draw({number: [artist] for number, artist in enumerate(self._artists)})
        self._settle()
        self._moving = {}  # number of an artist or a layer -> its texts, one for each state so far
        self.count = 0

    def take(self):
        """Record the state that the figure is in."""
        self._check_axes()
        moved = {n: [artist] for n, artist in enumerate(self._artists) if _is_stale(artist)}
        layers = dict.fromkeys(self._layers.values(), ())
        for number, artist in self.slate.added():
            key = (number, artist.get_zorder())
            layer = self._layers.setdefault(key, len(self._artists) + len(self._layers))
            layers[layer] = [*layers.get(layer, ()), artist]
        for number in (*moved, *layers):
            # It had not moved until now: in all states before, it looked as at the start.
            self._moving.setdefault(number, [self._now.get(number, "")] * self.count)
        self._now |= self._draw(moved | layers)
        self._settle()
        for number, texts in self._moving.items():
            texts.append(self._now[number])
        self.count += 1

    def background(self):
        """Return the lines of the whole figure, with an empty place for each mark that moves."""
        self.slate.wipe()
        places = {number: place for place, number in enumerate(self._varied())}
        artists = {number: self._artists[number] for number in places if number < len(self._artists)}
        layers = [(axes, _layer(places[n], height)) for (axes, height), n in self._layers.items() if n in places]
        with _empty_places(artists, places):
            for axes, layer in layers:
                self.slate.put_last(axes, layer)
            text = io.StringIO()
            self.fig.savefig(text, format="svg", transparent=True)
            for axes, layer in layers:
                self.slate.take_back(axes, layer)
        lines = compact(text.getvalue(), self._names)
        self._settle()
        known = set(_DEFINED.findall("".join(lines)))
        new = [text for text in self._definitions if not set(_DEFINED.findall(text)) <= known]
        if not new:
            return lines
        if lines[1] == "<defs>":
            return [*lines[:2], *new, *lines[2:]]
        return [lines[0], "<defs>", *new, "</defs>", *lines[1:]]

    def texts(self):
        """Return the marks that moved, each as a list of its texts, one for each state."""
        return list(self._varied().values())

    def _varied(self):
        """Return the marks that differ between states, and what `move` drew; the others stay."""
        own = len(self._artists)
        return {n: texts for n, texts in self._moving.items() if n >= own or len(set(texts)) > 1}

    def _check_axes(self):
        if _geometry(self.slate) != self._geometry or not self.slate.is_whole():
            raise AxesMoved
        for axis, ticks in zip(self._axis, self._ticks):
            if axis.stale and _ticks(axis) != ticks:
                raise AxesMoved

    def _settle(self):
        """Call nothing stale: what changes from now on is what `move` changes next."""
        for artist in self._artists:
            for part in artist.findobj():
                part.stale = False
        for axis in self._axis:
            axis.stale = False

    def _draw(self, groups):
        """Return number -> text for groups of artists, as they are now."""
        text = io.StringIO()
        renderer, svg = _renderer(self.fig, text, self._dpi)
        for number, artists in groups.items():
            svg.writer.start("g", id=f"{MARK}{number}")
            for artist in artists:
                if artist.get_visible():
                    artist.draw(renderer)
            svg.writer.end("g")
        renderer.finalize()
        marks, definitions = compact_marks(text.getvalue(), self._names)
        self._definitions |= dict.fromkeys(_whole(definitions))
        return {number: "".join(marks[number]) for number in groups}


class Marks:
    """What a page carries of a figure drawn once: the background, and numbers for what moves.

    Parameters
    ----------
    background : list of str
        Lines of SVG with the places of the marks.
    texts : list of list of str
        By place, what stands in it in each state.
    shape : tuple of int
        How many values each control has.
    styles : dict
        Distinct styles so far, style -> number; added to.
    """

    def __init__(self, background, texts, shape, styles):
        self.background, self.styles = background, styles
        self._texts = None
        self.packed = [
            packing.pack([_with_classes(text, styles) for text in column], shape) for column in texts
        ]

    def get(self, index):
        """Return the lines of one state as the page shows it, read back from what it carries."""
        if self._texts is None:
            self._texts = [packing.unpack(packed) for packed in self.packed]
        styles = list(self.styles)
        return filled(self.background, [_with_styles(column[index], styles) for column in self._texts])

    def opening(self, index, _drawn):
        """Return the lines that show first, with the places that the script fills."""
        return self.get(index)

    def payload(self):
        """Return what the script needs, ready for JSON."""
        return {"marks": self.packed, "styles": list(self.styles)}


def filled(background, texts):
    """Return the lines of a background with a text in each of its places."""
    out = []
    for line in background:
        place = line.removeprefix("<g data-mark='").removesuffix("'/>") if "data-mark" in line else ""
        out.append(f"{line[:-2]}>{texts[int(place)]}</g>" if place else line)
    return out


def picture(lines):
    """Return the tags of what a drawing shows, in order, whichever way it was put together.

    Drawings with equal pictures look the same, because names are derived from what they name.
    """
    text = "".join(lines).rpartition("</defs>")[2]
    tags, places = [], []
    for tag in _TAG.findall(text):
        if tag.startswith("<g ") and not tag.endswith("/>"):
            places.append(tag.startswith("<g data-mark"))
            if places[-1]:
                continue
        elif tag == "</g>" and places.pop():
            continue
        tags.append(tag)
    return merge_clips(tags)


# Artists -----------------------------------------------------------------------------------------


def _marks(slate):
    """Return what may move: all that stands in a figure and in its axes, but no axes and no axis."""
    fig, axes = slate.fig, slate.axes
    fixed = {id(ax) for ax in axes} | {id(fig.patch)} | {id(ax.patch) for ax in axes}
    fixed |= {id(axis) for ax in axes for axis in ax._axis_map.values()}
    labels = [axis.label for ax in axes for axis in ax._axis_map.values()]
    children = [child for holder in (fig, *axes) for child in holder.get_children()]
    return [child for child in [*children, *labels] if id(child) not in fixed]


def _is_stale(artist):
    return any(part.stale for part in artist.findobj())


def _geometry(slate):
    """Return what must stay for a background to stay: sizes, places, limits and scales."""
    axes = [
        (ax.get_position().bounds, ax.viewLim.bounds, ax.get_xscale(), ax.get_yscale(), ax.axison)
        for ax in slate.axes
    ]
    return tuple(slate.fig.get_size_inches()), axes


def _ticks(axis):
    """Return what an axis shows: `move` may set again what is set already."""
    places = [tuple(axis.get_majorticklocs()), tuple(axis.get_minorticklocs())]
    return places, [label.get_text() for label in axis.get_ticklabels()]


def _draw_place(place):
    """Return a way to draw that leaves an empty group."""

    def draw(renderer, *args, **kw):
        renderer.writer.start("g", id=f"{MARK}{place}")
        renderer.writer.end("g")

    return draw


def _layer(place, height):
    """Return an artist that keeps the place, at a certain height, of what `move` draws."""
    from matplotlib.artist import Artist

    layer = Artist()
    layer.set_zorder(height)
    layer.draw = _draw_place(place)
    return layer


@contextmanager
def studio(fig):
    """Let a figure be as it is while Matplotlib saves it as SVG: house style, 72 dots per inch.

    Gives the resolution that the figure has otherwise, and that its images keep.
    """
    dpi, fig.dpi = fig.dpi, 72
    try:
        with style():
            yield dpi
    finally:
        fig.dpi = dpi


def _renderer(fig, target, dpi):
    """Return a renderer as `savefig` makes it for SVG, and the SVG writer behind it."""
    from matplotlib.backends.backend_mixed import MixedModeRenderer
    from matplotlib.backends.backend_svg import RendererSVG

    width, height = fig.get_size_inches()
    svg = RendererSVG(width * 72, height * 72, target, image_dpi=dpi)
    return MixedModeRenderer(fig, width, height, 72, svg), svg


@contextmanager
def _empty_places(artists, places):
    """Let artists (number -> artist) draw nothing but an empty group that bears their place."""
    visible = {number: artist.get_visible() for number, artist in artists.items()}
    try:
        for number, artist in artists.items():
            artist.set_visible(True)
            artist.draw = _draw_place(places[number])
        yield
    finally:
        for number, artist in artists.items():
            artist.__dict__.pop("draw", None)
            artist.set_visible(visible[number])


# Texts -------------------------------------------------------------------------------------------


def _whole(definitions):
    """Return definitions as one text each: a clip is three lines."""
    out, depth = [], 0
    for line in definitions:
        if depth:
            out[-1] += line
        else:
            out.append(line)
        if line.startswith("</"):
            depth -= 1
        elif not line.endswith("/>"):
            depth += 1
    return out


def _with_classes(text, styles):
    return _STYLE.sub(lambda found: f"class='s{styles.setdefault(found[1], len(styles))}'", text)


def _with_styles(text, styles):
    return _CLASS.sub(lambda found: f"style='{styles[int(found[1])]}'", text)
