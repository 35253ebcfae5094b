"""A figure that answers to the reader's hand, with and without Python."""

import itertools
import math

from . import alt as alt_text
from . import frames, page
from .controls import controls_html, normalize, start_indices

_CALLER = "show.explore"
_MOST_STATES = 600  # more take minutes to draw, and no reader visits them


class Explore:
    """A figure with controls. Made by `explore`.

    In a running kernel it is sliders and a picture that Python redraws. In a built page it is all
    pictures, stored, and a small script. Both show the same frames: `frame` draws one, `stored`
    reads it back from what the page carries.
    """

    def __init__(self, draw, alt, caption, format, start, controls):
        alt_text.check(alt, _CALLER)
        frames.check_format(format, _CALLER)
        if not callable(draw):
            raise TypeError(f"{_CALLER}: draw must be a function, got {type(draw).__name__}")
        self.controls = normalize(controls, _CALLER)
        self._check_count()
        self.caption = caption
        self._draw, self._alt, self._format = draw, alt, format
        self._start = tuple(start_indices(self.controls, start, _CALLER).values())
        self._names, self._drawn, self._store = {}, {}, None
        self._alts = {key: self._alt_of(key) for key in self._keys()}
        self._check_alts()
        # Everything is drawn here and not when the notebook asks for a picture, because
        # an error raised there is printed but does not stop the cell.
        self._begin()
        self._host = page.host()
        if self._host == "live":
            self._html = self._figure_html("", None)
        else:
            self._fill_store()
        self._check_repeatable()

    # States ------------------------------------------------------------------------------

    def _keys(self):
        """Return all states as tuples of indices, the last control turning fastest."""
        return itertools.product(*(range(len(c.values)) for c in self.controls.values()))

    def _state(self, key):
        return {name: c.values[i] for (name, c), i in zip(self.controls.items(), key)}

    def _key(self, state):
        key = start_indices(self.controls, state, _CALLER, what="the state")
        return tuple(
            key[name] if name in state else i for name, i in zip(self.controls, self._start)
        )

    def _check_count(self):
        count = math.prod(len(control.values) for control in self.controls.values())
        if count > _MOST_STATES:
            raise ValueError(
                f"{_CALLER}: the controls have {count} states together, and every one is drawn; "
                f"at most {_MOST_STATES} are allowed. {self._counts()}: use fewer values"
            )

    def _counts(self):
        return ", ".join(f"{name} has {len(c.values)}" for name, c in self.controls.items())

    def _alt_of(self, key):
        state = self._state(key)
        if callable(self._alt):
            return alt_text.checked(self._alt(**state), _CALLER)
        texts = [c.texts[i] for c, i in zip(self.controls.values(), key)]
        values = {
            name: alt_text.Shown(value, text) for (name, value), text in zip(state.items(), texts)
        }
        return alt_text.checked(alt_text.fill(self._alt, values, _CALLER), _CALLER)

    def _check_alts(self):
        if len(set(self._alts.values())) == 1:
            names = ", ".join(f"{{{name}}}" for name in self.controls)
            raise ValueError(
                f"{_CALLER}: alt says the same in every state; name what changes with {names}"
            )

    # Frames ------------------------------------------------------------------------------

    def _render(self, key):
        fig = frames.call(self._draw, _CALLER, **self._state(key))
        try:
            return frames.render(fig, self._format, self._names)
        finally:
            frames.release(fig)

    def _frame_of(self, key):
        if key not in self._drawn:
            self._drawn[key] = self._render(key)
        return self._drawn[key]

    def _begin(self):
        """Draw the starting state, once, for all that shows it."""
        fig = frames.call(self._draw, _CALLER, **self._state(self._start))
        self._width = fig.get_figwidth()
        self._drawn[self._start] = frames.render(fig, self._format, self._names)
        self._png = frames.render_png(fig)
        frames.release(fig)

    def _fill_store(self):
        """Draw every state and pack the frames as the page will carry them."""
        self._store = frames.Store()
        keys = list(self._keys())
        size = self._frame_of(self._start)[0].partition(">")[0]
        for count, key in enumerate(keys, start=1):
            frame = self._frame_of(key)
            if self._format == "svg" and frame[0].partition(">")[0] != size:
                raise ValueError(
                    f"{_CALLER}: draw must return figures of one size, but "
                    f"{self._state(key)} gave another than {self._state(self._start)}"
                )
            self._store.add(frame)
            page.check_budget(self._store.size, _CALLER, count, len(keys), self._advice())
        self._html = self._figure_html(
            controls_html(self.controls, dict(zip(self.controls, self._start))), self._store
        )
        size = len(self._html.encode())
        page.check_budget(size, _CALLER, len(keys), len(keys), self._advice())

    def _figure_html(self, controls, store):
        data = {}
        if store is not None:
            data = {
                "controls": [
                    {"label": c.label, "texts": c.texts, "kind": c.kind}
                    for c in self.controls.values()
                ],
                "alts": list(self._alts.values()),
            }
        return page.figure_html(
            "explore",
            self._drawn[self._start],
            self._alts[self._start],
            width=self._width,
            caption=self.caption,
            controls=controls,
            store=store,
            data=data,
        )

    def _advice(self):
        longest = max(self.controls, key=lambda name: len(self.controls[name].values))
        other = 'draw less in each frame, or pass format="webp"'
        if self._format == "webp":
            other = "draw a smaller figure"
        return f"Of the values, {self._counts()}: give {longest!r} fewer, {other}."

    def _check_repeatable(self):
        """Raise unless the starting state, drawn again, gives the same picture."""
        if self._render(self._start) != self._drawn[self._start]:
            raise ValueError(
                f"{_CALLER}: draw must be deterministic, but two calls with "
                f"{self._state(self._start)} gave two pictures. Draw random numbers once, outside "
                "draw, and make a new figure in each call"
            )

    def frame(self, **state):
        """Return what a direct call of `draw` shows: the text of the SVG, or WebP bytes.

        Controls that are not named stand at their starting values.
        """
        return frames.image_bytes(self._render(self._key(state)))

    def stored(self, **state):
        """Return what the page shows in the same state, read back from what it carries."""
        if self._store is None:
            self._fill_store()
        index = list(self._keys()).index(self._key(state))
        return frames.image_bytes(self._store.get(index))

    def states(self):
        """Return all states, each a dict of what `draw` is given."""
        return [self._state(key) for key in self._keys()]

    # Hosts -------------------------------------------------------------------------------

    def widget(self):
        """Return the live view: ipywidgets that call `draw` at every change."""
        from .live import view

        return view(self)

    def __repr__(self):
        controls = ", ".join(
            f"{c.label} ({c.texts[0]} to {c.texts[-1]})" for c in self.controls.values()
        )
        return f"Figure: {self._alts[self._start]} Controls: {controls}."

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": repr(self), "text/html": self._html, "image/png": self._png}
        if self._host in ("live", "both"):
            bundle |= self.widget()._repr_mimebundle_()
            bundle["text/plain"] = repr(self)
        return bundle


