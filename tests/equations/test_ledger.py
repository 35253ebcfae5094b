"""The ledger walked: every label, anchor, object and test that it names is there.

The second half corrupts a sound ledger in one place at a time, and sees each fault found.
"""

import ast
import json
from dataclasses import replace
from pathlib import Path

import calls
import numpy as np
import pytest
from companion import ledger
from companion.ledger import CORRECTED, HOLDS, NOTATION, Entry, Ledger, Slip

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.models.static import gmm

RECORD = Path(__file__).with_name("calls.json")

# ---------------------------------------------------------------------------------- the ledger


def test_the_ledger_is_sound():
    assert ledger.problems(ledger.load()) == []


def test_the_textbook_numbers_230_equations():
    labels = ledger.textbook()
    assert len(labels) == 230
    assert labels["2.47"][0] == "2.2.2"


def test_a_passing_verdict_is_never_without_a_test():
    for entry in ledger.load().equations:
        assert entry.verdict == NOTATION or entry.equation_tests


# ------------------------------------------------------------------- what the library tests call


def test_every_object_that_implements_an_equation_is_called_by_a_test():
    """By the record, which every run of those tests holds to the truth (`tests/conftest.py`)."""
    assert ledger.uncalled(ledger.load(), json.loads(RECORD.read_text(encoding="utf-8"))) == []


def test_the_record_names_no_other_tests():
    assert set(json.loads(RECORD.read_text(encoding="utf-8"))) == set(calls.claims())


def test_an_object_that_no_test_calls_is_noticed():
    book_ = book(ENTRY)
    assert ledger.uncalled(book_, {"test_one.py::test_it": ["json.loads"]}) == []
    assert ledger.uncalled(book_, {}) == [
        "2.6: no test calls json.loads", "2.6: calls nothing that is named: test_one.py::test_it"]


