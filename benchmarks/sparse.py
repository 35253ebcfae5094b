"""Sparse codes: coordinate descent against scikit-learn's, for the same lasso problem.

Every observation is coded on its own: minimize ||y - C x||^2 / 2 + alpha sum_k |x_k|. The answers
are compared by their mean objective, before anything is timed. Learning takes turns between codes and dictionary,
beside scikit-learn's `dict_learning`: the same objective, elements of length one at most, the same number of rounds.
"""

import numpy as np

from benchmarks import costs, machine
from benchmarks.race import race
from pedagogy_lib import data
from pedagogy_lib.data import images
from pedagogy_lib.distributions.heavy_tailed import Laplace
from pedagogy_lib.learning import em
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


def learning(D, K, N, rounds):
    """Rounds of codes and dictionary on patches of photographs, of length one; ours, the peers, and their objective."""
    rng = np.random.default_rng(0)
    y = images.standardize(images.patches(data.photographs(), round(D**0.5), N, rng))
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    start = sparse_coding.start(y, K, 1.0, Laplace(ALPHA), rng)

    def ours():
        options = sparse_coding.Options(sweeps=1)
        for event in em.iterate(sparse_coding, start, y, options):
            if isinstance(event, em.Maximization) and event.iteration == rounds - 1:
                return event.params.dictionary

    def dict_learning():
        from sklearn.decomposition import dict_learning

        settings = {"alpha": ALPHA, "max_iter": rounds, "tol": 0.0, "method": "cd"}
        begin = {"dict_init": start.dictionary.T, "code_init": np.zeros((N, K))}
        return lambda: dict_learning(y, K, **settings, **begin)[1].T

    def objective(dictionary):
        params = start._replace(dictionary=dictionary)
        return float(sparse_coding.energy(params, sparse_coding.mode(params, y), y).mean())

    return ours, {"scikit-learn, dict_learning": dict_learning}, objective


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
    size, goal = ((16, 20, 200, 2), None) if quick else ((64, 100, 10_000, 5), 3)
    row = {"task": "dictionary learning, 5 rounds" if not quick else "dictionary learning", "size": list(size[:3])}
    ours, peers, objective = learning(*size)
    rows += _compete(ours, peers, objective, dict.fromkeys(peers, goal), row, 2 if quick else 3)
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
    goals = {name: None if peer is reference else target for name, peer in PEERS.items()}
    peers = {name: lambda peer=peer: peer(dictionary, y) for name, peer in PEERS.items()}
    return _compete(ours(dictionary, y), peers, objective, goals, {"task": "sparse codes", "size": [D, K, N]}, rounds)


def _compete(our_run, peers, objective, goals, task, rounds):
    """The objectives compared, and then the times."""
    best, rows = objective(our_run()), []
    for name, load in peers.items():
        row = {**task, "peer": name, "target": goals[name]}
        try:
            theirs = load()
        except ImportError:
            rows.append({**row, "skipped": "not installed"})
            continue
        difference = objective(theirs()) - best
        # A worse answer in less time would prove nothing, for them or for us.
        if abs(difference) > TOLERANCE:
            raise AssertionError(f"{name} and we differ by {difference:.1e} in the objective, {tuple(task['size'])}")
        raced = race(our_run, {name: theirs}, rounds)[name]
        rows.append({**row, **raced, "difference": float(f"{abs(difference):.1e}")})
    return rows
