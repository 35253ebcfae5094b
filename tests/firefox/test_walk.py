"""The whole site in Firefox: every page loads without a complaint, fits a phone, and its figures answer."""

import bidi
import build
import harness
import pytest

PAGES = build.pages(build.load_toc())
FIGURES = "[...document.querySelectorAll('figure.pl-figure')]"
# For those who do not see: fractions, powers and indices with a part too few or too many.
HALF_A_FORMULA = """[...document.querySelectorAll("mjx-assistive-mml :is(msup, msub, mfrac, msubsup)")]
  .filter((part) => part.children.length !== (part.localName === "msubsup" ? 3 : 2))
  .map((part) => part.closest("math").textContent)"""


@pytest.fixture(scope="module")
def tab():
    with bidi.firefox() as found:
        yield found


@pytest.fixture(scope="module")
def site():
    with harness.served(harness.SITE) as address:
        yield address


@pytest.fixture(params=PAGES)
def page(request, tab, site):
    tab.resize(1300, 900)
    tab.open(f"{site}/{request.param}.html")
    return tab


def test_page(page):
    assert page.problems == []
    waiting = f"{FIGURES}.filter((f) => f.querySelector(':scope > script') && !f.dataset.ready).length"
    assert page.run(waiting) == 0, "figures that were not set up"
    assert _explored(page) == []
    assert _asked(page) == []
    assert page.run(HALF_A_FORMULA) == []
    assert page.problems == []
    page.resize(375, 800)
    wide = page.run("document.documentElement.scrollWidth")
    assert wide <= 375, f"{wide} pixels wide on a phone of 375"


def _explored(page):
    """Move each first slider by a key, and see the text of the picture, or its marks, change."""
    count = page.run("document.querySelectorAll('figure.pl-explore').length")
    problems = []
    for k in range(count):
        figure = f"document.querySelectorAll('figure.pl-explore')[{k}]"
        shown = f"((f) => f.querySelector('.pl-stage').ariaLabel + f.querySelector('.pl-stage').innerHTML)({figure})"
        slider = f"{figure}.querySelector('.pl-controls:not([hidden]) input[type=range]')"
        if not page.run(f"!!({slider} && {slider}.offsetParent && !{slider}.disabled)"):
            continue  # it waits for a guess, or has menus only
        before, at = page.run(shown), page.run(f"[+{slider}.value, +{slider}.max]")
        page.run(f"{slider}.focus()")
        page.press("ArrowRight" if at[0] < at[1] else "ArrowLeft")
        if page.run(shown) == before:
            problems.append(f"figure {k}: an arrow key on its first slider changes nothing")
    return problems


def _asked(page):
    """Answer the first question that offers choices, and see what it tells."""
    question = "document.querySelector('.pl-predict[data-ready] .pl-options')?.closest('.pl-predict')"
    if not page.run(f"!!({question})"):
        return []
    page.run(f"{question}.querySelector('.pl-options input').click()")
    page.run(f"{question}.querySelector('button[type=submit]').click()")
    told = page.run(f"{question}.querySelector('.pl-told')?.innerText ?? ''")
    return [] if told.strip() else ["a question that was answered says nothing"]
