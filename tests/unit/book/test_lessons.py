"""The cards of lessons, and the page at the site's own address."""

import re

import build
import pytest
import yaml
from companion import front, lessons, model_map

TOLD = yaml.safe_load(lessons.LESSONS.read_text(encoding="utf-8"))
CHAPTERS = [page for page in build.pages(build.load_toc()) if page.startswith("chapters/")]


def test_every_lesson_has_a_question_and_boxes_that_exist():
    assert sorted(TOLD) == sorted(CHAPTERS)
    boxes = yaml.safe_load(model_map.MAP.read_text(encoding="utf-8"))["nodes"]
    for page, entry in TOLD.items():
        assert entry["question"].endswith("?"), page
        assert set(entry["map"]) <= set(boxes), page


@pytest.mark.parametrize("of", model_map.MAPS)
def test_every_box_leads_to_a_lesson_and_every_arrow_to_a_box(of):
    drawn = yaml.safe_load(model_map.MAPS[of].read_text(encoding="utf-8"))
    assert {node["page"] for node in drawn["nodes"].values()} <= set(CHAPTERS)
    assert {edge[end] for edge in drawn["edges"] for end in ("from", "to")} <= set(drawn["nodes"])


def test_minutes_count_what_is_read_and_moved():
    def markdown(text):
        return {"cell_type": "markdown", "metadata": {}, "source": text}

    def code(text, *tags):
        return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": text}

    thousand = markdown("word " * 1300)
    assert lessons.minutes([thousand]) == 10
    assert lessons.minutes([thousand, markdown("## Exercises\n" + "word " * 1300), thousand]) == 10
    assert lessons.minutes([thousand, markdown("<details>" + "word " * 1300 + "</details>")]) == 10
    assert lessons.minutes([thousand] + [code("show.explore(draw)", "hide-input")] * 5) == 20
    assert lessons.minutes([code("x = 1\n" * 100)]) == 10
    assert lessons.minutes([markdown("word")]) == 5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_of_its_own_has_the_colors_of_its_theme(theme):
    svg = "<svg style='fill:var(--pl-ink)'><path style='stroke:color-mix(in srgb,var(--pl-blue) 40%,var(--pl-paper))'/></svg>"
    made = lessons.themed(svg, theme)
    assert "var(" not in made
    assert {"light": "#1b1f24", "dark": "#e4e7eb"}[theme] in made


def test_the_small_map_fills_the_lesson_boxes_alone():
    made = model_map.here(("gmm", "kmeans"), "../map.html")
    assert made.count('class="here"') == 2
    assert "Gaussian mixture and K-means" in made
    assert 'href="../map.html"' in made


def test_the_landing_page_keeps_its_links_at_the_root(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "intro.html").write_text(
        '<html data-content_root="../"><a class="x" href="../chapters/a.html#b">a</a><a href="map.html">m</a><a href="#here">h</a>'
        '<a href="https://x.org/">x</a><img src="../_static/a.svg"><script src="../_static/a.js?v=1"></script>'
        '<form action="../search.html"></form></html>'
    )
    build.serve_at_root("book/intro", tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert re.findall(r'(?:href|src|action)="([^"]*)"', text) == [
        "chapters/a.html#b", "book/map.html", "#here", "https://x.org/", "_static/a.svg", "_static/a.js?v=1", "search.html",
    ]  # fmt: skip
    assert 'data-content_root="./"' in text


def test_each_page_tells_others_its_own_title():
    class App:
        class config:
            html_title, root_doc, html_baseurl = "The book", "book/intro", ""

    titles = {}
    for page in ("book/intro", "book/glossary", "search"):
        context = {"title": {"book/glossary": "Glossary of <em>terms</em>"}.get(page, "")}
        front.describe(App, page, "page.html", context, None)
        titles[page] = re.search('og:title" content="([^"]*)"', context["metatags"])[1]
    assert titles == {"book/intro": "The book", "book/glossary": "Glossary of terms", "search": "The book"}
