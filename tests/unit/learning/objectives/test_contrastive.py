"""Contrastive gradients against tables of a small machine: every state, every transition, every conditional."""

from itertools import islice, product
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.objectives import contrastive
from pedagogy_lib.models.undirected import harmonium

K, D = 2, 3
XS, YS = (np.array(list(product((0.0, 1.0), repeat=n))) for n in (K, D))


def machine(strength=1.0):
    """Biases that oppose the weights, so that there are two groups of states and the chain changes between them slowly."""
    W = strength * np.array([[4.0, -3.0, 2.0], [-2.0, 3.0, 3.0]])
    return harmonium.Parameters(W, layers.Bernoulli(0.2 - W.sum(1) / 2), layers.Bernoulli(0.1 - W.sum(0) / 2))


def joint(params):
    """The table of p(x, y), by its exponent, shape (4, 8)."""
    table = np.exp([[x @ params.hidden.biases + y @ params.visible.biases + x @ params.weights @ y for y in YS] for x in XS])
    return table / table.sum()


def statistics(table):
    """<x y'>, <x>, <y> under a table, as one vector."""
    return np.concatenate([np.einsum("ij,ik,jd->kd", table, XS, YS).ravel(), table.sum(1) @ XS, table.sum(0) @ YS])


def expected_divergence(params, p, steps):
    """The expectation of contrastive divergence for data of the distribution p over the eight states."""
    table = joint(params)
    up, down = table / table.sum(0), table / table.sum(1)[:, None]
    later = p
    for _ in range(steps):
        later = (up @ later) @ down
    return statistics(up * later) - statistics(up * p)


def exact_gradient(params, p):
    table = joint(params)
    return statistics(table) - statistics(table / table.sum(0) * p)


#: Data of one group mostly, which the machine does not expect: 2^14 rows, and their shares.
SHARES = np.array([1, 2, 0, 4, 0, 1, 0, 0]) / 8
DATA = np.repeat(YS, (SHARES * 8).astype(int) * 2048, axis=0)


def flat(params):
    return parameters.flatten(params).vector


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_contrastive_divergence_has_the_expectation_of_its_chain(steps):
    params = machine()
    found = contrastive.divergence(harmonium, params, DATA, np.random.default_rng(1), steps)
    want = expected_divergence(params, SHARES, steps)
    assert_allclose(flat(found.gradient), want, atol=0.02)
    assert found.chains.shape == DATA.shape
    assert np.abs(want - expected_divergence(params, SHARES, 2 * steps)).max() > 0.03  # one step more is seen
    assert np.abs(flat(found.gradient) + want).max() > 0.1  # and so is the wrong sign


