"""The hidden Markov model, against the enumeration of all paths and plain counting."""

from itertools import product

import numpy as np
import pytest

from pedagogy_lib.learning import em
from pedagogy_lib.models.dynamical import hmm
from pedagogy_lib.models.dynamical.hmm import Gaussians, Parameters, Poissons, Symbols
from pedagogy_lib.models.static import gmm

RNG = np.random.default_rng(72)
K, D, M = 3, 2, 4
INITIAL = RNG.dirichlet(np.ones(K))
TRANSITION = 0.5 * np.eye(K) + 0.5 * RNG.dirichlet(np.ones(K), size=K).T
FAMILIES = {
    "symbols": Symbols(RNG.dirichlet(np.ones(M), size=K).T),
    "gaussians": Gaussians(2 * RNG.normal(size=(K, D)), np.stack([np.eye(D), 2 * np.eye(D), 0.5 * np.eye(D)])),
    "poissons": Poissons(RNG.gamma(2.0, 2.0, size=(K, D))),
}


@pytest.fixture(params=FAMILIES)
def params(request):
    return Parameters(INITIAL, TRANSITION, FAMILIES[request.param])


GAUSSIAN = Parameters(INITIAL, TRANSITION, FAMILIES["gaussians"])
SYMBOLIC = Parameters(INITIAL, TRANSITION, FAMILIES["symbols"])


def enumerate_paths(params, y):
    """All paths, and the log joint of each with y, factor by factor (Eq. 2.35)."""
    logs = params.emission.log_densities(y)
    K, T = len(params.initial), len(logs)
    paths = np.array(list(product(range(K), repeat=T)))
    joint = np.log(params.initial)[paths[:, 0]]
    for t in range(T):
        joint = joint + logs[t, paths[:, t]]
        if t > 0:
            joint = joint + np.log(params.transition)[paths[:, t], paths[:, t - 1]]
    return paths, joint


def test_verbs_agree_with_enumeration(params):
    y = hmm.sample(params, 6, np.random.default_rng(0)).observations
    paths, joint = enumerate_paths(params, y)
    evidence = np.logaddexp.reduce(joint)
    weights = np.exp(joint - evidence)
    found = hmm.posterior(params, y)
    smoothed = np.array([np.bincount(x, weights, K) for x in paths.T])
    np.testing.assert_allclose(found.probabilities, smoothed, rtol=1e-11)
    pairs = np.zeros((5, K, K))
    for t in range(1, 6):
        np.add.at(pairs[t - 1], (paths[:, t], paths[:, t - 1]), weights)
    np.testing.assert_allclose(found.pair_sums, pairs.sum(0), rtol=1e-11)
    np.testing.assert_allclose(hmm.pair_posteriors(params, found), pairs, rtol=1e-11)
    np.testing.assert_allclose(hmm.pair_posteriors(params, found, 2, 3), pairs[1:2], rtol=1e-11)
    assert found.log_likelihood == pytest.approx(evidence, rel=1e-13)
    assert hmm.log_marginal(params, y) == pytest.approx(evidence, rel=1e-13)
    np.testing.assert_allclose(hmm.filter(params, y).probabilities, found.filtered.probabilities)
    path = hmm.most_probable_path(params, y)
    assert (path.states == paths[joint.argmax()]).all()
    assert path.log_probability == pytest.approx(joint.max(), rel=1e-13)
    draws = hmm.sample_posterior(params, y, 3000, np.random.default_rng(1))
    np.testing.assert_allclose([np.bincount(x, minlength=K) / 3000 for x in draws.T], smoothed, atol=0.05)
    swapped = params._replace(transition=np.roll(params.transition, 1, axis=0))
    assert not np.isclose(hmm.log_marginal(swapped, y), evidence, rtol=1e-6)


def test_a_sample_moves_and_shows_as_it_should():
    draw = hmm.sample(SYMBOLIC, 200_000, np.random.default_rng(0))
    states, symbols = draw
    assert states.shape == symbols.shape == (200_000,)
    for j in range(K):
        after = states[1:][states[:-1] == j]
        np.testing.assert_allclose(np.bincount(after, minlength=K) / len(after), TRANSITION[:, j], atol=0.01)
        shown = symbols[states == j]
        np.testing.assert_allclose(
            np.bincount(shown, minlength=M) / len(shown), SYMBOLIC.emission.probabilities[:, j], atol=0.01
        )
    assert not np.allclose(np.bincount(after, minlength=K) / len(after), TRANSITION[K - 1], atol=0.01)
    first = [hmm.sample(SYMBOLIC, 1, np.random.default_rng(s)).states[0] for s in range(3000)]
    np.testing.assert_allclose(np.bincount(first, minlength=K) / 3000, INITIAL, atol=0.04)
    again = hmm.sample(SYMBOLIC, 200_000, np.random.default_rng(0))
    assert (again.states == states).all()
    assert (again.observations == symbols).all()


