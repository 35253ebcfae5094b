"""A task: a correct function, the inputs to try it on, and the mistakes that people make.

The solution *is* the signature, so that nothing is written twice::

    @task("7.1-a", cases=_cases, edges=_edges, stars=1)
    def update_means(responsibilities, y):
        \"""With shapes (N, K) and (N, D), returning (K, D).\"""
        return responsibilities.T @ y / responsibilities.sum(0)[:, None]

    @update_means.mistake("did not divide", "These are weighted sums. Divide each by ...")
    def _(responsibilities, y):
        return responsibilities.T @ y

A task stands in the module of its section, ``sections/s7_1.py``, and is found there by its name.
"""

import inspect
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np


class Mistake(NamedTuple):
    """A wrong answer that people give.

    name : str, what was done, in a few words
    answer : callable, a function that makes the mistake
    hint : str, what to tell the person who made it
    """

    name: str
    answer: Callable
    hint: str


class Task:
    """One exercise. Made by `task`; to call it is to call its solution.

    Attributes
    ----------
    name : str
        The section and a letter.
    solution : callable
    cases : callable
        Takes a numpy.random.Generator, returns a list of argument tuples: ordinary ones, drawn afresh
        at each check.
    edges : callable
        Takes no argument, returns a list of argument tuples on which careless answers fail.
    canonical : callable or None
        Takes an answer, returns it in the one form that is compared, where several forms are right:
        a line's normal and threshold scaled so that the normal has length one.
    parts : tuple of str
        What the parts of an answer are called, where there are several.
    stars, points : int
        How hard it is, and what it is worth.
    tolerance : float
        Relative to the size of the correct answer.
    mistakes : list of Mistake
    """

    def __init__(self, name, solution, cases, edges, canonical, parts, stars, points, tolerance):
        self.name, self.solution, self.cases = name, solution, cases
        self.edges, self.canonical, self.parts = edges, canonical, parts
        self.stars, self.points, self.tolerance = stars, points, tolerance
        self.mistakes = []
        self.__doc__ = solution.__doc__

    def __call__(self, *arguments, **named):
        return self.solution(*arguments, **named)

    def __repr__(self):
        return f"<task {self.name}: {self.signature}>"

    @property
    def signature(self):
        """How the function is called, and what it takes and returns."""
        says = " ".join((self.__doc__ or "").split("\n\n")[0].split()).rstrip(".")
        taken = inspect.signature(self.solution).parameters.values()
        names = [str(p) for p in taken if p.default is p.empty]  # what has a default serves the mistakes
        head = f"{self.solution.__name__}({', '.join(names)})"
        if says.startswith("Return "):
            says = f"returning {says[7:]}"
        return f"{head}, {says[0].lower()}{says[1:]}" if says else head

    def mistake(self, name, hint):
        """Enter the decorated function as one that makes this mistake."""

        def enter(answer):
            self.mistakes.append(Mistake(name, answer, hint))
            return answer

        return enter

    def draw(self, seed):
        """Return the ordinary cases of a seed."""
        return self.cases(np.random.default_rng(seed))


def _no_edges():
    return []


def task(name, *, cases, edges=_no_edges, canonical=None, parts=(), stars=1, points=None, tolerance=1e-8):
    """Make the decorated function the solution of a task; see `Task` for the arguments."""

    def make(solution):
        worth = 2 * stars if points is None else points
        return Task(name, solution, cases, edges, canonical, tuple(parts), stars, worth, tolerance)

    return make


def section_of(name):
    """The name of the module that holds a task: "2.2.2b-a" is in "s2_2_2b", "B.1-a" in "b_1", "M.1-a" in "m_1"."""
    section = name.rsplit("-", 1)[0].replace(".", "_").lower()
    return f"s{section}" if section[:1].isdigit() else section


class NoAnswersError(ValueError):
    """This copy of the library is a student's: the answers were left out of it."""


def find(name):
    """Return the task of that name.

    Raises
    ------
    ValueError
        If there is none; `NoAnswersError` if this copy has no answers at all.
    """
    if find_spec(f"{__package__}.sections.s1") is None:
        raise NoAnswersError("name: expected a library with answers, got a student's copy; the grader has them")
    if isinstance(name, str) and "-" in name:
        module = f"{__package__}.sections.{section_of(name)}"
        try:
            found = {t.name: t for t in vars(import_module(module)).values() if isinstance(t, Task)}
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            found = {}
        if name in found:
            return found[name]
        if found:
            raise ValueError(f"name: this section has the exercises {', '.join(sorted(found))}, got {name!r}")
    raise ValueError(f'name: expected an exercise such as "2.1.1-a", got {name!r}')
