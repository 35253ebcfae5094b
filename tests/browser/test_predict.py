"""Questions: a guess is committed before the figure can be moved; then guess and truth stand together."""

import harness
import numpy as np
import pytest
from bare import alt, center, drag, pixel, shown, swipe

from pedagogy_lib import show

X = np.linspace(0, 4, 9)
GRID = np.linspace(0, 4, 30)
PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 375, "height": 700}}


@pytest.fixture(autouse=True)
def built_page(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "page")


def draw():
    fig, ax = show.figure()
    ax.set(xlim=(0, 4), ylim=(0, 2), xlabel="x (m)", ylabel="y (m)")
    (curve,) = ax.plot([], [])
    (dot,) = ax.plot([], [], "o")

    def move(a, answer=False):
        dot.set_data([a], [1])
        curve.set_data(GRID, GRID / 2 * answer)

    return fig, move


def explorable():
    return show.explore(draw, alt="At {a}, answer {answer}.", a=X, answer=show.toggle("answer"), start={"a": 2},
                        handles=show.handle("a", 1, "the datum"))  # fmt: skip


def asked(guess, answer, figure=None, then=None):
    return show.predict("Where does $x$ go?", guess, answer=answer, why="Because of it.", figure=figure, then=then)


def with_choice():
    return asked(show.choice("up", "down", "nowhere"), "down", explorable(), {"a": 3, "answer": True})


def commit(page):
    return page.get_by_role("button", name="Commit to this guess")


def told(page):
    return page.locator(".pl-told").inner_text().split("\n\n")


def test_before_the_guess_nothing_moves_and_nothing_is_told(new_page):
    page = new_page()
    assert shown(page, with_choice()) == []
    assert page.get_by_role("slider").count() == 0
    assert not page.locator(".pl-handle").is_visible()
    assert not page.get_by_text("Because of it.").is_visible()
    commit(page).click()
    assert told(page) == ["Choose one of the answers first."]
    assert page.get_by_role("slider").count() == 0
    assert alt(page) == "At 2, answer off."


@pytest.mark.parametrize(("mine", "verdict"), [
    ("up", "You guessed “up”; the answer is “down”."), ("down", "You guessed “down”, and so it is.")])  # fmt: skip
def test_a_choice_by_keyboard(new_page, mine, verdict):
    page = new_page()
    complaints = shown(page, with_choice())
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    if mine == "down":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert told(page) == [verdict, "Because of it."]
    assert alt(page) == "At 3, answer on."
    assert page.locator(".pl-options .pl-true").inner_text().split("\n")[0].startswith("down")
    assert page.get_by_role("slider").count() == 2  # now it can be moved: by its slider and its handle
    assert page.get_by_role("radio").first.is_disabled()
    assert page.get_by_role("slider", name="the datum").bounding_box()["width"] >= 24
    assert complaints == []


def test_a_number_and_the_line_with_both(new_page):
    page = new_page()
    shown(page, asked(show.number(0, 10, "nats"), 7.5))
    commit(page).click()
    assert told(page) == ["Type a number from 0 to 10 nats first."]
    field = page.get_by_role("spinbutton", name="Your guess, 0 to 10 nats")
    field.fill("12")
    commit(page).click()
    assert told(page) == ["Type a number from 0 to 10 nats first."]
    field.fill("2.5")
    field.press("Enter")
    assert told(page) == ["You guessed 2.5 nats; it is 7.5 nats.", "Because of it."]
    line = page.locator(".pl-line").bounding_box()
    for name, part in ((".pl-mine", 0.25), (".pl-true", 0.75)):
        assert center(page.locator(f".pl-line {name}"))[0] == pytest.approx(line["x"] + part * line["width"], abs=2)


def with_place(figure):
    return asked(show.place(show.handle("a", 1, "your datum")), {"a": 3.5}, figure, {"a": 3.5, "answer": True})


@pytest.mark.parametrize("touch", [False, True])
def test_a_place_by_mouse_and_finger(new_page, touch):
    figure = explorable()
    page = new_page(**(PHONE if touch else {}))
    shown(page, with_place(figure))
    commit(page).click()
    assert told(page) == ["Move the ring in the picture first."]
    pull = swipe if touch else drag
    pull(page, pixel(page, figure, 2, 1), pixel(page, figure, 1.1, 1.7))
    assert alt(page) == "At 2, answer off."  # the figure waits
    commit(page).click()
    assert told(page) == ["You placed it at a = 1; it belongs at a = 3.5.", "Because of it."]
    assert alt(page) == "At 3.5, answer on."
    assert center(page.locator(".pl-done")) == pytest.approx(pixel(page, figure, 1, 1), abs=1)
    truth = page.locator(".pl-truth").bounding_box()
    assert (truth["x"], truth["y"]) == pytest.approx(pixel(page, figure, 3.5, 1), abs=1)


def test_a_place_by_keys(new_page):
    page = new_page()
    shown(page, with_place(explorable()))
    ring = page.get_by_role("slider", name="your datum")
    ring.press("ArrowLeft")
    ring.press("ArrowUp")
    ring.press("ArrowRight")
    assert ring.get_attribute("aria-valuetext") == "a = 2.5"
    ring.press("ArrowRight")
    commit(page).press("Enter")
    assert told(page)[0] == "You placed it at a = 3; it belongs at a = 3.5."


def with_sketch(figure):
    return asked(show.sketch(knots=5), (GRID, GRID / 2), figure, {"answer": True})


