"""Every solution is changed in one place after another, and the check must refuse what comes out.

A mutant that is accepted either shows a hole in the check, or gives the same answers as the solution: those are
listed below, each with its reason.
"""

import ast
import inspect
import warnings

import numpy as np
import pytest
from mutation import mutants

from pedagogy_lib import exercises

TASKS = exercises.tasks()

# (task, what was changed): why the answers stay the same.
OPTION = "stands in a branch that serves a mistake only"
SHIFT = "the same numbers, wherever nothing overflows: the task does not ask for that"
TIE = "no number is exactly on the edge"
EQUIVALENT = {
    ("A.1-b", "x - x.mean() -> Add"): "in the projection: the columns of U sum to zero, so that a constant changes nothing",
    ("A.1-b", "x.mean -> sum"): "as above",
    ("A.1-c", "1.0 -> one more"): "an input that is always two gives the same offset",
    ("T.4-c", "values.imag > 1e-09 -> GtE"): TIE,
    ("2.3b-b", "images - mean -> Add"): "where one factor is centered, a constant in the other changes nothing",
    ("7.3-d", "np.linalg.svd(train - mean, full_matrices=False) -> no full_matrices"): "the first k rows are the same",
    ("T.10-c", "len(changes) > 1 -> GtE"): "the mean of no stays is nan, too",
    ("T.2-c", "60 -> one more"): "sixty halvings have used up the digits",
    ("T.2-c", "no line 2"): "with the ends as numbers the first halving makes arrays of them",
    ("M.1-a", "no line 5"): "what is lacking in a column's sum goes to its diagonal, whatever stands there",
    ("M.1-a", "0.0 -> one more"): "as above",
    ("M.1-a", "P + np.diag(np.diag(proposal)) -> Sub"): OPTION,
    ("M.1-b", "no line 9"): OPTION,
    ("M.1-b", "no line 10"): OPTION,
    ("M.1-b", "np.log(chance) < log_ratio -> LtE"): TIE,
    ("M.2-a", "no line 4"): OPTION,
    ("M.2-a", "-0.5 * (((to - start - drift * sizes ** 2 * slope) / sizes) ** 2).sum() / spread -> Mult"): "the factor is one",
    ("M.2-a", "sizes.mean -> sum"): OPTION,
    ("M.2-b", "y.mean -> sum"): OPTION,
    ("M.4-a", "L * batches -> Div"): OPTION,
    ("M.4-a", "1 -> one more"): OPTION,
    ("2.1.1-e", "0.0 -> one more"): "a row without a value: what all classes share cancels",
    ("2.1.2-b", "no line 2"): OPTION,
    ("2.1.2-b", "carried / (row @ carried) + variance -> Sub"): OPTION,
    ("2.1.2-b", "carried / (row @ carried) -> Mult"): OPTION,
    ("2.1.3-c", "K * np.log(2 / alpha) * prior -> Div"): "the factor is True but for a mistake",
    ("2.1.3-c", "0.5 * K * np.log(2 * np.pi) * circle -> Div"): "the factor is True but for a mistake",
    ("2.1.3-d", "1.0 -> one more"): OPTION,
    ("2.2-c", "pair.sum -> mean"): "the columns are normalized afterwards",
    ("2.2.1-b", "np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0) -> no out"):
        "memory that nobody has set is zero most of the time",
    ("2.2.2-a", "0 -> one more"): OPTION,
    ("2.2.2-d", "0.2 -> one more"): "the sick one is off by more, so that the threshold is free",
    ("2.2.2-d", "abs((e ** 2).mean(1) - 1) > size -> GtE"): TIE,
    ("2.2.2-d", "r > white -> GtE"): TIE,
    ("2.2.2-d", "r < -white -> LtE"): TIE,
    ("2.2.2c-b", "no line 4"): OPTION,
    ("2.2.2c-b", "no line 9"): OPTION,
    ("2.2.2c-b", "no line 11"): OPTION,
    ("2.2.2c-b", "0.0 -> one more"): OPTION,
    ("2.2.2c-b", "1.0 -> one more"): OPTION,
    ("2.2.2c-b", "R / (P[t] + R) * r -> Div"): OPTION,
    ("2.2.2c-b", "R / (P[t] + R) -> Mult"): OPTION,
    ("2.2.2c-b", "P[t] + R -> Sub"): OPTION,
    ("2.4-a", "members - members.mean(0) -> Add"): "the images are centered: a constant beside the members sums to zero",
    ("2.4-a", "members.mean -> sum"): "as above",
    ("4.2-d", "1 -> one more"): OPTION,
    ("4.2-d", "0 -> one more"): OPTION,
    ("4.2-d", "1 / len(counts) -> Mult"): OPTION,
    ("2.4-d", "abs(lean) > 0.06 -> GtE"): TIE,
    ("2.4-d", "width > 1.1 -> GtE"): TIE,
    ("2.4-d", "width < 0.9 -> LtE"): TIE,
    ("2.5-b", "A.T -> no transpose"): OPTION,
    ("2.5-c", "gap > 1e-09 * size -> GtE"): TIE,
    ("2.5-c", "abs(g * forward).sum -> mean"): "rounding is far below the threshold and a wrong adjoint far above it",
    ("2.5-c", "abs(back * u).sum -> mean"): "as above",
    ("2.5b-c", "2 -> one more"): "no case is a close call, so that the threshold is free",
    ("2.5b-c", "4 -> one more"): "as above",
    ("2.5b-c", "z > 4 -> GtE"): TIE,
    ("2.5b-c", "z < -4 -> LtE"): TIE,
    ("3.2-a", "recognition > 0 -> GtE"): "either guard is enough, where both do the same",
    ("3.2-a", "1.0 -> one more"): "any number will do where it is not used",
    ("3.2-a", "rows.max -> min"): SHIFT,
    ("3.4-b", "1.0 -> one more"): OPTION,
    ("3.5-c", "-J -> no minus"): "`eigvalsh` reads the lower triangle only",
    ("4.1-d", "off.max() > 0.001 -> GtE"): TIE,
    ("5.1.1-a", "averages - height -> Add"): "the lengths are centered: a constant beside the averages sums to zero",
    ("5.1.1-c", "np.linalg.lstsq(np.column_stack([y, np.ones(len(y))]), x, rcond=None) -> no rcond"): "NumPy's default",
    ("5.1.3-b", "1 -> one more"): OPTION,
    ("5.1.3-b", "D2.T -> no transpose"): OPTION,
    ("5.1.3-c", "1 -> one more"): OPTION,
    ("5.1.3b-a", "1 -> one more"): OPTION,
    ("5.1.3b-a", "D.T -> no transpose"): OPTION,
    ("5.1.3b-a", "t - 1 -> Add"): OPTION,
    ("5.1.3b-b", "0 -> one more"): OPTION,
    ("5.1.3b-c", "1.0 -> one more"): "the gradient is zero there, whatever multiplies it",
    ("5.2-c", "np.mean -> sum"): "the vector is normalized afterwards",
    ("5.2-c", "average(1 - np.tanh(x) ** 2, axis=0) -> no axis"): "there is one axis",
    ("6-b", "log_joint - logsumexp(log_joint, axis=1, keepdims=True) -> Add"): "softmax ignores what a row shares",
    ("6-b", "logsumexp(log_joint, axis=1, keepdims=True) -> no axis"): "as above",
    ("7.1-c", "((y[:, None, :] - means) ** 2).sum -> mean"): "the nearest by the mean of squares is so by their sum",
    ("7.2-b", "pairs.sum -> mean"): "the columns are normalized afterwards",
    ("7.1-d", "no line 5"): "what the check gives is an array already",
    ("8.2b-b", "x - mean -> Add"): "the values less those of the others sum to zero: a constant beside x cancels",
    ("8.2c-a", "np.argsort(-(logits + noise), axis=1) -> no axis"): "the last axis is the second one",
    ("8.2c-b", "perturbed.max -> min"): SHIFT,
    ("8.3b-c", "no line 2"): "what the check gives is an array already",
    ("8.4a-b", "logs.max -> min"): SHIFT,
    ("10.1b-b", "np.exp(h).sum(1, keepdims=True) -> no keepdims"): "on the diagonal, which is all that is used",
    ("10.1b-c", "scores - scores.max(1, keepdims=True) -> Add"): SHIFT,
    ("10.1b-c", "scores.max -> min"): SHIFT,
}  # fmt: skip


