"""A question to which the reader commits an answer before the figure tells."""

import html
import numbers
from typing import NamedTuple

import numpy as np

from . import page
from .animate import Animation
from .controls import Control, start_indices
from .explore import Explore
from .handles import Handle
from .still import Still

_CALLER = "show.predict"
_STEPS = 40  # between the ends of an axis that no slider divides


class Number(NamedTuple):
    """A guess that is a number. Made by `number`."""

    lo: float
    hi: float
    unit: str
    step: float | None


class Place(NamedTuple):
    """A guess that is a point of the picture. Made by `place`."""

    handle: Handle


class Sketch(NamedTuple):
    """A guess that is a curve drawn into the picture. Made by `sketch`."""

    panel: int
    knots: int


def number(lo, hi, unit="", step=None):
    """Return a guess that is a number between `lo` and `hi`, typed by the reader.

    Guess and truth are then shown together on a line from `lo` to `hi`.

    Examples
    --------
    >>> show.predict("How many nats does the best year cost?", show.number(0, 10, "nats"),
    ...              answer=7.3, why="...")
    """
    if not lo < hi:
        raise ValueError(f"number: lo must be below hi, got {lo} and {hi}")
    return Number(lo, hi, unit, step)


def place(handle):
    """Return a guess that is a point, which the reader drags to where it should lie.

    Parameters
    ----------
    handle : Handle
        `show.handle(x, y, label, panel)`. Where x or y names a slider of the figure, the point goes
        to the values of that slider; the figure itself does not move before the reader commits.
        A number keeps the point on a line.

    Examples
    --------
    >>> show.predict("Where is the posterior mean?", show.place(show.handle("mean", 0, "your mean")),
    ...              answer={"mean": 1.5}, why="...", figure=figure, then={"mean": 1.5})
    """
    if not isinstance(handle, Handle):
        raise TypeError(f"place: handle must be made by show.handle, got {type(handle).__name__}")
    return Place(handle)


def sketch(panel=0, knots=9):
    """Return a guess that is a curve, which the reader draws over axes of the figure.

    Mouse and finger draw it in one stroke; with the keyboard each of its `knots` moves up and down.

    Examples
    --------
    >>> show.predict("Draw the loss.", show.sketch(), answer=(steps, losses), why="...", figure=empty_axes)
    """
    if not 3 <= knots <= 25:
        raise ValueError(f"sketch: knots must be 3 to 25, got {knots}")
    return Sketch(panel, knots)


class Predict:
    """A question, a guess, a figure that waits for it, and the answer. Made by `predict`."""

    def __init__(self, question, guess, answer, why, figure, then):
        for name, text in (("question", question), ("why", why)):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{_CALLER}: {name} must be a text that is not empty, got {text!r}")
        if figure is not None and not isinstance(figure, (Explore, Animation, Still)):
            raise TypeError(
                f"{_CALLER}: figure must be made by show.explore, show.animate or show.still, got "
                f"{type(figure).__name__}"
            )
        self.question, self.why, self.figure = question, why, figure
        told, shown = _guess(guess, answer, figure)
        self.answer = shown
        self._data = told | {"then": _then(figure, then), "shown": shown}
        element = self._element(guess)
        self._html = page.dressed(element)
        page.check_budget(len(self._html.encode()), _CALLER, 1, 1, "Give its figure fewer states.")

    def _element(self, guess):
        """Return the HTML; `{id}` stands for the id until it is known."""
        inner = self.figure.page_element() if self.figure is not None else ""
        parts = [
            f'<p class="pl-question" id="{{id}}-q">{page.text_html(self.question)}</p>',
            '<form class="pl-guess" hidden novalidate>',
            _form(guess),
            '<button type="submit">Commit to this guess</button></form>',
            inner,
            '<div class="pl-told" role="status" aria-live="polite"></div>',
            '<details class="pl-answer"><summary>The answer</summary>',
            f'<p class="pl-shown">{page.text_html(self.answer)}</p>',
            f'<p class="pl-why">{page.text_html(self.why)}</p></details>',
            page.payload_html(self._data),
        ]
        inside = "\n".join(parts)
        uid = page.identity("predict", inside)
        return f'<figure class="pl-figure pl-predict" id="{uid}">\n{inside.replace("{id}", uid)}\n</figure>'

    def __repr__(self):
        return f"Question: {self.question} (Guess, then read the answer.)"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": self._html}