@pytest.mark.parametrize("touch", [False, True])
def test_a_curve_in_one_stroke(new_page, touch):
    figure = explorable()
    page = new_page(**(PHONE if touch else {}))
    shown(page, with_sketch(figure))
    commit(page).click()
    assert told(page) == ["Draw your curve into the picture first."]
    pull = swipe if touch else drag
    pull(page, pixel(page, figure, 0.02, 0.25), pixel(page, figure, 3.98, 2))
    values = [float(k.get_attribute("aria-valuetext")) for k in page.locator(".pl-knot").all()]
    np.testing.assert_allclose(values, np.linspace(0.25, 2, 5), atol=0.05)
    commit(page).click()
    assert "on average they are 0.1" in told(page)[0]
    assert page.locator(".pl-sheet polyline").count() == 2
    assert alt(page) == "At 2, answer on."
    true = page.locator("polyline.pl-true").bounding_box()  # with its stroke
    assert (true["x"], true["y"] + true["height"]) == pytest.approx(pixel(page, figure, 0, 0), abs=7)


def test_a_curve_by_keys(new_page):
    page = new_page()
    shown(page, with_sketch(explorable()))
    for knot in page.locator(".pl-knot").all():
        knot.press("PageUp")
    assert page.get_by_role("slider", name="point 5 of 5 of your curve").get_attribute("aria-valuetext") == "1.50"
    commit(page).press("Enter")
    assert "on average they are 0.70 apart" in told(page)[0]


def test_an_animation_goes_to_its_step(new_page):
    def frames():
        fig, ax = show.figure()
        (dot,) = ax.plot([], [], "o")
        ax.set(xlim=(0, 9), ylim=(0, 9))
        return fig, lambda n: dot.set_data([n], [n])

    page = new_page()
    film = show.animate(range(5), frames, alt="Step {step}.")
    shown(page, asked(show.choice("yes", "no"), "yes", film, 4))
    assert alt(page) == "Step 1."
    assert not page.get_by_role("button", name="Step forward").is_visible()
    page.get_by_role("radio", name="yes").check()
    commit(page).click()
    assert alt(page) == "Step 5."
    page.get_by_role("button", name="Step back").click()
    assert alt(page) == "Step 4."


def test_without_script_the_question_and_a_folded_answer(new_page):
    page = new_page(java_script_enabled=False)
    shown(page, with_choice())
    assert page.get_by_text("Where does").is_visible()
    assert not page.locator("form").is_visible()
    assert not page.get_by_text("Because of it.").is_visible()
    page.get_by_text("The answer").click()
    assert page.get_by_text("Because of it.").is_visible()
    assert page.locator(".pl-shown").inner_text() == "down"


def test_in_print_the_question_and_a_folded_answer(new_page):
    page = new_page()
    shown(page, with_choice())
    page.emulate_media(media="print")
    assert page.get_by_text("The answer").is_visible()
    assert not page.get_by_text("Because of it.").is_visible()
    assert not commit(page).is_visible()


def test_the_same_question_twice_is_two(new_page):
    page = new_page()
    question = with_choice()
    assert shown(page, question, question) == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    page.get_by_role("radio", name="down").nth(1).check()
    commit(page).nth(1).click()
    stages = [s.get_attribute("aria-label") for s in page.locator(".pl-stage").all()]
    assert stages == ["At 2, answer off.", "At 3, answer on."]


@pytest.mark.parametrize("width", [320, 375, 1300])
def test_nothing_sticks_out(new_page, width):
    page = new_page(viewport={"width": width, "height": 800})
    shown(page, with_choice(), asked(show.number(0, 10, "nats"), 9.9), with_sketch(explorable()))
    page.get_by_role("spinbutton").fill("0.1")
    commit(page).nth(1).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# The checks that the built book is put through ------------------------------------------------------


def every_kind():
    return [
        with_choice(),
        asked(show.number(0, 10, "nats"), 9.9),
        with_place(explorable()),
        with_sketch(explorable()),
    ]


def test_the_checks_of_the_site_pass(new_page):
    page = new_page()
    shown(page, explorable(), *every_kind())
    (figure,) = harness.figures(page, "explore")
    assert harness.explore_problems(page, figure) == []
    assert harness.handle_problems(page, figure) == []
    page.evaluate("document.querySelectorAll('.pl-over').forEach(e => e.scrollIntoView())")
    for question in harness.figures(page, "predict"):
        assert harness.predict_problems(page, question) == []


def test_the_checks_of_the_site_see_a_handle_and_a_question_that_do_nothing(new_page):
    page = new_page()
    shown(page, explorable(), with_choice())
    page.evaluate(
        """() => document.querySelectorAll(".pl-over, .pl-guess").forEach(e => e.replaceWith(e.cloneNode(true)))"""
    )
    (figure,) = harness.figures(page, "explore")
    problems = harness.handle_problems(page, figure)
    assert any("by keyboard" in problem for problem in problems)
    assert any("by mouse" in problem for problem in problems)
    page.route("**/*", lambda route: route.abort())
    page.evaluate("document.querySelector('.pl-guess').addEventListener('submit', e => e.preventDefault())")
    (question,) = harness.figures(page, "predict")
    assert any("does not tell" in problem for problem in harness.predict_problems(page, question))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_hinders_assistive_technology(new_page, theme):
    page = new_page()
    body = 'style="background:#14181e;color:#ddd"' if theme == "dark" else ""
    content = "".join(figure._repr_mimebundle_()["text/html"] for figure in [explorable(), *every_kind()])
    shown(page, content=f"<main><h1>Questions</h1>{content}</main>", html=f'data-theme="{theme}"', body=body)
    if theme == "dark":
        page.add_style_tag(content=":root{--pst-color-background:#14181e}")
    assert harness.axe_problems(page) == []
    for question in harness.figures(page, "predict"):
        assert harness.predict_problems(page, question) == []
    assert harness.axe_problems(page) == []
