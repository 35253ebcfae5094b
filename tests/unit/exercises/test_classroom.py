"""The class kit: copies without answers, functions taken out of notebooks, and a grader that mischief does not harm."""

import csv
import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import experiments
import numpy as np
import pytest

from pedagogy_lib import exercises
from pedagogy_lib.exercises.__main__ import main
from pedagogy_lib.exercises.classroom import copies, exports, extraction, grading, rubrics, sandbox, worker
from pedagogy_lib.exercises.limits import Trouble

TASK = "7.1-a"
RIGHT = "def update_means(responsibilities, y):\n    return responsibilities.T @ y / responsibilities.sum(axis=0)[:, None]"
FORGOT = "def update_means(responsibilities, y):\n    return responsibilities.T @ y"


def notebook(*cells, task=TASK):
    """A notebook with one cell of code for each text; the first is marked as an exercise."""
    made = [{"cell_type": "code", "id": f"c{n}", "metadata": {"task": task} if n == 0 else {}, "source": text,
             "outputs": [], "execution_count": None} for n, text in enumerate(cells)]  # fmt: skip
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    copies.library(folder)
    return folder


@pytest.fixture
def hand_in(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()

    def write(name, *cells):
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook(*cells)), encoding="utf-8")
        return folder

    return write


# What is taken out of a notebook


def test_a_function_comes_with_what_it_names_and_nothing_else():
    cells = notebook(
        "%matplotlib inline\nimport numpy as np\nimport antigravity\nprint('side effect')",
        "EPS = 1e-9\ndef helper(x):\n    return np.sum(x) + EPS",
        "def unused():\n    return 1",
        "def f(x):\n    return 0",
        "def f(x):\n    return helper(x)",
        "raise SystemExit",
    )["cells"]
    code = extraction.function(cells, "f")
    assert code == "import numpy as np\n\nEPS = 1e-09\n\ndef helper(x):\n    return np.sum(x) + EPS\n\ndef f(x):\n    return helper(x)"


def test_arguments_and_local_names_bring_nothing_along():
    """A lesson's own `y` may have taken minutes; a function that has an argument of this name does not need it."""
    cells = notebook(
        "y = slow()\nx = slow()\nk = slow()\nscale = 3",
        "def f(y):\n    x = [k * scale for k in y]\n    def g(z):\n        return sum(x) + z\n    return g(0)",
    )["cells"]
    code = extraction.function(cells, "f")
    assert code.startswith("scale = 3\n\ndef f(y):")
    assert "slow" not in code


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["def g(x): return x"], "there is no function f"),
        (["def f(x:\n  pass"], "cell 0 cannot be read"),
        (["f: int = 3"], "there is no function f"),
        (["for f in range(3): pass"], "there is no function f"),
    ],
)
def test_what_is_no_function_is_named(cells, says):
    cells = notebook(*cells)["cells"]
    with pytest.raises(extraction.CannotReadError, match=says):
        extraction.function(cells, "f")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"cells": 3}', '{"cells": [3]}', "[" * 100_000])
def test_what_is_no_notebook_is_named(tmp_path, text):
    (tmp_path / "a.ipynb").write_text(text)
    with pytest.raises(extraction.CannotReadError, match="a.ipynb is no notebook"):
        extraction.notebook(tmp_path / "a.ipynb")


# What crosses between the processes


@pytest.mark.parametrize(
    "value",
    [1, 2.5, True, None, "text", (1, [2.0, (3,)]), np.arange(6.0).reshape(2, 3), np.float32(2), np.array([1 + 2j]),
     np.zeros((0, 3)), np.array(["a"]), np.nan, 10**400, np.arange(4)[::2], np.array([[1, 2], [3, 4]], order="F")],
)  # fmt: skip
def test_values_cross_unchanged(value):
    back = sandbox.unpack(worker.pack(value))
    if isinstance(value, int) and value > 1 << 1024:
        assert isinstance(back, sandbox.Unreadable)
    elif isinstance(value, np.ndarray) and value.dtype.kind != "U":
        np.testing.assert_array_equal(back, value)
        assert back.dtype == value.dtype
    else:
        np.testing.assert_equal(back, value if not isinstance(value, np.ndarray) else value.tolist())


