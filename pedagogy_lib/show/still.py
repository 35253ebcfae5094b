"""A figure that does not move."""

from . import alt as alt_text
from . import frames, page


class Still:
    """A picture with a text for those who do not see it. Made by `still`."""

    def __init__(self, figure_or_draw, alt, caption, format):
        alt_text.check(alt, "show.still")
        frames.check_format(format, "show.still")
        draw = figure_or_draw if callable(figure_or_draw) else lambda: figure_or_draw
        fig = frames.call(draw, "show.still")
        self.alt = alt_text.checked(alt() if callable(alt) else alt, "show.still")
        self.caption = caption
        self._frame = frames.render(fig, format, {})
        self._png = frames.render_png(fig)
        frames.release(fig)
        store = frames.Store()
        store.add(self._frame)
        self._html = page.figure_html(
            "still", self._frame, self.alt, width=fig.get_figwidth(), caption=caption
        )
        advice = 'Draw fewer points, or pass format="webp".'
        page.check_budget(len(self._html.encode()), "show.still", 1, 1, advice)

    def frame(self):
        """Return the picture: the text of its SVG, or the bytes of its WebP."""
        return frames.image_bytes(self._frame)

    def __repr__(self):
        return f"Figure: {self.alt}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": self._html, "image/png": self._png}


def still(figure_or_draw, *, alt, caption=None, format="svg"):
    """Show a figure that does not move, sharp at any size and in the theme of the page.

    Parameters
    ----------
    figure_or_draw : matplotlib.figure.Figure or callable
        The figure, or a function without arguments that draws it.
    alt : str
        What the figure shows, in words.
    caption : str, optional
        Text under the figure; `$...$` is mathematics.
    format : {"svg", "webp"}
        "svg" for line art; "webp" for dense pictures (thousands of points).

    Returns
    -------
    Still

    Raises
    ------
    ValueError, TypeError
        If the text is missing, the figure is none, or it is heavier than 600 kB.
    """
    return Still(figure_or_draw, alt, caption, format)
