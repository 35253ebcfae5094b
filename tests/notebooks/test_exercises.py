"""Every task stands in its chapter in four cells, and the solution printed there passes the check."""

import ast
import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest

from pedagogy_lib import exercises

ROOT = Path(__file__).resolve().parents[2]
ROLES = ["statement", "starter", "check", "solution"]
TASKS = exercises.tasks()


def cells_by_task():
    """Task name -> the notebook and the positions and cells that bear it, in order."""
    found = {}
    for path in sorted(ROOT.glob("chapters/**/*.ipynb")):
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
            if "task" in cell["metadata"]:
                found.setdefault(cell["metadata"]["task"], []).append((path.stem, number, cell))
    return found


CELLS = cells_by_task()


def text(cell):
    return "".join(cell["source"])


def test_every_task_is_in_a_chapter_and_every_chapter_asks_for_tasks_that_exist():
    assert set(CELLS) == set(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_four_cells_that_say_what_it_is_worth(name):
    places = CELLS[name]
    assert len({stem for stem, _, _ in places}) == 1
    numbers = [number for _, number, _ in places]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert [cell["metadata"]["tags"] for _, _, cell in places] == [[f"exercise-{role}"] for role in ROLES]
    task = TASKS[name]
    for _, _, cell in places:
        assert {key: cell["metadata"][key] for key in ("task", "points", "stars")} == {
            "task": name,
            "points": task.points,
            "stars": task.stars,
        }
    statement = re.match(r"\*\*([a-z])\*\* \((★+)", text(places[0][2]))
    assert (statement[1], len(statement[2])) == (name[-1], task.stars)


def function_in(code, name):
    """The definition of a function in a piece of code."""
    return next(node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef) and node.name == name)


@pytest.mark.parametrize("name", TASKS)
def test_the_starter_is_the_signature(name):
    starter = function_in(text(CELLS[name][1][2]), TASKS[name].solution.__name__)
    taken = inspect.signature(TASKS[name].solution).parameters.values()
    assert [a.arg for a in starter.args.args] == [p.name for p in taken if p.default is p.empty]
    assert text(CELLS[name][2][2]) == f'exercises.check("{name}", {starter.name})'


@pytest.mark.parametrize("name", TASKS)
def test_the_starter_does_not_pass(name):
    namespace = {"np": np}
    exec(text(CELLS[name][1][2]), namespace)
    assert not exercises.check(name, namespace[TASKS[name].solution.__name__])


@pytest.mark.parametrize("name", TASKS)
def test_the_folded_solution_passes(name):
    """As a student would run it who copied it: with NumPy imported, and with what it imports itself."""
    solution = text(CELLS[name][3][2])
    code = "\n".join(re.findall(r"```python\n(.*?)```", solution, flags=re.DOTALL))
    namespace = {"np": np}
    exec(code, namespace)
    for seed in range(5):
        exercises.require(name, namespace[TASKS[name].solution.__name__], seed)


def test_a_wrong_solution_would_be_seen():
    code = re.search(r"```python\n(.*?)```", text(CELLS["7.1-a"][3][2]), flags=re.DOTALL)[1]
    namespace = {"np": np}
    exec(code.replace("/", "*"), namespace)
    assert not exercises.check("7.1-a", namespace["update_means"])
