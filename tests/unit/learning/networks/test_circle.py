"""Layers on a circle: against loops over places and waves, SciPy's circulant matrices, and finite differences."""

import numpy as np
import pytest
from scipy.linalg import circulant

from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.networks import circle
from pedagogy_lib.learning.networks.circle import Convolution, Fourier


def by_places(layer, z):
    """The convolution's formula, one place and one neighbor at a time."""
    N, P, _ = z.shape
    r = layer.weights.shape[1] // 2
    found = np.empty((N, P, len(layer.biases)))
    for i in range(P):
        found[:, i] = layer.biases + sum(z[:, (i + j) % P] @ layer.weights[:, j + r].T for j in range(-r, r + 1))
    return found


def by_waves(layer, z):
    """The Fourier layer's formula with cosines and sines, wave by wave, and no fast transform."""
    P = z.shape[1]
    i, found = np.arange(P), z @ layer.weights.T + layer.biases
    for m, (B, G) in enumerate(zip(layer.real, layer.imaginary)):
        c, s = np.cos(2 * np.pi * m * i / P), np.sin(2 * np.pi * m * i / P)
        share = (1 if m == 0 or 2 * m == P else 2) / P
        a, b = np.einsum("i,nic->nc", c, z), np.einsum("i,nic->nc", s, z)           # z~ = a - i b
        real, imaginary = a @ B.T + b @ G.T, a @ G.T - b @ B.T
        if 2 * m == P:
            imaginary = 0 * imaginary
        found = found + share * (real[:, None] * c[:, None] - imaginary[:, None] * s[:, None])
    return found


def filled(layer, rng):
    """The layer, its biases too drawn at random."""
    return layer._replace(biases=rng.normal(size=layer.biases.shape))


@pytest.mark.parametrize("P", [7, 8])
def test_a_convolution_is_the_sum_over_neighbors(P):
    rng = np.random.default_rng(0)
    layer, z = filled(Convolution.start(2, 3, 5, rng), rng), rng.normal(size=(4, P, 2))
    found = circle.run((layer,), z)[-1]
    assert found == pytest.approx(by_places(layer, z), abs=1e-12)
    padded = np.pad(z, ((0, 0), (2, 2), (0, 0)))                                     # not round, and it is another
    open_ended = sum(padded[:, j : j + P] @ layer.weights[:, j].T for j in range(5)) + layer.biases
    assert np.abs(found - open_ended)[:, [0, 1, -2, -1]].min(0).max() > 0.05
    assert np.abs(found - open_ended)[:, 2:-2].max() < 1e-12
    assert np.abs(found - by_places(layer._replace(weights=layer.weights[:, ::-1]), z)).max() > 0.1


@pytest.mark.parametrize(("P", "M"), [(7, 4), (8, 5), (8, 2), (9, 1)])
def test_a_fourier_layer_is_the_sum_over_waves(P, M):
    rng = np.random.default_rng(1)
    layer, z = filled(Fourier.start(2, 3, M, rng), rng), rng.normal(size=(4, P, 2))
    found = circle.run((layer,), z)[-1]
    assert found == pytest.approx(by_waves(layer, z), abs=1e-12)
    if M > 1:
        assert np.abs(found - by_waves(layer._replace(imaginary=-layer.imaginary), z)).max() > 0.1


@pytest.mark.parametrize("M", [1, 3, 5])
def test_a_multiplier_and_a_full_width_convolution_are_one_map(M):
    rng = np.random.default_rng(2)
    layer, z = filled(Fourier.start(2, 3, M, rng), rng), rng.normal(size=(4, 9, 2))
    wide = circle.kernel(layer, 9)
    assert wide.weights.shape == (3, 9, 2)
    assert by_places(wide, z) == pytest.approx(layer.run(z), abs=1e-13)
    turned = wide._replace(weights=wide.weights[:, ::-1])
    assert M == 1 or np.abs(by_places(turned, z) - layer.run(z)).max() > 0.1
    one = Fourier(layer.real[:, :1, :1], layer.imaginary[:, :1, :1], layer.weights[:1, :1], np.zeros(1))
    column = circle.kernel(one, 9).weights[0, :, 0]                                  # neighbors -4 ... 4
    matrix = circulant(column[(4 - np.arange(9)) % 9])                               # what place 0 gives to place i
    assert z[..., 0] @ matrix.T == pytest.approx(one.run(z[..., :1])[..., 0], abs=1e-12)


