"""Harmoniums of layers of several families: against quadrature and sums over both layers, written out by hand."""

import pickle
from itertools import product
from math import exp, lgamma, log, pi

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.distributions.exponential_family.dice import dice
from pedagogy_lib.distributions.exponential_family.mixed import mixed
from pedagogy_lib.distributions.exponential_family.multinomial import multinomial
from pedagogy_lib.learning import optimization, parameters
from pedagogy_lib.models.undirected import _joint, harmonium
from pedagogy_lib.models.undirected.harmonium import Parameters

RECORD = mixed((layers.Gaussian, 1), (layers.Bernoulli, 1), (layers.Poisson, 1))
GRID, COUNTS = np.linspace(-14, 14, 2801), range(60)


def record(seed=0, scale=0.6):
    rng = np.random.default_rng(seed)
    return Parameters(
        scale * rng.normal(size=(3, 3)), layers.Bernoulli(rng.normal(size=3)), RECORD(0.5 * rng.normal(size=3))
    )


def unnormalized(params, x, y):
    """exp(-energy) of one pair: a length, a coin and a count above three coins, term by term."""
    W, b, c = params.weights, params.hidden.biases, params.visible.biases
    total = sum(b[k] * x[k] for k in range(3)) + sum(c[d] * y[d] for d in range(3))
    total += sum(W[k, d] * x[k] * y[d] for k in range(3) for d in range(3))
    return exp(total - y[0] ** 2 / 2 - log(2 * pi) / 2 - lgamma(y[2] + 1))


def heights(params):
    """The same for every coin setting, over a grid of lengths, both sides of the coin, and all counts that matter."""
    W, b, c = params.weights, params.hidden.biases, params.visible.biases
    found = {}
    for x in product((0.0, 1.0), repeat=3):
        zeta = c + np.array(x) @ W
        length = np.exp(zeta[0] * GRID - GRID**2 / 2) / np.sqrt(2 * pi)
        side = np.exp(zeta[1] * np.arange(2))
        number = np.exp([zeta[2] * n - lgamma(n + 1) for n in COUNTS])
        found[x] = exp(b @ x) * length[:, None, None] * side[:, None] * number
    return found


def test_the_normalizer_and_the_averages_by_quadrature():
    params, step = record(), GRID[1] - GRID[0]
    table = {x: step * part for x, part in heights(params).items()}
    Z = sum(part.sum() for part in table.values())
    assert harmonium.log_partition(params) == pytest.approx(log(Z), rel=1e-12)
    y = np.array([[0.3, 1, 4], [-1.2, 0, 0], [2.0, 1, 1]])
    masses = [[unnormalized(params, x, row) for x in table] for row in y]
    assert_allclose(harmonium.log_marginal(params, y), np.log(np.sum(masses, 1) / Z), rtol=1e-12)
    posterior = np.array(masses) @ np.array(list(table)) / np.sum(masses, 1)[:, None]
    assert_allclose(harmonium.posterior(params, y).means, posterior, rtol=1e-12)
    seen = np.array([(part.sum((1, 2)) @ GRID, part.sum((0, 2))[1], part.sum((0, 1)) @ COUNTS) for part in table.values()]) / Z
    found = harmonium.model_phase(params)
    assert_allclose(found.visible.biases, seen.sum(0), rtol=1e-10)
    assert_allclose(found.weights, np.array(list(table)).T @ seen, rtol=1e-10)
    # The families in another order are another machine.
    turned = params._replace(visible=mixed((layers.Poisson, 1), (layers.Bernoulli, 1), (layers.Gaussian, 1))(params.visible.biases))
    assert abs(harmonium.log_partition(turned) - log(Z)) > 0.01


def test_the_gradient_is_that_of_the_loss():
    params, y = record(), np.array([[0.3, 1, 4], [-1.2, 0, 0], [2.0, 1, 1]])
    vector = parameters.flatten(params).vector
    slope = parameters.flatten(harmonium.value_and_gradient(params, y)[1]).vector
    for i, along in enumerate(np.eye(vector.size)):
        up, down = (harmonium.loss(parameters.view(vector + h * along, params), y) for h in (1e-5, -1e-5))
        assert slope[i] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-8)


