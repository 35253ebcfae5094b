"""The benchmark runs, compares its answers, and its tables say what the results say."""

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
    command = [sys.executable, "-m", "benchmarks", "kalman", "--quick", "--output", str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    results = json.loads((tmp_path / "kalman.json").read_text())
    measured = [row for row in results["speed"] if "skipped" not in row]
    assert all(row["difference"] < 1e-6 for row in measured)
    ours = next(row for row in results["accuracy"]["rows"] if row["filter"] == "ours, sqrt")
    assert max(ours["errors"]) < 1e-8
    assert report.markdown(results).strip() in printed


def test_stored_results(report):
    """What the book shows: every part there, the stiff column exact, and nothing silently wrong."""
    results = report.load()
    for part in ("speed", "accuracy", "costs"):
        heading, *rows = report.table(results, part)
        assert rows
        assert all(len(row) == len(heading) for row in rows)
        assert report.html(results, part).count("<tr>") == len(rows) + 1
    for row in results["accuracy"]["rows"]:
        if row["filter"].startswith("ours"):
            assert all(e == "LinAlgError" or e < 1e-6 for e in row["errors"])
        if row["filter"] == "ours, sqrt":
            assert all(e < 1e-8 for e in row["errors"])
            assert row["errors"][0] < 1e-12
