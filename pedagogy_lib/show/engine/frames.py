"""From a Matplotlib figure to a frame, and from many frames to few bytes.

A frame is a list of lines of HTML: the elements of an SVG, or a single image. Frames of one
figure share most lines (axes, letters, points that do not move), so each distinct line is stored
once, and a frame is the list of its lines as runs of neighbors: `[0, 40, 52, 3]` is forty lines
from line 0, then three from line 52.
"""

import base64
import io
import re
import sys
from collections.abc import Callable
from typing import NamedTuple

from ..style import style
from .svg import compact

BUDGET = 600_000  # bytes of one figure in a page
FORMATS = ("svg", "webp")
_DPI = 144  # two pixels per point
_STYLE = re.compile(r"style='([^']*)'")
_CLASS = re.compile(r"class='s(\d+)'")


def check_format(format, caller):
    """Raise unless `format` is one of `FORMATS`."""
    if format not in FORMATS:
        raise ValueError(f"{caller}: format must be one of {FORMATS}, got {format!r}")


def call(draw, caller, *args, **state):
    """Return the figure that `draw` draws, in the house style."""
    from matplotlib.figure import Figure

    with style():
        fig = draw(*args, **state)
    if not isinstance(fig, Figure):
        given = ", ".join([*(type(arg).__name__ for arg in args), *map(_assignment, state.items())])
        raise TypeError(
            f"{caller}: draw({given}) must return a matplotlib Figure, got {type(fig).__name__}"
            + (". Does it lack `return fig`?" if fig is None else "")
        )
    return fig


def call_once(draw, caller):
    """Return the figure and the function `move` that `draw()` returns, in the house style."""
    from matplotlib.figure import Figure

    with style():
        made = draw()
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], Figure) and callable(made[1]):
        return made
    got = f"({', '.join(type(part).__name__ for part in made)})" if isinstance(made, tuple) else type(made).__name__
    raise TypeError(
        f"{caller}: draw() takes no arguments, so it must return a matplotlib Figure and a function "
        f"`move` that draws its marks, as in `return fig, move`; got {got}"
    )


def move(function, *args, **state):
    """Move the marks of a figure, in the house style."""
    with style():
        function(*args, **state)


def _assignment(item):
    return f"{item[0]}={item[1]!r}"


def render(fig, format, names):
    """Return the frame that shows `fig`: a list of lines of HTML.

    `names` are the short SVG names of the figure that the frame belongs to; see `svg.compact`.
    """
    if format == "svg":
        text = io.StringIO()
        _save(fig, text, "svg", transparent=True)
        return compact(text.getvalue(), names)
    data = io.BytesIO()
    _save(fig, data, "webp", dpi=_DPI, pil_kwargs={"lossless": True, "method": 4})
    width, height = (round(inches * 96) for inches in fig.get_size_inches())
    encoded = base64.b64encode(data.getvalue()).decode()
    return [
        f"<img alt='' width='{width}' height='{height}' src='data:image/webp;base64,{encoded}'>"
    ]


def render_png(fig):
    """Return `fig` as PNG, in base64: for printed notebooks and readers without JavaScript."""
    data = io.BytesIO()
    _save(fig, data, "png", dpi=_DPI)
    return base64.b64encode(data.getvalue()).decode()


class Panel(NamedTuple):
    """Where axes lie in an SVG, in points from its upper left corner."""

    box: tuple  # left, top, right, bottom
    place: Callable  # from data coordinates (x, y) to points
    limits: tuple  # what the axes show, so that two pictures can be compared


def panels(fig):
    """Return the `Panel` of each of the axes of a figure."""
    return [_panel(ax, 72 / fig.dpi, fig.get_figheight() * 72) for ax in fig.axes]


def _panel(ax, scale, height):
    transform = ax.transData.frozen()

    def place(x, y):
        right, up = transform.transform((x, y))
        return right * scale, height - up * scale

    left, low, right, high = (edge * scale for edge in ax.bbox.extents)
    limits = (*ax.get_xlim(), *ax.get_ylim(), ax.get_xscale(), ax.get_yscale())
    return Panel((left, height - high, right, height - low), place, limits)


def release(fig):
    """Let pyplot forget `fig`, if pyplot made it: else the notebook would show it once more."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(fig)


def _save(fig, target, format, **kw):
    with style():
        fig.savefig(target, format=format, **kw)


def image_bytes(frame):
    """Return what a frame shows: the text of its SVG, or the bytes of its image."""
    if frame[0].startswith("<img"):
        return base64.b64decode(frame[0].split("base64,")[1].split("'")[0])
    return "\n".join(frame)


class Store:
    """Frames with each distinct line, and each distinct style, stored once."""

    def __init__(self):
        self.lines, self.frames, self.styles = {}, [], {}
        self.size = 0  # bytes, roughly: enough to stop early

    def add(self, frame):
        """Append a frame."""
        runs = []
        for line in frame:
            line = _STYLE.sub(self._style_class, line)
            if line not in self.lines:
                self.lines[line] = len(self.lines)
                self.size += len(line) + 2
            number = self.lines[line]
            if runs and runs[-2] + runs[-1] == number:
                runs[-1] += 1
            else:
                runs += [number, 1]
        self.frames.append(runs)
        self.size += 5 * len(runs)

    def get(self, index):
        """Return frame `index` as it was added."""
        lines, styles = list(self.lines), list(self.styles)
        runs = iter(self.frames[index])
        return [
            _CLASS.sub(lambda match: f"style='{styles[int(match[1])]}'", lines[number])
            for first, count in zip(runs, runs)
            for number in range(first, first + count)
        ]

    def opening(self, _index, drawn):
        """Return the lines that show first."""
        return drawn

    def payload(self):
        """Return what the script needs, ready for JSON."""
        return {
            "lines": "\n".join(self.lines),
            "frames": self.frames,
            "styles": list(self.styles),
        }

    def _style_class(self, match):
        # A point in a cloud then costs its position and a class of three letters.
        number = self.styles.setdefault(match[1], len(self.styles))
        if number == len(self.styles) - 1:
            self.size += len(match[1]) + 20
        return f"class='s{number}'"