def test_calls_are_seen():
    """Functions, behind whatever name; named tuples by what they are, not by their fields; nothing else."""
    names = ["pedagogy_lib.distributions.gaussian.Gaussian", "pedagogy_lib.distributions.gaussian.sample",
             "pedagogy_lib.distributions.gaussian.invert", "pedagogy_lib.models.static.gmm.Parameters"]
    with calls.watched(names) as seen:
        gaussian.sample(gaussian.Gaussian(np.zeros(2), np.eye(2)), 3, np.random.default_rng(0))
    assert seen == set(names[:2])
    with calls.watched(names) as seen:
        gmm.Parameters(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
    assert seen == {names[3]}


# ------------------------------------------------------------------------- the numbers of slips


def test_every_number_of_the_errata_is_measured():
    assert ledger.unmeasured(ledger.load(), ledger.evidence()) == []


def measuring_calls():
    """For each test function of this folder, the labels and names that it hands to the fixture `evidence`."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            calls_ = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            for call in calls_:
                if getattr(call.func, "id", "") == "evidence":
                    yield f"tests/equations/{path.name}::{function.name}", call.args[0].value


def test_every_correction_is_measured_by_a_test_that_it_names():
    measured = set(measuring_calls())
    for item in ledger.load().corrected():
        assert any((test, item.label) in measured for test in item.equation_tests), item.label


def test_a_number_that_fits_no_text_is_noticed():
    wrong = replace(ENTRY, label="2.7", verdict=CORRECTED, correction="Minus.", evidence="<<good:.2f>>, not <<bad>>")
    numbers = {"2.7": {"good": 1.0, "idle": 2.0}, "2.8": {}}
    assert ledger.unmeasured(book(wrong), numbers) == [
        "2.7: no test measures bad", "2.7: measured and not told: idle",
        "2.8: measured, and no correction bears that label"]
    wordy = replace(wrong, evidence="It is plain.")
    assert ledger.unmeasured(book(wordy), {}) == ["2.7: the evidence has no number that a test measures"]


def test_numbers_are_put_where_they_are_named():
    numbers = {"mean": [0.8512, -0.7], "ratio": 132.4}
    assert ledger.filled("It is $(<<mean:.2f>>)$, <<ratio:.0f>> times.", numbers) == "It is $(0.85, -0.70)$, 132 times."


def test_a_test_measures_for_its_own_entry_only(evidence):
    with pytest.raises(AssertionError, match="does not name"):
        evidence("2.34", printed=1.0)


def test_what_has_no_code_cannot_be_watched():
    with pytest.raises(TypeError, match="no Python code"):
        calls.codes("pedagogy_lib.distributions.gaussian")


# --------------------------------------------------------------------------- a corrupted ledger


@pytest.fixture
def root(tmp_path):
    """A small project: one chapter with an anchor, one test file."""
    (tmp_path / "chapters").mkdir()
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", '<a id="eq-2-6"></a>\n']},
        {"cell_type": "code", "source": ['"""<a id="eq-2-7"></a>"""']},
    ]
    (tmp_path / "chapters" / "one.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "test_one.py").write_text(
        "def test_it(): pass\n\nclass TestMore:\n    def test_inside(self): pass\n\nhelper = 1\n"
    )
    return tmp_path


ENTRY = Entry(
    label="2.6",
    says="A posterior is a softmax.",
    kind="identity",
    chapter="chapters/one#eq-2-6",
    verdict=HOLDS,
    implements=["json.loads"],
    equation_tests=["test_one.py::test_it", "test_one.py::TestMore::test_inside[case-1]"],
    library_tests=["test_one.py::test_it"],
)
SLIP = Slip(
    label="Box K-means",
    says="The means carry the wrong index.",
    correction="Raise it by one.",
    evidence="The loss rises by 3.1 with the index as printed.",
    chapter="chapters/one#eq-2-6",
    equation_tests=["test_one.py::test_it"],
)


def book(*entries, errata=()):
    return Ledger(edition="a draft", equations=list(entries), errata=list(errata))


def test_a_sound_ledger_has_no_problems(root):
    corrected = replace(
        ENTRY, label="2.7", verdict=CORRECTED, correction="Minus.", evidence="0.3 and not 0.1"
    )
    assert ledger.problems(book(ENTRY, corrected, errata=[SLIP]), root) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"label": "2.999"}, "no such equation"),
        ({"label": "Box K-means"}, "no such equation"),
        ({"says": " "}, "says nothing"),
        ({"kind": "theorem"}, "kind must be one of"),
        ({"verdict": "probably"}, "verdict must be one of"),
        ({"verdict": CORRECTED}, "a correction needs"),
        ({"verdict": CORRECTED, "correction": "Minus."}, "a correction needs"),
        ({"correction": "Minus."}, "has a correction"),
        ({"equation_tests": []}, "without a test"),
        ({"chapter": "chapters/two#eq-2-6"}, "no notebook"),
        ({"chapter": "chapters/one#eq-2-8"}, "no anchor"),
        ({"chapter": "chapters/one#eq-2-7"}, "no anchor"),  # stands in a code cell
        ({"chapter": "chapters/one"}, "no anchor"),
        ({"implements": ["json.lodas"]}, "nothing named"),
        ({"implements": ["jsn.loads"]}, "nothing named"),
        ({"equation_tests": ["test_one.py::test_that"]}, "no test"),
        ({"equation_tests": ["test_one.py::TestMore::test_outside"]}, "no test"),
        ({"equation_tests": ["test_one.py::helper"]}, "no test"),
        ({"equation_tests": ["test_one.py"]}, "no test"),
        ({"equation_tests": ["test_two.py::test_it"]}, "no test"),
        ({"library_tests": ["test_one.py::test_that"]}, "no test"),
        ({"library_tests": []}, "go together"),
        ({"implements": []}, "go together"),
    ],
)
def test_a_corrupted_entry_is_noticed(root, change, complaint):
    problems = ledger.problems(book(replace(ENTRY, **change)), root)
    assert any(complaint in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"label": "2.6"}, "labeled by its place"),
        ({"correction": ""}, "`correction` is empty"),
        ({"evidence": ""}, "`evidence` is empty"),
        ({"equation_tests": []}, "without a test"),
        ({"chapter": "chapters/one#nowhere"}, "no anchor"),
    ],
)
def test_a_corrupted_slip_is_noticed(root, change, complaint):
    problems = ledger.problems(book(errata=[replace(SLIP, **change)]), root)
    assert any(complaint in problem for problem in problems), problems


@pytest.mark.parametrize(("part", "first"), [("boxes", "Box"), ("results", "Result")])
def test_what_has_no_number_is_an_entry_under_a_name(root, part, first):
    box = replace(ENTRY, label=f"{first} Backward step", kind="algorithm")
    assert ledger.problems(replace(book(ENTRY), **{part: [box]}), root) == []
    for change, complaint in (({"label": "2.7"}, f"labeled `{first}`"), ({"equation_tests": []}, "without a test")):
        problems = ledger.problems(replace(book(ENTRY), **{part: [replace(box, **change)]}), root)
        assert any(complaint in problem for problem in problems), problems
    twice = ledger.problems(replace(book(ENTRY), **{part: [box, box]}), root)
    assert f"{first} Backward step: entered twice" in twice


def test_the_textbook_s_boxed_algorithms_are_listed():
    names = {entry.label.removeprefix("Box ") for entry in ledger.load().boxes}
    assert names >= {"Time update", "Measurement update", "Future conditioning", "Backward step",
                     "Alpha recursion", "Gamma recursion", "EM", "K-means", "Iterative PCA"}


def test_an_equation_entered_twice_is_noticed(root):
    assert "2.6: entered twice" in ledger.problems(book(ENTRY, ENTRY), root)


def written(tmp_path, text):
    path = tmp_path / "equations.yml"
    path.write_text(text)
    return path


def test_an_unquoted_label_is_refused(tmp_path):
    path = written(tmp_path, "edition: x\nequations:\n  - {label: 2.10, says: y}\n")
    with pytest.raises(ValueError, match=r"2\.1 must be quoted"):
        ledger.load(path)


def test_an_unknown_or_missing_field_is_refused(tmp_path):
    line = 'label: "2.6", says: y, kind: identity, chapter: z'
    for row in (f"{{{line}}}", f"{{{line}, verdict: holds, proof: no}}"):
        with pytest.raises(ValueError, match="2.6"):
            ledger.load(written(tmp_path, f"edition: x\nequations:\n  - {row}\n"))


def test_equations_come_in_the_textbook_s_order(tmp_path):
    rows = "".join(
        f'  - {{label: "{label}", says: y, kind: identity, chapter: z, verdict: holds}}\n'
        for label in ("7.1", "2.10", "2.9", "A.1")
    )
    found = ledger.load(written(tmp_path, f"edition: x\nequations:\n{rows}"))
    assert [entry.label for entry in found.equations] == ["2.9", "2.10", "7.1", "A.1"]