def solution(task):
    """The code of a solution, after that of the functions of its module that it calls; without docstrings."""
    module, names, wanted = inspect.getmodule(task.solution), [], [task.solution]
    while wanted:
        function = wanted.pop()
        names.insert(0, function)
        called = [module.__dict__.get(name) for name in function.__code__.co_names]
        wanted += [f for f in called if inspect.isfunction(f) and f.__module__ == module.__name__ and f not in names]
    return "\n\n".join(bare(function) for function in names)


def bare(function):
    """The code of one function without its decorator and its docstring."""
    tree = ast.parse(inspect.getsource(function)).body[0]
    tree.decorator_list = []
    if isinstance(tree.body[0], ast.Expr) and isinstance(tree.body[0].value, ast.Constant):
        tree.body = tree.body[1:]
    return ast.unparse(tree)


def accepted(name):
    """The changes of a solution that its check accepts."""
    task = TASKS[name]
    for what, _, code in mutants(solution(task)):
        found = dict(task.solution.__globals__)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(code, found)
            if exercises.check(name, found[task.solution.__name__]):
                yield what


@pytest.mark.parametrize("name", TASKS)
def test_no_mutant_of_a_solution_is_accepted_without_a_reason(name):
    assert set(accepted(name)) <= {what for task, what in EQUIVALENT if task == name}


def test_every_reason_is_for_a_mutant_that_there_is():
    for name, what in EQUIVALENT:
        assert what in {word for word, _, _ in mutants(solution(TASKS[name]))}, f"{name}: {what}"


def test_solutions_have_mutants_to_refuse():
    counts = [len(list(mutants(solution(task)))) for task in TASKS.values()]
    assert min(counts) >= 1
    assert np.mean(counts) > 5


def test_a_check_that_looked_at_the_shape_only_would_be_seen(monkeypatch):
    monkeypatch.setattr(exercises, "check", lambda name, answer: True)
    assert len(list(accepted("7.1-a"))) > 2
