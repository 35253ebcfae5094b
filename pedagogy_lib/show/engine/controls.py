"""The controls of an explorable figure: what the reader may set, and to which values."""

import html
import math
from typing import NamedTuple


class Control(NamedTuple):
    """One thing a reader may set. Made by `slider`, `choice` or `toggle`."""

    kind: str  # "slider", "choice" or "toggle"
    values: tuple  # what `draw` is given
    texts: tuple  # what the reader sees, one per value
    label: str | None  # None: the name of the argument
    along: str | None = None  # "x" or "y": the axis on which the reader may point instead
    panel: int = 0  # of which axes

    def index(self, value):
        """Return the position of `value` among the values, or None.

        0.3 is found even where a grid made it 0.30000000000000004.
        """
        for index, candidate in enumerate(self.values):
            if _equal(candidate, value):
                return index
        return None


def slider(values, label=None, format=None, unit="", along=None, panel=0):
    """Return a slider over `values`.

    Parameters
    ----------
    values : sequence
        Numbers (or strings) in the order of the slider.
    label : str, optional
        What the reader sees beside it; by default the name of `draw`'s argument.
    format : str, optional
        How a value is shown, as in `"{:.2f}"`. Default: up to six significant digits.
    unit : str
        Shown after each value.
    along : {"x", "y"}, optional
        The axis that shows this variable: to click or drag in the picture then chooses the nearest
        value, as in a series through which one leafs by pointing at a time.
    panel : int
        The axes that have it, counted as in `fig.axes`.

    Examples
    --------
    >>> show.explore(draw, alt="Day {day}.", day=show.slider(range(100), along="x"))
    """
    if along not in (None, "x", "y"):
        raise ValueError(f"slider: along must be 'x' or 'y', got {along!r}")
    values = _plain(values)
    texts = [_text(value, format) + (f" {unit}" if unit else "") for value in values]
    return Control("slider", values, tuple(texts), label, along, panel)


def choice(*options, label=None):
    """Return a menu of a few named options.

    Parameters
    ----------
    *options
        Strings, `choice("A", "B")`; or one sequence of strings; or one dict from names to values.
    label : str, optional
        What the reader sees beside it.
    """
    values = options if len(options) != 1 or isinstance(options[0], str) else options[0]
    names = list(values)
    options = list(values.values()) if isinstance(values, dict) else names
    return Control("choice", _plain(options), tuple(_text(name, None) for name in names), label)


def toggle(label=None):
    """Return a check box: `draw` is given False (at first) or True."""
    return Control("toggle", (False, True), ("off", "on"), label)


def normalize(controls, caller):
    """Return name -> Control for what a caller wrote, or raise saying which one is wrong.

    A bare sequence is a slider if it holds numbers, a menu if it holds strings.
    """
    if not controls:
        raise ValueError(
            f"{caller}: at least one control is needed, as in {caller}(draw, ..., "
            "width=[1, 2, 3]); for a picture that does not change use show.still"
        )
    return {name: _normalize(name, given, caller) for name, given in controls.items()}


def _normalize(name, given, caller):
    if not isinstance(given, Control):
        try:
            values = _plain(given)
        except TypeError:
            values = None
        if values is None or isinstance(given, (str, bytes)):
            raise TypeError(
                f"{caller}: control {name!r} must be a sequence of values, show.slider, "
                f"show.choice or show.toggle, got {type(given).__name__}"
            )
        given = choice(values) if _all_strings(values) else slider(values)
    if not given.values:
        raise ValueError(f"{caller}: control {name!r} has no values")
    if len(given.values) == 1:
        raise ValueError(
            f"{caller}: control {name!r} has a single value, {given.values[0]!r}: there is "
            "nothing to choose; fix it inside draw"
        )
    for index, value in enumerate(given.values):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{caller}: control {name!r} has the value {value!r}")
        if given.index(value) != index:
            raise ValueError(f"{caller}: control {name!r} has the value {value!r} twice")
        if given.texts.index(given.texts[index]) != index:
            raise ValueError(
                f"{caller}: control {name!r} shows two values as {given.texts[index]!r}; "
                "give show.slider a format with more digits"
            )
    return given._replace(label=given.label or name.replace("_", " "))


def start_indices(controls, start, caller, what="start"):
    """Return name -> index of the starting value of each control.

    By default a slider starts in the middle, a menu and a check box at their first value.
    """
    start = dict(start or {})
    unknown = sorted(set(start) - set(controls))
    if unknown:
        raise ValueError(
            f"{caller}: {what} names {unknown}, but the controls are {sorted(controls)}"
        )
    indices = {}
    for name, control in controls.items():
        if name in start:
            index = control.index(_scalar(start[name]))
            if index is None:
                raise ValueError(
                    f"{caller}: {what} of {name!r} must be one of its values "
                    f"{list(control.values)}, got {start[name]!r}"
                )
        else:
            index = len(control.values) // 2 if control.kind == "slider" else 0
        indices[name] = index
    return indices


def controls_html(controls, indices):
    """Return the controls as HTML; `{id}` stands for the id of the figure. Hidden until the
    script runs, since nothing would move without it."""
    rows = []
    for number, (name, control) in enumerate(controls.items()):
        uid, index = f"{{id}}-c-{number}", indices[name]  # marks of pictures are named without hyphens
        label = html.escape(control.label)
        row = f'<label for="{uid}">{label}</label>'
        if control.kind == "slider":
            spoken = html.escape(f"{control.label}: {control.texts[index]}")
            longest = max(map(len, control.texts))
            row += (
                f'<input type="range" id="{uid}" name="{html.escape(name)}" min="0" '
                f'max="{len(control.values) - 1}" step="1" value="{index}" '
                f'aria-valuetext="{spoken}" autocomplete="off">'
                # The slider itself speaks its value; a second voice would only repeat it.
                f'<output for="{uid}" aria-live="off" style="min-width:{longest}ch">'
                f"{html.escape(control.texts[index])}</output>"
            )
        elif control.kind == "choice":
            options = "".join(
                f'<option value="{i}"{" selected" if i == index else ""}>{html.escape(text)}'
                "</option>"
                for i, text in enumerate(control.texts)
            )
            row += (
                f'<select id="{uid}" name="{html.escape(name)}" autocomplete="off">{options}'
                "</select>"
            )
        else:
            row += (
                f'<input type="checkbox" id="{uid}" name="{html.escape(name)}" '
                f'autocomplete="off"{" checked" if index else ""}>'
            )
        rows.append(f'<div class="pl-control">{row}</div>')
    return f'<div class="pl-controls" hidden>{"".join(rows)}</div>'


def _plain(values):
    """Return a tuple of the values as Python's own numbers and strings."""
    return tuple(_scalar(value) for value in values)


def _scalar(value):
    item = getattr(value, "item", None)  # a NumPy scalar
    return item() if callable(item) and getattr(value, "ndim", None) == 0 else value


def _all_strings(values):
    return bool(values) and all(isinstance(value, str) for value in values)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _equal(a, b):
    if _is_number(a) and _is_number(b):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return type(a) is type(b) and a == b


def _text(value, format):
    if format is None:
        format = "{:.6g}" if isinstance(value, float) else "{}"
    text = format.format(value)
    return text.replace("-", "\u2212") if _is_number(value) and "e" not in text else text
