"""Painting and writing: the page's own networks answer as Python's do, by mouse, finger and keyboard."""

import numpy as np
import pytest
from bare import center, drag, shown
from scipy.special import expit, log_softmax

from pedagogy_lib import show
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import outputs, recurrent
from pedagogy_lib.models.deep import vae
from pedagogy_lib.models.discriminative import recurrent_network

RNG = np.random.default_rng(0)
PICTURES = (RNG.random((2, 64)) < 0.4).astype(float)
VAE = vae.start(PICTURES, 2, (30, 20), networks.Tanh, outputs.Bernoulli, np.random.default_rng(1))
VAE = VAE._replace(emission=(VAE.emission[0]._replace(weights=3 * VAE.emission[0].weights), *VAE.emission[1:]))
CLASSES = networks.start((64, 20, 3), np.random.default_rng(2), networks.Rectified, outputs.Categorical)
SYMBOLS = " abcde"
HIDDEN = recurrent.start(6, 7, np.random.default_rng(3))
(LETTERS,) = networks.start((7, 6), np.random.default_rng(4), networks.Tanh, outputs.Categorical)
LETTERS = LETTERS._replace(weights=5 * LETTERS.weights)
READER = recurrent_network.Parameters(HIDDEN, LETTERS)
PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 375, "height": 900}}


@pytest.fixture(autouse=True)
def built_page(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "page")


def codes():
    alt = "A sheet to paint on, its code on a plane, and the code's picture."
    return show.autoencoder(VAE.recognition, VAE.emission, PICTURES, ["one", "two"], marks={"0": (1, 1)}, alt=alt)


def bars():
    alt = "A sheet to paint on, and three bars."
    return show.classifier(CLASSES, PICTURES, ["one", "two"], ["x", "y", "z"], scale=16.0, alt=alt)


def reader():
    alt = "A text to write, and bars of the next letter."
    return show.language_model(HIDDEN, LETTERS, SYMBOLS, ["abba", "a bed"], alt=alt)


def one_hot(text):
    return np.eye(6)[[SYMBOLS.index(letter) for letter in text]]


def state(page):
    return page.evaluate("document.querySelector('.pl-pad').plState")


def opened(page, figure):
    complaints = shown(page, figure)
    page.wait_for_selector(".pl-bench")
    return complaints


def summed(picture):
    """The exact posterior by a finer grid than the page's: log marginal, means, deviations."""
    axis = np.linspace(-6, 6, 241)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    eta = networks.forward(VAE.emission, grid).output
    joint = -0.5 * (grid**2).sum(1) - np.log(2 * np.pi) + eta @ picture - np.logaddexp(0, eta).sum(1)
    weights = np.exp(joint - joint.max())
    total = weights.sum()
    means = weights @ grid / total
    log_marginal = np.log(total) + joint.max() + 2 * np.log(axis[1] - axis[0])
    return log_marginal, means, np.sqrt(weights @ (grid - means) ** 2 / total)


def test_the_page_computes_what_python_computes(new_page):
    page = new_page()
    assert opened(page, codes()) == []
    page.wait_for_function("document.querySelector('.pl-pad').plState.exact")
    page.get_by_role("gridcell", name="row 3, column 5").click()
    painted = PICTURES[0].copy()
    painted[2 * 8 + 4] = 1 - painted[2 * 8 + 4]
    found, guess = state(page), vae.recognize(VAE, painted[None])
    assert found["picture"] == painted.tolist()
    np.testing.assert_allclose(found["means"], guess.means[0], atol=1e-5)
    np.testing.assert_allclose(found["deviations"], guess.deviations[0], rtol=1e-5)
    np.testing.assert_allclose(found["decoded"], vae.decode(VAE, guess.means)[0], atol=1e-5)
    log_marginal, means, deviations = summed(painted)
    assert found["exact"]["logMarginal"] == pytest.approx(log_marginal, abs=1e-4)
    np.testing.assert_allclose(found["exact"]["means"], means, atol=1e-4)
    np.testing.assert_allclose(found["exact"]["deviations"], deviations, atol=1e-4)
    noise = np.random.default_rng(5).standard_normal((40_000, 2))  # the bound, by draws
    eta = networks.forward(VAE.emission, guess.means + guess.deviations * noise).output
    gain = (eta @ painted - np.logaddexp(0, eta).sum(1)).mean()
    price = 0.5 * (guess.means**2 + guess.deviations**2 - 1).sum() - np.log(guess.deviations).sum()
    assert found["bound"] == pytest.approx(gain - price, abs=0.03) and found["bound"] < log_marginal
    assert f"costs {-log_marginal:.1f} nats" in page.locator(".pl-said").inner_text()


def test_strokes_by_mouse(new_page):
    page = new_page()
    opened(page, codes())
    page.get_by_role("button", name="Clear").click()
    assert sum(state(page)["picture"]) == 0
    cell = {k: center(page.get_by_role("gridcell", name=f"row {k}, column 4")) for k in (1, 8)}
    drag(page, cell[1], cell[8], steps=30)
    column = np.zeros((8, 8))
    column[:, 3] = 1
    assert state(page)["picture"] == column.ravel().tolist()
    drag(page, cell[1], cell[8], steps=30)  # begun on ink, a stroke wipes
    assert sum(state(page)["picture"]) == 0


