"""Generalized linear models against SciPy's densities and searches, scores written anew, and traps."""

import pickle

import numpy as np
import pytest
from regressions import heavy_tailed
from scipy import stats
from scipy.optimize import linprog, minimize

from pedagogy_lib.distributions.exponential_family import dispersion as families
from pedagogy_lib.learning.regression import generalized, linear, links, scoring, separation
from pedagogy_lib.learning.regression._design import RankError

N, M = 200, 3
RNG = np.random.default_rng(5)
Y = RNG.normal(size=(N, M)) * [1.0, 4.0, 0.1] + [0.0, 60.0, 3.0]
S = (Y - Y.mean(0)) @ [0.5, 0.1, -3.0]
W = np.where(np.arange(N) < 6, 0.0, RNG.uniform(0.3, 3, N))
TRIALS = RNG.integers(1, 9, N)
MEANS = np.exp(S / 3 + 1.5)
P = 1 / (1 + np.exp(-S))
# family, outputs; for each link the mean as a function of the predictor, written for itself
CASES = {
    "bernoulli": (families.Bernoulli(), (RNG.random(N) < P).astype(float)),
    "binomial": (families.Binomial(TRIALS), RNG.binomial(TRIALS, P).astype(float)),
    "poisson": (families.Poisson(), RNG.poisson(MEANS) + 0.0),
    "gaussian": (families.Gaussian(), MEANS + 0.3 * RNG.normal(size=N)),
    "gamma": (families.Gamma(), RNG.gamma(6, MEANS / 6)),
}
INVERSES = {
    "logit": lambda s: 1 / (1 + np.exp(-s)), "probit": stats.norm.cdf, "cloglog": lambda s: 1 - np.exp(-np.exp(s)),
    "log": np.exp, "identity": lambda s: s, "sqrt": np.square, "inverse": lambda s: 1 / s,
}
PAIRS = [(name, link.name) for name in CASES for link in links.LINKS[CASES[name][0].kind]]


def log_density(name, x, mean, phi=1.0):
    return {
        "bernoulli": lambda: stats.bernoulli(mean).logpmf(x),
        "binomial": lambda: stats.binom(TRIALS, mean).logpmf(x),
        "poisson": lambda: stats.poisson(mean).logpmf(x),
        "gaussian": lambda: stats.norm(mean, np.sqrt(phi)).logpdf(x),
        "gamma": lambda: stats.gamma(1 / phi, scale=mean * phi).logpdf(x),
    }[name]()


def variance(name, mean):
    n = TRIALS if name == "binomial" else 1
    return {"poisson": mean, "gaussian": np.ones(N), "gamma": mean**2}.get(name, mean * (1 - mean) / n)


def left_to_go(name, link, beta, offsets, weights):
    """How far one step from beta would go, in standard errors: a score of another form, d mean / ds by differences."""
    z = np.column_stack([Y, np.ones(N)])
    s, h = z @ beta + offsets, 1e-6
    mean = INVERSES[link](s)
    slope = (INVERSES[link](s + h) - INVERSES[link](s - h)) / (2 * h)
    x = CASES[name][1] / (TRIALS if name == "binomial" else 1)
    score = z.T @ (weights * slope * (x - mean) / variance(name, mean))
    information = (z * (weights * slope**2 / variance(name, mean))[:, None]).T @ z
    return np.abs(np.linalg.solve(information, score)) / np.sqrt(np.diag(np.linalg.inv(information))), information


