"""Sparse coding, against scikit-learn, SciPy's optimizers, quadrature and finite differences."""

import os
from itertools import islice

import numpy as np
import pytest
from scipy.integrate import dblquad, quad
from scipy.optimize import minimize
from sklearn.decomposition import sparse_encode

from pedagogy_lib import kernels
from pedagogy_lib.distributions.heavy_tailed import Cauchy, HyperbolicCosine, Laplace
from pedagogy_lib.inference import modes
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import sparse_coding as sc

RNG = np.random.default_rng(0)
C = RNG.normal(size=(8, 16))
C /= np.linalg.norm(C, axis=0)
LAPLACE = sc.Parameters(C, 20.0, Laplace(2.0))
COSINE = LAPLACE._replace(prior=HyperbolicCosine(2.0, 5.0))
CAUCHY = LAPLACE._replace(prior=Cauchy(0.5))
DRAW = sc.sample(LAPLACE, 60, np.random.default_rng(1))
Y = DRAW.observations
ALL = pytest.mark.parametrize("params", [LAPLACE, COSINE, CAUCHY], ids=["laplace", "cosine", "cauchy"])


def by_hand(params, x, y):
    """The joint energy of one code, in loops."""
    misfit = sum((y[d] - sum(params.dictionary[d, k] * x[k] for k in range(len(x)))) ** 2 for d in range(len(y)))
    return params.precision / 2 * misfit + sum(params.prior.energy(v) for v in x)


@ALL
def test_energy_gradient_and_joint(params):
    x = DRAW.codes
    np.testing.assert_allclose(sc.energy(params, x, Y)[3], by_hand(params, x[3], Y[3]), rtol=1e-12)
    h = 1e-6
    for k in (0, 7):
        bump = h * np.eye(16)[k]
        slope = (sc.energy(params, x + bump, Y) - sc.energy(params, x - bump, Y)) / (2 * h)
        np.testing.assert_allclose(sc.energy_gradient(params, x, Y)[:, k], slope, rtol=1e-5, atol=1e-5)
    assert not np.allclose(sc.energy_gradient(params, 1.01 * x, Y)[:, 7], slope, rtol=1e-5, atol=1e-5)


def test_hessian():
    x, h = DRAW.codes[:5], 1e-5
    for params in (COSINE, CAUCHY):
        for k in (0, 7):
            bump = h * np.eye(16)[k]
            bend = (sc.energy_gradient(params, x + bump, Y[:5]) - sc.energy_gradient(params, x - bump, Y[:5])) / (2 * h)
            np.testing.assert_allclose(sc.energy_hessian(params, x)[:, k], bend, rtol=1e-5, atol=1e-5)
            assert not np.allclose(sc.energy_hessian(params, 1.5 * x)[:, k], bend, rtol=1e-5, atol=1e-5)


@ALL
def test_the_joint_integrates_to_one(params):
    small = sc.Parameters(np.array([[1.3]]), 4.0, params.prior)
    joint = lambda y, x: np.exp(sc.log_joint(small, [[x]], [[y]])[0])
    total = dblquad(joint, -40, 40, lambda x: 1.3 * x - 6, lambda x: 1.3 * x + 6, epsabs=1e-6)[0]
    tails = 2 * np.arctan(0.5 / 40) / np.pi if params is CAUCHY else 0.0
    assert total == pytest.approx(1 - tails, abs=1e-4)
    assert total != pytest.approx(np.sqrt(4.0), abs=1e-2)


def test_coordinate_descent_agrees_with_scikit_learn():
    found = sc.mode(LAPLACE, Y)
    peer = sparse_encode(Y, C.T, algorithm="lasso_cd", alpha=2.0 / 20.0, max_iter=20_000)
    ours, theirs = sc.energy(LAPLACE, found, Y), sc.energy(LAPLACE, peer, Y)
    assert (ours <= theirs + 1e-9).all()
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    assert sc.energy(LAPLACE, 1.05 * found, Y).sum() > ours.sum() + 1e-3


