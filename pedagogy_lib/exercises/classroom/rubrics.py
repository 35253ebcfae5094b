"""What each exercise is worth and what a full answer has, from the chapters themselves."""

import re
from pathlib import Path

from ..tasks import find
from . import copies

STARS = re.compile(r"^\*\*([a-z])\*\* \((★+)([^)]*)\)", re.MULTILINE)
STEP = re.compile(r"(?<=[.:])\s+(?=[A-Z$])")


def rubric(chapters=copies.CHAPTERS, only=""):
    """Return the exercises of the chapters as a table for each: points, and what they are given for.

    A task with a check earns all of its points or none. A derivation or an experiment earns one point for each
    displayed step or sentence of its model answer that the student has, up to twice its stars.

    Parameters
    ----------
    chapters : str or Path
    only : str
        Chapters whose file name begins with this.

    Returns
    -------
    str
        Markdown.
    """
    lines = ["# Rubric", ""]
    for path in copies.chosen(chapters, only):
        cells = copies.load(path)["cells"]
        lines += [f"## {path.stem}", ""]
        for cell in cells:
            tags = cell["metadata"].get("tags", [])
            if "exercise-statement" in tags:
                lines += _of_task(find(cell["metadata"]["task"]), "".join(cell["source"]))
            elif cell["cell_type"] == "markdown" and "task" not in cell["metadata"]:
                lines += _of_prose("".join(cell["source"]), Path(path).stem.split("-")[0])
    return "\n".join(lines)


def _of_task(task, statement):
    lines = [f"### {task.name}: {task.points} points, checked", "", statement, ""]
    lines += [f"- no points, and this hint, for *{mistake.name}*: {mistake.hint}" for mistake in task.mistakes]
    return [*lines, ""]


def _of_prose(source, section):
    """The exercises of a cell that no check judges."""
    lines = []
    found = list(STARS.finditer(source))
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(source)
        letter, stars, kind = match.groups()
        statement, _, rest = source[match.start() : end].partition("<details>")
        answer = rest.partition("</summary>")[2].partition("</details>")[0].strip()
        points = 2 * len(stars)
        steps = [step.strip() for step in STEP.split(answer) if step.strip()]
        each = points / len(steps) if steps else 0
        lines += [f"### {section}-{letter}: {points} points, by hand{kind}", "", statement.strip(), ""]
        lines += [f"- {each:.2g}: {step}" for step in steps] + [""]
    return lines
