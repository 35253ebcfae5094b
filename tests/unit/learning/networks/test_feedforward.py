"""Forward and backward against an independent forward pass, differentiated by the complex step."""

import numpy as np
import pytest

from pedagogy_lib.learning import networks, parameters
from pedagogy_lib.learning.networks import layers

#: Each nonlinearity, written again, for complex numbers; hinges have their kink at a real part of zero.
PSI = {
    layers.Linear: lambda u: u,
    layers.Tanh: np.tanh,
    layers.Logistic: lambda u: 1 / (1 + np.exp(-u)),
    layers.Rectified: lambda u: u * (u.real > 0),
    layers.LeakyRectified: lambda u: u * np.where(u.real > 0, 1.0, 0.01),
    layers.Softplus: lambda u: np.log(1 + np.exp(u)),
    layers.Exponential: np.exp,
    layers.Logarithm: np.log,
}
KINDS = list(PSI)


def by_hand(params, y):
    """The output, sample by sample and unit by unit."""
    rows = []
    for row in y:
        z = row
        for layer in params:
            u = np.array([sum(w * v for w, v in zip(line, z)) + bias for line, bias in zip(*layer)])
            z = PSI[type(layer)](u)
        rows.append(z)
    return np.array(rows)


def complex_step(function, at):
    """Derivatives without subtraction, right to the last digit or two."""
    found = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[index] += 1e-30j
        found[index] = function(moved).imag / 1e-30
    return found


def network(kind, sizes=(3, 4, 5, 2), seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    params = networks.start(sizes, rng, hidden=kind, output=kind if kind is not layers.Logarithm else layers.Linear,
                            dtype=dtype)
    if kind is layers.Logarithm:                            # the logarithm of positive numbers only
        params = tuple(type(one)(0.2 + np.abs(one.weights), one.biases + 2.5) for one in params)
    else:
        params = tuple(one._replace(biases=rng.normal(size=one.biases.shape).astype(dtype) / 3) for one in params)
    return params, np.abs(rng.normal(size=(6, sizes[0]))).astype(dtype), rng.normal(size=(6, sizes[-1])).astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_forward_and_backward(kind):
    params, y, target = network(kind)
    record = networks.forward(params, y)
    np.testing.assert_allclose(record.output, by_hand(params, y), rtol=1e-13)
    # A loss that is not symmetric in anything: sum of target * z + z^3 / 3.
    loss = lambda params, y: (lambda z: np.sum(target * z + z**3 / 3))(by_hand(params, y))
    found = networks.backward(params, record, target + record.output**2)
    flat = parameters.flatten(params)
    # Complex numbers have no place in `flatten`: the structure is taken apart by hand.
    right = complex_step(lambda v: loss(parameters.view(v, params), y), flat.vector)
    left = parameters.flatten(found.params).vector
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12 * np.abs(right).max())
    np.testing.assert_allclose(
        found.inputs, complex_step(lambda v: loss(params, v), y), rtol=1e-12, atol=1e-12 * np.abs(right).max()
    )
    # Wrong versions: the weights not transposed (as the textbook prints 5.16), and no slope.
    square, y, target = network(kind, (3, 3, 3))
    record, loss = networks.forward(square, y), lambda params: np.sum(target * by_hand(params, y))
    b2 = square[1].slope(record.output) * target
    slope = square[0].slope(record.activities[1])
    right = complex_step(lambda v: loss((square[0]._replace(biases=v), square[1])), square[0].biases)
    np.testing.assert_allclose((slope * (b2 @ square[1].weights)).sum(0), right, rtol=1e-12)
    assert np.abs((slope * (b2 @ square[1].weights.T)).sum(0) - right).max() > 1e-3
    if np.any(slope != 1):
        assert np.abs((b2 @ square[1].weights).sum(0) - right).max() > 1e-3
    else:                                                   # hinges may all be open at one seed, never all closed
        assert kind in (layers.Linear, layers.Rectified, layers.LeakyRectified)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_float32(kind):
    params, y, target = network(kind, dtype=np.float32)
    record = networks.forward(params, y)
    found = networks.backward(params, record, target)
    arrays = [*record.activities, found.inputs, *(value for _, value in parameters.leaves(found.params))]
    assert {one.dtype for one in arrays} == {np.dtype(np.float32)}
    wide = tuple(type(one)(*(field.astype(float) for field in one)) for one in params)
    np.testing.assert_allclose(record.output, networks.forward(wide, y.astype(float)).output, rtol=2e-5, atol=1e-6)


def test_nothing_is_changed_and_the_input_gradient_can_be_left_out():
    params, y, target = network(layers.Tanh)
    before = [value.copy() for value in (y, target, *(v for _, v in parameters.leaves(params)))]
    record = networks.forward(params, y)
    kept = [one.copy() for one in record.activities]
    whole, short = networks.backward(params, record, target), networks.backward(params, record, target, False)
    assert short.inputs is None
    for one, two in zip(parameters.leaves(whole.params), parameters.leaves(short.params)):
        np.testing.assert_array_equal(one[1], two[1])
    for one, two in zip(before, (y, target, *(v for _, v in parameters.leaves(params)))):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(kept, record.activities):
        np.testing.assert_array_equal(one, two)


