"""The contrastive encoder against loops over pairs, a tape, and views whose information is known."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.learning import differentiation, networks, optimization
from pedagogy_lib.models.deep import contrastive_encoder as encoder


def linear_pairs(n, rng, correlation=0.95):
    """Four columns of which the first two are shared by both views, and a mixing that hides them."""
    shared = rng.normal(size=(n, 2))
    noise = lambda: np.sqrt(1 - correlation**2) * rng.normal(size=(n, 2))
    mix = np.array([[1.0, 0.5, -1.0, 0.2], [0.3, 1.0, 0.6, -0.8], [2.0, -1.0, 1.0, 1.0], [-1.0, 2.0, 1.0, 0.5]])
    first, second = (np.column_stack([np.sqrt(correlation) * shared + noise(), 2 * rng.normal(size=(n, 2))]) for _ in range(2))
    return encoder.Pairs(first @ mix, second @ mix), mix


def start(y, seed=0, hidden=(5,), features=2):
    return encoder.start(y, hidden, networks.Tanh, features, np.random.default_rng(seed))


def test_scores_are_bilinear_in_the_features():
    y, _ = linear_pairs(6, np.random.default_rng(1))
    params = start(y)._replace(bilinear=np.array([[1.0, 0.4], [-0.7, 0.2]]))
    of_first, of_second = encoder.encode(params, y.first), encoder.encode(params, y.second)
    loop = np.array([[of_second[k] @ params.bilinear @ of_first[n] for k in range(6)] for n in range(6)])
    assert_allclose(encoder.scores(params, y), loop, rtol=1e-12)
    assert not np.allclose(loop, loop.T, rtol=1e-3)
    chosen = -np.mean([np.log(np.exp(loop[n, n]) / np.exp(loop[n]).sum()) for n in range(6)])
    assert encoder.loss(params, y) == pytest.approx(chosen, rel=1e-12)
    assert encoder.information(params, y) == pytest.approx(np.log(6) - chosen, rel=1e-12)


def test_the_gradient_is_that_of_a_tape():
    y, _ = linear_pairs(6, np.random.default_rng(2))
    params = start(y)._replace(bilinear=np.array([[1.0, 0.4], [-0.7, 0.2]]))
    gradient = encoder.value_and_gradient(params, y)[1]

    def on_tape(W, D1):
        features = lambda rows: np.tanh(rows @ D1.T + params.layers[0].biases) @ params.layers[1].weights.T + params.layers[1].biases
        h = features(y.first) @ W.T @ features(y.second).T
        return (np.log(np.exp(h).sum(1)) - (h * np.eye(6)).sum(1)).sum() / 6

    of_W = differentiation.gradient(lambda W: on_tape(W, params.layers[0].weights), params.bilinear)
    of_D = differentiation.gradient(lambda D: on_tape(params.bilinear, D), params.layers[0].weights)
    assert_allclose(gradient.bilinear, of_W, rtol=1e-9)
    assert_allclose(gradient.layers[0].weights, of_D, rtol=1e-8, atol=1e-12)


def test_it_learns_what_the_views_share_and_forgets_the_rest():
    rng = np.random.default_rng(3)
    y, mix = linear_pairs(4000, rng)
    new, _ = linear_pairs(500, rng)
    begin = start(y, hidden=(), features=2)
    learned = optimization.run(encoder, begin, y, rng, method=optimization.Adam(0.01), batch_size=100, iterations=600).params
    sources = new.first @ np.linalg.inv(mix)
    features = encoder.encode(learned, new.first)
    weights = np.linalg.lstsq(sources, features - features.mean(0), rcond=None)[0]
    assert np.abs(weights[2:]).max() * 2 < 0.15 * np.abs(weights[:2]).max()        # the private columns have deviation 2
    assert encoder.information(learned, new) > encoder.information(begin, new) + 0.3


def test_float32_stays_float32():
    y, _ = linear_pairs(20, np.random.default_rng(4))
    small = encoder.Pairs(*(one.astype(np.float32) for one in y))
    params = start(small)
    value, gradient = encoder.value_and_gradient(params, small)
    assert gradient.bilinear.dtype == gradient.layers[0].weights.dtype == np.float32
    assert value == pytest.approx(encoder.loss(start(y), y), rel=1e-4)


def test_records_can_be_kept():
    y, _ = linear_pairs(5, np.random.default_rng(5))
    for twin in (pickle.loads(pickle.dumps(start(y))), copy.deepcopy(start(y))):
        assert encoder.loss(twin, y) == encoder.loss(start(y), y)


def test_bad_arguments_are_named():
    y, _ = linear_pairs(5, np.random.default_rng(6))
    params = start(y)
    with pytest.raises(TypeError, match="y: expected Pairs"):
        encoder.loss(params, y.first)
    with pytest.raises(ValueError, match="as many first views as second"):
        encoder.loss(params, (y.first, y.second[:3]))
    with pytest.raises(ValueError, match="two at least"):
        encoder.loss(params, (y.first[:1], y.second[:1]))
    assert_allclose(params.bilinear, np.eye(2) / 2)
    with pytest.raises(ValueError, match=r"params.bilinear: expected an array of shape \(2, 2\)"):
        encoder.loss(params._replace(bilinear=np.eye(3)), y)
    with pytest.raises(ValueError, match="params.bilinear: expected an array"):
        encoder.loss(params._replace(bilinear=[[1.0, 0.0], [0.0, 1.0]]), y)
    with pytest.raises(ValueError, match="params.bilinear: expected float64"):
        encoder.loss(params._replace(bilinear=np.eye(2, dtype=np.float32)), y)
    with pytest.raises(TypeError, match="params: expected Parameters"):
        encoder.encode(params.layers, y.first)
