"""An algorithm's events, drawn one by one, for the reader to step through or play."""

import html

from . import alt as alt_text
from . import frames, page

_CALLER = "show.animate"

_ICONS = {  # paths in a square of 24
    "first": ("First step", "M6 5h2v14H6zM19 5v14L9 12z"),
    "back": ("Step back", "M16 5v14L6 12z"),
    "play": ("Play", "M8 5v14l11-7z"),
    "step": ("Step forward", "M8 5v14l10-7z"),
    "last": ("Last step", "M16 5h2v14h-2zM5 5v14l10-7z"),
}
# Play is the wide triangle among the narrow ones; the script swaps it for two bars.


class Animation:
    """A figure with a step for each event. Made by `animate`.

    What it shows does not depend on the reader, so all frames are drawn at once and the same page
    fragment serves a live notebook and a built page.
    """

    def __init__(self, events, draw, alt, caption, interval, format, label):
        alt_text.check(alt, _CALLER)
        frames.check_format(format, _CALLER)
        if not callable(draw):
            raise TypeError(f"{_CALLER}: draw must be a function, got {type(draw).__name__}")
        if not interval >= 100:
            # Faster than this nobody follows, and three flashes a second can harm (WCAG 2.3.1).
            raise ValueError(
                f"{_CALLER}: interval must be at least 100 milliseconds, got {interval}"
            )
        self.events = list(events)
        if not self.events:
            raise ValueError(f"{_CALLER}: events is empty: there is nothing to show")
        self.caption, self.label = caption, label
        self._draw, self._alt, self._format = draw, alt, format
        self._names, self._store = {}, frames.Store()
        self.alts = [self._alt_of(index) for index in range(len(self.events))]
        self._fill_store()
        self._html = self._figure_html(interval)
        count = len(self.events)
        page.check_budget(len(self._html.encode()), _CALLER, count, count, self._advice())

    def _alt_of(self, index):
        event = self.events[index]
        if callable(self._alt):
            return alt_text.checked(self._alt(event), _CALLER)
        values = {"step": index + 1, "steps": len(self.events)}
        if hasattr(event, "_asdict"):
            values |= event._asdict()
        return alt_text.checked(alt_text.fill(self._alt, values, _CALLER), _CALLER)

    def _fill_store(self):
        count = len(self.events)
        for index in range(count):
            fig = frames.call(self._draw, _CALLER, self.events[index])
            frame = frames.render(fig, self._format, self._names)
            if index == 0:
                self._width, self._first = fig.get_figwidth(), frame
                self._png = frames.render_png(fig)
            frames.release(fig)
            if self._format == "svg" and frame[0] != self._first[0]:
                raise ValueError(
                    f"{_CALLER}: draw must return figures of one size, but step {index + 1} "
                    "differs from step 1"
                )
            self._store.add(frame)
            page.check_budget(self._store.size, _CALLER, index + 1, count, self._advice())
        again = frames.call(self._draw, _CALLER, self.events[0])
        if frames.render(again, self._format, self._names) != self._first:
            raise ValueError(
                f"{_CALLER}: draw must be deterministic, but two calls with the first event gave "
                "two pictures. Draw random numbers once, outside draw, make a new figure in each "
                "call, and let each event own its arrays"
            )
        frames.release(again)

    def _advice(self):
        return "Pass fewer events (every second one, say), or draw less in each frame."

    def _figure_html(self, interval):
        return page.figure_html(
            "animate",
            self._first,
            self.alts[0],
            width=self._width,
            caption=self.caption,
            controls=_controls_html(len(self.events), self.label),
            store=self._store,
            data={"alts": self.alts, "interval": interval, "label": self.label},
        )

    def frame(self, index):
        """Return what a direct call of `draw` shows at one event: SVG text, or WebP bytes."""
        fig = frames.call(self._draw, _CALLER, self.events[index])
        try:
            return frames.image_bytes(frames.render(fig, self._format, self._names))
        finally:
            frames.release(fig)

    def stored(self, index):
        """Return what the page shows at the same event, read back from what it carries."""
        return frames.image_bytes(self._store.get(index))

    def __len__(self):
        return len(self.events)

    def __repr__(self):
        return f"Animation in {len(self)} steps. First: {self.alts[0]} Last: {self.alts[-1]}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": self._html, "image/png": self._png}


def _controls_html(count, label):
    label = html.escape(label)
    buttons = "".join(
        f'<button type="button" data-action="{action}" aria-label="{name}" title="{name}">'
        f'<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{path}"/></svg>'
        "</button>"
        for action, (name, path) in _ICONS.items()
    )
    return (
        '<div class="pl-controls" role="group" aria-label="Animation" hidden>'
        f'<div class="pl-buttons">{buttons}</div>'
        f'<label class="pl-hidden" for="{{id}}-c0">{label}</label>'
        f'<input type="range" id="{{id}}-c0" min="0" max="{count - 1}" step="1" value="0" '
        f'aria-valuetext="{label} 1 of {count}" autocomplete="off">'
        f'<output for="{{id}}-c0" style="min-width:{len(f"{label} {count} of {count}")}ch">'
        f"{label} 1 of {count}</output></div>"
    )


def animate(events, draw, *, alt, caption=None, interval=600, format="svg", label="step"):
    """Show the steps of an algorithm: forward, back, play, pause, and a slider over all.

    Nothing moves until the reader asks. For readers who prefer reduced motion there is no Play;
    stepping stays.

    Parameters
    ----------
    events : iterable
        One event per frame: a generator of the library, say. It is consumed once.
    draw : callable
        `draw(event)` returns a Matplotlib figure; it should set the limits of its axes.
    alt : str or callable
        What each frame shows, in words: `alt(event)`, or a template with the event's fields and
        `{step}`, `{steps}`: `"After {step} of {steps} steps the loss is {loss:.3f}."`
    caption : str, optional
        Text under the figure; `$...$` is mathematics.
    interval : float
        Milliseconds between frames when playing.
    format : {"svg", "webp"}
        "svg" for line art; "webp" for dense pictures (thousands of points).
    label : str
        What one event is called: "step", "iteration", "t".

    Returns
    -------
    Animation

    Raises
    ------
    ValueError, TypeError
        If there are no events, the text is missing, `draw` returns no figure or not the same one
        twice, or the frames are heavier than 600 kB.
    """
    return Animation(events, draw, alt, caption, interval, format, label)
