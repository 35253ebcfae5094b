"""Bijections against the same maps written out, their Jacobians by a tape, and differences.

`written` and `volume` spell every layer out once more, datum by datum, without the library's networks or masks.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.learning import bijections as B
from pedagogy_lib.learning import differentiation, parameters
from pedagogy_lib.learning.bijections import composition
from pedagogy_lib.learning.bijections.autoregressive import masks
from pedagogy_lib.learning.differentiation import tape

FORWARD = (B.Additive, B.Affine, B.Autoregressive, B.Mixing, B.Planar, B.Radial, B.Spline)
ALL = (*FORWARD, B.InverseAutoregressive)


def layer_of(kind, D, seed=0, dtype=np.float64, size=0.5):
    """A layer that is far from the identity."""
    rng = np.random.default_rng(seed)
    flat = parameters.flatten(kind.start(D, (7, 5), rng, np.dtype(np.float64)))
    flat.vector[:] += size * rng.normal(size=flat.vector.size)
    return parameters.each(lambda leaf: leaf.astype(dtype), flat.params)


def net(layers, z, seen=None):
    for l, (W, b) in enumerate(layers):
        z = (W if seen is None else W * seen[l]) @ z + b
        z = np.tanh(z) if l < len(layers) - 1 else z
    return z


def sight(layers, D):
    """Which unit may see which, from the rule, one pair at a time."""
    before, found = [j + 1 for j in range(D)], []
    for W, _ in layers[:-1]:
        here = [k % max(D - 1, 1) + 1 for k in range(W.shape[0])]
        found.append(np.array([[float(j <= k) for j in before] for k in here]))
        before = here
    return [*found, np.array([[float(j < i % D + 1) for j in before] for i in range(2 * D)])]


def written(kind, layer, y):
    """d(y) and log|det| of one datum, in plain arrays or on a tape."""
    D = len(y)
    if kind is B.Mixing:
        return layer[0] @ (y - layer[1]), differentiation.log_determinant(layer[0] @ layer[0].T) / 2
    if kind is B.Planar:
        u, w, b = layer
        dot, square = np.sum(w * u), np.sum(w * w)
        u = u + (np.logaddexp(0.0 * dot, dot) - 1 + 1e-4 - dot) * w / square
        t = np.tanh(np.sum(w * y) + b[0])
        return y + u * t, np.log(1 + np.sum(w * u) * (1 - t**2))
    if kind is B.Radial:
        c, a, rho = layer
        alpha = np.exp(a[0])
        beta = np.logaddexp(0.0 * rho[0], rho[0]) - alpha
        r = np.sqrt(np.sum((y - c) ** 2))
        k = beta / (alpha + r)
        return y + k * (y - c), (D - 1) * np.log(1 + k) + np.log(1 + beta * alpha / (alpha + r) ** 2)
    if kind is B.Autoregressive:
        out = net(layer[0], y, sight(layer[0], D))
        s = 3 * np.tanh(out[D:] / 3)
        return (y - out[:D]) / np.exp(s), -np.sum(s)
    a, b = y[: D // 2], y[D // 2 :]
    out, K = net(layer[0], a), len(b)
    if kind is B.Additive:
        return np.concatenate([a, b + out]), 0.0 * np.sum(b)
    if kind is B.Spline:
        images = [written_curve(out[23 * k : 23 * k + 23], b[k : k + 1]) for k in range(K)]
        return np.concatenate([a, *(image for image, _ in images)]), sum(np.sum(log) for _, log in images)
    s = 3 * np.tanh(out[K:] / 3)
    return np.concatenate([a, b * np.exp(s) + out[:K]]), np.sum(s)


def plain_number(value):
    """The number in an array of one, on a tape or off it."""
    return float(np.ravel(tape.plain(value))[0])


def written_curve(raw, y):
    """One number through its spline, the pieces looked through one after the other."""
    if abs(plain_number(y)) >= 4:
        return y, 0.0 * y
    w, h = (np.exp(part) / np.sum(np.exp(part)) * 0.992 + 0.001 for part in (raw[:8], raw[8:16]))
    knee = 0.001 + np.log(1 + np.exp(raw[16:]) * np.expm1(0.999))
    left = low = -4.0
    for k in range(8):
        W, H = 8 * w[k : k + 1], 8 * h[k : k + 1]
        if plain_number(y) < plain_number(left + W) or k == 7:
            d0 = knee[k - 1 : k] if k else 1.0
            d1 = knee[k : k + 1] if k < 7 else 1.0
            s, t = H / W, (y - left) / W
            bottom = s + (d1 + d0 - 2 * s) * t * (1 - t)
            slope = s**2 * (d1 * t**2 + 2 * s * t * (1 - t) + d0 * (1 - t) ** 2) / bottom**2
            return low + H * (s * t**2 + d0 * t * (1 - t)) / bottom, np.log(slope)
        left, low = left + W, low + H


def plain(params):
    """Without the classes, so that no method can be called."""
    return tuple(map(plain, params)) if isinstance(params, tuple) else params


@pytest.mark.parametrize("kind", FORWARD)
@pytest.mark.parametrize("D", [2, 3, 5])
def test_a_layer_is_the_map_written_out_and_its_volume_the_jacobians(kind, D):
    layer, y = layer_of(kind, D), np.random.default_rng(1).normal(size=(6, D))
    found = layer.run(y)
    for n, datum in enumerate(y):
        image, volume = written(kind, plain(layer), datum)
        assert_allclose(found.output[n], image, rtol=1e-12, atol=1e-13)
        J = differentiation.jacobian(lambda z: written(kind, plain(layer), z)[0], datum)
        brute = np.linalg.slogdet(np.asarray(J))[1]
        assert_allclose(found.log_volume[n], brute, rtol=1e-12, atol=1e-12)
        assert_allclose(volume, brute, rtol=1e-12, atol=1e-12)
    if kind not in (B.Additive, B.Mixing):                      # and another datum's volume is wrong
        assert not np.allclose(np.roll(found.log_volume, 1), found.log_volume, atol=1e-2)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("D", [2, 3, 4])
@pytest.mark.parametrize("dtype,tolerance", [(np.float64, 1e-10), (np.float32, 2e-4)])
def test_the_way_back_is_the_inverse(kind, D, dtype, tolerance):
    layer = layer_of(kind, D, seed=D, dtype=dtype)
    y = 2 * np.random.default_rng(2).normal(size=(200, D)).astype(dtype)
    passage = layer.run(y)
    assert passage.output.dtype == passage.log_volume.dtype == dtype
    back = layer.undo(passage.output)
    assert back.dtype == dtype
    assert_allclose(back, y, atol=tolerance)
    assert_allclose(layer.run(layer.undo(y)).output, y, atol=tolerance)
    other = parameters.each(lambda leaf: leaf + dtype(0.01), layer)
    assert not np.allclose(other.undo(passage.output), y, atol=1e-3)


@pytest.mark.parametrize("kind", FORWARD)
@pytest.mark.parametrize("D", [2, 5])
def test_the_reverse_pass_is_the_tapes(kind, D):
    rng = np.random.default_rng(3)
    layer, y = layer_of(kind, D), rng.normal(size=(4, D))
    to_output, to_volume = rng.normal(size=(4, D)), rng.normal(size=4)

    def program(both):
        params, data = both
        total = 0.0
        for n in range(4):
            image, volume = written(kind, params, data[n])
            total = total + np.sum(to_output[n] * image) + to_volume[n] * volume
        return total

    _, expected = differentiation.value_and_gradient(program, (plain(layer), y))
    found = layer.run_back(layer.run(y), to_output, to_volume)
    assert type(found.layer) is kind
    wanted = parameters.flatten(expected[0]).vector
    assert_allclose(parameters.flatten(found.layer).vector, wanted, rtol=1e-12, atol=1e-12)
    assert_allclose(found.inputs, expected[1], rtol=1e-12, atol=1e-12)
    if kind is not B.Additive:                                  # nothing is sent by the volume of that one
        deaf = layer.run_back(layer.run(y), to_output, np.zeros(4))
        assert not np.allclose(parameters.flatten(deaf.layer).vector, wanted, rtol=1e-3)


@pytest.mark.parametrize("inner", FORWARD)
@pytest.mark.parametrize("D", [2, 3])
def test_an_inverse_has_the_inverse_jacobian_and_the_gradient_of_differences(inner, D):
    rng = np.random.default_rng(4)
    layer, y = B.Inverse(layer_of(inner, D, size=0.3)), rng.normal(size=(5, D))
    to_output, to_volume = rng.normal(size=(5, D)), rng.normal(size=5)
    passage = layer.run(y)
    J = np.stack([(layer.run(y + h).output - layer.run(y - h).output) / 2e-6 for h in 1e-6 * np.eye(D)], axis=2)
    assert_allclose(passage.log_volume, np.linalg.slogdet(J)[1], atol=1e-6)

    def total(params, data):
        out = params.run(data)
        return np.sum(to_output * out.output) + np.sum(to_volume * out.log_volume)

    found = layer.run_back(passage, to_output, to_volume)
    flat, slope = parameters.flatten(layer), parameters.flatten(found.layer).vector
    for _ in range(3):
        along, move = rng.normal(size=flat.vector.size), rng.normal(size=y.shape)
        up, down = (total(parameters.view(flat.vector + h * along, layer), y) for h in (1e-5, -1e-5))
        assert_allclose(slope @ along, (up - down) / 2e-5, rtol=1e-6, atol=1e-8)
        up, down = total(layer, y + 1e-5 * move), total(layer, y - 1e-5 * move)
        assert_allclose(np.sum(found.inputs * move), (up - down) / 2e-5, rtol=1e-6, atol=1e-8)
        assert not np.isclose(-slope @ along, (up - down) / 2e-5, rtol=1e-2)


def test_maf_and_iaf_are_each_others_inverse():
    """What one does in a pass the other does in D passes: densities and draws change places."""
    maf, y = layer_of(B.Autoregressive, 4), np.random.default_rng(5).normal(size=(20, 4))
    iaf = B.InverseAutoregressive(maf)
    forth = maf.run(y)
    assert_allclose(iaf.undo(y), forth.output, rtol=1e-14)
    back = iaf.run(forth.output)
    assert_allclose(back.output, y, atol=1e-12)
    assert_allclose(back.log_volume, -forth.log_volume, atol=1e-12)


@pytest.mark.parametrize("sizes", [(1, 4, 2), (2, 6, 6, 4), (5, 9, 10)])
def test_an_output_depends_on_the_columns_before_it_and_on_all_of_them(sizes):
    D, reach = sizes[0], np.eye(sizes[0])
    for mask in masks(sizes):
        reach = mask.astype(float) @ reach
    expected = np.tril(np.ones((D, D)), -1)
    assert_allclose(reach > 0, np.vstack([expected, expected]))


@pytest.mark.parametrize("kind", [B.Reverse, B.Riffle])
@pytest.mark.parametrize("D", [2, 5])
def test_a_permutation_is_orthogonal(kind, D):
    layer, eye = kind(), np.eye(D)
    P = layer.run(eye).output
    assert_allclose(P @ P.T, eye)
    assert_allclose(layer.undo(P), eye)
    assert not layer.run(eye).log_volume.any()
    assert_allclose(layer.run_back(layer.run(eye), eye, np.zeros(D)).inputs, P.T)


def test_planar_layers_do_not_fold():
    """A push against the normal that would fold space is turned until it does not: one y for each x."""
    for strength in (-3.0, -30.0, -300.0):
        layer = B.Planar(np.array([strength, 0.5]), np.array([2.0, 1.0]), np.array([0.3]))
        _, along = layer.pushed()
        assert -1 < along < 0
        line = np.linspace(-4, 4, 4001)[:, None] * layer.normal
        assert np.all(np.diff(layer.run(line).output @ layer.normal) > 0)
        unturned = line + np.tanh(line @ layer.normal + 0.3)[:, None] * layer.push
        assert np.any(np.diff(unturned @ layer.normal) < 0)


def test_volumes_add_up_and_orders_turn_round():
    rng = np.random.default_rng(6)
    layers = (layer_of(B.Affine, 3, 1), B.Reverse(), layer_of(B.Planar, 3, 2), layer_of(B.Autoregressive, 3, 3))
    y = rng.normal(size=(5, 3))
    record = composition.run(layers, y)
    for n in range(5):
        J = np.stack([np.imag(composition.run(layers, (y + 1e-20j * e)[n : n + 1]).output[0]) / 1e-20 for e in np.eye(3)], 1)
        assert_allclose(record.log_volume[n], np.linalg.slogdet(J)[1], atol=1e-12)   # complex steps
    assert_allclose(composition.undo(layers, record.output), y, atol=1e-10)
    assert not np.allclose(composition.undo(layers[::-1], record.output), y, atol=1e-2)


def test_what_does_not_fit_is_named():
    affine = layer_of(B.Affine, 2)
    for error, match, layers, D in (
        (TypeError, "expected a tuple of bijections", [affine], 2),
        (TypeError, "expected a tuple of bijections", affine, 2),
        (TypeError, r"layers\[0\]: expected a bijection", (3.0,), 2),
        (ValueError, r"layers\[0\].network: expected 1 inputs and 4 outputs", (affine,), 3),
        (ValueError, "two columns at least", (affine,), 1),
        (ValueError, "all alike", (affine, layer_of(B.Planar, 2, dtype=np.float32)), 2),
        (ValueError, r"layers\[0\].push: expected an array of floats of shape \(2,\)", (layer_of(B.Planar, 3),), 2),
        (ValueError, "with a direction", (B.Planar(np.ones(2), np.zeros(2), np.zeros(1)),), 2),
        (ValueError, "dependent rows", (B.Mixing(np.ones((2, 2)), np.zeros(2)),), 2),
        (ValueError, "pull", (B.Radial(np.ones(2), np.zeros(1), 0.0),), 2),
        (ValueError, "expected 3 inputs and 6 outputs", (layer_of(B.InverseAutoregressive, 2),), 3),
    ):
        with pytest.raises(error, match=match):
            composition.check(layers, D)
    with pytest.raises(ValueError, match="expected float32 as in the parameters"):
        composition.rows("y", np.zeros((3, 2)), 2, np.dtype(np.float32))
