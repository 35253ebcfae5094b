"""Try an answer on edges and on fresh cases, and say what came out."""

import copy
from html import escape
from typing import NamedTuple

import numpy as np

from . import diagnosis, limits, reading
from .tasks import NoAnswersError, find

SEEDS = 3
SINGLE = 1e-4  # what single precision can be asked for, relative to the size of the answer


class Verdict:
    """What the check says. False where the answer is not right.

    Attributes
    ----------
    task : str
    passed : bool
    message : str
    mistake : str or None
        The name of the mistake that was recognized.
    points : int
        What was earned.
    """

    def __init__(self, task, passed, message, mistake=None, points=0):
        self.task, self.passed, self.message = task, passed, message
        self.mistake, self.points = mistake, points

    def __bool__(self):
        return self.passed

    def __repr__(self):
        return f"Exercise {self.task}: {'passed' if self.passed else 'not yet'}. {self.message}"

    def _repr_html_(self):
        word, kind = ("Passed.", "pl-passed") if self.passed else ("Not yet.", "pl-not-yet")
        return (
            f'<div class="pl-verdict {kind}" role="status"><strong>Exercise {escape(self.task)}. {word}</strong> '
            f"{escape(self.message)}</div>"
        )


class Trial(NamedTuple):
    """One call of an answer: where its arguments came from, what is right, and what was read."""

    origin: str
    arguments: tuple
    expected: tuple
    given: tuple
    single: bool


def check(name, answer, seed=None):
    """Check an answer to an exercise.

    Parameters
    ----------
    name : str
        The exercise, such as ``"2.1.1-a"``.
    answer : callable
        The function that was written.
    seed : int, optional
        Of the cases, to see a failure again; a verdict names it. Default: fresh ones.

    Returns
    -------
    Verdict
        Shown by the notebook, and false if the answer is wrong. A wrong answer does not raise: it is
        told what is wrong.

    Raises
    ------
    ValueError
        If there is no exercise of that name.
    """
    try:
        task = find(name)
    except NoAnswersError:
        return Verdict(name, False, "This copy has no answers. Hand in your notebook: the grader has them.")
    if not callable(answer):
        shown = f"exercises.check({name!r}, {task.solution.__name__})"
        return Verdict(name, False, f"Pass the function itself and not a value that it returned: {shown}.")
    seeds = [seed] if seed is not None else [int(s) for s in np.random.default_rng().integers(1, 10**6, SEEDS)]
    plan = [(f"edge case {n}", case) for n, case in enumerate(task.edges(), 1)]
    plan += [(f"seed {s}, case {n}", case) for s in seeds for n, case in enumerate(task.draw(s), 1)]
    trials = []
    for origin, arguments in plan:
        trial = _try(task, answer, origin, arguments)
        if isinstance(trial, Verdict):
            return trial
        trials.append(trial)
    wrong = [trial for trial in trials if not _right(task, trial)]
    if not wrong:
        note = " It was computed in single precision." if any(t.single for t in trials) else ""
        return Verdict(name, True, f"It agrees with the reference on {len(trials)} cases.{note}", points=task.points)
    return _explain(task, trials, wrong)


def require(name, answer, seed=None):
    """Check an answer as `check` does, and raise where it is wrong.

    Raises
    ------
    AssertionError
        With the verdict's message.
    """
    verdict = check(name, answer, seed)
    if not verdict:
        raise AssertionError(repr(verdict))
    return verdict


def grade(answers):
    """Check the answers of one student.

    Parameters
    ----------
    answers : dict of str to callable
        Exercise names and answers. A name that does not exist gets a verdict that says so, and
        the others are still checked.

    Returns
    -------
    dict of str to Verdict
    """
    verdicts = {}
    for name, answer in answers.items():
        try:
            verdicts[name] = check(name, answer)
        except ValueError as error:
            verdicts[name] = Verdict(str(name), False, str(error))
    return verdicts


def _try(task, answer, origin, arguments):
    """Call the answer once: a Trial, or the Verdict on what cannot be compared."""
    arguments = tuple(arguments)
    given = copy.deepcopy(arguments)
    outcome = limits.call(answer, given)
    if outcome.trouble:
        return Verdict(task.name, False, f"{outcome.trouble} That was with {origin}.")
    if not _untouched(arguments, given):
        return Verdict(task.name, False, "Your code changed one of its arguments; work on a copy.", "mutation")
    with np.errstate(all="ignore"):
        expected = task.solution(*copy.deepcopy(arguments))
    read = reading.read(outcome.value, expected, task.parts)
    if read.problem:
        return Verdict(task.name, False, f"{read.problem} Write {task.signature}.")
    right = tuple(np.asarray(part, float) for part in reading.parts_of(expected))
    return Trial(origin, arguments, right, read.parts, read.single)


def _untouched(before, after):
    """Whether nested tuples and lists of arrays are what they were."""
    if isinstance(before, (tuple, list)):
        return len(before) == len(after) and all(map(_untouched, before, after))
    if isinstance(before, (np.ndarray, float, int)):
        return np.array_equal(before, after, equal_nan=np.asarray(before).dtype.kind == "f")
    return True


def _form(task, parts):
    """An answer in the form that is compared."""
    if task.canonical is None or any(np.shape(p) != np.shape(q) for p, q in zip(parts, parts)):
        return parts
    with np.errstate(all="ignore"):
        try:
            found = task.canonical(*parts)
        except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):  # of a wrong shape, say
            return parts
    return tuple(np.asarray(part, float) for part in reading.parts_of(found))


def _right(task, trial):
    tolerance = max(task.tolerance, SINGLE) if trial.single else task.tolerance
    return _same(_form(task, trial.expected), _form(task, trial.given), tolerance)


def _same(expected, given, tolerance):
    return len(expected) == len(given) and all(diagnosis.agree(e, g, tolerance) for e, g in zip(expected, given))


def _explain(task, trials, wrong):
    """A named mistake, if the answer makes it everywhere; else what is true of the numbers."""
    for mistake in task.mistakes:
        if all(_makes(task, mistake, trial) for trial in trials):
            return Verdict(task.name, False, mistake.hint, mistake.name)
    trial = next((t for t in wrong if t.origin.startswith("seed")), wrong[0])
    said = diagnosis.difference(trial.expected, trial.given, task.tolerance, task.parts)
    if trial.origin.startswith("edge"):
        again = f"exercises.find({task.name!r}).edges()[{int(trial.origin.split()[-1]) - 1}]"
        message = f"It is right on ordinary cases, and wrong on an edge. {said} The arguments: {again}."
    else:
        number = trial.origin.removeprefix("seed ").split(",")[0]
        again = f"exercises.check({task.name!r}, ..., seed={number})"
        message = f"{said} (With {trial.origin}; to see it again: {again}.)"
    return Verdict(task.name, False, message)


def _makes(task, mistake, trial):
    """Whether the answer is what the mistake gives, on one trial."""
    try:
        with np.errstate(all="ignore"):
            found = reading.read(mistake.answer(*copy.deepcopy(trial.arguments)), trial.expected)
    except Exception:  # a mistake may fail on an edge; then it is not what the student did there
        return False
    tolerance = max(task.tolerance, SINGLE) if trial.single else task.tolerance
    return not found.problem and _same(_form(task, found.parts), _form(task, trial.given), tolerance)
