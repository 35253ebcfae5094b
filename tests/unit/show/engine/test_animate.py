"""Animations: one frame per event, in order, with words for each; and still figures."""

import json
import re
import sys
from typing import NamedTuple

import pytest

from pedagogy_lib import show
from pedagogy_lib.show.engine import packing

page = sys.modules["pedagogy_lib.show.engine.page"]


class Step(NamedTuple):
    value: float
    loss: float


def steps(count=4):
    for k in range(count):
        yield Step(value=float(k), loss=1 / (k + 1))


def draw(event):
    fig, ax = show.figure(width=3, height=2)
    ax.plot([event.value], [event.loss], "o")
    ax.set(xlim=(0, 5), ylim=(0, 1))
    return fig


def make(events=None, **kw):
    kw = {"alt": "Step {step} of {steps}: loss {loss:.2f}."} | kw
    return show.animate(steps() if events is None else events, kw.pop("draw", draw), **kw)


def text_of(figure):
    return figure._repr_mimebundle_()["text/html"]


def payload(figure):
    return json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', text_of(figure))[1]
    )


def alts(figure):
    return packing.unpack(payload(figure)["alts"])


@pytest.mark.parametrize("format", ["svg", "webp"])
def test_every_stored_frame_is_what_a_direct_call_draws(format):
    figure = make(format=format)
    assert len(figure) == 4
    stored = [figure.stored(index) for index in range(4)]
    assert stored == [figure.frame(index) for index in range(4)]
    assert len(set(stored)) == 4


def test_a_damaged_store_does_not_pass():
    figure = make()
    figure.film.stock.frames.reverse()
    assert figure.stored(0) != figure.frame(0)


def test_a_generator_is_consumed_once():
    events = steps()
    assert len(make(events)) == 4
    assert next(events, None) is None


def test_each_step_has_its_words():
    assert alts(make())[1] == "Step 2 of 4: loss 0.50."
    figure = make(alt=lambda event: f"at {event.value}")
    assert alts(figure) == ["at 0.0", "at 1.0", "at 2.0", "at 3.0"]


def test_events_without_fields_may_name_the_step():
    figure = make([1.0, 2.0], draw=lambda v: draw(Step(v, 0.5)), alt="Number {step}.")
    assert alts(figure) == ["Number 1.", "Number 2."]


def test_the_page_offers_five_buttons_a_slider_and_a_count():
    text = text_of(make(label="iteration"))
    actions = re.findall(r'<button type="button" data-action="(\w+)" aria-label="([^"]+)"', text)
    assert actions == [
        ("first", "First step"),
        ("back", "Step back"),
        ("play", "Play"),
        ("step", "Step forward"),
        ("last", "Last step"),
    ]
    uid = re.search(r'<input type="range" id="([^"]+)" min="0" max="3"', text)[1]
    assert re.search(rf'<label class="pl-hidden" for="{uid}">iteration</label>', text)
    assert re.search(rf'<output for="{uid}"[^>]*>iteration 1 of 4</output>', text)
    assert '<div class="pl-controls" role="group" aria-label="Animation" hidden>' in text


def test_without_a_script_the_last_step_stands_there_and_nothing_plays():
    text = text_of(make())
    assert 'aria-label="Step 4 of 4: loss 0.25."' in text
    stage = re.search(r'<div class="pl-stage"[^>]*>(.*?)</div>', text)[1]
    uid = re.search(r'<figure class="pl-figure pl-animate" id="([^"]+)"', text)[1]
    assert stage == make().frame(3).replace("\n", "").replace("~", uid + "-")
    assert "autoplay" not in text
    assert payload(make(interval=250))["interval"] == 250


def test_the_label_is_escaped():
    text = text_of(make(label="<b>"))
    assert ">&lt;b&gt;</label>" in text
    assert ">&lt;b&gt; 1 of 4</output>" in text


def counts(figure):
    return packing.unpack(payload(figure)["counts"])


def test_the_counter_counts_events_unless_it_is_told_what():
    assert counts(make(label="t")) == ["t 1 of 4", "t 2 of 4", "t 3 of 4", "t 4 of 4"]
    for count in ("{value:.0f} of 3 used", lambda event: f"{event.value:.0f} of 3 used"):
        figure = make(count=count)
        assert counts(figure) == ["0 of 3 used", "1 of 3 used", "2 of 3 used", "3 of 3 used"]
        text = text_of(figure)
        assert 'aria-valuetext="0 of 3 used"' in text
        assert re.search(r'<output for="[^"]+" style="min-width:11ch">0 of 3 used</output>', text)
        assert "1 of 4" not in text.split("<script")[0]