def _then(figure, then):
    """Return where the figure goes when the reader has committed: what the script is told."""
    if then is None:
        return None
    if isinstance(figure, Explore):
        indices = start_indices(figure.controls, then, _CALLER, what="then")
        return {str(number): indices[name] for number, name in enumerate(figure.controls) if name in then}
    if isinstance(figure, Animation):
        if not (isinstance(then, numbers.Integral) and -len(figure) <= then < len(figure)):
            raise ValueError(
                f"{_CALLER}: then must be the number of a step of the animation, 0 to {len(figure) - 1}, "
                f"got {then!r}"
            )
        return int(then) % len(figure)
    raise ValueError(f"{_CALLER}: then says where the figure moves, but there is no figure that moves")


# Guesses -----------------------------------------------------------------------------------------


def _guess(guess, answer, figure):
    """Return what the script is told of the guess and its answer, and the answer in words."""
    if isinstance(guess, Control) and guess.kind == "choice":
        return _choice(guess, answer)
    if isinstance(guess, Number):
        return _number(guess, answer)
    if not isinstance(guess, (Place, Sketch)):
        raise TypeError(
            f"{_CALLER}: guess must be made by show.choice, show.number, show.place or show.sketch, got "
            f"{type(guess).__name__}"
        )
    if figure is None:
        raise ValueError(f"{_CALLER}: the reader guesses in the picture, so that a figure is needed")
    panel = guess.handle.panel if isinstance(guess, Place) else guess.panel
    if not 0 <= panel < len(figure.film.panels):
        raise ValueError(f"{_CALLER}: panel {panel} is asked for, but the figure has {len(figure.film.panels)}")
    told = [_in_picture(guess, answer, figure, film, panel) for film in figure.film.versions]
    return told[0][0] | ({"narrow": told[1][0]} if len(told) > 1 else {}), told[0][1]


def _in_picture(guess, answer, figure, film, panel):
    """Return what the script is told of a guess in one version of the picture."""
    one = _place if isinstance(guess, Place) else _sketch
    told, shown = one(guess, answer, figure, film.panels[panel])
    told |= {
        "size": [round(inches * 72, 2) for inches in film.size],
        "box": [round(edge, 2) for edge in film.panels[panel].box],
    }
    return told, shown


def _choice(guess, answer):
    if answer not in guess.texts:
        raise ValueError(f"{_CALLER}: answer must be one of {list(guess.texts)}, got {answer!r}")
    return {"kind": "choice", "options": guess.texts, "answer": guess.texts.index(answer)}, answer


def _number(guess, answer):
    if not isinstance(answer, numbers.Real) or not guess.lo <= answer <= guess.hi:
        raise ValueError(f"{_CALLER}: answer must be a number from {guess.lo} to {guess.hi}, got {answer!r}")
    told = {"kind": "number", "lo": guess.lo, "hi": guess.hi, "unit": guess.unit, "answer": float(answer)}
    return told, f"{answer:.6g} {guess.unit}".strip()


def _place(guess, answer, figure, panel):
    """Return the places where the point may lie, and the true one."""
    handle, controls = guess.handle, getattr(figure, "controls", {})
    if not isinstance(answer, dict):
        raise TypeError(f"{_CALLER}: answer must be a dict from {_named(handle)} to numbers, got {answer!r}")
    limits = {"x": panel.limits[:2], "y": panel.limits[2:4]}
    told, truth, words = {"kind": "place", "label": handle.label}, {}, []
    for axis, part in (("x", handle.x), ("y", handle.y)):
        if not isinstance(part, str):
            if callable(part):
                raise ValueError(f"{_CALLER}: a point that is placed cannot ride on a curve; give {axis} a number")
            values, texts, truth[axis] = [part], [""], part
        else:
            if part not in answer:
                raise ValueError(f"{_CALLER}: answer must name {_named(handle)}, got {sorted(answer)}")
            control = controls.get(part)
            values = list(control.values) if control else list(np.linspace(*limits[axis], _STEPS + 1))
            label = control.label if control else part
            texts = control.texts if control else [f"{value:.3g}" for value in values]
            texts = [f"{label} = {text}" for text in texts]
            truth[axis] = answer[part]
            index = control.index(answer[part]) if control else None
            words.append(f"{label} = {answer[part]:.4g}" if index is None else texts[index])
        at = [panel.place(v, limits["y"][0])[0] if axis == "x" else panel.place(limits["x"][0], v)[1] for v in values]
        told |= {f"{axis}s": [round(float(place), 2) for place in at], f"{axis}texts": texts}
    told["answer"] = [round(float(v), 2) for v in panel.place(float(truth["x"]), float(truth["y"]))]
    return told, ", ".join(words)


