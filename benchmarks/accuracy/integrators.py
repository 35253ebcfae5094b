"""How many digits are right on a stiff problem, where covariances span the range of the numbers.

A chain of four integrators (position, velocity, acceleration, jerk), driven by white noise; two
equal, very precise sensors of the position; a prior that knows nothing. The sensors' variance
falls and the prior's grows from column to column. The answer is computed with 60 digits, by the
plain equations, which are exact enough there.
"""

import warnings
from math import factorial

import numpy as np

from benchmarks import peers
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian

COLUMNS = ((1e-4, 1e2), (1e-8, 1e6), (1e-10, 1e8), (1e-12, 1e10))
STEPS = 60

FILTERS = {
    "ours, sqrt": peers.ours("sqrt"),
    "ours, joseph": peers.ours("joseph"),
    "ours, covariance": peers.ours("covariance"),
    "statsmodels": peers.statsmodels(tolerance=None),
    "dynamax, float64": peers.dynamax(),
    "dynamax, float32": peers.dynamax(double=False),
    "filterpy": peers.filterpy,
    "pykalman": peers.pykalman(),
    "pykalman, CholeskyKalmanFilter": peers.pykalman(cholesky=True),
}


def stiff(R, P0, seed=0):
    """The chain of integrators. The state starts near zero; the prior does not know that."""
    rng = np.random.default_rng(seed)
    A = np.array([[1 / factorial(j - i) if j >= i else 0.0 for j in range(4)] for i in range(4)])
    # White noise that enters the jerk, integrated over one step: cov of t^i / i! at its end.
    Q = np.array([
        [1 / (factorial(i) * factorial(j) * (i + j + 1)) for j in (3, 2, 1, 0)] for i in (3, 2, 1, 0)
    ])
    C, root = np.array([[1.0, 0, 0, 0], [1, 0, 0, 0]]), np.linalg.cholesky(Q)
    x, y = rng.standard_normal(4), np.empty((STEPS, 2))
    for t in range(STEPS):
        y[t] = C @ x + np.sqrt(R) * rng.standard_normal(2)
        x = A @ x + root @ rng.standard_normal(4)
    return (
        Gaussian(np.zeros(4), P0 * np.eye(4)),
        AffineGaussian(A, np.zeros(4), Q),
        AffineGaussian(C, np.zeros(2), R * np.eye(2)),
        y,
    )


def benign(seed=0):
    """The same chain with an honest prior and two ordinary sensors."""
    initial, transition, emission, y = stiff(1e-1, 1.0, seed)
    return initial, transition, emission, y


def exact(initial, transition, emission, y, digits=60):
    """Log-likelihood, and means and variances of the filter, with that many digits."""
    import mpmath

    with mpmath.workdps(digits):
        A, Q, C, R, P = (
            mpmath.matrix(m.tolist())
            for m in (
                transition.matrix, transition.covariance, emission.matrix, emission.covariance,
                initial.covariance,
            )
        )
        x, total, means = mpmath.matrix(initial.mean.tolist()), mpmath.mpf(0), []
        for t, observation in enumerate(y):
            if t:
                x, P = A * x, A * P * A.T + Q
            S = C * P * C.T + R
            precision = S**-1
            gain = P * C.T * precision
            error = mpmath.matrix(observation.tolist()) - C * x
            total -= (error.T * precision * error)[0] / 2
            total -= mpmath.log(mpmath.det(2 * mpmath.pi * S)) / 2
            x, P = x + gain * error, P - gain * C * P
            P = (P + P.T) / 2
            means.append([float(v) for v in x])
        return total, np.array(means)


def relative_error(log_likelihood, truth):
    """How far a log-likelihood is from the exact one; NaN where it is not a number."""
    import mpmath

    number = float(np.asarray(log_likelihood))
    return float(abs((mpmath.mpf(number) - truth) / truth)) if np.isfinite(number) else np.nan


def run(columns=COLUMNS):
    """Each filter's error in each column; what it raised, if it did; whether it said so."""
    try:
        import mpmath  # noqa: F401
    except ImportError:
        return {"skipped": "mpmath is not installed"}
    problems = [("benign", benign())]
    problems += [(f"R={R:.0e}, P0={P0:.0e}", stiff(R, P0)) for R, P0 in columns]
    truths = [exact(*problem)[0] for _, problem in problems]
    rows = []
    for name, peer in FILTERS.items():
        if peers.prepare(peer, problems[0][1]) is None:
            rows.append({"filter": name, "skipped": "not installed"})
            continue
        rows.append({
            "filter": name,
            "errors": [_error(peer, p, truth) for (_, p), truth in zip(problems, truths)],
        })
    return {"columns": [name for name, _ in problems], "rows": rows}


def _error(peer, problem, truth):
    """The relative error as a number, or the name of what was raised, or "NaN"."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            error = relative_error(peer(*problem)[0]()[2], truth)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError) as raised:
            return type(raised).__name__
    return float(f"{error:.1e}") if np.isfinite(error) else "NaN"
