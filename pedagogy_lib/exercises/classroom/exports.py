"""The chapters in the forms that nbgrader and Otter read: their source version, with solutions that they strip.

Both run a student's notebook and then a cell that raises where an answer is wrong, so that the library with its answers
must be installed where they grade.
"""

import ast

from ..tasks import find

ASSIGNMENT = "# ASSIGNMENT CONFIG\ninit_cell: false\n"
PLATFORMS = ("plain", "nbgrader", "otter")


def export(notebook, platform):
    """Return a notebook with the marks of a platform.

    Parameters
    ----------
    notebook : dict
        As stored: its exercises are cells tagged ``exercise-statement``, ``-starter``, ``-check`` and ``-solution``.
    platform : {"plain", "nbgrader", "otter"}

    Raises
    ------
    ValueError
        If the platform is another.
    """
    if platform not in PLATFORMS:
        raise ValueError(f"platform: expected one of {', '.join(PLATFORMS)}, got {platform!r}")
    if platform == "plain":
        return notebook
    dress = {"nbgrader": _for_nbgrader, "otter": _for_otter}[platform]
    cells = [_raw("assignment", ASSIGNMENT)] if platform == "otter" else []
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags", [])
        role = next((tag.removeprefix("exercise-") for tag in tags if tag.startswith("exercise-")), "")
        if role == "solution":
            continue  # it stands in the cell of the answer, between the marks
        cells += [cell] if not role else dress(cell, role, find(cell["metadata"]["task"]), _solution(notebook, cell))
    return notebook | {"cells": cells}


def _solution(notebook, cell):
    """The code of the folded solution of an exercise."""
    name = cell["metadata"]["task"]
    for other in notebook["cells"]:
        if other["metadata"].get("task") == name and "exercise-solution" in other["metadata"].get("tags", []):
            _, _, code = "".join(other["source"]).partition("```python\n")
            return code.partition("```")[0].strip()
    raise ValueError(f"notebook: expected a solution of exercise {name}, found none")


def _split(solution, name):
    """A solution as what stands above the function's body (imports, helpers, `def`), and the body."""
    lines = solution.splitlines()
    definition = next(n for n in ast.parse(solution).body if isinstance(n, ast.FunctionDef) and n.name == name)
    first = definition.body[0].lineno - 1
    above = next(n for n, line in enumerate(lines) if line.startswith(f"def {name}("))
    helpers = "\n".join(lines[:above] + lines[definition.end_lineno :]).strip()
    return helpers, "\n".join(lines[above:first]), "\n".join(lines[first : definition.end_lineno])


def _test(task):
    return f"_ = exercises.require({task.name!r}, {task.solution.__name__})"


def _for_nbgrader(cell, role, task, solution):
    if role == "statement":
        return [cell]
    name = f"{task.name.replace('.', '-')}-{role}".lower()
    marks = {"schema_version": 3, "grade_id": name, "task": False, "solution": role == "starter",
             "grade": role == "check", "locked": role == "check"}  # fmt: skip
    if role == "check":
        marks["points"] = task.points
        return [_with(cell, _test(task), nbgrader=marks)]
    helpers, head, body = _split(solution, task.solution.__name__)
    helpers = f"### BEGIN SOLUTION\n{helpers}\n### END SOLUTION\n\n" if helpers else ""
    text = f"{helpers}{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
    return [_with(cell, text, nbgrader=marks)]


def _for_otter(cell, role, task, solution):
    name = task.name.replace(".", "_").replace("-", "_").lower()
    if role == "statement":
        begin = f"# BEGIN QUESTION\nname: q{name}\npoints: {task.points}\n"
        return [_raw(f"{name}-question", begin), cell, _raw(f"{name}-begin", "# BEGIN SOLUTION")]
    if role == "starter":
        helpers, head, body = _split(solution, task.solution.__name__)
        helpers = f"# BEGIN SOLUTION NO PROMPT\n{helpers}\n# END SOLUTION\n\n" if helpers else ""
        text = f"{helpers}{head}\n    # BEGIN SOLUTION\n{body}\n    # END SOLUTION"
        return [_with(cell, text), _raw(f"{name}-end", "# END SOLUTION")]
    return [
        _raw(f"{name}-tests", "# BEGIN TESTS"),
        _with(cell, _test(task)),
        _raw(f"{name}-tested", "# END TESTS"),
        _raw(f"{name}-over", "# END QUESTION"),
    ]


def _with(cell, source, **metadata):
    return cell | {"source": source, "metadata": cell["metadata"] | metadata}


def _raw(name, source):
    return {"cell_type": "raw", "id": name[:64], "metadata": {}, "source": source}