def test_without_memory_it_is_the_mixture():
    """Equal columns, all of them pi: the past says nothing, and the smoother is the GMM's posterior."""
    params = GAUSSIAN._replace(transition=np.tile(INITIAL[:, None], K))
    mixture = gmm.Parameters(INITIAL, *GAUSSIAN.emission)
    y = hmm.sample(GAUSSIAN, 50, np.random.default_rng(0)).observations
    np.testing.assert_allclose(hmm.posterior(params, y).probabilities, gmm.posterior(mixture, y).probabilities, rtol=1e-10)
    assert hmm.log_marginal(params, y) == pytest.approx(gmm.log_marginal(mixture, y).sum(), rel=1e-12)
    assert not np.allclose(hmm.posterior(GAUSSIAN, y).probabilities, gmm.posterior(mixture, y).probabilities, rtol=1e-3)


def test_expected_statistics_of_several_sequences(params):
    """Sequences of unequal length count together, and each only for itself."""
    rng = np.random.default_rng(1)
    parts = [hmm.sample(params, n, rng).observations for n in (9, 1, 30)]
    together = hmm.expected_statistics(params, parts)
    alone = [hmm.expected_statistics(params, part) for part in parts]
    np.testing.assert_allclose(together.initial, sum(one.initial for one in alone), rtol=1e-12)
    np.testing.assert_allclose(together.pairs, sum(one.pairs for one in alone), rtol=1e-12)
    for i in range(2 if isinstance(params.emission, Gaussians) else len(together.emission)):
        np.testing.assert_allclose(together.emission[i], sum(one.emission[i] for one in alone), rtol=1e-12)
    assert together.initial.sum() == pytest.approx(3)
    assert together.pairs.sum() == pytest.approx(8 + 0 + 29)
    assert together.size == 40
    costs = hmm.log_marginal(params, parts)
    assert costs.shape == (3,)
    assert together.loss == pytest.approx(-costs.sum() / 40, rel=1e-12)
    joined = hmm.expected_statistics(params, np.concatenate(parts))
    assert not np.isclose(joined.loss, together.loss, rtol=1e-6)
    stack = np.stack([parts[0][:5], parts[2][:5]])
    if stack.ndim == 3:
        assert hmm.expected_statistics(params, stack).initial.sum() == pytest.approx(2)


@pytest.mark.filterwarnings("ignore:EM stopped")
def test_em_never_raises_the_loss_and_finds_the_truth(params):
    rng = np.random.default_rng(2)
    parts = [hmm.sample(params, n, rng).observations for n in (1500, 700, 800)]
    blurred = params._replace(transition=0.5 * params.transition + 0.5 / K)
    found = em.fit(hmm, blurred, parts, tolerance=1e-9, max_iterations=40)
    assert (np.diff(found.losses) <= 1e-10).all()
    assert found.losses[-1] <= hmm.expected_statistics(params, parts).loss
    assert found.losses[-1] < found.losses[0] - 1e-4
    np.testing.assert_allclose(found.params.transition.sum(0), 1.0, rtol=1e-12)
    if isinstance(params.emission, Gaussians):
        np.testing.assert_allclose(found.params.transition, TRANSITION, atol=0.08)
        np.testing.assert_allclose(found.params.emission.means, params.emission.means, atol=0.25)


def test_the_m_step_counts_what_was_observed(params):
    rng = np.random.default_rng(3)
    draws = [hmm.sample(params, n, rng) for n in (400, 300)]
    states, parts = zip(*draws)
    statistics = hmm.observed_statistics(states, parts, params.emission)
    assert np.isnan(statistics.loss)
    found = hmm.maximize(statistics)
    moves = np.zeros((K, K))
    for x in states:
        for now, before in zip(x[1:], x[:-1]):
            moves[now, before] += 1
    np.testing.assert_allclose(found.transition, moves / moves.sum(0))
    np.testing.assert_allclose(found.initial, np.bincount([x[0] for x in states], minlength=K) / 2)
    everything, where = np.concatenate(parts), np.concatenate(states)
    if isinstance(params.emission, Poissons):
        np.testing.assert_allclose(found.emission.rates[1], everything[where == 1].mean(0))
    one = hmm.observed_statistics(states[0], parts[0], params.emission)
    assert one.pairs.sum() == 399