@pytest.mark.parametrize("name, link", PAIRS)
def test_the_score_vanishes(name, link):
    """With offsets and weights, some of them zero; without the offsets, or the weights, it does not."""
    family, x = CASES[name]
    offsets = 0.2 * np.sin(np.arange(N)) * (0.02 if link in ("identity", "inverse", "sqrt") else 1)
    fit = generalized.fit(Y, x, family, link, offsets=offsets, weights=W)
    beta = np.append(fit.coefficients, fit.intercept)
    moved, information = left_to_go(name, link, beta, offsets, W)
    assert moved.max() < 1e-6
    np.testing.assert_allclose(
        fit.standard_errors, np.sqrt(fit.dispersion * np.diag(np.linalg.inv(information))), rtol=1e-5
    )
    assert fit.degrees == N - 6 - M - 1
    for wrong in (left_to_go(name, link, beta, 0 * offsets, W), left_to_go(name, link, beta, offsets, W**2)):
        assert wrong[0].max() > 1e-4


@pytest.mark.parametrize("name, link", PAIRS)
def test_the_likelihood_is_highest(name, link):
    """A general search of SciPy's log density finds nothing better; deviances are differences of log densities."""
    family, x = CASES[name]
    fit = generalized.fit(Y, x, family, link)
    z, phi = np.column_stack([Y - Y.mean(0), np.ones(N)]), 0.3 if name in ("gaussian", "gamma") else 1.0

    def loss(beta):
        with np.errstate(all="ignore"):
            total = -np.sum(log_density(name, x, INVERSES[link](z @ beta), phi))
        return total if np.isfinite(total) else 1e10

    beta = np.append(fit.coefficients, fit.intercept + Y.mean(0) @ fit.coefficients)
    search = minimize(loss, beta + 1e-3, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000})
    assert loss(beta) <= search.fun + 1e-8
    np.testing.assert_allclose(beta, search.x, rtol=1e-3, atol=2e-4)
    best = np.sum(log_density(name, x, x / TRIALS if name == "binomial" else x, phi))
    assert fit.deviance / phi == pytest.approx(2 * (best + loss(beta)), rel=1e-8)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("unit", [1e-6, 1e3, 1e-200, 1e190])
def test_units_and_zeros_do_not_matter(name, unit):
    family, x = CASES[name]
    fit = generalized.fit(Y, x, family)
    other = generalized.fit(Y * unit + 7 * unit, x, family)
    np.testing.assert_allclose(other.coefficients * unit, fit.coefficients, rtol=1e-8)
    if 1e-9 < unit < 1e9:                                   # else its square is out of range
        np.testing.assert_allclose(other.standard_errors[:-1] * unit, fit.standard_errors[:-1], rtol=1e-8)
    np.testing.assert_allclose(generalized.predict(other, Y * unit + 7 * unit), generalized.predict(fit, Y), rtol=1e-8)


def test_a_gaussian_model_is_linear_regression():
    _, x = CASES["gaussian"]
    fit, line = generalized.fit(Y, x, families.Gaussian()), linear.least_squares(Y, x[:, None])
    np.testing.assert_allclose(fit.coefficients, line.weights[0], rtol=1e-10)
    np.testing.assert_allclose(fit.standard_errors[:-1], linear.diagnose(line, Y, x[:, None]).standard_errors[0], rtol=1e-8)
    ridge = generalized.fit(Y, x, families.Gaussian(), penalty=3.0)
    np.testing.assert_allclose(ridge.coefficients, linear.ridge(Y, x[:, None], np.eye(M) / 3).weights[0], rtol=1e-8)
    perfect = generalized.fit(Y, Y @ [1.0, 2.0, 3.0] - 4, families.Gaussian())
    np.testing.assert_allclose([*perfect.coefficients, perfect.intercept], [1, 2, 3, -4], rtol=1e-9)