@pytest.mark.parametrize("P", [8, 9])
def test_the_way_back_is_the_derivative(P):
    rng = np.random.default_rng(3)
    layers = (Convolution.start(2, 3, 3, rng), Fourier.start(3, 4, P // 2 + 1, rng), Fourier.start(4, 3, 2, rng), Convolution.start(3, 2, 5, rng))
    layers = tuple(filled(layer, rng) for layer in layers)
    z, pull = rng.normal(size=(2, 3, P, 2))
    flat = parameters.flatten((layers, z))

    def loss(vector):
        layers, z = parameters.view(vector.copy(), flat.params)
        return (circle.run(layers, z)[-1] * pull).sum()

    slope = parameters.flatten(tuple(circle.run_back(layers, circle.run(layers, z), pull))).vector
    for i in rng.choice(len(slope), 60, replace=False):
        step = 1e-6 * (np.arange(len(slope)) == i)
        differences = (loss(flat.vector + step) - loss(flat.vector - step)) / 2e-6
        assert slope[i] == pytest.approx(differences, rel=1e-5, abs=1e-7)
    assert np.abs(slope).max() > 1
    wrong = circle.run_back(layers, circle.run(layers, z[:, ::-1].copy()), pull)     # fields of another run
    assert np.abs(parameters.flatten(tuple(wrong)).vector - slope).max() > 0.1


@pytest.mark.parametrize("layer", [Convolution.start(1, 2, 5, np.random.default_rng(4)), Fourier.start(1, 2, 3, np.random.default_rng(4))])
def test_layers_commute_with_turns_and_dense_ones_do_not(layer):
    rng = np.random.default_rng(5)
    z = rng.normal(size=(3, 11, 1))
    for by in (1, 4, -3):
        assert layer.run(np.roll(z, by, 1)) == pytest.approx(np.roll(layer.run(z), by, 1), abs=1e-13)
    dense = rng.normal(size=(11, 11))
    assert np.abs(np.roll(z, 1, 1)[..., 0] @ dense - np.roll(z[..., 0] @ dense, 1, 1)).max() > 0.1


def test_a_fourier_layer_serves_a_finer_circle_and_stretched_a_longer_one():
    rng = np.random.default_rng(6)
    layer = filled(Fourier.start(1, 1, 4, rng), rng)

    def smooth(P, turns=1):
        angle = 2 * np.pi * turns * np.arange(P) / P
        return (np.cos(angle) - 0.4 * np.sin(2 * angle) + 0.3 * np.cos(3 * angle + 1))[None, :, None]

    coarse = layer.run(smooth(10))
    assert layer.run(smooth(20))[:, ::2] == pytest.approx(coarse, abs=1e-12)         # the same waves, seen more often
    twice = np.concatenate([coarse, coarse], 1)                                      # the same waves, twice round
    longer = circle.stretched(layer, 2)
    assert len(longer.real) == 7
    assert longer.run(smooth(20, 2)) == pytest.approx(twice, abs=1e-12)
    assert np.abs(layer.run(smooth(20, 2)) - twice).max() > 0.1
    assert circle.stretched(layer, 1).real == pytest.approx(layer.real)
    halfway = (layer.real[0] + layer.real[1]) / 2
    assert longer.real[1] == pytest.approx(halfway)
    assert circle.stretched(layer._replace(real=layer.real[:1], imaginary=layer.imaginary[:1]), 3).real.shape == (1, 1, 1)


def test_what_does_not_fit_is_refused_by_name():
    rng = np.random.default_rng(7)
    wide, waves, z = Convolution.start(1, 2, 5, rng), Fourier.start(2, 1, 4, rng), rng.normal(size=(3, 8, 1))
    refused = [
        (lambda: circle.run((), z), TypeError, "layers: expected a tuple"),
        (lambda: circle.run(wide, z), TypeError, "layers: expected a tuple"),
        (lambda: circle.run((wide, 3.0), z), TypeError, r"layers\[1\]: expected a Convolution or Fourier"),
        (lambda: circle.run((wide, wide), z), ValueError, r"layers\[1\]: expected to take 2 channels"),
        (lambda: circle.run((wide,), z[:, :4]), ValueError, r"layers\[0\]: expected a circle of at least 5"),
        (lambda: circle.run((wide, waves), z[:, :5]), ValueError, r"layers\[1\]: expected at most 3 waves"),
        (lambda: circle.run((wide,), z[..., 0]), ValueError, "z: "),
        (lambda: circle.run((wide._replace(weights=wide.weights[:, :4]),), z), ValueError, "weights: its second axis: expected an odd"),
        (lambda: circle.run((wide._replace(biases=np.zeros(3)),), z), ValueError, "biases: "),
        (lambda: circle.run((waves._replace(imaginary=np.zeros((4, 1, 1))),), z), ValueError, "imaginary: "),
        (lambda: circle.run_back((wide,), (z,), z), ValueError, "fields: expected what run returned"),
        (lambda: circle.run_back((wide,), circle.run((wide,), z), z), ValueError, "pull: "),
        (lambda: circle.kernel(waves, 8), ValueError, "P: expected an odd"),
        (lambda: circle.kernel(waves, 5), ValueError, "layer: expected at most 3 waves"),
        (lambda: circle.kernel(wide, 9), TypeError, "layer: expected a Fourier layer"),
        (lambda: circle.stretched(wide, 2), TypeError, "layer: expected a Fourier layer"),
        (lambda: circle.stretched(waves, 0), ValueError, "factor: "),
        (lambda: Convolution.start(1, 1, 4, rng), ValueError, "width: expected an odd"),
        (lambda: Fourier.start(1, 1, 0, rng), ValueError, "modes: "),
    ]
    for call, kind, words in refused:
        with pytest.raises(kind, match=words):
            call()