def test_soft_states_are_the_e_step():
    parts = [hmm.sample(SYMBOLIC, n, np.random.default_rng(4)).observations for n in (20, 11)]
    soft = [hmm.posterior(SYMBOLIC, part) for part in parts]
    given, expected = hmm.observed_statistics(soft, parts, SYMBOLIC.emission), hmm.expected_statistics(SYMBOLIC, parts)
    np.testing.assert_array_equal(given.pairs, expected.pairs)
    np.testing.assert_array_equal(given.emission.counts, expected.emission.counts)


def test_zeros_in_the_transition_are_never_learned_away():
    left_to_right = np.array([[0.7, 0.0, 0.0], [0.3, 0.8, 0.0], [0.0, 0.2, 1.0]])
    params = SYMBOLIC._replace(initial=np.array([1.0, 0.0, 0.0]), transition=left_to_right)
    parts = [hmm.sample(params, 30, np.random.default_rng(s)).observations for s in range(20)]
    found = em.fit(hmm, params, parts, max_iterations=30, tolerance=1e-4).params
    assert (found.transition[left_to_right == 0] == 0).all()
    assert (found.initial == [1, 0, 0]).all()


@pytest.mark.filterwarnings("ignore:EM stopped")
def test_missing_observations():
    y = hmm.sample(GAUSSIAN, 8, np.random.default_rng(5)).observations
    y[[2, 3]] = np.nan
    found = hmm.posterior(GAUSSIAN, y)
    np.testing.assert_allclose(found.filtered.probabilities[2], found.filtered.predicted[2], rtol=1e-13)
    two_steps = TRANSITION @ TRANSITION @ found.filtered.probabilities[1]
    np.testing.assert_allclose(found.filtered.probabilities[3], two_steps, rtol=1e-13)
    gaps = hmm.sample(GAUSSIAN, 200, np.random.default_rng(6)).observations
    gaps[::3] = np.nan
    assert np.isfinite(em.fit(hmm, GAUSSIAN, [gaps, y[:2]], max_iterations=3, tolerance=0).losses).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_regularized(family):
    """Its loss never rises, and it learns where plain EM must give up."""
    prior = {"symbols": 0.5, "gaussians": (np.eye(D), 2.0), "poissons": (1.0, 0.5)}[family]
    params = Parameters(INITIAL, TRANSITION, FAMILIES[family])
    options = hmm.Options(initial=0.3, transition=0.2 + 5 * np.eye(K), emission=prior)
    parts = [hmm.sample(params, n, np.random.default_rng(6)).observations for n in (12, 5)]
    found = em.fit(hmm, params, parts, options=options, tolerance=1e-10, max_iterations=2000)
    assert found.converged
    assert (np.diff(found.losses) <= 1e-10).all()
    assert (found.params.initial > 0).all()
    assert (found.params.transition > 0).all()
    weaker = em.fit(hmm, params, parts, options=options._replace(transition=0.2), tolerance=1e-10, max_iterations=2000)
    assert np.trace(found.params.transition) > np.trace(weaker.params.transition)


def test_regularized_without_counts_is_the_plain_model():
    y = hmm.sample(SYMBOLIC, 50, np.random.default_rng(7)).observations
    plain, prior = hmm.expected_statistics(SYMBOLIC, y), hmm.expected_statistics(SYMBOLIC, y, hmm.Options())
    assert plain.loss == prior.loss
    for a, b in zip(hmm.maximize(plain)[:2], hmm.maximize(prior, hmm.Options())[:2]):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="transition: expected counts"):
        hmm.maximize(plain, hmm.Options(transition=-1.0))


# ------------------------------------------------------------------------ edges


def test_one_state_and_one_step():
    single = Parameters([1.0], [[1.0]], Symbols(np.array([[0.25], [0.75]])))
    found = hmm.posterior(single, [1])
    assert found.probabilities.tolist() == [[1.0]]
    assert found.pair_sums.tolist() == [[0.0]]
    assert found.log_likelihood == pytest.approx(np.log(0.75))
    assert hmm.pair_posteriors(single, found).shape == (0, 1, 1)
    assert hmm.log_marginal(single, [[0, 1], [1]]) == pytest.approx(np.log([0.1875, 0.75]))
    assert hmm.maximize(hmm.expected_statistics(single, [0, 1, 1])).transition.tolist() == [[1.0]]
    with pytest.raises(ValueError, match="no move from state 0"):
        hmm.maximize(hmm.expected_statistics(single, [0]))


def test_symbols_come_as_a_line_or_as_a_column():
    y = hmm.sample(SYMBOLIC, 12, np.random.default_rng(8)).observations
    line, column = hmm.posterior(SYMBOLIC, y), hmm.posterior(SYMBOLIC, y[:, None])
    np.testing.assert_array_equal(line.probabilities, column.probabilities)
    assert hmm.log_marginal(SYMBOLIC, y.tolist()) == line.log_likelihood