def test_events_are_weighted_least_squares():
    """Each full step solves the least-squares problem that its event states (Eq. 5.14, last line)."""
    _, x = CASES["poisson"]
    z = np.column_stack([Y - Y.mean(0), np.ones(N)])
    events = generalized.iterate(Y - Y.mean(0), x, families.Poisson(), weights=W, offsets=0.1 * Y[:, 0])
    losses, predictors = [], []
    for event in (next(events) for _ in range(6)):
        root = np.sqrt(event.working_weights)
        kept = W > 0
        expected = np.linalg.lstsq(z[kept] * root[:, None], event.working_outputs * root, rcond=None)[0]
        assert event.halvings == 0
        np.testing.assert_allclose([*event.coefficients, event.intercept], expected, rtol=1e-9)
        wrong = np.linalg.lstsq(z[kept] * root[:, None], x[kept] * root, rcond=None)[0]
        assert not np.allclose([*event.coefficients, event.intercept], wrong, rtol=0.01)
        losses.append(event.loss)
        predictors.append((z @ [*event.coefficients, event.intercept] + 0.1 * Y[:, 0])[kept])
        if len(predictors) > 1:                             # the largest change, in parts of the largest predictor
            change = np.abs(predictors[-1] - predictors[-2]).max() / max(1.0, np.abs(predictors[-1]).max())
            assert event.motion == pytest.approx(change, rel=1e-6, abs=1e-12)
    assert (np.diff(losses) <= 1e-12).all()


def test_steps_are_halved_where_newton_runs_away():
    """From far away a full step overshoots; halved ones arrive at the same place."""
    _, x = CASES["poisson"]
    fit = generalized.fit(Y, x, families.Poisson())
    far = generalized.fit(Y, x, families.Poisson(), start=[0.5, -0.2, 2.0, -3.0])
    np.testing.assert_allclose(far.coefficients, fit.coefficients, rtol=1e-9)
    first = next(generalized.iterate(Y, x, families.Poisson(), start=[-2.0, -0.1, 5.0, -10.0]))
    assert first.halvings > 0


def test_weights_are_repetitions_of_the_likelihood():
    _, x = CASES["poisson"]
    counts = np.arange(N) % 3
    twice = generalized.fit(np.repeat(Y, counts, 0), np.repeat(x, counts), families.Poisson())
    weighted = generalized.fit(Y, x, families.Poisson(), weights=counts)
    np.testing.assert_allclose(weighted.coefficients, twice.coefficients, rtol=1e-10)
    np.testing.assert_allclose(weighted.covariance, twice.covariance, rtol=1e-8)
    # A sample of weight zero may hold anything that the family allows, and does not count as one.
    wild = np.where(counts == 0, 1e6, x)
    np.testing.assert_allclose(generalized.fit(Y, wild, families.Poisson(), weights=counts).coefficients, twice.coefficients, rtol=1e-10)
    # Coins together or one by one; an offset is a coefficient of one, whatever the data say.
    family, heads = CASES["binomial"]
    apart = np.concatenate([[1.0] * int(h) + [0.0] * int(n - h) for h, n in zip(heads, TRIALS)])
    single = generalized.fit(np.repeat(Y, TRIALS, 0), apart, families.Bernoulli())
    together = generalized.fit(Y, heads, family)
    np.testing.assert_allclose(together.coefficients, single.coefficients, rtol=1e-9)
    proportion = generalized.fit(Y, heads / TRIALS, families.Bernoulli(), weights=TRIALS)
    np.testing.assert_allclose(proportion.covariance, together.covariance, rtol=1e-8)


def test_rates_need_an_offset():
    """Counts taken over unequal times: the offset log(time) gives the rate's slope, and without it one does not."""
    rng = np.random.default_rng(8)
    y = rng.normal(size=(2000, 1))
    time = np.exp(y[:, 0] + rng.normal(size=2000))
    x = rng.poisson(time * np.exp(0.4 * y[:, 0] + 1)).astype(float)
    fit = generalized.fit(y, x, families.Poisson(), offsets=np.log(time))
    assert fit.coefficients[0] == pytest.approx(0.4, abs=4 * fit.standard_errors[0])
    assert generalized.fit(y, x, families.Poisson()).coefficients[0] > 1
    np.testing.assert_allclose(generalized.predict(fit, y, np.log(time)), time * generalized.predict(fit, y), rtol=1e-12)


