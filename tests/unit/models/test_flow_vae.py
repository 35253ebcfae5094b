"""The bent guess against brute-force Jacobians, quadrature, closed forms, differences, and the plain autoencoder."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp

from pedagogy_lib.learning import bijections, networks, optimization, parameters
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.deep import flow_vae, vae

OUTPUTS = {
    "Gaussian": lambda rng, N, D: rng.normal(size=(N, D)),
    "Bernoulli": lambda rng, N, D: rng.integers(2, size=(N, D)).astype(float),
    "Categorical": lambda rng, N, D: np.eye(D)[rng.integers(D, size=N)],
    "Poisson": lambda rng, N, D: rng.poisson(2.0, size=(N, D)).astype(float),
}


def problem(kind="Bernoulli", latents=2, planes=2, N=5, D=4, seed=0):
    rng = np.random.default_rng(seed)
    y = OUTPUTS[kind](rng, N, D)
    params = flow_vae.start(y, latents, planes, (6, 5), networks.Tanh, getattr(outputs, kind), rng)
    last = params.recognition[-1]
    params = params._replace(recognition=(*params.recognition[:-1], last._replace(biases=0.5 * rng.normal(size=len(last.biases)))))
    return y, params if kind != "Gaussian" else params._replace(log_noise=rng.normal(size=1))


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize(("latents", "planes"), [(2, 0), (2, 3), (3, 2), (1, 2)])
def test_the_gradient_is_that_of_the_loss_at_fixed_draws(kind, latents, planes):
    y, params = problem(kind, latents, planes)
    flat = parameters.flatten(params)
    value, found = flow_vae.value_and_gradient(params, y, np.random.default_rng(9))
    slope = parameters.flatten(found).vector
    assert value == flow_vae.loss(params, y, np.random.default_rng(9))
    for along in np.random.default_rng(1).normal(size=(4, flat.vector.size)):
        up, down, other = (
            flow_vae.loss(parameters.view(flat.vector + h * along, params), y, np.random.default_rng(seed))
            for h, seed in ((1e-5, 9), (-1e-5, 9), (1e-5, 8))
        )
        assert_allclose(slope @ along, (up - down) / 2e-5, rtol=3e-5, atol=1e-6)
        assert not np.isclose(slope @ along, (other - down) / 2e-5, rtol=1e-2)       # other draws: no derivative


@pytest.mark.parametrize(("latents", "planes"), [(2, 0), (2, 3), (3, 4)])
def test_the_density_is_the_noise_s_over_the_jacobian(latents, planes):
    y, params = problem("Bernoulli", latents, planes)
    q, e = flow_vae.recognize(params, y), np.random.default_rng(3).normal(size=(5, latents))
    found = flow_vae.bend(q, e)
    columns = []
    for k in range(latents):
        h = 1e-6 * np.eye(latents)[k]
        columns.append((flow_vae.bend(q, e + h).latents - flow_vae.bend(q, e - h).latents) / 2e-6)
    log_volume = np.linalg.slogdet(np.stack(columns, 2))[1]
    of_noise = -0.5 * (e**2).sum(1) - 0.5 * latents * np.log(2 * np.pi)
    assert_allclose(found.log_density, of_noise - log_volume, atol=1e-7)
    diagonals = np.log(np.einsum("nii->ni", q.factors)).sum(1)
    if planes:
        assert np.abs(found.log_density - (of_noise - diagonals)).max() > 1e-2       # without the planes' volumes


def test_a_plane_of_one_datum_is_the_bijection():
    y, params = problem(planes=1)
    q, e = flow_vae.recognize(params, y), np.random.default_rng(3).normal(size=(5, 2))
    found = flow_vae.bend(q, e)
    for n in range(5):
        plane = bijections.Planar(q.pushes[n, 0], q.normals[n, 0], q.offsets[n])
        before = (q.means[n] + q.factors[n] @ e[n])[None]
        passage = plane.run(before)
        assert_allclose(found.latents[n], passage.output[0])
        gaussian = -0.5 * e[n] @ e[n] - np.log(2 * np.pi) - np.log(np.diag(q.factors[n])).sum()
        assert_allclose(found.log_density[n], gaussian - passage.log_volume[0])
        assert np.abs(found.latents[n] - before).max() > 1e-3


def test_without_correlation_and_planes_it_is_the_plain_autoencoder():
    rng = np.random.default_rng(0)
    y = OUTPUTS["Bernoulli"](rng, 6, 4)
    plain = vae.start(y, 2, (6, 5), networks.Tanh, outputs.Bernoulli, rng)
    last = plain.recognition[-1]
    wider = last._replace(weights=np.vstack([last.weights, np.zeros((1, 5))]), biases=np.append(last.biases, 0.0))
    params = flow_vae.Parameters((*plain.recognition[:-1], wider), plain.emission, None)
    one, other = (
        model.log_marginal(p, y, np.random.default_rng(4), 20) for model, p in ((flow_vae, params), (vae, plain))
    )
    assert_allclose(one, other, rtol=1e-12)
    tilted = wider._replace(biases=wider.biases + np.array([0, 0, 0, 0, 0.5]))
    bent = flow_vae.Parameters((*plain.recognition[:-1], tilted), plain.emission, None)
    assert np.abs(flow_vae.log_marginal(bent, y, np.random.default_rng(4), 20) - other).max() > 1e-3


def city(y):
    """Where am I, if a noisy reading says how far away in city blocks? The posterior is a ring with corners."""
    walk = networks.Rectified(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), np.zeros(4))
    emission, log_noise = (walk, outputs.Gaussian(np.ones((1, 4)), np.zeros(1))), np.array([np.log(1 / 16)])
    edge = np.linspace(-6, 6, 481)
    x = np.stack(np.meshgrid(edge, edge), -1).reshape(-1, 2)
    joint = -0.5 * (x**2).sum(1) - np.log(2 * np.pi) - 8 * (y - np.abs(x).sum(1)) ** 2 - 0.5 * np.log(2 * np.pi / 16)
    return emission, log_noise, logsumexp(joint) + 2 * np.log(edge[1] - edge[0])


def fitted(emission, log_noise, y, planes, steps=1500, seed=0, **kw):
    model, rng = flow_vae.Local(emission, log_noise, copies=100, **kw), np.random.default_rng(seed)
    numbers = np.hstack([np.zeros((len(y), 5)), 0.5 * rng.normal(size=(len(y), 5 * planes))])
    found = optimization.run(model, numbers, y, rng, method=optimization.Adam(optimization.cosine(0.03, steps)), iterations=steps)
    judge = flow_vae.Local(emission, log_noise, copies=20_000)
    return found.params, judge.loss(found.params, y, np.random.default_rng(7))


def test_bending_closes_the_gap_to_the_exact_cost():
    emission, log_noise, exact = city(1.0)
    y = np.array([[1.0]])
    gaps = [min(fitted(emission, log_noise, y, planes, seed=seed)[1] for seed in range(3)) + exact for planes in (0, 8)]
    assert gaps[0] > 1.0 and 0 < gaps[1] < 0.25


def test_a_linear_model_s_posterior_is_found_if_the_guess_may_be_correlated():
    C, noise = np.array([[1.0, 0.8], [0.2, 1.0], [1.0, 1.0]]), 0.3
    y = np.array([[1.0, -0.5, 0.4], [-2.0, 0.3, 1.0]])
    emission, log_noise = (outputs.Gaussian(C, np.zeros(3)),), np.array([np.log(noise)])
    covariance = np.linalg.inv(np.eye(2) + C.T @ C / noise)
    marginal = C @ C.T + noise * np.eye(3)
    exact = -0.5 * np.einsum("ni,ij,nj->n", y, np.linalg.inv(marginal), y) - 0.5 * np.linalg.slogdet(2 * np.pi * marginal)[1]
    numbers, cost = fitted(emission, log_noise, y, 0, steps=800)
    q = flow_vae.guess(numbers, 2)
    assert_allclose(q.means, y @ C @ covariance / noise, atol=0.02)
    assert_allclose(q.factors @ q.factors.transpose(0, 2, 1), [covariance] * 2, atol=0.02)
    assert cost == pytest.approx(-exact.mean(), abs=0.005)
    numbers, apart = fitted(emission, log_noise, y, 0, steps=800, correlated=False)
    assert (numbers[:, 4] == 0).all() and apart > cost + 0.1
    # The best diagonal guess has the inverse of the precision's diagonal for variances: a gap in closed form.
    precision = np.linalg.inv(covariance)
    gap = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    assert apart - cost == pytest.approx(gap, abs=0.01)


def test_local_numbers_and_their_slope():
    y, params = problem("Bernoulli", 2, 2)
    model = flow_vae.Local(params.emission, None, copies=3)
    numbers = np.random.default_rng(0).normal(size=(5, flow_vae.width(2, 2)))
    _, slope = model.value_and_gradient(numbers, y, np.random.default_rng(1))
    for n, k in ((0, 0), (1, 3), (2, 4), (3, 6), (4, 9), (0, 13)):
        h = 1e-6 * np.outer(np.eye(5)[n], np.eye(15)[k])
        up, down = (model.loss(numbers + sign * h, y, np.random.default_rng(1)) for sign in (1, -1))
        assert slope[n, k] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-9)


def test_more_samples_come_nearer_to_the_quadrature():
    y, params = problem("Bernoulli")
    edge = np.linspace(-7, 7, 281)
    x = np.stack(np.meshgrid(edge, edge), -1).reshape(-1, 2)
    eta = networks.forward(params.emission, x).output
    joint = (-0.5 * (x**2).sum(1) - np.log(2 * np.pi) - np.logaddexp(0, eta).sum(1))[:, None] + eta @ y.T
    exact = logsumexp(joint, axis=0) + 2 * np.log(edge[1] - edge[0])
    assert_allclose(flow_vae.log_marginal(params, y, np.random.default_rng(0), 20_000), exact, atol=0.08)
    bound = np.mean([flow_vae.log_marginal(params, y, np.random.default_rng(s), 1) for s in range(500)])
    assert bound == pytest.approx(-np.mean([flow_vae.loss(params, y, np.random.default_rng(s)) for s in range(500)]))
    assert bound < exact.mean() - 0.1


def test_learning_in_single_precision():
    y = OUTPUTS["Bernoulli"](np.random.default_rng(0), 40, 4).astype(np.float32)
    start = flow_vae.start(y, 2, 2, (8,), networks.Tanh, outputs.Bernoulli, np.random.default_rng(1))
    found = optimization.run(flow_vae, start, y, np.random.default_rng(2), method=optimization.Adam(0.01), iterations=200)
    assert {leaf.dtype for _, leaf in parameters.leaves(found.params, "p")} == {np.dtype(np.float32)}
    judge = lambda params: flow_vae.log_marginal(params, y, np.random.default_rng(3), 50).mean()
    assert judge(found.params) > judge(start) + 0.02


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y, p: flow_vae.loss(p._replace(recognition=p.recognition[:-1]), y, 0), "params.recognition"),
        (lambda y, p: flow_vae.guess(np.zeros((3, 7)), 2), "numbers: expected 5 columns and 5 for each planar layer, got 7"),
        (lambda y, p: flow_vae.Local(p.emission, None).loss(np.zeros((4, 5)), y, np.random.default_rng(0)), "numbers"),
        (lambda y, p: flow_vae.Local(p.emission, np.zeros(1)).loss(np.zeros((5, 5)), y, np.random.default_rng(0)), "log_noise"),
        (lambda y, p: flow_vae.bend(flow_vae.recognize(p, y), np.zeros((5, 3))), "noise"),
        (lambda y, p: flow_vae.loss(p, y[:, :3], np.random.default_rng(0)), "y"),
        (lambda y, p: flow_vae.width(2, -1), "planes"),
        (lambda y, p: flow_vae.bend(flow_vae.guess(np.zeros((5, 10)), 2), np.ones((5, 2))), "normals: expected vectors with a direction"),
    ],
)
def test_refused(call, message):
    y, params = problem()
    with pytest.raises((ValueError, TypeError), match=message):
        call(y, params)