def test_gibbs_and_exact_draws_agree_with_the_sums():
    params = record(scale=0.4)
    drawn = harmonium.sample(params, 40_000, np.random.default_rng(1)).observations
    later = harmonium.sweep(params, drawn, np.random.default_rng(2))
    want = harmonium.model_phase(params).visible.biases
    assert_allclose(drawn.mean(0), want, atol=0.04)
    assert_allclose(later.mean(0), want, atol=0.04)
    assert set(np.unique(drawn[:, 1])) == {0, 1} and (drawn[:, 2] == np.floor(drawn[:, 2])).all()
    assert len(np.unique(drawn[:, 0])) == 40_000


def test_finite_parts_in_both_layers_by_the_table_of_both():
    """A coin and a die below, a die and two coins above: all pairs."""
    rng, upper = np.random.default_rng(3), mixed((dice(3), 1), (layers.Bernoulli, 2))
    lower = mixed((layers.Bernoulli, 1), (layers.Categorical, (1, 4)))
    params = Parameters(rng.normal(size=(5, 5)), upper(rng.normal(size=5)), lower(rng.normal(size=5)))
    xs = np.array([[*side, *coins] for side in np.eye(3) for coins in product((0, 1), repeat=2)])
    ys = np.array([[coin, *side] for coin in (0, 1) for side in np.eye(4)])
    table = np.exp([[x @ params.hidden.biases + y @ params.visible.biases + x @ params.weights @ y for y in ys] for x in xs])
    assert params.hidden.states == 12 and params.visible.states == 8
    assert {tuple(row) for row in params.hidden.every()} == {tuple(row) for row in xs}
    assert harmonium.log_partition(params) == pytest.approx(log(table.sum()), rel=1e-13)
    assert_allclose(harmonium.posterior(params, ys).means, (table / table.sum(0)).T @ xs, rtol=1e-12)
    assert_allclose(harmonium.emission(params, xs).means, table / table.sum(1)[:, None] @ ys, rtol=1e-12)
    assert np.abs(harmonium.emission(params, xs).means - table / table.sum() @ ys).max() > 0.1


def test_a_mixed_layer_is_its_parts_side_by_side():
    kind = mixed((layers.Normal, 2), (layers.Gamma, 1), (layers.Beta, 1), (multinomial(5), 3))
    biases = np.array([0.5, -0.25, -2.0, -1.0, 1.5, -0.5, 0.0, 2.0, 0.1, 0.2, 0.3])
    layer = kind(biases).checked("layer")
    eta = np.tile(biases, (20_000, 1))
    x = layer.values("x", layer.draw(eta, np.random.default_rng(4)))
    laws = [stats.norm(1, 2**0.5), stats.norm(-1, 0.5**0.5), stats.gamma(2.5, scale=2), stats.beta(1, 3)]
    for d, law in enumerate(laws):
        assert abs(x[:, d].mean() - law.mean()) < 4.5 * law.std() / 20_000**0.5
    p = np.exp(biases[-3:]) / np.exp(biases[-3:]).sum()
    assert_allclose(x[:, 4:].mean(0), 5 * p, atol=0.05)
    logs = sum(law.logpdf(x[:50, d]) for d, law in enumerate(laws)) + stats.multinomial(5, p).logpmf(x[:50, 4:])
    found = layer.log_base(x[:50]) + layer.statistics(x[:50]) @ biases - layer.log_partition(eta[:50])
    assert_allclose(found, logs, rtol=1e-9)
    h, slope = 1e-6, []                                     # the means are the gradient of the log partition function
    for along in np.eye(11):
        slope.append((layer.log_partition(biases + h * along) - layer.log_partition(biases - h * along)) / (2 * h))
    assert_allclose(layer.mean(eta[:1])[0], slope, rtol=1e-6, atol=1e-8)
    free = slice(0, 8)                                      # those of the die are known up to a constant
    assert_allclose(kind.matched(x).biases[free], biases[free], atol=0.15)
    above, below = layer.bounds()
    assert above[1] == -np.inf and below[1] == 0 and above[4] == -1 and len(above) == 11
    assert [type(part) for part in layer.parts] == [layers.Normal, layers.Gamma, layers.Beta, multinomial(5)]


