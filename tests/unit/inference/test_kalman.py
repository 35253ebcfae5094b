"""The Kalman filter and RTS smoother against dense conditioning of the joint Gaussian."""

import builtins
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman, recursions

METHODS = kalman.METHODS
BACKENDS = ("numpy", "numba")


# ---------------------------------------------------------------- models and an oracle


def covariances(rng, size, lead=()):
    root = rng.standard_normal((*lead, size, size + 2))
    return root @ np.swapaxes(root, -1, -2) / size


def model(rng, K=3, L=2, T=None):
    """A stable model; with T, every parameter changes in time."""
    moves, looks = ((T - 1,), (T,)) if T else ((), ())
    A = rng.standard_normal((*moves, K, K))
    A *= 0.9 / np.abs(np.linalg.eigvals(A)).max(-1)[..., None, None]
    return (
        Gaussian(rng.standard_normal(K), covariances(rng, K)),
        AffineGaussian(A, rng.standard_normal((*moves, K)), covariances(rng, K, moves)),
        AffineGaussian(
            rng.standard_normal((*looks, L, K)),
            rng.standard_normal((*looks, L)),
            covariances(rng, L, looks),
        ),
    )


def at(part, t, ndim):
    return part[t] if np.ndim(part) > ndim else part


class Dense:
    """The joint Gaussian of all states and observations, conditioned by plain linear algebra."""

    def __init__(self, initial, transition, emission, y, inputs=None):
        (T, L), K = y.shape, len(initial.mean)
        self.T, self.K, self.L, self.y = T, K, L, y.ravel()
        F, mean = np.eye(T * K), np.zeros(T * K)          # x = F (noise), noise with covariance W
        W = np.zeros((T * K, T * K))
        mean[:K], W[:K, :K] = initial.mean, initial.covariance
        for t in range(T - 1):
            now, then = slice(t * K, (t + 1) * K), slice((t + 1) * K, (t + 2) * K)
            A = at(transition.matrix, t, 2)
            F[then] += A @ F[now]
            mean[then] = A @ mean[now] + at(transition.offset, t, 1)
            mean[then] += 0 if inputs is None else inputs[t]
            W[then, then] = at(transition.covariance, t, 2)
        self.mean, self.covariance = mean, F @ W @ F.T
        self.C, self.R = np.zeros((T * L, T * K)), np.zeros((T * L, T * L))
        self.c = np.zeros(T * L)
        for t in range(T):
            rows = slice(t * L, (t + 1) * L)
            self.C[rows, t * K : (t + 1) * K] = at(emission.matrix, t, 2)
            self.R[rows, rows] = at(emission.covariance, t, 2)
            self.c[rows] = at(emission.offset, t, 1)

    def given(self, steps):
        """Mean and covariance of all states, given the observations of the first steps."""
        use = ~np.isnan(self.y) & (np.arange(len(self.y)) < steps * self.L)
        C = self.C[use]
        S = C @ self.covariance @ C.T + self.R[np.ix_(use, use)]
        gain = np.linalg.solve(S, C @ self.covariance).T if use.any() else np.zeros((len(self.mean), 0))
        error = self.y[use] - C @ self.mean - self.c[use]
        return self.mean + gain @ error, self.covariance - gain @ C @ self.covariance

    def log_likelihood(self):
        use = ~np.isnan(self.y)
        C = self.C[use]
        S = C @ self.covariance @ C.T + self.R[np.ix_(use, use)]
        return multivariate_normal(C @ self.mean + self.c[use], S).logpdf(self.y[use])

    def block(self, covariance, t, s):
        return covariance[t * self.K : (t + 1) * self.K, s * self.K : (s + 1) * self.K]

    def check(self, filtered, smoothed, atol=1e-9):
        """Assert that every number of the filter and of the smoother is the dense one."""
        def close(actual, expected):
            assert_allclose(actual, expected, rtol=1e-9, atol=atol)

        means, covariance = self.given(self.T)
        close(smoothed.means.ravel(), means)
        for t in range(self.T):
            close(smoothed.covariances[t], self.block(covariance, t, t))
            if t:
                close(smoothed.cross_covariances[t - 1], self.block(covariance, t, t - 1))
            x, Y = self.given(t + 1)
            close(filtered.means[t], x[t * self.K : (t + 1) * self.K])
            close(filtered.covariances[t], self.block(Y, t, t))
            x, Y = self.given(t)
            close(filtered.predicted_means[t], x[t * self.K : (t + 1) * self.K])
            close(filtered.predicted_covariances[t], self.block(Y, t, t))
        close(filtered.log_likelihood, self.log_likelihood())


def run(arguments, **options):
    filter_options = dict(options)
    smooth_options = {k: v for k, v in options.items() if k != "steady_state"}
    return kalman.filter(*arguments, **filter_options), kalman.smooth(*arguments, **smooth_options)


