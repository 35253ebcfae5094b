"""Each kind of bad argument gets its own message, naming the argument, what was expected and what came."""

from typing import NamedTuple

import numpy as np
import pytest

from pedagogy_lib import checks
from pedagogy_lib.distributions import gaussian

EYE = np.eye(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: checks.array("y", [[1, 2], [3]]), "y: expected an array of numbers, got rows of unequal length"),
        (lambda: checks.array("y", ["a"]), "y: expected real numbers, got text"),
        (lambda: checks.array("y", [1j]), "y: expected real numbers, got complex numbers"),
        (lambda: checks.array("y", [True]), "y: expected real numbers, got booleans"),
        (lambda: checks.array("y", None), "y: expected real numbers, got objects"),
        (lambda: checks.array("y", [b"a"]), "y: expected real numbers, got bytes"),
        (lambda: checks.array("y", np.array(["2020"], "M8[Y]")), r"y: expected real numbers, got datetime64\[Y\]"),
        (lambda: checks.array("y", [1, 2], (3,)), r"y: expected shape \(3,\), got \(2,\)"),
        (lambda: checks.array("y", [1, 2], ("N", 2)), r"y: expected shape \(N, 2\), got \(2,\)"),
        (lambda: checks.array("y", [[1, np.nan]]), r"y: expected finite numbers, got nan at index \(0, 1\)"),
        (lambda: checks.array("y", np.inf), "y: expected finite numbers, got inf"),
        (lambda: checks.array("y", [np.inf], missing=True), "y: expected finite numbers, got inf at index 0"),
        (lambda: checks.covariance("S", [1.0]), r"S: expected shape \(K, K\), got \(1,\)"),
        (lambda: checks.covariance("S", np.ones((2, 3))), r"S: expected shape \(K, K\), got \(2, 3\)"),
        (lambda: checks.covariance("S", EYE, 3), r"S: expected shape \(3, 3\), got \(2, 2\)"),
        (lambda: checks.covariance("S", np.ones((0, 0))), r"S: expected shape \(K, K\), got \(0, 0\)"),
        (lambda: checks.covariance("S", [[1, 0.5], [0, 1]]), "S: expected a symmetric matrix, got one that differs"),
        (lambda: checks.covariance("S", [[1, 2], [2, 1]]), "S: expected a positive definite matrix, got smallest eigenvalue -1"),
        (lambda: checks.covariance("S", 0 * EYE), "S: expected a positive definite matrix, got smallest eigenvalue 0"),
        (lambda: checks.covariance("S", -EYE, definite=False), "S: expected a positive semi-definite matrix"),
        (lambda: checks.probabilities("p", [0.5, 0.6]), "p: expected the entries to sum to 1, got a sum of 1.1"),
        (lambda: checks.probabilities("p", [1.5, -0.5]), "p: expected probabilities, got the negative number -0.5"),
        (lambda: checks.probabilities("p", []), "p: expected at least one probability"),
        (lambda: checks.probabilities("A", [[0.9, 0.1], [0.2, 0.8]], axis=0), "every column to sum to 1.*every row does: transpose it"),
        (lambda: checks.probabilities("r", [[0.9, 0.2], [0.1, 0.8]]), "every row to sum to 1.*every column does: transpose it"),
        (lambda: checks.probabilities("r", [[0.9, 0.9], [0.1, 0.8]]), "every row to sum to 1, got a sum of 1.8"),
        (lambda: checks.observations("y", np.ones((2, 5)), 2), r"y: expected shape \(N, 2\), got \(2, 5\); samples are rows: transpose it"),
        (lambda: checks.observations("y", np.ones((4, 3)), 2), r"y: expected shape \(N, 2\), got \(4, 3\)$"),
        (lambda: checks.observations("y", np.ones(4), 1), r"y: expected shape \(N, 1\), got \(4,\); reshape it to \(4, 1\)"),
        (lambda: checks.observations("y", np.ones(4), 2), r"y: expected shape \(N, 2\), got \(4,\)$"),
        (lambda: checks.observations("y", np.ones(4), 2, batch=True), r"or \(B, T, 2\), got \(4,\)"),
        (lambda: checks.observations("y", [[np.nan]], 1), "y: expected finite numbers, got nan"),
        (lambda: checks.generator("rng", 0), "rng: expected a numpy.random.Generator, such as .*, got 0"),
        (lambda: checks.generator("rng", None), "rng: expected a numpy.random.Generator"),
        (lambda: checks.count("n", 2.0), "n: expected a whole number, at least 1, got 2.0"),
        (lambda: checks.count("n", True), "n: expected a whole number, at least 1, got True"),
        (lambda: checks.count("n", 0), "n: expected a whole number, at least 1, got 0"),
        (lambda: checks.number("s", 0.0, above=0), "s: expected a number above 0, got 0.0"),
        (lambda: checks.number("s", -1.0, at_least=0), "s: expected a number of at least 0, got -1.0"),
        (lambda: checks.number("s", [1.0]), r"s: expected shape \(\), got \(1,\)"),
        (lambda: checks.option("form", "x", ("a", "b")), "form: expected one of 'a', 'b', got 'x'"),
        (lambda: checks.option("form", np.zeros(2), ("a", "b")), "form: expected one of 'a', 'b', got array"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_right_passes_unchanged():
    np.testing.assert_array_equal(checks.array("y", [[1, 2]], ("N", 2)), [[1.0, 2.0]])
    assert checks.array("y", [1, 2]).dtype == np.float64
    np.testing.assert_array_equal(checks.array("y", [np.nan], missing=True), [np.nan])
    np.testing.assert_array_equal(checks.covariance("S", EYE, 2), EYE)
    assert checks.covariance("S", np.stack([EYE, EYE]), 2).shape == (2, 2, 2)
    np.testing.assert_array_equal(checks.covariance("S", 0 * EYE, definite=False), 0 * EYE)
    np.testing.assert_array_equal(checks.probabilities("p", [1.0, 0.0]), [1.0, 0.0])
    assert checks.observations("y", np.ones((3, 4, 2)), 2, batch=True).shape == (3, 4, 2)
    assert checks.count("n", np.int64(3)) == 3
    assert checks.number("s", 2) == 2.0
    assert checks.option("form", "a", ("a",)) == "a"


def test_an_array_of_floats_is_not_copied():
    given = np.ones(3)
    assert checks.array("y", given) is given


def test_a_singular_covariance_passes_despite_rounding():
    direction = np.random.default_rng(0).normal(size=(5, 1)) * 1e3
    checks.covariance("S", direction @ direction.T, definite=False)


def test_a_masked_array_is_refused_wherever_an_array_is_checked():
    """NumPy would drop the mask, and take for a number what was marked as none."""
    masked = np.ma.masked_array([[1.0, 99.0], [3.0, 4.0]], [[False, True], [False, False]])
    for check in (checks.numbers, checks.array, lambda name, value: checks.observations(name, value, 2, missing=True)):
        with pytest.raises(ValueError, match="y: expected a plain array, got a masked one.*filled"):
            check("y", masked)
    assert np.isnan(checks.observations("y", masked.filled(np.nan), 2, missing=True)[0, 1])


WIDE = np.diag([1e8, 1.0, 1.0])


@pytest.mark.parametrize(("matrix", "message"), [
    (WIDE + [[0, 0, 0], [0, 0, 0.5], [0, -0.5, 0]], "symmetric matrix, got one that differs from its transpose by 1"),
    (np.diag([1e12, -1e-4]), r"got the negative variance -0.0001 at index \(1, 1\)"),
    (np.diag([1.0, -1e-300]), "negative variance"),
    (WIDE + [[0, 0, 0], [0, 0, 1.0001], [0, 1.0001, 0]], "smallest eigenvalue -0.0001 of its correlations"),
    (np.array([[1e12, 1e-3], [1e-3, 0.0]]), "no covariance with a variable of variance 0"),
])
def test_a_covariance_is_measured_against_its_own_variances(matrix, message):
    """Beside a variable in small units, anything would pass a test against the largest entry."""
    with pytest.raises(ValueError, match=message):
        checks.covariance("S", matrix, definite=False)
    with pytest.raises(ValueError, match="S: expected"):
        checks.covariance("S", matrix)


def test_variables_in_any_units_are_welcome():
    units = np.diag([1e-9, 1.0, 1e9])
    tight = units @ (0.001 * np.eye(3) + 0.999) @ units
    checks.covariance("S", tight)
    checks.covariance("S", tight + 1e-12 * np.triu(tight))                              # rounding of a product
    checks.covariance("S", units @ np.ones((3, 3)) @ units, definite=False)             # singular
    checks.covariance("S", np.diag([0.0, 1e-200, 1e200]), definite=False)


def test_a_stack_is_refused_where_one_matrix_is_wanted():
    with pytest.raises(ValueError, match=r"S: expected shape \(2, 2\), got \(1, 2, 2\)"):
        checks.covariance("S", EYE[None], 2, stack=False)
    with pytest.raises(ValueError, match=r"source.covariance: expected shape \(2, 2\), got \(1, 2, 2\)"):
        gaussian.marginalize(gaussian.Gaussian(np.zeros(2), EYE[None]), gaussian.AffineGaussian(EYE, np.zeros(2), EYE))


class Inner(NamedTuple):
    values: object


class Outer(NamedTuple):
    counts: object
    inner: object
    loss: object


def test_a_record_is_checked_array_by_array():
    given = Outer([1, 2], Inner(np.eye(2)), None)
    found = checks.record("statistics", given)
    assert isinstance(found.counts, np.ndarray) and found.counts.dtype.kind == "i"
    assert found.inner.values is given.inner.values and found.loss is None
    for wrong, message in (
        (given._replace(counts=["1", "2"]), "statistics.counts: expected real numbers"),
        (given._replace(counts=np.array([1.0, np.nan])), r"statistics.counts: expected finite numbers, got nan at index 1"),
        (given._replace(inner=Inner(np.ma.masked_array(np.ones(2), [True, False]))), "statistics.inner.values: expected a plain"),
    ):
        with pytest.raises(ValueError, match=message):
            checks.record("statistics", wrong)
    with pytest.raises(TypeError, match="statistics: expected a record, a named tuple, got list"):
        checks.record("statistics", [1, 2])


class Sums(NamedTuple):
    shares: np.ndarray
    sums: np.ndarray


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: checks.array("A", np.ones((2, 3)), ("K", "K")), ValueError, r"A: expected shape \(K, K\), got \(2, 3\)"),
        (lambda: checks.record("s", Sums(np.ones(1), np.ones((2, 3))), shares="K", sums="KD"), ValueError, r"s.sums: expected shape \(1, D\), got \(2, 3\)"),
        (lambda: checks.kind("window", None, dict, list), TypeError, "window: expected dict or list, got NoneType"),
        (lambda: checks.having("g", 3, "mean"), TypeError, "g: expected a record with mean, got int, which has no mean"),
        (lambda: checks.function("f", 3), TypeError, "f: expected a function, got int"),
        (lambda: checks.model("model", np, "loss"), TypeError, "model: expected a module or object with loss, got numpy, which has no loss"),
        (lambda: checks.several("names", 3), TypeError, "names: expected several things, in a tuple or list, got int"),
        (lambda: checks.stream("events", 3), TypeError, "events: expected a stream of events, got int"),
        (lambda: checks.mapping("parents", 3), TypeError, "parents: expected a dictionary, got int"),
        (lambda: checks.held("x", [1e300], [np.nan]), ValueError, r"x: expected numbers that do not overflow on the way, got up to 1e\+300"),
        (lambda: checks.squarable("x", np.array([1e300])), ValueError, "x: expected numbers whose squares do not overflow"),
    ],
)  # fmt: skip
def test_things_of_the_wrong_kind_are_named(call, error, message):
    with pytest.raises(error, match=message), np.errstate(over="ignore"):
        call()
