"""Direct manipulation: points that are dragged, axes along which one points, sliders that stay put."""

import numpy as np
import pytest
from bare import alt, center, drag, pixel, shown, swipe

from pedagogy_lib import show

X = np.linspace(-3, 3, 13)
Y = np.linspace(0, 2, 9)
PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 375, "height": 700}}


def draw():
    fig, (left, right) = show.figure(ncols=2)
    left.set(xlim=(-4, 4), ylim=(-0.5, 2.5), xlabel="a (m)", ylabel="b (m)")
    right.set(xlim=(0, 1), ylim=(0, 7))
    (point,) = left.plot([], [], "*", ms=10)
    (bar,) = right.bar([0.5], [1])

    def move(a, b):
        point.set_data([a], [b])
        bar.set_height(b + abs(a))

    return fig, move


@pytest.fixture(autouse=True)
def built_page(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "page")


def dragged(**kw):
    kw = {"handles": show.handle("a", "b", "the bird")} | kw
    return show.explore(draw, alt="At {a} and {b}.", **({"a": X, "b": Y} | kw))


def knob(page):
    return page.get_by_role("slider", name="the bird")


def test_the_handle_lies_on_its_point(new_page):
    page, figure = new_page(), dragged()
    assert shown(page, figure) == []
    assert center(knob(page)) == pytest.approx(pixel(page, figure, 0, 1), abs=0.6)
    star = page.locator(".pl-stage [data-mark] use").first
    assert center(star) == pytest.approx(center(knob(page)), abs=1)


def test_drag_with_the_mouse(new_page):
    page, figure = new_page(), dragged()
    complaints = shown(page, figure)
    drag(page, pixel(page, figure, 0, 1), pixel(page, figure, 2.1, 0.3))
    assert alt(page) == "At 2 and 0.25."
    assert [page.locator("input").nth(i).input_value() for i in (0, 1)] == ["10", "1"]
    assert center(knob(page)) == pytest.approx(pixel(page, figure, 2, 0.25), abs=0.6)
    assert knob(page).get_attribute("aria-valuetext") == "a: 2, b: 0.25"
    drag(page, pixel(page, figure, 2, 0.25), pixel(page, figure, 9, 5))  # out of the picture: the last values
    assert alt(page) == "At 3 and 2."
    page.mouse.move(*pixel(page, figure, 0, 0))  # and let go
    assert alt(page) == "At 3 and 2."
    assert complaints == []


def test_drag_with_a_finger(new_page):
    page, figure = new_page(**PHONE), dragged()
    shown(page, figure)
    swipe(page, pixel(page, figure, 0, 1), pixel(page, figure, -2, 2))
    assert alt(page) == "At -2 and 2.".replace("-", "\u2212")


def test_move_by_keys(new_page):
    page, figure = new_page(), dragged()
    shown(page, figure)
    page.keyboard.press("Tab")
    page.evaluate("document.addEventListener('keydown', e => (window.heard = e.key))")
    assert page.evaluate("document.activeElement.className") == "pl-handle"
    assert "solid 2px" in page.evaluate("getComputedStyle(document.activeElement).outline")
    steps = {
        "ArrowRight": "At 0.5 and 1.", "ArrowUp": "At 0.5 and 1.25.", "Home": "At \u22123 and 1.25.",
        "ArrowLeft": "At \u22123 and 1.25.", "PageDown": "At \u22123 and 0.", "End": "At 3 and 0.",
    }  # fmt: skip
    for key, text in steps.items():
        page.keyboard.press(key)
        assert alt(page) == text
    assert page.evaluate("window.heard") is None


def test_the_slider_moves_the_handle(new_page):
    page, figure = new_page(), dragged()
    shown(page, figure)
    page.get_by_role("slider", name="a", exact=True).press("End")
    assert center(knob(page)) == pytest.approx(pixel(page, figure, 3, 1), abs=0.6)
    assert knob(page).get_attribute("aria-valuenow") == "12"