@pytest.mark.parametrize("data", [b"", b"{}", b"[]\n", b'{"array": ["O", [1], 8]}\n12345678', b'{"array": ["<f8", [9], 8]}\n12345678'])
def test_what_is_no_value_is_refused(data):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        sandbox.unpack(data)


def test_a_task_with_functions_among_its_arguments(package):
    """They stay with the grader, and the student's code asks for their values."""
    with sandbox.answering("def f(g, x):\n    return g(x) + 1", "f", package, 10) as answer:
        assert answer(lambda x: 2 * x.sum(), np.arange(3.0)) == 7
        with pytest.raises(Trouble, match="ZeroDivisionError"):
            answer(lambda x: 1 / 0, 1.0)


@pytest.mark.parametrize(
    "head",
    ["import pandas as pd", "import matplotlib.pyplot as plt", "from scipy.stats import norm", "from sklearn.mixture import GaussianMixture",
     "from pedagogy_lib.models.static import kmeans", "from pedagogy_lib import data; data.penguins()"],
)  # fmt: skip
def test_well_known_packages_can_be_used(head, package):
    name = head.split(";")[0].split()[-1]
    with sandbox.answering(f"{head}\ndef f(x):\n    {name}\n    return x + 1", "f", package, 20) as answer:
        assert answer(1) == 2


@pytest.mark.parametrize("name", exercises.tasks())
def test_every_solution_passes_in_a_process_of_its_own(name, package):
    import inspect
    import textwrap

    solution = exercises.find(name).solution
    section = Path(inspect.getsourcefile(solution)).read_text(encoding="utf-8")
    lines = textwrap.dedent(inspect.getsource(solution)).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("def "))
    cells = notebook(section, "\n".join(lines[start:]))["cells"]
    code = extraction.function(cells, solution.__name__)
    with sandbox.answering(code, solution.__name__, package, 30) as answer:
        verdict = exercises.check(name, answer, 1)
    assert verdict, verdict.message


# Mischief


def attack(line, head=""):
    return f"{head}\ndef update_means(responsibilities, y):\n    {line}\n    return responsibilities.T @ y / responsibilities.sum(axis=0)[:, None]"


