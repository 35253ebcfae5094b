"""One film, three faces: what `explore`, `animate` and `still` have in common.

A film is the pictures of one figure, one for each state or event. `Film` opens it (the picture that
shows first), develops it (all pictures, as a page carries them) and reads single pictures back.
There are two ways to draw: `draw(...)` makes a new figure for each picture, or `draw()` makes one
figure and a function `move(...)` that puts its marks in place.
"""

import inspect

from ..style import NARROW, narrow
from . import frames, page
from .recorder import AxesMoved, Marks, Recorder, filled, picture, studio
from .slate import Slate

MOST_WHOLE = 600  # pictures drawn whole take minutes, and no reader visits more
MOST_MOVED = 5000  # of a figure drawn once


class Film:
    """The pictures of one figure.

    Parameters
    ----------
    draw : callable
        `draw(*args, **kw)` returns a figure; or `draw()` returns a figure and `move`, where
        `move(*args, **kw)` places its marks.
    shots : sequence of (args, kw)
        What is drawn, picture by picture.
    tell : callable
        `tell(index)` names a picture in messages.
    shape : tuple of int
        How many values each control has; their product is the number of shots.
    start : int
        The picture that shows first.
    caller, format, advice : str
        Who speaks in messages, "svg" or "webp", and what to do about a film that is too heavy.
    fixed : set of int
        Axes that must be the same in all pictures, because the reader points at them.
    names, styles : dict
        Short SVG names and distinct styles so far, shared by the two versions of a figure.
    """

    def __init__(
        self, draw, shots, tell, *, shape, start=0, caller, format="svg", advice="", fixed=(),
        names=None, styles=None,
    ):  # fmt: skip
        frames.check_format(format, caller)
        if not callable(draw):
            raise TypeError(f"{caller}: draw must be a function, got {type(draw).__name__}")
        self._draw, self._shots, self._tell = draw, shots, tell
        self.shape, self.start = tuple(shape), start
        self._caller, self._format, self.advice = caller, format, advice
        self.fixed = set(fixed)
        self._names, self._styles = ({} if shared is None else shared for shared in (names, styles))
        self._kept, self._narrow = {}, None
        self.stock = None
        self._open()
        if self._wants_narrow() and names is None:
            self._narrow = self._for_phones()

    def __len__(self):
        return len(self._shots)

    @property
    def drawn_once(self):
        """Whether one figure serves all pictures."""
        return self._slate is not None

    @property
    def versions(self):
        """The film itself and, if there is one, its version for phones."""
        return [self] if self._narrow is None else [self, self._narrow]

    def _wants_narrow(self):
        """Return whether a phone may meet this figure: nobody runs a kernel on one."""
        wide = self.width > NARROW and self._format == "svg"
        return self.drawn_once and wide and page.host() not in ("live", "nowhere")

    def _for_phones(self):
        """Return the same film drawn narrow, or None if the figure does not follow."""
        with narrow():
            film = Film(
                self._draw, self._shots, self._tell, shape=self.shape, start=self.start, caller=self._caller,
                advice=self.advice, fixed=self.fixed, names=self._names, styles=self._styles,
            )  # fmt: skip
        return film if film.width < self.width else None

    # Drawing -------------------------------------------------------------------------------------

    def _open(self):
        """Draw the picture that shows first, once, for all that shows it."""
        self._slate = self._move = None
        if takes_nothing(self._draw):
            fig, self._move = frames.call_once(self._draw, self._caller)
            self._slate = Slate(fig)
        fig = self._figure(self.start)
        self.width, self.size = fig.get_figwidth(), tuple(fig.get_size_inches())
        self.first = self._kept[self.start] = frames.render(fig, self._format, self._names)
        self.png = frames.render_png(fig)
        self.panels = frames.panels(fig)
        frames.release(fig)
        if self.fixed and max(self.fixed) >= len(self.panels):
            raise ValueError(
                f"{self._caller}: panel {max(self.fixed)} is asked for, but the figure has "
                f"{len(self.panels)} axes, counted from 0"
            )

    def _figure(self, index):
        """Return the figure in one state: a new one, or the one there is with its marks moved."""
        args, kw = self._shots[index]
        if self._move is None:
            return frames.call(self._draw, self._caller, *args, **kw)
        self._slate.wipe()
        frames.move(self._move, *args, **kw)
        return self._slate.fig

    def render(self, index):
        """Draw one picture and return its lines."""
        fig = self._figure(index)
        self._check_fixed(fig, index)
        try:
            return frames.render(fig, self._format, self._names)
        finally:
            frames.release(fig)

    def _check_fixed(self, fig, index):
        panels = frames.panels(fig) if self.fixed else ()
        for number in self.fixed:
            if panels[number][::2] != self.panels[number][::2]:
                raise ValueError(
                    f"{self._caller}: the reader points at panel {number}, so that it must keep its place "
                    f"and limits, but with {self._tell(index)} they differ from {self._tell(self.start)}"
                )

    def kept(self, index):
        """Return the lines of one picture, drawn at most once."""
        if index not in self._kept:
            self._kept[index] = self.render(index)
        return self._kept[index]

    # Developing ----------------------------------------------------------------------------------

    def develop(self):
        """Draw all pictures and keep them as the page will carry them."""
        self.stock = None
        if page.host() == "nowhere":
            for index in self._samples():
                self.render(index)
            self.stock = NotStored()
            return
        if self.drawn_once and self._format == "svg":
            self.stock = self._record()
        if self.stock is None:
            self.stock, self._narrow = self._draw_all(), None  # a second time would cost too much
        if self._narrow is not None:
            self._narrow.develop()
            if not isinstance(self._narrow.stock, Marks):
                self._narrow = None

    def payload(self):
        """Return what the script needs of each version, ready for JSON."""
        data = [film.stock.payload() for film in self.versions]
        if self._narrow is not None:
            data[1]["background"] = "".join(self._narrow.stock.background)
            data[1]["width"] = self._narrow.width
        return data

    def element(self, make):
        """Return `make()`, the figure's element, within the budget: the version for phones goes first."""
        made = make()
        if len(made.encode()) + page.SHARED > frames.BUDGET and self._narrow is not None:
            self._narrow = None
            made = make()
        return made

    def opening(self):
        """Return the lines that stand in the page itself, for readers without the script."""
        return self.first if self.stock is None else self.stock.opening(self.start, self.first)

    def _record(self):
        """Return the marks that move, or None if more than marks does."""
        self._figure(self.start)
        with studio(self._slate.fig) as dpi:
            recorder = Recorder(self._slate, self._names, dpi)
            try:
                for index in range(len(self)):
                    self._figure(index)
                    recorder.take()
            except AxesMoved:
                return None
            background, texts = recorder.background(), recorder.texts()
        for index in self._samples():
            shown = filled(background, [column[index] for column in texts])
            if picture(shown) != picture(self.render(index)):
                return None
        return Marks(background, texts, self.shape, self._styles)

    def _samples(self):
        """Return a few pictures that are drawn whole and compared with what was put together."""
        last = len(self) - 1
        return sorted({0, 2 * last // 3, last})

    def _draw_all(self):
        """Return all pictures, each drawn whole."""
        if len(self) > MOST_WHOLE:
            raise ValueError(
                f"{self._caller}: move changes more than marks (limits, ticks, or which artists there "
                f"are), so that each of the {len(self)} states has to be drawn whole; at most "
                f"{MOST_WHOLE} are allowed. Fix the limits in draw, and let move only update artists"
            )
        store = frames.Store()
        for index in range(len(self)):
            frame = self.kept(index)
            if self._format == "svg" and frame[0] != self.first[0]:
                raise ValueError(
                    f"{self._caller}: draw must return figures of one size, but {self._tell(index)} "
                    f"differs from {self._tell(self.start)}"
                )
            store.add(frame)
            page.check_budget(store.size, self._caller, index + 1, len(self), self.advice)
        return store

    def check_repeatable(self):
        """Raise unless the first picture, drawn again, is the same."""
        if self.render(self.start) == self.first:
            return
        what, cure = "draw must be deterministic", "make a new figure in each call, and let each event own its arrays"
        if self.drawn_once:
            what, cure = "move must set all that it ever changes", "set every mark in every call of move"
        raise ValueError(
            f"{self._caller}: {what}, but two calls with {self._tell(self.start)} gave two pictures. "
            f"Draw random numbers once, outside draw, and {cure}"
        )

    # Reading back --------------------------------------------------------------------------------

    def frame(self, index):
        """Return what Python draws: the text of the SVG, or the bytes of the image."""
        return frames.image_bytes(self.render(index))

    def stored(self, index):
        """Return what the page shows, read back from what it carries."""
        if self.stock is None:
            self.develop()
        return frames.image_bytes(self.stock.get(index))


class NotStored:
    """In the place of the pictures of a figure that is shown nowhere."""

    def opening(self, _index, first):
        """Return the lines that show first."""
        return first

    def payload(self):
        """Return what the script would need: nothing."""
        return {}


def takes_nothing(draw):
    """Return whether a function has no parameters: whether it draws a figure once."""
    try:
        return not inspect.signature(draw).parameters
    except (TypeError, ValueError):
        return False
