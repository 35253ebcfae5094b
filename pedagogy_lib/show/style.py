"""The house style of every figure, without touching Matplotlib's global state."""

import inspect
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps

from .colors import COLORS, CYCLE

# A phone has about 340 CSS pixels for a picture. Letters of 11.5 points (15 CSS pixels) are 9 pixels
# there if the picture was drawn 6.2 inches wide, and 13 if it was drawn 4 inches wide.
_FONT_SIZE = 11.5
NARROW = 4.0  # inches
_EXPONENTS = 0.81  # of the letters beside them: 11 CSS pixels on a phone (Matplotlib has 0.7, which is 9.6)

_INCHES = {"left": 0.62, "right": 0.14, "bottom": 0.56, "top": 0.34, "wspace": 0.62, "hspace": 0.72}


@cache
def _font():
    """Make the font of the book's text known to Matplotlib, and return its name."""
    from pathlib import Path

    from matplotlib import font_manager

    font_manager.fontManager.addfont(Path(__file__).parent / "fonts" / "SourceSans3-Regular.ttf")
    return "Source Sans 3"


def _settings():
    """Return the Matplotlib settings of the house style."""
    from cycler import cycler

    ink, muted = COLORS["ink"], COLORS["muted"]
    return {
        "font.family": [_font(), "DejaVu Sans"],  # the page's; and for signs that it lacks, Matplotlib's own
        "font.size": _FONT_SIZE,
        "mathtext.fontset": "dejavuserif",  # formulas at the size of the words around them
        "text.color": ink,
        "figure.facecolor": COLORS["paper"],
        "figure.titlesize": 12.5,
        "axes.prop_cycle": cycler(color=CYCLE),
        "axes.facecolor": "none",
        "axes.edgecolor": muted,
        "axes.linewidth": 0.9,
        "axes.labelcolor": ink,
        "axes.labelpad": 2.5,  # the lines of this font are tall as they are
        "axes.labelsize": _FONT_SIZE,
        "axes.titlesize": 12,
        "axes.titlelocation": "left",
        "axes.titlepad": 7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": COLORS["grid"],
        "grid.linewidth": 0.8,
        "xtick.color": muted,
        "xtick.major.pad": 1.5,
        "ytick.color": muted,
        "xtick.labelsize": _FONT_SIZE,
        "ytick.labelsize": _FONT_SIZE,
        "xtick.major.size": 3.5,
        "ytick.major.size": 3.5,
        "lines.linewidth": 2.0,
        "lines.markersize": 5,
        "lines.solid_capstyle": "round",
        "patch.linewidth": 1.0,
        "hatch.linewidth": 0.8,
        "legend.frameon": False,
        "legend.fontsize": _FONT_SIZE,
        "legend.handlelength": 1.4,
        "legend.borderaxespad": 0.2,
        "image.cmap": "cividis",  # reads the same with any color vision
        "image.interpolation": "none",  # a page gets the pixels of the array, and sharp edges
        "image.composite_image": False,  # neighboring images stay apart, so that one may move
        # Letters as outlines, not as text: a reader's machine need not have the font, positions
        # are exact, and each outline is stored once however often the letter recurs. What a
        # screen reader says comes from the alt text, which says more than stray tick labels do.
        "svg.fonttype": "path",
        # Names inside the SVG come from content and this salt, never from a random number.
        "svg.hashsalt": "pedagogy_lib",
    }


_in_force = ContextVar("_in_force", default=False)


@contextmanager
def style():
    """Use the house style inside a `with` block; the settings outside are left alone."""
    import matplotlib

    if _in_force.get():
        yield
        return
    token = _in_force.set(True)
    try:
        with matplotlib.rc_context(_settings()), _large_exponents():
            yield
    finally:
        _in_force.reset(token)


@contextmanager
def _large_exponents():
    """Set exponents and indices larger, and theirs no smaller than they are.

    Matplotlib has no setting for it, and keeps formulas by their text.
    """
    from matplotlib import _mathtext
    from matplotlib.mathtext import MathTextParser

    before = _mathtext.SHRINK_FACTOR, _mathtext.NUM_SIZE_LEVELS
    _mathtext.SHRINK_FACTOR, _mathtext.NUM_SIZE_LEVELS = _EXPONENTS, 2
    MathTextParser._parse_cached.cache_clear()
    try:
        yield
    finally:
        _mathtext.SHRINK_FACTOR, _mathtext.NUM_SIZE_LEVELS = before
        MathTextParser._parse_cached.cache_clear()


_narrow = ContextVar("_narrow", default=False)