def test_a_state_that_is_never_visited_or_never_left():
    params = SYMBOLIC._replace(initial=np.array([0.5, 0.5, 0.0]), transition=np.diag([1.0, 1.0, 1.0]))
    y = hmm.sample(params, 20, np.random.default_rng(0)).observations
    with pytest.raises(ValueError, match=r"statistics\.pairs: expected every state to be left .* no move from state 2"):
        hmm.maximize(hmm.expected_statistics(params, y))
    states = np.array([0, 1, 0, 1, 2])
    last = hmm.observed_statistics(states, np.array([0, 1, 2, 3, 0]), SYMBOLIC.emission)
    with pytest.raises(ValueError, match="no move from state 2"):
        hmm.maximize(last)
    kept = hmm.maximize(last, hmm.Options(transition=0.1))
    np.testing.assert_allclose(kept.transition[:, 2], 1 / 3)
    never = hmm.observed_statistics([0, 1, 0, 1], [0, 1, 2, 3], SYMBOLIC.emission)
    with pytest.raises(ValueError, match="got none in state 2"):
        hmm.maximize(never, hmm.Options(transition=0.1))
    assert hmm.maximize(never, hmm.Options(transition=0.1, emission=1.0)).emission.probabilities[0, 2] == 0.25


def test_impossible_observations_name_the_sequence_and_the_step():
    emission = Symbols(np.array([[1.0, 0.5], [0.0, 0.5]]))
    params = Parameters([1.0, 0.0], [[1.0, 0.0], [0.0, 1.0]], emission)
    for run in (hmm.filter, hmm.posterior, hmm.most_probable_path, hmm.log_marginal, hmm.expected_statistics):
        with pytest.raises(ValueError, match="^y: expected observations that the model can emit.* time step 2"):
            run(params, [0, 0, 1, 0])
    for run in (hmm.log_marginal, hmm.expected_statistics):
        with pytest.raises(ValueError, match=r"^y\[1\]: .* time step 1"):
            run(params, [[0, 0], [0, 1, 0]])


def test_refusals():
    y = np.zeros((4, D))
    for message, call in {
        "y: expected at least one time step": lambda: hmm.expected_statistics(SYMBOLIC, []),
        r"y\[1\]: expected at least one time step": lambda: hmm.expected_statistics(SYMBOLIC, [[0], np.zeros(0)]),
        r"y\[1\]: expected rows of shape \(2,\)": lambda: hmm.log_marginal(GAUSSIAN, [y, np.zeros((4, 1))]),
        "y: expected shape": lambda: hmm.posterior(GAUSSIAN, np.zeros((4, 3))),
        "^y: expected at least one time step": lambda: hmm.posterior(GAUSSIAN, np.zeros((0, D))),
        "transition: expected every column .*transpose it": lambda: hmm.posterior(
            GAUSSIAN._replace(transition=TRANSITION.T), y
        ),
        "params.transition: .*transpose it": lambda: hmm.sample(GAUSSIAN._replace(transition=TRANSITION.T), 3, RNG),
        "params.initial": lambda: hmm.sample(GAUSSIAN._replace(initial=[1.0, 1.0]), 3, RNG),
        r"log_emissions: expected real numbers of shape \(T, 2\)": lambda: hmm.posterior(
            GAUSSIAN._replace(initial=[0.5, 0.5], transition=np.eye(2)), y
        ),
        "n: expected": lambda: hmm.sample(GAUSSIAN, 0, RNG),
        "rng: expected": lambda: hmm.sample(GAUSSIAN, 3, None),
        "states: expected one for each of 2": lambda: hmm.observed_statistics([[0]], [y, y], GAUSSIAN.emission),
        "states: expected one of 3 states for each of 4": lambda: hmm.observed_statistics(
            [0, 1], y, GAUSSIAN.emission
        ),
        r"states\[1\]: expected one of 3": lambda: hmm.observed_statistics(
            [[0, 1, 2, 0], [1]], [y, y], GAUSSIAN.emission
        ),
        "states: expected states from 0 to 2": lambda: hmm.observed_statistics([0, 1, 2, 3], y, GAUSSIAN.emission),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()


def test_a_list_of_lists_is_several_sequences_to_every_function():
    """One rule: ``[[0], [1], [1]]`` is three sequences of one step; an array is one sequence of three."""
    several = [[0], [1], [1]]
    assert hmm.log_marginal(SYMBOLIC, several).shape == (3,)
    for run in (hmm.filter, hmm.posterior, hmm.most_probable_path):
        with pytest.raises(ValueError, match="y: expected one sequence, got a list of 3.*make it an array"):
            run(SYMBOLIC, several)
    one = hmm.posterior(SYMBOLIC, np.array(several))
    assert hmm.log_marginal(SYMBOLIC, np.array(several)) == one.log_likelihood
