"""Right answers pass on any seed, every named mistake gets its own hint, and nothing a student writes escapes."""

import os
import sys

import numpy as np
import pytest
from scipy.special import logsumexp

from pedagogy_lib import exercises
from pedagogy_lib.exercises import diagnosis, limits

TASKS = exercises.tasks()
MISTAKES = [(name, mistake) for name, task in TASKS.items() for mistake in task.mistakes]
SEEDS = range(int(os.environ.get("SEEDS", "20")))             # a hundred by night


@pytest.mark.parametrize("name", TASKS)
def test_the_solution_passes_on_many_seeds(name):
    for seed in SEEDS:
        verdict = exercises.check(name, TASKS[name].solution, seed)
        assert verdict, verdict
        assert verdict.points == TASKS[name].points > 0


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=lambda value: getattr(value, "name", value))
def test_each_mistake_gets_its_own_hint_on_many_seeds(name, mistake):
    for seed in SEEDS:
        verdict = exercises.check(name, mistake.answer, seed)
        assert not verdict, f"seed {seed}"
        assert (verdict.mistake, verdict.message) == (mistake.name, mistake.hint), f"seed {seed}"


@pytest.mark.parametrize("name", TASKS)
def test_each_task_has_three_mistakes_with_different_hints(name):
    mistakes = TASKS[name].mistakes
    assert len(mistakes) >= 3
    assert len({m.hint for m in mistakes}) == len({m.name for m in mistakes}) == len(mistakes)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_stands_in_the_module_of_its_section(name):
    assert exercises.find(name) is TASKS[name]
    assert TASKS[name].signature.startswith(TASKS[name].solution.__name__ + "(")


# What a second reader's wrong answers were taken for right ---------------------------------------


def softmax_of_all(log_likelihoods, log_prior):
    z = log_likelihoods + log_prior
    e = np.exp(z - z.max())
    return e / e.sum(1, keepdims=True)


def pairs_with_a_crumb(gamma, alpha_before, transition):
    return (gamma / (transition @ alpha_before + 1e-12))[:, None] * transition * alpha_before


def weights_from_the_lowest(log_likelihoods):
    e = np.exp(log_likelihoods - log_likelihoods.min())
    return e / e.sum(), log_likelihoods.min() + np.log(e.mean())


def pop_at_the_edge(stack, frequencies):
    ends = np.cumsum(frequencies)
    symbol = int(np.searchsorted(ends, stack % int(ends[-1]), side="left"))
    start = int(ends[symbol]) - frequencies[symbol]
    return stack // int(ends[-1]) * frequencies[symbol] + stack % int(ends[-1]) - start, symbol


