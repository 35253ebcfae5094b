"""Turn `section 2.2.1` in running text into a link to the lesson that covers it.

Notebooks stay plain Markdown this way, as with equations (`citations`): they name a section by its number.
"""

import functools
import json
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

from . import citations, lessons
from .ledger import ROOT

NUMBER = r"(?:\d+|[A-CMT])(?:\.\d+)+[a-d]?"
BETWEEN = r"(?:,\s|,?\sand\s|,?\sor\s|\sto\s)"
MENTION = re.compile(
    rf"(?<![-\w])(?:[Ss]ections?|[Aa]ppendi(?:x|ces))\s(?P<numbers>{NUMBER}(?:{BETWEEN}{NUMBER})*)"
)
#: Where no link is made: also not inside one that is not resolved yet.
SKIPPED = (*citations.SKIPPED, addnodes.pending_xref, addnodes.download_reference)
#: Paragraphs that begin so name sections of other books, and of the textbook as a book.
ABOUT_BOOKS = ("Sources.", "Where to read on.")


@functools.cache
def pages() -> dict[str, str]:
    """The page of each section: of the lesson of that number, or of the one that says it covers the section."""
    found = {number_of(page): page for page in lessons.lessons()}
    said = [(section, page) for page in lessons.lessons() for section in covered(page)]
    # Where two lessons name a section, that of its own chapter comes first.
    said.sort(key=lambda pair: pair[0].split(".")[0] != number_of(pair[1]).split(".")[0])
    for section, page in said:
        found.setdefault(section, page)
    return found


def number_of(page: str) -> str:
    """The number of a lesson: the beginning of its name."""
    return page.split("/")[-1].split("-")[0]


def covered(page: str) -> list[str]:
    """The textbook's sections that a lesson's facts name."""
    cells = json.loads((ROOT / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    row = re.search(r"^\| Textbook \|(.*)\|$", text, re.MULTILINE)
    return [piece[0] for piece in split(row[1]) if isinstance(piece, tuple)] if row else []


def page_of(number: str, known: dict[str, str]) -> str | None:
    """The lesson of a section, the first of several, or that of the section which it is a part of."""
    while "." in number:
        for name in (number, f"{number}a"):
            if name in known:
                return known[name]
        number = number.rpartition(".")[0]
    return None


def split(text: str):
    """Pieces of a text: plain strings, and `(number, text)` pairs where a section is named."""
    position = 0
    for mention in MENTION.finditer(text):
        start = mention.start("numbers")
        for which, number in enumerate(re.finditer(NUMBER, mention["numbers"])):
            # The first link takes in the word before it: "section 2.2.1" is one target for the finger.
            begin = mention.start() if which == 0 else start + number.start()
            if begin > position:
                yield text[position:begin]
            position = start + number.end()
            yield number.group(), text[begin:position]
    if position < len(text):
        yield text[position:]


class LinkMentions(SphinxTransform):
    """Link each section that a paragraph names, once, to its lesson; not to the page on which it is named."""

    default_priority = 701                                    # after the equations

    def apply(self):
        known, here, linked = pages(), self.env.docname, set()
        for text in list(self.document.findall(nodes.Text)):
            if citations.inside(text, SKIPPED) or not MENTION.search(text) or about_books(text):
                continue
            text.parent.replace(text, [linked_piece(p, known, here, linked, text.parent) for p in split(str(text))])


def linked_piece(piece, known, here, linked, parent):
    if isinstance(piece, str):
        return nodes.Text(piece)
    number, words = piece
    page = page_of(number, known)
    if page is None or page == here or (id(parent), page) in linked:
        return nodes.Text(words)
    linked.add((id(parent), page))
    return addnodes.pending_xref(
        "", nodes.inline("", words, classes=["doc"]),
        reftype="doc", refdomain="std", reftarget=f"/{page}", refexplicit=True, refwarn=True, refdoc=here,
    )  # fmt: skip


def about_books(text) -> bool:
    """Whether a text stands in a paragraph, or in a row of the facts, about the literature."""
    paragraph, row = enclosing(text, nodes.paragraph), enclosing(text, nodes.row)
    return (paragraph is not None and paragraph.astext().startswith(ABOUT_BOOKS)) or (
        row is not None and row.astext().startswith("Textbook"))


def enclosing(node, kind):
    while node is not None and not isinstance(node, kind):
        node = node.parent
    return node


def setup(app):
    app.add_transform(LinkMentions)