# Separation


def overlap(z, x):
    """Whether coins overlap, by another program: 0 is inside the hull of all signed inputs (Gordan's theorem)."""
    signed = np.where(x == 1, 1.0, -1.0)[:, None] * z
    found = linprog(np.zeros(len(x)), A_eq=signed.T, b_eq=np.zeros(z.shape[1]), bounds=(1e-6, None), method="highs")
    return found.status == 0


@pytest.mark.parametrize("seed", range(12))
def test_separation_is_told_from_overlap(seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(12, 3))
    x = (rng.random(12) < 1 / (1 + np.exp(-2 * y[:, 0]))).astype(float)
    z = np.column_stack([y, np.ones(12)])
    if overlap(z, x):
        assert np.isfinite(generalized.fit(y, x, families.Bernoulli()).coefficients).all()
        return
    for link in ("logit", "probit", "cloglog"):
        with pytest.raises(separation.SeparationError) as caught:
            generalized.fit(y, x, families.Bernoulli(), link)
        motion = np.where(x == 1, 1, -1) * (z @ caught.value.separation.direction)
        assert motion.min() > -1e-7
        assert motion.max() > 0
        assert caught.value.separation.complete == (motion.min() > 1e-6)


def test_kinds_of_separation():
    y = np.array([0.0, 1, 2, 3, 3, 4, 5])[:, None]
    for x, words, complete in [
        ([0, 0, 0, 1, 1, 1, 1], "got complete separation", True),
        ([0, 0, 0, 0, 1, 1, 1], "got quasi-complete separation", False),
        ([1, 1, 1, 1, 1, 1, 1], "only the output 1, one class only", True),
        ([0, 0, 0, 0, 0, 0, 0], "only the output 0, one class only", True),
    ]:
        with pytest.raises(separation.SeparationError, match=words) as caught:
            generalized.fit(y, np.array(x, float), families.Bernoulli())
        again = pickle.loads(pickle.dumps(caught.value))    # as a worker process hands it back
        assert str(again) == str(caught.value)
        assert again.separation.complete == caught.value.separation.complete == complete
    # A penalty cures it, but for one class only, because it leaves the intercept free.
    fit = generalized.fit(y, np.array([0.0, 0, 0, 1, 1, 1, 1]), families.Bernoulli(), penalty=0.1)
    assert np.isfinite(fit.coefficients).all()
    with pytest.raises(separation.SeparationError):
        generalized.fit(y, np.ones(7), families.Bernoulli(), penalty=0.1)
    # A sample of weight zero does not count as overlap.
    with pytest.raises(separation.SeparationError):
        generalized.fit(y, np.array([0.0, 1, 0, 1, 1, 1, 1]), families.Bernoulli(), weights=np.r_[1, 0, np.ones(5)])
    # One class without an intercept may have a maximum.
    both = np.array([-1.0, 1.0, 2.0])[:, None]
    assert np.isfinite(generalized.fit(both, np.ones(3), families.Bernoulli(), intercept=False).coefficients).all()


def test_separation_of_counts():
    y = np.array([0.0, 0, 0, 1, 1, 1])[:, None]
    with pytest.raises(separation.SeparationError, match="quasi-complete"):
        generalized.fit(y, np.array([0.0, 0, 0, 2, 3, 1]), families.Poisson())
    assert np.isfinite(generalized.fit(y, np.array([0.0, 1, 0, 2, 3, 1]), families.Poisson()).coefficients).all()
    with pytest.raises(separation.SeparationError, match="complete"):
        generalized.fit(y, np.array([0.0, 0, 0, 5, 5, 5]), families.Binomial(5))
    assert np.isfinite(generalized.fit(y, np.array([0.0, 0, 1, 5, 5, 4]), families.Binomial(5)).coefficients).all()


