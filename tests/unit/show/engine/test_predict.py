"""Questions: what is refused, and what stands on a page without a script."""

import re

import numpy as np
import pytest

from pedagogy_lib import show


@pytest.fixture(autouse=True)
def page_host(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "page")


def draw():
    fig, ax = show.figure(width=3, height=2)
    ax.set(xlim=(0, 4), ylim=(0, 2))
    (dot,) = ax.plot([], [], "o")
    return fig, lambda a: dot.set_data([a], [1])


FIGURE = show.explore(draw, alt="{a}", a=[1, 2, 3])
HANDLE = show.handle("a", 1, "it")


def make(**kw):
    kw = {"guess": show.choice("up", "down"), "answer": "up", "why": "Since $a<b$."} | kw
    return show.predict(kw.pop("question", "Where does $x$ go?"), kw.pop("guess"), **kw)


def test_the_page_has_question_and_folded_answer_with_mathematics():
    text = make(figure=FIGURE)._repr_mimebundle_()["text/html"]
    assert re.search(r'<p class="pl-question"[^>]*>Where does <span class="math[^>]*>\\\(x\\\)</span> go\?</p>', text)
    assert re.search(r'<details class="pl-answer"><summary>The answer</summary>\s*<p class="pl-shown">up</p>', text)
    assert r"\(a&lt;b\)" in text
    assert "<details class=\"pl-answer\" open" not in text
    assert '<form class="pl-guess" hidden' in text


def test_the_same_question_has_the_same_id_in_every_build():
    assert make()._html == make()._html
    assert make()._html != make(why="Else.")._html


def test_a_figure_that_a_kernel_would_redraw_is_stored_for_its_question(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "live")

    def whole(a):
        fig, ax = show.figure(width=3, height=2)
        ax.plot([a], [1], "o")
        ax.set(xlim=(0, 4))
        return fig

    figure = show.explore(whole, alt="{a}", a=[1, 2, 3])
    text = make(figure=figure, then={"a": 3})._repr_mimebundle_()["text/html"]
    assert text.count('<script type="application/json">') == 2


def test_each_guess_in_words():
    assert make(guess=show.number(0, 10, "nats"), answer=7.25).answer == "7.25 nats"
    assert make(guess=show.place(HANDLE), answer={"a": 2.5}, figure=FIGURE).answer == "a = 2.5"
    curve = (np.array([0.0, 1.0]), np.array([2.0, 1.0]))
    assert make(guess=show.sketch(), answer=curve, figure=FIGURE).answer == "a curve from 2 at 0 to 1 at 1"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"question": " "}, ValueError, "question must be a text"),
        ({"why": None}, ValueError, "why must be a text"),
        ({"answer": "left"}, ValueError, r"answer must be one of \['up', 'down'\], got 'left'"),
        ({"guess": "up"}, TypeError, "guess must be made by show.choice.*got str"),
        ({"guess": show.toggle()}, TypeError, "guess must be made by show.choice.*got Control"),
        ({"guess": show.number(0, 1), "answer": 2}, ValueError, "answer must be a number from 0 to 1, got 2"),
        ({"guess": show.place(HANDLE), "answer": {"a": 1}}, ValueError, "a figure is needed"),
        ({"guess": show.place(HANDLE), "answer": 3, "figure": FIGURE}, TypeError, "answer must be a dict from 'a'"),
        ({"guess": show.place(HANDLE), "answer": {"b": 1}, "figure": FIGURE}, ValueError, r"must name 'a', got \['b'\]"),
        ({"guess": show.sketch(), "answer": [1, 2], "figure": FIGURE}, ValueError, "a pair of arrays"),
        ({"guess": show.sketch(), "answer": ([1, 0], [1, 2]), "figure": FIGURE}, ValueError, "x increasing"),
        ({"guess": show.sketch(panel=3), "answer": ([0, 1], [1, 2]), "figure": FIGURE}, ValueError, "panel 3"),
        ({"figure": draw}, TypeError, "figure must be made by show.explore.*got function"),
        ({"then": {"a": 1}}, ValueError, "there is no figure that moves"),
        ({"figure": FIGURE, "then": {"a": 9}}, ValueError, "then of 'a' must be one of its values"),
    ],
)
def test_each_mistake_has_its_message(change, error, message):
    with pytest.raises(error, match=message):
        make(**change)


def test_guesses_that_cannot_be():
    with pytest.raises(ValueError, match="lo must be below hi"):
        show.number(3, 1)
    with pytest.raises(ValueError, match="knots must be 3 to 25, got 2"):
        show.sketch(knots=2)
    with pytest.raises(TypeError, match="handle must be made by show.handle, got str"):
        show.place("a")