def test_braces_in_a_label_are_only_letters():
    assert counts(make(label="{k}"))[0] == "{k} 1 of 4"


def test_the_count_is_escaped_and_makes_room_for_the_longest():
    text = text_of(make(count=lambda event: "<b>" + "x" * int(event.value)))
    assert re.search(r'aria-valuetext="&lt;b&gt;"', text)
    assert re.search(r'<output for="[^"]+" style="min-width:6ch">&lt;b&gt;</output>', text)


def test_a_live_kernel_gets_the_same_figure(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "live")
    assert set(make()._repr_mimebundle_()) == {"text/plain", "text/html", "image/png"}
    assert len(payload(make())["frames"]) == 4


def test_the_plain_text_has_both_ends():
    assert repr(make()) == (
        "Animation in 4 steps. First: Step 1 of 4: loss 1.00. Last: Step 4 of 4: loss 0.25."
    )


def test_events_that_share_an_array_are_caught():
    import numpy as np

    shared = np.zeros(1)

    def reusing():
        for k in range(3):
            shared[0] = k
            yield Step(shared, 0.5)

    # All events would show the last value: the first frame then equals the last one.
    def fickle(event, seen=[]):  # noqa: B006
        seen.append(0)
        return draw(Step(len(seen), 0.5))

    with pytest.raises(ValueError, match="draw must be deterministic"):
        make(reusing(), draw=fickle, alt="x{step}")


def test_the_budget_names_the_cure(monkeypatch):
    monkeypatch.setattr(page, "BUDGET", 9_000)
    with pytest.raises(ValueError, match=r"of 4 frames take \d+ kB.*Pass fewer events"):
        make()


def test_figures_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="step 1 differs from step 4"):
        make(draw=lambda event: show.figure(width=3, height=2 + event.value)[0])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"events": []}, ValueError, "events is empty"),
        ({"draw": None}, TypeError, "draw must be a function"),
        ({"draw": lambda event: 3}, TypeError, r"draw\(Step\) must return a matplotlib Figure"),
        ({"alt": "{gain}"}, ValueError, r"alt names \{gain\}.*'loss'"),
        ({"alt": " "}, ValueError, "alt is empty"),
        ({"alt": lambda event: 3}, ValueError, "alt must return a text"),
        ({"count": "{gain}"}, ValueError, r"count names \{gain\}.*'loss'"),
        ({"count": " "}, ValueError, "count is empty; leave it out"),
        ({"count": 3}, TypeError, "count must be a text or a function"),
        ({"count": lambda event: None}, ValueError, "count must return a text"),
        ({"interval": 20}, ValueError, "interval must be at least 100"),
        ({"interval": float("nan")}, ValueError, "interval must be at least 100"),
        ({"format": "mp4"}, ValueError, "format must be one of"),
    ],
)
def test_each_mistake_has_its_message(change, error, message):
    with pytest.raises(error, match=message):
        make(**change)


# Still figures -----------------------------------------------------------------------------------


def test_a_still_takes_a_figure_or_a_function():
    event = Step(1.0, 0.5)
    direct = show.still(draw(event), alt="A dot.")
    called = show.still(lambda: draw(event), alt="A dot.", caption="It is $x$.")
    assert direct.frame() == called.frame()
    text = text_of(called)
    assert '<figure class="pl-figure pl-still"' in text
    assert 'role="img" aria-label="A dot."' in text
    assert "<script" not in text
    assert r"\(x\)" in text


def test_a_still_may_be_an_image():
    still = show.still(draw(Step(1.0, 0.5)), alt="A dot.", format="webp")
    assert still.frame()[8:12] == b"WEBP"
    assert set(still._repr_mimebundle_()) == {"text/plain", "text/html", "image/png"}
    assert repr(still) == "Figure: A dot."


def test_a_still_refuses_what_is_no_figure_and_what_is_too_heavy(monkeypatch):
    with pytest.raises(TypeError, match="must return a matplotlib Figure, got HouseAxes"):
        show.still(draw(Step(1.0, 0.5)).axes[0], alt="x")
    with pytest.raises(ValueError, match="alt is empty"):
        show.still(draw(Step(1.0, 0.5)), alt="")
    monkeypatch.setattr(page, "BUDGET", 1000)
    with pytest.raises(ValueError, match="1 of 1 frames"):
        show.still(draw(Step(1.0, 0.5)), alt="x")
