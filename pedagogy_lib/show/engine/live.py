"""The views of an explorable figure in a running kernel: Python draws at every move.

`view` is for a figure with sliders alone, `handled` for one whose picture is taken hold of.
"""

import html
import traceback

from .page import caption_html, dressed, style_sheet


def handled(figure):
    """Return the widgets of an `Explore` with handles: the page's own figure, drawn by Python.

    Handles need the page's script, and ipywidgets have no channel from a script to Python. So the
    script writes the number of the wanted state into a field of text that nobody sees, and the
    picture comes back in a piece of HTML beside it, from which the script takes it (`live.js`).
    """
    import ipywidgets as W

    page = {"text/html": dressed(figure.live_element()), "text/plain": repr(figure)}
    face = W.Output(outputs=[{"output_type": "display_data", "data": page, "metadata": {}}])
    asked, reply = W.Text(), W.HTML()
    for hidden, name in ((asked, "pl-asked"), (reply, "pl-reply")):
        hidden.add_class(name)
        hidden.layout.display = "none"
    trouble = W.HTML()

    def answer(change):
        try:
            picture = figure.live_picture(int(change["new"]))
        except Exception:  # whatever the reader's own draw may raise
            trouble.value = _report()
        else:
            trouble.value = ""
            reply.value = f"<pre>{html.escape(picture)}</pre>"  # as text: it is not shown here

    asked.observe(answer, "value")
    box = W.VBox([face, asked, reply, trouble], layout=W.Layout(width="100%"))
    box.add_class("pl-live")
    return box


def view(figure):
    """Return the widgets of an `Explore`: its picture above its controls.

    A front end holds back further moves of a slider while the kernel is busy and then sends only
    the last, so the picture never lags behind the hand by more than one drawing.
    """
    import ipywidgets as W

    picture = W.HTML(value=_stage(figure, figure._start), layout=W.Layout(width="100%"))
    # Labels of one width, so that the sliders under each other begin in one line.
    width = f"{1 + max(len(control.label) for control in figure.controls.values())}ch"
    controls = [
        _control(W, control, index, width)
        for control, index in zip(figure.controls.values(), figure._start)
    ]

    def redraw(_change=None):
        key = tuple(int(control.value) for control in controls)
        try:
            picture.value = _stage(figure, key)
        except Exception:  # whatever the reader's own draw may raise: show it, keep the sliders
            picture.value = _report()

    for control in controls:
        control.observe(redraw, "value")
    panel = W.VBox(controls, layout=W.Layout(width="100%", max_width="6.2in", margin="0 auto"))
    caption = []
    if figure.caption:
        words = _styled(caption_html(figure.caption))
        caption = [W.HTMLMath(value=words, layout=W.Layout(width="100%"))]
    return W.VBox([picture, panel, *caption])


def _report():
    """Return the exception that is being handled as a text for the reader."""
    report = html.escape(traceback.format_exc(limit=-3))
    return _styled(f'<pre class="pl-error" role="alert">{report}</pre>')


def _control(W, control, index, label_width):
    """Return the widget of one control; its value is the index of the state."""
    common = {
        "description": control.label,
        "style": {"description_width": label_width},
        "layout": W.Layout(width="auto"),
    }
    options = [(text, number) for number, text in enumerate(control.texts)]
    if control.kind == "slider":
        return W.SelectionSlider(options=options, value=index, **common)
    if control.kind == "choice":
        return W.Dropdown(options=options, value=index, **common)
    return W.Checkbox(value=bool(index), **common)


def _stage(figure, key):
    """Return the picture of one state, with its alt text, as the built page would show it."""
    frame = figure.live_picture(figure._index_of(key)).replace("~", f"live{id(figure)}-")
    card = " pl-card" if frame.startswith("<img") else ""
    return _styled(
        f'<div class="pl-view"><div class="pl-picture"><div class="pl-stage{card}" role="img" '
        f'aria-label="{html.escape(figure._alts[key])}">{frame}</div></div></div>',
        f"--pl-width:{figure.film.width:g}in",
    )


def _styled(inside, style=""):
    return (
        f'<style>{style_sheet()}</style><figure class="pl-figure" style="{style}">{inside}</figure>'
    )
