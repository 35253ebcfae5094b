"""Take a student's function out of a notebook without running the notebook.

Only what the function needs comes along: the imports, functions, classes and values that it names, and those that
these name. What a cell merely does (plots, prints, downloads) is never seen.
"""

import ast
import json
import symtable
from pathlib import Path


class CannotReadError(ValueError):
    """The notebook holds no such function, or is no notebook."""


def notebook(path):
    """Return a notebook's cells.

    Raises
    ------
    CannotReadError
        If the file is no notebook.
    """
    try:
        cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
        return [cell | {"source": "".join(cell["source"])} for cell in cells]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotReadError(f"{Path(path).name} is no notebook ({type(error).__name__})") from error


def tasks(cells):
    """The names of the exercises that a notebook's cells are marked with, in order."""
    named = (cell.get("metadata", {}).get("task") for cell in cells)
    return list(dict.fromkeys(name for name in named if isinstance(name, str)))


def function(cells, name):
    """Return the source of a function and of what it needs, as one text.

    Parameters
    ----------
    cells : list of dict
        Of `notebook`.
    name : str
        Of the function. Its last definition counts.

    Raises
    ------
    CannotReadError
        If no cell that can be read defines it.
    """
    known, broken = {}, []
    for number, cell in enumerate(cells):
        if cell.get("cell_type") != "code":
            continue
        try:
            statements = ast.parse(_plain(cell["source"])).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            broken.append(f"cell {number} cannot be read ({getattr(error, 'msg', type(error).__name__)})")
            continue
        for statement in statements:
            known |= {bound: statement for bound in _binds(statement)}
    if not isinstance(known.get(name), (ast.FunctionDef, ast.Assign)):
        raise CannotReadError("; ".join([f"there is no function {name}", *broken]))
    needed, waiting = [], [name]
    while waiting:
        statement = known.get(waiting.pop())
        if statement is not None and statement not in needed:
            needed.append(statement)
            waiting += sorted(_reads(symtable.symtable(ast.unparse(statement), "submission", "exec")))
    order = {id(statement): place for place, statement in enumerate(known.values())}
    return "\n\n".join(ast.unparse(statement) for statement in sorted(needed, key=lambda s: order[id(s)]))


def _plain(source):
    """A cell's code without the lines that only Jupyter understands."""
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.splitlines())


def _binds(statement):
    """The names that a statement binds; none of a statement that does more than define."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    if isinstance(statement, ast.Assign):
        targets = [node for target in statement.targets for node in getattr(target, "elts", [target])]
        return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def _reads(table):
    """The names that a piece of code takes from its notebook: not its arguments, nor what it binds itself."""
    outermost = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (outermost or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _reads(inner)