def holes(rng, y, kind):
    y = y.copy()
    if "entries" in kind:
        y[rng.random(y.shape) < 0.3] = np.nan
    if "rows" in kind:
        y[len(y) // 2] = np.nan
        y[-1] = np.nan
    return y


# ---------------------------------------------------------------- the numbers


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", ["", "rows", "entries", "rows entries"])
@pytest.mark.parametrize("varying", [False, True])
def test_agrees_with_dense_conditioning(method, backend, missing, varying):
    rng = np.random.default_rng(5)
    for K, L, T in [(3, 2, 6), (1, 1, 5), (2, 4, 4)]:
        parameters = model(rng, K, L, T if varying else None)
        y = holes(rng, 2 * rng.standard_normal((T, L)), missing)
        inputs = rng.standard_normal((T - 1, K))
        arguments = (*parameters, y, inputs)
        Dense(*arguments).check(*run(arguments, method=method, backend=backend))


def test_each_part_may_vary_alone():
    rng = np.random.default_rng(6)
    T = 5
    fixed, moving = model(rng), model(rng, T=T)
    y = rng.standard_normal((T, 2))
    for room in (1, 2):
        for part in AffineGaussian._fields:
            parameters = list(fixed)
            parameters[room] = fixed[room]._replace(**{part: getattr(moving[room], part)})
            for backend in BACKENDS:
                Dense(*parameters, y).check(*run((*parameters, y), backend=backend))


@pytest.mark.parametrize("wrong", ["gain", "noise", "inputs", "cross"])
def test_the_dense_check_rejects_wrong_filters(wrong):
    """The check above can fail: four mistakes that people make, each of the right shape."""
    rng = np.random.default_rng(7)
    initial, transition, emission = model(rng, 2, 2)
    y, inputs = rng.standard_normal((5, 2)), rng.standard_normal((4, 2))
    dense = Dense(initial, transition, emission, y, inputs)
    filtered, smoothed = run((initial, transition, emission, y, inputs))
    dense.check(filtered, smoothed)
    if wrong == "gain":         # K = Y S^-1: the C' that carries precision over is forgotten
        Y, C = filtered.predicted_covariances[0], emission.matrix
        K = Y @ np.linalg.inv(C @ Y @ C.T + emission.covariance)
        x = filtered.predicted_means[0]
        means = filtered.means.copy()
        means[0] = x + K @ (y[0] - C @ x - emission.offset)
        filtered = filtered._replace(means=means)
    elif wrong == "noise":      # the transition adds no noise
        still = transition._replace(covariance=np.zeros((2, 2)))
        filtered, smoothed = run((initial, still, emission, y, inputs))
    elif wrong == "inputs":     # the push comes one step late
        filtered, smoothed = run((initial, transition, emission, y, np.roll(inputs, 1, 0)))
    else:                       # the cross-covariance the other way round
        smoothed = smoothed._replace(
            cross_covariances=np.swapaxes(smoothed.cross_covariances, 1, 2)
        )
    with pytest.raises(AssertionError):
        dense.check(filtered, smoothed)


@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_the_generic_recursion(method):
    """The filter and smoother written once for all chains, with the Gaussian's two operations."""
    rng = np.random.default_rng(8)
    initial, transition, emission = model(rng)
    y = rng.standard_normal((7, 2))
    y[3] = np.nan
    filtered, smoothed = run((initial, transition, emission, y), method=method)
    events = list(recursions.filter(gaussian, initial, transition, emission, y))
    updates = [e for e in events if isinstance(e, recursions.MeasurementUpdate)]
    assert_allclose(filtered.means, [e.distribution.mean for e in updates], atol=1e-12)
    assert_allclose(filtered.covariances, [e.distribution.covariance for e in updates], atol=1e-12)
    assert_allclose(filtered.log_likelihoods, [e.log_likelihood for e in updates], atol=1e-12)
    beliefs = [e.distribution for e in updates]
    back = [
        e for e in recursions.smooth(gaussian, beliefs, transition)
        if isinstance(e, recursions.BackwardStep)
    ][::-1]
    assert_allclose(smoothed.means, [e.distribution.mean for e in back], atol=1e-12)
    assert_allclose(smoothed.covariances, [e.distribution.covariance for e in back], atol=1e-12)


def test_agrees_with_statsmodels():
    smoother = pytest.importorskip("statsmodels.tsa.statespace.kalman_smoother").KalmanSmoother
    rng = np.random.default_rng(9)
    initial, transition, emission = model(rng, 4, 2)
    y = holes(rng, rng.standard_normal((40, 2)), "rows entries")
    peer = smoother(k_endog=2, k_states=4, tolerance=0)
    peer.bind(y)
    peer["design"], peer["obs_intercept"], peer["obs_cov"] = (
        emission.matrix, emission.offset[:, None], emission.covariance
    )
    peer["transition"], peer["state_intercept"], peer["state_cov"] = (
        transition.matrix, transition.offset[:, None], transition.covariance
    )
    peer["selection"] = np.eye(4)
    peer.initialize_known(initial.mean, initial.covariance)
    theirs = peer.smooth()
    filtered, smoothed = run((initial, transition, emission, y))
    assert_allclose(filtered.log_likelihoods, theirs.llf_obs, atol=1e-10)
    assert_allclose(filtered.means, theirs.filtered_state.T, atol=1e-10)
    assert_allclose(filtered.covariances, np.moveaxis(theirs.filtered_state_cov, 2, 0), atol=1e-10)
    assert_allclose(smoothed.means, theirs.smoothed_state.T, atol=1e-9)
    assert_allclose(smoothed.covariances, np.moveaxis(theirs.smoothed_state_cov, 2, 0), atol=1e-9)


# ---------------------------------------------------------------- batches


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", [False, True])
def test_a_batch_is_its_sequences(method, backend, missing):
    rng = np.random.default_rng(10)
    parameters, inputs = model(rng), rng.standard_normal((5, 3))
    y = rng.standard_normal((4, 6, 2))
    if missing:
        y[1, 2], y[3, 4, 0] = np.nan, np.nan
    for pushes in (None, inputs, rng.standard_normal((4, 5, 3))):
        together = run((*parameters, y, pushes), method=method, backend=backend)
        for b in range(4):
            push = pushes if pushes is None or pushes.ndim == 2 else pushes[b]
            alone = run((*parameters, y[b], push), method=method, backend=backend)
            for whole, one in zip(together, alone):
                for name in type(one)._fields:
                    if getattr(one, name) is not None:
                        assert_allclose(getattr(whole, name)[b], getattr(one, name), atol=1e-13)
        assert together[0].log_likelihood.shape == (4,)


def test_a_batch_computes_covariances_once():
    parameters = model(np.random.default_rng(0))
    filtered, smoothed = run((*parameters, np.zeros((100, 3, 2))))
    for shared in (filtered.covariances, filtered.predicted_covariances, smoothed.gains):
        assert shared.shape[0] == 100
        assert shared.strides[0] == 0       # one array, seen a hundred times
        assert not shared.flags.writeable


# ---------------------------------------------------------------- two tiers


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", ["", "rows", "entries"])
@pytest.mark.parametrize(("K", "L"), [(1, 1), (2, 3), (4, 2), (13, 5), (24, 6)])
def test_kernel_equals_reference(method, missing, K, L):
    rng = np.random.default_rng(11)
    for T in (1, 2, 30):
        parameters = model(rng, K, L)
        y = holes(rng, rng.standard_normal((T, L)), missing)
        for steady_state in (False, True):
            results = [
                run((*parameters, y), method=method, backend=b, steady_state=steady_state)
                for b in BACKENDS
            ]
            for ours, kernels in zip(*results):
                for name, a, b in zip(ours._fields, ours, kernels):
                    if name != "roots" and a is not None:
                        scale = np.abs(a).max(initial=1.0)
                        assert_allclose(b, a, rtol=0, atol=1e-12 * scale, err_msg=name)


@pytest.mark.parametrize("method", ["joseph", "covariance"])
@pytest.mark.parametrize(
    ("K", "L", "precision"), [(12, 5, 1.0), (12, 5, 1e5), (20, 8, 1.0), (20, 8, 1e5), (5, 21, 1.0)]
)
def test_large_products_of_what_varies_in_time(method, K, L, precision):
    rng = np.random.default_rng(13)
    initial, move, look = model(rng, K, L, 12)
    look = look._replace(covariance=look.covariance / precision)
    y = holes(rng, rng.standard_normal((9, 12, L)), "entries")
    y[:8] = np.where(np.isnan(y[0]), np.nan, y[:8])      # eight of a kind go side by side
    for batch in (y, y[8]):
        results = [run((initial, move, look, batch), method=method, backend=b) for b in BACKENDS]
        for ours, kernels in zip(*results):
            for name, a, b in zip(ours._fields, ours, kernels):
                if a is not None:
                    scale = np.abs(a).max()
                    assert_allclose(b, a, rtol=0, atol=1e-12 * scale, err_msg=name)


@pytest.mark.parametrize("K", [12, 20])
def test_large_products_keep_what_the_joseph_form_keeps(K):
    """Where sensors are precise the form matters: as few digits are lost as in the reference."""
    lost = {"numpy": [], "numba": [], "covariance": []}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        initial, move, look = model(rng, K, 4)
        initial = initial._replace(covariance=1e3 * initial.covariance)
        move = move._replace(covariance=1e-4 * move.covariance)
        look = look._replace(covariance=1e-5 * np.eye(4))
        arguments = initial, move, look, rng.standard_normal((20, 4))
        exact = kalman.filter(*arguments, method="sqrt", backend="numpy")
        for name, found in lost.items():
            method, backend = (name, "numba") if name == "covariance" else ("joseph", name)
            ours = kalman.filter(*arguments, method=method, backend=backend)
            error, scale = (
                np.abs(look.matrix @ Y @ look.matrix.T).max()
                for Y in (ours.covariances - exact.covariances, exact.covariances)
            )
            found.append(error / scale)
    lost = {name: np.mean(errors) for name, errors in lost.items()}
    assert lost["numba"] < 1.6 * lost["numpy"]
    assert lost["covariance"] > 3 * lost["numba"]


@pytest.mark.parametrize("K", [4, 12])
@pytest.mark.parametrize("seen", [[0, 1, 2, 3], [0, 2, 3]])
def test_the_joseph_form_is_left_out_where_three_digits_are_lost_at_most(K, seen):
    """P - K C P keeps 1 part in 1 + trace(R^-1 C P C') of P; only the last digits can tell."""

    def left_out(told, sensors=4):
        initial, move, look = model(np.random.default_rng(14), K, 4)
        which = np.minimum(np.arange(4), sensors - 1)       # the last may repeat another's noise
        noise = covariances(np.random.default_rng(15), 4)[np.ix_(which, which)]
        C, R = look.matrix[seen], noise[np.ix_(seen, seen)]
        size = np.trace(np.linalg.pinv(R) @ C @ initial.covariance @ C.T)
        initial = initial._replace(covariance=initial.covariance * told / size)
        y = np.full((1, 4), np.nan)
        y[0, seen] = 1.0
        both = (
            kalman.filter(initial, move, look._replace(covariance=noise), y, method=m, backend="numba")
            for m in ("joseph", "covariance")
        )
        return np.array_equal(*(found.covariances for found in both))

    assert left_out(1.0) and left_out(990.0)
    assert not left_out(1010.0)
    assert not left_out(1.0, sensors=3)         # a singular R tells without limit


def test_without_numba_the_reference_runs(monkeypatch):
    rng = np.random.default_rng(12)
    arguments = (*model(rng), rng.standard_normal((20, 2)))
    compiled = run(arguments)
    real = builtins.__import__

    def no_numba(name, *rest, **options):
        if name == "numba" or name.startswith("numba."):
            raise ImportError("No module named 'numba'")
        return real(name, *rest, **options)

    for name in [m for m in sys.modules if m.startswith("pedagogy_lib.kernels.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", no_numba)
    plain = run(arguments)
    for a, b in zip(compiled, plain):
        for left, right in zip(a, b):
            if left is not None:
                assert_allclose(left, right, atol=1e-12)
    with pytest.raises(ImportError, match="numba.*not installed"):
        kalman.filter(*arguments, backend="numba")


def test_importing_the_library_does_not_import_numba():
    code = "import sys, pedagogy_lib.inference.kalman; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


SMALL_CASE = """
import numpy as np
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman
rng = np.random.default_rng(0)
moving = AffineGaussian(rng.standard_normal((4, 3, 3)) / 3, np.zeros(3), np.eye(3))
looking = AffineGaussian(rng.standard_normal((2, 3)), np.zeros((5, 2)), np.eye(2))
y = rng.standard_normal((2, 5, 2))
y[0, 1, 0], y[1, 3] = np.nan, np.nan
model = Gaussian(np.zeros(3), np.eye(3)), moving, looking, y, np.ones((4, 3))
for method in kalman.METHODS:
    a = kalman.smooth(*model, method=method, backend="numba")
    b = kalman.smooth(*model, method=method, backend="numpy")
    assert all(np.allclose(i, j, rtol=0, atol=1e-12) for i, j in zip(a, b)), method
"""


def test_kernels_stay_inside_their_arrays(tmp_path):
    """Compiled loops do not look where they write; here they are compiled so that they do."""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", SMALL_CASE], check=True, env=environment)


@pytest.fixture
def plain_kernels(monkeypatch):
    """The kernels as ordinary Python functions, compiled by nobody."""
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    for name in ("_jit", "kalman"):
        monkeypatch.delitem(sys.modules, f"pedagogy_lib.kernels.{name}", raising=False)


@pytest.mark.parametrize("method", METHODS)
def test_kernels_as_plain_python(method, plain_kernels):
    """The loops mean the same without a compiler: nothing rests on how numba reads them."""
    rng = np.random.default_rng(20)
    for K, L, T in [(3, 2, 12), (11, 2, 3), (19, 3, 3)]:
        parameters = model(rng, K, L)
        y = rng.standard_normal((T, L))
        y[1, 0] = np.nan
        for R in (parameters[2].covariance, 1e-5 * parameters[2].covariance):
            arguments = (*parameters[:2], parameters[2]._replace(covariance=R), y)
            results = [run(arguments, method=method, backend=backend) for backend in BACKENDS]
            for ours, kernels in zip(*results):
                for a, b in zip(ours[:4], kernels[:4]):
                    assert_allclose(b, a, rtol=1e-9, atol=1e-11)
    slow = AffineGaussian(np.eye(2) * 0.1, np.zeros(2), np.eye(2))
    arguments = (Gaussian(np.zeros(2), np.eye(2)), slow, slow, rng.standard_normal((80, 2)))
    full, short = (
        kalman.filter(*arguments, method=method, backend="numba", steady_state=steady)
        for steady in (False, True)
    )
    assert_allclose(short.means, full.means, rtol=0, atol=1e-13)
    far = arguments[3].copy()
    far[[40, 60]] = 1e13, np.nan
    for steady in (False, True):
        with pytest.raises(np.linalg.LinAlgError, match="t=40"):
            kalman.filter(*arguments[:3], far, method=method, backend="numba", steady_state=steady)


def test_inputs_are_not_changed():
    rng = np.random.default_rng(13)
    parameters = model(rng)
    y, inputs = holes(rng, rng.standard_normal((8, 2)), "rows entries"), np.ones((7, 3))
    before = [a.copy() for part in parameters for a in part] + [y.copy(), inputs.copy()]
    for backend in BACKENDS:
        for method in METHODS:
            run((*parameters, y, inputs), method=method, backend=backend)
    after = [a for part in parameters for a in part] + [y, inputs]
    for a, b in zip(before, after):
        np.testing.assert_array_equal(a, b)


def test_takes_lists_and_integers():
    initial = Gaussian([0], [[1]])
    arrow = AffineGaussian([[1]], [0], [[1]])
    filtered = kalman.filter(initial, arrow, arrow, [[1], [2]])
    assert_allclose(filtered.means[0], [0.5])
    assert_allclose(filtered.covariances[0], [[0.5]])


def test_given_filter_results_are_used():
    rng = np.random.default_rng(14)
    arguments = (*model(rng), rng.standard_normal((3, 6, 2)))
    for method in METHODS:
        filtered = kalman.filter(*arguments, method=method)
        for backend in BACKENDS:
            again = kalman.smooth(*arguments, method=method, filtered=filtered, backend=backend)
            fresh = kalman.smooth(*arguments, method=method, backend=backend)
            for a, b in zip(again, fresh):
                assert_allclose(a, b, atol=1e-12)


# ---------------------------------------------------------------- singular covariances


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["integrator", "companion", "known start", "no noise", "twins"])
def test_singular_covariances_are_exact(method, backend, case):
    rng = np.random.default_rng(15)
    A, Q, P = np.array([[1.0, 1, 0.5], [0, 1, 1], [0, 0, 1]]), np.diag([0, 0, 1.0]), np.eye(3)
    C, R = np.eye(3)[:1], np.eye(1) * 0.5
    if case == "companion":         # an autoregression, observed without error
        A = np.array([[0.5, -0.3, 0.2], [1, 0, 0], [0, 1, 0]])
        Q, R = np.diag([1.0, 0, 0]), np.zeros((1, 1))
    elif case == "known start":
        P = np.zeros((3, 3))
    elif case == "no noise":
        Q = np.zeros((3, 3))
    elif case == "twins":           # the same sensor twice
        C, R = np.vstack([C, C]), np.eye(2) * 0.5
    parameters = (
        Gaussian(np.ones(3), P),
        AffineGaussian(A, np.zeros(3), Q),
        AffineGaussian(C, np.zeros(len(C)), R),
    )
    y = rng.standard_normal((6, len(C)))
    if case == "companion" and method == "covariance":
        with pytest.raises(np.linalg.LinAlgError, match="t=0.*method='joseph'"):
            kalman.filter(*parameters, y, method=method, backend=backend)
        return
    Dense(*parameters, y).check(*run((*parameters, y), method=method, backend=backend))


def damped(rates, T, seed):
    """Pairs of states that turn and are damped, without noise, seen through two sensors."""
    rng, K = np.random.default_rng(seed), 2 * len(rates)
    basis, turn = np.linalg.qr(rng.standard_normal((K, K)))[0], np.zeros((K, K))
    for i, (rate, angle) in enumerate(zip(rates, rng.uniform(0.2, 1.5, len(rates)))):
        pair = slice(2 * i, 2 * i + 2)
        turn[pair, pair] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        turn[pair, pair] *= rate
    move = AffineGaussian(basis @ turn @ basis.T, np.zeros(K), np.zeros((K, K)))
    look = AffineGaussian(rng.standard_normal((2, K)), np.zeros(2), np.eye(2))
    return Gaussian(np.ones(K), np.eye(K)), move, look, rng.standard_normal((T, 2))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_the_smoother_is_right_or_raises_where_it_undoes_damping(method, backend):
    right = 0
    for seed, rates in enumerate([(0.95, 0.95), (0.99, 0.98), (0.95, 0.9), (0.9, 0.6), (0.999, 0.5)] * 4):
        initial, move, look, y = arguments = damped(rates, 120, seed)
        K = len(initial.mean)
        powers = np.array([np.linalg.matrix_power(move.matrix, t) for t in range(120)])
        rows = (look.matrix @ powers).reshape(-1, K)            # all is known from x_1
        covariance = np.linalg.inv(np.eye(K) + rows.T @ rows)
        mean = covariance @ (np.ones(K) + rows.T @ y.ravel())
        try:
            smoothed = kalman.smooth(*arguments, method=method, backend=backend)
        except np.linalg.LinAlgError as error:
            assert re.search(r"t=\d+ .*the smoother has lost its digits", str(error))
            assert rates[0] > 1.02 * rates[1]
            continue
        assert_allclose(smoothed.means, powers @ mean, atol=1e-6 * np.abs(mean).max())
        expected = powers @ covariance @ np.swapaxes(powers, 1, 2)
        assert_allclose(smoothed.covariances, expected, atol=1e-6 * np.abs(expected).max())
        right += 1
    assert 8 <= right <= 16


@pytest.mark.parametrize("backend", BACKENDS)
def test_rounding_errors_are_watched_in_every_direction(backend, monkeypatch):
    """The gain takes the difference of two nearly equal errors, or their sum: no sign is sure."""
    move = AffineGaussian(np.array([[0.12, -0.16], [0.96, -1.18]]), np.zeros(2), np.zeros((2, 2)))
    for sensor in ([1.0, 1.0], [1.0, 0.2], [1.0, -1.0]):
        look = AffineGaussian(np.array([sensor]), np.zeros(1), 1e-3 * np.eye(1))
        y = np.random.default_rng(0).standard_normal((12, 1))
        arguments = Gaussian(np.zeros(2), 10.0 * np.eye(2)), move, look, y
        with pytest.raises(np.linalg.LinAlgError, match="the smoother has lost its digits"):
            kalman.smooth(*arguments, backend=backend)
        with monkeypatch.context() as unwatched:
            unwatched.setattr(kalman, "_watch_growth", lambda *_: None)
            found = kalman.smooth(*arguments, backend=backend)
        rows = np.array([look.matrix[0] @ np.linalg.matrix_power(move.matrix, t) for t in range(12)])
        exact = np.linalg.inv(0.1 * np.eye(2) + 1e3 * rows.T @ rows)        # of x_1
        assert np.abs(found.covariances[0] - exact).max() > 1e-6 * np.abs(exact).max()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_large_models_are_watched_too(method, backend):
    slow, mixed = damped([0.95] * 10, 80, 0), damped(np.linspace(0.95, 0.3, 10), 80, 0)
    assert np.isfinite(kalman.smooth(*slow, method=method, backend=backend).covariances).all()
    with pytest.raises(np.linalg.LinAlgError, match="the smoother has lost its digits"):
        kalman.smooth(*mixed, method=method, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_rounding_of_means_is_watched_too(backend):
    """Means far larger than their deviations: they lose their digits before the roots do."""
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    move = AffineGaussian(turn @ np.diag([0.3, 0.04]) @ turn.T, np.array([1.0, -0.5]), np.zeros((2, 2)))
    look = AffineGaussian(np.array([[1.0, 0.5]]), np.zeros(1), 1e-4 * np.eye(1))
    initial, states = Gaussian(np.ones(2), 1e-3 * np.eye(2)), [np.ones(2)]
    for _ in range(11):
        states.append(move.matrix @ states[-1] + move.offset)
    noise = 1e-2 * np.random.default_rng(1).standard_normal(12)
    y = (states @ look.matrix[0] + noise)[:, None]
    rows = np.array([look.matrix[0] @ np.linalg.matrix_power(move.matrix, t) for t in range(8)])
    exact = 1 + np.linalg.solve(1e3 * np.eye(2) + 1e4 * rows.T @ rows, 1e4 * rows.T @ noise[:8])
    found = kalman.smooth(initial, move, look, y[:8], method="sqrt", backend=backend)
    assert_allclose(found.means[0], exact, atol=1e-6)
    with pytest.raises(np.linalg.LinAlgError, match="the smoother has lost its digits"):
        kalman.smooth(initial, move, look, y, method="sqrt", backend=backend)


def test_both_backends_follow_rounding_alike():
    kernel = pytest.importorskip("pedagogy_lib.kernels.kalman")
    for rates in ((0.95, 0.95), (0.95, 0.9)):
        initial, move, look, y = damped(rates, 60, 3)
        y = np.stack([y, y + 1])
        filtered = kalman.filter(initial, move, look, y)
        K = len(initial.mean)
        gains = filtered.covariances[0, :-1] @ move.matrix.T @ np.linalg.pinv(filtered.predicted_covariances[0, 1:])
        means = np.where(np.arange(K) < 2, filtered.means, 0.5)         # half of them not changed
        arguments = (1e-16, (np.inf, np.inf), gains, filtered.predicted_covariances[0].copy(), filtered.means, means)
        expected = kalman._grown_rounding(*arguments)
        assert_allclose(kernel.grown_rounding(*arguments), expected, rtol=1e-9)
        for limits in ((expected[0] / 9, np.inf), (np.inf, expected[1] / 3)):
            stopped = [f(1e-16, limits, *arguments[2:]) for f in (kernel.grown_rounding, kalman._grown_rounding)]
            assert_allclose(*stopped, rtol=1e-9)
            assert stopped[0][2] > 0 and (np.array(stopped[0][:2]) > limits).sum() == 1
        for rounding in (kernel.grown_rounding, kalman._grown_rounding):
            found = rounding(1e-16, (1e200, np.inf), 1e40 * gains, *arguments[3:])
            assert 1e200 < found[0] < np.inf                # before the end of numbers
            lost = np.where(np.arange(len(gains))[:, None, None] == 5, np.nan, gains)
            assert rounding(1e-16, (np.inf, np.inf), lost, *arguments[3:])[2] == 5


def test_both_kernels_name_their_troubles_alike():
    kalman_roots = pytest.importorskip("pedagogy_lib.kernels.kalman_roots")
    from pedagogy_lib.kernels import kalman as covariances

    for name in ("OK", "NOT_DEFINITE", "LOST", "OUT_OF_REACH"):
        assert getattr(kalman_roots, name) == getattr(covariances, name)


@pytest.mark.parametrize("K", [2, 12, 20])
def test_a_state_that_dies_away(K):
    """Without noise its variance falls below 1e-300, where numbers lose their digits."""
    rng = np.random.default_rng(29)
    turn = np.linalg.qr(rng.standard_normal((K, K)))[0]
    quiet = AffineGaussian(0.1 * turn, np.zeros(K), np.zeros((K, K)))
    look = AffineGaussian(rng.standard_normal((2, K)), np.zeros(2), np.eye(2))
    y = rng.standard_normal((180, 2))
    arguments = (Gaussian(np.ones(K), np.eye(K)), quiet, look, y)
    # Everything is known from x_1, and x_1 from a regression.
    powers = np.array([np.linalg.matrix_power(quiet.matrix, t) for t in range(60)])
    rows = (look.matrix @ powers).reshape(-1, K)
    covariance = np.linalg.inv(np.eye(K) + rows.T @ rows)
    mean = covariance @ (np.ones(K) + rows.T @ y[:60].ravel())
    white = -0.5 * (y**2).sum(1) - np.log(2 * np.pi)        # to the end only the noise of y is left
    for backend in BACKENDS:
        for method in METHODS:
            filtered, smoothed = run(arguments, method=method, backend=backend)
            assert_allclose(smoothed.means[:60], powers @ mean, atol=1e-12)
            expected = powers @ covariance @ np.swapaxes(powers, 1, 2)
            assert_allclose(smoothed.covariances[:60], expected, atol=1e-12)
            assert_allclose(filtered.log_likelihoods[100:], white[100:], atol=1e-12)
            for found in (*filtered[:4], *smoothed[:2]):
                assert np.abs(found[100:]).max() < 1e-40


# ---------------------------------------------------------------- steady state


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_steady_state_is_exact(method, backend):
    rng = np.random.default_rng(16)
    for K, L in [(1, 1), (2, 1), (4, 2), (8, 3)]:
        arguments = (*model(rng, K, L), rng.standard_normal((400, L)))
        full = kalman.filter(*arguments, method=method, backend=backend)
        short = kalman.filter(*arguments, method=method, backend=backend, steady_state=True)
        for name, a, b in zip(full._fields[:5], full, short):
            scale = np.abs(a).max()
            assert_allclose(b, a, rtol=0, atol=1e-13 * scale, err_msg=name)
        assert (short.covariances[-1] == short.covariances[200]).all()      # frozen it is


@pytest.mark.parametrize("backend", BACKENDS)
def test_steady_state_waits_for_slow_modes(backend):
    """A slow mode hides behind a fast one: the measured rate must be that of the slow one."""
    A, Q = np.diag([0.2, 0.9999]), np.diag([1.0, 1e-6])
    arguments = (
        Gaussian(np.zeros(2), np.diag([1.0, 0.0])),
        AffineGaussian(A, np.zeros(2), Q),
        AffineGaussian(np.array([[1.0, 1.0]]), np.zeros(1), np.eye(1)),
        np.random.default_rng(0).standard_normal((12_000, 1)),
    )
    arguments = arguments if backend == "numba" else (*arguments[:3], arguments[3][:3000])
    full = kalman.filter(*arguments, backend=backend)
    short = kalman.filter(*arguments, backend=backend, steady_state=True)
    assert_allclose(short.covariances, full.covariances, rtol=1e-11, atol=0)
    assert_allclose(short.log_likelihoods, full.log_likelihoods, rtol=0, atol=1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("entry", [slice(None), 0])
def test_a_missing_row_leaves_the_steady_state(method, backend, entry):
    rng = np.random.default_rng(17)
    y = rng.standard_normal((150, 2))
    y[70, entry] = np.nan
    arguments = (*model(rng), y)
    full = kalman.filter(*arguments, method=method, backend=backend)
    short = kalman.filter(*arguments, method=method, backend=backend, steady_state=True)
    assert np.abs(full.covariances[70] - full.covariances[69]).max() > 1e-3
    for a, b in zip(full[:5], short[:5]):
        assert_allclose(b, a, rtol=0, atol=1e-13 * np.abs(a).max())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("B", [2, 9])
def test_steady_state_of_a_batch_with_what_may_vary(method, backend, B):
    rng = np.random.default_rng(23)
    T = 140
    initial, transition, emission = model(rng)
    transition = transition._replace(offset=rng.standard_normal((T - 1, 3)))
    emission = emission._replace(offset=rng.standard_normal((T, 2)))
    y, inputs = rng.standard_normal((B, T, 2)), rng.standard_normal((B, T - 1, 3))
    y[:, 90] = y[:, 91, 1] = np.nan
    arguments = (initial, transition, emission, y, inputs, method)
    full = kalman.filter(*arguments, backend=backend)
    short = kalman.filter(*arguments, backend=backend, steady_state=True)
    assert (short.covariances[0, 80] == short.covariances[0, 89]).all()
    for a, b in zip(full[:5], short[:5]):
        assert_allclose(b, a, rtol=0, atol=1e-13 * np.abs(a).max())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("missing", [[], [1050], [1500]])
def test_the_last_of_a_slow_approach_to_the_steady_state(backend, missing):
    """At t=991 a step changes 2e-13 of the variance, and all that are left change 7e-12."""
    slow = AffineGaussian(np.array([[0.985]]), np.zeros(1), np.array([[1e-6]]))
    look = AffineGaussian(np.eye(1), np.zeros(1), np.eye(1))
    y = np.random.default_rng(0).standard_normal((3000, 1))
    y[missing] = np.nan
    arguments = (Gaussian(np.zeros(1), np.array([[3.4e-3]])), slow, look, y)
    full = kalman.filter(*arguments, backend=backend)
    short = kalman.filter(*arguments, backend=backend, steady_state=True)
    assert_allclose(short.covariances, full.covariances, rtol=1e-13, atol=0)
    for a, b in zip(full[:5], short[:5]):
        assert_allclose(b, a, rtol=0, atol=1e-13 * np.abs(a).max())
    assert (short.covariances[-1] == short.covariances[-500]).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_steady_state_where_nothing_shrinks(backend):
    """A state that nobody sees, and whose variance grows by 1 part in 1e13 at every step."""
    growing = AffineGaussian(np.diag([0.5, 1 + 5e-14]), np.zeros(2), np.diag([1.0, 0.0]))
    look = AffineGaussian(np.array([[1.0, 0.0]]), np.zeros(1), np.eye(1))
    y = np.random.default_rng(0).standard_normal((4000, 1))
    arguments = (Gaussian(np.zeros(2), np.eye(2)), growing, look, y)
    full = kalman.filter(*arguments, backend=backend)
    short = kalman.filter(*arguments, backend=backend, steady_state=True)
    assert full.covariances[-1, 1, 1] > 1 + 3e-10
    assert_allclose(short.covariances, full.covariances, rtol=1e-13, atol=0)


def test_steady_state_needs_constant_parameters():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"steady_state: .*got transition.matrix of shape \(4, 3, 3\)"):
        kalman.filter(*model(rng, T=5), np.zeros((5, 2)), steady_state=True)


# ---------------------------------------------------------------- properties


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), K=st.integers(1, 4), L=st.integers(1, 3), T=st.integers(1, 9))
def test_properties(seed, K, L, T):
    rng = np.random.default_rng(seed)
    y = holes(rng, rng.standard_normal((T, L)), ["", "rows", "entries"][seed % 3])
    for method in METHODS:
        filtered, smoothed = run((*model(rng, K, L), y), method=method)
        for stack in (filtered.predicted_covariances, filtered.covariances, smoothed.covariances):
            np.testing.assert_array_equal(stack, np.swapaxes(stack, 1, 2))
            assert np.linalg.eigvalsh(stack).min() > -1e-12
        # More data, less uncertainty: in every direction.
        for less, more in [
            (filtered.predicted_covariances, filtered.covariances),
            (filtered.covariances, smoothed.covariances),
        ]:
            assert np.linalg.eigvalsh(less - more).min() > -1e-12
        np.testing.assert_array_equal(smoothed.means[-1], filtered.means[-1])
        assert_allclose(smoothed.covariances[-1], filtered.covariances[-1], atol=1e-14)
        assert smoothed.cross_covariances.shape == smoothed.gains.shape == (T - 1, K, K)


