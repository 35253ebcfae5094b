"""Does a test notice when what it proves is false? `make mutants` changes the library and counts who noticed.

The ledger names objects of the library for its equations, and `equations/calls.json` the tests that call them. Each
of these functions is changed in one place (`oracles/mutation.py`); its tests run, and where they pass the files around
them. A mutant that all of them pass is a survivor: a hole in the tests, or a change that changes nothing. Those of the
second kind stand in `mutants.yml` with their reason. The exit status is 1 where others are left.

    python tests/mutants.py                    a few mutants of every function, another few every day
    python tests/mutants.py --each 1000        all of them (hours)
    python tests/mutants.py --only kalman      of the functions whose name contains a word
"""

import argparse
import ast
import contextlib
import datetime
import inspect
import io
import json
import re
import signal
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "oracles"), str(HERE.parent / "book" / "_ext")]

import calls  # noqa: E402
from companion import ledger  # noqa: E402
from mutation import mutants  # noqa: E402

#: Seconds for the tests of one mutant. A loop that a change has made endless counts as noticed.
LIMIT = 120

#: What stands at the door of a function: other tests (`unit/attacks`) see to it that wrong arguments are refused.
DOOR = re.compile(
    r"\bchecks\.|check\w*\(|with_data|\.values\('|\binputs\(|\b_pairs\(|^(\w+) = _?\w+\('\1', \1|\braise |warn"
)


class TookTooLong(BaseException):
    """Not an Exception: no test may catch it."""


def tests_by_function():
    """Name -> function and the tests that call it, for every plain function that the ledger names."""
    found = {}
    for test, names in json.loads((HERE / "equations" / "calls.json").read_text(encoding="utf-8")).items():
        for name in names:
            function = inspect.unwrap(ledger.resolve(name))
            if inspect.isfunction(function) and not function.__code__.co_freevars:
                found.setdefault(name, (function, []))[1].append(test)
    return dict(sorted(found.items()))


def doors(tree):
    """The lines of every condition that leads to nothing but an error or a warning, and of the default values."""
    found = set(range(1, tree.body[0].body[0].lineno))
    for node in ast.walk(tree):
        if isinstance(node, (ast.If, ast.For)) and all(DOOR.search(ast.unparse(line)) for line in node.body):
            found |= set(range(node.lineno, node.body[0].lineno))
    return found


def changed_codes(function):
    """Yield (what was changed, code object) for every mutant of a function that can be compiled."""
    source = textwrap.dedent(inspect.getsource(function))
    tree = ast.parse(source).body[0]
    tree.decorator_list = []
    if isinstance(tree.body[0], ast.Expr) and isinstance(tree.body[0].value, ast.Constant):
        tree.body = tree.body[1:] or [ast.Pass()]
    lines, at_the_door = ast.unparse(tree).splitlines(), doors(ast.parse(ast.unparse(tree)))
    for what, line, code in mutants(ast.unparse(tree)):
        if line in at_the_door or DOOR.search(lines[line - 1].strip()):
            continue
        space = dict(function.__globals__)
        exec(code, space)
        yield what, space[function.__name__].__code__


def around(name, tests):
    """The files in which a function's tests stand, and those named for its module: asked when its own say nothing."""
    stem = name.split(".")[-2]
    files = {HERE.parent / test.partition("::")[0] for test in tests} | set(HERE.glob(f"unit/**/test_{stem}*.py"))
    return sorted(map(str, files))


def is_noticed(function, code, tests):
    """Whether one of the tests fails while the function has this code in the place of its own."""
    own = function.__code__
    function.__code__ = code
    calls.codes.cache_clear()
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(LIMIT)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return pytest.main(["-x", "-q", "--no-header", "--tb=no", *tests]) != pytest.ExitCode.OK
    except TookTooLong:
        return True
    finally:
        signal.alarm(0)
        function.__code__ = own
        calls.codes.cache_clear()


def _stop(*_):
    raise TookTooLong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--each", type=int, default=3, help="how many mutants of a function")
    parser.add_argument("--only", default="", help="functions whose name contains this")
    parser.add_argument("--seed", type=int, default=datetime.date.today().toordinal())
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    known = yaml.safe_load((HERE / "mutants.yml").read_text(encoding="utf-8")) or {}
    survivors, count = [], 0
    for name, (function, tests) in tests_by_function().items():
        if chosen.only not in name:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            codes = [pair for pair in changed_codes(function) if pair[0] not in known.get(name, {})]
        for i in sorted(rng.permutation(len(codes))[: chosen.each]):
            count += 1
            code = codes[i][1]
            if not is_noticed(function, code, tests) and not is_noticed(function, code, around(name, tests)):
                survivors.append(f"{name}: {codes[i][0]}")
                print(survivors[-1], flush=True)
    print(f"{count} mutants, {len(survivors)} noticed by no test that is named for them (seed {chosen.seed})")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
