"""Turn `Eq. 2.47` in running text into a link to the equation index.

Notebooks stay plain Markdown this way: they cite an equation by the textbook's own label, and
JupyterLab shows the same words. A label that the textbook does not have is a warning, hence an
error of the build.
"""

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from . import ledger

logger = logging.getLogger(__name__)
INDEX = "book/equations"
SKIPPED = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.reference,
           nodes.title, nodes.raw, nodes.comment)  # fmt: skip


class cited_equation(nodes.Inline, nodes.TextElement):
    """A label in running text, not yet a link."""


def split(text: str):
    """Pieces of a text: plain strings, and `(label, text)` pairs where an equation is named."""
    position = 0
    for citation in ledger.CITATION.finditer(text):
        start = citation.start("labels")
        labels = list(ledger.LABEL.finditer(text, start, citation.end("labels")))
        for number, label in enumerate(labels):
            # The first link takes in the word before it: "Eq. 2.47" is one target for the finger.
            begin = citation.start() if number == 0 else label.start()
            if begin > position:
                yield text[position:begin]
            yield label.group(), text[begin : label.end()]
            position = label.end()
    if position < len(text):
        yield text[position:]


class MarkCitations(SphinxTransform):
    """While reading: find the labels, and say which ones the textbook does not have."""

    default_priority = 700

    def apply(self):
        for text in list(self.document.findall(nodes.Text)):
            if (
                not inside(text, SKIPPED)
                and not is_entry_label(text)
                and ledger.CITATION.search(text)
            ):
                text.parent.replace(text, list(self.marked(text)))

    def marked(self, text):
        known = ledger.textbook()
        for piece in split(str(text)):
            if isinstance(piece, str):
                yield nodes.Text(piece)
            elif piece[0] in known:
                yield cited_equation(piece[1], piece[1], label=piece[0])
            else:
                logger.warning(
                    "Eq. %s: the textbook has no such equation", piece[0], location=text.parent
                )
                yield nodes.Text(piece[1])


class LinkCitations(SphinxPostTransform):
    """While writing: link the labels that the index lists; the others stay text."""

    default_priority = 5

    def run(self):
        listed = {entry.label for entry in ledger.load().equations}
        for cited in list(self.document.findall(cited_equation)):
            label = cited["label"]
            if label in listed and self.has_index():
                link = nodes.reference("", "", *cited.children, internal=True, classes=["eq-link"])
                index = self.app.builder.get_relative_uri(self.env.docname, INDEX)
                link["refuri"] = f"{index}#{ledger.slug(label)}"
                cited.replace_self(link)
            else:
                cited.replace_self(cited.children)

    def has_index(self):
        return INDEX in self.env.found_docs


def is_entry_label(text) -> bool:
    """Whether a text is the label of an entry of the index, which would link to itself."""
    return "ledger-label" in text.parent.get("classes", [])


def inside(node, kinds) -> bool:
    """Whether a node stands somewhere inside one of these kinds."""
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def setup(app):
    app.add_node(cited_equation)
    app.add_transform(MarkCitations)
    app.add_post_transform(LinkCitations)
