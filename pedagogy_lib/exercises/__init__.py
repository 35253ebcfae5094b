"""The checks behind the chapters' exercises, the same for a laptop, a class and a test run.

In a notebook: ``exercises.check("2.1.1-a", my_function)``. For a class:
``exercises.grade({"2.1.1-a": f, "2.1.1-b": g})``.

A `Task` holds a correct function, the inputs to try it on, and the mistakes that people make,
each as a function that makes it. An answer that agrees with a mistake gets that mistake's hint.
"""

import copy
from collections.abc import Callable
from html import escape
from importlib import import_module
from typing import NamedTuple

import numpy as np

#: One module for each chapter that has exercises; each defines TASKS.
CHAPTERS = (
    "notation",
    "graphs",
    "mixtures",
    "factor_analysis",
    "sparse_coding",
    "chains",
    "hmm",
    "kalman",
    "particles",
    "nonlinear",
    "ensemble",
    "assimilation",
    "descent",
    "information",
    "latent",
    "em",
    "pca",
    "hmm_learning",
    "lgssm_learning",
    "mcmc",
)


class Mistake(NamedTuple):
    """A wrong answer that people give.

    name : str, what was done, in a few words
    answer : callable, a function that makes the mistake
    hint : str, what to tell the person who made it
    """

    name: str
    answer: Callable
    hint: str


class Task(NamedTuple):
    """One exercise.

    name : str, the section and a letter
    signature : str, how the function is to be called
    solution : callable, correct
    cases : callable, takes a numpy.random.Generator, returns a list of argument tuples
    mistakes : tuple of Mistake
    tolerance : float, relative to the size of the correct answer
    """

    name: str
    signature: str
    solution: Callable
    cases: Callable
    mistakes: tuple
    tolerance: float = 1e-8


class Verdict(NamedTuple):
    """What the check says.

    task : str
    passed : bool
    message : str
    mistake : str or None, the name of the mistake that was recognised
    """

    task: str
    passed: bool
    message: str
    mistake: str | None = None

    def __repr__(self):
        return f"Exercise {self.task}: {'passed' if self.passed else 'not yet'}. {self.message}"

    def _repr_html_(self):
        word, kind = ("Passed.", "pl-passed") if self.passed else ("Not yet.", "pl-not-yet")
        return (
            f'<div class="pl-verdict {kind}" role="status"><strong>Exercise {escape(self.task)}. {word}</strong> '
            f"{escape(self.message)}</div>"
        )


def tasks():
    """All tasks, by name.

    Returns
    -------
    dict of str to Task
    """
    found = {}
    for chapter in CHAPTERS:
        for task in import_module(f"{__name__}.{chapter}").TASKS:
            found[task.name] = task
    return found


def check(name, answer):
    """Check an answer to an exercise.

    Parameters
    ----------
    name : str
        The exercise, such as ``"2.1.1-a"``.
    answer : callable, or a value where the exercise asks for one

    Returns
    -------
    Verdict
        Shown by the notebook. A wrong answer does not raise: it is told what is wrong.

    Raises
    ------
    ValueError
        If there is no exercise of that name.
    """
    known = tasks()
    if name not in known:
        raise ValueError(f"name: expected one of {', '.join(sorted(known))}, got {name!r}")
    return _judge(known[name], answer if callable(answer) else lambda *_: answer)


def grade(answers):
    """Check the answers of one student.

    Parameters
    ----------
    answers : dict of str to callable
        Exercise names and answers.

    Returns
    -------
    dict of str to Verdict
    """
    return {name: check(name, answer) for name, answer in answers.items()}


def _judge(task, answer):
    """Run an answer on every case and say what came out."""
    cases = task.cases(np.random.default_rng(20250731))
    given = []
    for arguments in cases:
        before = copy.deepcopy(arguments)
        try:
            with np.errstate(all="ignore"):
                given.append(answer(*arguments))
        except Exception as error:  # a student's code may raise anything; it becomes the message
            return Verdict(task.name, False, f"Your code raised {type(error).__name__}: {error}")
        if given[-1] is None or given[-1] is Ellipsis:
            return Verdict(task.name, False, f"Nothing was returned yet. Write {task.signature}.")
        if not all(_agree(b, a, 0.0) for b, a in zip(before, arguments)):
            return Verdict(task.name, False, "Your code changed one of its arguments; work on a copy.", "mutation")
    if _agree_on(cases, given, task.solution, task.tolerance):
        return Verdict(task.name, True, f"It agrees with the reference on {len(cases)} cases.")
    for mistake in task.mistakes:
        if _agree_on(cases, given, mistake.answer, task.tolerance):
            return Verdict(task.name, False, mistake.hint, mistake.name)
    return Verdict(task.name, False, _difference(task, cases, given))


def _agree_on(cases, given, function, tolerance):
    """Whether the given answers are those of a function, on every case."""
    with np.errstate(all="ignore"):
        return all(_agree(function(*c), g, tolerance) for c, g in zip(cases, given))


def _agree(expected, given, tolerance):
    """Whether two answers, arrays or tuples of arrays, have the same shape and values."""
    if isinstance(expected, tuple):
        if not isinstance(given, (tuple, list)) or len(given) != len(expected):
            return False
        return all(_agree(e, g, tolerance) for e, g in zip(expected, given))
    try:
        expected, given = np.asarray(expected, float), np.asarray(given, float)
    except (TypeError, ValueError):                # words, say
        return type(expected) is type(given) and expected == given
    if expected.shape != given.shape:
        return False
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    return np.allclose(given, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def _difference(task, cases, given):
    """Where an answer first departs from the correct one, in a sentence."""
    for number, (arguments, got) in enumerate(zip(cases, given), 1):
        expected = task.solution(*arguments)
        if _agree(expected, got, task.tolerance):
            continue
        wanted, came = _shapes(expected), _shapes(got)
        if wanted != came:
            return f"On case {number} of {len(cases)} the answer should be {wanted}; yours is {came}."
        return (
            f"The shapes are right, the numbers are not: case {number} of {len(cases)} differs. "
            f"Its arguments: exercises.tasks()['{task.name}'].cases(numpy.random.default_rng(20250731))[{number - 1}]."
        )
    return "It differs from the reference."


def _shapes(answer):
    """The shape of an answer in words."""
    if isinstance(answer, (tuple, list)) and any(np.ndim(part) for part in answer):
        return "a tuple of " + " and ".join(_shapes(part) for part in answer)
    try:
        shape = np.shape(answer)
    except ValueError:
        return "ragged"
    return f"an array of shape {shape}" if shape else "one number"