def test_reach_is_that_of_the_parts_together():
    layer = mixed((layers.Bernoulli, 2), (dice(3), 1))(np.zeros(5))
    weights = np.random.default_rng(5).normal(size=(4, 5))
    over = layer.statistics(layer.every()) @ weights.T
    lowest, highest = layer.reach(weights)
    assert_allclose(lowest, over.min(0), rtol=1e-13)
    assert_allclose(highest, over.max(0), rtol=1e-13)


def test_dice_know_their_sides_so_that_a_visible_layer_can_begin():
    rng = np.random.default_rng(6)
    y = np.hstack([np.eye(3)[rng.choice(3, 500, p=[0.6, 0.3, 0.1])], np.eye(3)[rng.choice(3, 500)]])
    params = harmonium.start(y, 2, dice(3), layers.Bernoulli, rng)
    shares = np.exp(params.visible.biases) / np.exp(params.visible.biases).sum(1, keepdims=True)
    assert_allclose(shares, (y.sum(0).reshape(2, 3) + 1 / 3) / 501, rtol=1e-12)
    again = pickle.loads(pickle.dumps(params.visible))
    assert type(again) is dice(3) is not dice(4)
    wide = harmonium.start(y, 2, layers.Bernoulli, dice(4), rng)
    assert wide.hidden.biases.shape == (2, 4)
    with pytest.raises(ValueError, match="y: expected columns in groups of 4, one group for each die, got 6 columns"):
        harmonium.start(y, 2, dice(4), layers.Bernoulli, rng)
    with pytest.raises(ValueError, match=r"biases: expected shape \(D, 3\), got \(1, 4\)"):
        dice(3)(np.zeros((1, 4))).checked("layer")
    with pytest.raises(ValueError, match="sides: expected a whole number, at least 2"):
        dice(1)


def test_a_start_from_records_learns():
    rng = np.random.default_rng(7)
    kind = rng.random(300) < 0.4
    y = np.column_stack([rng.normal(np.where(kind, 2.0, -1)), rng.random(300) < np.where(kind, 0.9, 0.2), rng.poisson(np.where(kind, 6, 1))])
    first = harmonium.start(y, 2, RECORD, layers.Bernoulli, rng)
    last = optimization.run(harmonium, first, y, rng, method=optimization.Adam(0.05), iterations=200).params
    assert harmonium.loss(last, y) < harmonium.loss(first, y) - 0.5
    assert type(last.visible) is RECORD and pickle.loads(pickle.dumps(last)).visible.biases.shape == (3,)


def test_what_is_refused():
    with pytest.raises(ValueError, match="parts: expected at least one"):
        mixed()
    with pytest.raises(TypeError, match=r"parts\[1\]: expected a class of layers and its number of units, got 3"):
        mixed((layers.Gaussian, 1), 3)
    with pytest.raises(ValueError, match="units: expected a whole number, at least 1, got 0"):
        mixed((layers.Gaussian, 0))
    with pytest.raises(ValueError, match="units: expected 3, the columns of all parts, got 2"):
        RECORD.at_rest(2)
    with pytest.raises(ValueError, match=r"layer.biases: expected shape \(3,\), got \(2,\)"):
        RECORD(np.zeros(2)).checked("layer")
    with pytest.raises(ValueError, match=r"y\[:, 1:2\]: expected zeros and ones, got 0.5 at index \(0, 0\)"):
        harmonium.posterior(record(), [[0.5, 0.5, 1]])
    with pytest.raises(ValueError, match=r"y: expected shape \(N, 3\)"):
        harmonium.posterior(record(), [[0.5, 1]])
    both = Parameters(np.ones((1, 3)), layers.Gaussian(np.zeros(1)), RECORD(np.zeros(3)))
    assert "need weights of spectral norm below 1, got 1" in harmonium.inconsistency(both)


# --- both layers infinite, one or both of several families ---------------------------------------------

UPPER = mixed((layers.Gaussian, 1), (layers.Bernoulli, 1), (layers.Exponential, 1))
LOWER = mixed((layers.Poisson, 1), (layers.Gaussian, 2), (layers.Bernoulli, 1))