def test_dependent_inputs_are_named():
    _, x = CASES["poisson"]
    for extra, words in [
        (Y[:, :1] - 2 * Y[:, 1:2], r"rank 4 of 5"), (np.full((N, 1), 3.3), r"rank 4 of 5"), (np.zeros((N, 1)), "rank 4 of 5"),
    ]:
        both = np.hstack([Y, extra])
        with pytest.raises(RankError, match=words):
            generalized.fit(both, x, families.Poisson())
        generalized.fit(both, x, families.Poisson(), penalty=1e-3)
    with pytest.raises(RankError) as caught:
        generalized.fit(Y[:3], x[:3], families.Poisson())
    again = pickle.loads(pickle.dumps(caught.value))    # as a worker process hands it back
    assert str(again) == str(caught.value)
    np.testing.assert_array_equal(again.columns, caught.value.columns)
    # Nearly dependent is another matter: the same fit as with the difference as an input, to the digits that are left.
    other = RNG.normal(size=(N, 1))
    near = generalized.fit(np.hstack([Y, Y[:, :1] + 1e-6 * other]), x, families.Poisson())
    plain = generalized.fit(np.hstack([Y, other]), x, families.Poisson())
    assert near.coefficients[3] * 1e-6 == pytest.approx(plain.coefficients[3], rel=1e-7)
    assert near.standard_errors[3] * 1e-6 == pytest.approx(plain.standard_errors[3], rel=1e-7)
    assert near.deviance == pytest.approx(plain.deviance, rel=1e-10)


# Slow scoring


def test_gamma_outputs_with_heavy_tails_are_fitted(monkeypatch):
    """Scoring alone crawls, because each step leaves a fixed share of the way: then Newton's method takes over."""
    cases = list(heavy_tailed(150))
    for y, x, least in cases:
        assert generalized.fit(y, x, families.Gamma(), "log").deviance == pytest.approx(least, rel=1e-9)

    def refused():
        lost = 0
        for y, x, least in cases:
            try:
                lost += generalized.fit(y, x, families.Gamma(), "log").deviance != pytest.approx(least, rel=1e-6)
            except ValueError:
                lost += 1
        return lost

    with monkeypatch.context() as crawling:
        crawling.setattr(scoring, "SLOW", np.inf)
        assert refused() > 0
    monkeypatch.setattr(scoring, "FLAT", -1.0)                 # Newton's method wherever it is
    monkeypatch.setattr(scoring, "SLOW", 0)
    assert refused() > 0


def test_variances_out_of_range_are_refused():
    y = np.random.default_rng(3).standard_t(1.0, (60, 1))
    with pytest.raises(ValueError, match="x: expected outputs within the range of numbers"):
        generalized.fit(y, np.exp(np.linspace(-10, 700, 60)), families.Gamma(), "identity")


# Tests and dispersion


def test_wald_and_likelihood_ratio_are_right_under_no_effect():
    """p values of 400 data sets without an effect are uniform, for known and for estimated dispersion."""
    rng = np.random.default_rng(11)
    y = rng.normal(size=(80, 2))
    found = []
    for _ in range(300):
        x = rng.poisson(5.0, 80).astype(float)
        g = rng.gamma(4, 1, 80)
        row = []
        for family, out in ((families.Poisson(), x), (families.Gamma(), g)):
            large = generalized.fit(y, out, family, "log")
            small = generalized.fit(y[:, :1], out, family, "log")
            row += [generalized.wald(large).p_value[1], generalized.likelihood_ratio(small, large).p_value]
        found.append(row)
    for p_values in np.array(found).T:
        assert stats.kstest(p_values, "uniform").pvalue > 0.002
    wrong = np.array(found)[:, 0] ** 2                       # standard errors too small
    assert stats.kstest(wrong, "uniform").pvalue < 1e-6
    with pytest.raises(ValueError, match="nested"):
        generalized.likelihood_ratio(large, small)


