"""One chapter from source to points, through nbgrader and through Otter themselves: make kit.

A student answers the first task rightly, the second wrongly and the third not at all.
"""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "7.3"
WRONG = "def model_covariance(S, k):\n    return S"
SETTINGS = {"PYTHONPATH": str(ROOT), "PEDAGOGY_LIB_FIGURES": "live", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run(folder, *command):
    programs = Path(sys.executable).parent            # nbgrader calls others that are installed beside it
    env = os.environ | SETTINGS | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([str(programs / command[0]), *command[1:]], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def source_of(folder, platform):
    run(folder, "python", "-m", "pedagogy_lib.exercises", "instructor", "source", "--only", CHAPTER, "--for", platform)
    (path,) = folder.glob("source/*/*.ipynb")
    return path


def points():
    """Task -> what it is worth, of the chapter, from the metadata of its notebook."""
    notebook = json.loads(next((ROOT / "chapters").glob(f"*/{CHAPTER}*.ipynb")).read_text())
    return {cell["metadata"]["task"]: cell["metadata"]["points"] for cell in notebook["cells"] if "points" in cell["metadata"]}


def answer(blank, right):
    """A student's notebook, from the blank one and the cells that hold the answers."""
    for cell in blank["cells"]:
        text = "".join(cell["source"])
        if "def m_step" in text:
            cell["source"] = right
        elif "def model_covariance" in text:
            cell["source"] = WRONG
    return blank


def cell_with(notebook, words):
    return next("".join(cell["source"]) for cell in notebook["cells"] if words in "".join(cell["source"]))


def test_nbgrader(tmp_path):
    source = source_of(tmp_path, "nbgrader")
    course = tmp_path / "course"
    (course / "source" / "ps1").mkdir(parents=True)
    kept = course / "source" / "ps1" / "ps1.ipynb"
    kept.write_bytes(source.read_bytes())
    (course / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "msl"\nc.ExecutePreprocessor.timeout = 300\n'
    )
    run(course, "nbgrader", "generate_assignment", "ps1", "--create", "--force")
    blank = json.loads((course / "release" / "ps1" / "ps1.ipynb").read_text())
    assert "YOUR CODE HERE" in cell_with(blank, "def m_step")
    right = cell_with(json.loads(kept.read_text()), "def m_step").replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
    handed_in = course / "submitted" / "ann" / "ps1" / "ps1.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text(json.dumps(answer(blank, right)))
    run(course, "nbgrader", "autograde", "ps1", "--create", "--force")
    run(course, "nbgrader", "export")
    with open(course / "grades.csv", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["student_id"], float(row["score"]), float(row["max_score"])) == ("ann", 4.0, sum(points().values()))


def test_otter(tmp_path):
    source = source_of(tmp_path, "otter")
    named = tmp_path / "ps1.ipynb"
    named.write_bytes(source.read_bytes())
    run(tmp_path, "otter", "assign", "ps1.ipynb", "dist", "--no-run-tests")
    blank = json.loads((tmp_path / "dist" / "student" / "ps1.ipynb").read_text())
    assert cell_with(blank, "def m_step").endswith("...")
    right = cell_with(json.loads((tmp_path / "dist" / "autograder" / "ps1.ipynb").read_text()), "def m_step")
    (tmp_path / "sub.ipynb").write_text(json.dumps(answer(blank, right)))
    (tmp_path / "out").mkdir()
    (autograder,) = (tmp_path / "dist" / "autograder").glob("*.zip")
    run(tmp_path, "otter", "run", "sub.ipynb", "-a", str(autograder), "--no-logo", "-o", "out")
    tests = json.loads((tmp_path / "out" / "results.json").read_text())["tests"]
    scores = {test["name"]: (test["score"], test["max_score"]) for test in tests if "max_score" in test}
    name = {task: f"q{task.replace('.', '_').replace('-', '_')}" for task in points()}
    assert scores == {name[task]: (of if task == "7.3-a" else 0, of) for task, of in points().items()}


def test_gradescope(tmp_path):
    """In Gradescope's own layout: /autograder/submission and /autograder/results, here below a folder."""
    blank = json.loads(next((ROOT / "chapters").glob(f"*/{CHAPTER}*.ipynb")).read_text())
    solution = next("".join(c["source"]) for c in blank["cells"] if c["metadata"].get("task") == "7.3-a" and "<details>" in "".join(c["source"]))
    right = solution.split("```python\n")[1].split("```")[0]
    handed_in = tmp_path / "autograder" / "submission" / "student" / "ps1.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text(json.dumps(answer(blank, right)))
    run(tmp_path, "python", "-m", "pedagogy_lib.exercises", "grade", "--submissions", "autograder/submission",
        "--out", "autograder/results", "--tasks", "7.3-a", "7.3-b", "7.3-c")  # fmt: skip
    results = json.loads((tmp_path / "autograder" / "results" / "student" / "results.json").read_text())
    assert results["score"] == 4
    assert [test["status"] for test in results["tests"]] == ["passed", "failed", "failed"]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-v"]))