def test_the_mode_satisfies_its_conditions():
    """Where x_k is not zero the gradient is; where it is, the pull is at most alpha."""
    x = sc.mode(LAPLACE, Y, tolerance=1e-14)
    slope = sc.energy_gradient(LAPLACE, x, Y)
    pull = 20.0 * (Y - x @ C.T) @ C
    assert np.abs(slope[x != 0]).max() < 1e-9
    assert np.abs(pull[x == 0]).max() <= 2.0 + 1e-9
    assert 0.2 < (x == 0).mean() < 0.9
    loose = sc.mode(LAPLACE, Y, tolerance=1e-2)
    assert np.abs(sc.energy_gradient(LAPLACE, loose, Y)[loose != 0]).max() > 1e-3


def test_the_kernel_is_the_reference():
    pytest.importorskip("numba")
    rng = np.random.default_rng(2)
    for tolerance in (1e-3, 1e-8):
        for prior in (Laplace(2.0), Laplace(rng.uniform(0.5, 3.0, 16))):
            params = LAPLACE._replace(prior=prior)
            start = rng.normal(size=(60, 16)) * (rng.random((60, 16)) < 0.3)
            slow = sc.mode(params, Y, start, backend="numpy", tolerance=tolerance)
            fast = sc.mode(params, Y, start, backend="numba", tolerance=tolerance)
            np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-12)
            assert not np.allclose(fast, start)


def test_an_element_of_length_zero_is_never_used():
    dictionary = C.copy()
    dictionary[:, 3] = 0
    params = LAPLACE._replace(dictionary=dictionary)
    for backend in ("auto", "numpy"):
        assert (sc.mode(params, Y, backend=backend)[:, 3] == 0).all()
    nothing = LAPLACE._replace(dictionary=np.zeros((8, 2)))
    for step in islice(modes.fista(nothing, Y), 3):
        assert (step.codes == 0).all()


def test_fista_and_ista_arrive_where_coordinate_descent_does():
    best = sc.energy(LAPLACE, sc.mode(LAPLACE, Y, tolerance=1e-12), Y)
    gaps = {}
    for accelerated in (True, False):
        steps = list(islice(modes.fista(LAPLACE, Y, accelerated=accelerated), 101))
        gaps[accelerated] = [(s.energies - best).max() for s in steps]
        x0, last = sc.mode(LAPLACE, Y, tolerance=1e-12), steps[-1]
        bound = 2 * 20.0 * np.linalg.norm(C, 2) ** 2 * (x0**2).sum(1)
        limit = bound / 101**2 if accelerated else bound / 4 / 100
        assert (last.energies - best <= limit + 1e-9).all()
        assert np.isinf(steps[0].excess).all()
        scale = 1 + 20.0 / 2 * (Y**2).sum(1)
        for s in steps[1::20]:                            # the duality gap is a bound
            assert (s.excess * scale >= s.energies - best - 1e-9).all()
        assert (1e-5 * last.excess * scale < last.energies - best).any()
    assert gaps[True][-1] < 0.02
    assert gaps[False][100] > 3 * gaps[True][100]
    assert np.diff(gaps[False]).max() < 1e-9              # ISTA never rises


def test_jumps_cure_elements_that_are_nearly_parallel():
    dictionary = np.column_stack([C, C[:, :4] + 1e-4 * RNG.normal(size=(8, 4))])
    params = LAPLACE._replace(dictionary=dictionary)
    sweeps, codes = {}, {}
    for jumps in (True, False):
        for step in islice(modes.coordinate_descent(params, Y[:10], tolerance=1e-10, jumps=jumps), 801):
            if (step.excess <= 1e-10).all():
                break
        sweeps[jumps], codes[jumps] = step.iteration, step.codes
    assert sweeps[True] < 400 < 800 == sweeps[False]
    found = sc.mode(params, Y[:10], backend="numpy")
    energies = sc.energy(params, found, Y[:10])
    np.testing.assert_allclose(sc.energy(params, sc.mode(params, Y[:10]), Y[:10]), energies, rtol=1e-9)
    twice = params._replace(dictionary=np.column_stack([C, C]))       # no unique answer, but a lowest energy
    for backend in ("auto", "numpy"):
        energies = sc.energy(twice, sc.mode(twice, Y, backend=backend), Y)
        np.testing.assert_allclose(energies, sc.energy(LAPLACE, sc.mode(LAPLACE, Y), Y), rtol=1e-8)


