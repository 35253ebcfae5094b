"""Emissions of a discrete source, against SciPy's densities and plain averages."""

import numpy as np
import pytest
from scipy import stats

from pedagogy_lib import kernels
from pedagogy_lib.distributions.emissions import Gaussians, Poissons, Symbols

RNG = np.random.default_rng(3)
K, D, M, T = 3, 2, 4, 40
ROOTS = RNG.normal(size=(K, D, D))
FAMILIES = {
    "symbols": Symbols(RNG.dirichlet(np.ones(M), size=K).T),
    "gaussians": Gaussians(3 * RNG.normal(size=(K, D)), ROOTS @ ROOTS.transpose(0, 2, 1) + 0.2 * np.eye(D)),
    "poissons": Poissons(RNG.gamma(2.0, 2.0, size=(K, D))),
}
STATES = RNG.integers(K, size=T)
WEIGHTS = RNG.dirichlet(np.ones(K), size=T)


def scipy_log_densities(emission, y):
    if isinstance(emission, Symbols):
        return np.log(emission.probabilities[np.ravel(y).astype(int)])
    if isinstance(emission, Gaussians):
        return np.stack([stats.multivariate_normal(*p).logpdf(y) for p in zip(*emission)], 1)
    return np.stack([stats.poisson(r).logpmf(y).sum(1) for r in emission.rates], 1)


@pytest.fixture(params=FAMILIES)
def emission(request):
    return FAMILIES[request.param]


@pytest.fixture(params=["numba", "numpy"])
def either_backend(request, monkeypatch):
    """With the compiled loops where numba is there, and without."""
    if request.param == "numpy":
        monkeypatch.setattr(kernels, "load", lambda name, required=False: None)


def test_log_densities_agree_with_scipy(emission, either_backend):
    y = emission.sample(STATES, np.random.default_rng(0))
    expected = scipy_log_densities(emission, y)
    np.testing.assert_allclose(emission.log_densities(y), expected, rtol=1e-12, atol=1e-12)
    wrong = type(emission)(*(field[..., ::-1] if isinstance(emission, Symbols) else field[::-1] for field in emission))
    assert not np.allclose(wrong.log_densities(y), expected, rtol=1e-3)


def test_missing_rows_say_nothing(emission):
    y = emission.sample(STATES, np.random.default_rng(0)).astype(float)
    gaps = y.copy()
    gaps[[0, 7]] = np.nan
    logs = emission.log_densities(gaps)
    assert (logs[[0, 7]] == 0).all()
    seen = np.delete(np.arange(T), [0, 7])
    np.testing.assert_array_equal(logs[seen], emission.log_densities(y)[seen])
    found, expected = emission.observed_statistics(WEIGHTS, gaps), emission.observed_statistics(WEIGHTS[seen], y[seen])
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    assert np.isnan(gaps[0]).all()


def test_samples_have_the_moments_of_their_state():
    n = 100_000
    states = np.repeat([2, 0], n)
    symbols = FAMILIES["symbols"].sample(states, np.random.default_rng(0))
    shares = np.bincount(symbols[:n], minlength=M) / n
    np.testing.assert_allclose(shares, FAMILIES["symbols"].probabilities[:, 2], atol=0.01)
    assert not np.allclose(shares, FAMILIES["symbols"].probabilities[:, 0], atol=0.01)
    vectors = FAMILIES["gaussians"].sample(states, np.random.default_rng(0))
    np.testing.assert_allclose(vectors[n:].mean(0), FAMILIES["gaussians"].means[0], atol=0.05)
    np.testing.assert_allclose(np.cov(vectors[:n].T), FAMILIES["gaussians"].covariances[2], rtol=0.03, atol=0.05)
    counts = FAMILIES["poissons"].sample(states, np.random.default_rng(0))
    np.testing.assert_allclose(counts[n:].mean(0), FAMILIES["poissons"].rates[0], rtol=0.02)
    np.testing.assert_allclose(counts[n:].var(0), FAMILIES["poissons"].rates[0], rtol=0.03)


def test_a_symbol_of_probability_zero_is_never_shown():
    emission = Symbols(np.array([[0.0, 0.5], [1.0, 0.5], [0.0, 0.0]]))
    drawn = emission.sample(np.zeros(1000, int), np.random.default_rng(0))
    assert (drawn == 1).all()
    np.testing.assert_array_equal(emission.log_densities([0, 2])[:, 0], [-np.inf, -np.inf])


def test_a_rate_of_zero_never_fires():
    logs = Poissons(np.array([[0.0, 1.0], [2.0, 1.0]])).log_densities([[0, 1], [1, 0]])
    np.testing.assert_allclose(logs[:, 0], [-1.0, -np.inf])
    np.testing.assert_allclose(logs[1, 1], stats.poisson(2).logpmf(1) - 1)