def explore(draw, *, alt, caption=None, format="svg", start=None, **controls):
    """Show a figure whose parameters the reader sets.

    Parameters
    ----------
    draw : callable
        `draw(**state)` returns a Matplotlib figure. It must be deterministic (draw random numbers
        once, outside), and should set the limits of its axes, so that only what depends on the
        state moves.
    alt : str or callable
        What the figure shows, in words, in each state: a template with the names of the controls,
        `"The boundary lies at {threshold:.2f}."`, or a function of the state.
    caption : str, optional
        Text under the figure; `$...$` is mathematics.
    format : {"svg", "webp"}
        "svg" for line art; "webp" for dense pictures (thousands of points).
    start : dict, optional
        Starting values. Default: the middle of a slider, the first of a menu, unchecked.
    **controls
        By argument of `draw`: a sequence of numbers (a slider) or of strings (a menu), or
        `show.slider`, `show.choice`, `show.toggle`.

    Returns
    -------
    Explore

    Raises
    ------
    ValueError, TypeError
        If a control, the start or the text is wrong, if `draw` returns no figure or not the same
        one twice, or if the stored frames are heavier than 600 kB.

    Examples
    --------
    >>> def draw(height):
    ...     fig, ax = show.figure()
    ...     ax.bar([0], [height])
    ...     ax.set_ylim(0, 3)
    ...     return fig
    >>> show.explore(draw, alt="A bar of height {height}.", height=[1, 2, 3])
    """
    return Explore(draw, alt, caption, format, start, controls)
