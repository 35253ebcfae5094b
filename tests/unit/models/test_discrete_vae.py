"""The discrete VAE against enumeration written out, differences, and a mixture model."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from scipy.stats import bernoulli

from pedagogy_lib.distributions import gumbel_softmax as gumbel
from pedagogy_lib.learning import networks, optimization, parameters
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.deep import discrete_vae

OUTPUTS = {
    "Gaussian": lambda rng, N, D: rng.normal(size=(N, D)),
    "Bernoulli": lambda rng, N, D: rng.integers(2, size=(N, D)).astype(float),
    "Categorical": lambda rng, N, D: np.eye(D)[rng.integers(D, size=N)],
    "Poisson": lambda rng, N, D: rng.poisson(2.0, size=(N, D)).astype(float),
}


def problem(kind="Bernoulli", dice=2, sides=3, N=5, D=4, seed=0):
    rng = np.random.default_rng(seed)
    y = OUTPUTS[kind](rng, N, D)
    params = discrete_vae.start(y, dice, sides, (6,), networks.Tanh, getattr(outputs, kind), rng)
    return y, params._replace(source=rng.normal(size=(dice, sides)))


def run(layers, x):
    for layer in layers[:-1]:
        x = np.tanh(layer.weights @ x + layer.biases)
    return layers[-1].weights @ x + layers[-1].biases


def share(logits):
    return np.exp(logits) / np.exp(logits).sum()


def bound_written_out(params, y):
    """The mean over data of the sum over codes of q log(q / p(x, y)), in loops; for ones and zeros."""
    J, K = params.source.shape
    total = 0.0
    for row in y:
        eta = run(params.recognition, row).reshape(J, K)
        for sides in itertools.product(range(K), repeat=J):
            q = np.prod([share(eta[j])[k] for j, k in enumerate(sides)])
            prior = np.prod([share(params.source[j])[k] for j, k in enumerate(sides)])
            x = np.concatenate([np.eye(K)[k] for k in sides])
            pixels = bernoulli.logpmf(row, expit(run(params.emission, x))).sum()
            total += q * (np.log(q) - np.log(prior) - pixels)
    return total / len(y)


def along_differences(f, params, found, h=1e-5, count=4, factor=1.0):
    """A gradient against differences of f along random directions."""
    flat, slope = parameters.flatten(params), parameters.flatten(found).vector
    for along in np.random.default_rng(1).normal(size=(count, flat.vector.size)):
        up, down = (f(parameters.view(flat.vector + step * along, params)) for step in (h, -h))
        assert_allclose(slope @ along, (up - down) / (2 * h), rtol=1e-5, atol=1e-7)
        assert not np.isclose(0.9 * slope @ along, (up - down) / (2 * h), rtol=1e-3)


def test_the_exact_loss_and_gradient_are_those_of_loops():
    y, params = problem()
    value, found = discrete_vae.exact_value_and_gradient(params, y)
    assert value == pytest.approx(bound_written_out(params, y), rel=1e-10)
    along_differences(lambda p: bound_written_out(p, y), params, found)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_the_exact_gradient_of_every_emission(kind):
    y, params = problem(kind)
    _, found = discrete_vae.exact_value_and_gradient(params, y)
    along_differences(lambda p: discrete_vae.exact_value_and_gradient(p, y)[0], params, found)


def test_the_marginal_is_a_mixtures():
    """One die: every side is a component with pixels of its own."""
    y, params = problem(dice=1, sides=4)
    pixels = [expit(run(params.emission, row)) for row in np.eye(4)]
    each = np.stack([bernoulli.logpmf(y, p).sum(1) for p in pixels], 1)
    wanted = np.log(np.exp(each) @ share(params.source[0]))
    assert_allclose(discrete_vae.log_marginal(params, y), wanted, rtol=1e-10)
    assert not np.allclose(discrete_vae.log_marginal(params, y), np.log(np.exp(each).mean(1)))
    assert discrete_vae.exact_value_and_gradient(params, y)[0] > -wanted.mean()  # a bound


def test_the_bound_is_tight_where_the_guess_is_the_posterior():
    y, params = problem(dice=1, sides=3, N=1)
    each = np.array([bernoulli.logpmf(y[0], expit(run(params.emission, row))).sum() for row in np.eye(3)])
    layer = networks.Linear(np.zeros((3, y.shape[1])), each + params.source[0])
    tight = params._replace(recognition=(layer,))
    assert discrete_vae.exact_value_and_gradient(tight, y)[0] == pytest.approx(-discrete_vae.log_marginal(tight, y)[0])
    assert_allclose(discrete_vae.exact_value_and_gradient(tight, y)[1].recognition[0].biases, 0, atol=1e-12)


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("softness", [0.4, 1.5])
def test_the_relaxed_gradient_is_that_of_the_relaxed_loss(kind, softness):
    y, params = problem(kind)
    _, found = discrete_vae.value_and_gradient(params, y, np.random.default_rng(9), softness)
    along_differences(lambda p: discrete_vae.loss(p, y, np.random.default_rng(9), softness), params, found)


def many(params, y, estimator, softness=1.0, times=60, copies=300):
    """Estimates of the gradient, each from copies of the data, as vectors."""
    again = np.tile(y, (copies, 1))
    return np.array(
        [
            parameters.flatten(
                discrete_vae.value_and_gradient(params, again, np.random.default_rng(seed), softness, estimator)[1]
            ).vector
            for seed in range(times)
        ]
    )


def test_the_score_function_is_unbiased():
    y, params = problem()
    exact = parameters.flatten(discrete_vae.exact_value_and_gradient(params, y)[1]).vector
    found = many(params, y, "score function")
    far = lambda terms: np.abs(terms.mean(0) - exact) / (terms.std(0) / np.sqrt(len(terms)) + 1e-12)
    assert far(found).max() < 5
    assert far(0.9 * found).max() > 8
    values = [
        discrete_vae.value_and_gradient(
            params, np.tile(y, (300, 1)), np.random.default_rng(s), estimator="score function"
        )[0]
        for s in range(60)
    ]
    assert abs(np.mean(values) - discrete_vae.exact_value_and_gradient(params, y)[0]) < 5 * np.std(values) / np.sqrt(60)


def test_the_relaxed_gradients_are_biased():
    """In the recognition model; a small softness has less bias and more variance."""
    y, params = problem()
    sharp = params._replace(emission=tuple(layer._replace(weights=3 * layer.weights) for layer in params.emission))
    exact = parameters.flatten(discrete_vae.exact_value_and_gradient(sharp, y)[1].recognition).vector
    size = exact.size
    soft, hard = (many(sharp, y, "gumbel-softmax", s)[:, :size] for s in (2.0, 0.2))
    assert np.linalg.norm(soft.mean(0) - exact) > 3 * np.linalg.norm(hard.mean(0) - exact)
    assert soft.var(0).sum() < hard.var(0).sum()


def test_straight_through_shows_the_emission_hard_codes():
    """Its value is the loss of hard codes, and its emission gradient is unbiased; the relaxed ones are not."""
    y, params = problem()
    exact = parameters.flatten(discrete_vae.exact_value_and_gradient(params, y)[1].emission).vector
    size = parameters.flatten(params.recognition).vector.size
    through, relaxed = (
        many(params, y, name)[:, size : size + exact.size] for name in ("straight-through", "gumbel-softmax")
    )
    far = lambda terms: np.abs(terms.mean(0) - exact) / (terms.std(0) / np.sqrt(len(terms)))
    assert far(through).max() < 5 < 8 < far(relaxed).max()


def test_straight_through_by_hand():
    y, params = problem(dice=1, sides=3, N=1)
    eta = run(params.recognition, y[0])
    G = gumbel.perturb(eta[None, None], 1, np.random.default_rng(2))[0, 0, 0]
    soft, hard = np.exp(G / 0.7) / np.exp(G / 0.7).sum(), np.eye(3)[G.argmax()]
    surprisal = lambda x: -bernoulli.logpmf(y[0], expit(run(params.emission, x))).sum()
    slope = np.array([(surprisal(hard + 1e-6 * e) - surprisal(hard - 1e-6 * e)) / 2e-6 for e in np.eye(3)])
    jacobian = (np.diag(soft) - np.outer(soft, soft)) / 0.7
    q, p = share(eta), share(params.source[0])
    divergence = q * (np.log(q / p) - q @ np.log(q / p))
    _, found = discrete_vae.value_and_gradient(params, y, np.random.default_rng(2), 0.7, "straight-through")
    assert_allclose(found.recognition[-1].biases, jacobian @ slope + divergence, rtol=1e-6)
    assert not np.allclose(found.recognition[-1].biases, jacobian @ slope)


def test_samples_have_the_models_frequencies():
    _, params = problem(dice=2, sides=3)
    x, seen = discrete_vae.sample(params, 40_000, np.random.default_rng(0))
    assert_allclose(x.mean(0), [share(row) for row in params.source], atol=0.015)
    first = (x[:, 0, 1] == 1) & (x[:, 1, 2] == 1)
    wanted = discrete_vae.decode(params, np.array([[[0, 1, 0], [0, 0, 1.0]]]))[0]
    assert_allclose(seen[first].mean(0), wanted, atol=0.05)
    guess = discrete_vae.recognize(params, seen[:3])
    assert_allclose(guess[0, 1], share(run(params.recognition, seen[0]).reshape(2, 3)[1]))


class With:
    """The model with another softness."""

    def __init__(self, softness):
        self.softness = softness

    def value_and_gradient(self, params, y, rng):
        return discrete_vae.value_and_gradient(params, y, rng, self.softness)


def test_it_learns_planted_clusters_if_the_codes_are_hard_enough():
    """Four pictures with a little noise: the best bound comes near the cost under the truth, two bits and the noise."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(2, size=(4, 12))
    y = np.abs(pictures[rng.integers(4, size=400)] - (rng.random((400, 12)) < 0.05)).astype(float)
    truth = np.log(4) - 12 * (0.05 * np.log(0.05) + 0.95 * np.log(0.95))
    bounds = {}
    for softness in (0.3, 1.0):
        for seed in range(3):
            rng = np.random.default_rng(seed)
            start = discrete_vae.start(y, 1, 4, (20,), networks.Tanh, outputs.Bernoulli, rng)
            found = optimization.run(With(softness), start, y, rng, method=optimization.Adam(0.02), iterations=600)
            bounds.setdefault(softness, []).append(discrete_vae.exact_value_and_gradient(found.params, y)[0])
            assert discrete_vae.exact_value_and_gradient(start, y)[0] > truth + 3
    assert min(bounds[0.3]) < truth + 0.1
    assert min(bounds[1.0]) > truth + 1


