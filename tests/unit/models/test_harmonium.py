"""The harmonium against tables of its whole joint distribution, quadrature, differences, and draws."""

from itertools import islice, product
from math import exp, lgamma, log, pi

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate

from pedagogy_lib.distributions.exponential_family import dispersion, layers, vectors
from pedagogy_lib.distributions.exponential_family.multinomial import multinomial
from pedagogy_lib.learning import optimization, parameters
from pedagogy_lib.models.undirected import harmonium
from pedagogy_lib.models.undirected.harmonium import Parameters

KINDS = {"Bernoulli": layers.Bernoulli, "Gaussian": layers.Gaussian, "Poisson": layers.Poisson}


def machine(kind="Bernoulli", K=3, D=4, seed=0):
    """A harmonium of coins below, with weights that matter, and data that its visible layer may have."""
    rng = np.random.default_rng(seed)
    visible = KINDS[kind](0.5 * rng.normal(size=D))
    params = Parameters(0.8 * rng.normal(size=(K, D)), layers.Bernoulli(rng.normal(size=K)), visible)
    y = {"Bernoulli": rng.integers(2, size=(9, D)), "Gaussian": rng.normal(size=(9, D)), "Poisson": rng.poisson(2, size=(9, D))}[kind]
    return params, y.astype(float)


def log_weight(kind, params, x, y):
    """log of the unnormalized joint density of one pair, term by term with Python's own loops."""
    total = sum(b * v for b, v in zip(params.hidden.biases, x)) + sum(b * v for b, v in zip(params.visible.biases, y))
    total += sum(params.weights[k, d] * x[k] * y[d] for k in range(len(x)) for d in range(len(y)))
    if kind == "Poisson":
        total -= sum(lgamma(v + 1) for v in y)
    if kind == "Gaussian":
        total -= sum(v * v + log(2 * pi) for v in y) / 2
    return total


def table(params):
    """The joint probabilities of a restricted Boltzmann machine, all of them, and Z."""
    K, D = params.weights.shape
    xs, ys = list(product((0, 1), repeat=K)), list(product((0, 1), repeat=D))
    joint = np.array([[exp(log_weight("Bernoulli", params, x, y)) for y in ys] for x in xs])
    return np.array(xs, float), np.array(ys, float), joint / joint.sum(), joint.sum()


def test_energies_marginals_and_the_normalizer_are_those_of_the_table():
    params, _ = machine()
    xs, ys, joint, Z = table(params)
    assert harmonium.log_partition(params) == pytest.approx(log(Z), rel=1e-13)
    for i, x in enumerate(xs):
        found = harmonium.energy(params, np.tile(x, (len(ys), 1)), ys)
        assert_allclose(np.exp(-found) / Z, joint[i], rtol=1e-12)
    assert_allclose(np.exp(harmonium.log_marginal(params, ys)), joint.sum(0), rtol=1e-12)
    assert_allclose(np.exp(-harmonium.marginal_energy(params, ys)), joint.sum(0) * Z, rtol=1e-12)
    wrong = params._replace(weights=-params.weights)        # energies of the wrong sign are another machine
    assert abs(harmonium.log_partition(wrong) - log(Z)) > 0.1


@pytest.mark.parametrize("K, D", [(2, 5), (5, 2), (3, 3)])
def test_the_sum_goes_over_either_layer(K, D):
    params, _ = machine(K=K, D=D)
    assert harmonium.log_partition(params) == pytest.approx(log(table(params)[3]), rel=1e-13)
    turned = Parameters(params.weights.T, params.visible, params.hidden)
    assert harmonium.log_partition(turned) == pytest.approx(harmonium.log_partition(params), rel=1e-13)
    other = harmonium.model_phase(turned)
    assert_allclose(other.weights.T, harmonium.model_phase(params).weights, rtol=1e-12)
    assert_allclose(other.hidden.biases, harmonium.model_phase(params).visible.biases, rtol=1e-12)


