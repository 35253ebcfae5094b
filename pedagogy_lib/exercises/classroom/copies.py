"""Copies of the chapters: a student's without solutions, an instructor's with all that a grader wants to know.

The chapters are those of the repository, which an installed library does not have: ``chapters`` says where.
"""

import compileall
import json
import re
import shutil
from pathlib import Path

from ..tasks import find
from . import exports

PACKAGE = Path(__file__).parents[2]
CHAPTERS = PACKAGE.parent / "chapters"
SOLUTION = re.compile(r"<details>\s*<summary>\s*(Solution|Answer)[^<]*</summary>.*?</details>", re.DOTALL)
WITHHELD = "*The solution is with your teacher.*"
INSTALLS = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CONTENT")  # so that a copy can be installed
ANSWERS = ("sections", "classroom", "__main__.py")
NO_ANSWERS = '"""This copy has no answers: hand in your notebook, and the grader checks it."""\n'


def student(folder, chapters=CHAPTERS, only=""):
    """Write the chapters without solutions, and a library without answers.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist.
    chapters : str or Path
        Where the chapters are.
    only : str
        Chapters whose file name begins with this: ``"7.1"``.

    Returns
    -------
    list of Path
        The notebooks.
    """
    written = [_write(folder, path, withhold(load(path))) for path in chosen(chapters, only)]
    library(folder)
    for name in INSTALLS:
        if (PACKAGE.parent / name).is_file():
            shutil.copy(PACKAGE.parent / name, folder)
    return written


def instructor(folder, chapters=CHAPTERS, only="", platform="plain"):
    """Write the chapters with their solutions, and below each its points, and the mistakes that its check names.

    Parameters
    ----------
    folder, chapters, only
        As for `student`.
    platform : {"plain", "nbgrader", "otter"}
        For the latter two the source version that they turn into a student's: their marks, and no remarks.

    Returns
    -------
    list of Path
        The notebooks.
    """
    written = []
    for path in chosen(chapters, only):
        notebook = load(path)
        made = annotate(notebook) if platform == "plain" else exports.export(notebook, platform)
        written.append(_write(folder, path, made))
    return written


def library(folder):
    """Copy the library without what knows the answers.

    Returns
    -------
    Path
        Of the package within the folder.
    """
    made = Path(folder) / PACKAGE.name
    exercises = PACKAGE / "exercises"

    def left_out(where, names):
        beside_answers = [name for name in names if Path(where) == exercises and name in ANSWERS]
        return [*beside_answers, *(name for name in names if name == "__pycache__")]

    shutil.copytree(PACKAGE, made, ignore=left_out, dirs_exist_ok=True)
    (made / "exercises" / "sections").mkdir(exist_ok=True)
    (made / "exercises" / "sections" / "__init__.py").write_text(NO_ANSWERS, encoding="utf-8")
    compileall.compile_dir(made, quiet=2)  # once, and not by every process of the grader
    return made


def withhold(notebook):
    """Take the solutions of all exercises out of a notebook, of those with a check and of those without."""
    cells, before = [], True
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if "exercise-solution" in cell["metadata"].get("tags", []):
            source = WITHHELD
        elif cell["cell_type"] == "markdown":
            lesson, heading, exercises = source.partition("## Exercises") if before else ("", "", source)
            before = before and not heading
            source = lesson + heading + SOLUTION.sub(WITHHELD, exercises)
        cells.append(cell | {"source": source})
    return notebook | {"cells": cells}


def annotate(notebook):
    """Say below every solution what the exercise is worth, and which mistakes its check names."""
    cells = []
    for cell in notebook["cells"]:
        cells.append(cell)
        if "exercise-solution" in cell["metadata"].get("tags", []):
            task = find(cell["metadata"]["task"])
            lines = [f"**For the teacher.** {task.points} points. The check names these mistakes:", ""]
            lines += [f"- *{mistake.name}*: {mistake.hint}" for mistake in task.mistakes]
            name = f"teacher-{task.name.replace('.', '-')}".lower()
            cells.append({"cell_type": "markdown", "id": name, "metadata": {}, "source": "\n".join(lines)})
    return notebook | {"cells": cells}


def chosen(chapters, only):
    paths = sorted(path for path in Path(chapters).glob("**/*.ipynb") if path.name.startswith(only))
    if not paths:
        raise ValueError(f"chapters: expected notebooks whose name begins with {only!r} in {chapters}, found none")
    return [path for path in paths if ".ipynb_checkpoints" not in path.parts]


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _write(folder, path, notebook):
    target = Path(folder) / path.parent.name / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return target