def test_every_sweep_lowers_the_energy():
    steps = list(islice(modes.coordinate_descent(LAPLACE, Y), 12))
    energies = np.array([s.energies for s in steps])
    assert (np.diff(energies, axis=0) <= 1e-10).all()
    assert [s.iteration for s in steps] == list(range(12))
    assert energies[0] == pytest.approx((20.0 / 2 * Y**2).sum(1))
    assert not np.shares_memory(steps[1].codes, steps[2].codes)


@pytest.mark.parametrize("params", [COSINE, CAUCHY], ids=["cosine", "cauchy"])
def test_newton_agrees_with_scipy(params):
    x = sc.mode(params, Y, tolerance=1e-18)
    assert np.abs(sc.energy_gradient(params, x, Y)).max() < 1e-6
    for n in range(5):
        peer = minimize(
            lambda v, n=n: sc.energy(params, [v], [Y[n]])[0], x[n] + 0.01,
            jac=lambda v, n=n: sc.energy_gradient(params, [v], [Y[n]])[0], tol=1e-12,
        )
        np.testing.assert_allclose(x[n], peer.x, atol=1e-4)
        assert sc.energy(params, [x[n]], [Y[n]])[0] <= peer.fun + 1e-9
    energies = np.array([s.energies for s in islice(modes.newton(params, Y, 3 * DRAW.codes + 1), 30)])
    assert (np.diff(energies, axis=0) <= 1e-10 * np.abs(energies[:-1])).all()
    assert energies[0].sum() > energies[-1].sum() + 1


def test_newton_takes_the_wide_parabola_where_its_own_leads_uphill():
    sharp = LAPLACE._replace(prior=HyperbolicCosine(2.0, 200.0))
    x = sc.mode(sharp, Y, tolerance=1e-18)
    assert np.abs(sc.energy_gradient(sharp, x, Y)).max() < 1e-6
    limit = sc.energy(LAPLACE, sc.mode(LAPLACE, Y), Y)
    # log cosh u > |u| - log 2, so the rounded corners save at most this
    saved = limit - sc.energy(sharp, x, Y)
    assert ((saved > 0) & (saved < 16 * 2.0 / 200.0 * np.log(2))).all()


def test_a_cauchy_posterior_may_have_two_modes():
    params = sc.Parameters(np.array([[1.0]]), 1.0, Cauchy(0.1))
    near, far = (sc.mode(params, [[3.5]], [[x]])[0, 0] for x in (0.0, 3.5))
    assert near < 0.1 < 2 < far
    at = np.linspace(-1, 5, 6001)
    energies = sc.energy(params, at[:, None], np.full((6001, 1), 3.5))
    inner = energies[1:-1]
    bottoms = at[1:-1][(inner < energies[:-2]) & (inner < energies[2:])]
    np.testing.assert_allclose(bottoms, [near, far], atol=1e-3)


def one_code(prior, precision=4.0):
    return sc.Parameters(np.array([[1.5], [-0.5]]), precision, prior)


def test_laplace_approximation_of_one_code():
    y = np.array([1.2, -0.1])
    params = one_code(HyperbolicCosine(1.0, 1.0), precision=25.0)
    found = sc.laplace_approximation(params, [y])
    joint = lambda x: np.exp(sc.log_joint(params, [[x]], [y])[0])
    exact = quad(joint, -5, 5, points=[found.modes[0, 0]], epsabs=1e-12)[0]
    mean = quad(lambda x: x * joint(x), -5, 5, points=[0.8])[0] / exact
    variance = quad(lambda x: (x - mean) ** 2 * joint(x), -5, 5, points=[0.8])[0] / exact
    assert found.log_marginals[0] == pytest.approx(np.log(exact), abs=5e-4)
    assert found.modes[0, 0] == pytest.approx(mean, abs=5e-3)
    assert 1 / found.precisions[0, 0, 0] == pytest.approx(variance, rel=0.01)
    assert found.log_marginals[0] - 0.5 * np.log(2 * np.pi) != pytest.approx(np.log(exact), abs=0.1)


