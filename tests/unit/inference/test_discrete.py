"""The forward-backward algorithm, against the enumeration of all paths; compiled, and in NumPy."""

import importlib.util
import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from pedagogy_lib.distributions import categorical, gaussian
from pedagogy_lib.distributions.categorical import Categorical, Components, Table
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import discrete, kalman, recursions

BACKENDS = ["numpy"] + (["numba"] if importlib.util.find_spec("numba") else [])


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


def model(K, T, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K), size=K).T, spread * rng.normal(size=(T, K))


class Enumeration:
    """Every path, and its posterior probability: K^T terms, no recursion."""

    def __init__(self, initial, transition, logs):
        self.T, self.K = logs.shape
        self.paths = np.array(list(product(range(self.K), repeat=self.T)))
        with np.errstate(divide="ignore"):
            self.log_joint = np.log(initial)[self.paths[:, 0]] + logs[np.arange(self.T), self.paths].sum(1)
            self.log_joint += np.log(transition)[self.paths[:, 1:], self.paths[:, :-1]].sum(1)
        self.log_likelihood = logsumexp(self.log_joint)
        peak = self.log_joint.max()                       # minus infinity if nothing is possible
        self.weights = np.exp(self.log_joint - self.log_likelihood) if peak > -np.inf else None

    def smoothed(self):
        return np.array([np.bincount(x, self.weights, self.K) for x in self.paths.T])

    def pairs(self):
        found = np.zeros((self.T - 1, self.K, self.K))
        for t in range(1, self.T):
            np.add.at(found[t - 1], (self.paths[:, t], self.paths[:, t - 1]), self.weights)
        return found


STICKY = np.array([[0.7, 0.0, 0.2], [0.3, 1.0 - 1e-9, 0.0], [0.0, 1e-9, 0.8]])
CASES = {
    "plain": model(3, 6),
    "one state": model(1, 5),
    "one step": model(3, 1),
    "one of each": model(1, 1),
    "strong evidence": model(3, 6, spread=300.0),
    "stronger evidence": model(3, 6, spread=3000.0),
    "zeros": (np.array([1.0, 0.0, 0.0]), STICKY, model(3, 7)[2]),
    "zeros, strong evidence": (np.array([1.0, 0.0, 0.0]), STICKY, model(3, 7, spread=900.0)[2]),
    "an impossible symbol": (*model(3, 6)[:2], np.where(np.arange(18).reshape(6, 3) % 5, model(3, 6)[2], -np.inf)),
    "missing": (*model(3, 6)[:2], np.where(np.arange(6)[:, None] % 2, 0.0, model(3, 6)[2])),
    "tiny transition": (np.array([0.5, 0.5]), np.array([[1 - 1e-9, 1e-9], [1e-9, 1 - 1e-9]]), 40 * model(2, 8)[2]),
    "tiny prior": (np.array([1e-305, 1.0]), np.array([[0.5, 1e-200], [0.5, 1.0]]), 100 * model(2, 8)[2]),
}


@pytest.mark.parametrize("case", CASES)
def test_against_enumeration(case, backend):
    pi, A, logs = CASES[case]
    exact = Enumeration(pi, A, logs)
    filtered, smoothed = discrete.filter_and_smooth(pi, A, logs, backend)
    assert filtered.log_likelihood == pytest.approx(exact.log_likelihood, rel=1e-13, abs=1e-12)
    close = {"rtol": 1e-11, "atol": 1e-200}
    np.testing.assert_allclose(smoothed.probabilities, exact.smoothed(), **close)
    np.testing.assert_allclose(smoothed.pair_sums, exact.pairs().sum(0), **close)
    np.testing.assert_allclose(discrete.pair_posteriors(A, filtered, smoothed), exact.pairs(), **close)
    for t in range(len(logs)):
        upto = Enumeration(pi, A, logs[: t + 1])
        np.testing.assert_allclose(filtered.probabilities[t], upto.smoothed()[-1], **close)
        before = Enumeration(pi, A, np.vstack([logs[:t], np.zeros_like(logs[:1])])).smoothed()[-1]
        np.testing.assert_allclose(filtered.predicted[t], before, **close)
    path = discrete.viterbi(pi, A, logs, backend)
    assert path.log_probability == pytest.approx(exact.log_joint.max(), rel=1e-13, abs=1e-12)
    assert (path.states == exact.paths[exact.log_joint.argmax()]).all()
    assert path.states.dtype == np.int64


