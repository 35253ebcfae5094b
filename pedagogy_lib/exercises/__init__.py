"""The checks behind the chapters' exercises, the same for a laptop, a class and a test run.

In a notebook: ``exercises.check("2.1.1-a", my_function)``. In a test: ``exercises.require(...)``, which
raises. For a class: ``exercises.grade({"2.1.1-a": f, "2.1.1-b": g})``.

`tasks` says what a task is; `sections` holds those of each section; `limits` runs a student's code,
`reading` takes what it returned, `diagnosis` says what is wrong with it, and `judge` decides.
"""

from pathlib import Path

from .judge import Verdict, check, grade, require
from .tasks import Mistake, Task, find, task

__all__ = ["Mistake", "Task", "Verdict", "check", "find", "grade", "require", "task", "tasks"]


def tasks():
    """All tasks, by name.

    Returns
    -------
    dict of str to Task
    """
    from importlib import import_module

    found = {}
    for path in sorted((Path(__file__).parent / "sections").glob("[!_]*.py")):
        module = import_module(f"{__name__}.sections.{path.stem}")
        found |= {t.name: t for t in vars(module).values() if isinstance(t, Task)}
    return found
