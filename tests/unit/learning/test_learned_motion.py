"""Learned motions: states against SciPy, both ways back against finite differences of loss and motion."""

import pickle

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pedagogy_lib.dynamics import fields
from pedagogy_lib.learning import learned_motion, networks, parameters
from pedagogy_lib.learning.learned_motion import continuous, terms
from pedagogy_lib.learning.networks import circle


def motion(kind, rng):
    """The terms of a motion, and the number of its states."""
    if kind == "predation":
        return (learned_motion.Growth(np.array([0.6, -0.5])), learned_motion.Predation.start((4,), rng, 0.4)), 2
    if kind == "circle":
        layers = circle.Convolution.start(1, 2, 3, rng), circle.Convolution.start(2, 1, 1, rng)
        return (learned_motion.Circle(layers),), 4
    if kind == "law and network":
        return (learned_motion.Known(fields.lorenz63()), learned_motion.Network.start(3, (5,), rng)), 3
    return (learned_motion.Network.start(2, (6,), rng, last=1.0),), 2


KINDS = ("circle", "predation", "law and network", "network")


def by_hand(kind, motion, x):
    """dx/dt from the formulas of the docstrings, one state at a time, with no use of `run`."""
    def network(layers, v):
        for layer in layers[:-1]:
            v = np.tanh(layer.weights @ v + layer.biases)
        return layers[-1].weights @ v + layers[-1].biases

    if kind == "predation":
        growth, predation = motion
        prey, predators = np.exp(x)
        c = np.exp(network(predation.layers, x[:1])[0])
        return growth.rates + [-predators * c, np.exp(predation.log_gain) * prey * c]
    if kind == "circle":
        near, at = (layer.weights for layer in motion[0].layers)
        hidden = np.tanh([near[:, 0, 0] * x[i - 1] + near[:, 1, 0] * x[i] + near[:, 2, 0] * x[(i + 1) % 4] for i in range(4)])
        return hidden @ at[0, 0]
    if kind == "law and network":
        a, b, c = x
        return np.array([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c]) + network(motion[1].layers, x)
    return network(motion[0].layers, x)


