"""Every benchmark runs, compares its answers before it takes a time, and its stored tables say what its results say."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
NAMES = ["hmm", "kalman", "learning", "particles", "regression", "sparse", "trees", "motion", "networks", "energies"]
COMPARED_OTHERWISE = {"particles"}  # whose answers are random: `test_particles_...` below


@pytest.fixture(scope="module")
def benchmarks():
    """The module of a benchmark, by name; they stand outside the library."""
    sys.path.insert(0, str(ROOT))
    try:
        return {name: import_module(f"benchmarks.{name}") for name in [*NAMES, "contest", "report"]}
    finally:
        sys.path.remove(str(ROOT))


def measured(results):
    return [row for row in results["speed"] if "skipped" not in row]


@pytest.mark.parametrize("name", NAMES)
def test_a_quick_run_compares_answers_and_prints_its_tables(tmp_path, benchmarks, name):
    command = [sys.executable, "-m", "benchmarks", name, "--quick", "--output", str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    results = json.loads((tmp_path / f"{name}.json").read_text())
    if name not in COMPARED_OTHERWISE:
        assert all(row["difference"] < (1e-4 if "float32" in row["task"] else 1e-6) for row in measured(results))
    assert results["speed"]
    assert benchmarks["report"].markdown(results).strip() in printed
    check_accuracy(name, results)


@pytest.mark.parametrize("name", NAMES)
def test_stored_tables_are_whole(benchmarks, name):
    report = benchmarks["report"]
    results = report.load(name)
    for part in ("speed", "accuracy", "costs"):
        if part in results:
            heading, *rows = report.table(results, part)
            assert rows
            assert all(len(row) == len(heading) for row in rows)
            assert report.html(results, part).count("<tr>") == len(rows) + 1
    check_accuracy(name, results)


def check_accuracy(name, results):
    """The stiff columns: exact, or refused; never silently wrong."""
    rows = results.get("accuracy", {"rows": []})["rows"]
    if name == "hmm":
        assert all(row["errors"][0] < 1e-10 for row in rows)
    if name == "kalman":
        ours = [row for row in rows if row["filter"].startswith("ours")]
        assert all(e == "LinAlgError" or e < 1e-6 for row in ours for e in row["errors"])
        assert all(e < 1e-8 for row in ours if row["filter"] == "ours, sqrt" for e in row["errors"])


@pytest.mark.parametrize("name", ["sparse", "particles"])
def test_goals_are_reached_in_the_stored_results(benchmarks, name):
    rows = measured(benchmarks["report"].load(name))
    assert all(row["ratio"] >= row["target"] for row in rows if row["target"])


def test_particles_grow_as_they_should(benchmarks):
    rows = measured(benchmarks["report"].load("particles"))
    growth = [row for row in rows if row["task"].startswith("backward simulation")]
    # Sixteen times as many particles: about as many times the work of one, and its square of the other.
    assert growth[-1]["ours_ms"] < 32 * growth[0]["ours_ms"]
    assert growth[-1]["theirs_ms"] > 64 * growth[0]["theirs_ms"]


# Answers that differ are refused, before any time is taken ----------------------------------------


def test_another_answer_of_the_learning_race(benchmarks):
    ours = lambda: ([1.0, 2.0],)
    with pytest.raises(AssertionError, match=r"a peer and we differ by 5\.0e-01"):
        benchmarks["learning"]._race("a task", lambda: (ours, {"a peer": lambda: lambda: ([1.0, 1.0],)}), (), None, 1)


def test_another_answer_of_the_particles(benchmarks):
    particles = benchmarks["particles"]
    y = particles.returns(30)[1]
    mine = particles.ours(y, 500)()
    assert particles._compare("NumPy", 500, mine, particles.reference(y, 500)()) < 12
    with pytest.raises(AssertionError, match="late and we differ"):
        particles._compare("late", 500, mine, particles.reference(np.roll(y, 3, 0), 500)())


def test_another_answer_of_the_regression(benchmarks):
    regression = benchmarks["regression"]
    given = regression.problem("logistic regression", 200, 2)
    ours = regression.ours(*given)
    with pytest.raises(AssertionError, match="nearly and we differ by 1.0e-07"):
        regression._race("coins", (200, 2), 1, given, ours, {"nearly": lambda *given: lambda: ours() + 1e-7}, {})


@pytest.mark.parametrize(("kind", "slip"), [(np.float64, 1e-7), (np.float32, 1e-3)])
def test_another_answer_of_a_network(benchmarks, kind, slip):
    contest, answer = benchmarks["contest"], np.array([1.0, 2.0], kind)
    ours, same, other = (lambda rng=None, add=add: [answer + kind(add)] for add in (0, slip / 100, slip))
    rows = contest.compete("a task", lambda: (ours, {"same": lambda: same}), (), 1, {"same": 2})
    assert rows[0]["target"] == 2
    with pytest.raises(AssertionError, match=f"other and we differ by {slip / 2:.1e}"):
        contest.compete("a task", lambda: (ours, {"other": lambda: other}), (), 1, {})
    with pytest.raises(ValueError, match="shorter"):
        contest.compete("a task", lambda: (ours, {"none": lambda: lambda rng=None: []}), (), 1, {})


def test_a_worse_sparse_code(monkeypatch, benchmarks):
    sparse = benchmarks["sparse"]
    monkeypatch.setattr(sparse, "PEERS", {"one sweep": lambda C, y: lambda: 0.9 * sparse.reference(C, y)()})
    with pytest.raises(AssertionError, match="one sweep and we differ"):
        sparse._race(8, 16, 20, None, 1)
