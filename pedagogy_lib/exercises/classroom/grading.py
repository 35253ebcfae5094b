"""Grade a folder of notebooks: every function in a process of its own, every answer against the reference here.

A student's result is kept as soon as it is known, with a digest of what it was made of, so that a run that was
interrupted goes on where it stopped, and a notebook that was handed in again is graded again.
"""

import csv
import functools
import hashlib
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from ..judge import check
from ..tasks import find
from . import copies, extraction, sandbox

#: As many as there are processors: the grader mostly waits for the students' code.
WORKERS = os.cpu_count() or 1


def grade(submissions, out, names=None, seed=1, timeout=10.0, say=print):
    """Grade all submissions of a folder.

    Parameters
    ----------
    submissions : str or Path
        A folder with one notebook for each student, ``NAME.ipynb``, or one folder for each, ``NAME/*.ipynb``.
    out : str or Path
        Where the results go: for each student ``NAME/report.md`` and ``NAME/results.json`` (in the form of Gradescope),
        and ``grades.csv`` for all.
    names : sequence of str, optional
        The exercises that count, such as ``["7.1-a"]``. Default: all with which any submission is marked.
    seed : int
        Of the cases: the same for all students.
    timeout : float
        Seconds for one exercise.
    say : callable
        Told of each student.

    Returns
    -------
    dict of str to dict
        Student -> exercise -> ``{"points", "of", "passed", "message"}``.

    Raises
    ------
    ValueError
        If there is nothing to grade, or no exercise of a given name.
    """
    students = found(submissions)
    cells = {student: _cells(paths) for student, paths in students.items()}
    marked = {name for mine, _ in cells.values() for name in extraction.tasks(mine)}
    names = sorted(_existing(marked)) if names is None else [find(name).name for name in names]
    if not students or not names:
        came = f"{len(students)} students and {len(names)} exercises"
        raise ValueError(f"submissions: expected notebooks with exercises in {submissions}, found {came}")
    out, results = Path(out), {}
    with tempfile.TemporaryDirectory() as package, ThreadPoolExecutor(WORKERS) as pool:
        copies.library(package)
        one = functools.partial(_grade_once, out=out, names=names, seed=seed, timeout=timeout, package=package)
        runs = {pool.submit(one, student, *cells[student]): student for student in students}
        try:
            for number, run in enumerate(as_completed(runs), 1):
                results[runs[run]] = run.result()
                points = sum(result["points"] for result in run.result().values())
                say(f"[{number}/{len(runs)}] {runs[run]}: {points} points")
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    results = {student: results[student] for student in sorted(results)}
    _write_table(out / "grades.csv", results, names)
    return results


def found(submissions):
    """The notebooks of every student, by name.

    Returns
    -------
    dict of str to list of Path
    """
    folder = Path(submissions)
    students = {path.stem: [path] for path in sorted(folder.glob("*.ipynb"))}
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []:
        notebooks = sorted(path for path in inner.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
        if notebooks:
            students[inner.name] = notebooks
    return students


def grade_cells(cells, names, seed, timeout, package):
    """Grade the cells of one student.

    Returns
    -------
    dict of str to dict
    """
    results = {}
    for name in names:
        task = find(name)
        passed, message = False, ""
        try:
            code = extraction.function(cells, task.solution.__name__)
            with sandbox.answering(code, task.solution.__name__, package, timeout) as answer:
                verdict = check(name, answer, seed)
            passed, message = verdict.passed, verdict.message
        except extraction.CannotReadError as error:
            message = f"Not found: {error}."
        points = task.points if passed else 0
        results[name] = {"points": points, "of": task.points, "passed": passed, "message": message}
    return results


def _existing(names):
    """Of names that notebooks carry, those that exercises have."""
    for name in names:
        try:
            yield find(name).name
        except ValueError:
            continue


def _cells(paths):
    """All cells of a student's notebooks, and what could not be read."""
    cells, troubles = [], []
    for path in paths:
        try:
            cells += extraction.notebook(path)
        except extraction.CannotReadError as error:
            troubles.append(str(error))
    return cells, troubles


def _grade_once(student, cells, troubles, out, names, seed, timeout, package):
    """Grade a student, unless the same work was graded before."""
    folder = out / student
    made_of = json.dumps([cells, troubles, names, seed, timeout], sort_keys=True, default=str)
    digest = hashlib.sha256(made_of.encode()).hexdigest()
    kept = folder / "graded.json"
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
        if known["digest"] == digest:
            return known["results"]
    except (OSError, ValueError, KeyError):
        pass
    results = grade_cells(cells, names, seed, timeout, package)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(_report(student, results, troubles, seed), encoding="utf-8")
    (folder / "results.json").write_text(json.dumps(gradescope(results), indent=1), encoding="utf-8")
    fresh = kept.with_suffix(".new")
    fresh.write_text(json.dumps({"digest": digest, "results": results}), encoding="utf-8")
    os.replace(fresh, kept)  # in one stroke, and last: what is there is whole
    return results


def gradescope(results):
    """The results of one student as Gradescope reads them: ``results.json``."""
    tests = [
        {"name": name, "score": result["points"], "max_score": result["of"], "output": result["message"],
         "status": "passed" if result["passed"] else "failed"}
        for name, result in results.items()
    ]  # fmt: skip
    return {"tests": tests, "score": sum(test["score"] for test in tests)}


def _report(student, results, troubles, seed):
    """What a student gets to read."""
    points, most = (sum(result[key] for result in results.values()) for key in ("points", "of"))
    lines = [f"# {student}: {points} of {most} points", ""]
    lines += [f"{trouble}." for trouble in troubles]
    for name, result in results.items():
        word = "passed" if result["passed"] else "not yet"
        lines += [f"## {name}: {word}, {result['points']} of {result['of']} points", "", result["message"], ""]
    lines.append(f"The cases were drawn with seed {seed}.")
    return "\n".join(lines) + "\n"


def _write_table(path, results, names):
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["student", *names, "points"])
        for student, mine in results.items():
            points = [mine[name]["points"] for name in names]
            table.writerow([student, *points, sum(points)])