Y, P = problem()
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: discrete_vae.start(Y, 0, 3, (5,), networks.Tanh, outputs.Bernoulli, RNG),
            "dice: expected a whole number",
        ),
        (
            lambda: discrete_vae.start(Y, 2, 1, (5,), networks.Tanh, outputs.Bernoulli, RNG),
            "sides: expected a whole number, at least 2",
        ),
        (lambda: discrete_vae.value_and_gradient(P, Y, RNG, estimator="exact"), "estimator: expected one of"),
        (lambda: discrete_vae.value_and_gradient(P, Y, RNG, softness=0), "softness: expected a number above 0"),
        (
            lambda: discrete_vae.value_and_gradient(P, Y, RNG, estimator="score function", draws=1),
            "draws: expected a whole number, at least 2",
        ),
        (lambda: discrete_vae.decode(P, np.ones((2, 3, 2))), r"x: expected shape \(N, 2, 3\)"),
        (
            lambda: discrete_vae.loss(P._replace(source=np.zeros((2, 4))), Y, RNG),
            "one for each side of 2 dice with 4 sides, got 6",
        ),
        (lambda: discrete_vae.loss(P, Y[:, :3], RNG), "y: expected shape"),
        (
            lambda: discrete_vae.log_marginal(problem(dice=7, sides=4)[1], Y),
            r"at most 4096 codes for an exact sum, got 4\^7",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="expected Parameters, got tuple"):
        discrete_vae.recognize(tuple(P), Y)
    with pytest.raises(TypeError, match="expected one of Gaussian, Bernoulli"):
        discrete_vae.recognize(P._replace(emission=(*P.emission[:-1], networks.Tanh(*P.emission[-1]))), Y)
