"""Backpropagation through time against the tape, the unrolled network, and the complex step."""

import numpy as np
import pytest

from pedagogy_lib.learning import differentiation, networks, parameters
from pedagogy_lib.learning.networks import feedforward, layers, recurrent

RNG = np.random.default_rng(8)
B, T, M, K = 3, 7, 2, 4
PSI = {layers.Tanh: np.tanh, layers.Linear: lambda u: u, layers.Rectified: lambda u: np.maximum(u, 0),
       layers.Softplus: lambda u: np.log(1 + np.exp(u))}


def network(kind=layers.Tanh, dtype=np.float64):
    params = recurrent.start(M, K, np.random.default_rng(1), kind, dtype=dtype)
    biases, initial = np.random.default_rng(2).normal(size=(2, K)).astype(dtype) / 2
    return params._replace(recurrent=params.recurrent._replace(biases=biases), initial=initial)


Y, TARGETS = RNG.normal(size=(B, T, M)), RNG.normal(size=(B, T, K))


def loss(params, y, kind=layers.Tanh, held=None):
    """The same program for arrays, complex numbers and tapes; where ``held`` is given, messages stop there."""
    (D, d), E, z = params
    total, z = 0.0, z + 0 * (y[:, 0] @ E.T)
    for t in range(T):
        if held is not None and t in held:
            z = held[t]
        z = PSI[kind](z @ D.T + y[:, t] @ E.T + d)
        total = total + np.sum(TARGETS[:, t] * z + z * z * z / 3)
    return total


@pytest.mark.parametrize("kind", PSI)
def test_it_is_the_gradient(kind):
    params = network(kind)
    record = recurrent.forward(params, Y)
    assert record.hidden.shape == (B, T + 1, K)
    found = recurrent.backward(params, record, TARGETS + record.hidden[:, 1:] ** 2)
    right, of_inputs = differentiation.gradient(lambda at: loss(at[0], at[1], kind), (params, Y))
    for (name, one), (_, two) in zip(parameters.leaves(found.params), parameters.leaves(right)):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12 * np.abs(two).max(), err_msg=name)
    np.testing.assert_allclose(found.inputs, of_inputs, rtol=1e-11, atol=1e-12 * np.abs(of_inputs).max())
    if kind is not layers.Rectified:
        flat = parameters.flatten(params).vector
        for i in range(0, flat.size, 5):
            moved = flat.astype(complex)
            moved[i] += 1e-30j
            step = loss(parameters.view(moved, params), Y, kind).imag / 1e-30
            assert parameters.flatten(found.params).vector[i] == pytest.approx(step, rel=1e-11, abs=1e-11)


def test_the_total_derivatives_carry_the_future():
    """Without the recursion (the partial derivatives alone) the gradient is another."""
    params = network()
    record = recurrent.forward(params, Y)
    direct = TARGETS + record.hidden[:, 1:] ** 2
    whole, cut = recurrent.backward(params, record, direct), recurrent.backward(params, record, direct, truncation=1)
    np.testing.assert_array_equal(cut.totals, direct)
    assert np.abs(whole.params.recurrent.weights - cut.params.recurrent.weights).max() > 0.1
    np.testing.assert_array_equal(recurrent.backward(params, record, direct, truncation=T).totals, whole.totals)


@pytest.mark.parametrize("piece", [1, 2, 3])
def test_truncation_holds_the_state_at_the_ends_of_pieces(piece):
    params = network()
    record = recurrent.forward(params, Y)
    held = {t: record.hidden[:, t] for t in range(piece, T, piece)}
    right = differentiation.gradient(lambda p: loss(p, Y, held=held), params)
    found = recurrent.backward(params, record, TARGETS + record.hidden[:, 1:] ** 2, truncation=piece).params
    for (name, one), (_, two) in zip(parameters.leaves(found), parameters.leaves(right)):
        np.testing.assert_allclose(one, two, rtol=1e-11, atol=1e-12, err_msg=name)