@contextmanager
def narrow():
    """Let `figure` make figures for a phone: narrow, the panels of a row under each other."""
    token = _narrow.set(True)
    try:
        yield
    finally:
        _narrow.reset(token)


@cache
def _house_axes():
    """Return a class of axes that draw in the house style wherever they are called.

    Matplotlib reads widths, sizes and places of titles from its global settings at the moment
    something is drawn. A notebook cell draws outside any `with style()`, so the axes bring it.
    """
    from matplotlib.axes import Axes

    def in_style(method):
        @wraps(method)
        def draw(*args, **kw):
            with style():
                return method(*args, **kw)

        return draw

    marks = {
        name: in_style(method)
        for name, method in vars(Axes).items()
        if inspect.isfunction(method) and not name.startswith(("_", "get_"))
    }
    return type("HouseAxes", (Axes,), marks)


def figure(ncols=1, nrows=1, width=6.2, height=None, **kw):
    """Return a new figure and its axes in the house style.

    The figure is not registered with pyplot, so nothing has to be closed. Margins are fixed in
    inches: the axes of two figures of one size lie in the same place whatever their labels say,
    so nothing jumps while a slider moves. While a figure that is drawn once is drawn for phones, the
    figure is 4 inches wide at most, and panels of a row stand under each other: place nothing by
    inches, and ask `fig.get_figwidth()` where words have to be shorter.

    Parameters
    ----------
    ncols, nrows : int
        The grid of axes.
    width, height : float
        Inches. By default each axes is about three fifths as high as wide.
    **kw
        `left`, `right`, `bottom`, `top`, `wspace`, `hspace` in inches; `sharex`, `sharey`,
        `width_ratios`, `height_ratios`, `subplot_kw`, `gridspec_kw` as in
        `matplotlib.figure.Figure.subplots`; `grid=True` for a light grid;
        `layout="constrained"` instead of the fixed margins (slower, and axes may move).

    Returns
    -------
    fig : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes
        Or an array of them, shape (ncols,), (nrows,) or (nrows, ncols), when there are several.
    """
    from matplotlib.figure import Figure

    inches = {name: kw.pop(name, default) for name, default in _INCHES.items()}
    grid, layout = kw.pop("grid", False), kw.pop("layout", None)
    stacked = _narrow.get() and width > NARROW and nrows == 1 < ncols
    if _narrow.get() and width > NARROW:
        if stacked:
            # Between two panels there is room for the label of one, and the title or legend of the next.
            inches["hspace"] = max(inches["hspace"], inches["bottom"] + inches["top"])
            ncols, nrows, height = 1, ncols, _stacked_height(height, ncols, inches)
            kw.pop("width_ratios", None)
            inches["left"] = max(inches["left"], inches["wspace"])  # room for the labels of all panels
        width = NARROW
    panel_width = _panel(width, ncols, inches["left"] + inches["right"], inches["wspace"])
    if height is None:
        panel_height = 0.6 * panel_width if ncols == 1 else 0.85 * panel_width
        height = nrows * panel_height + (nrows - 1) * inches["hspace"]
        height += inches["bottom"] + inches["top"]
    else:
        panel_height = _panel(height, nrows, inches["bottom"] + inches["top"], inches["hspace"])
    if panel_width <= 0 or panel_height <= 0:
        raise ValueError(
            f"figure: {nrows} x {ncols} axes do not fit in {width} x {height} inches beside "
            f"their margins {inches}"
        )
    subplot_kw = dict(kw.pop("subplot_kw", {}))
    if not {"projection", "polar"} & set(subplot_kw):
        subplot_kw.setdefault("axes_class", _house_axes())
    with style():
        fig = Figure(figsize=(width, height), layout=layout)
        axes = fig.subplots(nrows, ncols, subplot_kw=subplot_kw, **kw)
        if layout is None:
            fig.subplots_adjust(
                left=inches["left"] / width,
                right=1 - inches["right"] / width,
                bottom=inches["bottom"] / height,
                top=1 - inches["top"] / height,
                wspace=inches["wspace"] / panel_width,  # Matplotlib counts in axes widths
                hspace=inches["hspace"] / panel_height,
            )
        for ax in fig.axes:
            ax.grid(grid)
    return fig, axes


def _stacked_height(height, count, inches):
    """Return the height of a row of panels, set under each other, each as high as it was."""
    if height is None:
        return None
    margins = inches["bottom"] + inches["top"]
    return count * (height - margins) + (count - 1) * inches["hspace"] + margins


def _panel(total, count, margins, gap):
    """Return the extent of one axes in a row of `count`."""
    return (total - margins - (count - 1) * gap) / count
