"""The code that runs, shown as it is."""

import ast
import html
import inspect
import io
import re
import textwrap
import tokenize
from pathlib import Path

from .engine.page import host, style_sheet

#: Comments at most this many lines apart are lined up with each other.
NEAR = 6


class Source:
    """Source code of some functions or classes. Made by `source`."""

    def __init__(self, objects, docstring):
        if not objects:
            raise ValueError("show.source: pass at least one function or class")
        self.blocks = []  # (path, code), neighbors from one file joined
        self.shortened = set()  # paths of code that is shown without its checks
        for item in objects:
            path, (code, checked) = _path(item), _code(item, docstring)
            if checked:
                self.shortened.add(path)
            if self.blocks and self.blocks[-1][0] == path:
                code = f"{self.blocks.pop()[1]}\n\n\n{code}"
            self.blocks.append((path, code))

    def __repr__(self):
        return "\n\n".join(f"# {path}\n\n{code}" for path, code in self.blocks)

    def _repr_html_(self):
        parts = [f"<style>{style_sheet()}</style>"] if host() != "site" else []
        for path, code in self.blocks:
            more = ", without its argument checks" if path in self.shortened else ""
            parts.append(
                f'<figure class="pl-source"><figcaption><code>{html.escape(path)}</code>{more}'
                f"</figcaption>{_highlighted(code, path)}</figure>"
            )
        return "\n".join(parts)


def source(*objects, docstring=False):
    """Show the source code of library functions: the very lines that run.

    Left out are docstrings, and lines that only check an argument, such as `n = checks.count("n", n)`; the
    caption says so. Comments at the ends of lines are moved as far left as they line up.

    Parameters
    ----------
    *objects : function, class, method or module
    docstring : bool
        Whether to show docstrings and checks too. The text around usually says what they say.

    Returns
    -------
    Source

    Raises
    ------
    TypeError
        If an object has no Python source.
    """
    return Source(objects, docstring)


def _path(item):
    """Return the file of an object as a reader of the project knows it."""
    module = item if inspect.ismodule(item) else inspect.getmodule(inspect.unwrap(item))
    if module is None or module.__name__ == "__main__":
        return "this notebook"
    file = getattr(module, "__file__", None) or ""
    path = module.__name__.replace(".", "/")
    return f"{path}/__init__.py" if Path(file).name == "__init__.py" else f"{path}.py"


def _code(item, docstring):
    """Return the source of an object, without its indentation, and whether checks were left out."""
    try:
        # A compiled function (numba's, say) keeps the Python function it was made from.
        code = inspect.getsource(getattr(item, "py_func", item))
    except (TypeError, OSError) as error:
        raise TypeError(f"show.source: {item!r} has no Python source to show") from error
    code = textwrap.dedent(code).strip("\n")
    if docstring:
        return _with_near_comments(code), False
    told = _without_docstrings(code)
    bare = _without_checks(told)
    return _with_near_comments(bare), bare != told


def _with_near_comments(code):
    """Line the trailing comments of each run of lines up two columns after the longest of them.

    In the file they share one far column; beside a narrow page's text they would be cut off.
    """
    lines, starts = code.split("\n"), _trailing_comments(code)
    ends = {row: len(lines[row][:start].rstrip()) for row, start in starts.items()}
    blocks = []
    for row in starts:
        if blocks and row - blocks[-1][-1] <= NEAR:
            blocks[-1].append(row)
        else:
            blocks.append([row])
    for block in blocks:
        column = max(ends[row] for row in block) + 2
        for row in block:
            lines[row] = lines[row][: ends[row]].ljust(column) + lines[row][starts[row] :]
    return "\n".join(lines)


def _trailing_comments(code):
    """Row and column of each comment that follows code on its line; rows from 0."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = (token.start for token in tokens if token.type == tokenize.COMMENT)
    lines = code.split("\n")
    return {row - 1: column for row, column in comments if lines[row - 1][:column].strip()}


def _without_docstrings(code):
    lines = code.split("\n")
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
            continue
        if ast.get_docstring(node, clean=False) is None or len(node.body) == 1:
            continue
        first, last = node.body[0].lineno, node.body[0].end_lineno
        if not lines[last].strip():
            last += 1  # the empty line after it goes too
        lines[first - 1 : last] = [None] * (last - first + 1)
    return "\n".join(line for line in lines if line is not None).strip("\n")


def _without_checks(code):
    """Leave out the statements of functions that do nothing but check an argument."""
    lines = code.split("\n")
    for function in ast.walk(ast.parse(code)):
        if not isinstance(function, ast.FunctionDef):
            continue
        checks = [statement for statement in function.body if _only_checks(statement)]
        if len(checks) == len(function.body):
            continue  # checking is what it is for
        for statement in checks:
            first, last = statement.lineno - 1, statement.end_lineno
            lines[first:last] = [None] * (last - first)
            if first and lines[first - 1] is not None and lines[first - 1].lstrip().startswith("#"):
                lines[first - 1] = None  # the remark on it
    return "\n".join(line for line in lines if line is not None).strip("\n")


def _only_checks(statement):
    """Whether a statement is `checks.one("x", x)`, or gives what was checked its own name again."""
    if isinstance(statement, ast.Expr):
        return _is_check(statement.value)
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    target, value = statement.targets[0], statement.value
    both = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
    pairs = zip(target.elts, value.elts) if both else [(target, value)]
    return all(_is_check(call, of=name) for name, call in pairs)


def _is_check(call, of=None):
    """Whether an expression is a call of `checks`, of the variable that is named."""
    if not isinstance(call, ast.Call) or not ast.unparse(call.func).startswith("checks."):
        return False
    return of is None or (len(call.args) > 1 and ast.unparse(call.args[1]) == ast.unparse(of))


def _highlighted(code, path):
    """Return the code as HTML with the short class names that themes of the page color."""
    # The box may scroll sideways, so it must be reachable by keyboard.
    names = ", ".join(re.findall(r"^(?:def|class) (\w+)", code, re.MULTILINE))
    label = html.escape(f"Source code of {path}" + (f": {names}" if names else ""))
    attributes = f'tabindex="0" aria-label="{label}" role="region"'
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer
    except ImportError:
        return f'<div class="highlight"><pre {attributes}>{html.escape(code)}</pre></div>'
    inside = highlight(code, PythonLexer(), HtmlFormatter(nowrap=True))
    return f'<div class="highlight"><pre {attributes}>{inside}</pre></div>'
