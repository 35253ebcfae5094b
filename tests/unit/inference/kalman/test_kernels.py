"""The compiled loops against the reference, and without a compiler."""

import builtins
import os
import subprocess
import sys

import numpy as np
import pytest
from chain_models import covariances, holes, model
from numpy.testing import assert_allclose

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman

METHODS = kalman.METHODS
BACKENDS = ("numpy", "numba")


def run(arguments, steady_state=False, **options):
    """Filter and smoother of the same arguments."""
    filtered = kalman.filter(*arguments, steady_state=steady_state, **options)
    return filtered, kalman.smooth(*arguments, **options)


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
    for name in [name for name in sys.modules if name.startswith(("pedagogy_lib.kernels.kalman", "pedagogy_lib.kernels._jit"))]:
        monkeypatch.delitem(sys.modules, name)


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


def test_kernels_name_their_troubles_alike():
    kernel = pytest.importorskip("pedagogy_lib.kernels.kalman")
    from pedagogy_lib.kernels import kalman_lanes, kalman_roots

    for name in ("OK", "NOT_DEFINITE", "LOST", "OUT_OF_REACH"):
        assert getattr(kalman_roots, name) == getattr(kernel, name)
    assert (kalman_lanes.OK, kalman_lanes.OUT_OF_REACH) == (kernel.OK, kernel.OUT_OF_REACH)
