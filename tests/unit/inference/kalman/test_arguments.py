"""What goes in: lists, integers, and bad input by its name."""

import numpy as np
import pytest
from chain_models import holes, model
from numpy.testing import assert_allclose

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman

METHODS = kalman.METHODS
BACKENDS = ("numpy", "numba")


def run(arguments, steady_state=False, **options):
    """Filter and smoother of the same arguments."""
    filtered = kalman.filter(*arguments, steady_state=steady_state, **options)
    return filtered, kalman.smooth(*arguments, **options)


def test_inputs_are_not_changed():
    rng = np.random.default_rng(13)
    parameters = model(rng)
    y, inputs = holes(rng, rng.standard_normal((8, 2)), "rows entries"), np.ones((7, 3))
    before = [a.copy() for part in parameters for a in part] + [y.copy(), inputs.copy()]
    for backend in BACKENDS:
        for method in METHODS:
            run((*parameters, y, inputs), method=method, backend=backend)
    after = [a for part in parameters for a in part] + [y, inputs]
    for a, b in zip(before, after):
        np.testing.assert_array_equal(a, b)


def test_takes_lists_and_integers():
    initial = Gaussian([0], [[1]])
    arrow = AffineGaussian([[1]], [0], [[1]])
    filtered = kalman.filter(initial, arrow, arrow, [[1], [2]])
    assert_allclose(filtered.means[0], [0.5])
    assert_allclose(filtered.covariances[0], [[0.5]])


def broken(**changes):
    rng = np.random.default_rng(19)
    initial, transition, emission = model(rng)
    arguments = {
        "initial": initial, "transition": transition, "emission": emission,
        "y": np.zeros((5, 2)), "inputs": None,
    }
    for name, value in changes.items():
        room, _, field = name.partition("_")
        arguments[room] = arguments[room]._replace(**{field: value}) if field else value
    return arguments


skewed = np.array([[1.0, 0.5, 0], [0, 1, 0], [0, 0, 1]])


negative = np.diag([1.0, 1, -1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"initial_mean": np.zeros((3, 1))}, r"initial.mean: expected shape \(K,\), got \(3, 1\)"),
        ({"initial_mean": [0, 0, np.nan]}, "initial.mean: expected finite"),
        ({"initial_covariance": np.eye(2)}, r"initial.covariance: expected shape \(3, 3\)"),
        ({"initial_covariance": skewed}, "initial.covariance: expected a symmetric"),
        ({"initial_covariance": negative}, "initial.covariance: .*semi-definite"),
        ({"transition_matrix": np.eye(2)}, r"transition.matrix: .*\(3, 3\).*\(4, 3, 3\).*\(2, 2\)"),
        ({"transition_matrix": np.ones((5, 3, 3))}, r"transition.matrix: .*got \(5, 3, 3\)"),
        ({"transition_matrix": np.full((3, 3), np.inf)}, "transition.matrix: expected finite"),
        ({"transition_offset": np.zeros(2)}, r"transition.offset: expected shape \(3,\)"),
        ({"transition_covariance": negative}, "transition.covariance: .*semi-definite"),
        ({"transition_covariance": skewed}, "transition.covariance: expected a symmetric"),
        ({"emission_matrix": np.ones((2, 5))}, "emission.matrix: .*initial.mean has length 3"),
        ({"emission_matrix": np.ones((4, 2, 3))}, r"emission.matrix: .*got \(4, 2, 3\)"),
        ({"emission_offset": np.zeros((4, 2))}, r"emission.offset: .*\(5, 2\).*got \(4, 2\)"),
        ({"emission_covariance": np.eye(3)}, r"emission.covariance: expected shape \(2, 2\)"),
        ({"emission_covariance": -np.eye(2)}, "emission.covariance: .*semi-definite"),
        ({"y": np.zeros((2, 5))}, "y: .*transpose"),
        ({"y": np.zeros((5, 3))}, r"y: expected shape .*got \(5, 3\)"),
        ({"y": np.zeros(10)}, r"y: expected shape .*got \(10,\)"),
        ({"y": np.full((5, 2), np.inf)}, "y: expected finite"),
        ({"y": np.zeros((0, 2))}, "y: expected at least one time step"),
        ({"y": [["a", "b"]]}, "y: expected real numbers, got text"),
        ({"inputs": np.zeros((5, 3))}, r"inputs: expected shape \(4, 3\)"),
        ({"inputs": np.zeros((2, 4, 3))}, r"inputs: expected shape \(4, 3\)"),
        ({"inputs": np.full((4, 3), np.nan)}, "inputs: expected finite"),
    ],
)
def test_bad_input_is_named(changes, message):
    for function in (kalman.filter, kalman.smooth):
        with pytest.raises(ValueError, match=message):
            function(**broken(**changes))


def test_one_dimensional_data_are_not_guessed():
    arrow = AffineGaussian(np.eye(1), np.zeros(1), np.eye(1))
    with pytest.raises(ValueError, match=r"y: .*reshape it to \(7, 1\)"):
        kalman.filter(Gaussian(np.zeros(1), np.eye(1)), arrow, arrow, np.zeros(7))


def test_bad_options_are_named():
    for option in ("method", "backend"):
        with pytest.raises(ValueError, match=f"{option}: expected one of"):
            kalman.filter(**broken(), **{option: "best"})


def test_filter_results_of_other_arguments_are_refused():
    arguments = broken()
    filtered = kalman.filter(**arguments)
    with pytest.raises(ValueError, match="filtered: .*without roots"):
        kalman.smooth(**arguments, method="sqrt", filtered=filtered)
    with pytest.raises(ValueError, match="filtered.means"):
        kalman.smooth(**broken(y=np.zeros((6, 2))), filtered=filtered)