def endless(seed=8):
    """A mean, a coin and a waiting time above a count, two lengths and a coin."""
    rng = np.random.default_rng(seed)
    W = 0.5 * rng.normal(size=(3, 4))
    W[0, 0] = W[2, :3] = 0                                  # Gaussian and Poisson, Exponential and infinite units: not joined
    W[0, 1:3] = 0.5, -0.4
    return Parameters(W, UPPER(np.array([0.3, -0.2, -1.5])), LOWER(np.array([0.4, -0.5, 0.2, 0.6])))


def by_grids(params, tilt=None):
    """Sums over both coins and all counts, quadrature over all else; ``tilt`` is averaged, a function of all seven."""
    axis = np.linspace(-8, 8, 41)                           # the sum over a grid: its error falls faster than any power
    waits, weights = np.polynomial.laguerre.laggauss(6)     # exact for polynomials up to the eleventh degree
    W, b, c = params.weights, params.hidden.biases, params.visible.biases
    total, tilted = 0.0, 0.0
    h, (y1, y2) = axis[:, None, None], (axis[None, :, None], axis[None, None, :])
    for coin, side, n in product((0, 1), (0, 1), range(25)):
        base = exp(b[1] * coin + c[3] * side + W[1, 3] * coin * side + (c[0] + W[1, 0] * coin) * n - lgamma(n + 1))
        lengths = np.exp(
            h * (b[0] + W[0, 3] * side) + y1 * (c[1] + W[1, 1] * coin) + y2 * (c[2] + W[1, 2] * coin)
            + h * (W[0, 1] * y1 + W[0, 2] * y2) - (h**2 + y1**2 + y2**2) / 2
        ) * ((axis[1] - axis[0]) / np.sqrt(2 * pi)) ** 3
        rate = -(b[2] + W[2, 3] * side)                     # of the waiting time: t = s / rate
        total += base * lengths.sum() / rate
        if tilt is not None:
            for s, w in zip(waits, weights):
                tilted += base * w / rate * (lengths * tilt(h, coin, s / rate, n, y1, y2, side)).sum()
    return (log(total), tilted / total) if tilt is not None else log(total)


def test_two_endless_layers_have_the_normalizer_that_quadrature_finds():
    params = endless()
    assert harmonium.inconsistency(params) is None
    assert harmonium.log_partition(params) == pytest.approx(by_grids(params), rel=1e-9)
    loose = params._replace(weights=np.where(np.arange(4) % 3 == 0, params.weights, 0 * params.weights))
    assert harmonium.log_partition(loose) == pytest.approx(by_grids(loose), rel=1e-9)
    assert abs(by_grids(loose) - by_grids(params)) > 0.01
    for (i, one), (j, other) in product(enumerate(("h", "coin", "t")), enumerate(("n", "y1", "y2", "side"))):
        if i == 2 and j < 3:
            continue
        average = by_grids(params, lambda *all, i=i, j=j: all[i] * all[3 + j])[1]
        assert harmonium.model_phase(params).weights[i, j] == pytest.approx(average, rel=1e-6, abs=1e-9), (one, other)
    # Without the Gaussian units' covariance the average would be another one.
    found = _joint.settings(params)
    alone = (found.means[0] * found.p[:, None]).T @ found.means[1]
    assert abs(alone[0, 1] - harmonium.model_phase(params).weights[0, 1]) > 0.1


def test_the_gradient_of_endless_layers_is_that_of_their_loss():
    params, y = endless(), np.array([[2.0, 0.3, -1.0, 1.0], [0.0, 1.2, 0.4, 0.0]])
    flat = parameters.flatten(params)
    slope = parameters.flatten(harmonium.value_and_gradient(params, y)[1]).vector
    for i, along in enumerate(np.eye(flat.vector.size)):
        if i in (0, 8, 9, 10):                              # weights that must be 0
            continue
        up, down = (harmonium.loss(parameters.view(flat.vector + h * along, params), y) for h in (1e-5, -1e-5))
        assert slope[i] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-8)