def test_the_bias_is_measured_and_dies_away_with_the_steps():
    params, y = machine(), DATA[:: len(DATA) // 64]
    p = np.bincount((y @ [4, 2, 1]).astype(int), minlength=8) / len(y)
    exact = harmonium.value_and_gradient(params, y)[1]
    assert_allclose(flat(exact), exact_gradient(params, p), rtol=1e-11)
    sizes = []
    for steps in (1, 4, 16):
        estimate = lambda rng, steps=steps: contrastive.divergence(harmonium, params, y, rng, steps).gradient
        found = contrastive.bias(estimate, exact, 200, np.random.default_rng(2))
        truth = expected_divergence(params, p, steps) - exact_gradient(params, p)
        assert (np.abs(found.difference - truth) < 4.5 * found.errors).all()
        sizes.append(np.abs(truth).max())
        if steps == 1:                                      # here there is a bias, and it is seen
            assert np.abs(found.difference / found.errors).max() > 8
    assert sizes[0] > 2 * sizes[1] > 4 * sizes[2]


def test_there_is_no_bias_where_the_data_are_the_models_own():
    params = machine()
    p = joint(params).sum(0)
    assert_allclose(expected_divergence(params, p, 1), 0, atol=1e-15)
    y = harmonium.sample(params, 20_000, np.random.default_rng(3)).observations
    found = contrastive.divergence(harmonium, params, y, np.random.default_rng(4))
    assert_allclose(flat(found.gradient), 0, atol=0.025)
    assert np.abs(expected_divergence(params, SHARES, 1)).max() > 0.1


def test_persistent_chains_forget_the_data():
    params, rng = machine(), np.random.default_rng(5)
    chains = DATA[::4]
    want = exact_gradient(params, SHARES)
    for _ in range(30):
        found = contrastive.persistent(harmonium, params, DATA, chains, rng)
        chains = found.chains
    assert_allclose(flat(found.gradient), want, atol=0.03)
    forgetful = contrastive.persistent(harmonium, params, DATA, DATA[::4], rng)  # chains that are always begun again
    assert np.abs(flat(forgetful.gradient) - want).max() > 0.1


def test_both_estimates_learn_almost_as_well_as_the_exact_gradient():
    y = harmonium.sample(machine(2.0), 400, np.random.default_rng(6)).observations
    begin = harmonium.rbm(y, K, np.random.default_rng(7))
    first = harmonium.loss(begin, y)
    learned = {}
    for name, chains in (("divergence", None), ("persistent", y)):
        stream = contrastive.iterate(harmonium, begin, y, np.random.default_rng(8), 0.3, chains=chains)
        last = contrastive.last(stream, 600)
        assert last.iteration == 599 and type(last.params) is harmonium.Parameters
        learned[name] = harmonium.loss(last.params, y)
    exact = begin
    for _ in range(600):
        step = harmonium.value_and_gradient(exact, y)[1]
        exact = parameters.view(flat(exact) - 0.3 * flat(step), begin)
    best = harmonium.loss(exact, y)
    assert first - best > 0.1
    for value in learned.values():
        assert best - 0.005 < value < best + 0.05
    one, two = islice(contrastive.iterate(harmonium, begin, y, np.random.default_rng(8), 0.3), 2)
    assert_allclose(flat(one.params), flat(begin) - 0.3 * flat(one.gradient), rtol=1e-14)
    assert not np.shares_memory(one.params.weights, two.params.weights)


def test_the_pseudo_likelihood_is_made_of_the_tables_conditionals():
    params, y = machine(), DATA[::1000]
    marginal = joint(params).sum(0).reshape(2, 2, 2)

    def by_table(marginal):
        total = 0.0
        for row in y.astype(int):
            for d in range(D):
                at = tuple(slice(None) if i == d else row[i] for i in range(D))
                total -= np.log(marginal[at][row[d]] / marginal[at].sum())
        return total / len(y)

    value, slope = contrastive.pseudo_likelihood(harmonium, params, y)
    assert value == pytest.approx(by_table(marginal), rel=1e-12)
    assert value != pytest.approx(harmonium.loss(params, y), rel=1e-2)  # it is another loss
    vector = flat(params)
    for i, along in enumerate(np.eye(vector.size)):
        up, down = (by_table(joint(parameters.view(vector + h * along, params)).sum(0).reshape(2, 2, 2)) for h in (1e-5, -1e-5))
        assert flat(slope)[i] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-9)
    assert np.abs(flat(slope) - exact_gradient(params, SHARES)).max() > 0.05


def expected_slope(params, p):
    """The mean gradient of the pseudo-likelihood for data of the distribution p, one state at a time."""
    return p @ [flat(contrastive.pseudo_likelihood(harmonium, params, y[None])[1]) for y in YS]


def test_the_pseudo_likelihood_is_consistent():
    """At the machine's own distribution its mean gradient is zero, and no other machine costs less; elsewhere neither holds."""
    params = machine()
    own = joint(params).sum(0)
    assert_allclose(expected_slope(params, own), 0, atol=1e-14)
    assert np.abs(expected_slope(params, SHARES)).max() > 0.1  # the right parameters, other data
    weaker = parameters.view(0.9 * flat(params), params)
    assert np.abs(expected_slope(weaker, own)).max() > 0.01  # the right data, other parameters

    def excess(q):
        """By the table: relative entropies of all conditionals, which the loss has beyond its least value."""
        p, q, total = own.reshape(2, 2, 2), q.reshape(2, 2, 2), 0.0
        for d in range(D):
            total += (p * np.log(p / p.sum(d, keepdims=True) / (q / q.sum(d, keepdims=True)))).sum()
        return total

    cost = lambda params: own @ [contrastive.pseudo_likelihood(harmonium, params, y[None])[0] for y in YS]
    rng = np.random.default_rng(9)
    for _ in range(20):
        other = parameters.view(flat(params) + rng.normal(size=11), params)
        assert cost(other) - cost(params) == pytest.approx(excess(joint(other).sum(0)), rel=1e-9) and excess(joint(other).sum(0)) > 0


