"""The directives `equation-index` and `errata`: the ledger as pages of the site only."""

from collections import Counter

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from . import ledger, sources
from .citations import INDEX

EXTRACTION = "May be due to the extraction of the text from the PDF."
COLUMNS = ("Section", "Equation", "What it says", "Verdict", "Code and tests")


class LedgerDirective(SphinxDirective):
    """What the two pages share: reading the ledger, and Markdown, links and labels as nodes."""

    option_spec = {"part": directives.unchanged}

    def run(self):
        for path in (ledger.LEDGER, ledger.TEXTBOOK, ledger.EVIDENCE):
            self.env.note_dependency(str(path))
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

    def correction(self, item) -> list[nodes.Node]:
        """What holds instead, and the measured numbers that say so."""
        exposed = ledger.filled(item.evidence, ledger.evidence().get(item.label, {}))
        return [self.prose("Correction", item.correction), self.prose("What exposed it", exposed)]

    def chapter_link(self, chapter: str, text: str = "Section {}") -> nodes.Node:
        """A link to the place in a chapter where the equation is derived."""
        document, _, anchor = chapter.partition("#")
        name = document.rsplit("/", 1)[-1]
        title = name.partition("-")[0] if name[0].isdigit() else name.replace("-", " ")
        uri = self.env.app.builder.get_relative_uri(self.env.docname, document)
        return nodes.reference("", text.format(title), refuri=f"{uri}#{anchor}", internal=True)

    def objects(self, names: list[str]) -> list[nodes.Node]:
        """The library's objects, each a link to its source."""
        return separated([self.link(".".join(name.split(".")[-2:]), ledger.source_of(name)) for name in names])

    def tests(self, tests: list[str]) -> list[nodes.Node]:
        """The tests, linked like the objects; their names are told without their files."""
        return separated([self.link(test.partition("::")[2], ledger.place_of_test(test)) for test in tests])

    def link(self, name: str, place: tuple[str, int] | None) -> nodes.Node:
        if place:  # its line is part of the link
            self.env.note_dependency(str(ledger.ROOT / place[0]))
        return sources.link(self.env.app.builder, self.env.docname, nodes.literal("", name), place)


class EquationIndex(LedgerDirective):
    """Every equation covered so far: one table, which a script can filter."""

    def build(self, book):
        if self.options.get("part") == "summary":
            return self.summary(book)
        return [self.table(book.entries())]

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

    def proof(self, entry):
        """The code, and who holds it and the claim to the truth; one line where the same tests do both."""
        claim, code = self.tests(entry.equation_tests), self.tests(entry.library_tests)
        if entry.equation_tests == entry.library_tests:
            fields = [("Code", self.objects(entry.implements)), ("Tests of both", claim)]
        else:
            fields = [("Claim tested by", claim), ("Code", self.objects(entry.implements)), ("Code tested by", code)]
        return [self.field(name, *shown) for name, shown in fields if shown]

    def table(self, entries):
        group = nodes.tgroup(cols=len(COLUMNS))
        group += [nodes.colspec(colwidth=1) for _ in COLUMNS]
        head, body = nodes.thead(), nodes.tbody()
        head += row([[nodes.paragraph("", name)] for name in COLUMNS])
        body += [self.row(entry) for entry in entries]
        group += [head, body]
        table = nodes.table(classes=["ledger-index"])
        table += group
        return table

    def row(self, entry):
        label = nodes.strong("", named(entry), classes=["ledger-label"])
        kind = entry.verdict.split()[-1] if entry.verdict != ledger.HOLDS else "holds"
        verdict = nodes.inline("", entry.verdict, classes=["verdict", f"verdict-{kind}"])
        says = self.markdown(entry.says)
        if entry.correction:
            says += self.correction(entry)
        cells = [[nodes.paragraph("", "", self.chapter_link(entry.chapter, "{}"))], [nodes.paragraph("", "", label)],
                 says, [nodes.paragraph("", "", verdict)], self.proof(entry)]  # fmt: skip
        return row(cells, ids=[ledger.slug(entry.label)])


class Errata(LedgerDirective):
    """Where the textbook's draft and the numbers disagree."""

    def build(self, book):
        corrected = book.corrected()
        if not corrected:
            return self.markdown(f"No slip found so far in {book.edition}.")
        return [self.box(item) for item in corrected]

    def box(self, item):
        box = nodes.container(ids=["slip-" + ledger.slug(item.label)], classes=["ledger-entry"])
        head = nodes.paragraph(classes=["ledger-head"])
        head += nodes.strong("", named(item), classes=["ledger-label"])
        if item.extraction:
            head += nodes.Text(" ")
            head += nodes.inline("", EXTRACTION, classes=["verdict", "verdict-extraction"])
        box += head
        box += self.markdown(item.says)
        box += self.correction(item)
        box += self.field("Worked out in", self.chapter_link(item.chapter))
        box += self.field("Checked by", *self.tests(item.equation_tests))
        return box


def row(cells: list[list[nodes.Node]], **attributes) -> nodes.row:
    """A row of a table."""
    node = nodes.row(**attributes)
    node += [nodes.entry("", *cell) for cell in cells]
    return node


def named(entry) -> str:
    """What to call an entry: `Eq. 2.6`, or the box's own name."""
    return entry.label if ledger.OWN_LABEL.fullmatch(entry.label) else f"Eq. {entry.label}"


def separated(items: list[nodes.Node]) -> list[nodes.Node]:
    """The items with commas between them."""
    return [node for item in items for node in (nodes.Text(", "), item)][1:]


def add_filter(app, pagename, templatename, context, doctree):
    """The script of the index, on its page only."""
    if pagename == INDEX:
        app.add_js_file("equation-index.js")


def setup(app):
    app.add_directive("equation-index", EquationIndex)
    app.add_directive("errata", Errata)
    app.connect("html-page-context", add_filter)
