"""Small changes of code, one at a time: what a test, or the check of an exercise, must notice.

Each mutant differs from the code in one place: a sign, a factor turned into a divisor, a comparison that takes or
leaves its edge, a number that is one too large, a transpose, an option or a line that is forgotten, a maximum for a
minimum.
"""

import ast
import copy

SIGNS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
EDGES = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
         ast.And: ast.Or, ast.Or: ast.And}  # fmt: skip
NAMES = {"max": "min", "min": "max", "argmax": "argmin", "argmin": "argmax", "log": "exp", "exp": "log",
         "maximum": "minimum", "minimum": "maximum", "sum": "mean", "mean": "sum", "cumsum": "cumprod",
         "any": "all", "all": "any", "zeros": "ones", "ones": "zeros", "sin": "cos", "cos": "sin"}  # fmt: skip


def changes(node):
    """Every change of one node: pairs of a word for it, and a function that changes a copy of the node."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in SIGNS:
        other = SIGNS[type(node.op)]
        yield other.__name__, lambda new: setattr(new, "op", other())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in EDGES:
        edge = EDGES[type(node.ops[0])]
        yield edge.__name__, lambda new: new.ops.__setitem__(0, edge())
    if isinstance(node, ast.BoolOp):
        yield "and/or", lambda new: setattr(new, "op", EDGES[type(node.op)]())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "no minus", lambda new: setattr(new, "op", ast.UAdd())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "one more", lambda new: setattr(new, "value", node.value + 1)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "no transpose", lambda new: setattr(new, "attr", "real")
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield NAMES[node.attr], lambda new: setattr(new, "attr", NAMES[node.attr])
    if isinstance(node, ast.Call):
        for i, keyword in enumerate(node.keywords):
            yield f"no {keyword.arg}", lambda new, i=i: new.keywords.pop(i)
    if isinstance(node, (ast.If, ast.For, ast.While, ast.FunctionDef)):
        for i, line in enumerate(node.body):
            if not isinstance(line, (ast.Return, ast.FunctionDef)):
                yield f"no line {line.lineno}", lambda new, i=i: new.body.__setitem__(i, ast.Pass())


def mutants(code):
    """Yield (what was changed, line, the changed code) for every place of some Python code."""
    tree = ast.parse(code)
    for number, node in enumerate(ast.walk(tree)):
        if not hasattr(node, "lineno"):
            continue
        for word, change in changes(node):
            other = copy.deepcopy(tree)
            change(list(ast.walk(other))[number])
            said = word if word.startswith("no line") else f"{ast.unparse(node)} -> {word}"
            line = int(word.split()[-1]) if word.startswith("no line") else node.lineno
            yield said, line, ast.unparse(other)
