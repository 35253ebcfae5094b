"""Section 3.3, the Helmholtz machine, empty in the draft: what the two phases of wake-sleep descend."""

from itertools import islice, product

import numpy as np
from compare import assert_only_as_printed

from pedagogy_lib.distributions.exponential_family.layers import Bernoulli
from pedagogy_lib.models.undirected import helmholtz
from pedagogy_lib.models.undirected.helmholtz import Arrow, Parameters

H = np.array(list(product((0.0, 1.0), repeat=2)))       # hidden layer
Y = np.array(list(product((0.0, 1.0), repeat=3)))       # data
RNG = np.random.default_rng(0)
UP, A = RNG.normal(size=(2, 3)), RNG.normal(size=2)
DOWN, C = 2 * RNG.normal(size=(3, 2)), RNG.normal(size=3)
B = RNG.normal(size=2)
DATA = RNG.dirichlet(np.ones(8))


def coins(logits, values):
    p = 1 / (1 + np.exp(-logits))
    return np.where(values == 1, p, 1 - p).prod(-1)


def generative(down=DOWN):
    """p(y, h), shape (8, 4)."""
    return coins(H @ down.T + C, Y[:, None]) * coins(B, H)


def recognition(up=UP):
    """q(h|y), shape (8, 4)."""
    return coins((Y @ up.T + A)[:, None], H)


def slopes(function, at):
    """Central differences in every entry of a matrix."""
    found = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[place] = 1e-5
        found[place] = (function(at + step) - function(at - step)) / 2e-5
    return found


def free_energy(up=UP, down=DOWN):
    q = recognition(up)
    return DATA @ (q * np.log(q / generative(down))).sum(1)


def machine(up=UP):
    return Parameters((Arrow(up, Bernoulli(A)),), (Arrow(DOWN, Bernoulli(C)),), Bernoulli(B))


def test_result_wake():
    """The average of the delta rule over data and recognition, all tried, is the free energy's derivative."""
    left = slopes(lambda down: free_energy(down=down), DOWN)
    gap = Y[:, None] - 1 / (1 + np.exp(-(H @ DOWN.T + C)))                    # (8, 4, 3)
    delta = lambda weights: -np.einsum("nk,nkd,kh->dh", weights, gap, H)
    right = delta(DATA[:, None] * recognition())
    assert_only_as_printed(left, right, -right, delta(generative()), rtol=1e-7, atol=1e-9)
    rows = np.repeat(Y, np.random.default_rng(1).multinomial(400_000, DATA), axis=0)
    drawn = helmholtz.wake(machine(), rows, np.random.default_rng(2)).downward[0].weights
    np.testing.assert_allclose(drawn, right, atol=0.006)


def test_result_sleep():
    """The average of the delta rule over dreams is the derivative of one relative entropy, and not of the other."""
    p = generative()
    dreams = p.sum(1)
    posterior = p / dreams[:, None]
    over = lambda shares, up: shares @ (posterior * np.log(posterior / recognition(up))).sum(1)
    left = slopes(lambda up: over(dreams, up), UP)
    gap = H - (1 / (1 + np.exp(-(Y @ UP.T + A))))[:, None]
    right = -np.einsum("nk,nkh,nd->hd", p, gap, Y)
    on_data = slopes(lambda up: over(DATA, up), UP)
    assert_only_as_printed(left, right, slopes(free_energy, UP), on_data, rtol=1e-7, atol=1e-9)
    drawn = helmholtz.sleep(machine(), 400_000, np.random.default_rng(3)).upward[0].weights
    np.testing.assert_allclose(drawn, right, atol=0.006)


def test_result_wake_sleep_leaves_the_truth():
    """Two causes, either of which darkens three lamps: posteriors that no product of coins can hold."""
    truth = Parameters(
        (Arrow(np.zeros((2, 3)), Bernoulli(np.zeros(2))),),
        (Arrow(np.full((3, 2), 8.0), Bernoulli(np.full(3, -4.0))),), Bernoulli(np.full(2, -2.0)),
    )
    y = helmholtz.sample(truth, 2000, np.random.default_rng(0)).observations
    for seed in (1, 2):
        *_, last = islice(helmholtz.wake_sleep(truth, y, np.random.default_rng(seed), 0.2, batch=200), 2000)
        assert helmholtz.terms(last.params, y).cost > helmholtz.terms(truth, y).cost + 0.1
