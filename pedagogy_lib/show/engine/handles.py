"""Points of a picture that a reader drags, and axes along which a reader points."""

from typing import NamedTuple

from . import packing


class Handle(NamedTuple):
    """A point bound to sliders. Made by `handle`."""

    x: object  # a control's name, a number, or a function of the state
    y: object
    label: str
    panel: int


def handle(x, y, label, panel=0):
    """Return a point of the picture that the reader drags.

    It sets one or two of the figure's sliders, which stay below the picture for those who cannot
    drag. Mouse, finger and arrow keys move it; it goes to the nearest values of the sliders.

    Parameters
    ----------
    x, y : str, float or callable
        Where it lies, in the data coordinates of its axes: the name of a slider whose value is the
        coordinate (and which the reader then sets by dragging), a number, or a function of the
        state, `lambda a, b: ...`, for a point that rides on a curve. At least one is a slider.
    label : str
        What the point is, for those who do not see it: "the unknown bird".
    panel : int
        Which axes of the figure, counted as Matplotlib does in `fig.axes`.

    Returns
    -------
    Handle
        For `show.explore(..., handles=...)`.

    Examples
    --------
    >>> show.explore(draw, alt="A bird of {length} by {depth} mm.",
    ...              length=np.linspace(32, 60, 29), depth=np.linspace(13, 22, 19),
    ...              handles=show.handle("length", "depth", "the unknown bird"))
    """
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"handle: label must say what the point is, got {label!r}")
    for name, given in (("x", x), ("y", y)):
        if not (isinstance(given, (str, int, float)) or callable(given)):
            raise TypeError(
                f"handle: {name} must be the name of a slider, a number or a function of the state, "
                f"got {type(given).__name__}"
            )
    if not isinstance(x, str) and not isinstance(y, str):
        raise ValueError("handle: x or y must be the name of a slider, or there is nothing to drag")
    return Handle(x, y, label, panel)


def check(handles, controls, caller):
    """Return the handles as a list, or raise saying which one does not fit the controls."""
    handles = [handles] if isinstance(handles, Handle) else list(handles or ())
    for given in handles:
        if not isinstance(given, Handle):
            raise TypeError(f"{caller}: handles must be made by show.handle, got {type(given).__name__}")
        for name in filter(lambda part: isinstance(part, str), (given.x, given.y)):
            if name not in controls:
                raise ValueError(
                    f"{caller}: the handle {given.label!r} names {name!r}, but the controls are "
                    f"{sorted(controls)}"
                )
            _check_numbers(name, controls[name], f"the handle {given.label!r} needs", caller)
    for name, control in controls.items():
        if control.along:
            _check_numbers(name, control, f"along={control.along!r} needs", caller)
    return handles


def _check_numbers(name, control, who, caller):
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in control.values)
    if control.kind != "slider" or not numbers:
        raise ValueError(f"{caller}: {who} a slider over numbers, and {name!r} is a {control.kind}")


def panels_of(handles, controls):
    """Return the numbers of the axes that must stay in place."""
    return {h.panel for h in handles} | {c.panel for c in controls.values() if c.along}


def payload(handles, controls, states, shape, panels):
    """Return what the script needs, in points from the upper left corner of the picture."""
    names = list(controls)
    return {
        "handles": [
            {
                "label": h.label,
                "x": names.index(h.x) if isinstance(h.x, str) else None,
                "y": names.index(h.y) if isinstance(h.y, str) else None,
                "xs": _places(h.x, "x", controls, panels[h.panel]),
                "ys": _places(h.y, "y", controls, panels[h.panel]),
                "at": packing.pack([_at(h, state, panels[h.panel]) for state in states], shape),
            }
            for h in handles
        ],
        "along": [
            {
                "control": number,
                "axis": control.along,
                "at": _places(name, control.along, controls, panels[control.panel]),
                "box": [round(edge, 2) for edge in panels[control.panel].box],
            }
            for number, (name, control) in enumerate(controls.items())
            if control.along
        ],
    }


def _places(name, axis, controls, panel):
    """Return where the values of a slider lie on an axis."""
    if not isinstance(name, str):
        return []
    low_x, _, low_y, _ = panel.limits[:4]
    if axis == "x":
        return [round(panel.place(value, low_y)[0], 2) for value in controls[name].values]
    return [round(panel.place(low_x, value)[1], 2) for value in controls[name].values]


def _at(handle, state, panel):
    """Return where a handle lies in a state, as a text that packs well."""
    x, y = (
        state[part] if isinstance(part, str) else part(**state) if callable(part) else part
        for part in (handle.x, handle.y)
    )
    left, top = panel.place(float(x), float(y))
    return f"{left:.1f} {top:.1f}"
