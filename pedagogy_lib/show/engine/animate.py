"""An algorithm's events, drawn one by one, for the reader to step through or play."""

import html

from . import alt as alt_text
from . import packing, page
from .film import Film

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

    What it shows does not depend on the reader, so that all pictures are drawn at once and the same
    fragment serves a live notebook and a built page.
    """

    def __init__(self, events, draw, alt, caption, interval, format, label, count):
        alt_text.check(alt, _CALLER)
        if count is not None:
            alt_text.check(count, _CALLER, "count")
        if not interval >= 100:
            # Faster than this nobody follows, and three flashes a second can harm (WCAG 2.3.1).
            raise ValueError(
                f"{_CALLER}: interval must be at least 100 milliseconds, got {interval}"
            )
        self.events = list(events)
        if not self.events:
            raise ValueError(f"{_CALLER}: events is empty: there is nothing to show")
        self.caption, self.label = caption, label
        steps = len(self.events)
        self.film = Film(
            draw,
            [((event,), {}) for event in self.events],
            lambda index: f"step {index + 1}",
            shape=[steps],
            start=steps - 1,
            caller=_CALLER,
            format=format,
            advice="Pass fewer events (every second one, say), or draw less in each frame.",
        )
        self.alts = [self._say(alt, "alt", index) for index in range(steps)]
        self.counts = [self._count_of(count, index) for index in range(steps)]
        self.film.develop()
        self.element = self.film.element(lambda: self._figure_element(interval))
        self._html = page.dressed(self.element)
        page.check_budget(len(self._html.encode()), _CALLER, steps, steps, self.film.advice)
        self.film.check_repeatable()

    def _say(self, text, what, index):
        """Return what a template or a function says of an event."""
        event = self.events[index]
        if callable(text):
            return alt_text.checked(text(event), _CALLER, what)
        values = {"step": index + 1, "steps": len(self.events)}
        if hasattr(event, "_asdict"):
            values |= event._asdict()
        return alt_text.checked(alt_text.fill(text, values, _CALLER, what), _CALLER, what)

    def _count_of(self, count, index):
        """Return what the counter beside the controls says at an event."""
        if count is None:
            return f"{self.label} {index + 1} of {len(self.events)}"
        return self._say(count, "count", index)

    def _figure_element(self, interval):
        return page.figure_element(
            "animate",
            self.film.opening(),
            self.alts[-1],
            width=self.film.width,
            caption=self.caption,
            controls=_controls_html(self.counts, self.label),
            data={
                "alts": packing.pack(self.alts, [len(self)], words=True),
                "counts": packing.pack(self.counts, [len(self)], words=True),
                "interval": interval,
                **page.versions(self.film.payload()),
            },
        )

    def page_element(self):
        """Return the figure as a page carries it."""
        return self.element

    def frame(self, index):
        """Return what Python draws at one event: SVG text, or WebP bytes."""
        return self.film.frame(index)

    def stored(self, index):
        """Return what the page shows at the same event, read back from what it carries."""
        return self.film.stored(index)

    def __len__(self):
        return len(self.events)

    def __repr__(self):
        return f"Animation in {len(self)} steps. First: {self.alts[0]} Last: {self.alts[-1]}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": self._html, "image/png": self.film.png}


def _controls_html(counts, label):
    label, first = html.escape(label), html.escape(counts[0])
    buttons = "".join(
        f'<button type="button" data-action="{action}" aria-label="{name}" title="{name}">'
        f'<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{path}"/></svg>'
        "</button>"
        for action, (name, path) in _ICONS.items()
    )
    return (
        '<div class="pl-controls" role="group" aria-label="Animation" hidden>'
        f'<div class="pl-buttons">{buttons}</div>'
        f'<label class="pl-hidden" for="{{id}}-c-0">{label}</label>'
        f'<input type="range" id="{{id}}-c-0" min="0" max="{len(counts) - 1}" step="1" value="0" '
        f'aria-valuetext="{first}" autocomplete="off">'
        f'<output for="{{id}}-c-0" style="min-width:{max(map(len, counts))}ch">{first}</output></div>'
    )


def animate(events, draw, *, alt, caption=None, interval=600, format="svg", label="step", count=None):
    """Show the steps of an algorithm: forward, back, play, pause, and a slider over all.

    Nothing moves until the reader asks. For readers who prefer reduced motion there is no Play;
    stepping stays.

    Parameters
    ----------
    events : iterable
        One event per frame: a generator of the library, say. It is consumed once.
    draw : callable
        `draw()` returns `(fig, move)`: the figure is drawn once, and `move(event)` draws the marks of
        an event. Or `draw(event)` returns a new figure for each event. See `show.explore`, which draws
        in the same two ways.
    alt : str or callable
        What each frame shows, in words: `alt(event)`, or a template with the event's fields and
        `{step}`, `{steps}`: `"After {step} of {steps} steps the loss is {loss:.3f}."`
    caption : str, optional
        Text under the figure; `$...$` is mathematics.
    interval : float
        Milliseconds between frames when playing.
    format : {"svg", "webp"}
        "svg", in which heat maps and photographs are images among lines and letters; "webp", all of
        it one image on white paper, for pictures of many thousand points.
    label : str
        What one event is called: "step", "iteration", "t".
    count : str or callable, optional
        What the counter beside the buttons says, as for `alt`, where the reader counts something else
        than events: `count="{used} of 4 measurements used"`. Default: `"step 1 of 5"`.

    Returns
    -------
    Animation

    Raises
    ------
    ValueError, TypeError
        If there are no events, the text is missing, `draw` returns no figure or not the same one
        twice, or the frames are heavier than 600 kB.

    Notes
    -----
    Before the reader moves it, and in print, the figure shows its last step, with all that happened.
    The script then winds it back to the first.

    Examples
    --------
    >>> def draw():
    ...     fig, ax = show.figure()
    ...     ax.set(xlim=(-3, 3), ylim=(-3, 3))
    ...     return fig, lambda event: ax.plot(*event.path.T, "o-")
    >>> show.animate(descent(start), draw, alt="After {step} steps the loss is {loss:.2f}.")
    """
    return Animation(events, draw, alt, caption, interval, format, label, count)
