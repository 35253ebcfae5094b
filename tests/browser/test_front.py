"""The front door: the landing page at the site's own address, the cards, the way on, and what a reader has done."""

import harness
import pytest
import yaml

LESSONS = yaml.safe_load((harness.ROOT / "book" / "lessons.yml").read_text(encoding="utf-8"))
LESSON = "chapters/02-directed/2.1.1-mixture-models"


def card(page, lesson=LESSON):
    return page.locator(f'.lesson-gallery a[data-page="{lesson}"]')


def test_the_landing_page_is_at_the_root_and_moves(new_page, site):
    page = new_page()
    watch = harness.Watch(page)
    page.goto(f"{site}/")
    harness.settle(page)
    assert "interactive companion" in page.title()
    figure = harness.figures(page, "explore")[0]
    box = figure.bounding_box()
    assert box["y"] < harness.DESKTOP["height"]
    before = harness.alt(figure)
    figure.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    assert harness.alt(figure) != before
    assert watch.problems() == []


def test_it_works_from_the_disk(new_page):
    page = new_page()
    watch = harness.Watch(page)
    page.goto((harness.SITE / "index.html").as_uri())
    harness.settle(page)
    page.wait_for_load_state("networkidle")
    assert watch.problems() == []                     # what a click leaves unfinished would count as failed
    card(page).click()
    page.wait_for_url(f"**/{LESSON}.html")


def test_every_lesson_has_a_card_with_a_picture(new_page, site):
    page = new_page()
    page.goto(f"{site}/")
    cards = page.locator(".lesson-gallery a.lesson-card")
    assert cards.count() == len(LESSONS)
    for theme in ("light", "dark"):
        harness.set_theme(page, theme)
        empty = page.evaluate(
            """async theme => {
              const pictures = [...document.querySelectorAll(`.lesson-gallery img.only-${theme}`)];
              pictures.forEach(picture => { picture.loading = "eager"; });
              await Promise.all(pictures.map(picture => picture.decode().catch(() => {})));
              return pictures.filter(picture => !picture.naturalWidth).map(picture => picture.src);
            }""",
            theme,
        )
        assert empty == []
    assert page.locator(".lesson-gallery .card-picture").count() == len(LESSONS)


def test_a_lesson_says_where_it_stands_and_leads_on(new_page, site):
    page = new_page()
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(f"{site}/{LESSON}.html")
    here = page.locator(".map-here")
    assert "Gaussian mixture" in here.inner_text()
    assert here.locator("rect.here").count() == 1
    ways = page.locator(".lesson-way a.lesson-card")
    assert [way.locator(".card-way").inner_text() for way in ways.all()] == ["Before", "Next"]
    ways.nth(1).click()
    page.wait_for_url("**/2.1.2-*.html")


def test_what_was_read_is_remembered_and_forgotten(new_page, site):
    page = new_page()
    page.goto(f"{site}/")
    clear = page.locator("#progress-clear")
    assert clear.is_hidden()
    assert card(page).locator(".card-done").count() == 0
    page.goto(f"{site}/{LESSON}.html")
    harness.settle(page)
    ticks = page.locator(".task-done input")
    count = ticks.count()
    assert count >= 3
    ticks.first.check()                               # to reach it, the exercises came into view
    page.locator("#exercises h2").first.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    page.goto(f"{site}/")
    assert card(page).locator(".card-done").inner_text() == f"read, 1 of {count} exercises"
    assert page.locator(".bd-sidebar-primary a.lesson-read").count() == 1
    page.goto(f"{site}/{LESSON}.html")
    assert page.locator(".task-done input").first.is_checked()
    page.goto(f"{site}/")
    clear.click()
    assert clear.is_hidden()
    assert page.locator(".card-done, a.lesson-read").count() == 0


def test_a_guess_is_noted(new_page, site):
    page = new_page()
    page.goto(f"{site}/{LESSON}.html")
    harness.settle(page)
    question = page.locator(".pl-predict").filter(has=page.locator(".pl-guess input[type=radio]")).first
    question.locator("input[type=radio]").first.check()
    question.locator(".pl-guess button").click()
    page.wait_for_timeout(200)
    asked = page.locator(".pl-predict").count()
    page.goto(f"{site}/")
    assert card(page).locator(".card-done").inner_text() == f"1 of {asked} guessed"


@pytest.mark.parametrize("name", ["book/intro", LESSON])
def test_a_page_says_what_it_is_to_others(new_page, site, name):
    page = new_page()
    page.goto(f"{site}/{name}.html")
    words = page.locator('meta[name="description"]').get_attribute("content")
    assert LESSONS[name]["question"] in words if name in LESSONS else "companion" in words
    assert page.locator('link[rel="icon"]').get_attribute("href").endswith("favicon.svg")