def test_laplace_approximation_of_two_codes_improves_with_precision():
    gaps, y = [], np.array([0.9, -0.7])
    for precision in (4.0, 400.0):
        params = sc.Parameters(np.array([[1.0, 0.4], [-0.2, 0.9]]), precision, HyperbolicCosine(1.5, 2.0))
        found = sc.laplace_approximation(params, [y])
        reach, mode = 12 / np.sqrt(precision), found.modes[0]
        exact = dblquad(
            lambda b, a, params=params: np.exp(sc.log_joint(params, [[a, b]], [y])[0]),
            mode[0] - reach, mode[0] + reach, mode[1] - reach, mode[1] + reach, epsabs=1e-7, epsrel=1e-7,
        )[0]
        gaps.append(abs(found.log_marginals[0] - np.log(exact)))
    assert gaps[0] < 0.1
    assert gaps[1] < 0.02 * gaps[0] + 1e-3


def test_laplace_prior_borrows_the_curvature_of_its_neighbor():
    found = sc.laplace_approximation(LAPLACE, Y[:3], 10.0)
    np.testing.assert_allclose(found.modes, sc.mode(LAPLACE, Y[:3]))
    sech = 1 / np.cosh(10.0 * found.modes[0])
    np.testing.assert_allclose(found.precisions[0], 20.0 * C.T @ C + np.diag(2.0 * 10.0 * sech**2), rtol=1e-12)
    again = sc.laplace_approximation(LAPLACE, Y[:3], 10.0, modes=found.modes)
    np.testing.assert_array_equal(again.log_marginals, found.log_marginals)


def test_dictionary_update_is_a_constrained_regression():
    x = DRAW.codes
    params = sc.maximize(sc.observed_statistics(x, Y, LAPLACE), sc.Options(sweeps=200))
    misfit = lambda dictionary: ((Y - x @ dictionary.T) ** 2).sum(1).mean()
    assert np.linalg.norm(params.dictionary, axis=0).max() <= 1 + 1e-12
    assert misfit(params.dictionary) < misfit(C)
    rng = np.random.default_rng(3)
    for _ in range(50):
        other = params.dictionary + 0.01 * rng.normal(size=C.shape)
        other /= np.maximum(1, np.linalg.norm(other, axis=0))
        assert misfit(other) > misfit(params.dictionary) - 1e-9
    unused = x.copy()
    unused[:, 2] = 0
    np.testing.assert_array_equal(sc.maximize(sc.observed_statistics(unused, Y, LAPLACE)).dictionary[:, 2], C[:, 2])


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="two minutes uncompiled; the compiled run has it")
def test_learning_finds_the_elements_of_the_dictionary():
    rng = np.random.default_rng(4)
    truth = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    model = sc.Parameters(truth, 2000.0, Laplace(1.0))
    y = sc.sample(model, 2000, rng).observations
    start = sc.start(y, 6, 20.0, Laplace(1.0), rng)
    result = em.fit(sc, start, y, tolerance=1e-6, max_iterations=400)
    assert (np.diff(result.losses) <= 1e-9).all()
    likeness = np.abs(truth.T @ result.params.dictionary)
    assert likeness.max(1).min() > 0.97
    assert np.abs(truth.T @ start.dictionary).max(1).min() < 0.97


def test_samples():
    draw = sc.sample(LAPLACE, 50_000, np.random.default_rng(5))
    np.testing.assert_allclose(draw.codes.std(0), np.sqrt(2) / 2.0, rtol=0.05)
    noise = draw.observations - draw.codes @ C.T
    np.testing.assert_allclose(noise.var(0), 1 / 20.0, rtol=0.05)
    assert not np.allclose(noise.var(0), 20.0, rtol=0.05)
    assert sc.mode(LAPLACE, np.zeros((0, 8))).shape == (0, 16)
    assert (sc.mode(LAPLACE, np.zeros((2, 8))) == 0).all()
    assert (sc.mode(COSINE, np.zeros((2, 8)), backend="numpy") == 0).all()


def test_arguments_are_not_changed():
    start, y, c = DRAW.codes.copy(), Y.copy(), C.copy()
    for params in (LAPLACE, COSINE):
        for backend in ("auto", "numpy"):
            sc.mode(params, Y, start, backend=backend)
    sc.maximize(sc.observed_statistics(DRAW.codes, Y, LAPLACE))
    for before, after in ((start, DRAW.codes), (y, Y), (c, C)):
        np.testing.assert_array_equal(before, after)


def test_absent_verbs():
    assert not hasattr(sc, "posterior")
    assert not hasattr(sc, "log_marginal")