def test_the_pseudo_likelihood_does_not_see_the_masses_of_modes():
    """Data that are right within both modes and wrong between them: the farther apart, the less of the gradient is left."""
    seen = []
    for strength in (2.0, 4.0, 8.0):
        W = strength * np.ones((1, D))
        params = harmonium.Parameters(W, layers.Bernoulli(-W.sum(1) / 2), layers.Bernoulli(-W[0] / 2))
        ys_up = YS.sum(1) > 1.5
        table = np.exp([[x @ params.hidden.biases + y @ (params.visible.biases + x @ W) for y in YS] for x in np.eye(2)[:, 1:]])
        table /= table.sum()
        p = table.sum(0) * np.where(ys_up, 1.6, 0.4)
        up = table[1] / table.sum(0)
        average = lambda q, up=up: np.concatenate([(q * up) @ YS, [q @ up], q @ YS])
        exact = average(table.sum(0)) - average(p)
        seen.append(expected_slope(params, p) @ exact / (exact @ exact))
    assert 1 > seen[0] > 1.5 * seen[1] > 5 * seen[2] > 0
    assert seen[2] < 0.1


def test_any_model_with_the_three_functions_will_do():
    """One coin of bias b without a hidden layer: s is y, and a sweep draws it anew."""
    coin = SimpleNamespace(
        phase=lambda b, y, weights=None: np.average(y) if weights is None else weights @ y[:, 0],
        sweep=lambda b, y, rng: (rng.random(y.shape) < 1 / (1 + np.exp(-b))).astype(float),
        marginal_energy=lambda b, y: -b * y[:, 0],
    )
    b, y = np.array(0.7), np.array([[1.0], [0.0], [0.0], [1.0], [0.0]])
    value, slope = contrastive.pseudo_likelihood(coin, b, y)
    assert value == pytest.approx(np.log1p(np.exp(0.7)) - 0.7 * 0.4)
    assert slope == pytest.approx(1 / (1 + np.exp(-0.7)) - 0.4)
    found = contrastive.bias(lambda rng: contrastive.divergence(coin, b, y, rng).gradient, slope, 400, np.random.default_rng(0))
    assert abs(found.difference[0]) < 4 * found.errors[0]   # with nothing hidden and one coin, one step forgets all


def test_arguments_are_checked():
    params, y, rng = machine(), DATA[:8], np.random.default_rng(0)
    with pytest.raises(ValueError, match="steps: expected a whole number, at least 1, got 0"):
        contrastive.divergence(harmonium, params, y, rng, 0)
    with pytest.raises(ValueError, match=r"rng: expected a numpy.random.Generator"):
        contrastive.divergence(harmonium, params, y, 0)
    with pytest.raises(ValueError, match="y: expected zeros and ones"):
        contrastive.pseudo_likelihood(harmonium, params, y + 0.5)
    with pytest.raises(ValueError, match="rate: expected a number above 0"):
        next(contrastive.iterate(harmonium, params, y, rng, 0.0))
    with pytest.raises(ValueError, match="exact: expected exact.weights"):
        contrastive.bias(lambda rng: params, params.weights, 2, rng)


def test_batches_and_schedules():
    """Batches deal out all data in a pass; a schedule of a constant rate is that rate."""
    params, y = machine(), DATA[::512]
    seen = []
    spy = SimpleNamespace(sweep=harmonium.sweep, phase=lambda p, rows: (seen.append(len(rows)), harmonium.phase(p, rows))[1])
    contrastive.last(contrastive.iterate(spy, params, y, np.random.default_rng(0), 0.1, batch_size=20), 2)
    assert seen == [20, 20, len(y) - 20, len(y) - 20]
    constant, scheduled = (
        contrastive.last(contrastive.iterate(harmonium, params, y, np.random.default_rng(1), rate), 3).params
        for rate in (0.1, lambda iteration: 0.1)
    )
    assert_allclose(flat(scheduled), flat(constant), rtol=1e-14)
    falling = contrastive.last(contrastive.iterate(harmonium, params, y, np.random.default_rng(1), lambda i: 0.1 / (1 + i)), 3)
    assert np.abs(flat(falling.params) - flat(constant)).max() > 1e-3


# --- single precision ---------------------------------------------------------------------------------


def pictures(N=60, D=30, L=12):
    """A machine in float32, and the same numbers in float64; zeros and ones to learn from."""
    rng = np.random.default_rng(11)
    y = (rng.random((N, D)) < np.where((rng.random((N, 1)) < 0.5) ^ (np.arange(D) % 2 == 0), 0.9, 0.1)).astype(float)
    single = harmonium.rbm(y.astype(np.float32), L, rng)
    return single, parameters.each(np.float64, single), y