def test_the_oracle_notices_a_wrong_model(backend):
    pi, A, logs = CASES["plain"]
    exact = Enumeration(pi, A, logs)
    for wrong in ((pi[::-1], A, logs), (pi, A[::-1], logs), (pi, A, logs + np.eye(6, 3))):
        filtered, smoothed = discrete.filter_and_smooth(*wrong, backend)
        assert not np.allclose(smoothed.probabilities, exact.smoothed(), rtol=1e-6)
        assert not np.isclose(filtered.log_likelihood, exact.log_likelihood, rtol=1e-6)
    with pytest.raises(ValueError, match="filtered: expected what `filter` returns for this transition"):
        discrete.smooth(A[:, ::-1], discrete.filter(pi, A, logs, backend), backend)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 10_000), st.sampled_from([0.0, 1.0, 50.0, 500.0, 5000.0]))
def test_random_models_with_zeros(K, T, seed, spread):
    """Exact zeros anywhere, evidence of any strength: right, or impossible and refused."""
    rng = np.random.default_rng(seed)
    pi, A, logs = model(K, T, seed, spread)
    A = np.where((rng.random((K, K)) < 0.4) & ~np.eye(K, dtype=bool), 0.0, A)
    A /= A.sum(0)
    logs = np.where(rng.random((T, K)) < 0.15, -np.inf, logs)
    exact = Enumeration(pi, A, logs)
    for backend in BACKENDS:
        if exact.log_likelihood == -np.inf:
            for run in (discrete.filter, discrete.viterbi):
                with pytest.raises(discrete.ImpossibleError, match="probability zero at time step"):
                    run(pi, A, logs, backend)
            continue
        filtered, smoothed = discrete.filter_and_smooth(pi, A, logs, backend)
        assert filtered.log_likelihood == pytest.approx(exact.log_likelihood, rel=1e-12, abs=1e-11)
        np.testing.assert_allclose(smoothed.probabilities, exact.smoothed(), rtol=1e-9, atol=1e-150)
        np.testing.assert_allclose(smoothed.pair_sums, exact.pairs().sum(0), rtol=1e-9, atol=1e-150)
        found = discrete.viterbi(pi, A, logs, backend).log_probability
        assert found == pytest.approx(exact.log_joint.max(), rel=1e-12, abs=1e-11)


def test_a_transition_of_1e_9_is_not_rounded_away(backend):
    """Evidence that is decisive either way, and a move so rare: the posterior is one quarter."""
    e = 1e-9
    A = np.array([[1 - e, e], [e, 1 - e]])
    logs = np.log([[1.0, 1.0], [3 * e / (1 - e), 1.0]])                    # odds of the move: e / (3 e)
    _, smoothed = discrete.filter_and_smooth([1.0, 0.0], A, logs, backend)
    assert smoothed.probabilities[1, 1] == pytest.approx(0.25, rel=1e-12)
    assert smoothed.pair_sums[1, 0] == pytest.approx(0.25, rel=1e-12)
    _, wrong = discrete.filter_and_smooth([1.0, 0.0], np.eye(2), logs, backend)
    assert wrong.probabilities[1, 1] == 0.0