def test_the_conditionals_are_the_rows_and_columns_of_the_table():
    params, _ = machine()
    xs, ys, joint, _ = table(params)
    assert_allclose(harmonium.posterior(params, ys).means, (joint / joint.sum(0)).T @ xs, rtol=1e-12)
    assert_allclose(harmonium.emission(params, xs).means, (joint / joint.sum(1)[:, None]) @ ys, rtol=1e-12)
    asymmetric = params._replace(weights=params.weights + 0.1)
    assert np.abs(harmonium.posterior(asymmetric, ys).means - (joint / joint.sum(0)).T @ xs).max() > 1e-3


def test_the_two_phases_are_averages_over_the_table():
    params, y = machine()
    xs, ys, joint, _ = table(params)
    found = harmonium.model_phase(params)
    assert_allclose(found.weights, np.einsum("ij,ik,jd->kd", joint, xs, ys), rtol=1e-12)
    assert_allclose(found.hidden.biases, joint.sum(1) @ xs, rtol=1e-12)
    assert_allclose(found.visible.biases, joint.sum(0) @ ys, rtol=1e-12)
    seen = [int("".join(str(int(v)) for v in row), 2) for row in y]
    hybrid = (joint / joint.sum(0))[:, seen] / len(y)
    assert_allclose(harmonium.phase(params, y).weights, np.einsum("in,ik,nd->kd", hybrid, xs, y), rtol=1e-12)
    weights = np.arange(1.0, 10.0)
    assert_allclose(harmonium.phase(params, y, weights).visible.biases, weights @ y, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_the_loss_and_both_phases_are_needed(kind):
    params, y = machine(kind)
    value, found = harmonium.value_and_gradient(params, y)
    assert value == pytest.approx(harmonium.loss(params, y), rel=1e-13)
    flat, slope = parameters.flatten(params), parameters.flatten(found).vector
    numbers = np.empty_like(slope)
    for i, along in enumerate(np.eye(slope.size)):
        up, down = (harmonium.loss(parameters.view(flat.vector + h * along, params), y) for h in (1e-5, -1e-5))
        numbers[i] = (up - down) / 2e-5
    assert_allclose(slope, numbers, rtol=1e-5, atol=1e-8)
    wake = parameters.flatten(harmonium.phase(params, y)).vector
    assert np.abs(-wake - numbers).max() > 0.1              # the data phase alone is no gradient


def test_gaussian_and_coins_by_quadrature():
    params, y = machine("Gaussian", K=2, D=1)

    def density(v):
        return sum(exp(log_weight("Gaussian", params, x, [v])) for x in product((0, 1), repeat=2))

    Z = integrate.quad(density, -20, 20, epsabs=1e-13, epsrel=1e-12)[0]
    assert harmonium.log_partition(params) == pytest.approx(log(Z), rel=1e-11)
    assert_allclose(np.exp(harmonium.log_marginal(params, y)), [density(v) / Z for (v,) in y], rtol=1e-10)
    mean = integrate.quad(lambda v: v * density(v) / Z, -20, 20, epsabs=1e-13, epsrel=1e-12)[0]
    assert_allclose(harmonium.model_phase(params).visible.biases, [mean], rtol=1e-9)
    assert abs(mean - params.visible.biases[0]) > 1e-2      # which the bias alone is not


def test_counts_and_coins_by_a_long_sum():
    params, y = machine("Poisson", K=2, D=2)
    pairs = list(product(range(60), repeat=2))
    states = list(product((0, 1), repeat=2))
    tall = np.array([[exp(log_weight("Poisson", params, x, n)) for n in pairs] for x in states])
    Z = tall.sum()
    assert harmonium.log_partition(params) == pytest.approx(log(Z), rel=1e-12)
    at = [pairs.index(tuple(row)) for row in y]
    assert_allclose(np.exp(harmonium.log_marginal(params, y)), tall.sum(0)[at] / Z, rtol=1e-11)
    assert_allclose(harmonium.model_phase(params).visible.biases, tall.sum(0) @ np.array(pairs) / Z, rtol=1e-11)
    bare = sum(exp(log_weight("Bernoulli", params, x, n)) for x in states for n in product(range(5), repeat=2))
    assert abs(log(bare) - log(Z)) > 1                      # without 1 / n! it is another sum


def test_dice_below_normal_variables_of_any_variance():
    """Two statistics for each visible unit, two dice of three sides: nine Gaussians, by quadrature."""
    rng = np.random.default_rng(5)
    hidden = layers.Categorical(rng.normal(size=(2, 3)))
    params = Parameters(rng.uniform(-0.4, 0.4, size=(6, 2)), hidden, layers.Normal(np.array([[0.3, -1.2]])))

    def density(v):
        total = 0.0
        for i, j in product(range(3), repeat=2):
            e1 = 0.3 + params.weights[i, 0] + params.weights[3 + j, 0]
            e2 = -1.2 + params.weights[i, 1] + params.weights[3 + j, 1]
            total += exp(hidden.biases[0, i] + hidden.biases[1, j] + e1 * v + e2 * v * v) / (2 * pi) ** 0.5
        return total

    Z = integrate.quad(density, -30, 30, epsabs=1e-13, epsrel=1e-12)[0]
    assert harmonium.log_partition(params) == pytest.approx(log(Z), rel=1e-11)
    y = rng.normal(size=(4, 1))
    assert_allclose(np.exp(harmonium.log_marginal(params, y)), [density(v) / Z for (v,) in y], rtol=1e-10)
    square = integrate.quad(lambda v: v * v * density(v) / Z, -30, 30, epsabs=1e-13, epsrel=1e-12)[0]
    assert_allclose(harmonium.model_phase(params).visible.biases[0, 1], square, rtol=1e-9)
    flat, slope = parameters.flatten(params), parameters.flatten(harmonium.value_and_gradient(params, y)[1]).vector
    for along in rng.normal(size=(4, slope.size)):
        up, down = (harmonium.loss(parameters.view(flat.vector + h * along, params), y) for h in (1e-5, -1e-5))
        assert slope @ along == pytest.approx((up - down) / 2e-5, rel=1e-6)
    drawn = harmonium.sample(params, 40_000, np.random.default_rng(8))
    assert_allclose((drawn.observations**2).mean(), square, rtol=0.04)
    assert_allclose(drawn.latents.mean(0), harmonium.model_phase(params).hidden.biases.ravel(), atol=0.015)


def test_positive_numbers_above_coins():
    """Exponential and gamma variables: as long as every rate stays positive."""
    params = Parameters(np.array([[-0.5], [0.4]]), layers.Bernoulli(np.array([0.2, -0.3])), layers.Exponential(np.array([-1.0])))
    Z = sum(exp(0.2 * a - 0.3 * b) / (1 + 0.5 * a - 0.4 * b) for a, b in product((0, 1), repeat=2))
    assert harmonium.log_partition(params) == pytest.approx(log(Z), rel=1e-13)
    with pytest.raises(ValueError, match="natural parameter 0 of the visible layer must stay between -inf and 0"):
        harmonium.log_partition(params._replace(weights=np.array([[0.6], [0.4]])))
    shape = Parameters(np.array([[1.0, -0.5]]), layers.Bernoulli(np.array([0.1])), layers.Gamma(np.array([[0.5, -1.0]])))
    whole = integrate.quad(lambda v: v**0.5 * exp(-v) * (1 + exp(0.1 + log(v) - 0.5 * v)), 0, np.inf, epsabs=1e-13, epsrel=1e-11)[0]
    assert harmonium.log_partition(shape) == pytest.approx(log(whole), rel=1e-9)


def test_heads_of_several_tosses_are_as_many_coins_of_equal_weight():
    """Three coins that share their bias and their weights: only their number of heads matters."""
    rng = np.random.default_rng(11)
    w, b, visible = rng.normal(size=4), 0.3, layers.Bernoulli(rng.normal(size=4))
    tosses = Parameters(w[None], layers.binomial(3)(np.array([b])), visible)
    coins = Parameters(np.tile(w, (3, 1)), layers.Bernoulli(np.full(3, b)), visible)
    y = rng.integers(2, size=(6, 4)).astype(float)
    assert_allclose(harmonium.log_marginal(tosses, y), np.log(table(coins)[2].sum(0))[(y @ [8, 4, 2, 1]).astype(int)], rtol=1e-12)
    found, apart = harmonium.value_and_gradient(tosses, y)[1], harmonium.value_and_gradient(coins, y)[1]
    assert_allclose(found.weights[0], apart.weights.sum(0), rtol=1e-11, atol=1e-14)
    assert_allclose(found.hidden.biases[0], apart.hidden.biases.sum(), rtol=1e-11, atol=1e-14)
    assert harmonium.log_partition(tosses) != pytest.approx(np.log(table(coins._replace(weights=0 * coins.weights))[3]), rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_block_gibbs_leaves_the_model_as_it_is(kind):
    params, _ = machine(kind)
    want = harmonium.model_phase(params)
    drawn = harmonium.sample(params, 20_000, np.random.default_rng(1))
    stream = list(islice(harmonium.gibbs(params, drawn.observations, np.random.default_rng(2)), 3))
    assert [one.iteration for one in stream] == [0, 1, 2]
    scale = 6 * drawn.observations.std(0).max() / 20_000**0.5
    for one in (drawn, stream[0], stream[2]):
        assert_allclose(one.observations.mean(0), want.visible.biases, atol=scale)
        assert_allclose(one.latents.mean(0), want.hidden.biases, atol=0.02)
        assert_allclose(one.latents.T @ one.observations / 20_000, want.weights, atol=1.5 * scale)
    loose = harmonium.sample(harmonium.loosened(params, 0.0), 20_000, np.random.default_rng(1))
    assert np.abs(loose.latents.T @ loose.observations / 20_000 - want.weights).max() > 1.5 * scale


def test_the_transition_matrix_of_gibbs_has_the_model_as_its_fixed_point():
    params, _ = machine(K=2, D=2)
    xs, ys, joint, _ = table(params)
    matrix = (joint / joint.sum(0)).T @ (joint / joint.sum(1)[:, None])  # rows: from y to x to y
    begin = np.repeat(ys, 20_000, axis=0)
    after = harmonium.sweep(params, begin, np.random.default_rng(3)) @ [2, 1]
    for i in range(4):
        shares = np.bincount(after[i * 20_000 : (i + 1) * 20_000].astype(int), minlength=4) / 20_000
        assert_allclose(shares, matrix[i], atol=0.02)
    assert_allclose(joint.sum(0) @ matrix, joint.sum(0), rtol=1e-12)


def test_without_weights_everything_is_known():
    params, _ = machine("Poisson")
    loose = harmonium.loosened(params, 0.0)
    assert harmonium.independent_log_partition(params) == pytest.approx(harmonium.log_partition(loose), rel=1e-13)
    assert harmonium.independent_log_partition(params) != pytest.approx(harmonium.log_partition(params), rel=1e-3)
    y = harmonium.draw_independent(params, 20_000, np.random.default_rng(0))
    assert_allclose(y.mean(0), np.exp(params.visible.biases), rtol=0.05)


PAIRS = {
    "two Gaussian layers need weights of spectral norm below 1": (layers.Gaussian, layers.Gaussian, [[1.1]]),
    "two Poisson layers need weights that are not positive": (layers.Poisson, layers.Poisson, [[0.1]]),
    "have no normalizer unless all weights are 0": (layers.Gaussian, layers.Poisson, [[-0.1]]),
    "natural parameter 0 of the hidden layer must stay": (layers.Exponential, layers.Gaussian, [[0.1]]),
    "no normalizer is known for layers of Normal and Poisson": (layers.Normal, layers.Poisson, [[0.1], [0.0]]),
}


@pytest.mark.parametrize("reason", PAIRS)
def test_a_pair_without_a_joint_is_refused_with_the_reason(reason):
    hidden, visible, W = PAIRS[reason]
    params = Parameters(np.array(W), hidden.at_rest(1), visible.at_rest(1))
    with pytest.raises(ValueError, match=reason):
        harmonium.posterior(params, np.ones((2, 1)))
    assert harmonium.inconsistency(params._replace(weights=0 * params.weights)) is None


def test_what_is_refused_diverges_and_what_is_not_does_not():
    """Sums over longer and longer stretches of y, the other layer being summed in closed form."""
    def sums(log_terms):
        return [np.logaddexp.reduce(log_terms(np.arange(n, dtype=float))) for n in (20, 40, 80)]

    lgammas = lambda n: np.array([lgamma(v + 1) for v in n])
    few = sums(lambda n: np.exp(-0.5 * n) - lgammas(n))
    many = sums(lambda n: np.exp(0.1 * n) - lgammas(n))
    assert few[2] == pytest.approx(few[1], rel=1e-12)
    assert many[2] > many[1] + 100
    pair = Parameters(np.array([[-0.5]]), layers.Poisson.at_rest(1), layers.Poisson.at_rest(1))
    assert harmonium.inconsistency(pair) is None
    assert harmonium.inconsistency(pair._replace(weights=np.array([[0.1]])))
    # A Gaussian above a Poisson layer, the Gaussian integrated out: w^2 n^2 / 2 outgrows log n! for the smallest w.
    stretches = [np.logaddexp.reduce(0.02 * np.arange(n, dtype=float) ** 2 - lgammas(np.arange(n))) for n in (100, 200, 400, 800)]
    assert stretches[1] == pytest.approx(stretches[0], abs=1e-9)  # as if it had an end
    assert stretches[3] > stretches[2] + 1000
    rates = Parameters(np.array([[-0.7]]), layers.Exponential.at_rest(1), layers.Exponential.at_rest(1))
    assert harmonium.inconsistency(rates) is None
    inner = lambda x: exp(-x) / (1 + 0.7 * x)
    y = np.array([[0.5], [2.0]])
    Z = integrate.quad(inner, 0, np.inf)[0]
    outer = integrate.quad(lambda v: float(np.exp(-harmonium.marginal_energy(rates, [[v]]))[0]), 1e-12, np.inf)[0]
    assert outer == pytest.approx(Z, rel=1e-8)
    assert_allclose(harmonium.posterior(rates, y).means, 1 / (1 + 0.7 * y))
    grid = np.linspace(-60, 60, 4001)
    for w, bounded in ((0.9, True), (1.1, False)):
        log_terms = -(grid**2) / 2 + (w * grid) ** 2 / 2    # the other Gaussian integrated out
        assert (log_terms[-1] < -100) is np.bool_(bounded)
        both = Parameters(np.array([[w]]), layers.Gaussian.at_rest(1), layers.Gaussian.at_rest(1))
        assert (harmonium.inconsistency(both) is None) == bounded
    with pytest.raises(ValueError, match="weights of 0 between Poisson and Poisson units for an exact sum"):
        harmonium.log_partition(pair)


def solutions(A, D):
    """How many independent pairs (B, C) solve C'D = A'B, the last line of the textbook's proof (Eqs. 3.2-3.4)."""
    (P, m), (Q, n) = A.shape, D.shape
    columns = [A.T @ one.reshape(P, n) for one in np.eye(P * n)] + [-one.reshape(Q, m).T @ D for one in np.eye(Q * m)]
    return len(columns) - np.linalg.matrix_rank(np.stack([column.ravel() for column in columns]))


def test_only_transposed_weights_make_the_conditionals_consistent():
    """Every solution is B = W D, C = W'A, one for each W: exactly as many as W has entries. It takes independent rows."""
    rng = np.random.default_rng(7)
    A, D = rng.normal(size=(2, 5)), rng.normal(size=(3, 4))
    W = rng.normal(size=(2, 3))
    assert_allclose((W.T @ A).T @ D, A.T @ (W @ D), rtol=1e-12)
    assert solutions(A, D) == W.size
    assert np.linalg.matrix_rank(A) == 2 < A.shape[1]       # the columns of a fat matrix are never independent
    A[1] = 2 * A[0]
    assert solutions(A, D) > W.size


def test_conditionals_that_are_not_each_others_transposes_are_refused():
    params, y = machine()
    W = params.weights
    joined = harmonium.from_conditionals(params.hidden, W, params.visible, W.T)
    assert_allclose(harmonium.posterior(joined, y).means, harmonium.posterior(params, y).means)
    with pytest.raises(ValueError, match=r"down: expected the transpose of up.*Eq. 3.1"):
        harmonium.from_conditionals(params.hidden, W, params.visible, 1.01 * W.T)
    other = W.T.copy()
    other[1, 2] += 0.01                                     # one entry is enough
    with pytest.raises(ValueError, match=r"down: expected the transpose of up.*differ by 0.01"):
        harmonium.from_conditionals(params.hidden, W, params.visible, other)
    with pytest.raises(ValueError, match="down: expected shape"):
        harmonium.from_conditionals(params.hidden, W, params.visible, W)


@pytest.mark.parametrize("begin", ["rbm", "gaussian_bernoulli", "poisson_bernoulli"])
def test_the_three_machines_learn_from_where_they_start(begin):
    kind = {"rbm": "Bernoulli", "gaussian_bernoulli": "Gaussian", "poisson_bernoulli": "Poisson"}[begin]
    W = np.array([[2.0, 2, -2, -2], [0, 2, -2, 2], [-2, 0, 0, 2]]) / (1 if kind == "Bernoulli" else 2)
    balance = {"Bernoulli": W.sum(1) / 2, "Gaussian": (W**2).sum(1) / 2, "Poisson": np.expm1(W).sum(1)}[kind]
    visible = KINDS[kind](-W.sum(0) / 2 if kind == "Bernoulli" else np.zeros(4))
    truth = Parameters(W, layers.Bernoulli(-balance), visible)  # the biases oppose the weights
    y = harmonium.sample(truth, 300, np.random.default_rng(0)).observations
    rng = np.random.default_rng(1)
    params = getattr(harmonium, begin)(y, 3, rng)
    assert isinstance(params.visible, KINDS[kind]) and params.weights.shape == (3, 4)
    run = optimization.run(harmonium, params, y, rng, method=optimization.Adam(0.05), iterations=200)
    assert run.losses[-1] < run.losses[0] - 0.1
    assert run.losses[-1] < harmonium.loss(truth, y) + 0.02  # the best fit fits the sample better than the truth
    means = np.array([np.mean(y, 0), (params.visible.mean(params.visible.biases))])
    assert_allclose(means[0], means[1], atol=0.05)


def test_a_start_of_every_kind_is_consistent_or_refused():
    rng = np.random.default_rng(0)
    y = rng.integers(1, 4, size=(50, 2)).astype(float)
    for visible, hidden in product((layers.Gaussian, layers.Poisson, layers.Exponential, layers.Normal, layers.Gamma), (layers.Bernoulli, layers.Poisson)):
        if {visible, hidden} in ({layers.Gaussian, layers.Poisson}, {layers.Normal, layers.Poisson}, {layers.Gamma, layers.Poisson}):
            with pytest.raises(ValueError, match="normalizer|must stay"):
                harmonium.start(y, 2, visible, hidden, rng)
        else:
            params = harmonium.start(y, 2, visible, hidden, rng)
            assert np.isfinite(harmonium.marginal_energy(params, y)).all()
    assert harmonium.start((y > 2).astype(float), (2, 3), layers.Bernoulli, layers.Categorical, rng).weights.shape == (6, 2)


@pytest.mark.parametrize("kind", [layers.Bernoulli, layers.Poisson, layers.Gaussian, layers.Exponential, layers.Normal, layers.Gamma])
def test_a_layer_is_the_density_of_its_family(kind):
    rng = np.random.default_rng(4)
    layer = kind.at_rest(3)
    eta = layer.biases + 0.3 * np.abs(rng.normal(size=layer.biases.shape)) * (-1 if kind is layers.Exponential else 1)
    x = layer.draw(np.tile(eta.ravel(), (6, 1)), rng)
    T = layer.statistics(layer.values("x", x))
    found = layer.log_base(x) + T @ eta.ravel() - layer.log_partition(np.tile(eta.ravel(), (6, 1)))
    log_density = (vectors if eta.ndim == 2 else dispersion).log_density
    assert_allclose(found, log_density(kind.family, x, eta).sum(1), rtol=1e-12)
    h, means = 1e-6, layer.mean(eta.reshape(1, -1))[0]
    for i, along in enumerate(np.eye(layer.size)):
        up, down = (layer.log_partition((eta.ravel() + s * h * along)[None])[0] for s in (1, -1))
        assert (up - down) / (2 * h) == pytest.approx(means[i], rel=1e-6, abs=1e-8)


def test_arguments_are_checked():
    params, y = machine()
    with pytest.raises(ValueError, match=r"y: expected zeros and ones, got 0.5 at index \(0, 0\)"):
        harmonium.posterior(params, np.full((2, 4), 0.5))
    with pytest.raises(ValueError, match="x: expected as many rows as y, 9, got 8"):
        harmonium.energy(params, np.zeros((8, 3)), y)
    with pytest.raises(ValueError, match=r"params.weights: expected shape \(3, 4\)"):
        harmonium.log_partition(params._replace(weights=params.weights.T))
    with pytest.raises(TypeError, match="params.hidden: expected a layer"):
        harmonium.log_partition(params._replace(hidden=np.zeros(3)))
    with pytest.raises(TypeError, match="visible: expected a class of layers"):
        harmonium.start(y, 2, layers.Bernoulli.at_rest(4), layers.Bernoulli, np.random.default_rng(0))
    with pytest.raises(ValueError, match="at most 65536 states"):
        harmonium.log_partition(Parameters(np.zeros((17, 17)), layers.Bernoulli(np.zeros(17)), layers.Bernoulli(np.zeros(17))))
    with pytest.raises(ValueError, match="Poisson|whole numbers"):
        harmonium.posterior(machine("Poisson")[0], np.full((2, 4), 0.5))
    huge = Parameters(np.array([[800.0]]), layers.Bernoulli(np.zeros(1)), layers.Poisson(np.zeros(1)))
    with pytest.raises(ValueError, match="expected weights for which Z is a number, got log Z = inf"):
        harmonium.log_partition(huge)
    with pytest.raises(ValueError, match="one-hot dice"):
        harmonium.emission(Parameters(np.zeros((3, 1)), layers.Categorical(np.zeros((1, 3))), layers.Gaussian(np.zeros(1))), np.ones((1, 3)))


def words(length, K=2):
    """A harmonium of counts of three words in texts of some length, and coins."""
    rng = np.random.default_rng(12)
    return Parameters(1.2 * rng.normal(size=(K, 3)), layers.Bernoulli(rng.normal(size=K)), multinomial(length)(rng.normal(size=3)))


def test_counts_of_words_by_the_order_of_the_words():
    """Every text of four words, not only its counts: the machine of one die for each place, whose weights are shared."""
    params = words(4)
    joint = {}
    for text in product(range(3), repeat=4):
        counts = tuple(text.count(k) for k in range(3))
        for x in product((0, 1), repeat=2):
            linear = params.hidden.biases @ x + sum(params.visible.biases[k] + np.dot(x, params.weights[:, k]) for k in text)
            joint[counts, x] = joint.get((counts, x), 0.0) + exp(linear)
    Z = sum(joint.values())
    assert harmonium.log_partition(params) == pytest.approx(log(Z), rel=1e-12)
    ys = np.array(sorted({counts for counts, _ in joint}), float)
    p = [sum(joint[tuple(y.astype(int)), x] for x in product((0, 1), repeat=2)) / Z for y in ys]
    assert_allclose(np.exp(harmonium.log_marginal(params, ys)), p, rtol=1e-11)
    flat, slope = parameters.flatten(params), parameters.flatten(harmonium.value_and_gradient(params, ys)[1]).vector
    for along in np.random.default_rng(1).normal(size=(3, slope.size)):
        up, down = (harmonium.loss(parameters.view(flat.vector + h * along, params), ys) for h in (1e-5, -1e-5))
        assert slope @ along == pytest.approx((up - down) / 2e-5, rel=1e-6)


def test_a_text_of_another_length_scales_the_hidden_biases():
    """Twice the text with twice the counts: twice the natural parameters of the hidden layer, so that it is surer."""
    params = words(4)
    longer = harmonium.replicated(params, 8)
    y = np.array([[1.0, 3.0, 0.0], [2.0, 1.0, 1.0]])
    assert_allclose(harmonium.posterior(longer, 2 * y).natural, 2 * harmonium.posterior(params, y).natural, rtol=1e-12)
    unscaled = longer._replace(hidden=params.hidden)
    assert np.abs(harmonium.posterior(unscaled, 2 * y).natural - 2 * harmonium.posterior(params, y).natural).max() > 0.1
    assert_allclose(parameters.flatten(harmonium.replicated(longer, 4)).vector, parameters.flatten(params).vector, rtol=1e-14)


def test_draws_where_the_sum_goes_over_the_visible_layer():
    """Five coins above two: the hidden units are drawn given the visible ones, by their natural parameters."""
    rng, n = np.random.default_rng(21), 40_000
    W = 1.5 * rng.normal(size=(5, 2))
    params = Parameters(W, layers.Bernoulli(rng.normal(size=5)), layers.Bernoulli(rng.normal(size=2)))
    xs, ys = (np.array(list(product((0, 1), repeat=k)), float) for k in (5, 2))
    table = np.exp((xs @ params.hidden.biases)[:, None] + ys @ params.visible.biases + xs @ W @ ys.T)
    table /= table.sum()
    drawn = harmonium.sample(params, n, rng)
    pairs = (drawn.latents[:, :, None] * drawn.observations[:, None]).reshape(n, -1)
    want = np.einsum("ij,ik,jl->kl", table, xs, ys).ravel()
    assert (np.abs(pairs.mean(0) - want) < 4.5 * pairs.std(0) / n**0.5).all()
    assert (np.abs(drawn.latents.mean(0) - table.sum(1) @ xs) < 4.5 * drawn.latents.std(0) / n**0.5).all()


def test_two_gaussian_layers_are_one_gaussian():
    """Of the precision [[I, -W], [-W', I]]: averages and draws. `test_mixed_harmonium` has the layers of several families."""
    rng, n = np.random.default_rng(22), 40_000
    W = np.array([[0.5, -0.3, 0.1], [0.2, 0.4, -0.4]])
    params = Parameters(W, layers.Gaussian(np.array([0.3, -0.6])), layers.Gaussian(np.array([0.1, 0.5, -0.2])))
    spread = np.linalg.inv(np.block([[np.eye(2), -W], [-W.T, np.eye(3)]]))
    mean = spread @ np.concatenate([params.hidden.biases, params.visible.biases])
    found = harmonium.model_phase(params)
    assert_allclose(np.concatenate([found.hidden.biases, found.visible.biases]), mean, rtol=1e-12)
    assert_allclose(found.weights, spread[:2, 2:] + np.outer(mean[:2], mean[2:]), rtol=1e-12)
    drawn = np.hstack(harmonium.sample(params, n, rng))
    assert (np.abs(drawn.mean(0) - mean) < 4.5 * np.sqrt(np.diag(spread) / n)).all()
    assert_allclose(np.cov(drawn.T), spread, atol=0.05)
    assert np.abs(spread - np.diag(np.diag(spread))).max() > 0.3
