"""Handles: what the page is told of them is where Matplotlib puts their points; mistakes have messages."""

import html
import json
import re

import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.show.engine import packing


@pytest.fixture(autouse=True)
def page_host(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "page")


def draw():
    fig, ax = show.figure(width=4, height=3)
    ax.set(xlim=(1, 100), ylim=(0, 2), xscale="log")
    (dot,) = ax.plot([], [], "o")
    return fig, lambda a, b: dot.set_data([a], [b])


def make(**kw):
    return show.explore(draw, alt="{a} {b}", **({"a": [1, 10, 100], "b": [0.0, 0.5, 2.0]} | kw))


def payload(figure):
    text = figure._repr_mimebundle_()["text/html"]
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1])


def test_places_are_those_of_the_marks_also_on_a_logarithmic_axis():
    figure = make(handles=show.handle("a", "b", "point"))
    (handle,) = payload(figure)["handles"]
    assert (handle["x"], handle["y"]) == (0, 1)
    places = [tuple(map(float, text.split())) for text in packing.unpack(handle["at"])]
    for state, place in zip(figure.states(), places):
        text = figure.frame(**state)
        drawn = re.findall(r"<use href='#~\w+' x='([^']+)' y='([^']+)' style='[^']*fill:var\(--pl-blue\)", text)
        np.testing.assert_allclose(place, [tuple(map(float, d)) for d in drawn][0], atol=0.06)
    np.testing.assert_allclose(np.diff(handle["xs"]), np.diff(handle["xs"])[0], atol=0.02)
    assert handle["ys"][0] > handle["ys"][-1]


def test_a_slider_along_an_axis_has_the_place_of_each_value_and_the_box():
    figure = make(b=show.slider([0.0, 0.5, 2.0], along="y"))
    (along,) = payload(figure)["along"]
    left, top, right, bottom = along["box"]
    assert (along["control"], along["axis"]) == (1, "y")
    np.testing.assert_allclose(along["at"], [bottom, bottom - (bottom - top) / 4, top], atol=0.02)
    assert 0 < left < right < 4 * 72


def whole(a, b, wide=1):
    fig, ax = show.figure(width=4, height=3)
    ax.plot([a], [b], "o")
    ax.set(xlim=(0, 100 * wide), ylim=(0, 2))
    return fig


def test_a_figure_drawn_whole_may_have_handles_if_its_axes_stay():
    figure = show.explore(whole, alt="{a} {b}", a=[1, 50], b=[0, 1], handles=show.handle("a", "b", "it"))
    assert len(payload(figure)["handles"]) == 1
    with pytest.raises(ValueError, match="panel 0, so that it must keep its place and limits, but with .*'a': 1"):
        show.explore(lambda a, b: whole(a, b, a), alt="{a} {b}", a=[1, 50], b=[0, 1],
                     handles=show.handle("a", "b", "it"))  # fmt: skip


def live_parts(figure):
    """Return what the live view of a figure with handles carries, and its three pieces."""
    face, asked, reply, trouble = figure.widget().children
    text = face.outputs[0]["data"]["text/html"]
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1]), asked, reply, trouble


def test_in_a_kernel_a_handle_has_python_draw_each_picture(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "live")
    figure = show.explore(whole, alt="{a} {b}", a=[1, 50], b=[0, 1], handles=show.handle("a", "b", "it"))
    carried, asked, reply, _ = live_parts(figure)
    assert carried["live"] is True
    assert len(carried["handles"]) == 1
    assert "frames" not in carried  # no picture is stored
    for number, state in enumerate(figure.states()):
        asked.value = str(number)
        assert html.unescape(reply.value) == f"<pre>{figure.frame(**state)}</pre>".replace("\n", "")
    assert "application/vnd.jupyter.widget-view+json" in figure._repr_mimebundle_()


def test_a_figure_drawn_once_has_that_view_too():
    figure = make(handles=show.handle("a", "b", "the dot"))
    carried, asked, reply, _ = live_parts(figure)
    stored = payload(figure)
    assert carried["handles"] == stored["handles"]
    assert "marks" not in carried
    state = figure.states()[-1]
    asked.value = str(len(figure.states()) - 1)
    assert html.unescape(reply.value) == f"<pre>{figure.frame(**state)}</pre>".replace("\n", "")


def test_what_draw_raises_is_told_below_the_picture(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "live")
    figure = show.explore(lambda a, b: whole(a, b, a), alt="{a} {b}", a=[1, 50], b=[0, 1],
                          handles=show.handle("a", "b", "it"))  # fmt: skip
    _, asked, reply, trouble = live_parts(figure)
    asked.value = "0"
    assert 'role="alert"' in trouble.value
    assert "must keep its place and limits" in html.unescape(trouble.value)
    assert reply.value == ""
    asked.value = "2"
    assert trouble.value == ""
    assert reply.value != ""


@pytest.mark.parametrize(
    ("make_it", "error", "message"),
    [
        (lambda: show.handle("a", "b", ""), ValueError, "label must say what the point is"),
        (lambda: show.handle(1, 2, "p"), ValueError, "nothing to drag"),
        (lambda: show.handle("a", None, "p"), TypeError, "y must be the name of a slider.*NoneType"),
        (lambda: make(handles=show.handle("c", "b", "p")), ValueError, r"'p' names 'c', but .*\['a', 'b'\]"),
        (lambda: make(handles=["a"]), TypeError, "made by show.handle, got str"),
        (lambda: make(handles=show.handle("a", "b", "p", panel=2)), ValueError, "panel 2 .* 1 axes"),
        (lambda: make(a=["u", "v"], handles=show.handle("a", "b", "p")), ValueError, "needs a slider.*'a' is a choice"),
        (lambda: show.slider([1, 2], along="z"), ValueError, "along must be 'x' or 'y', got 'z'"),
        (lambda: make(a=show.slider(["u", "v"], along="x")), ValueError, "along='x' needs a slider over numbers"),
    ],
)
def test_each_mistake_has_its_message(make_it, error, message):
    with pytest.raises(error, match=message):
        make_it()


def test_a_choice_takes_names_a_sequence_or_a_dict():
    assert show.choice("A", "B") == show.choice(["A", "B"])
    assert show.choice({"A": 1}, label="x").values == (1,)
