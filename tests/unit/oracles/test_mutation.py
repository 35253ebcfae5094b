"""The mutation check itself: it must notice what is wrong, and must not cry where nothing is."""

import ast
import sys
from pathlib import Path

import mutation
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))
import mutants


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("a + b", "a - b"),
        ("a / b", "a * b"),
        ("a < b", "a <= b"),
        ("a == b", "a != b"),
        ("a and b", "a or b"),
        ("-a", "+a"),
        ("3", "4"),
        ("a.T", "a.real"),
        ("a.max()", "a.min()"),
        ("f(a, axis=0)", "f(a)"),
    ],
)
def test_each_kind_of_change_is_made_once(code, changed):
    made = [other for _, _, other in mutation.mutants(code)]
    assert changed in made
    assert len(made) == len(set(made))


def test_every_mutant_differs_and_says_where():
    code = "def f(x):\n    y = x + 1\n    if y > 2:\n        y = 0\n    return y"
    found = list(mutation.mutants(code))
    assert len(found) >= 6
    for what, line, other in found:
        assert ast.dump(ast.parse(other)) != ast.dump(ast.parse(code))
        assert 1 <= line <= 5
        assert what


def double(x):
    return x + x


def test_a_wrong_function_is_noticed_and_an_equal_one_is_not(tmp_path):
    """With a test that calls a function of this module, as `make mutants` runs it."""
    check = tmp_path / "test_double.py"
    check.write_text(f"import sys\n\ndef test_double():\n    assert sys.modules[{__name__!r}].double(3) == 6\n")
    equal = compile("def double(x):\n    return 2 * x", "equal", "exec").co_consts[0]
    assert not mutants.is_noticed(double, equal, [str(check)])
    codes = list(mutants.changed_codes(double))
    assert codes
    for _, code in codes:
        assert mutants.is_noticed(double, code, [str(check)])
    assert double(3) == 6                         # its own code is back
