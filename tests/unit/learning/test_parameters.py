"""Parameters as views into one vector: every nesting, both types, and what cannot be flattened."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from pedagogy_lib.learning import parameters


class Layer(NamedTuple):
    weights: np.ndarray
    biases: np.ndarray


class Net(NamedTuple):
    layers: tuple
    scale: Any
    mask: Any = None


def net(dtype=float):
    rng = np.random.default_rng(0)
    layers = tuple(Layer(rng.normal(size=(i, j)).astype(dtype), np.arange(i, dtype=dtype)) for i, j in ((3, 2), (1, 3)))
    return Net(layers, 2.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_of_the_vector_is_a_step_of_every_array(dtype):
    params = net(dtype)
    flat = parameters.flatten(params)
    assert flat.vector.dtype == dtype
    assert flat.vector.shape == (3 * 2 + 3 + 3 + 1 + 1,)
    assert isinstance(flat.params, Net)
    assert isinstance(flat.params.layers[1], Layer)
    assert flat.params.mask is None
    for (_, view), (_, given) in zip(parameters.leaves(flat.params), parameters.leaves(params)):
        np.testing.assert_array_equal(view, given)
        assert np.shares_memory(view, flat.vector)
    flat.vector[:] += 1
    np.testing.assert_array_equal(flat.params.layers[0].weights, params.layers[0].weights + 1)
    assert flat.params.scale == 3.5
    assert params.layers[1].biases[0] == 0                      # what was given has not moved
    kept = parameters.detach(flat.params)
    flat.vector[:] += 1
    np.testing.assert_array_equal(kept.layers[0].biases, params.layers[0].biases + 1)


def test_there_and_back():
    params = net()
    vector = np.empty_like(parameters.flatten(params).vector)
    parameters.copy(params, vector)
    back = parameters.view(vector, params)
    np.testing.assert_array_equal(back.layers[1].weights, params.layers[1].weights)
    lone = parameters.flatten(np.arange(6).reshape(2, 3))       # one array is a set of parameters too
    assert lone.params.shape == (2, 3)
    assert lone.vector.dtype == float


def test_rows_are_taken_from_arrays_that_belong_together():
    x, y = np.arange(10).reshape(5, 2), np.arange(5)
    one, other = parameters.rows((x, y), np.array([3, 0]))
    np.testing.assert_array_equal(one, [[6, 7], [0, 1]])
    np.testing.assert_array_equal(other, [3, 0])


def with_layer(**fields):
    return net()._replace(layers=(net().layers[0], net().layers[1]._replace(**fields)))


@pytest.mark.parametrize(("params", "error", "message"), [
    (with_layer(weights=np.ones((1, 3), np.float32)), ValueError,
     r"params\.layers\[1\]\.weights: expected float64 as in params\.layers\[0\]\.weights, got float32"),
    (with_layer(weights=np.array([[1, np.nan, 0]])), ValueError, r"params\.layers\[1\]\.weights: expected finite"),
    (with_layer(weights=np.ones(3, np.float16)), ValueError, r"weights: expected float64 or float32, got float16"),
    (with_layer(weights=np.array(["a"])), ValueError, r"params\.layers\[1\]\.weights: expected real numbers, got text"),
    (with_layer(weights=[[1.0]]), TypeError, r"params\.layers\[1\]\.weights: expected an array, a number.*got list"),
    (with_layer(weights=np.ma.masked_array([1.0], [True])), ValueError, r"weights: expected a plain array, got a masked"),
    ((), ValueError, "params: expected at least one parameter, got none"),
    (Layer(np.empty((0, 2)), None), ValueError, "params: expected at least one parameter"),
])
def test_what_cannot_be_flattened_is_named(params, error, message):
    with pytest.raises(error, match=message):
        parameters.flatten(params)


def test_the_largest_parameter_is_named_where_an_answer_overflows():
    large = with_layer(weights=np.array([[1.0, -3e299, 0.0]]))
    assert parameters.held(large, np.inf) == np.inf
    with pytest.raises(ValueError, match=r"params\.layers\[1\]\.weights: expected numbers that do not overflow on the way, got up to 3e\+299"):
        parameters.held(large, np.array([0.0, np.nan]))


def test_a_gradient_of_another_structure_is_named():
    with pytest.raises(ValueError, match=r"gradient\.layers\[1\]\.biases: expected shape \(1,\), got \(2,\)"):
        parameters.check_same_shapes(with_layer(biases=np.ones(2)), net(), "gradient")
    with pytest.raises(ValueError, match=r"gradient: expected gradient\.layers.*got gradient\.weights, gradient\.biases"):
        parameters.check_same_shapes(net().layers[0], net(), "gradient")
