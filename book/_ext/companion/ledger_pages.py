"""The directives `equation-index` and `errata`: the ledger as pages of the site only."""

from collections import Counter

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from . import launch, ledger


class LedgerDirective(SphinxDirective):
    """What the two pages share: reading the ledger, and Markdown, links and labels as nodes."""

    option_spec = {"part": directives.unchanged}

    def run(self):
        self.env.note_dependency(str(ledger.LEDGER))
        self.env.note_dependency(str(ledger.TEXTBOOK))
        return self.build(ledger.load())

    def markdown(self, text: str) -> list[nodes.Node]:
        """Markdown with mathematics."""
        return self.parse_text_to_nodes(text)

    def field(self, name: str, *content: nodes.Node) -> nodes.Node:
        """One line `name: content` of an entry."""
        line = nodes.paragraph("", "", nodes.strong(name, name), nodes.Text(": "), *content)
        line["classes"].append("ledger-field")
        return line

    def prose(self, name: str, text: str) -> nodes.Node:
        """A field whose content is Markdown."""
        parsed = self.markdown(text)
        return self.field(name, *(child for block in parsed for child in block.children))

    def chapter_link(self, chapter: str) -> nodes.Node:
        """A link to the place in a chapter where the equation is derived."""
        document, _, anchor = chapter.partition("#")
        title = document.rsplit("/", 1)[-1].partition("-")[0]
        uri = self.env.app.builder.get_relative_uri(self.env.docname, document)
        return nodes.reference("", f"Section {title}", refuri=f"{uri}#{anchor}", internal=True)

    def sources(self, objects: list[str]) -> list[nodes.Node]:
        """The library's objects, each a link to its source where the repository has an address."""
        return separated([self.source(name, ledger.source_of(name)) for name in objects])

    def source(self, name: str, place: tuple[str, int] | None) -> nodes.Node:
        shown = nodes.literal("", name.removeprefix("pedagogy_lib."))
        address = launch.source_link(*place) if place else None
        return nodes.reference("", "", shown, refuri=address) if address else shown

    def tests(self, tests: list[str]) -> list[nodes.Node]:
        """The tests, linked like the sources."""
        shown = []
        for test in tests:
            path, _, name = test.partition("::")
            text = nodes.literal("", name)
            address = launch.source_link(path, 1)
            link = nodes.reference("", "", text, refuri=address) if address else text
            shown.append(nodes.inline("", "", link, nodes.Text(" in "), nodes.literal("", path)))
        return separated(shown)


class EquationIndex(LedgerDirective):
    """Every equation covered so far, under the textbook's sections."""

    def build(self, book):
        if self.options.get("part") == "summary":
            return self.summary(book)
        return self.sections(book)

    def summary(self, book):
        total, covered = len(ledger.textbook()), len(book.equations)
        verdicts = Counter(entry.verdict for entry in book.equations)
        counted = ", ".join(f"{verdicts[v]} {v}" for v in ledger.VERDICTS if verdicts[v])
        text = (
            f"The textbook, in {book.edition}, numbers {total} equations. "
            f"This index covers **{covered} of {total}** so far: {counted}. "
            f"It also lists {len(book.boxes)} algorithms that the textbook prints in a box, without a number, "
            f"and {len(book.results)} results of the companion's own."
        )
        return self.markdown(text)

    def sections(self, book):
        grouped: dict[str, list] = {}
        for entry in book.equations:
            grouped.setdefault(ledger.textbook()[entry.label][0], []).append(entry)
        numbered = [self.numbered(number, entries) for number, entries in grouped.items()]
        own = (
            ("Algorithms in boxes", "boxes", book.boxes),
            ("Results of the companion's own", "results", book.results),
        )
        return [*numbered, *(self.section(*part) for part in own if part[2])]

    def numbered(self, number, entries):
        title = ledger.textbook()[entries[0].label][1]
        return self.section(f"{number} {title}".strip(), f"section-{number.replace('.', '-')}", entries)

    def section(self, heading, anchor, entries):
        node = nodes.section(ids=[anchor])
        node += nodes.title(heading, heading)
        for entry in entries:
            node += self.entry(entry)
        return node

    def entry(self, entry):
        box = nodes.container(ids=[ledger.slug(entry.label)], classes=["ledger-entry"])
        head = nodes.paragraph(classes=["ledger-head"])
        head += nodes.strong("", named(entry), classes=["ledger-label"])
        head += nodes.Text(" ")
        kind = entry.verdict.split()[-1] if entry.verdict != ledger.HOLDS else "holds"
        head += nodes.inline("", entry.verdict, classes=["verdict", f"verdict-{kind}"])
        box += head
        box += self.markdown(entry.says)
        if entry.correction:
            box += self.prose("Correction", entry.correction)
            box += self.prose("What exposed it", entry.evidence)
        box += self.field("Derived in", self.chapter_link(entry.chapter))
        if entry.implements:
            box += self.field("Code", *self.sources(entry.implements))
        if entry.equation_tests:
            box += self.field("Checked by", *self.tests(entry.equation_tests))
        if entry.library_tests:
            box += self.field("Code checked by", *self.tests(entry.library_tests))
        return box


class Errata(LedgerDirective):
    """Where the textbook's draft and the numbers disagree."""

    def build(self, book):
        entries = [*book.equations, *book.boxes, *book.results]
        corrected = [entry for entry in entries if entry.verdict == ledger.CORRECTED]
        if not corrected and not book.errata:
            return self.markdown(f"No slip found so far in {book.edition}.")
        slips = [self.equation(entry) for entry in corrected]
        return slips + [self.slip(slip) for slip in book.errata]

    def equation(self, entry):
        return self.box(named(entry), entry)

    def slip(self, slip):
        return self.box(slip.label, slip)

    def box(self, name, item):
        box = nodes.container(ids=["slip-" + ledger.slug(item.label)], classes=["ledger-entry"])
        head = nodes.paragraph(classes=["ledger-head"])
        head += nodes.strong("", name, classes=["ledger-label"])
        box += head
        box += self.markdown(item.says)
        box += self.prose("Correction", item.correction)
        box += self.prose("What exposed it", item.evidence)
        box += self.field("Worked out in", self.chapter_link(item.chapter))
        box += self.field("Checked by", *self.tests(item.equation_tests))
        return box


def named(entry) -> str:
    """What to call an entry: `Eq. 2.6`, or the box's own name."""
    return entry.label if ledger.OWN_LABEL.fullmatch(entry.label) else f"Eq. {entry.label}"


def separated(items: list[nodes.Node]) -> list[nodes.Node]:
    """The items with commas between them."""
    return [node for item in items for node in (nodes.Text(", "), item)][1:]


def setup(app):
    app.add_directive("equation-index", EquationIndex)
    app.add_directive("errata", Errata)