def test_without_numba_the_reference_runs(monkeypatch):
    monkeypatch.setattr(kernels, "import_module", lambda name: (_ for _ in ()).throw(ImportError))
    np.testing.assert_allclose(sc.mode(LAPLACE, Y), sc.mode(LAPLACE, Y, backend="numpy"))
    with pytest.raises(ImportError, match="needs numba"):
        sc.mode(LAPLACE, Y, backend="numba")


BAD = [
    (LAPLACE._replace(precision=0.0), "params.precision: expected a number above 0"),
    (LAPLACE._replace(prior="laplace"), "params.prior: expected Laplace, Cauchy or HyperbolicCosine"),
    (LAPLACE._replace(prior=Laplace(-1.0)), "params.prior.rates: expected a number above 0, or 16 of them"),
    (LAPLACE._replace(prior=Cauchy(np.ones(3))), "params.prior.scales: expected a number above 0, or 16 of them"),
    (LAPLACE._replace(prior=HyperbolicCosine(1.0, np.ones(16))), "params.prior.sharpness: expected a number above 0, got"),
    (LAPLACE._replace(dictionary=C * np.nan), "params.dictionary: expected finite numbers"),
    (LAPLACE._replace(dictionary=np.zeros((8, 0))), "params.dictionary: expected one row and one column"),
]


@pytest.mark.parametrize(("params", "message"), BAD)
@pytest.mark.parametrize(
    "function",
    [
        lambda p: sc.sample(p, 2, np.random.default_rng(0)),
        lambda p: sc.energy(p, DRAW.codes, Y),
        lambda p: sc.mode(p, Y),
        lambda p: sc.laplace_approximation(p, Y, 1.0),
        lambda p: next(modes.newton(p, Y)),
        lambda p: sc.energy_hessian(p, DRAW.codes),
    ],
)
def test_bad_parameters_are_named(function, params, message):
    with pytest.raises(ValueError, match=message):
        function(params)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sc.mode(LAPLACE, Y.T), r"y: expected shape \(N, 8\), got \(8, 60\); samples are rows"),
        (lambda: sc.mode(LAPLACE, Y * np.nan), "y: expected finite numbers, got nan"),
        (lambda: sc.mode(LAPLACE, Y, np.zeros((60, 3))), r"start: expected shape \(60, 16\)"),
        (lambda: sc.mode(LAPLACE, Y, backend="gpu"), "backend: expected one of 'auto'"),
        (lambda: sc.mode(LAPLACE, Y, max_iterations=1), "expected codes within 1e-10 of the lowest energy, got code 0 still above after 1"),
        (lambda: sc.mode(LAPLACE, Y, max_iterations=1, backend="numpy"), "still above after 1"),
        (lambda: sc.mode(COSINE, Y, max_iterations=1), "still above after 1"),
        (lambda: next(modes.coordinate_descent(COSINE, Y)), "params.prior: expected Laplace, got HyperbolicCosine"),
        (lambda: next(modes.fista(COSINE, Y)), "expected a prior with a proximal operator, got HyperbolicCosine"),
        (lambda: next(modes.newton(LAPLACE, Y)), "expected a smooth prior, got Laplace; use prior.smooth"),
        (lambda: sc.energy(LAPLACE, DRAW.codes[:2], Y), r"x: expected shape \(60, 16\), got \(2, 16\)"),
        (lambda: sc.laplace_approximation(LAPLACE, Y), "sharpness: expected a number above 0, because a Laplace prior"),
        (lambda: sc.laplace_approximation(COSINE, Y, 3.0), "sharpness: expected None, because the prior is smooth"),
        (lambda: sc.laplace_approximation(one_code(Cauchy(0.1), 0.01), [[0.0, 0.0]], modes=[[0.5]]), "not curved upwards"),
        (lambda: sc.expected_statistics(LAPLACE._replace(dictionary=2 * C), Y), "expected columns of length 1 at most, got 2"),
        (lambda: sc.observed_statistics(np.zeros((0, 16)), np.zeros((0, 8)), LAPLACE), "expected one observation at least"),
        (lambda: sc.start(np.zeros((5, 2)), 1, 1.0, Laplace(1.0), np.random.default_rng(0)), "k: expected at most the number"),
        (lambda: sc.maximize(sc.observed_statistics(DRAW.codes, Y, LAPLACE), sc.Options(0)), "sweeps: expected a whole number"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
