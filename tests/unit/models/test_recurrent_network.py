"""A recurrent network with a distribution at each time: gradient, memory, and what goes on from a beginning."""

import numpy as np
import pytest

from pedagogy_lib.learning import differentiation, optimization, parameters
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.discriminative import recurrent_network as rnn

RNG = np.random.default_rng(12)
B, T, M, K, H = 4, 6, 3, 3, 5
Y = RNG.normal(size=(B, T, M))
X = {
    outputs.Gaussian: RNG.normal(size=(B, T, K)),
    outputs.Bernoulli: (RNG.random((B, T, K)) < 0.4).astype(float),
    outputs.Categorical: np.eye(K)[RNG.integers(K, size=(B, T))],
    outputs.Poisson: RNG.poisson(2.0, (B, T, K)).astype(float),
}
#: The surprisals less what does not depend on eta, for the tape.
TAPED = {
    outputs.Gaussian: lambda eta, x: 0.5 * np.sum((x - eta) ** 2),
    outputs.Bernoulli: lambda eta, x: np.sum(np.logaddexp(0, eta) - x * eta),
    outputs.Categorical: lambda eta, x: np.sum(differentiation.logsumexp(eta, axis=1)) - np.sum(x * eta),
    outputs.Poisson: lambda eta, x: np.sum(np.exp(eta) - x * eta),
}


def number(params, kind):
    """The loss once more, for the tape, less what does not depend on the parameters."""
    ((D, d), E, z), (A, a) = params
    total = 0.0
    for t in range(T):
        z = np.tanh(z @ D.T + Y[:, t] @ E.T + d)
        eta, x = z @ A.T + a, X[kind][:, t]
        total = total + TAPED[kind](eta, x)
    return total / (B * T)


@pytest.mark.parametrize("kind", X)
def test_the_gradient_is_the_tapes(kind):
    pairs = rnn.Pairs(Y, X[kind])
    params = rnn.start(pairs, H, kind, np.random.default_rng(0))
    value, found = rnn.value_and_gradient(params, pairs)
    assert value == pytest.approx(rnn.loss(params, pairs), rel=1e-14)
    right = differentiation.gradient(lambda p: number(p, kind), params)
    for (name, one), (_, two) in zip(parameters.leaves(found), parameters.leaves(right)):
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-14, err_msg=name)
    cut = rnn.value_and_gradient(params, pairs, truncation=1)[1]
    assert np.abs(cut.hidden.recurrent.weights - found.hidden.recurrent.weights).max() > 1e-3
    np.testing.assert_array_equal(rnn.gradient(params, pairs).output.weights, found.output.weights)


def test_it_remembers_where_a_table_of_pairs_cannot():
    """The output is the input of two steps before: no memory costs log 2, and a recurrent network next to nothing."""
    rng = np.random.default_rng(1)
    y = rng.integers(2, size=(200, 10))
    x = np.roll(y, 2, axis=1)
    x[:, :2] = 0
    pairs = rnn.Pairs(np.eye(2)[y], np.eye(2)[x])
    params = rnn.start(pairs, 8, outputs.Categorical, rng)
    found = optimization.run(rnn, params, pairs, rng, method=optimization.Adam(0.02), iterations=400).params
    costs = -rnn.log_conditional(found, pairs)[:, 2:].mean()
    forgetful = found._replace(hidden=found.hidden._replace(
        recurrent=found.hidden.recurrent._replace(weights=0 * found.hidden.recurrent.weights)))
    assert costs < 0.02
    assert -rnn.log_conditional(forgetful, pairs)[:, 2:].mean() > 0.5
    chances = rnn.predict(found, np.eye(2)[y[:1]])
    np.testing.assert_allclose(chances.sum(-1), 1, rtol=1e-12)
    assert (chances.argmax(-1)[0, 2:] == x[0, 2:]).all()


def test_a_continuation_is_drawn_from_the_prediction():
    pairs = rnn.Pairs(np.eye(3)[RNG.integers(3, size=(B, T))], X[outputs.Categorical])
    params = rnn.start(pairs, H, outputs.Categorical, np.random.default_rng(0))
    begin = pairs.inputs[0]
    draws = np.array([rnn.continuation(params, begin, 2, np.random.default_rng(s)) for s in range(4000)])
    first = draws[:, 0].mean(0)
    np.testing.assert_allclose(first, rnn.predict(params, begin)[0, -1], atol=0.04)
    zero = draws[:, 0, 0] == 1                              # given that a 0 was drawn, the next one follows from it
    longer = np.concatenate([begin, np.eye(3)[:1]])
    np.testing.assert_allclose(draws[zero, 1].mean(0), rnn.predict(params, longer)[0, -1], atol=0.05)
    np.testing.assert_array_equal(draws[3], rnn.continuation(params, begin, 2, np.random.default_rng(3)))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda p, y, x: (tuple(p), y, x), "params: expected Parameters, got tuple"),
        (lambda p, y, x: (p._replace(output=p.hidden.recurrent), y, x), "params.output: expected a layer of `outputs`"),
        (lambda p, y, x: (p, y[0], x), r"y.inputs: expected shape \(B, T, D\), got \(6, 3\)"),
        (lambda p, y, x: (p, y[:, 1:], x), r"y.outputs: expected \(4, 5\) sequences and times, got \(4, 6\)"),
        (lambda p, y, x: (p, y, 2 * x), "x: expected a one in each row"),
        (lambda p, y, x: (p, y.astype("f4"), x), "y.inputs: expected float64 as in the parameters"),
    ],
)
def test_wrong_arguments(change, message):
    pairs = rnn.Pairs(Y, X[outputs.Categorical])
    params, y, x = change(rnn.start(pairs, H, outputs.Categorical, RNG), *pairs)
    with pytest.raises((TypeError, ValueError), match=message):
        rnn.loss(params, rnn.Pairs(y, x))


def test_a_continuation_needs_outputs_like_its_inputs():
    pairs = rnn.Pairs(Y[:, :, :2], X[outputs.Gaussian])
    with pytest.raises(ValueError, match="params.output: expected outputs like the 2 inputs, got 3 of them"):
        rnn.continuation(rnn.start(pairs, H, outputs.Gaussian, RNG), Y[0, :, :2], 3, RNG)