def types(*things):
    return {leaf.dtype for thing in things for _, leaf in parameters.leaves(thing)}


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("steps", [1, 3])
def test_a_machine_in_single_precision_stays_there_and_learns_the_same(kept, steps):
    single, double, y = pictures()
    assert types(single) == {np.dtype(np.float32)}
    rate = lambda iteration: np.float64(0.4)                # a scalar of NumPy's would carry its type into the product
    runs = [
        contrastive.iterate(harmonium, params, y, np.random.default_rng(3), rate, steps, y[:20] if kept else None, batch_size=20)
        for params in (single, double)
    ]
    for one, other in islice(zip(*runs), 60):
        assert types(one.params, one.gradient, one.chains) == {np.dtype(np.float32)}
        assert types(other.params, other.gradient, other.chains) == {np.dtype(np.float64)}
        np.testing.assert_array_equal(one.chains, other.chains)                 # the same uniform numbers decide
    assert_allclose(flat(one.params), flat(other.params), atol=1e-4)
    assert np.abs(flat(other.params) - flat(double)).max() > 0.1                # it did learn
    assert np.abs(flat(one.params) - flat(other.params)).max() > 1e-9           # and did compute in single precision


def test_all_that_a_machine_in_single_precision_says_is_single_but_for_sums():
    single, double, y = pictures()
    sweeps = next(harmonium.gibbs(single, y, np.random.default_rng(0)))
    drawn = harmonium.sample(single, 5, np.random.default_rng(0))
    both = [
        [harmonium.posterior(params, y), harmonium.emission(params, y[:, :12]), harmonium.marginal_energy(params, y), harmonium.energy(params, y[:, :12], y),
         harmonium.phase(params, y), harmonium.model_phase(params), harmonium.value_and_gradient(params, y)[1],
         contrastive.pseudo_likelihood(harmonium, params, y[:9])[1], harmonium.loosened(params, 0.5), harmonium.heated(params, 0.5)]
        for params in (single, double)
    ]  # fmt: skip
    assert types(*both[0], sweeps[1:], drawn) == {np.dtype(np.float32)}
    for one, other in zip(*both):
        for (_, a), (_, b) in zip(parameters.leaves(one), parameters.leaves(other)):
            assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert harmonium.log_partition(single) == pytest.approx(harmonium.log_partition(double), rel=1e-6)
    mixed = single._replace(weights=double.weights)         # both types: all of it in float64, as ever
    assert types(harmonium.posterior(mixed, y)) == {np.dtype(np.float64)}
    for wrong, name in ((single._replace(weights=single.weights * np.float32(np.nan)), "params.weights"),
                        (single._replace(weights=single.weights[:, 1:]), "params.weights")):  # fmt: skip
        with pytest.raises(ValueError, match=name):
            harmonium.phase(wrong, y)
    with pytest.raises(ValueError, match=r"y: expected zeros and ones, got 0.5 at index \(0, 0\)"):
        harmonium.phase(single, np.where(np.arange(30) == 0, 0.5, y))


def test_a_phase_that_climbs_to_double_precision_is_noticed():
    single, _, y = pictures()
    climbing = SimpleNamespace(sweep=harmonium.sweep, phase=lambda params, rows: parameters.each(np.float64, harmonium.phase(params, rows)))
    assert types(contrastive.divergence(climbing, single, y, np.random.default_rng(0)).gradient) == {np.dtype(np.float64)}


def test_persistent_chains_go_on_from_where_they_were_left():
    """`iterate` with chains against a loop written out, and against one that begins anew at every step."""
    params, y, begin = machine(0.3), DATA[:50], YS[[0, 3, 5, 7] * 5]
    loops = []
    for anew in (False, True):
        rng, chains, vector, structure = np.random.default_rng(4), begin, flat(params), params
        for _ in range(5):
            estimate = contrastive.persistent(harmonium, structure, y, begin if anew else chains, rng, 2)
            vector = vector - 0.2 * flat(estimate.gradient)
            structure, chains = parameters.view(vector, structure), estimate.chains
        loops.append((vector, chains))
    found = contrastive.last(contrastive.iterate(harmonium, params, y, np.random.default_rng(4), 0.2, 2, begin), 5)
    np.testing.assert_array_equal(found.chains, loops[0][1])
    assert_allclose(flat(found.params), loops[0][0], rtol=1e-13)
    assert np.abs(loops[1][0] - loops[0][0]).max() > 1e-3
