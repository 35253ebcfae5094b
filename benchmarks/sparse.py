"""Sparse codes: coordinate descent against scikit-learn's, for the same lasso problem.

Every observation is coded on its own: minimise ||y - C x||^2 / 2 + alpha sum_k |x_k|. The answers
are compared by their mean objective, before anything is timed.
"""

import numpy as np

from benchmarks import costs, machine
from benchmarks.race import race
from pedagogy_lib.distributions.heavy_tailed import Laplace
from pedagogy_lib.models.static import sparse_coding

ALPHA = 0.1
#: Dimensions, elements of the dictionary, observations, and the ratio that we mean to reach.
SIZES = ((64, 128, 10_000, 3.5), (144, 288, 500, None))
#: How far the mean objectives may differ; that of codes of zeros is 1/2.
TOLERANCE = 1e-6


def problem(D, K, N, seed=0):
    """A dictionary of elements of length one, and observations of length one that it can code."""
    rng = np.random.default_rng(seed)
    dictionary = rng.standard_normal((D, K))
    dictionary /= np.linalg.norm(dictionary, axis=0)
    codes = rng.laplace(size=(N, K)) * (rng.random((N, K)) < 0.1)
    y = codes @ dictionary.T + 0.1 * rng.standard_normal((N, D))
    return dictionary, y / np.linalg.norm(y, axis=1, keepdims=True)


def ours(dictionary, y, backend="numba"):
    """This library's coordinate descent, through its public function, checks included; to 1e-10."""
    params = sparse_coding.Parameters(dictionary, 1.0, Laplace(ALPHA))
    return lambda: sparse_coding.mode(params, y, backend=backend)


def reference(dictionary, y):
    """The same in NumPy."""
    return ours(dictionary, y, "numpy")


def scikit_learn(dictionary, y):
    """Coordinate descent, compiled from Cython; to 1e-8, which it sets itself, or for 1000 sweeps."""
    from sklearn.decomposition import sparse_encode

    elements = np.ascontiguousarray(dictionary.T)
    return lambda: sparse_encode(y, elements, algorithm="lasso_cd", alpha=ALPHA)


SETUP = """
from pedagogy_lib.models.static import sparse_coding
from pedagogy_lib.distributions.heavy_tailed import Laplace
import numpy as np
params, y = sparse_coding.Parameters(np.eye(4), 1.0, Laplace(0.1)), np.ones((5, 4))
"""

PEERS = {"scikit-learn, lasso_cd": scikit_learn, "ours in NumPy": reference}


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    sizes = ((8, 16, 50, None),) if quick else SIZES
    rounds = 2 if quick else 11
    rows = [row for size in sizes for row in _race(*size, rounds)]
    return {
        "suite": "sparse",
        "size": "Dimensions, elements, observations",
        **machine.describe(),
        "speed": rows,
        "costs": costs.first_calls(SETUP, {"sparse codes": "sparse_coding.mode(params, y)"}, 1 if quick else 3),
    }


def _race(D, K, N, target, rounds):
    """One row for each peer: our time, theirs, the ratio."""
    dictionary, y = problem(D, K, N)
    params = sparse_coding.Parameters(dictionary, 1.0, Laplace(ALPHA))
    objective = lambda codes: float(sparse_coding.energy(params, codes, y).mean())
    our_run = ours(dictionary, y)
    best, rows = objective(our_run()), []
    for name, peer in PEERS.items():
        row = {
            "task": "sparse codes", "size": [D, K, N], "peer": name,
            "target": None if peer is reference else target,
        }
        try:
            theirs = peer(dictionary, y)
        except ImportError:
            rows.append({**row, "skipped": "not installed"})
            continue
        difference = objective(theirs()) - best
        # A worse answer in less time would prove nothing, for them or for us.
        if abs(difference) > TOLERANCE:
            raise AssertionError(f"{name} and we differ by {difference:.1e} in the objective, {(D, K, N)}")
        raced = race(our_run, {name: theirs}, rounds)[name]
        rows.append({**row, **raced, "difference": float(f"{abs(difference):.1e}")})
    return rows
