"""The benchmark of the hidden Markov model runs, and its tables say what the results say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def report():
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks import report
    finally:
        sys.path.remove(str(ROOT))
    return report


def test_quick_run(tmp_path, report):
    command = [sys.executable, "-m", "benchmarks", "hmm", "--quick", "--output", str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    results = json.loads((tmp_path / "hmm.json").read_text())
    assert all(row["difference"] < 1e-6 for row in results["speed"] if "skipped" not in row)
    check_accuracy(results)
    assert report.markdown(results).strip() in printed
    assert "States, dimensions, steps" in printed


def test_stored_results(report):
    results = report.load("hmm")
    for part in ("speed", "accuracy", "costs"):
        heading, *rows = report.table(results, part)
        assert rows
        assert all(len(row) == len(heading) for row in rows)
        assert report.html(results, part).count("<tr>") == len(rows) + 1
    check_accuracy(results)


def check_accuracy(results):
    for row in results["accuracy"]["rows"]:
        assert row["errors"][0] < 1e-10
