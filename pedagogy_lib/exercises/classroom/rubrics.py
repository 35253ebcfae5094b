"""What each exercise is worth and what a full answer has.

The statements are the chapters' own. The points of what no check judges (a derivation, an experiment) stand in
``steps/<section>.toml``, set by hand: one point or more for each thing that a full answer has. For an experiment there
are the numbers that it finds, each with the interval that it may lie in.
"""

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

from ..tasks import find
from . import copies

STEPS = Path(__file__).parent / "steps"
STARS = re.compile(r"^\*\*([a-z])\*\* \((★+)([^)]*)\)", re.MULTILINE)


class Number(NamedTuple):
    """A number that an experiment finds, and between which bounds a good answer has it."""

    name: str
    low: float
    high: float
    says: str


class Marking(NamedTuple):
    """How an answer is marked by hand: what earns points, and what an experiment finds."""

    steps: tuple[tuple[int, str], ...]  # points, and what they are given for
    expected: tuple[Number, ...]


class ByHand(NamedTuple):
    """An exercise that no check judges."""

    name: str  # as "2.1.1-g"
    points: int  # twice its stars
    kind: str  # as "on paper"
    statement: str


def rubric(chapters=copies.CHAPTERS, only=""):
    """Return the exercises of the chapters as a table for each: points, and what they are given for.

    A task with a check earns all of its points or none. A derivation or an experiment earns those of each step that the
    student has.

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
        lines += [f"## {path.stem}", ""]
        for cell in copies.load(path)["cells"]:
            if "exercise-statement" in cell["metadata"].get("tags", []):
                lines += _of_task(find(cell["metadata"]["task"]), "".join(cell["source"]))
            for exercise in _in_prose(cell, path):
                lines += _of_prose(exercise)
    return "\n".join(lines)


def by_hand(chapters=copies.CHAPTERS, only=""):
    """Return the exercises of the chapters that no check judges.

    Parameters
    ----------
    chapters, only
        As for `rubric`.

    Returns
    -------
    list of ByHand
    """
    found = []
    for path in copies.chosen(chapters, only):
        for cell in copies.load(path)["cells"]:
            found += _in_prose(cell, path)
    return found


def marking(name):
    """Return how an exercise is marked by hand.

    Parameters
    ----------
    name : str
        As in ``"2.1.1-g"``.

    Returns
    -------
    Marking

    Raises
    ------
    KeyError
        If its section's file has no such exercise.
    """
    section = name.rpartition("-")[0]
    path = STEPS / f"{section}.toml"
    found = tomllib.loads(path.read_text(encoding="utf-8")).get(name) if path.is_file() else None
    if found is None:
        raise KeyError(f"name: expected an exercise of {path.name}, got {name!r}")
    return Marking(
        tuple((points, says) for points, says in found["steps"]),
        tuple(Number(*number) for number in found.get("expected", [])),
    )


def _in_prose(cell, path):
    """Yield the exercises of a cell that no check judges."""
    if cell["cell_type"] != "markdown" or "task" in cell["metadata"]:
        return
    source, section = "".join(cell["source"]), Path(path).stem.split("-")[0]
    found = list(STARS.finditer(source))
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(source)
        letter, stars, kind = match.groups()
        statement = source[match.start() : end].partition("<details>")[0].strip()
        yield ByHand(f"{section}-{letter}", 2 * len(stars), kind.strip(", "), statement)


def _of_task(task, statement):
    lines = [f"### {task.name}: {task.points} points, checked", "", statement, ""]
    lines += [f"- no points, and this hint, for *{mistake.name}*: {mistake.hint}" for mistake in task.mistakes]
    return [*lines, ""]


def _of_prose(exercise):
    steps, expected = marking(exercise.name)
    lines = [f"### {exercise.name}: {exercise.points} points, by hand, {exercise.kind}", "", exercise.statement, ""]
    lines += [f"- {points}: {says}" for points, says in steps]
    lines += ["", "Numbers that a good answer finds:", ""] if expected else []
    lines += [f"- {number.says}: {number.low:g} to {number.high:g}" for number in expected]
    return [*lines, ""]
