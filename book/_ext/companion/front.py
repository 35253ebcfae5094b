"""The front door: what is proved, in numbers taken from the book itself, and what other sites show of a page."""

import re
from html import escape

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from . import ledger
from .launch import repository_url
from .ledger import ROOT
from .lessons import lessons, pictures

CHECKED = re.compile(r"exercises\.check\(")
DESCRIPTION = (
    "An interactive companion to J.G. Makin's An Introduction to Modern Statistical Learning: every algorithm derived, "
    "run on data, animated, and checked by a number."
)


class Proved(SphinxDirective):
    """How much there is, and how much of it a test holds to the truth: counted, never typed."""

    def run(self):
        self.env.note_dependency(str(ledger.LEDGER))
        book, known = ledger.load(), lessons()
        tested = [entry for entry in book.equations if entry.equation_tests]
        notebooks = [(ROOT / f"{page}.ipynb").read_text(encoding="utf-8") for page in known]
        figures = sum(len(pictures(page)) for page in known)
        questions = sum(len(re.findall(r"show\.predict\(", text)) for text in notebooks)
        tasks = sum(len(CHECKED.findall(text)) for text in notebooks)
        others = len(book.equations) - len(tested)
        rest = "one other only fixes" if others == 1 else f"{others} others only fix"
        lines = [
            f"{len(book.equations)} of the textbook's {len(ledger.textbook())} numbered equations have their place in "
            f"a lesson. {len(tested)} have a test of both sides; {rest} notation.",
            f"{len(book.corrected())} places of the draft do not hold as printed, each with the number that shows it.",
            f"{len(known)} lessons have {figures} figures, {questions} questions that wait for a guess, and {tasks} "
            "tasks whose check draws new numbers at each try.",
        ]
        items = [nodes.list_item("", nodes.paragraph("", line)) for line in lines]
        return [nodes.bullet_list("", *items, classes=["proved"])]


def describe(app, pagename, templatename, context, doctree):
    """What a search engine, or a message that carries the link, says of a page."""
    one = lessons().get(pagename)
    words = f"{one.question} A lesson with figures that move." if one else DESCRIPTION
    own = re.sub("<[^>]+>", "", context.get("title", ""))
    title = one.title if one else own if own and pagename != app.config.root_doc else app.config.html_title
    tags = [("name", "description", words), ("property", "og:title", title), ("property", "og:description", words)]
    if base := app.config.html_baseurl:
        tags.append(("property", "og:image", f"{base.rstrip('/')}/_static/preview.png"))
    lines = (f'<meta {kind}="{name}" content="{escape(text, quote=True)}" />' for kind, name, text in tags)
    context["metatags"] = context.get("metatags", "") + "\n".join(lines)


def place(app, config):
    """Pictures in links need whole addresses, which are those of the repository's pages."""
    if not config.html_baseurl and (repository := repository_url()):
        owner, name = repository.removeprefix("https://github.com/").split("/")
        config.html_baseurl = f"https://{owner.lower()}.github.io/{name}/"


def setup(app):
    app.add_directive("proved", Proved)
    app.connect("config-inited", place)
    app.connect("html-page-context", describe)
