"""The benchmark of sparse codes runs, compares its answers, and its stored results say so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def benchmarks():
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks import report, sparse
    finally:
        sys.path.remove(str(ROOT))
    return report, sparse


def test_quick_run(tmp_path, benchmarks):
    pytest.importorskip("numba")
    report, sparse = benchmarks
    command = [sys.executable, "-m", "benchmarks", "sparse", "--quick", "--output", str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    results = json.loads((tmp_path / "sparse.json").read_text())
    assert [row["peer"] for row in results["speed"]] == list(sparse.PEERS)
    assert all(row["difference"] < 1e-6 for row in results["speed"] if "skipped" not in row)
    assert report.markdown(results).strip() in printed


def test_a_worse_answer_is_refused(monkeypatch, benchmarks):
    _, sparse = benchmarks
    monkeypatch.setattr(sparse, "PEERS", {"one sweep": lambda C, y: lambda: 0.9 * sparse.reference(C, y)()})
    with pytest.raises(AssertionError, match="one sweep and we differ"):
        sparse._race(8, 16, 20, None, 1)


def test_stored_results(benchmarks):
    report, _ = benchmarks
    results = report.load("sparse")
    heading, *rows = report.table(results)
    assert heading[1] == "Dimensions, elements, observations"
    assert all(len(row) == len(heading) for row in rows)
    measured = [row for row in results["speed"] if "skipped" not in row]
    assert all(row["difference"] < 1e-6 for row in measured)
    assert all(row["ratio"] >= row["target"] for row in measured if row["target"])
