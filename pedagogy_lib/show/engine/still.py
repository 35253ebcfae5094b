"""A figure that does not move."""

from . import alt as alt_text
from . import page
from .film import Film


class Still:
    """A picture with a text for those who do not see it. Made by `still`."""

    def __init__(self, figure_or_draw, alt, caption, format):
        alt_text.check(alt, "show.still")
        given = figure_or_draw
        draw = (lambda _: given()) if callable(given) else (lambda _: given)
        shots = [((None,), {})]
        advice = 'Draw fewer points, or pass format="webp".'
        self.film = Film(draw, shots, str, shape=[1], caller="show.still", format=format, advice=advice)
        self.alt = alt_text.checked(alt() if callable(alt) else alt, "show.still")
        self.caption = caption
        self.element = page.figure_element(
            "still", self.film.first, self.alt, width=self.film.width, caption=caption
        )
        self._html = page.dressed(self.element, scripted=False)
        page.check_budget(len(self._html.encode()), "show.still", 1, 1, advice)

    def page_element(self):
        """Return the figure as a page carries it."""
        return self.element

    def frame(self):
        """Return the picture: the text of its SVG, or the bytes of its WebP."""
        return self.film.frame(0)

    def __repr__(self):
        return f"Figure: {self.alt}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": self._html, "image/png": self.film.png}


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
        "svg", in which heat maps and photographs are images among lines and letters; "webp", all of
        it one image on white paper, for pictures of many thousand points.

    Returns
    -------
    Still

    Raises
    ------
    ValueError, TypeError
        If the text is missing, the figure is none, or it is heavier than 600 kB.
    """
    return Still(figure_or_draw, alt, caption, format)
