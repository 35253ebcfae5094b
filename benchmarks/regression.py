"""Generalized linear models: IRLS against statsmodels and scikit-learn's Newton solver, for coins and for counts.

Everyone fits an intercept and no penalty. Ours and statsmodels also return standard errors, scikit-learn does not. The
coefficients are compared before anything is timed.
"""

import numpy as np

from benchmarks import machine
from benchmarks.race import race
from pedagogy_lib.distributions.exponential_family import dispersion as families
from pedagogy_lib.learning.regression import generalized

#: Samples and inputs, and the rounds.
SIZE, ROUNDS = (20_000, 20), 15
#: The ratios that we mean to reach.
GOALS = {"statsmodels, GLM": 5, "scikit-learn, newton-cholesky": 1.2}
#: How far the coefficients may differ.
TOLERANCE = 1e-8


def problem(kind, N, M):
    """Inputs and outputs of a family."""
    rng = np.random.default_rng(0)
    y, d = rng.standard_normal((N, M)), 1.5 * rng.standard_normal(M) / np.sqrt(M)
    if kind == "logistic regression":
        return y, (rng.random(N) < 1 / (1 + np.exp(-y @ d - 0.5))).astype(float), families.Bernoulli()
    return y, rng.poisson(np.exp(y @ d / 2 + 1)).astype(float), families.Poisson()


def ours(y, x, family):
    """Through the public function, with its checks; to the last digits."""
    def run():
        fit = generalized.fit(y, x, family)
        return np.append(fit.coefficients, fit.intercept)

    return run


def statsmodels(y, x, family):
    """Its own IRLS."""
    import statsmodels.api as sm

    kinds = {"bernoulli": sm.families.Binomial(), "poisson": sm.families.Poisson()}
    inputs = np.column_stack([y, np.ones(len(y))])
    return lambda: sm.GLM(x, inputs, family=kinds[family.kind]).fit(tol=1e-10).params


def scikit_learn(y, x, family):
    """Newton's method with Cholesky's decomposition; without standard errors."""
    from sklearn.linear_model import LogisticRegression, PoissonRegressor

    def run():
        if family.kind == "bernoulli":
            model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
        else:
            model = PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-8)
        model.fit(y, x)
        return np.append(model.coef_, model.intercept_)

    return run


PEERS = {"statsmodels, GLM": statsmodels, "scikit-learn, newton-cholesky": scikit_learn}


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    size, rounds = ((400, 3), 2) if quick else (SIZE, ROUNDS)
    rows = [row for kind in ("logistic regression", "Poisson regression") for row in _race(kind, size, rounds)]
    return {"suite": "regression", "size": "Samples, inputs", **machine.describe(), "speed": rows}


def _race(kind, size, rounds):
    """One row for each peer: our time, theirs, the ratio."""
    given = problem(kind, *size)
    our_run = ours(*given)
    expected, rows = our_run(), []
    for name, peer in PEERS.items():
        row = {"task": kind, "size": list(size), "peer": name, "target": GOALS.get(name)}
        try:
            theirs = peer(*given)
            difference = float(np.abs(theirs() - expected).max())
        except ImportError:
            rows.append({**row, "skipped": "not installed"})
            continue
        if difference > TOLERANCE:
            raise AssertionError(f"{name} and we differ by {difference:.1e}: {kind}, {size}")
        rows.append({**row, **race(our_run, {name: theirs}, rounds)[name], "difference": float(f"{difference:.1e}")})
    return rows
