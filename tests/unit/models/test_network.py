"""A network with a distribution at its end: the gradient, the distributions, and what it learns."""

import numpy as np
import pytest
from scipy import stats

from pedagogy_lib.learning import differentiation, networks, optimization, parameters
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.discriminative import network

RNG = np.random.default_rng(3)
Y = RNG.normal(size=(40, 3))
X = {
    outputs.Gaussian: RNG.normal(size=(40, 4)),
    outputs.Bernoulli: (RNG.random((40, 4)) < 0.4).astype(float),
    outputs.Categorical: np.eye(4)[RNG.integers(4, size=40)],
    outputs.Poisson: RNG.poisson(2.0, (40, 4)).astype(float),
}
#: The log densities, by another library.
LOG = {
    outputs.Gaussian: lambda eta, x: stats.norm.logpdf(x, eta).sum(1),
    outputs.Bernoulli: lambda eta, x: stats.bernoulli.logpmf(x, 1 / (1 + np.exp(-eta))).sum(1),
    outputs.Categorical: lambda eta, x: np.log((np.exp(eta) * x).sum(1) / np.exp(eta).sum(1)),
    outputs.Poisson: lambda eta, x: stats.poisson.logpmf(x, np.exp(eta)).sum(1),
}
#: The surprisals less what does not depend on eta, once more for the tape.
TAPED = {
    outputs.Gaussian: lambda eta, x: 0.5 * np.sum((x - eta) ** 2),
    outputs.Bernoulli: lambda eta, x: np.sum(np.logaddexp(0, eta) - x * eta),
    outputs.Categorical: lambda eta, x: np.sum(differentiation.logsumexp(eta, axis=1)) - np.sum(x * eta),
    outputs.Poisson: lambda eta, x: np.sum(np.exp(eta) - x * eta),
}
KINDS = list(X)


def model(kind, hidden=(6, 5), seed=0):
    params = network.start(network.Pairs(Y, X[kind]), hidden, networks.Tanh, kind, np.random.default_rng(seed))
    flat = parameters.flatten(params)
    flat.vector[:] += 0.1 * np.random.default_rng(1).normal(size=flat.vector.size)      # biases that are not zero
    return flat.params


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_the_tapes(kind):
    params, pairs = model(kind), network.Pairs(Y, X[kind])

    def number(layers):
        z = Y
        for i, (D, d) in enumerate(layers):
            z = z @ D.T + d if i == 2 else np.tanh(z @ D.T + d)
        return TAPED[kind](z, X[kind]) / len(Y)

    value, found = network.value_and_gradient(params, pairs)
    assert value == network.loss(params, pairs)
    right = differentiation.gradient(number, params.layers)
    for (name, one), (_, two) in zip(parameters.leaves(found.layers), parameters.leaves(right)):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14, err_msg=name)
    parameters.check_same_shapes(network.gradient(params, pairs), params, "gradient")


@pytest.mark.parametrize("kind", KINDS)
def test_the_distributions(kind):
    params = model(kind)
    eta = networks.forward(params.layers, Y).output
    right = LOG[kind](eta, X[kind])
    np.testing.assert_allclose(network.log_conditional(params, network.Pairs(Y, X[kind])), right, rtol=1e-12)
    many = np.repeat(Y[:1], 40_000, axis=0)
    draws = network.sample_outputs(params, many, np.random.default_rng(0))
    kind.check(draws)
    mean = network.predict(params, Y[:1])[0]
    spread = draws.std(0) / 200
    assert (np.abs(draws.mean(0) - mean) < 4.5 * spread + 1e-12).all()
    again = network.sample_outputs(params, many, np.random.default_rng(0))
    np.testing.assert_array_equal(draws, again)