def _named(handle):
    return " and ".join(repr(part) for part in (handle.x, handle.y) if isinstance(part, str))


def _sketch(guess, answer, figure, panel):
    """Return the true curve in points, and the scale by which a gap is told."""
    try:
        x, y = (np.asarray(part, float) for part in answer)
    except (TypeError, ValueError):
        x = y = np.zeros((0, 0))
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2 or not np.all(np.diff(x) > 0):
        raise ValueError(
            f"{_CALLER}: answer must be a pair of arrays (x, y) of one length, x increasing, got {answer!r}"
        )
    curve = [panel.place(*point) for point in zip(x, y)]
    told = {
        "kind": "sketch",
        "knots": guess.knots,
        "answer": [[round(float(value), 2) for value in point] for point in curve],
        "low": panel.limits[2],
        "high": panel.limits[3],
        "linear": panel.limits[5] == "linear",
    }
    return told, f"a curve from {y[0]:.3g} at {x[0]:.3g} to {y[-1]:.3g} at {x[-1]:.3g}"


def _form(guess):
    """Return the form in which the reader guesses; a guess in the picture has hardly one."""
    if isinstance(guess, Control):
        rows = [
            f'<label><input type="radio" name="{{id}}-g" value="{number}" autocomplete="off"> '
            f"<span>{html.escape(text)}</span></label>"
            for number, text in enumerate(guess.texts)
        ]
        return f'<div class="pl-options" role="radiogroup" aria-labelledby="{{id}}-q">{"".join(rows)}</div>'
    if isinstance(guess, Number):
        step = f'step="{guess.step:g}"' if guess.step else 'step="any"'
        unit = f" {html.escape(guess.unit)}" if guess.unit else ""
        return (
            f'<label class="pl-number">Your guess, {guess.lo:g} to {guess.hi:g}{unit} <input type="number" '
            f'min="{guess.lo:g}" max="{guess.hi:g}" {step} inputmode="decimal" autocomplete="off"></label>'
        )
    if isinstance(guess, Place):
        return f"<p>Drag the ring in the picture, {html.escape(guess.handle.label)}, to where you expect it.</p>"
    return "<p>Draw your curve into the picture, with mouse or finger, or move its points with the arrow keys.</p>"


def predict(question, guess, *, answer, why, figure=None, then=None):
    """Ask the reader for a prediction, and show the answer only when one was made.

    The reader commits to a guess. Only then can the figure be moved; it goes to the state `then`, and
    guess and truth stand together, with the reason. Without JavaScript, and in print, the question
    stands with a folded answer.

    Parameters
    ----------
    question : str
        What will happen? `$...$` is mathematics.
    guess : Control, Number, Place or Sketch
        How the reader answers: `show.choice("it grows", "it shrinks")`, `show.number(0, 10, "nats")`,
        `show.place(show.handle(...))` (a point of the picture) or `show.sketch(panel)` (a curve).
    answer : str, float, dict or (x, y)
        The truth: one of the choices; the number; the coordinates of the point by the names of the
        handle; the arrays of the curve, in data coordinates.
    why : str
        The reason, shown with the answer.
    figure : Explore, Animation or Still, optional
        Made by `show.explore(...)` and so on, in a neutral state that does not tell the answer.
    then : dict or int, optional
        Where the figure goes: values of some controls, or the number of a step.

    Returns
    -------
    Predict

    Raises
    ------
    ValueError, TypeError
        If the answer does not fit the guess, or `then` the figure.

    Examples
    --------
    >>> show.predict(
    ...     "The new datum lies far out. Does the mean follow it?",
    ...     show.choice("all the way", "half way", "not at all"), answer="half way",
    ...     why="Prior and datum are equally precise, so that the mean is their average.",
    ...     figure=show.explore(draw, alt="...", datum=range(11), start={"datum": 0}), then={"datum": 10},
    ... )
    """
    return Predict(question, guess, answer, why, figure, then)
