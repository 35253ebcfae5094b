"""The benchmark of particle filters runs, compares its answers, and its stored results say so."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def benchmarks():
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks import particles, report
    finally:
        sys.path.remove(str(ROOT))
    return report, particles


def test_quick_run(tmp_path, benchmarks):
    pytest.importorskip("numba")
    report, particles = benchmarks
    command = [sys.executable, "-m", "benchmarks", "particles", "--quick", "--output", str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    results = json.loads((tmp_path / "particles.json").read_text())
    peers = [row["peer"] for row in results["speed"] if row["task"] == "bootstrap filter"]
    assert peers == list(particles.PEERS)
    assert report.markdown(results).strip() in printed


def test_another_answer_is_refused(benchmarks):
    _, particles = benchmarks
    y = particles.returns(30)[1]
    mine = particles.ours(y, 500)()
    assert particles._compare("NumPy", 500, mine, particles.reference(y, 500)()) < 12
    with pytest.raises(AssertionError, match="late and we differ"):
        particles._compare("late", 500, mine, particles.reference(np.roll(y, 3, 0), 500)())


def test_stored_results(benchmarks):
    report, _ = benchmarks
    results = report.load("particles")
    heading, *rows = report.table(results)
    assert all(len(row) == len(heading) for row in rows)
    measured = [row for row in results["speed"] if "skipped" not in row]
    assert all(row["ratio"] >= row["target"] for row in measured if row["target"])
    growth = [row for row in measured if row["task"].startswith("backward simulation")]
    # Sixteen times as many particles: about as many times the work of one, and its square of the other.
    assert growth[-1]["ours_ms"] < 32 * growth[0]["ours_ms"]
    assert growth[-1]["theirs_ms"] > 64 * growth[0]["theirs_ms"]