@pytest.mark.parametrize("name", FAMILIES)
def test_maximize_gives_the_most_probable_parameters(name, either_backend):
    """No step away from the answer lowers the weighted cost, and hard states give plain averages."""
    emission = FAMILIES[name]
    y = emission.sample(STATES, np.random.default_rng(0))
    best = emission.observed_statistics(WEIGHTS, y).maximize()

    def cost(candidate):
        return -(WEIGHTS * scipy_log_densities(candidate, y)).sum()

    rng = np.random.default_rng(1)
    for _ in range(30):
        if name == "symbols":
            moved = best.probabilities * np.exp(0.05 * rng.normal(size=(M, K)))
            other = Symbols(moved / moved.sum(0))
        elif name == "gaussians":
            turn = np.eye(D) + 0.05 * rng.normal(size=(K, D, D))
            covariances = turn @ best.covariances @ turn.transpose(0, 2, 1)
            other = Gaussians(best.means + 0.05 * rng.normal(size=(K, D)), covariances)
        else:
            other = Poissons(best.rates * np.exp(0.05 * rng.normal(size=(K, D))))
        assert cost(other) > cost(best)
    assert cost(emission) > cost(best)

    hard = emission.observed_statistics(np.eye(K)[STATES], y).maximize()
    own = y[STATES == 1]
    if name == "symbols":
        np.testing.assert_allclose(hard.probabilities[:, 1], np.bincount(own, minlength=M) / len(own))
    elif name == "gaussians":
        np.testing.assert_allclose(hard.means[1], own.mean(0), rtol=1e-12)
        np.testing.assert_allclose(hard.covariances[1], np.cov(own.T, bias=True), rtol=1e-12)
    else:
        np.testing.assert_allclose(hard.rates[1], own.mean(0), rtol=1e-12)


PRIORS = {"symbols": 0.7, "gaussians": (np.array([[2.0, 0.3], [0.3, 1.0]]), 4.0), "poissons": (3.0, 2.0)}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_prior_is_worth_what_log_prior_says(name):
    """The answer minimizes cost less log prior; with the prior left out it would not."""
    emission, prior = FAMILIES[name], PRIORS[name]
    y = emission.sample(STATES, np.random.default_rng(0))
    statistics = emission.observed_statistics(WEIGHTS, y)
    best, plain = statistics.maximize(prior), statistics.maximize()

    def cost(candidate):
        return -(WEIGHTS * candidate.log_densities(y)).sum() - candidate.log_prior(prior)

    for weight in (0.02, 0.3, 1.0):
        other = type(best)(*((1 - weight) * a + weight * b for a, b in zip(best, plain)))
        assert cost(other) > cost(best)