def test_endless_layers_are_drawn_from_and_gibbs_leaves_them_as_they_are():
    params, n = endless(), 60_000
    drawn = harmonium.sample(params, n, np.random.default_rng(1))
    want = harmonium.model_phase(params)
    T, U = params.hidden.statistics(drawn.latents), params.visible.statistics(drawn.observations)
    later = harmonium.sweep(params, drawn.observations, np.random.default_rng(2))
    for found, mean in ((T, want.hidden.biases), (U, want.visible.biases), (later, want.visible.biases)):
        assert (np.abs(found.mean(0) - mean) < 4.5 * found.std(0) / n**0.5).all()
    products = (T[:, :, None] * U[:, None]).reshape(n, -1)
    assert (np.abs(products.mean(0) - want.weights.ravel()) < 4.5 * products.std(0) / n**0.5).all()
    assert abs(T[:, 0].mean() * U[:, 1].mean() - want.weights[0, 1]) > 0.1


def test_two_gaussian_layers_by_the_determinant():
    """All of it is one Gaussian: log Z = -log |J| / 2 + g'J^-1 g / 2, here through the eigenvalues of W'W."""
    rng = np.random.default_rng(3)
    W = 0.3 * rng.normal(size=(2, 3))
    params = Parameters(W, layers.Gaussian(rng.normal(size=2)), layers.Gaussian(rng.normal(size=3)))
    b, c = params.hidden.biases, params.visible.biases
    inner = np.linalg.inv(np.eye(3) - W.T @ W)
    direct = 0.5 * b @ b + 0.5 * (c + W.T @ b) @ inner @ (c + W.T @ b) - 0.5 * np.log(1 - np.linalg.eigvalsh(W.T @ W)).sum()
    assert harmonium.log_partition(params) == pytest.approx(direct, rel=1e-12)


@pytest.mark.parametrize(("place", "weight", "reason"), [
    ((0, 0), 0.1, "a Gaussian and a Poisson layer have no normalizer"),
    ((0, 1), 1.0, "two Gaussian layers need weights of spectral norm below 1, got 1.0"),
    ((2, 0), 0.1, "natural parameter 2 of the hidden layer must stay between -inf and 0"),
    ((2, 1), 0.1, "natural parameter 2 of the hidden layer must stay between -inf and 0"),
])  # fmt: skip
def test_endless_layers_without_a_normalizer_are_refused(place, weight, reason):
    params = endless()
    params.weights[place] = weight
    assert reason in harmonium.inconsistency(params)
    with pytest.raises(ValueError, match="expected two layers that have a joint distribution"):
        harmonium.log_partition(params)


def test_a_count_joined_to_a_length_has_terms_that_grow_without_end():
    """Why it is refused: given the count n, the length integrates to exp((c + w n)^2 / 2), which outgrows n!."""
    terms = [(0.2 + 0.1 * n) ** 2 / 2 - lgamma(n + 1) for n in (50, 500, 2000, 4000)]
    assert terms[1] < terms[0] < 0 < terms[3] and terms[2] < terms[3]


def test_weights_between_counts_that_are_not_positive_are_consistent_but_not_summed():
    lower = mixed((layers.Poisson, 1), (layers.Bernoulli, 1))
    params = Parameters(np.array([[-0.3, 0.5]]), layers.Poisson(np.zeros(1)), lower(np.zeros(2)))
    assert harmonium.inconsistency(params) is None
    with pytest.raises(ValueError, match="params.weights: expected weights of 0 between Poisson and Poisson units for an exact sum"):
        harmonium.log_partition(params)
    params.weights[0, 0] = 0.3
    assert "two Poisson layers need weights that are not positive" in harmonium.inconsistency(params)
    shapes = mixed((layers.Gamma, 1), (layers.Bernoulli, 1))
    joined = Parameters(np.full((1, 3), -0.1), layers.Poisson(np.zeros(1)), shapes(np.array([0.5, -1.0, 0.0])))
    assert harmonium.inconsistency(joined) is not None
    many = Parameters(np.zeros((1, 18)), layers.Gaussian(np.zeros(1)), mixed((layers.Gaussian, 1), (layers.Bernoulli, 17))(np.zeros(18)))
    with pytest.raises(ValueError, match="expected at most 65536 settings of the finite units for an exact sum, got 131072"):
        harmonium.log_partition(many)