def test_overdispersion_widens_standard_errors():
    rng = np.random.default_rng(12)
    y = rng.normal(size=(500, 1))
    x = rng.negative_binomial(2, 2 / (2 + 8), 500).astype(float)     # variance 8 + 64 / 2, five times the mean
    plain = generalized.fit(y, x, families.Poisson())
    wide = generalized.fit(y, x, families.Poisson(), dispersion="estimated")
    assert plain.dispersion == 1
    assert wide.dispersion == pytest.approx(5, rel=0.25)
    np.testing.assert_allclose(wide.standard_errors, plain.standard_errors * np.sqrt(wide.dispersion), rtol=1e-12)
    assert wide.dispersion == pytest.approx(plain.pearson / plain.degrees)
    assert generalized.wald(wide).reference == "t with 498"


def test_links_agree_with_their_inverses():
    s = np.linspace(0.1, 3, 9)
    for kind, of_kind in links.LINKS.items():
        family = next(f for f, _ in CASES.values() if f.kind == kind)
        for link in of_kind:
            mean = family.mean(link.natural(s))
            np.testing.assert_allclose(mean, INVERSES[link.name](s), rtol=1e-12)
            np.testing.assert_allclose(link.linear(mean), s, rtol=1e-8)
            bend = (link.natural(s + 1e-6) - link.natural(s - 1e-6)) / 2e-6
            np.testing.assert_allclose(link.slope(s), bend, rtol=1e-7)
    far = np.array([-700.0, -38, 38])
    for link in links.LINKS["bernoulli"][1:]:
        assert np.isfinite(link.natural(far)[:2]).all() and np.isfinite(link.slope(far)[:2]).all()


def test_arguments():
    _, x = CASES["poisson"]
    poisson = families.Poisson()
    for call, message in [
        (lambda: generalized.fit(Y, -x - 1, poisson), "x: expected numbers that are not negative"),
        (lambda: generalized.fit(Y, x[:-1], poisson), "y: expected shape"),
        (lambda: generalized.fit(Y, x[:, None], poisson), "x: expected shape"),
        (lambda: generalized.fit(Y, x, poisson, "logit"), "link: expected one of 'log', 'identity', 'sqrt'"),
        (lambda: generalized.fit(Y, x, poisson, offsets=x[:-1]), "offsets: expected shape"),
        (lambda: generalized.fit(Y, x, poisson, weights=-W), "weights: expected none below 0"),
        (lambda: generalized.fit(Y, x, poisson, weights=0 * W), "weights: expected none below 0 and one above"),
        (lambda: generalized.fit(Y, x, poisson, penalty=-1), "penalty"),
        (lambda: generalized.fit(Y, x, poisson, dispersion=-1), "dispersion"),
        (lambda: generalized.fit(Y[:, :0], x, poisson, intercept=False), "y: expected at least one input"),
        (lambda: generalized.fit(Y, x, families.Binomial(0)), "x: expected numbers from 0 to the number"),
        (lambda: generalized.fit(Y, np.where(x > 0, np.nan, x), poisson), "x: expected finite numbers"),
        (lambda: generalized.fit(Y, x, families.Binomial(np.full(7, 3))), "family.trials: expected one number or shape"),
        (lambda: generalized.fit(Y[:0], x[:0], poisson), "x: expected at least one sample"),
        (lambda: generalized.fit(np.arange(6.0)[:, None], [0, 0, 0, 1, 5, 9.0], poisson, "identity"), "x: expected outputs whose likelihood has a maximum inside"),
        (lambda: generalized.fit(Y, x, poisson, "identity", start=[0, 0, 0, -1.0]), "start: expected a start"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    for wrong in (families.Poisson, "poisson"):
        with pytest.raises(TypeError, match="family: expected an object such as"):
            generalized.fit(Y, x, wrong)
    only = generalized.fit(Y[:, :0], x, poisson)
    assert np.exp(only.intercept) == pytest.approx(x.mean())
