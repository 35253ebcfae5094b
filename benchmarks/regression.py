"""Generalized linear models and ridge regression, against statsmodels and scikit-learn.

Coins, counts and positive numbers (the gamma family, with its logarithmic link) are fitted by IRLS, beside statsmodels'
own and scikit-learn's Newton solver. Everyone fits an intercept and no penalty. Ours and statsmodels also return
standard errors, scikit-learn does not. Ridge regression leaves out each sample in turn, for a hundred penalties, beside
`RidgeCV`. Coefficients and left-out errors are compared before anything is timed.
"""

import numpy as np

from benchmarks import machine
from benchmarks.race import race
from pedagogy_lib.distributions.exponential_family import dispersion as families
from pedagogy_lib.learning.regression import crossvalidation, generalized

#: Samples and inputs, and the rounds.
SIZE, ROUNDS = (20_000, 20), 15
#: The ratios that we mean to reach.
GOALS = {"statsmodels, GLM": 5, "scikit-learn, newton-cholesky": 1.2}
GAMMA_GOALS = {"statsmodels, GLM": 8, "scikit-learn, newton-cholesky": 1.2}
#: Samples and inputs of the ridge regressions, and their goals.
LEFT_OUT = {(2_000, 100): 8, (20_000, 20): 6}
#: How far the coefficients may differ.
TOLERANCE = 1e-8


def problem(kind, N, M):
    """Inputs and outputs of a family."""
    rng = np.random.default_rng(0)
    y, d = rng.standard_normal((N, M)), 1.5 * rng.standard_normal(M) / np.sqrt(M)
    if kind == "logistic regression":
        return y, (rng.random(N) < 1 / (1 + np.exp(-y @ d - 0.5))).astype(float), families.Bernoulli()
    if kind == "Poisson regression":
        return y, rng.poisson(np.exp(y @ d / 2 + 1)).astype(float), families.Poisson()
    return y, rng.gamma(2.0, np.exp(y @ d / 2 + 1) / 2), families.Gamma()


def ours(y, x, family):
    """Through the public function, with its checks; to the last digits."""
    def run():
        fit = generalized.fit(y, x, family, link="log" if family.kind == "gamma" else None)
        return np.append(fit.coefficients, fit.intercept)

    return run


def statsmodels(y, x, family):
    """Its own IRLS."""
    import statsmodels.api as sm

    kinds = {
        "bernoulli": sm.families.Binomial(), "poisson": sm.families.Poisson(),
        "gamma": sm.families.Gamma(sm.families.links.Log()),
    }
    inputs = np.column_stack([y, np.ones(len(y))])
    return lambda: sm.GLM(x, inputs, family=kinds[family.kind]).fit(tol=1e-10).params


def scikit_learn(y, x, family):
    """Newton's method with Cholesky's decomposition; without standard errors."""
    from sklearn.linear_model import GammaRegressor, LogisticRegression, PoissonRegressor

    def run():
        if family.kind == "bernoulli":
            model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
        else:
            kind = PoissonRegressor if family.kind == "poisson" else GammaRegressor
            model = kind(alpha=0, solver="newton-cholesky", tol=1e-8)
        model.fit(y, x)
        return np.append(model.coef_, model.intercept_)

    return run


PEERS = {"statsmodels, GLM": statsmodels, "scikit-learn, newton-cholesky": scikit_learn}


def left_out(N, M):
    """Ridge regression with each sample left out in turn, for a hundred penalties; squared errors for each."""
    rng, penalties = np.random.default_rng(0), np.logspace(-2, 4, 100)
    y = rng.standard_normal((N, M)) @ rng.standard_normal((M, M)) / np.sqrt(M)
    x = y @ rng.standard_normal(M) + 2 * rng.standard_normal(N)

    def ours():
        return crossvalidation.leave_one_out(y, x[:, None], penalties).errors

    def ridge(y, x, family):
        from sklearn.linear_model import RidgeCV

        return lambda: RidgeCV(penalties, store_cv_results=True).fit(y, x).cv_results_.mean(0)

    return (y, x, None), ours, {"scikit-learn, RidgeCV": ridge}


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    size, rounds = ((400, 3), 2) if quick else (SIZE, ROUNDS)
    rows = []
    for kind in ("logistic regression", "Poisson regression", "gamma regression, log link"):
        given = problem(kind, *size)
        rows += _race(kind, size, rounds, given, ours(*given), PEERS, GAMMA_GOALS if "gamma" in kind else GOALS)
    for size, goal in {(60, 3): None}.items() if quick else LEFT_OUT.items():
        given, our_run, peers = left_out(*size)
        rows += _race("ridge, leave one out, 100 penalties", size, rounds, given, our_run, peers,
                      dict.fromkeys(peers, goal))
    return {"suite": "regression", "size": "Samples, inputs", **machine.describe(), "speed": rows}


def _race(kind, size, rounds, given, our_run, peers, goals):
    """One row for each peer: our time, theirs, the ratio."""
    expected, rows = our_run(), []
    for name, peer in peers.items():
        row = {"task": kind, "size": list(size), "peer": name, "target": goals.get(name)}
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