def test_axes_that_run_the_other_way(new_page):
    def inverted():
        fig, move = draw()
        fig.axes[0].invert_xaxis()
        fig.axes[0].invert_yaxis()
        return fig, move

    page = new_page()
    figure = show.explore(inverted, alt="At {a} and {b}.", a=X, b=Y, handles=show.handle("a", "b", "the bird"))
    shown(page, figure)
    knob(page).press("ArrowRight")
    knob(page).press("ArrowUp")
    assert alt(page) == "At \u22120.5 and 0.75."
    drag(page, pixel(page, figure, -0.5, 0.75), pixel(page, figure, 2, 0.5))
    assert alt(page) == "At 2 and 0.5."


def test_a_handle_with_one_slider_on_a_curve(new_page):
    page = new_page()
    figure = dragged(handles=[show.handle("a", lambda a, b: b + a**2 / 9, "the bird"), show.handle(3.5, "b", "level")])
    shown(page, figure)
    drag(page, pixel(page, figure, 0, 1), pixel(page, figure, 1.4, 0))
    assert alt(page) == "At 1.5 and 1."
    assert center(knob(page)) == pytest.approx(pixel(page, figure, 1.5, 1.25), abs=0.6)
    knob(page).press("ArrowUp")
    assert alt(page) == "At 2 and 1."
    page.get_by_role("slider", name="level").press("ArrowDown")
    assert alt(page) == "At 2 and 0.75."


@pytest.mark.parametrize(("touch", "least"), [(False, 24), (True, 44)])
def test_a_handle_is_large_enough_for_a_finger_even_on_a_phone(new_page, touch, least):
    page = new_page(has_touch=touch, is_mobile=touch, viewport={"width": 375, "height": 700})
    shown(page, dragged())
    box = knob(page).bounding_box()
    assert min(box["width"], box["height"]) >= least
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_pointing_along_an_axis(new_page):
    page = new_page()
    figure = dragged(handles=None, a=show.slider(X, along="x"))
    shown(page, figure)
    page.mouse.click(*pixel(page, figure, 1.6, 2))
    assert alt(page) == "At 1.5 and 1."
    drag(page, pixel(page, figure, 1.6, 2), pixel(page, figure, -2.4, 0))
    assert alt(page) == "At \u22122.5 and 1."
    page.mouse.click(*pixel(page, figure, 0.5, 3, panel=1))  # other axes
    assert alt(page) == "At \u22122.5 and 1."


def tall(page):
    page.add_style_tag(content="body{padding:300px 0 2000px!important}")


def test_a_finger_that_scrolls_past_changes_nothing(new_page):
    page = new_page(**PHONE)
    figure = dragged(handles=None, a=show.slider(X, along="x"))
    shown(page, figure)
    tall(page)
    slider = page.locator("input[type=range]").first
    for start in (pixel(page, figure, 2.5, 1), (slider.bounding_box()["x"] + 20, center(slider)[1])):
        before = page.evaluate("scrollY")
        swipe(page, start, (start[0] + 3, start[1] - 150), steps=15)
        page.wait_for_timeout(200)
        assert page.evaluate("scrollY") > before
        assert alt(page) == "At 0 and 1."
        assert slider.input_value() == "6"
        page.evaluate("scrollTo(0, 0)")
    start = pixel(page, figure, -2, 1)  # across, a finger still chooses
    swipe(page, start, (pixel(page, figure, 2, 1)[0], start[1]))
    assert alt(page) == "At 2 and 1."


def test_a_slider_goes_back_when_its_pointer_is_canceled(new_page):
    """Other browsers than this one move a slider before they know that the page is to scroll."""
    page = new_page()
    shown(page, dragged())
    slider = page.locator("input[type=range]").first
    for end, text in (("pointercancel", "At 0 and 1."), ("pointerup", "At 3 and 1.")):
        slider.evaluate(
            """(slider, end) => {
                slider.dispatchEvent(new PointerEvent("pointerdown"));
                slider.value = 12;
                slider.dispatchEvent(new Event("input"));
                slider.dispatchEvent(new PointerEvent(end));
            }""",
            end,
        )
        assert alt(page) == text


def test_without_script_no_dead_handle(new_page):
    page = new_page(java_script_enabled=False)
    shown(page, dragged())
    assert page.locator(".pl-stage svg").is_visible()
    assert page.locator(".pl-handle").count() == 0


def test_in_print_no_handle(new_page):
    page = new_page()
    shown(page, dragged())
    page.emulate_media(media="print")
    assert not knob(page).is_visible()
