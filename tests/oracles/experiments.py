"""The numbers of the experiments, run: each lies between the bounds that the rubric gives a teacher."""

from pedagogy_lib.exercises.classroom import rubrics


def hold(name, **found):
    """Fail unless these are all the numbers that the rubric names for an exercise, and each lies between its bounds."""
    expected = {number.name: number for number in rubrics.marking(name).expected}
    assert set(found) == set(expected), f"{name}: the rubric names {sorted(expected)}, the test found {sorted(found)}"
    wrong = [
        f"{key} ({number.says}) is {found[key]:.4g}, and the rubric says {number.low:g} to {number.high:g}"
        for key, number in expected.items()
        if not number.low <= found[key] <= number.high
    ]
    assert not wrong, f"{name}: {'; '.join(wrong)}"