def test_it_is_a_deep_network_whose_layers_are_tied():
    """T layers with the same weights, and no inputs after the first: the sum of their gradients."""
    params = network()
    y = np.zeros((5, T, M))
    record = recurrent.forward(params, y)
    g = RNG.normal(size=(5, K))
    direct = np.zeros((5, T, K))
    direct[:, -1] = g
    deep = (params.recurrent,) * T
    net = networks.forward(deep, np.tile(params.initial, (5, 1)))
    np.testing.assert_allclose(net.output, record.hidden[:, -1], rtol=1e-13)
    one, many = recurrent.backward(params, record, direct), feedforward.backward(deep, net, g)
    np.testing.assert_allclose(one.params.recurrent.weights, sum(layer.weights for layer in many.params), rtol=1e-11)
    np.testing.assert_allclose(one.params.recurrent.biases, sum(layer.biases for layer in many.params), rtol=1e-11)
    np.testing.assert_allclose(one.params.initial, many.inputs.sum(0), rtol=1e-11)


def test_float32_and_single_sequences():
    params = network(dtype=np.float32)
    record = recurrent.forward(params, Y[0].astype("f4"))
    found = recurrent.backward(params, record, TARGETS[0].astype("f4"))
    arrays = [record.hidden, found.inputs, found.totals, *(v for _, v in parameters.leaves(found.params))]
    assert {one.dtype for one in arrays} == {np.dtype("f4")}
    wide = recurrent.forward(network(), Y)
    np.testing.assert_allclose(record.hidden[0], wide.hidden[0], atol=1e-5)


def test_clipping_keeps_the_direction():
    params = network()
    whole = parameters.flatten(params).vector
    short = parameters.flatten(recurrent.clip(params, 0.5)).vector
    assert np.linalg.norm(short) == pytest.approx(0.5)
    np.testing.assert_allclose(short / 0.5, whole / np.linalg.norm(whole), rtol=1e-12)
    np.testing.assert_array_equal(parameters.flatten(recurrent.clip(params, 1e3)).vector, whole)
    with pytest.raises(ValueError, match="gradient\\[0\\]: expected finite numbers, got nan"):
        recurrent.clip((np.array([np.nan]),), 1.0)


def test_gradients_vanish_or_explode_by_the_largest_singular_value():
    """A linear network whose D is g times a rotation: dS/dz_0 is g^T times dS/dz_T, exactly."""
    for gain in (0.5, 1.0, 2.0):
        params = recurrent.start(M, K, np.random.default_rng(4), layers.Linear, gain)
        record = recurrent.forward(params, np.zeros((1, 40, M)))
        direct = np.zeros((1, 40, K))
        direct[0, -1] = 1.0
        found = recurrent.backward(params, record, direct)
        assert np.linalg.norm(found.params.initial) == pytest.approx(2.0 * gain**40, rel=1e-10)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda p, y, g: (tuple(p), y, g), "params: expected Recurrent, got tuple"),
        (lambda p, y, g: (p._replace(recurrent=p.input), y, g), "params.recurrent: expected a layer"),
        (lambda p, y, g: (p._replace(recurrent=layers.Tanh(p.input, np.zeros(K))), y, g), r"expected shape \(4, 4\), got \(4, 2\)"),
        (lambda p, y, g: (p._replace(initial=np.zeros(3)), y, g), r"params.initial: expected shape \(4,\), got \(3,\)"),
        (lambda p, y, g: (p._replace(initial=np.zeros(4, "f4")), y, g), "params.initial: expected float64"),
        (lambda p, y, g: (p, y[..., :1], g), r"y: expected shape \(B, T, 2\) or \(T, 2\), got \(3, 7, 1\)"),
        (lambda p, y, g: (p, y, g[:, 1:]), r"hidden_gradient: expected shape \(3, 7, 4\), got \(3, 6, 4\)"),
    ],
)
def test_wrong_arguments(change, message):
    params, y, g = change(network(), Y, TARGETS)
    with pytest.raises((TypeError, ValueError), match=message):
        recurrent.backward(params, recurrent.forward(params, y), g)