def test_one_step():
    rng = np.random.default_rng(18)
    arguments = (*model(rng), rng.standard_normal((1, 2)))
    for backend in BACKENDS:
        for method in METHODS:
            filtered, smoothed = run(arguments, method=method, backend=backend)
            Dense(*arguments).check(filtered, smoothed)


# ---------------------------------------------------------------- bad input


def broken(**changes):
    rng = np.random.default_rng(19)
    initial, transition, emission = model(rng)
    arguments = {
        "initial": initial, "transition": transition, "emission": emission,
        "y": np.zeros((5, 2)), "inputs": None,
    }
    for name, value in changes.items():
        room, _, field = name.partition("_")
        arguments[room] = arguments[room]._replace(**{field: value}) if field else value
    return arguments


skewed = np.array([[1.0, 0.5, 0], [0, 1, 0], [0, 0, 1]])
negative = np.diag([1.0, 1, -1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"initial_mean": np.zeros((3, 1))}, r"initial.mean: expected shape \(K,\), got \(3, 1\)"),
        ({"initial_mean": [0, 0, np.nan]}, "initial.mean: expected finite"),
        ({"initial_covariance": np.eye(2)}, r"initial.covariance: expected shape \(3, 3\)"),
        ({"initial_covariance": skewed}, "initial.covariance: expected a symmetric"),
        ({"initial_covariance": negative}, "initial.covariance: .*semi-definite"),
        ({"transition_matrix": np.eye(2)}, r"transition.matrix: .*\(3, 3\).*\(4, 3, 3\).*\(2, 2\)"),
        ({"transition_matrix": np.ones((5, 3, 3))}, r"transition.matrix: .*got \(5, 3, 3\)"),
        ({"transition_matrix": np.full((3, 3), np.inf)}, "transition.matrix: expected finite"),
        ({"transition_offset": np.zeros(2)}, r"transition.offset: expected shape \(3,\)"),
        ({"transition_covariance": negative}, "transition.covariance: .*semi-definite"),
        ({"transition_covariance": skewed}, "transition.covariance: expected a symmetric"),
        ({"emission_matrix": np.ones((2, 5))}, "emission.matrix: .*initial.mean has length 3"),
        ({"emission_matrix": np.ones((4, 2, 3))}, r"emission.matrix: .*got \(4, 2, 3\)"),
        ({"emission_offset": np.zeros((4, 2))}, r"emission.offset: .*\(5, 2\).*got \(4, 2\)"),
        ({"emission_covariance": np.eye(3)}, r"emission.covariance: expected shape \(2, 2\)"),
        ({"emission_covariance": -np.eye(2)}, "emission.covariance: .*semi-definite"),
        ({"y": np.zeros((2, 5))}, "y: .*transpose"),
        ({"y": np.zeros((5, 3))}, r"y: expected shape .*got \(5, 3\)"),
        ({"y": np.zeros(10)}, r"y: expected shape .*got \(10,\)"),
        ({"y": np.full((5, 2), np.inf)}, "y: expected finite"),
        ({"y": np.zeros((0, 2))}, "y: expected at least one time step"),
        ({"y": [["a", "b"]]}, "y: expected real numbers, got text"),
        ({"inputs": np.zeros((5, 3))}, r"inputs: expected shape \(4, 3\)"),
        ({"inputs": np.zeros((2, 4, 3))}, r"inputs: expected shape \(4, 3\)"),
        ({"inputs": np.full((4, 3), np.nan)}, "inputs: expected finite"),
    ],
)
def test_bad_input_is_named(changes, message):
    for function in (kalman.filter, kalman.smooth):
        with pytest.raises(ValueError, match=message):
            function(**broken(**changes))


