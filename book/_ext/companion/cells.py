"""Code cells as a reader meets them: the figure first, its code folded below it, under its own name.

MyST-NB folds the code of a cell tagged `hide-input` above what it shows, and names every fold alike.
Here the fold moves below, the folds of cells that only prepare a figure join the fold of that figure,
a cell that only quotes the library's source shows the quotation alone, and the imports at the
head of a page are folded.
"""

import re
from html import escape

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform

QUOTES = re.compile(r"((import|from) [^\n]*\n+)*show\.source\([^()]*\)\s*")
SETS_UP = re.compile(r"(import|from) \w")


def is_cell(node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def part(cell, kind):
    """The source or the output of a code cell, wherever it was wrapped; None if there is none."""
    return next((c for c in cell.findall(nodes.container) if c.get("nb_element") == kind), None)


def code_of(cell) -> str:
    source = part(cell, "cell_code_source")
    return source.astext() if source is not None else ""


def fold_of(cell):
    """The fold around the source of a code cell, or None."""
    return next((c for c in cell.children if isinstance(c, HideCodeCellNode)), None)


def folded(prompt):
    """An empty fold."""
    return HideCodeCellNode(prompt_show=prompt, prompt_hide=f"Hide {prompt.removeprefix('Show ')}")


class ArrangeCells(SphinxPostTransform):
    """Put folds below figures, one to a figure."""

    default_priority = 250  # after MyST-NB has wrapped what is hidden
    formats = ("html",)

    def run(self, **kwargs):
        cells = [node for node in self.document.findall(nodes.container) if is_cell(node)]
        for cell in cells:
            if QUOTES.fullmatch(code_of(cell)) and part(cell, "cell_code_output") is not None:
                cell.remove(cell.children[0])  # the quotation says itself where it comes from
        if cells and SETS_UP.match(code_of(cells[0])) and fold_of(cells[0]) is None:
            wrap(cells[0], "Show the imports and the data")
        for cell in cells:
            join(cell)
        for cell in cells:
            fold = fold_of(cell)
            if fold is not None and len(cell.children) > 1:
                cell.remove(fold)
                cell.append(fold)
                fold["classes"] = ["below-output"]


def wrap(cell, prompt):
    """Fold the source of a cell."""
    source = cell.children[0]
    fold = folded(prompt)
    cell.replace(source, fold)
    fold.append(source)


def join(cell):
    """Move the code of a folded cell without output into the folded cell that follows it."""
    parent, fold = cell.parent, fold_of(cell)
    if fold is None or len(cell.children) > 1 or fold["prompt_show"].startswith("Show the imports"):
        return
    after = parent.children[parent.index(cell) + 1 :][:1]
    if after and is_cell(after[0]) and fold_of(after[0]) is not None:
        fold_of(after[0]).children[:0] = fold.children
        for child in fold.children:
            child.parent = fold_of(after[0])
        parent.remove(cell)


def visit_fold(self, node):
    """A fold whose name is what it reads: MyST-NB's own carries a label that a screen reader says instead."""
    classes = " ".join(["hide", *node["classes"]])
    self.body.append(
        f'<details class="{classes}"><summary><span class="fold-closed">{escape(node["prompt_show"])}</span>'
        f'<span class="fold-open">{escape(node["prompt_hide"])}</span></summary>\n'
    )


def depart_fold(self, node):
    self.body.append("</details>\n")


def setup(app):
    app.setup_extension("myst_nb")
    app.add_node(HideCodeCellNode, override=True, html=(visit_fold, depart_fold))
    app.add_post_transform(ArrangeCells)