def test_two_sure_sensors_that_contradict(backend):
    """800 nats for one state, then 801 for the other, and no way between them: odds of e."""
    logs = np.array([[0.0, -800.0], [-801.0, 0.0]])
    filtered, smoothed = discrete.filter_and_smooth([0.5, 0.5], np.eye(2), logs, backend)
    assert filtered.logs is not None
    odds = smoothed.probabilities[:, 1] / smoothed.probabilities[:, 0]
    np.testing.assert_allclose(odds, np.e, rtol=1e-10)
    draws = discrete.sample(np.eye(2), filtered, 4000, np.random.default_rng(0), backend)
    assert (draws[:, 0] == draws[:, 1]).all()
    assert draws[:, 0].mean() == pytest.approx(np.e / (1 + np.e), abs=0.04)


def test_zeros_stay_exact(backend):
    pi, A, logs = CASES["zeros"]
    filtered, smoothed = discrete.filter_and_smooth(pi, A, logs, backend)
    assert filtered.logs is None                          # structural zeros need no logarithms
    assert (filtered.probabilities[0, 1:] == 0).all()
    assert (smoothed.pair_sums[A == 0] == 0).all()


def test_a_million_steps(backend):
    T = 1_000_000 if backend == "numba" and not _plain_python() else 3_000
    rng = np.random.default_rng(1)
    A = np.array([[0.9, 0.2], [0.1, 0.8]])
    logs = rng.normal(size=(T, 2)) - 50.0                 # densities of e^-50: e^-50,000,000 in all
    filtered, smoothed = discrete.filter_and_smooth([0.5, 0.5], A, logs, backend)
    np.testing.assert_allclose(smoothed.probabilities.sum(1), 1.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(smoothed.pair_sums.sum(), T - 1, rtol=1e-12)
    shifted = discrete.filter([0.5, 0.5], A, logs + 50.0, backend)
    assert filtered.log_likelihood == pytest.approx(shifted.log_likelihood - 50.0 * T, rel=1e-12)
    assert np.isfinite(discrete.viterbi([0.5, 0.5], A, logs, backend).log_probability)


def _plain_python():
    """Whether kernels run uncompiled (NUMBA_DISABLE_JIT), and take their time."""
    import numba

    return bool(numba.config.DISABLE_JIT)


@pytest.mark.skipif("numba" not in BACKENDS, reason="numba is not installed")
@pytest.mark.parametrize(("K", "T"), [(1, 7), (2, 40), (5, 60), (13, 30), (20, 9)])
def test_kernel_equals_reference(K, T):
    for spread in (1.0, 400.0, 2000.0):
        pi, A, logs = model(K, T, seed=K, spread=spread)
        logs[T // 2] = 0.0
        if spread > 1000:
            A = np.eye(K) * 0.5 + 0.5 * np.roll(np.eye(K), 1, axis=0)       # round and round
        results = [discrete.filter_and_smooth(pi, A, logs, backend) for backend in ("numpy", "numba")]
        assert (results[0][0].logs is None) == (results[1][0].logs is None)
        for ours, theirs in zip(results[0][0][:3] + results[0][1], results[1][0][:3] + results[1][1]):
            np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)
        paths = [discrete.viterbi(pi, A, logs, backend) for backend in ("numpy", "numba")]
        assert (paths[0].states == paths[1].states).all()
        assert paths[0].log_probability == paths[1].log_probability
        draws = [
            discrete.sample(A, found[0], 30, np.random.default_rng(3), backend)
            for found, backend in zip(results, ("numpy", "numba"))
        ]
        assert (draws[0] == draws[1]).all()


def test_blocks_of_rows_join(monkeypatch):
    """Long sequences are worked on in blocks; where they are cut does not show."""
    kernel = pytest.importorskip("pedagogy_lib.kernels.hmm")
    pi, A, logs = model(3, 50)
    whole = discrete.filter_and_smooth(pi, A, logs, "numba")
    for block in (3, 6, 75, 147, 150):
        monkeypatch.setattr(kernel, "BLOCK", block)
        cut = discrete.filter_and_smooth(pi, A, logs, "numba")
        np.testing.assert_array_equal(cut[0].probabilities, whole[0].probabilities)
        np.testing.assert_array_equal(cut[1].probabilities, whole[1].probabilities)
        np.testing.assert_allclose(cut[1].pair_sums, whole[1].pair_sums, rtol=1e-13)


# ------------------------------------------------------------------ sampling, and alpha


@pytest.mark.parametrize("case", ["plain", "zeros", "zeros, strong evidence", "one step"])
def test_sampled_sequences_have_the_posterior_of_whole_paths(case, backend):
    pi, A, logs = CASES[case]
    exact = Enumeration(pi, A, logs)
    n = 20_000 if case == "plain" else 4_000
    draws = discrete.sample(A, discrete.filter(pi, A, logs, backend), n, np.random.default_rng(5), backend)
    assert draws.shape == (n, len(logs))
    code = np.ravel_multi_index(draws.T, (exact.K,) * exact.T)
    shares = np.bincount(code, minlength=len(exact.paths)) / n

    def largest_z(weights):
        return (np.abs(shares - weights) / np.sqrt(np.maximum(weights * (1 - weights) / n, 1 / n**2))).max()

    assert largest_z(exact.weights) < 6
    if case == "plain":                                   # each state on its own is not enough
        independent = np.prod(exact.smoothed()[np.arange(exact.T), exact.paths], axis=1)
        assert largest_z(independent) > 6


def test_sampling_is_reproducible(backend):
    pi, A, logs = CASES["plain"]
    filtered = discrete.filter(pi, A, logs, backend)
    once, again = (discrete.sample(A, filtered, 5, np.random.default_rng(7), backend) for _ in range(2))
    assert (once == again).all()
    assert discrete.sample(A, filtered, 0, np.random.default_rng(7), backend).shape == (0, 6)


def test_alpha_underflows_where_the_filter_does_not():
    pi, A, logs = model(3, 6)
    alpha = discrete.alpha_unnormalized(pi, A, logs)
    for t in range(6):
        exact = Enumeration(pi, A, logs[: t + 1])
        joint = exact.smoothed()[-1] * np.exp(exact.log_likelihood)
        np.testing.assert_allclose(alpha[t], joint, rtol=1e-12)
    long = np.tile(logs - 2.0, (200, 1))
    assert (discrete.alpha_unnormalized(pi, A, long)[-1] == 0).all()
    assert np.isfinite(discrete.filter(pi, A, long).log_likelihood)


def test_the_four_half_updates():
    pi, A, logs = CASES["plain"]
    filtered, smoothed = discrete.filter_and_smooth(pi, A, logs)
    belief = discrete.time_update(filtered.probabilities[2], A)
    np.testing.assert_allclose(belief, filtered.predicted[3], rtol=1e-14)
    corrected, evidence = discrete.measurement_update(belief, np.exp(logs[3]))
    np.testing.assert_allclose(corrected, filtered.probabilities[3], rtol=1e-14)
    assert np.log(evidence) == pytest.approx(filtered.log_likelihoods[3], rel=1e-12)
    pair = discrete.gamma_step(smoothed.probabilities[3], 7.0 * filtered.probabilities[2], 7.0 * belief, A)
    np.testing.assert_allclose(pair.sum(0), smoothed.probabilities[2], rtol=1e-13)      # the factor cancels
    np.testing.assert_allclose(pair, Enumeration(pi, A, logs).pairs()[2], rtol=1e-12)


def test_some_of_the_pairs(backend):
    for case in ("plain", "stronger evidence"):
        pi, A, logs = CASES[case]
        found = discrete.filter_and_smooth(pi, A, logs, backend)
        every = discrete.pair_posteriors(A, *found)
        np.testing.assert_array_equal(discrete.pair_posteriors(A, *found, start=2, stop=4), every[1:3])
        assert discrete.pair_posteriors(A, *found, start=3, stop=3).shape == (0, 3, 3)
        with pytest.raises(ValueError, match="stop: expected at most 6"):
            discrete.pair_posteriors(A, *found, stop=7)


# ---------------------------------------------------------- the same lines for two models


def run_generically(rules, initial, transition, emission, y):
    """Filter and smooth a chain of any kind: these lines know neither model."""
    forwards = [
        event for event in recursions.filter(rules, initial, transition, emission, y)
        if isinstance(event, recursions.MeasurementUpdate)
    ]
    filtered = [event.distribution for event in forwards]
    backwards = [
        event.distribution for event in recursions.smooth(rules, filtered, transition)
        if isinstance(event, recursions.BackwardStep)
    ]
    return filtered, backwards[::-1], sum(event.log_likelihood for event in forwards)


def test_two_operations_run_both_chains(backend):
    pi, A, logs = CASES["plain"]
    table = Components(lambda t: logs[np.asarray(t, int)])          # the observation is the row to look up
    filtered, smoothed, cost = run_generically(categorical, Categorical(pi), Table(A), table, np.arange(6.0))
    exact = Enumeration(pi, A, logs)
    found = discrete.filter_and_smooth(pi, A, logs, backend)
    for t in range(6):
        np.testing.assert_allclose(filtered[t].probabilities, found[0].probabilities[t], rtol=1e-12)
        np.testing.assert_allclose(smoothed[t].probabilities, exact.smoothed()[t], rtol=1e-12)
    assert cost == pytest.approx(exact.log_likelihood, rel=1e-13)

    start = Gaussian(np.array([1.0, 0.0]), np.eye(2))
    move = AffineGaussian(np.array([[0.9, 0.3], [0.0, 0.8]]), np.zeros(2), 0.2 * np.eye(2))
    look = AffineGaussian(np.array([[1.0, 0.0]]), np.zeros(1), np.eye(1))
    y = np.random.default_rng(0).normal(size=(6, 1))
    filtered, smoothed, cost = run_generically(gaussian, start, move, look, y)
    forwards, backwards = kalman.filter(start, move, look, y), kalman.smooth(start, move, look, y)
    assert cost == pytest.approx(forwards.log_likelihood, rel=1e-12)
    for t in range(6):
        np.testing.assert_allclose(filtered[t].mean, forwards.means[t], rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(smoothed[t].covariance, backwards.covariances[t], rtol=1e-11)
    assert not np.allclose(smoothed[0].mean, forwards.means[0])


# --------------------------------------------------------------------------- refusals


def test_refusals(backend):
    pi, A, logs = CASES["plain"]
    rows = np.array([[0.9, 0.1], [0.3, 0.7]])
    for message, arguments in {
        "transpose it": ([0.5, 0.5], rows, np.zeros((3, 2))),
        "initial: expected the entries to sum to 1": ([0.5, 0.6, 0.0], A, logs),
        "initial: expected shape": (pi[None], A, logs),
        r"transition: expected shape \(3, 3\)": (pi, A[:2], logs),
        "negative": (pi, A - 2 * np.eye(3), logs),
        r"log_emissions: expected real numbers of shape \(T, 3\), got shape \(6, 2\)": (pi, A, logs[:, :2]),
        "expected real numbers, got complex numbers": (pi, A, logs + 0j),
        "at least one time step": (pi, A, logs[:0]),
        "below infinity, got nan at time step 2": (pi, A, np.where(np.arange(6)[:, None] == 2, np.nan, logs)),
        "below infinity, got inf at time step 4": (pi, A, logs + np.where(np.arange(6) == 4, np.inf, 0)[:, None]),
        "probability zero at time step 3": (pi, A, np.where(np.arange(6)[:, None] == 3, -np.inf, logs)),
    }.items():
        for run in (discrete.filter, discrete.filter_and_smooth, discrete.viterbi):
            with pytest.raises(ValueError, match=message):
                run(*arguments, backend)
    for row in ([0.0, np.nan, 1.0], [np.nan, 0.0, 1.0], [2.0, 1.0, np.nan]):
        with pytest.raises(ValueError, match="got nan at time step 1"):
            discrete.filter(pi, A, [[0.0, 0.0, 0.0], row], backend)


def test_impossible_after_what_came_before(backend):
    """Each observation is possible in itself; the second is not, after the first."""
    logs = np.array([[0.0, -np.inf], [-np.inf, 0.0], [0.0, 0.0]])
    for run in (discrete.filter, discrete.viterbi):
        with pytest.raises(discrete.ImpossibleError, match="time step 1") as caught:
            run([0.5, 0.5], np.eye(2), logs, backend)
        assert caught.value.t == 1
    assert "y[3]" in str(caught.value.about("y[3]"))


def test_refusals_of_the_second_pass():
    pi, A, logs = CASES["plain"]
    filtered, smoothed = discrete.filter_and_smooth(pi, A, logs)
    with pytest.raises(ValueError, match="transition: expected shape"):
        discrete.smooth(np.eye(2), filtered)
    with pytest.raises(ValueError, match=r"filtered\.predicted: expected shape"):
        discrete.smooth(A, filtered._replace(predicted=filtered.predicted[1:]))
    with pytest.raises(ValueError, match=r"smoothed\.probabilities"):
        discrete.pair_posteriors(A, filtered, smoothed._replace(probabilities=smoothed.probabilities[1:]))
    with pytest.raises(ValueError, match="rng: expected"):
        discrete.sample(A, filtered, 3, 0)
    with pytest.raises(ValueError, match="n: expected"):
        discrete.sample(A, filtered, -1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="backend: expected one of"):
        discrete.filter(pi, A, logs, backend="fortran")


def test_arguments_are_not_changed(backend):
    arrays = [np.array(a) for a in CASES["plain"]]
    for a in arrays:
        a.setflags(write=False)
    filtered, _ = discrete.filter_and_smooth(*arrays, backend)
    discrete.viterbi(*arrays, backend)
    discrete.sample(arrays[1], filtered, 3, np.random.default_rng(0), backend)
    strided = discrete.filter(arrays[0], np.asfortranarray(arrays[1]), np.repeat(arrays[2], 2, axis=1)[:, ::2], backend)
    np.testing.assert_allclose(strided.probabilities, filtered.probabilities, rtol=1e-14)


def test_without_numba_the_reference_runs(monkeypatch):
    monkeypatch.setattr(discrete._backends.kernels, "load", lambda name, required=False: None)
    pi, A, logs = CASES["plain"]
    found = discrete.filter(pi, A, logs)
    np.testing.assert_array_equal(found.probabilities, discrete.filter(pi, A, logs, "numpy").probabilities)


@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_what_another_model_filtered_is_refused(backend):
    """Drawing backwards from it could need a state that does not exist."""
    pi, logs = np.array([0.5, 0.5]), np.zeros((4, 2))
    stays, swaps = np.eye(2), np.eye(2)[::-1]
    filtered = discrete.filter(np.array([1.0, 0.0]), stays, logs, backend)
    with pytest.raises(ValueError, match="filtered: expected what `filter` returns for this transition"):
        discrete.sample(swaps, filtered, 3, np.random.default_rng(0), backend)
    with pytest.raises(ValueError, match="filtered: expected what `filter` returns for this transition"):
        discrete.smooth(swaps, filtered, backend)
    right = discrete.filter(pi, swaps, logs, backend)
    assert discrete.sample(swaps, right, 3, np.random.default_rng(0), backend).shape == (3, 4)


def test_an_error_survives_pickling():
    error = discrete.ImpossibleError(3, "y")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.t, str(again)) == (discrete.ImpossibleError, 3, str(error))
