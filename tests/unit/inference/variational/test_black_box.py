"""Black-box inference: against Gaussians, whose answers are known, differences, and quadrature."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.inference.variational import black_box, mean_field, transforms
from pedagogy_lib.learning import optimization, parameters

MEAN, COVARIANCE = np.array([1.0, -2.0]), np.array([[1.0, 0.6], [0.6, 0.8]])
PRECISION = np.linalg.inv(COVARIANCE)
Y = np.zeros((4, 1))


def gaussian_prior(x):
    away = x - MEAN
    return -0.5 * np.einsum("si,ij,sj->s", away, PRECISION, away), -away @ PRECISION


def nothing(x, y):
    return np.zeros(len(x)), np.zeros_like(x)


PLAIN = black_box.Target(gaussian_prior, nothing, (transforms.Real(), transforms.Real()))


def curved_prior(x):
    """A Gamma(3, 2) and a Beta(2, 4), each with its slope."""
    values = 2 * np.log(x[:, 0]) - 2 * x[:, 0] + np.log(x[:, 1]) + 3 * np.log1p(-x[:, 1])
    return values, np.stack([2 / x[:, 0] - 2, 1 / x[:, 1] - 3 / (1 - x[:, 1])], 1)


def counts(x, y):
    """Poisson data of rate x_0."""
    return y.sum() * np.log(x[:, 0]) - len(y) * x[:, 0], np.stack([y.sum() / x[:, 0] - len(y), 0 * x[:, 0]], 1)


CURVED = black_box.Target(curved_prior, counts, (transforms.Positive(), transforms.Between()))


@pytest.mark.parametrize("transform", [transforms.Real(), transforms.Positive(), transforms.Between(-1.0, 3.0)])
def test_a_transform_keeps_what_it_promises(transform):
    z, h = np.array([-2.0, 0.1, 1.7]), 1e-6
    slope = (transform.forward(z + h) - transform.forward(z - h)) / (2 * h)
    assert np.allclose(np.log(slope), transform.log_slope(z), atol=1e-8)
    bend = (transform.log_slope(z + h) - transform.log_slope(z - h)) / (2 * h)
    assert np.allclose(bend, transform.bend(z), atol=1e-8)
    assert np.allclose(transform.inverse(transform.forward(z)), z, rtol=1e-12)


def test_the_density_keeps_its_mass_in_new_coordinates():
    density = stats.gamma(4, scale=0.5)
    T = transforms.Positive()
    mass, _ = quad(lambda z: density.pdf(T.forward(z)) * np.exp(T.log_slope(z)), -20, 10)
    forgotten, _ = quad(lambda z: density.pdf(T.forward(z)), -20, 10)
    assert mass == pytest.approx(1, abs=1e-9) and abs(forgotten - 1) > 0.01


@pytest.mark.parametrize("full", [False, True])
def test_a_gaussian_target_is_found(full):
    guess = black_box.Guess(PLAIN, 1, full=full, draws=64)
    rng = np.random.default_rng(0)
    run = optimization.run(
        guess, guess.start([0.0, 0.0], 1.0), Y[:1], rng, method=optimization.Adam(optimization.cosine(0.1, 800)), iterations=800
    )
    found, target = black_box.gaussian(run.params), Gaussian(MEAN, COVARIANCE)
    wanted, other = (target, mean_field.factorize(target)) if full else (mean_field.factorize(target), target)
    assert np.allclose(found.mean, wanted.mean, atol=0.03)
    assert np.allclose(found.covariance, wanted.covariance, atol=0.03)
    assert not np.allclose(found.covariance, other.covariance, atol=0.1)
    evidence = 0.5 * np.linalg.slogdet(2 * np.pi * COVARIANCE)[1]
    gap = guess._replace(draws=20_000).loss(run.params, Y[:1], rng) + evidence
    assert gap == pytest.approx(0.0 if full else -0.5 * np.log(1 - 0.36 / 0.8), abs=0.03)


@pytest.mark.parametrize("full", [False, True])
def test_the_pathwise_gradient_is_that_of_the_loss(full):
    rng = np.random.default_rng(1)
    guess = black_box.Guess(CURVED, 6, full=full, draws=5)
    y = rng.poisson(2.0, 6)
    params = guess.start([1.5, 0.3], 0.5)._replace(lower=np.array([[0.0, 0.0], [0.4 * full, 0.0]]))
    found = parameters.flatten(guess.value_and_gradient(params, y, np.random.default_rng(7))[1]).vector
    flat = parameters.flatten(params).vector
    for i in range(len(flat)):
        h = 1e-6 * np.eye(len(flat))[i]
        up, down = (guess.loss(parameters.view(flat + e, params), y, np.random.default_rng(7)) for e in (h, -h))
        frozen = i >= 4 and (i != 6 or not full)
        assert found[i] == pytest.approx(0.0 if frozen else (up - down) / 2e-6, rel=1e-6, abs=1e-8)


def test_both_estimators_agree_on_average_and_the_score_function_is_noisier():
    y = np.array([1, 3, 2])
    answers = {}
    for estimator in black_box.ESTIMATORS:
        guess = black_box.Guess(CURVED, 3, full=True, draws=10, estimator=estimator)
        params = guess.start([1.5, 0.3], 0.4)._replace(lower=np.array([[0.0, 0.0], [0.3, 0.0]]))
        rng = np.random.default_rng(2)
        found = [parameters.flatten(guess.value_and_gradient(params, y, rng)[1]).vector for _ in range(3000)]
        answers[estimator] = np.array(found)[:, [0, 1, 2, 3, 6]]
    path, score = answers.values()
    error = np.sqrt((path.var(0) + score.var(0)) / 3000)
    assert (np.abs(path.mean(0) - score.mean(0)) < 5 * error).all()
    assert (score.var(0) > path.var(0)).all()
    assert (np.abs(0.9 * score.mean(0) - path.mean(0)) > 5 * error).any()


def test_batches_stand_for_all_data():
    rng = np.random.default_rng(3)
    guess, y = black_box.Guess(CURVED, 6), rng.poisson(2.0, 6)
    params = guess.start([1.5, 0.3], 0.5)
    whole, whole_gradient = guess.value_and_gradient(params, y, np.random.default_rng(5))
    parts = [guess.value_and_gradient(params, batch, np.random.default_rng(5)) for batch in y.reshape(3, 2)]
    assert np.mean([loss for loss, _ in parts]) == pytest.approx(whole, rel=1e-12)
    assert np.std([loss for loss, _ in parts]) > 0
    slopes = np.array([parameters.flatten(slope).vector for _, slope in parts])
    assert np.allclose(slopes.mean(0), parameters.flatten(whole_gradient).vector, rtol=1e-12)
    assert slopes.std(0).max() > 0


def test_laplace_is_exact_for_a_gaussian_and_is_the_curvature_elsewhere():
    found = black_box.laplace(PLAIN, Y, [5.0, 5.0])
    assert np.allclose(found.mean, MEAN, atol=1e-6) and np.allclose(found.covariance, COVARIANCE, rtol=1e-5)
    y = np.array([1, 3, 2])
    found = black_box.laplace(CURVED, y, [1.0, 0.5])
    # Gamma(a, b) in log x: mode at a / b, curvature a. Beta(a, b) in the logit: mode a / (a + b), curvature ab / (a + b).
    assert np.exp(found.mean[0]) == pytest.approx(9 / 5, rel=1e-6)
    assert np.diag(found.covariance) == pytest.approx([1 / 9, 6 / 8], rel=1e-4)


def test_the_effective_share_knows_a_good_guess():
    rng = np.random.default_rng(4)
    guess = black_box.Guess(PLAIN, 1, full=True)
    L = np.linalg.cholesky(COVARIANCE)
    right = black_box.Parameters(MEAN, np.log(np.diag(L)), np.tril(L, -1))
    assert guess.importance(right, Y[:1], 500, rng) == pytest.approx(1, abs=1e-9)
    assert guess.importance(right._replace(mean=MEAN + 1), Y[:1], 500, rng) < 0.6
    # Far away nearly all weights are nothing beside the largest, whose logarithm is below -1,000.
    far = right._replace(mean=MEAN + 60)
    share = guess.importance(far, Y[:1], 500, np.random.default_rng(5))
    x = MEAN + 60 + np.random.default_rng(5).standard_normal((500, 2)) @ L.T
    logs = stats.multivariate_normal(MEAN, COVARIANCE).logpdf(x) - stats.multivariate_normal(MEAN + 60, COVARIANCE).logpdf(x)
    weights = np.exp(logs - logs.max())
    assert logs.max() < -1000 and share == pytest.approx(weights.sum() ** 2 / np.square(weights).sum() / 500, rel=1e-6)


@pytest.mark.parametrize("call, words", [
    (lambda: transforms.Positive().inverse([1.0, -1.0]), "x: expected numbers above 0"),
    (lambda: black_box.log_joint(PLAIN, np.zeros((3, 3)), Y), "z: expected shape"),
    (lambda: black_box.Guess(PLAIN, 1, estimator="magic").loss(black_box.Guess(PLAIN, 1).start([0.0, 0.0], 1.0), Y, np.random.default_rng(0)), "estimator"),
    (lambda: black_box.log_joint(PLAIN._replace(log_prior=lambda x: (x, x)), np.zeros((3, 2)), Y), "log_prior, values"),
    (lambda: black_box.Guess(PLAIN, 1).start([0.0, 0.0], 0.0), "deviation"),
])
def test_a_bad_argument_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
