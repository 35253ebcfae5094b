"""The checks themselves: each passes a sound page, and finds the fault it is for.

`pages/specimen.html` is sound; `?wrong=name` breaks one thing in it.
"""

import harness
import pytest


@pytest.fixture
def specimen(new_page, specimens):
    def opener(wrong="", wound=False, **options):
        page = new_page(**options)
        watch = harness.Watch(page)
        if wound:
            page.clock.install()
        page.goto(f"{specimens}/specimen.html?wrong={wrong}")
        harness.settle(page)
        page.wait_for_timeout(200)
        return page, watch

    return opener


def only(page, kind):
    (figure,) = harness.figures(page, kind)
    return figure


def test_a_sound_page_passes_everything(specimen):
    page, watch = specimen(wound=True)
    assert harness.maths_problems(page) == []
    assert harness.axe_problems(page) == []
    assert harness.tree_problems(page) == []
    assert harness.explore_problems(page, only(page, "explore")) == []
    assert harness.animate_problems(page, only(page, "animate")) == []
    assert harness.weight_problems(watch) == []
    assert watch.problems() == []
    page.set_viewport_size(harness.PHONE)
    assert harness.overflow_problems(page) == []
    page.emulate_media(media="print")
    for kind in ("explore", "animate"):
        assert harness.print_problems(page, only(page, kind)) == []


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("off-host", "asks another host"),
        ("not-found", "404"),
        ("throws", "page error"),
        ("console", "console"),
    ],
)
def test_requests_and_errors_are_noticed(specimen, wrong, complaint):
    _, watch = specimen(wrong)
    assert any(complaint in problem for problem in watch.problems())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("unset", "not typeset"),
        ("merror", "TeX error"),
        ("undefined", "TeX error"),
        ("leak", "TeX in the text"),
    ],
)
def test_bad_formulas_are_noticed(specimen, wrong, complaint):
    page, _ = specimen(wrong)
    assert any(complaint in problem for problem in harness.maths_problems(page))


@pytest.mark.parametrize("wrong", ["wide", "clipped"])
def test_overflow_is_noticed(specimen, wrong):
    page, _ = specimen(wrong, viewport=harness.PHONE)
    assert harness.overflow_problems(page)


@pytest.mark.parametrize(
    ("wrong", "rule"), [("contrast", "color-contrast"), ("picture-alt", "image-alt")]
)
def test_inaccessible_content_is_noticed(specimen, wrong, rule):
    page, _ = specimen(wrong)
    assert any(problem.startswith(rule) for problem in harness.axe_problems(page))
    of_color = [problem.startswith(rule) for problem in harness.axe_problems(page, rules=harness.COLOR_RULES)]
    assert any(of_color) == (wrong == "contrast")         # the shorter list sees what a theme can spoil, and no more


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("unnamed", "a button without a name"),
        ("label", "a slider without a name"),
        ("nameless-box", "neither role nor name"),
        ("jump", "'far below', of level 5"),
        ("two-titles", "2 titles, where there should be one"),
    ],
)
def test_what_a_screen_reader_cannot_tell_is_noticed(specimen, wrong, complaint):
    page, _ = specimen(wrong)
    assert any(complaint in problem for problem in harness.tree_problems(page))


def test_a_heavy_page_is_noticed(specimen):
    _, watch = specimen()
    watch.sizes["http://127.0.0.1/_static/shared.js"] = harness.PAGE_BUDGET + 1
    assert harness.weight_problems(watch) == []
    watch.sizes["http://127.0.0.1/chapter.html"] = harness.PAGE_BUDGET + 1
    assert harness.weight_problems(watch)


def test_a_heavy_figure_is_noticed():
    figures = '<figure class="pl-figure" id="a"></figure>{}<figure id="b" class="pl-figure">{}'
    page = figures + "</figure>"
    padding = "x" * harness.FIGURE_BUDGET
    assert harness.heavy_figures(page.format(padding, "")) == []
    assert harness.heavy_figures(page.format("", padding)) == ["b: weighs 600 kB"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("dead", "the picture does not change by keyboard"),
        ("dead", "the picture does not change by mouse"),
        ("mute", "the description does not change"),
        ("valuetext", "aria-valuetext does not change"),
        ("output", "the value shown does not change"),
        ("keys", "does not change by keyboard"),
        ("pointer", "does not change by mouse"),
        ("label", "has no label"),
        ("alt", "no description"),
        ("empty", "no picture"),
        ("controls", "has no controls"),
    ],
)
def test_a_bad_explore_figure_is_noticed(specimen, wrong, complaint):
    page, _ = specimen(wrong)
    problems = harness.explore_problems(page, only(page, "explore"))
    assert any(complaint in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("step", "step does not change the picture"),
        ("back", "back does not return"),
        ("film-mute", "does not change the description"),
        ("scrub", "does not follow the keyboard"),
        ("scrub", "does not follow the mouse"),
        ("play", "play does not move"),
        ("pause", "pause does not stop"),
        ("autoplay", "plays by itself"),
        ("buttons", "lacks back"),
    ],
)
def test_a_bad_animation_is_noticed(specimen, wrong, complaint):
    page, _ = specimen(wrong, wound=True)
    problems = harness.animate_problems(page, only(page, "animate"))
    assert any(complaint in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("wrong", "complaint"), [("motion", "moves although"), ("frozen", "cannot be stepped")]
)
def test_ignored_reduced_motion_is_noticed(specimen, wrong, complaint):
    page, _ = specimen(wound=True, reduced_motion="reduce")
    assert harness.still_motion_problems(page, only(page, "animate")) == []
    page, _ = specimen(wrong, wound=True, reduced_motion="reduce")
    problems = harness.still_motion_problems(page, only(page, "animate"))
    assert any(complaint in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [("print-controls", "prints its controls"), ("print-picture", "prints no picture")],
)
def test_bad_print_is_noticed(specimen, wrong, complaint):
    page, _ = specimen(wrong)
    page.emulate_media(media="print")
    assert any(complaint in p for p in harness.print_problems(page, only(page, "explore")))