def test_one_dimensional_data_are_not_guessed():
    arrow = AffineGaussian(np.eye(1), np.zeros(1), np.eye(1))
    with pytest.raises(ValueError, match=r"y: .*reshape it to \(7, 1\)"):
        kalman.filter(Gaussian(np.zeros(1), np.eye(1)), arrow, arrow, np.zeros(7))


def test_bad_options_are_named():
    for option in ("method", "backend"):
        with pytest.raises(ValueError, match=f"{option}: expected one of"):
            kalman.filter(**broken(), **{option: "best"})


def test_filter_results_of_other_arguments_are_refused():
    arguments = broken()
    filtered = kalman.filter(**arguments)
    with pytest.raises(ValueError, match="filtered: .*without roots"):
        kalman.smooth(**arguments, method="sqrt", filtered=filtered)
    with pytest.raises(ValueError, match="filtered.means"):
        kalman.smooth(**broken(y=np.zeros((6, 2))), filtered=filtered)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_singular_innovation_is_refused(method, backend):
    """Two equal sensors without noise: the second says nothing, or contradicts the first."""
    C = np.array([[1.0, 0], [1.0, 0]])
    arrow = AffineGaussian(np.eye(2), np.zeros(2), np.eye(2))
    looking = AffineGaussian(C, np.zeros(2), np.zeros((2, 2)))
    y = np.zeros((3, 2))
    y[:2] = np.nan
    with pytest.raises(np.linalg.LinAlgError, match=r"t=2 \(counted from 0\): the covariance of y"):
        kalman.filter(Gaussian(np.zeros(2), np.eye(2)), arrow, looking, y, method=method, backend=backend)