def test_saturated_outputs_cost_what_they_should():
    eta, ones = np.array([[1000.0, -1000.0]]), np.array([[0.0, 1.0]])
    assert outputs.Bernoulli.surprisals(eta, ones)[0] == 2000
    assert outputs.Categorical.surprisals(eta, ones)[0] == 2000
    assert outputs.Categorical.surprisals(eta, 1 - ones)[0] == 0
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(outputs.slope(outputs.Categorical, eta, ones), [[1, -1]])
        np.testing.assert_array_equal(outputs.slope(outputs.Bernoulli, eta, ones), [[1, -1]])


def test_without_hidden_layers_it_is_linear_regression():
    pairs = network.Pairs(Y, X[outputs.Gaussian])
    params = network.start(pairs, (), networks.Tanh, outputs.Gaussian, RNG)
    found = optimization.run(network, params, pairs, RNG, method=optimization.GradientDescent(0.3), iterations=3000,
                             tolerance=1e-10).params
    right = np.linalg.lstsq(np.column_stack([Y, np.ones(40)]), X[outputs.Gaussian], rcond=None)[0]
    np.testing.assert_allclose(found.layers[0].weights, right[:3].T, atol=1e-8)
    np.testing.assert_allclose(found.layers[0].biases, right[3], atol=1e-8)


def test_it_learns_exclusive_or_and_a_linear_model_cannot():
    y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    pairs = network.Pairs(y, np.array([[0.0], [1], [1], [0]]))
    losses = {}
    for hidden in ((), (4,)):
        params = network.start(pairs, hidden, networks.Tanh, outputs.Bernoulli, np.random.default_rng(0))
        losses[hidden] = optimization.run(network, params, pairs, RNG, method=optimization.Adam(0.05), iterations=600).losses[-1]
    assert losses[()] == pytest.approx(np.log(2), abs=1e-3)
    assert losses[(4,)] < 0.01


def test_float32_stays_float32():
    pairs = network.Pairs(Y.astype("f4"), X[outputs.Poisson].astype("f4"))
    params = network.start(pairs, (5,), networks.Rectified, outputs.Poisson, RNG)
    found = optimization.run(network, params, pairs, RNG, iterations=5, batch_size=10).params
    assert {value.dtype for _, value in parameters.leaves(found)} == {np.dtype("f4")}
    assert network.predict(found, pairs.inputs).dtype == np.dtype("f4")


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda p, y, x: (p.layers, y, x), "params: expected Parameters, got tuple"),
        (lambda p, y, x: (network.Parameters(p.layers[:-1]), y, x), r"params.layers\[-1\]: expected one of Gaussian, Bernoulli, "),
        (lambda p, y, x: (p, y[:3], x), "y.outputs: expected 3 rows, as there are inputs, got 40"),
        (lambda p, y, x: (p, y, x.argmax(1)), "y.outputs: expected two axes, a sample in each row"),
        (lambda p, y, x: (p, y, x[:, :3]), r"y.outputs: expected shape \(N, 4\)"),
        (lambda p, y, x: (p, y, 2 * x), r"x: expected a one in each row, .* np.eye\(K\)\[labels\]"),
        (lambda p, y, x: (p, y.astype("f4"), x), "y.inputs: expected float64 as in the parameters, got float32"),
    ],
)
def test_wrong_arguments(change, message):
    params, y, x = change(model(outputs.Categorical), Y, X[outputs.Categorical])
    with pytest.raises((TypeError, ValueError), match=message):
        network.loss(params, network.Pairs(y, x))


def test_other_wrong_arguments():
    with pytest.raises(TypeError, match="y: expected Pairs, inputs and outputs, got ndarray"):
        network.loss(model(outputs.Gaussian), Y)
    for kind, x, message in (
        (outputs.Poisson, X[outputs.Gaussian], "x: expected counts"),
        (outputs.Bernoulli, 1 + X[outputs.Poisson], "x: expected numbers from 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            network.start(network.Pairs(Y, x), (3,), networks.Tanh, kind, RNG)
    with pytest.raises(ValueError, match="output: expected one of"):
        network.start(network.Pairs(Y, Y), (3,), networks.Tanh, networks.Linear, RNG)
