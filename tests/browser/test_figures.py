"""Every figure of the built book, moved by keyboard and mouse, printed, and held still."""

import build
import harness
import pytest

PAGES = build.pages(build.load_toc())
CHAPTERS = [page for page in PAGES if page.startswith("chapters/")]


@pytest.fixture(scope="module", params=CHAPTERS)
def opened(request, chromium, site):
    """A chapter, open for all the tests that follow: to load it takes longer than most of them."""
    with harness.opened(chromium, f"{site}/{request.param}.html", wound=True) as found:
        yield found


def test_every_chapter_has_figures_that_move(opened):
    page, _ = opened
    assert harness.figures(page, "explore"), "no figure to explore"
    # What is solved in one step has nothing to watch; then the reader is asked at least.
    assert harness.figures(page, "animate") or harness.figures(page, "predict"), "no animation, and no question"


def test_still_figures_are_described(opened):
    page, _ = opened
    assert [p for f in harness.figures(page, "still") for p in harness.alt_problems(f)] == []


def test_explore(opened):
    page, watch = opened
    found = [p for f in harness.figures(page, "explore") for p in harness.explore_problems(page, f)]
    assert found == []
    assert watch.problems() == []


def test_handles(opened):
    page, watch = opened
    found = [p for f in harness.figures(page, "explore") for p in harness.handle_problems(page, f)]
    assert found == []
    assert watch.problems() == []


def test_predict(opened):
    page, watch = opened
    found = [p for f in harness.figures(page, "predict") for p in harness.predict_problems(page, f)]
    assert found == []
    assert watch.problems() == []


def test_animate(opened):
    page, watch = opened
    found = [p for f in harness.figures(page, "animate") for p in harness.animate_problems(page, f)]
    assert found == []
    assert watch.problems() == []


def test_print(opened):
    page, _ = opened
    page.emulate_media(media="print")
    kinds = ("still", "explore", "animate")
    everything = [figure for kind in kinds for figure in harness.figures(page, kind)]
    problems = [p for figure in everything for p in harness.print_problems(page, figure)]
    page.emulate_media(media="screen")
    assert problems == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_reduced_motion(new_page, site, name):
    page = new_page(reduced_motion="reduce")
    page.clock.install()
    page.goto(f"{site}/{name}.html")                      # formulas need not be set: nothing looks at them
    found = [
        p for f in harness.figures(page, "animate") for p in harness.still_motion_problems(page, f)
    ]
    assert found == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_figure_weight(name):
    html = (harness.SITE / f"{name}.html").read_text(encoding="utf-8")
    assert harness.heavy_figures(html) == []


def test_no_figure_goes_around_the_library():
    """Every picture of a chapter's cells stands in a described figure."""
    from bs4 import BeautifulSoup

    loose = []
    for name in CHAPTERS:
        html = (harness.SITE / f"{name}.html").read_text(encoding="utf-8")
        soup = BeautifulSoup(html, "html.parser")
        for image in soup.select(".cell_output img, .cell_output svg"):
            if not image.find_parent("figure", class_="pl-figure"):
                loose.append(f"{name}: {str(image)[:100]}")
    assert loose == []
