"""Lessons seen from outside: their cards, the way on from one to the next, and where each stands on the model map.

The question of a lesson comes from `book/lessons.yml`, its minutes from its notebook, its picture from the outcome of
the last run: the frame that a figure shows first, which is in the page as SVG.
"""

import base64
import functools
import json
import posixpath
import re
from html import escape
from pathlib import Path
from typing import NamedTuple

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from . import model_map
from .ledger import ROOT

LESSONS = ROOT / "book" / "lessons.yml"
OUTCOMES = ROOT / "_build" / "executed"
CARDS = "_static/cards"
STAGE = re.compile(r'<div class="pl-stage[^>]*>(<svg.*?</svg>|<img [^>]*>)</div>', re.DOTALL)
RASTER = re.compile(r'src="data:image/webp;base64,([^"]+)"')
VARIABLE = re.compile(r"var\(--pl-([\w-]+)(?:,[^()]*)?\)")
MOVING = re.compile(r"show\.(explore|animate|predict)\b")


class Lesson(NamedTuple):
    """A lesson as its card tells of it.

    page : str, its address within the book, without a suffix
    title : str, with its section number
    question : str
    minutes : int, of reading and moving, without the exercises, in fives
    picture : str or None, its name in the folder of cards, without theme and suffix
    boxes : tuple of str, the boxes of the model map on which it stands
    """

    page: str
    title: str
    question: str
    minutes: int
    picture: str | None
    boxes: tuple


@functools.cache
def told() -> dict[str, dict]:
    """What `lessons.yml` tells of each lesson, by its page."""
    return yaml.safe_load(LESSONS.read_text(encoding="utf-8"))


@functools.cache
def lessons() -> dict[str, Lesson]:
    """Every lesson by its page, in the order of `lessons.yml`."""
    return {page: lesson(page, entry) for page, entry in told().items()}


def lesson(page, entry) -> Lesson:
    cells = json.loads((ROOT / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    title = next(found[1] for text in texts if (found := re.search(r"^# (.+)$", text, re.MULTILINE)))
    name = page.split("/")[-1] if pictures(page) else None
    return Lesson(page, title, entry["question"], minutes(cells), name, tuple(entry["map"]))


def minutes(cells) -> int:
    """How long a lesson takes without its exercises: 130 words a minute, and time for formulas, figures and code."""
    seconds = 0.0
    for cell in cells:
        source, tags = "".join(cell["source"]), set(cell["metadata"].get("tags", []))
        if cell["cell_type"] == "markdown" and "remove-cell" not in tags:
            before, exercises, _ = source.partition("## Exercises")
            read = re.sub(r"<details>.*?</details>", " ", before, flags=re.DOTALL)
            seconds += read.count("$$") / 2 * 45
            seconds += len(re.sub(r"\$\$.*?\$\$|\$.*?\$", " x ", read, flags=re.DOTALL).split()) * 60 / 130
            if exercises:
                break
        elif cell["cell_type"] == "code":
            seconds += 120 * bool(MOVING.search(source))
            seconds += 6 * len(source.splitlines()) * (not tags & {"hide-input", "remove-input"})
    return max(5, 5 * round(seconds / 300))


@functools.cache
def pictures(page) -> list[str]:
    """What each figure of a lesson shows first, as HTML; none before its first run."""
    outcome = OUTCOMES / f"{page.replace('/', '--')}.ipynb"
    if not outcome.is_file():
        return []
    found = []
    for cell in json.loads(outcome.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            found += STAGE.findall("".join(output.get("data", {}).get("text/html", "")))
    return found


def themed(svg, theme) -> str:
    """A figure's SVG as a file of its own: the colors of a theme in the place of the page's variables."""
    from pedagogy_lib.show.colors import css_variables

    values = dict(re.findall(r"--pl-([\w-]+):([^;]+);", css_variables(theme)))
    while VARIABLE.search(svg):
        svg = VARIABLE.sub(lambda found: values[found[1]], svg)
    return svg


def write_pictures(app):
    """Put the pictures of all cards where the pages look for them."""
    for known in (told, lessons, pictures):
        known.cache_clear()
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / CARDS
    folder.mkdir(parents=True, exist_ok=True)
    for one in lessons().values():
        if one.picture is None:
            continue
        drawn = pictures(one.page)[told()[one.page].get("picture", 1) - 1]
        for theme in ("light", "dark"):
            file = folder / f"{one.picture}-{theme}"
            if raster := RASTER.search(drawn):
                file.with_name(f"{file.name}.webp").write_bytes(base64.b64decode(raster[1]))
            else:
                file.with_name(f"{file.name}.svg").write_text(themed(drawn, theme), encoding="utf-8")


def picture_html(one, root) -> str:
    """A card's picture, for both themes; a browser loads the one that it shows, when it comes near."""
    if one.picture is None:
        return ""
    number = told()[one.page].get("picture", 1)
    suffix = "webp" if RASTER.search(pictures(one.page)[number - 1]) else "svg"
    images = "".join(
        f'<img class="only-{theme}" src="{root}{CARDS}/{one.picture}-{theme}.{suffix}" alt="" loading="lazy">'
        for theme in ("light", "dark")
    )
    return f'<span class="card-picture">{images}</span>'


def card_html(one, link, root, before="") -> str:
    """A lesson's card: one link, with picture, title, question and minutes."""
    return (
        f'<a class="lesson-card" href="{escape(link)}" data-page="{escape(one.page)}">{picture_html(one, root)}'
        f'<span class="card-words">{before}<span class="card-title">{escape(one.title)}</span>'
        f'<span class="card-question">{escape(one.question)}</span>'
        f'<span class="card-minutes">{one.minutes} minutes</span></span></a>'
    )


class Gallery(SphinxDirective):
    """A card for every lesson, under the headings of the table of contents."""

    def run(self):
        self.env.note_dependency(str(LESSONS))
        parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
        known, made = lessons(), []
        root = "../" * self.env.docname.count("/")
        for part in parts:
            pages = [item["file"] for item in part["chapters"] if item["file"] in known]
            if not pages:
                continue
            link = functools.partial(self.env.app.builder.get_relative_uri, self.env.docname)
            cards = [f"<li>{card_html(known[page], link(page), root)}</li>" for page in pages]
            for page in pages:
                self.env.note_dependency(str(ROOT / f"{page}.ipynb"))
                self.env.note_dependency(str(OUTCOMES / f"{page.replace('/', '--')}.ipynb"))
            heading = nodes.rubric("", part["caption"])
            cards_html = f'<ul class="lesson-gallery">{"".join(cards)}</ul>'
            made += [heading, nodes.raw("", cards_html, format="html")]
        return made


def sense_of_place(app, pagename, templatename, context, doctree):
    """Tell a page's templates the cards of its neighbors, and its boxes on the model map."""
    known = lessons()
    root = "../" * pagename.count("/")
    for way, word in (("prev", "Before"), ("next", "Next")):
        target = context.get(way)
        if not target:
            continue
        page = posixpath.normpath(posixpath.join(posixpath.dirname(pagename), target["link"])).removesuffix(".html")
        if page in known:
            before = f'<span class="card-way">{word}</span>'
            context[f"{way}_card"] = card_html(known[page], target["link"], root, before)
    if pagename in known and known[pagename].boxes:
        context["here_map"] = model_map.here(known[pagename].boxes, f"{root}book/model-map.html")


def setup(app):
    app.add_directive("lesson-gallery", Gallery)
    app.connect("builder-inited", write_pictures)
    app.connect("html-page-context", sense_of_place)
