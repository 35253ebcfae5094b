"""What opening a lesson costs a reader on a slow machine and a slow line.

Times are those of this machine made four times slower. Other work only adds to them, so that the least of three
openings is judged, and only when asked for, on a machine that has nothing else to do:
COSTS=1 python -m pytest tests/browser/test_costs.py
"""

import os

import harness
import pytest

LESSON = "chapters/02-directed/2.1.1-mixture-models"


@pytest.fixture(scope="module")
def least(chromium, site):
    """Each cost of the lesson, the least of three openings."""
    if not os.environ.get("COSTS"):
        pytest.skip("times are taken only when asked for, with COSTS=1")
    runs = [harness.costs(chromium, f"{site}/{LESSON}.html") for _ in range(3)]
    return {what: min(run[what] for run in runs) for what in harness.COSTS}


@pytest.mark.parametrize("what", harness.COSTS)
def test_a_lesson_opens_soon(least, what):
    assert least[what] < harness.COSTS[what], f"{what}: {least[what]:.0f} ms"


def test_there_is_something_to_move_on_the_first_screen(new_page, site):
    page = new_page()
    page.goto(f"{site}/{LESSON}.html")
    harness.settle(page)
    figure = page.locator("figure.pl-explore, figure.pl-animate, figure.pl-predict").first
    assert figure.bounding_box()["y"] < 900
    assert figure.locator(".pl-handle").count() == 1
