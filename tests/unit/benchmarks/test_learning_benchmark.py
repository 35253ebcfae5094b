"""The learning benchmark runs, compares its answers, and has a table."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def suite():
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks import learning, report
    finally:
        sys.path.remove(str(ROOT))
    return learning, report


def test_quick_run(suite):
    learning, report = suite
    results = learning.run(quick=True)
    assert len(results["speed"]) == 4
    for row in results["speed"]:
        assert "skipped" in row or row["difference"] < learning.TOLERANCE
    assert report.markdown(results).count("\n| ") >= 5


def test_answers_that_differ_are_refused(suite):
    learning, _ = suite
    ours = lambda: ([1.0, 2.0],)
    with pytest.raises(AssertionError, match="a peer and we differ by 5.0e-01"):
        learning._race("a task", lambda: (ours, {"a peer": lambda: lambda: ([1.0, 1.0],)}), (), None, 1)
