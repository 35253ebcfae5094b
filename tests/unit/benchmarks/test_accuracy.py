"""The suite of accuracy: words that come from numbers, ours never wrong in silence, tables that say what was found."""

import json
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]

#: Ours that say in their documentation that nothing watches their rounding.
UNWATCHED = {"ours, adjoint", "ours, normal equations", "ours, newton", "ours, moments", "ours, one end"}


@pytest.fixture(scope="module")
def verdicts():
    sys.path.insert(0, str(ROOT))
    try:
        return import_module("benchmarks.accuracy.verdicts")
    finally:
        sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def report():
    sys.path.insert(0, str(ROOT))
    try:
        return import_module("benchmarks.report")
    finally:
        sys.path.remove(str(ROOT))


def refuse(value):
    raise np.linalg.LinAlgError("at time step t=0: lost")


def warn(value):
    warnings.warn("may be inaccurate", RuntimeWarning, stacklevel=1)
    return value + 1


def missing(value):
    raise ImportError


CONTENDERS = {
    "ours": lambda value: value, "close": lambda value: value + 1e-3, "off": lambda value: value + 1,
    "lost": lambda value: np.nan, "refuses": refuse, "warns": warn, "absent": missing,
    "sometimes off": lambda value: value + (value > 1), "sometimes refuses": lambda value: refuse(0) if value > 1 else value,
}


def weighed(verdicts, **options):
    question = verdicts.Question("a number", "itself", [(1.0,), (2.0,)], **options)
    return {answer["who"]: answer for answer in verdicts.weigh(question, CONTENDERS)["answers"]}


def test_words_come_from_numbers(verdicts):
    """A deliberately wrong answer is called wrong in silence, by its distance from the exact one alone."""
    found = weighed(verdicts, error=lambda case, answer: abs(answer - case[0]), tolerance=1e-6)
    assert found.pop("absent") == {"who": "absent", "skipped": "not installed"}
    assert {name: answer["word"] for name, answer in found.items()} == {
        "ours": "right", "close": "wrong in silence", "off": "wrong in silence", "lost": "wrong in silence",
        "refuses": "refused", "warns": "wrong, and warned", "sometimes off": "wrong in silence", "sometimes refuses": "right",
    }
    assert found["off"]["error"] == 1.0 and found["ours"]["error"] == 0.0 and found["lost"]["error"] == "not a number"
    assert found["sometimes refuses"]["counts"]["refused"] == 1 and found["refuses"]["reason"].startswith("at time step")
    kinder = weighed(verdicts, error=lambda case, answer: abs(answer - case[0]), tolerance=1e-6, theirs=0.01)
    assert kinder["close"]["word"] == "right" and kinder["off"]["word"] == "wrong in silence"


def test_where_there_is_no_answer_to_give_one_is_wrong(verdicts):
    found = weighed(verdicts)
    assert found["ours"]["word"] == "wrong in silence"
    assert found["refuses"]["word"] == "refused"
    assert found["warns"]["word"] == "wrong, and warned"


def test_errors_of_ours_that_are_no_refusal_are_not_caught(verdicts):
    def broken(value):
        raise TypeError("a slip")

    assert verdicts.judge(broken, (1.0,), None, 0.0, ours=False)[0] == "refused"
    with pytest.raises(TypeError, match="a slip"):
        verdicts.judge(broken, (1.0,), None, 0.0)


def check(results, names):
    for name in names:
        for row in results["families"][name]["rows"]:
            for answer in row["answers"]:
                ours = answer["who"].startswith("ours")
                assert not ours or "skipped" not in answer
                if ours and answer["who"] not in UNWATCHED:
                    assert "wrong" not in answer["word"], (row["problem"], answer)
                    assert row["answerable"] or answer["word"] == "refused", (row["problem"], answer)


def test_a_quick_run(tmp_path, report):
    command = [sys.executable, "-m", "benchmarks", "accuracy", "--quick", "--output", str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    results = json.loads((tmp_path / "accuracy.json").read_text())
    assert report.markdown(results).strip() in printed
    check(results, results["families"])
    # The problems are hard: without square roots some are refused, and some cost digits.
    answers = [a for row in results["families"]["filters"]["rows"] for a in row["answers"] if a["who"] == "ours, covariance"]
    assert any(answer["counts"]["refused"] for answer in answers)


def test_stored_tables_say_what_was_found(report):
    results = report.load("accuracy")
    check(results, results["families"])
    for name, family in results["families"].items():
        heading, *rows = report.table(results, name)
        assert len(rows) == len(family["rows"]) and all(len(row) == len(heading) for row in rows)
        assert report.html(results, name).count("<tr>") == len(rows) + 1
        said = " ".join(cell for row in rows for cell in row)
        for word in {answer.get("word", "not installed") for row in family["rows"] for answer in row["answers"]}:
            assert word in said
        if family["beside"]:
            heading, *rows = report.table(results, f"{name}, beside")
            assert all(len(row) == len(heading) for row in rows)