def test_a_prior_keeps_open_what_has_not_happened():
    shown_nothing = Symbols(np.full((2, 2), 0.5)).observed_statistics([[1.0, 0.0]], [1])
    np.testing.assert_allclose(shown_nothing.maximize(1.0).probabilities, [[1 / 3, 0.5], [2 / 3, 0.5]])
    with pytest.raises(ValueError, match="got none in state 1"):
        shown_nothing.maximize()
    flat = FAMILIES["gaussians"].observed_statistics(np.full((2, K), 0.5), [[0.0, 0.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="singular covariance in state 0"):
        flat.maximize()
    assert np.linalg.eigvalsh(flat.maximize((np.eye(2), 1.0)).covariances).min() > 0.1
    silent = Poissons(np.ones((2, 1))).observed_statistics([[1.0, 0.0]], [[0.0]])
    np.testing.assert_allclose(silent.maximize((2.0, 1.0)).rates, [[1.0], [2.0]])
    assert Poissons(np.zeros((1, 1))).log_prior((0.0, 1.0)) == 0.0
    assert Symbols(np.eye(2)).log_prior(np.eye(2)) == 0.0
    assert Symbols(np.eye(2)).log_prior(1.0) == -np.inf


def test_a_state_without_weight_does_not_spoil_the_others():
    y = RNG.normal(size=(20, D))
    weights = np.zeros((20, K))
    weights[:, 0] = 1.0
    statistics = FAMILIES["gaussians"].observed_statistics(weights, y)
    assert np.isfinite(statistics.scatters).all()
    np.testing.assert_allclose(statistics.scatters[0] / 20, np.cov(y.T, bias=True), rtol=1e-12)
    with pytest.raises(ValueError, match="got none in state 1"):
        statistics.maximize()


def test_far_from_zero_no_digits_cancel(either_backend):
    """Tight states at 1e6: the spread is found to eight digits, where <Y Y'> - m m' has none."""
    y = 1e6 + 1e-4 * RNG.normal(size=(500, 1))
    found = Gaussians(np.zeros((1, 1)), np.ones((1, 1, 1))).observed_statistics(np.ones((500, 1)), y).maximize()
    assert found.covariances[0, 0, 0] == pytest.approx(np.var(y - 1e6), rel=1e-6)
    assert abs((y**2).mean() - y.mean() ** 2 - np.var(y - 1e6)) > 0.5 * np.var(y - 1e6)


def test_refusals():
    symbols, gaussians, poissons = FAMILIES.values()
    rng = np.random.default_rng(0)
    bad = Gaussians(gaussians.means, gaussians.covariances - 5 * np.eye(D))
    skew = Gaussians(gaussians.means, gaussians.covariances + np.array([[0, 1], [0, 0]]))
    for message, call in {
        "every column to sum to 1": lambda: Symbols(symbols.probabilities.T).log_densities([0]),
        r"y: expected whole numbers from 0 to 3, got 4 at index 1": lambda: symbols.log_densities([0, 4]),
        r"got 0.5 at index 0": lambda: symbols.log_densities([0.5]),
        r"got -1 at index 0": lambda: symbols.log_densities([-1]),
        r"y: expected symbols, shape": lambda: symbols.log_densities([[0, 1]]),
        r"y: expected real numbers": lambda: symbols.log_densities(["a"]),
        r"weights: expected shape": lambda: symbols.observed_statistics(np.ones((2, 2)), [0, 1]),
        r"prior: expected counts": lambda: symbols.log_prior(-1.0),
        r"got shape \(2,\)": lambda: symbols.log_prior([1.0, 1.0]),
        r"y: expected shape \(N, 2\)": lambda: gaussians.log_densities([[1.0]]),
        r"row 1 partly NaN": lambda: gaussians.observed_statistics(np.ones((2, len(gaussians.means))), [[1.0, 2.0], [np.nan, 0.0]]),
        r"y: expected finite": lambda: gaussians.log_densities([[np.inf, 2.0]]),
        r"emission.covariances\[0\]: expected a positive definite": lambda: bad.log_densities([[1.0, 2.0]]),
        r"symmetric": lambda: skew.log_densities([[1.0, 2.0]]),
        r"emission.covariances: expected shape": lambda: Gaussians(gaussians.means, np.eye(2)).log_densities([[0, 0]]),
        r"prior: expected a pair, a covariance": lambda: gaussians.log_prior(1.0),
        r"prior\[1\]": lambda: gaussians.log_prior((np.eye(2), 0.0)),
        r"rates of at least 0, got -1": lambda: Poissons(np.array([[-1.0]])).log_densities([[1]]),
        r"counts, whole numbers of at least 0, got 1.5 at index \(0, 1\)": lambda: poissons.log_densities([[1, 1.5]]),
        r"got -1 at index \(0, 0\)": lambda: poissons.log_densities([[-1, 0]]),
        r"prior: expected a pair of numbers": lambda: poissons.log_prior(2.0),
        r"states: expected whole numbers": lambda: poissons.sample([0.5], rng),
        r"states: expected states from 0 to 2, got 0 to 3": lambda: symbols.sample([0, 3], rng),
        r"rng: expected": lambda: gaussians.sample([0], 7),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()
    nearly = Gaussians(gaussians.means, gaussians.covariances * (1 + 1e-12 * np.array([[0, 1], [-1, 0]])))
    assert np.isfinite(nearly.log_densities([[0.0, 0.0]])).all()


def test_no_observations_at_all():
    for emission in FAMILIES.values():
        none = np.zeros((0, D)) if not isinstance(emission, Symbols) else np.zeros(0)
        assert emission.log_densities(none).shape == (0, K)
        assert len(emission.sample(np.zeros(0, int), np.random.default_rng(0))) == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_a_start_is_near_the_data_and_tells_the_states_apart(name):
    family, rng = FAMILIES[name], np.random.default_rng(5)
    y = family.sample(np.arange(300) % K, rng).astype(float)
    y[3] = np.nan                                        # missing rows are passed over
    begin = type(family).start(y, 4, rng)
    logs = begin.log_densities(y)
    assert logs.shape == (300, 4)
    assert np.isfinite(logs).all()
    assert (logs[3] == 0).all()
    assert np.ptp(logs[0]) > 1e-3
    again = begin.observed_statistics(rng.dirichlet(np.ones(4), 300), y).maximize()
    assert type(again) is type(family)