def test_no_overflow_at_extreme_inputs():
    u = np.array([[-1e4, -800.0, 0.0, 800.0, 1e4]]).T
    with np.errstate(all="raise", under="ignore"):
        for kind, ends in ((layers.Logistic, (0, 1)), (layers.Tanh, (-1, 1)), (layers.Softplus, (0, 1e4))):
            z = networks.forward((kind(np.eye(1), np.zeros(1)),), u).output
            assert (z[0, 0], z[-1, 0]) == ends
            assert np.isfinite(kind.slope(z)).all()


@pytest.mark.parametrize(
    "scheme, hidden", [("glorot", layers.Linear), ("orthogonal", layers.Linear), ("he", layers.Rectified)]
)
def test_initial_weights_let_signals_through(scheme, hidden):
    """Thirty layers of 200 units: the mean square neither dies nor explodes; with half the gain it dies."""
    y = np.random.default_rng(1).normal(size=(50, 200))
    ends = []
    for gain in (1.0, 0.5):
        params = networks.start((200,) * 31, np.random.default_rng(2), hidden, hidden, scheme, gain)
        ends.append(np.mean(networks.forward(params, y).output ** 2))
    assert 0.2 < ends[0] < 5
    assert ends[1] < 1e-15


def test_orthogonal_weights_are_orthonormal():
    for sizes in ((5, 3), (3, 5), (4, 4)):
        (layer,) = networks.start(sizes, np.random.default_rng(0), scheme="orthogonal")
        D = layer.weights
        inner = D @ D.T if D.shape[0] <= D.shape[1] else D.T @ D
        np.testing.assert_allclose(inner, np.eye(min(sizes)), atol=1e-14)


def test_parameters_view_a_network_as_one_vector():
    params, y, target = network(layers.Softplus)
    flat = parameters.flatten(params)
    assert [type(one) for one in flat.params] == [layers.Softplus] * 3
    flat.vector[:] = 2 * flat.vector
    np.testing.assert_array_equal(flat.params[1].weights, 2 * params[1].weights)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda p, y, g: ((), y, g), r"params: expected a tuple of layers, at least one, got tuple"),
        (lambda p, y, g: (p[0], y, g), r"params: expected a tuple of layers, at least one, got Tanh"),
        (lambda p, y, g: ((p[0], (1, 2)), y, g), r"params\[1\]: expected a layer, such as networks.Tanh, got tuple"),
        (lambda p, y, g: ((p[0], p[0], p[2]), y, g), r"params\[1\].weights: expected 4 columns, .*, got 3"),
        (lambda p, y, g: ((p[0]._replace(biases=np.zeros(3)), *p[1:]), y, g), r"params\[0\].biases: expected .*\(4,\), got"),
        (lambda p, y, g: ((p[0]._replace(weights=np.zeros(3)), *p[1:]), y, g), r"params\[0\].weights: expected .*\(K, M\)"),
        (lambda p, y, g: ((p[0]._replace(biases=np.zeros(4, "f4")), *p[1:]), y, g), r"params\[0\].biases: expected float64 or"),
        (lambda p, y, g: (p, y.astype("f4"), g), r"y: expected float64 as in the parameters, got float32; y.astype"),
        (lambda p, y, g: (p, y.T, g), r"y: expected shape \(N, 3\), a sample in each row, got \(3, 6\)"),
        (lambda p, y, g: (p, np.where(y == y[2, 1], np.nan, y), g), r"y: expected finite numbers, got nan at index \(2, 1\)"),
        (lambda p, y, g: (p, y, g[:3]), r"output_gradient: expected shape \(6, 2\), got \(3, 2\)"),
        (lambda p, y, g: (p, y, g[:, :1]), r"output_gradient: expected shape \(N, 2\)"),
    ],
)
def test_wrong_arguments(change, message):
    params, y, g = change(*network(layers.Tanh))
    with pytest.raises((TypeError, ValueError), match=message):
        networks.backward(params, networks.forward(params, y), g)


def test_wrong_records_and_starts():
    params, y, g = network(layers.Tanh)
    with pytest.raises(ValueError, match="record: expected what forward returned"):
        networks.backward(params, networks.forward(params[:2], y), g)
    rng = np.random.default_rng(0)
    for arguments, message in (
        (((3,), rng), "sizes: expected the number of inputs"),
        (((3, 0), rng), r"sizes\[1\]: expected a whole number"),
        (((3, 2), 5), "rng: expected"),
        (((3, 2), rng, "tanh"), "hidden: expected a class of layers"),
        (((3, 2), rng, layers.Tanh, layers.Linear, "xavier"), "scheme: expected one of"),
        (((3, 2), rng, layers.Tanh, layers.Linear, "he", 1.0, np.int64), "dtype: expected one of"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            networks.start(*arguments)
