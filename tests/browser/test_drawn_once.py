"""Two figures of the chapters that are drawn once: dragged, stepped, and compared with what Python draws."""

import ast
import json

import harness
import pytest
from bare import alt, drag, pixel, shown, swipe
from test_show_dom import LEAVES

PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 375, "height": 800}}


def figure_of(name, last):
    """Run a notebook's code up to one cell and return the figure of that cell; other figures are left out."""
    cells = json.loads((harness.ROOT / "chapters" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    names = {}
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        ends = isinstance(tree.body[-1], ast.Expr) and "show" in ast.unparse(tree.body[-1])
        exec(compile(ast.Module(tree.body[: -1 if ends else None], []), cell["id"], "exec"), names)
        if cell["id"] == last:
            return eval(compile(ast.Expression(tree.body[-1].value), last, "eval"), names)
    raise LookupError(last)


@pytest.fixture(scope="module")
def bird():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PEDAGOGY_LIB_FIGURES", "page")
        return figure_of("02-directed/2.1.1-mixture-models", "touch-show")


@pytest.fixture(scope="module")
def boat():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PEDAGOGY_LIB_FIGURES", "page")
        return figure_of("02-directed/2.2.2-kalman-filter", "code-35b")


def drawn(page, film, index):
    uid = page.locator(".pl-figure").get_attribute("id")
    return film.frame(index).replace("~", uid + "-").replace("\n", "")


@pytest.mark.parametrize("hand", ["mouse", "finger", "keys"])
def test_the_bird_without_a_name(new_page, bird, hand):
    page = new_page(**(PHONE if hand == "finger" else {}))
    complaints = shown(page, bird)
    assert "a bill 44 mm long and 18 mm deep" in alt(page)
    assert "Adelie 0.384, Chinstrap 0.616" in alt(page)
    if hand == "keys":
        knob = page.get_by_role("slider", name="the unknown bird")
        for key in ["ArrowRight"] * 10 + ["PageDown"] * 2:
            knob.press(key)
    else:
        goal = (49, 13.0)
        (drag if hand == "mouse" else swipe)(page, pixel(page, bird, 44, 18), pixel(page, bird, *goal))
    assert "a bill 49 mm long and 13" in alt(page)
    assert "Gentoo 1.000" in alt(page)
    length, depth = (int(page.locator("input").nth(i).input_value()) for i in (0, 1))
    index = length * len(bird.controls["depth"].values) + depth
    film = bird.film.versions[1 if hand == "finger" else 0]
    assert page.evaluate(LEAVES, [".pl-figure", drawn(page, film, index)]) == []
    assert page.evaluate(LEAVES, [".pl-figure", drawn(page, film, index - 5)]) != []
    assert complaints == []


@pytest.mark.parametrize("phone", [False, True])
def test_the_boat(new_page, boat, phone):
    page = new_page(**(PHONE if phone else {}))
    page.clock.install()
    complaints = shown(page, boat)
    film = boat.film.versions[phone]
    for index in (0, 30, 59, 60, 95, 119, 7):
        page.locator("input[type=range]").fill(str(index))
        assert page.evaluate(LEAVES, [".pl-figure", drawn(page, film, index)]) == []
        assert alt(page) == boat.alts[index]
    page.get_by_role("button", name="Step forward").click()
    assert page.evaluate(LEAVES, [".pl-figure", drawn(page, film, 8)]) == []
    (figure,) = harness.figures(page, "animate")
    if not phone:
        assert harness.animate_problems(page, figure) == []
    assert complaints == []
