"""Networks that run on the page: what the page carries computes what the library computes."""

import json

import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import outputs, recurrent
from pedagogy_lib.models.deep import vae
from pedagogy_lib.show.pads import network

RNG = np.random.default_rng(0)
PICTURES = (RNG.random((3, 16)) < 0.5).astype(float)
VAE = vae.start(PICTURES, 2, (7,), networks.Tanh, outputs.Bernoulli, np.random.default_rng(1))
READER = recurrent.start(3, 5, np.random.default_rng(4))
(LETTERS,) = networks.start((5, 3), np.random.default_rng(5), networks.Tanh, outputs.Categorical)
CLASSES = networks.start((16, 5, 3), np.random.default_rng(2), networks.Rectified, outputs.Categorical)


def autoencoder(**kw):
    given = {"recognition": VAE.recognition, "emission": VAE.emission, "examples": PICTURES, "names": ["a", "b", "c"]}
    return show.autoencoder(**(given | {"marks": {"0": (0.5, 1)}, "alt": "A sheet to paint on, and its code."} | kw))


def classifier(**kw):
    given = {"layers": CLASSES, "examples": PICTURES, "names": ["a", "b", "c"], "classes": ["x", "y", "z"]}
    return show.classifier(**(given | {"alt": "A sheet to paint on, and three bars."} | kw))


def language_model(**kw):
    given = {"hidden": READER, "output": LETTERS, "symbols": " ab", "beginnings": ["ab", "b a"]}
    return show.language_model(**(given | {"alt": "A text to write, and bars."} | kw))


@pytest.mark.parametrize("layer", [networks.Tanh, networks.Rectified, networks.Logistic, networks.Linear])
def test_what_the_page_carries_is_the_network(layer):
    layers = networks.start((16, 6, 4), np.random.default_rng(3), layer, networks.Linear)
    packed = network.pack(layers, "layers", "test")
    np.testing.assert_allclose(network.run(packed, PICTURES), networks.forward(layers, PICTURES).output, rtol=1e-5, atol=1e-6)
    other = network.pack([layers[0]._replace(biases=layers[0].biases + 0.1), *layers[1:]], "layers", "test")
    assert not np.allclose(network.run(other, PICTURES), networks.forward(layers, PICTURES).output, rtol=1e-5)


def test_the_figure_carries_its_networks_and_pictures():
    figure = autoencoder(first=2)
    told = json.loads(figure.element.split('type="application/json">')[1].split("</script>")[0])
    np.testing.assert_allclose(network.run(told["emission"], [[0.3, -1]]), networks.forward(VAE.emission, [[0.3, -1]]).output, atol=1e-6)
    assert told["first"] == 2 and [int(ink) for ink in told["examples"][1]["bits"]] == PICTURES[1].tolist()
    nodes, shares = (np.array(told["hermite"][name]) for name in ("nodes", "shares"))
    np.testing.assert_allclose([shares.sum(), shares @ nodes**2, shares @ nodes**4], [1, 1, 3])
    assert "pl-plane" in figure.element and "Tanh" not in figure.element
    assert "pl-pad-classifier" in classifier().element


def test_weights_of_digits_stay_small():
    rng = np.random.default_rng(0)
    layers = networks.start((64, 100, 50, 4), rng, networks.Tanh, networks.Linear)
    other = networks.start((2, 50, 100, 64), rng, networks.Tanh, outputs.Bernoulli)
    size = sum(len(layer["numbers"]) for net in (layers, other) for layer in network.pack(net, "net", "test"))
    assert size < 150_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recognition": VAE.emission}, "recognition: expected a network from 16 to 4 numbers, got 2 to 16"),
        ({"emission": VAE.emission[1:]}, "emission: expected a network from 2 to 16 numbers"),
        ({"emission": VAE.emission[::-1]}, r"emission\[1\]: expected weights for 16 inputs, got 2"),
        ({"examples": PICTURES * 0.5}, "examples: expected zeros and ones"),
        ({"examples": PICTURES[:, :15]}, "D a square, got shape"),
        ({"names": ["a"]}, "a name for each of the 3 examples"),
        ({"first": 3}, "one of them first"),
        ({"alt": ""}, "alt"),
    ],
)
def test_refused(change, message):
    with pytest.raises(ValueError, match=message):
        autoencoder(**change)


def test_a_layer_of_another_kind_is_refused():
    with pytest.raises(TypeError, match=r"layers\[0\]: expected a layer .* got int"):
        classifier(layers=[3])
    broken = [CLASSES[0]._replace(weights=np.full((5, 16), np.nan)), *CLASSES[1:]]
    with pytest.raises(ValueError, match=r"layers\[0\]: expected finite"):
        classifier(layers=broken)
    with pytest.raises(ValueError, match="from 16 to 2 numbers, got 16 to 3"):
        classifier(classes=["x", "y"])


def test_the_reader_is_carried_as_one_layer():
    figure = language_model(first=1)
    told = json.loads(figure.element.split('type="application/json">')[1].split("</script>")[0])
    z = np.array(told["initial"])
    for k in (0, 2, 0, 1):                                  # a space first, then "b a"
        z = network.run(told["reader"][:1], np.concatenate([z, np.eye(3)[k]]))
    expected = recurrent.forward(READER, np.eye(3)[[0, 2, 0, 1]]).hidden[0, -1]
    np.testing.assert_allclose(z, expected, atol=1e-6)
    other = recurrent.forward(READER, np.eye(3)[[2, 0, 1]]).hidden[0, -1]
    assert np.abs(other - expected).max() > 1e-3            # without the space before
    assert told["first"] == 1 and "pl-pad-language" in figure.element


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"symbols": "ab "}, "symbols: expected a space, then letters"),
        ({"symbols": " aa"}, "each once"),
        ({"symbols": " aB"}, "in lower case"),
        ({"symbols": " abc"}, "hidden and output: expected a network from 9 to 4 numbers, got 8 to 3"),
        ({"beginnings": ["abc"]}, "beginnings: expected texts of the symbols"),
        ({"beginnings": [""]}, "beginnings: expected texts"),
        ({"first": 2}, "first=2 among them"),
    ],
)
def test_a_reader_that_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        language_model(**change)
