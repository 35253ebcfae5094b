"""Right answers pass; every named mistake gets its own hint; the checker survives bad code."""

import numpy as np
import pytest

from pedagogy_lib import exercises

TASKS = exercises.tasks()
MISTAKES = [(name, mistake) for name, task in TASKS.items() for mistake in task.mistakes]


@pytest.mark.parametrize("name", TASKS)
def test_the_solution_passes(name):
    verdict = exercises.check(name, TASKS[name].solution)
    assert verdict.passed
    assert verdict.mistake is None


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=lambda value: getattr(value, "name", value))
def test_each_mistake_gets_its_own_hint(name, mistake):
    verdict = exercises.check(name, mistake.answer)
    assert not verdict.passed
    assert (verdict.mistake, verdict.message) == (mistake.name, mistake.hint)


@pytest.mark.parametrize("name", TASKS)
def test_each_task_has_three_mistakes_with_different_hints(name):
    mistakes = TASKS[name].mistakes
    assert len(mistakes) >= 3
    assert len({m.hint for m in mistakes}) == len({m.name for m in mistakes}) == len(mistakes)


def test_an_answer_that_is_almost_right_is_refused():
    task = TASKS["7.1-a"]
    verdict = exercises.check("7.1-a", lambda r, y: task.solution(r, y) * (1 + 1e-5))
    assert not verdict.passed
    assert "numbers are not" in verdict.message


@pytest.mark.parametrize("unfinished", [lambda *_: None, lambda *_: ...])
def test_an_unfinished_answer_is_not_an_error(unfinished):
    verdict = exercises.check("7.1-a", unfinished)
    assert not verdict.passed
    assert "Nothing was returned yet" in verdict.message


def test_code_that_raises_is_reported():
    verdict = exercises.check("7.1-a", lambda r, y: r @ y)
    assert not verdict.passed
    assert "ValueError" in verdict.message


def test_changing_an_argument_is_reported():
    def spoil(r, y):
        y += 1
        return TASKS["7.1-a"].solution(r, y)

    assert exercises.check("7.1-a", spoil).mistake == "mutation"


def test_a_wrong_shape_is_named():
    verdict = exercises.check("7.1-a", lambda r, y: np.zeros(3))
    assert "shape (3, 2)" in verdict.message
    assert "shape (3,)" in verdict.message


def test_a_value_and_text_and_a_wrong_tuple_are_refused_not_raised():
    for answer in (3.0, "text", (1, 2), [[1], [1, 2]]):
        assert not exercises.check("2.1.1-b", lambda *_, answer=answer: answer).passed
        assert not exercises.check("2.1.1-b", answer).passed


def test_an_unknown_exercise_is_an_error():
    with pytest.raises(ValueError, match="expected one of 1-a"):
        exercises.check("9.9-z", lambda: 0)


def test_a_class_is_graded_with_the_same_checks():
    verdicts = exercises.grade({"2.1.1-a": TASKS["2.1.1-a"].solution, "7.1-a": lambda r, y: r.T @ y})
    assert verdicts["2.1.1-a"].passed
    assert verdicts["7.1-a"].mistake == "did not divide"


def test_a_verdict_reads_well():
    verdict = exercises.check("7.1-a", lambda r, y: r.T @ y)
    assert repr(verdict).startswith("Exercise 7.1-a: not yet. These are weighted sums.")
    assert 'role="status"' in verdict._repr_html_()
