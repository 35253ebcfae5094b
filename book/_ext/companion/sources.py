"""Where the code that a page names can be read: on GitHub, or on pages of the site with an anchor for each line.

A site that was built without a repository's address carries the files that the ledger names, highlighted.
"""

from docutils import nodes

from . import launch, ledger

FOLDER = "source"


def files(root=ledger.ROOT) -> list[str]:
    """Every file that an entry of the ledger names, of the library and of its tests."""
    places = [place for name in objects() if (place := ledger.source_of(name, root))]
    return sorted({path for path, _ in places} | {test.partition("::")[0] for test in tests()})


def objects():
    return {name for entry in ledger.load().entries() for name in entry.implements}


def tests():
    book = ledger.load()
    both = [test for entry in book.entries() for test in [*entry.equation_tests, *entry.library_tests]]
    return {*both, *(test for slip in book.errata for test in slip.equation_tests)}


def link(builder, page: str, shown: nodes.Node, place: tuple[str, int] | None) -> nodes.Node:
    """What is shown, as a link from a page to a file and line; as it is where there is no such file."""
    if place is None:
        return shown
    path, line = place
    address = launch.source_link(path, line)
    if address is None:
        address = f"{builder.get_relative_uri(page, page_name(path))}#L-{line}"
    return nodes.reference("", "", shown, refuri=address)


def page_name(path: str) -> str:
    return f"{FOLDER}/{path.removesuffix('.py')}"


def collect(app):
    """The pages of the site that show files, one for each."""
    if app.builder.format != "html" or launch.repository_url():
        return
    for path in files():
        text = (ledger.ROOT / path).read_text(encoding="utf-8")
        code = app.builder.highlighter.highlight_block(text, "python", linenos="inline", lineanchors="L")
        title = f"<h1><code>{path}</code></h1>"
        body = f"{title}<p>A file of the companion, as it was when this site was built.</p>{code}"
        yield page_name(path), {"title": path, "body": body}, "page.html"


def setup(app):
    app.connect("html-collect-pages", collect)