@pytest.mark.parametrize("kind", KINDS)
def test_the_states_are_those_of_scipys_solver(kind):
    rng = np.random.default_rng(0)
    found, K = motion(kind, rng)
    first = rng.normal(size=(3, K))
    path = learned_motion.run(found, first, 0.0025, 200)
    for b in range(3):
        exact = solve_ivp(lambda t, x: by_hand(kind, found, x), (0, 0.5), first[b], rtol=1e-10, atol=1e-12).y[:, -1]
        assert path.states[-1, b] == pytest.approx(exact, rel=1e-5, abs=1e-6)
        assert path.states[-2, b] != pytest.approx(exact, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("method", ["rk4", "euler"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_discrete_adjoint_is_the_derivative_of_the_steps(kind, method):
    rng = np.random.default_rng(1)
    found, K = motion(kind, rng)
    first, count, dt = rng.normal(size=(2, K)), 7, 0.05
    pulls = rng.normal(size=(count + 1, 2, K))
    flat = parameters.flatten((first, found))

    def loss(vector):
        first, found = parameters.view(vector.copy(), flat.params)
        return (learned_motion.run(found, first, dt, count, method).states * pulls).sum()

    slopes = learned_motion.pull_back(found, learned_motion.run(found, first, dt, count, method), pulls)
    slope = parameters.flatten((slopes.first, slopes.terms)).vector
    for along in rng.normal(size=(4, len(slope))):
        differences = (loss(flat.vector + 1e-6 * along) - loss(flat.vector - 1e-6 * along)) / 2e-6
        assert slope @ along == pytest.approx(differences, rel=1e-6)
        assert 0.99 * slope @ along != pytest.approx(differences, rel=1e-3)
    other = {"rk4": "euler", "euler": "rk4"}[method]                                # of another rule's steps
    wrong = learned_motion.pull_back(found, learned_motion.run(found, first, dt, count, other), pulls)
    assert np.abs(parameters.flatten((wrong.first, wrong.terms)).vector - slope).max() > 1e-4


def test_the_continuous_adjoint_comes_to_the_discrete_one_by_the_power_of_the_rule():
    rng = np.random.default_rng(2)
    found, K = motion("predation", rng)
    first, pull = np.array([[0.3, -0.5]]), rng.normal(size=(1, 2))
    for method, power in (("euler", 1), ("rk4", 4)):
        errors = []
        for count in (16, 32, 64):
            path = learned_motion.run(found, first, 2 / count, count, method)
            pulls = np.concatenate([np.zeros((count, 1, 2)), pull[None]])
            exact = learned_motion.pull_back(found, path, pulls)
            other = continuous.pull_back(found, path.states[-1], pulls, 2 / count, method).slopes
            gap = parameters.flatten((exact.first, exact.terms)).vector - parameters.flatten((other.first, other.terms)).vector
            errors.append(np.abs(gap).max())
        orders = np.log2(np.array(errors[:-1]) / errors[1:])
        assert orders == pytest.approx(power, abs=0.35)
        assert min(errors) > 1e-11


def test_what_dies_out_forwards_grows_backwards():
    decay = fields.Field(lambda x: -5 * np.asarray(x), lambda x: -5 * np.eye(1))
    path = learned_motion.run((learned_motion.Known(decay),), np.ones((1, 1)), 0.05, 80)
    back = continuous.pull_back((learned_motion.Known(decay),), path.states[-1] + 1e-6, np.zeros((81, 1, 1)), 0.05)
    assert back.states[0, 0, 0] - 1 > 1e-6 * np.exp(5 * 4) / 2         # e^20 times the slip
    assert back.states[-1] == pytest.approx(path.states[-1] + 1e-6)


def test_terms_travel_and_say_what_they_learned():
    rng = np.random.default_rng(3)
    found, _ = motion("law and network", rng)
    again = pickle.loads(pickle.dumps(found[1]))
    assert again.run(np.ones((1, 3))).velocity == pytest.approx(found[1].run(np.ones((1, 3))).velocity)
    flat = parameters.flatten(found)
    assert flat.params[0] is found[0]                                   # a law has nothing to learn, and is kept
    eater = learned_motion.Predation.start((), rng, 0.3)
    weight = eater.layers[0].weights[0, 0]
    assert eater.clearance([1.0, 2.0]) == pytest.approx([0.3, 0.3 * 2**weight])


@pytest.mark.parametrize("call, message", [
    (lambda g: learned_motion.run((), np.ones((1, 2)), 0.1, 3), "terms: expected a tuple of terms"),
    (lambda g: learned_motion.run(g, np.ones((1, 3)), 0.1, 3), r"terms\[0\].rates: expected shape"),
    (lambda g: learned_motion.run((np.ones(2),), np.ones((1, 2)), 0.1, 3), r"terms\[0\]: expected a term"),
    (lambda g: learned_motion.run(g, np.ones(2), 0.1, 3), "first: expected shape"),
    (lambda g: learned_motion.run(g, np.ones((1, 2)), -0.1, 3), "dt: expected"),
    (lambda g: learned_motion.run(g, np.ones((1, 2)), 0.1, 3, "scipy"), "method: expected one of"),
    (lambda g: learned_motion.pull_back(g, None, np.ones((4, 1, 2))), "path: expected what run returned"),
    (lambda g: learned_motion.pull_back(g, learned_motion.run(g, np.ones((1, 2)), 0.1, 3), np.ones((3, 1, 2))), "pulls"),
    (lambda g: continuous.pull_back(g, np.ones((1, 2)), np.ones((3, 2, 2)), 0.1), "pulls: expected shape"),
    (lambda g: learned_motion.Known(lambda x: x), "field: expected a Field"),
    (lambda g: learned_motion.Predation.start((3,), np.random.default_rng(0)).clearance([[1.0]]), "prey: expected shape"),
    (lambda g: learned_motion.run(
        (learned_motion.Predation.start((3,), np.random.default_rng(0)),), np.ones((1, 3)), 0.1, 1), "prey and predators"),
    (lambda g: learned_motion.run((learned_motion.Network.start(3, (2,), np.random.default_rng(0)),),
                                  np.ones((1, 2)), 0.1, 1), "expected 2 inputs and 2 outputs"),
    (lambda g: learned_motion.run((learned_motion.Growth(np.array([1e300, 1.0])),), np.ones((1, 2)), 1e10, 3),
     "expected a motion that stays finite"),
])
def test_bad_arguments_are_named(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call((learned_motion.Growth(np.array([0.1, -0.1])),))


def test_networks_of_other_widths_are_refused_by_name():
    layers = networks.start((2, 3, 1), np.random.default_rng(0))
    with pytest.raises(ValueError, match="expected 1 input and 1 output"):
        terms.check((learned_motion.Predation(np.zeros(()), layers),), 2)


def test_a_circle_begins_with_a_small_last_layer():
    rng = np.random.default_rng(7)
    layers = circle.Convolution.start(1, 3, 5, rng), circle.Fourier.start(3, 1, 4, rng)
    quiet, x = learned_motion.Circle.start(layers), rng.normal(size=(2, 9))
    assert quiet.run(x).velocity == pytest.approx(0.1 * learned_motion.Circle(layers).run(x).velocity)
    assert quiet.layers[0] is layers[0] and np.abs(quiet.run(x).velocity).max() > 1e-3
    with pytest.raises(TypeError, match="layers: expected a tuple"):
        learned_motion.Circle.start(layers[0])