ATTACKS = {
    "reads the grader": (attack(f"open({str(Path(grading.__file__))!r}).read()"), "may not do: open"),
    "reads the answers": (attack(f"import sys; sys.path.insert(0, {str(copies.PACKAGE.parent)!r}); sys.modules.clear(); import pedagogy_lib.exercises.sections.s7_1"), "may not do|raised"),
    "imports the solution": (attack("from pedagogy_lib.exercises.sections.s7_1 import update_means"), "ModuleNotFoundError|may not do"),
    "patches the checker": (attack("from pedagogy_lib.exercises import judge; judge.check = lambda *a: True; raise ValueError('patched')"), "patched"),
    "writes a file": (attack("open('here', 'w')"), "may not do: open"),
    "looks around": (attack("import os; os.listdir('/')"), "may not do: os.listdir"),
    "starts a shell": (attack("import os; os.system('true')"), "may not do: os.system"),
    "starts a process": (attack("import subprocess; subprocess.run(['true'])"), "may not do"),
    "forks": (attack("import os; os.fork()"), "may not do: os.fork"),
    "loads C": (attack("import ctypes; ctypes.CDLL(None)"), "may not do: ctypes"),
    "calls home": (attack("import socket; socket.create_connection(('127.0.0.1', 9))"), "may not do: socket"),
    "loops": (attack("while True: pass"), "still running"),
    "loops and catches": (attack("while True:\n        try:\n            while True: pass\n        except BaseException: pass"), "still running"),
    "loops at once": (attack("pass", head="while True: pass"), None),  # a statement that only does is never run
    "takes memory": (attack("b = bytearray(10 << 30)"), "MemoryError"),
    "returns too much": ("def update_means(responsibilities, y):\n    import numpy as np\n    return np.zeros(10 << 27, dtype='i1')", "more than 256 megabytes|MemoryError"),
    "exits": (attack("import sys; sys.exit()"), "SystemExit"),
    "exits hard": (attack("import os; os._exit(0)"), "ended the process"),
    "kills": (attack("import os; os.kill(os.getppid(), 9)"), "may not do: os.kill"),
    "writes on the pipe": (attack("import os\n    for d in range(3, 20):\n        try: os.write(d, b'\\x00' * 7 + b'\\x02{}')\n        except OSError: pass"), "cannot be read|still running|ended"),
    "recurses": ("def update_means(responsibilities, y):\n    return update_means(responsibilities, y)", "RecursionError"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_mischief_earns_nothing_and_harms_nothing(name, package):
    source, says = ATTACKS[name]
    result = grading.grade_cells(notebook(source)["cells"], [TASK], 1, 3.0, package)[TASK]
    if says is None:
        assert result["passed"]
        return
    assert not result["passed"]
    assert result["points"] == 0
    assert __import__("re").search(says, result["message"]), result["message"]
    assert exercises.check(TASK, exercises.find(TASK).solution)


# A class


def test_a_class_is_graded(hand_in, tmp_path):
    hand_in("ann", RIGHT)
    hand_in("bob", FORGOT)
    hand_in("cem", "update_means = 3")
    folder = hand_in("dee", "print('nothing yet')")
    (folder / "eve.ipynb").write_text("no notebook")
    said = []
    results = grading.grade(folder, tmp_path / "out", seed=7, say=said.append)
    assert {name: mine[TASK]["points"] for name, mine in results.items()} == {"ann": 2, "bob": 0, "cem": 0, "dee": 0, "eve": 0}
    assert "also divides by the sum" in results["bob"][TASK]["message"]     # the named mistake's hint
    assert "no function" in results["dee"][TASK]["message"]
    assert "update_means is no function" in results["cem"][TASK]["message"]
    assert len(said) == 5
    with open(tmp_path / "out" / "grades.csv", encoding="utf-8") as file:
        assert [row["points"] for row in csv.DictReader(file)] == ["2", "0", "0", "0", "0"]
    scope = json.loads((tmp_path / "out" / "ann" / "results.json").read_text())
    assert scope["score"] == 2
    assert scope["tests"][0] | {"output": ""} == {"name": TASK, "score": 2, "max_score": 2, "output": "", "status": "passed"}
    assert "eve.ipynb is no notebook" in (tmp_path / "out" / "eve" / "report.md").read_text()


def test_a_run_that_was_cut_off_goes_on_and_new_work_is_graded_again(hand_in, tmp_path, monkeypatch):
    hand_in("ann", RIGHT)
    folder = hand_in("bob", FORGOT)
    first = grading.grade(folder, tmp_path / "out", say=lambda _: None)
    calls = []
    whole = grading.grade_cells
    monkeypatch.setattr(grading, "grade_cells", lambda *a: calls.append(a) or whole(*a))
    assert grading.grade(folder, tmp_path / "out", say=lambda _: None) == first
    assert not calls
    (tmp_path / "out" / "ann" / "graded.json").write_text('{"digest": "cut o')
    hand_in("bob", RIGHT)
    again = grading.grade(folder, tmp_path / "out", say=lambda _: None)
    assert len(calls) == 2
    assert again["bob"][TASK]["passed"]


def test_a_folder_for_each_student(tmp_path):
    inner = tmp_path / "in" / "ann" / "deep"
    inner.mkdir(parents=True)
    (inner / "7.1.ipynb").write_text(json.dumps(notebook(RIGHT)))
    assert list(grading.found(tmp_path / "in")) == ["ann"]


def test_nothing_to_grade_is_said(tmp_path):
    with pytest.raises(ValueError, match="found 0 students"):
        grading.grade(tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match="name: expected an exercise"):
        grading.grade(tmp_path, tmp_path / "out", ["nonsense"])


# Copies


def test_a_students_copy_has_no_answers_and_says_so(tmp_path, capsys):
    assert main(["student", str(tmp_path), "--only", "7.1"]) == 0
    assert "1 chapters" in capsys.readouterr().out
    (path,) = tmp_path.glob("*/7.1*.ipynb")
    text = path.read_text(encoding="utf-8")
    assert "axis=0)[:, None]" not in text        # of the solution of 7.1-a
    assert text.count("The solution is with your teacher") >= 4
    assert "exercises.check" in text
    for name in ("sections/s7_1.py", "classroom", "__main__.py"):
        assert not (tmp_path / "pedagogy_lib" / "exercises" / name).exists()
    code = "from pedagogy_lib import exercises; print(exercises.check('7.1-a', len)); import pedagogy_lib.models.static.gmm"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert "This copy has no answers" in done.stdout, done.stderr
    assert done.returncode == 0


def test_nothing_of_the_lesson_is_withheld():
    path = next(copies.CHAPTERS.glob("*/7.1*.ipynb"))
    whole = copies.load(path)
    kept = copies.withhold(whole)
    for before, after in zip(whole["cells"], kept["cells"]):
        if "## Exercises" in "".join(before["source"]):
            return
        assert "".join(before["source"]) == after["source"]


def test_an_instructors_copy_names_the_mistakes(tmp_path):
    assert main(["instructor", str(tmp_path), "--only", "7.1"]) == 0
    (path,) = tmp_path.glob("*/7.1*.ipynb")
    remarks = [cell["source"] for cell in copies.load(path)["cells"] if cell["id"].startswith("teacher-")]
    assert len(remarks) == sum(name.startswith("7.1-") for name in exercises.tasks())
    assert "did not divide" in remarks[0]


@pytest.mark.parametrize("platform", ["nbgrader", "otter"])
@pytest.mark.parametrize("path", sorted(copies.CHAPTERS.glob("*/*.ipynb")), ids=lambda path: path.stem)
def test_every_chapter_can_be_exported(path, platform):
    """The answers stand between the marks, and what is left without them is the starter's head."""
    made = exports.export(copies.load(path), platform)
    names = [name for name in exercises.tasks() if any(c["metadata"].get("task") == name for c in made["cells"])]
    for name in names:
        code = ["".join(c["source"]) for c in made["cells"] if c["metadata"].get("task") == name and c["cell_type"] == "code"]
        space = {"np": np, "exercises": exercises}
        exec("\n\n".join(code), space)            # the solution, and the cell that requires it
    with pytest.raises(ValueError, match="platform: expected one of"):
        exports.export({}, "moodle")


def test_the_rubric_counts_every_exercise(capsys):
    assert main(["rubric", "--only", "7.1"]) == 0
    text = capsys.readouterr().out
    assert "### 7.1-a: 2 points, checked" in text
    assert "by hand" in text
    assert rubrics.rubric(only="7.1") == text[:-1]
    with pytest.raises(ValueError, match="chapters: expected notebooks"):
        rubrics.rubric(only="99")


def test_every_exercise_that_no_check_judges_is_marked_by_hand():
    named = {name for path in rubrics.STEPS.glob("*.toml") for name in tomllib.loads(path.read_text(encoding="utf-8"))}
    assert named == {exercise.name for exercise in rubrics.by_hand()}
    assert len(named) > 130


@pytest.mark.parametrize("exercise", rubrics.by_hand(), ids=lambda e: e.name)
def test_points_set_by_hand_add_up_and_numbers_are_run(exercise):
    steps, expected = rubrics.marking(exercise.name)
    assert sum(points for points, _ in steps) == exercise.points
    assert all(points > 0 and says.endswith(".") for points, says in steps)
    assert all(number.low <= number.high and not number.says.endswith(".") for number in expected)
    section = exercise.name.rpartition("-")[0]
    runs = Path(__file__).parents[2] / f"experiments/test_{section.replace('.', '_')}.py"
    is_run = runs.is_file() and f'"{exercise.name}",' in runs.read_text(encoding="utf-8")
    assert is_run == bool(expected)


def test_a_number_outside_its_bounds_is_noticed():
    number = rubrics.marking("1-f").expected[0]
    right = {n.name: n.low for n in rubrics.marking("1-f").expected}
    experiments.hold("1-f", **right)
    with pytest.raises(AssertionError, match="the rubric says 8.5 to 11.5"):
        experiments.hold("1-f", **right | {number.name: 2 * number.high})
    with pytest.raises(AssertionError, match="the test found"):
        experiments.hold("1-f", narrower=10.0)
    with pytest.raises(KeyError, match="expected an exercise of 1.toml"):
        rubrics.marking("1-z")


def test_the_command_says_what_it_cannot_do(tmp_path, capsys):
    assert main(["grade", "--submissions", str(tmp_path)]) == 2
    assert "submissions: expected notebooks" in capsys.readouterr().err


def test_an_answer_is_graded_in_a_moment(package):
    start = time.monotonic()
    assert grading.grade_cells(notebook(RIGHT)["cells"], [TASK], 1, 10.0, package)[TASK]["passed"]
    assert time.monotonic() - start < 30          # not a race: a guard against waiting for a limit
