"""A figure that answers to the reader's hand, with and without Python."""

import itertools
import math

from . import alt as alt_text
from . import packing, page
from .controls import controls_html, normalize, start_indices
from .film import MOST_MOVED, MOST_WHOLE, Film, takes_nothing
from .handles import check as check_handles
from .handles import panels_of
from .handles import payload as handles_payload

_CALLER = "show.explore"


class Explore:
    """A figure with controls. Made by `explore`.

    On a page it is all pictures, stored, and a small script. In a running kernel a figure that is
    drawn whole for each state is sliders, handles and a picture that Python redraws; one that is
    drawn once is the same there as on a page, and `widget()` is its view that Python redraws.
    """

    def __init__(self, draw, alt, caption, format, start, handles, controls):
        alt_text.check(alt, _CALLER)
        self.controls = normalize(controls, _CALLER)
        self._check_count(MOST_MOVED if takes_nothing(draw) else MOST_WHOLE)
        self._handles = check_handles(handles, self.controls, _CALLER)
        self.caption, self._alt = caption, alt
        self._start = tuple(start_indices(self.controls, start, _CALLER).values())
        self._all = list(self._keys())
        self._alts = {key: self._alt_of(key) for key in self._all}
        self._check_alts()
        # Everything is drawn here and not when the notebook asks for a picture, because
        # an error raised there is printed but does not stop the cell.
        self.film = Film(
            draw,
            [((), self._state(key)) for key in self._all],
            lambda index: str(self._state(self._all[index])),
            shape=[len(control.values) for control in self.controls.values()],
            start=self._all.index(self._start),
            caller=_CALLER,
            format=format,
            advice=self._advice(format),
            fixed=panels_of(self._handles, self.controls),
        )
        self._host = page.host()
        # A figure drawn once needs no kernel: its pictures are there before the hand has moved.
        self._redrawn = self._host == "live" and not self.film.drawn_once
        if not self._redrawn:
            self.film.develop()
        self.element = self.film.element(self._figure_element)
        self._html = page.dressed(self.element, scripted=not self._redrawn)
        count = len(self._all)
        page.check_budget(len(self._html.encode()), _CALLER, count, count, self.film.advice)
        self.film.check_repeatable()

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

    def _check_count(self, most):
        count = math.prod(len(control.values) for control in self.controls.values())
        if count > most:
            once = "" if most == MOST_MOVED else f", or draw the figure once (up to {MOST_MOVED})"
            raise ValueError(
                f"{_CALLER}: the controls have {count} states together, and every one is drawn; "
                f"at most {most} are allowed. {self._counts()}: use fewer values{once}"
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

    # Pictures ----------------------------------------------------------------------------

    def _figure_element(self):
        """Return the figure as a page carries it, or its first picture for a view that Python redraws."""
        if self._redrawn:
            return self._element_with(None)
        versions = [
            pictures | self._pointing(film)
            for film, pictures in zip(self.film.versions, self.film.payload())
        ]
        return self._element_with(page.versions(versions))

    def live_element(self):
        """Return the figure without pictures: its script asks Python for each one."""
        return self._element_with({"live": True, "styles": []} | self._pointing(self.film))

    def _pointing(self, film):
        """Return where the reader can take hold of one version of the picture."""
        size = {"size": [round(inches * 72, 2) for inches in film.size]}
        return size | handles_payload(
            self._handles, self.controls, self.states(), film.shape, film.panels
        )

    def _element_with(self, pictures):
        """Return the figure; with `pictures`, what the script needs of them, it has controls."""
        controls, data = "", None
        if pictures is not None:
            controls = controls_html(self.controls, dict(zip(self.controls, self._start)))
            data = {
                "controls": [
                    {"label": c.label, "texts": c.texts, "kind": c.kind}
                    for c in self.controls.values()
                ],
                "alts": packing.pack(list(self._alts.values()), self.film.shape, words=True),
                **pictures,
            }
        return page.figure_element(
            "explore",
            self.film.opening(),
            self._alts[self._start],
            width=self.film.width,
            caption=self.caption,
            controls=controls,
            data=data,
        )

    def page_element(self):
        """Return the figure as a page carries it, also where a running kernel would redraw it."""
        if self._redrawn:
            self.film.develop()
            self._redrawn = False
            self.element = self.film.element(self._figure_element)
        return self.element

    def _advice(self, format):
        longest = max(self.controls, key=lambda name: len(self.controls[name].values))
        other = 'draw less in each frame, or pass format="webp"'
        if format == "webp":
            other = "draw a smaller figure"
        return f"Of the values, {self._counts()}: give {longest!r} fewer, {other}."

    def frame(self, **state):
        """Return what Python draws: the text of the SVG, or WebP bytes.

        Controls that are not named stand at their starting values.
        """
        return self.film.frame(self._index(state))

    def stored(self, **state):
        """Return what the page shows in the same state, read back from what it carries."""
        return self.film.stored(self._index(state))

    def _index(self, state):
        return self._index_of(self._key(state))

    def _index_of(self, key):
        return self._all.index(key)

    def states(self):
        """Return all states, each a dict of what `draw` is given."""
        return [self._state(key) for key in self._all]

    # Hosts -------------------------------------------------------------------------------

    def widget(self):
        """Return the live view: sliders and handles that have Python draw at every move."""
        from . import live

        return live.handled(self) if self.film.fixed else live.view(self)

    def live_picture(self, number):
        """Return what Python draws, now, in the state of this number, as it stands in a page."""
        return "".join(self.film.render(number))

    def __repr__(self):
        controls = ", ".join(
            f"{c.label} ({c.texts[0]} to {c.texts[-1]})" for c in self.controls.values()
        )
        return f"Figure: {self._alts[self._start]} Controls: {controls}."

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": repr(self), "text/html": self._html, "image/png": self.film.png}
        if self._redrawn or (self._host == "both" and not self.film.drawn_once):
            bundle |= self.widget()._repr_mimebundle_()
            bundle["text/plain"] = repr(self)
        return bundle


def explore(draw, *, alt, caption=None, format="svg", start=None, handles=None, **controls):
    """Show a figure whose parameters the reader sets.

    There are two ways to draw. **Drawn once**, the better one for a figure that keeps its axes:
    `draw()` takes no arguments, draws what never changes, and returns the figure together with a
    function `move` that draws the marks of a state. `move` may draw anew (`ax.plot`, `show.ellipse`,
    ...), because what it drew before is wiped; or it may put marks in place that `draw` made
    (`set_data`, `set_width`, `set_text`, `set_color`, `set_visible`, ...), which is faster. Only the
    marks that move are stored, as numbers: up to 5000 states, at a few milliseconds each, and a
    version for phones with them. **Drawn whole**, for a figure whose axes change: `draw(**state)`
    returns a new figure for each state, up to 600, at about a tenth of a second each.

    Parameters
    ----------
    draw : callable
        `draw()` returns `(fig, move)`, and `move(**state)` is called for each state. It must set, in
        every call, all that it ever changes on marks of `draw`. It must leave limits and ticks as
        `draw` set them; where it does not, every state is drawn whole.

        Or `draw(**state)` returns a new figure. It must be deterministic (draw random numbers once,
        outside), and should set the limits of its axes, so that only what depends on the state moves.
    alt : str or callable
        What the figure shows, in words, in each state: a template with the names of the controls,
        `"The boundary lies at {threshold:.2f}."`, or a function of the state.
    caption : str, optional
        Text under the figure; `$...$` is mathematics.
    format : {"svg", "webp"}
        "svg", in which heat maps and photographs are images among lines and letters; "webp", all of
        it one image on white paper, for pictures of many thousand points.
    start : dict, optional
        Starting values. Default: the middle of a slider, the first of a menu, unchecked.
    handles : Handle or list of Handle, optional
        Points of the picture that the reader drags; see `show.handle`. Their axes must keep their
        place and limits. In a running kernel Python draws at every move of the hand if the figure
        is drawn whole, or if it is shown by its method `widget()`.
    **controls
        By argument of `move` or `draw`: a sequence of numbers (a slider) or of strings (a menu), or
        `show.slider`, `show.choice`, `show.toggle`.

    Returns
    -------
    Explore

    Raises
    ------
    ValueError, TypeError
        If a control, the start or the text is wrong, if `draw` returns no figure or not the same
        one twice, or if the stored pictures are heavier than 600 kB.

    Examples
    --------
    >>> def draw():
    ...     fig, ax = show.figure()
    ...     ax.set(xlim=(-3, 3), ylim=(0, 1), xlabel="x (m)")
    ...
    ...     def move(mean, width):
    ...         ax.plot(x, np.exp(-0.5 * ((x - mean) / width) ** 2))
    ...
    ...     return fig, move
    >>> show.explore(draw, alt="A bell around {mean}, {width} wide.",
    ...              mean=np.linspace(-2, 2, 41), width=np.linspace(0.2, 1, 9))
    """
    return Explore(draw, alt, caption, format, start, handles, controls)
