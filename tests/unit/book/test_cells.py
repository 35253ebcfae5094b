"""The order of code cells on a page: figures first, one fold to a figure; and what a page loads."""

from types import SimpleNamespace

import pytest
from companion import cells, head
from docutils import nodes
from docutils.utils import new_document
from myst_nb.sphinx_ import HideCodeCellNode


def code_cell(text, *, output=True, hidden=False):
    """A code cell as MyST-NB leaves it."""
    source = nodes.container("", nodes.literal_block(text, text), nb_element="cell_code_source")
    if hidden:
        source = HideCodeCellNode("", source, prompt_show="Show the code", prompt_hide="Hide the code")
    cell = nodes.container("", source, nb_element="cell_code")
    if output:
        cell += nodes.container("", nodes.paragraph("", "a figure"), nb_element="cell_code_output")
    return cell


def arranged(*parts):
    document = new_document("page")
    document.extend(parts)
    transform = cells.ArrangeCells(document)
    transform.run()
    return document.children


def kinds(cell):
    return ["fold" if isinstance(c, HideCodeCellNode) else c["nb_element"].rpartition("_")[2] for c in cell.children]


def test_folded_code_stands_below_its_figure():
    (cell,) = arranged(code_cell("draw()", hidden=True))
    assert kinds(cell) == ["output", "fold"]
    (cell,) = arranged(code_cell("draw()"))
    assert kinds(cell) == ["source", "output"]


def test_what_only_prepares_a_figure_joins_its_fold():
    (cell,) = arranged(
        code_cell("x = 1", output=False, hidden=True),
        code_cell("y = 2", output=False, hidden=True),
        code_cell("draw(x, y)", hidden=True),
    )
    assert kinds(cell) == ["output", "fold"]
    assert [block.astext() for block in cell.findall(nodes.literal_block)] == ["x = 1", "y = 2", "draw(x, y)"]


def test_text_between_two_cells_keeps_them_apart():
    found = arranged(
        code_cell("x = 1", output=False, hidden=True), nodes.paragraph("", "Words."), code_cell("draw(x)", hidden=True)
    )
    assert len(found) == 3


def test_a_quotation_of_source_stands_without_the_call_that_makes_it():
    quoted, imported, used = arranged(
        code_cell("show.source(f, g)"),
        code_cell("from a import b\n\nshow.source(b)"),
        code_cell("x = f()\nshow.source(f)"),
    )
    assert kinds(quoted) == kinds(imported) == ["output"]
    assert kinds(used) == ["source", "output"]


def test_the_imports_at_the_head_are_folded():
    first, second = arranged(code_cell("import numpy as np\nx = 1", output=False), code_cell("import this"))
    assert kinds(first) == ["fold"]
    assert first.children[0]["prompt_show"] == "Show the imports and the data"
    assert kinds(second) == ["source", "output"]


def test_a_fold_is_called_by_the_words_on_it():
    written = SimpleNamespace(body=[])
    cells.visit_fold(written, HideCodeCellNode(prompt_show="Show <it>", prompt_hide="Hide it"))
    html = "".join(written.body)
    assert "aria-label" not in html
    assert "Show &lt;it&gt;" in html


class Script:
    """As Sphinx hands them over: one and the same for every page."""

    def __init__(self, filename=None, *, priority=500, **attributes):
        self.filename, self.priority, self.attributes = filename, priority, attributes


def script(filename=None, **attributes):
    return Script(filename, **attributes)


def scripts_of(body):
    context = {
        "body": body,
        "script_files": [
            script("_static/documentation_options.js"),
            script("_static/copybutton.js"),
            script("_static/vendor/mathjax/tex-mml-chtml.js", defer="defer"),
            script(body="window.MathJax = {}"),
            script(body="let x = 1"),
        ],
    }
    head.arrange_scripts(None, "page", "page.html", context, None)
    return context


@pytest.mark.parametrize("body", ["<p>Words about math.</p>", '<p class="mathematics">x</p>'])
def test_a_page_without_a_formula_loads_no_mathjax(body):
    context = scripts_of(body)
    assert not any("mathjax" in str(s.filename) or "MathJax" in s.attributes.get("body", "") for s in context["script_files"])
    assert "noscript" not in context["body"]


def test_a_page_with_a_formula_loads_it_and_says_what_is_shown_without():
    context = scripts_of('<span class="math notranslate">x</span>')
    assert len(context["script_files"]) == 5
    assert context["body"].startswith("<noscript>")


def test_scripts_wait_for_the_text_but_for_the_one_that_others_read():
    waiting = {s.filename: "defer" in s.attributes for s in scripts_of("")["script_files"] if s.filename}
    assert waiting == {"_static/documentation_options.js": False, "_static/copybutton.js": True}


def test_the_search_page_and_the_shared_list_are_left_alone():
    shared = [script("_static/doctools.js")]
    for page, waits in (("page", True), ("search", False), ("page", True)):
        context = {"body": "", "script_files": list(shared)}
        head.arrange_scripts(None, page, "page.html", context, None)
        assert ("defer" in context["script_files"][0].attributes) is waits
    assert shared[0].attributes == {}