WRONG = {
    "looks at the first node only": ("2.0-c", lambda kinds, known, below: TASKS["2.0-c"](kinds[:1], known[:1], below[:1])),
    "one maximum for all rows": ("2.1.1-a", softmax_of_all),
    "a crumb in the denominator": ("2.2.1-b", pairs_with_a_crumb),
    "subtracts the minimum": ("2.2.2b-a", weights_from_the_lowest),
    "NaN for what never happens": ("4.2-a", lambda p, q: -(p * np.log2(q)).sum()),
    "rounds down and adds one": ("4.2-b", lambda p, q: p @ (np.floor(-np.log2(q)) + 1)),
    "an edge in the wrong slot": ("6.3.2-a", pop_at_the_edge),
    "the largest coordinate as distance": (
        "7.1-c",
        lambda y, means: np.eye(len(means))[np.abs(y[:, None] - means).max(2).argmin(1)],
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_answer_is_refused(what):
    name, answer = WRONG[what]
    for seed in SEEDS:
        assert not exercises.check(name, answer, seed), f"{what}, seed {seed}"


@pytest.mark.parametrize("factor", [0.1, 3.0])
def test_any_multiple_of_a_line_is_the_line(factor):
    def answer(*arguments):
        normal, threshold = TASKS["2.1.1-b"](*arguments)
        return factor * normal, factor * threshold

    assert exercises.check("2.1.1-b", answer)
    assert not exercises.check("2.1.1-b", lambda *a: tuple(-v for v in answer(*a)))


def test_one_array_for_a_pair_of_equal_shapes():
    assert exercises.check("M.3-a", lambda *a: np.array(TASKS["M.3-a"](*a)))


SINGLE = [name for name in TASKS if name not in ("2.0-c", "6.3.2-a", "6.3.2-b")]


@pytest.mark.parametrize("name", SINGLE)
def test_single_precision_is_accepted_and_named(name):
    def answer(*arguments):
        found = TASKS[name](*arguments)
        return tuple(map(np.float32, found)) if isinstance(found, tuple) else np.float32(found)

    verdict = exercises.check(name, answer, seed=1)
    assert verdict, verdict
    assert "single precision" in verdict.message


@pytest.mark.parametrize("name", SINGLE)
def test_an_imaginary_part_and_text_are_refused(name):
    def spoiled(spoil):
        def answer(*arguments):
            found = TASKS[name](*arguments)
            return tuple(map(spoil, found)) if isinstance(found, tuple) else spoil(found)

        return exercises.check(name, answer, seed=1)

    assert "imaginary part" in spoiled(lambda part: np.asarray(part) + 1j).message
    assert "is text" in spoiled(lambda part: np.asarray(part).astype(str)).message


def test_a_verdict_is_false_where_it_fails_and_require_raises():
    assert not exercises.check("7.1-a", lambda r, y: r.T @ y)
    with pytest.raises(AssertionError, match="weighted sums"):
        exercises.require("7.1-a", lambda r, y: r.T @ y)
    assert exercises.require("7.1-a", TASKS["7.1-a"].solution).points == 2


# What nobody foresaw -----------------------------------------------------------------------------


def slip(change):
    return exercises.check("7.1-b", lambda *a: change(TASKS["7.1-b"](*a)), seed=3).message


def test_the_diagnosis_says_what_is_true():
    assert "is right, and" not in slip(lambda S: S * (1 + 1e-5))
    assert "right to about 5 digits" in slip(lambda S: S * np.linspace(1, 1 + 1e-5, S.size).reshape(S.shape))
    assert "Every number is 2.5 times" in slip(lambda S: 2.5 * S)
    assert "the same amount, +1" in slip(lambda S: S + 1)
    assert "only the sign" in slip(lambda S: -S).lower()
    assert "wrong places" in slip(lambda S: S[::-1])
    assert "index [0, 0, 1], and yours is NaN" in slip(lambda S: np.where(np.eye(2) == 0, np.nan, S))
    assert "(3, 2, 2); yours is (2, 2)" in slip(lambda S: S[0])
    assert "seed=3" in slip(lambda S: S + np.arange(S.size).reshape(S.shape))


def test_the_diagnosis_names_the_part_and_the_edge():
    def threshold_off(*arguments):
        normal, threshold = TASKS["2.1.1-b"](*arguments)
        return normal, threshold + np.abs(arguments[0]).sum() ** 2

    message = exercises.check("2.1.1-b", threshold_off).message
    assert message.startswith("The normal is right. The threshold: ")
    message = exercises.check("2.1.1-a", softmax_of_all).message
    assert message.startswith("It is right on ordinary cases, and wrong on an edge. A finite number is expected")


def test_the_transpose_is_recognised():
    square = np.arange(9.0).reshape(3, 3)
    assert "transpose" in diagnosis.difference((square,), (square.T,), 1e-8)
    assert "transpose" in diagnosis.difference((square[:2],), (square[:2].T,), 1e-8)
    assert "sums of the rows" in diagnosis.difference((np.eye(3),), (np.full((3, 3), 1 / 3) + np.diag([0.3, 0, 0]) - np.diag([0.3, 0], 1),), 1e-8)


# What a student's code may do --------------------------------------------------------------------


class Explosive:
    def __array__(self, *_, **__):
        raise RuntimeError("no")

    def __float__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value", [None, ..., 3.0, "text", (1, 2), [[1], [1, 2]], Explosive(), 10**400, [10**400], {}, np.ma.masked, len]
)
def test_any_value_is_refused_and_not_raised(value):
    for name in ("2.1.1-b", "7.1-a", "4.2-a"):
        assert not exercises.check(name, lambda *_: value)


def test_a_value_in_place_of_the_function():
    assert "Pass the function itself" in exercises.check("2.1.1-b", (np.ones(2), 3.0)).message


def test_code_that_raises_or_exits_is_reported_with_its_line():
    def broken(r, y):
        return r @ y

    verdict = exercises.check("7.1-a", broken)
    assert "ValueError" in verdict.message
    assert "`return r @ y`" in verdict.message
    assert "SystemExit" in exercises.check("7.1-a", lambda r, y: sys.exit(1)).message


def test_a_loop_that_does_not_end_is_stopped(monkeypatch):
    monkeypatch.setattr(limits.call, "__defaults__", (0.3,))

    def endless(r, y):
        while True:
            try:
                y = y + 1
            except:
                raise

    assert "still running after 0.3 seconds" in exercises.check("7.1-a", endless).message


def test_changing_an_argument_is_reported():
    def spoil(r, y):
        y += 1
        return TASKS["7.1-a"](r, y)

    assert exercises.check("7.1-a", spoil).mistake == "mutation"


def test_an_unknown_exercise_is_an_error_and_does_not_stop_the_grading():
    with pytest.raises(ValueError, match="expected an exercise such as"):
        exercises.check("9.9-z", lambda: 0)
    with pytest.raises(ValueError, match="has the exercises 7.1-a, 7.1-b"):
        exercises.check("7.1-z", lambda: 0)
    verdicts = exercises.grade({"7.1-z": len, "2.1.1-a": TASKS["2.1.1-a"].solution, "7.1-a": lambda r, y: r.T @ y})
    assert not verdicts["7.1-z"]
    assert verdicts["2.1.1-a"]
    assert verdicts["7.1-a"].mistake == "did not divide"


def test_a_verdict_reads_well():
    verdict = exercises.check("7.1-a", lambda r, y: r.T @ y)
    assert repr(verdict).startswith("Exercise 7.1-a: not yet. These are weighted sums.")
    assert 'role="status"' in verdict._repr_html_()


def test_an_independent_answer_passes():
    """The reference is not its own judge: another route to Eq. 2.10."""

    def log_marginal(y, weights, means, covariances):
        d = y[:, None] - means
        z = np.einsum("nki,kij,nkj->nk", d, np.linalg.inv(covariances), d)
        log_norms = np.log(weights) - 0.5 * np.linalg.slogdet(2 * np.pi * covariances)[1]
        return logsumexp(log_norms - 0.5 * z, axis=1)

    assert exercises.check("2.1.1-c", log_marginal)
