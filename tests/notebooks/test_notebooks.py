"""How the notebooks are kept: without outputs, in small cells, with the macros, described figures.

nbval runs them (`make notebooks`); this reads them.
"""

import copy
import json
import re
from pathlib import Path

import macros
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "chapters").glob("*/*.ipynb"))
LONGEST_CELL = 25


def text(cell):
    return "".join(cell["source"])


def tags(cell):
    return cell.get("metadata", {}).get("tags", [])


def problems(notebook):
    """What is wrong with a notebook, one sentence each."""
    found = []
    cells = notebook["cells"]
    if notebook["metadata"].get("language_info", {}).get("name") != "python":
        found.append("metadata lacks language_info: python")
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        found.append("the kernel is not python3")
    first = cells[0]
    if text(first).strip() != macros.cell_source() or "remove-cell" not in tags(first):
        found.append("the first cell is not the macro cell: python book/_tools/macros.py prints it")
    identifiers = [cell.get("id") for cell in cells]
    if None in identifiers or len(set(identifiers)) != len(identifiers):
        found.append("a cell has no id, or two have the same")
    for number, cell in enumerate(cells):
        found += [f"cell {number}: {what}" for what in cell_problems(cell)]
    return found


def cell_problems(cell):
    if cell["cell_type"] == "code":
        if cell.get("outputs") and "nbval-check-output" not in tags(cell):
            yield "is stored with its output"
        # nbval reads a count of None as "never run", and then refuses the stored output.
        count = 1 if cell.get("outputs") else None
        if cell.get("execution_count") != count:
            yield f"is stored with an execution count other than {count}"
        if text(cell).count("\n") + 1 > LONGEST_CELL:
            yield f"is longer than {LONGEST_CELL} lines"
        if not text(cell).strip():
            yield "is empty"
        if "nbval-check-output" in tags(cell) and not cell.get("outputs"):
            yield "is to be compared, but stores no output"
        if {"nbval-skip", "raises-exception", "nbval-raises-exception"} & set(tags(cell)):
            yield "is kept from being checked"
        if re.search(r"^\s*[%!]", text(cell), flags=re.MULTILINE):
            yield "runs a shell or a magic command"
    elif cell["cell_type"] == "markdown":
        prose = re.sub(r"```.*?```|`[^`]*`", "", text(cell), flags=re.DOTALL)
        if re.search(r"!\[\s*\]\(", prose):
            yield "has an image without a description"
        for image in re.findall(r"<img\b[^>]*>", prose):
            if not re.search(r"""\balt=["'][^"']{3,}""", image):
                yield "has an image without a description"
        if re.search(r"^(:{3,}|```)\{|\{[a-z]+\}`", text(cell), flags=re.MULTILINE):
            yield "uses markup that only the site understands"
        if prose.count("<details") != prose.count("</details>"):
            yield "opens a fold that it does not close"
        if re.search(r"^<a id=[^\n]*</a>\n\$\$", prose, flags=re.MULTILINE):
            # The site takes both for one line of HTML and text, and prints a dollar on either side.
            yield "has a displayed equation right below an anchor: leave a line between them"


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(notebook)
    assert problems(notebook) == []


# ------------------------------------------------------------------------ the checks themselves

SOUND = {
    "metadata": {"language_info": {"name": "python"}, "kernelspec": {"name": "python3"}},
    "cells": [
        macros.cell(),
        {"cell_type": "markdown", "id": "b", "metadata": {}, "source": ["![A hill](a.png)"]},
        {
            "cell_type": "code",
            "id": "c",
            "metadata": {},
            "source": ["1"],
            "outputs": [],
            "execution_count": None,
        },
    ],
}


def test_a_sound_notebook_passes():
    assert problems(SOUND) == []


@pytest.mark.parametrize(
    ("cell", "change", "complaint"),
    [
        (0, {"source": ["$\n$"]}, "macro cell"),
        (0, {"metadata": {}}, "macro cell"),
        (1, {"id": "c"}, "two have the same"),
        (1, {"source": ["![](a.png)"]}, "without a description"),
        (1, {"source": ['<img src="a.png">']}, "without a description"),
        (1, {"source": ["```{note}\nx\n```"]}, "only the site"),
        (1, {"source": ["{ref}`x`"]}, "only the site"),
        (1, {"source": ["<details><summary>x</summary>"]}, "fold"),
        (1, {"source": ['<a id="eq-1"></a>\n', "$$1$$"]}, "right below an anchor"),
        (2, {"outputs": [{"output_type": "stream"}]}, "stored with its output"),
        (2, {"execution_count": 3}, "execution count"),
        (2, {"source": ["x = 1\n"] * 25 + ["x"]}, "longer than"),
        (2, {"source": [" "]}, "is empty"),
        (2, {"source": ["!ls"]}, "shell"),
        (2, {"metadata": {"tags": ["nbval-check-output"]}}, "stores no output"),
        (2, {"metadata": {"tags": ["nbval-skip"]}}, "kept from being checked"),
    ],
)
def test_a_bad_cell_is_noticed(cell, change, complaint):
    notebook = copy.deepcopy(SOUND)
    notebook["cells"][cell] |= change
    assert any(complaint in problem for problem in problems(notebook)), problems(notebook)


def test_missing_metadata_is_noticed():
    notebook = copy.deepcopy(SOUND)
    notebook["metadata"] = {}
    assert len(problems(notebook)) == 2