def test_the_keyboard_paints_and_pulls(new_page):
    page = new_page()
    opened(page, codes())
    page.get_by_role("combobox", name="A picture to begin with").select_option("two")
    assert state(page)["picture"] == PICTURES[1].tolist()
    page.get_by_role("gridcell", name="row 1, column 1").focus()
    for key in ("ArrowDown", "ArrowRight", "Space"):
        page.keyboard.press(key)
    assert state(page)["picture"][9] == 1 - PICTURES[1][9]
    assert page.evaluate("document.activeElement.ariaLabel") == "row 2, column 2"
    knob = page.get_by_role("slider", name="the star")
    before = state(page)["at"]
    knob.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    after = state(page)["at"]
    assert after == pytest.approx([before[0] - 0.5, before[1] + 0.1])
    expected = expit(networks.forward(VAE.emission, [after]).output[0])
    np.testing.assert_allclose(state(page)["decoded"], expected, atol=1e-5)
    page.get_by_role("button", name="Star to the code").click()
    assert state(page)["at"] == pytest.approx(state(page)["means"])


def test_the_star_is_pulled(new_page):
    page = new_page()
    opened(page, codes())
    knob, plane = page.get_by_role("slider", name="the star"), page.locator(".pl-plane").bounding_box()
    target = (plane["x"] + 0.75 * plane["width"], plane["y"] + 0.25 * plane["height"])
    drag(page, center(knob), target)
    assert state(page)["at"] == pytest.approx([1.7, 1.7], abs=0.05)
    assert center(knob) == pytest.approx(target, abs=2)


def test_classes(new_page):
    page = new_page()
    assert opened(page, bars()) == []
    page.get_by_role("gridcell", name="row 1, column 1").click()
    painted = PICTURES[0].copy()
    painted[0] = 1 - painted[0]
    expected = np.exp(log_softmax(networks.forward(CLASSES, 16 * painted[None]).output[0]))
    np.testing.assert_allclose(state(page)["probabilities"], expected, atol=1e-5)
    assert f"says {'xyz'[expected.argmax()]}," in page.locator(".pl-said").inner_text()


def test_what_is_written_costs_what_python_says(new_page):
    page = new_page()
    assert opened(page, reader()) == []
    page.get_by_role("combobox", name="A text to begin with").select_option("a bed")
    field = page.get_by_role("textbox", name="The text that the network reads")
    field.focus()
    page.keyboard.press("End")
    page.keyboard.type("  Dé")                              # two spaces, a capital, and no letter of its own
    found, text = state(page), " a bed d "
    assert found["text"] == text[1:]
    pairs = recurrent_network.Pairs(one_hot(text)[None, :-1], one_hot(text)[None, 1:])
    bits = -recurrent_network.log_conditional(READER, pairs)[0] / np.log(2)
    np.testing.assert_allclose(found["bits"], bits, atol=1e-4)
    after = recurrent_network.predict(READER, one_hot(text))[0, -1]
    np.testing.assert_allclose(found["probabilities"], after, atol=1e-5)
    told = page.locator(".pl-said").inner_text()
    assert f"8 letters and spaces cost {bits.sum():.0f} bits, {bits.mean():.2f} each" in told
    assert page.locator(".pl-priced").inner_text().strip() == text.strip()


@pytest.mark.parametrize("presses", [0, -5, -10])
def test_going_on_draws_at_the_temperature(new_page, presses):
    """With the page's own random numbers, Python draws the same letters."""
    page = new_page()
    opened(page, reader())
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(-presses):
        page.keyboard.press("ArrowLeft")
    temperature = 1 + presses / 10
    assert state(page)["temperature"] == pytest.approx(temperature)
    page.get_by_role("button", name="Go on").click()
    found, text = state(page), " abba"
    assert len(found["uniforms"]) == 40 and len(set(found["uniforms"])) == 40
    for u in found["uniforms"]:
        p = recurrent_network.predict(READER, one_hot(text))[0, -1]
        if temperature:
            tempered = p ** (1 / temperature)
            text += SYMBOLS[np.searchsorted(np.cumsum(tempered / tempered.sum()), u, side="right")]
        else:
            text += SYMBOLS[p.argmax()]
    assert page.get_by_role("textbox").input_value() == text[1:]
    page.get_by_role("button", name="Go on").click()
    assert state(page)["uniforms"][:40] == found["uniforms"] and len(state(page)["uniforms"]) == 80
    for _ in range(6):                                      # a long text loses its oldest words
        page.get_by_role("button", name="Go on").click()
    latest = " ".join(page.get_by_role("textbox").input_value().split())
    assert 200 < len(latest) <= 300 and state(page)["text"].strip() == latest
    if temperature == 1:
        assert len(set(text[5:])) >= 5


def test_on_a_phone(new_page):
    page = new_page(**PHONE)
    opened(page, codes())
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.get_by_role("button", name="Clear").tap()
    page.get_by_role("gridcell", name="row 4, column 4").tap()
    assert state(page)["picture"][27] == 1 and sum(state(page)["picture"]) == 1


def test_on_paper_the_still_picture_stands(new_page):
    page = new_page()
    opened(page, codes())
    assert not page.locator(".pl-view").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".pl-view").is_visible() and not page.locator(".pl-bench").is_visible()
