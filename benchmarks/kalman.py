"""The Kalman filter and the RTS smoother: speed against peers, accuracy, and the reader's costs.

Speed: the same data for all, and answers compared before anything is timed.
"""

import numpy as np

from benchmarks import costs, machine, peers
from benchmarks.accuracy import integrators
from benchmarks.race import race
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian

SIZES = ((2, 1, 10_000), (4, 2, 10_000), (16, 8, 2_000), (64, 32, 500))

#: For each task: ours, theirs, and at each size the ratio that we mean to reach at least.
TASKS = {
    "filter": (
        "filter", peers.ours(),
        {
            "statsmodels": (peers.statsmodels(), (4, 4, 2.5, 1)),
            "dynamax": (peers.dynamax(), (9, 9, 2.5, 1)),
        },
    ),
    "filter, method='covariance'": (
        "filter", peers.ours("covariance"), {"statsmodels": (peers.statsmodels(), (None,) * 4)},
    ),
    "filter, method='sqrt'": (
        "filter", peers.ours("sqrt"), {"statsmodels": (peers.statsmodels(), (None,) * 4)},
    ),
    "filter and smoother": (
        "smooth", peers.ours(),
        {
            "statsmodels": (peers.statsmodels(), (3.5, 3.5, 1.5, 0.9)),
            "dynamax": (peers.dynamax(), (None,) * 4),
        },
    ),
    "filter, both with a steady-state shortcut": (
        "filter", peers.ours(steady_state=True),
        {"statsmodels": (peers.statsmodels(tolerance=None), (8, 8, 8, None))},
    ),
}

#: Peers that work in Python, step by step: measured at one size, they take seconds.
SLOW = {"filterpy": peers.filterpy, "pykalman": peers.pykalman()}


def problem(K, L, T, seed=0):
    """A stable model with K states and L sensors, and T steps of data drawn from it."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((K, K))
    A *= 0.95 / np.abs(np.linalg.eigvals(A)).max()
    C = rng.standard_normal((L, K)) / np.sqrt(K)
    initial = Gaussian(np.zeros(K), np.eye(K))
    transition = AffineGaussian(A, np.zeros(K), 0.3 * np.eye(K))
    emission = AffineGaussian(C, np.zeros(L), 0.5 * np.eye(L))
    x, y = rng.standard_normal(K), np.empty((T, L))
    for t in range(T):
        y[t] = C @ x + np.sqrt(0.5) * rng.standard_normal(L)
        x = A @ x + np.sqrt(0.3) * rng.standard_normal(K)
    return initial, transition, emission, y


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    sizes = tuple((K, L, 50) for K, L, _ in SIZES[:2]) if quick else SIZES
    rounds = 2 if quick else 15
    speed = [
        row
        for i, size in enumerate(sizes)
        for task in TASKS
        for row in _race(task, size, i, rounds)
    ]
    speed += _slow(sizes[1], 1 if quick else 3)
    return {
        "suite": "kalman",
        **machine.describe(),
        "speed": speed,
        "accuracy": integrators.run(columns=integrators.COLUMNS[:1] if quick else integrators.COLUMNS),
        "costs": costs.run(repeats=1 if quick else 3, quick=quick),
    }


def _race(task, size, column, rounds):
    """One row for each peer: our time, theirs, the ratio."""
    verb, us, others = TASKS[task]
    data = problem(*size)
    our_run = _named(peers.prepare(us, data), verb)
    runs = {}
    for name, (peer, _) in others.items():
        prepared = peers.prepare(peer, data)
        if prepared is not None:
            runs[name] = _named(prepared, verb)
    expected, agreement = our_run(), {}
    for name, theirs in runs.items():
        agreement[name] = _difference(expected, theirs())
        # dynamax adds 1e-9 to every matrix that it inverts; the others agree to rounding.
        if agreement[name] > 1e-6:
            raise AssertionError(f"{name} and we differ by {agreement[name]:.1e}: {task}, {size}")
    raced, rows = race(our_run, runs, rounds), []
    for name, (_, targets) in others.items():
        row = {"task": task, "size": list(size), "peer": name, "target": targets[column]}
        if name not in runs:
            rows.append({**row, "skipped": "not installed"})
            continue
        rows.append({**row, **raced[name], "difference": float(f"{agreement[name]:.1e}")})
    return rows


def _slow(size, rounds):
    rows, data = [], problem(*size)
    our_run = _named(peers.prepare(peers.ours(), data), "filter")
    expected = our_run()
    for name, peer in SLOW.items():
        row = {"task": "filter", "size": list(size), "peer": name, "target": None}
        prepared = peers.prepare(peer, data)
        if prepared is None:
            rows.append({**row, "skipped": "not installed"})
            continue
        theirs = _named(prepared, "filter")
        difference = _difference(expected, theirs())
        raced = race(our_run, {name: theirs}, rounds)[name]
        rows.append({**row, **raced, "difference": float(f"{difference:.1e}")})
    return rows


def _named(prepared, verb):
    return prepared[0] if verb == "filter" else prepared[1]


def _difference(ours, theirs):
    """The largest difference of means, covariances and log-likelihood, relative to the largest."""
    return max(
        float(np.abs(np.asarray(a) - np.asarray(b)).max() / np.abs(np.asarray(a)).max())
        for a, b in zip(ours, theirs)
    )
