"""Chapter 5 under stress: likelihoods without a maximum, units, heavy tails, saturated logits, repeated inputs.

The peers are called as their users call them, with steps enough and a tight tolerance where they take one. What they
do not promise to eight digits is called wrong only beyond a thousandth.
"""

import mpmath
import numpy as np
import regressions

from benchmarks.accuracy.verdicts import Question, relative, weigh
from pedagogy_lib.distributions.exponential_family import dispersion
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.learning.regression import crossvalidation, generalized, linear, softmax
from pedagogy_lib.learning.regression.separation import SeparationError

FAMILIES = {"bernoulli": dispersion.Bernoulli, "poisson": dispersion.Poisson, "gamma": dispersion.Gamma}
#: By how much a peer may miss who does not promise eight digits.
THOUSANDTH = 1e-3


def rows(quick=False):
    """All rows of this family."""
    return [
        *_separation(3 if quick else 30), *_units(2 if quick else 5), _heavy_tails(20 if quick else 1500),
        *_log_loss(), *_collinear(), _left_out(2 if quick else 10),
    ]


# Contenders ----------------------------------------------------------------------------------------


def ours(kind, y, x):
    """Coefficients, the intercept last; gamma outputs with the logarithmic link."""
    fit = generalized.fit(y, x, FAMILIES[kind](), "log" if kind == "gamma" else None)
    return np.append(fit.coefficients, fit.intercept)


def statsmodels(kind, y, x):
    import statsmodels.api as sm

    families = {
        "bernoulli": sm.families.Binomial(), "poisson": sm.families.Poisson(),
        "gamma": sm.families.Gamma(sm.families.links.Log()),
    }
    found = sm.GLM(x, np.column_stack([y, np.ones(len(y))]), family=families[kind]).fit(maxiter=1000, tol=1e-12)
    if not found.converged:
        raise ArithmeticError("it says that it has not converged")
    return found.params


def scikit_learn(solver):
    def run(kind, y, x):
        from sklearn.linear_model import GammaRegressor, LogisticRegression, PoissonRegressor

        options = {"solver": solver, "tol": 1e-10, "max_iter": 10_000 if solver == "lbfgs" else 100}
        if kind == "bernoulli":
            model = LogisticRegression(C=np.inf, **options)
        else:
            model = (PoissonRegressor if kind == "poisson" else GammaRegressor)(alpha=0, **options)
        model.fit(y, x)
        return np.append(model.coef_, model.intercept_)

    return run


REGRESSIONS = {
    "ours": ours, "statsmodels": statsmodels, "scikit-learn, lbfgs": scikit_learn("lbfgs"),
    "scikit-learn, Newton": scikit_learn("newton-cholesky"),
}


# Separation ----------------------------------------------------------------------------------------


def _separation(count):
    """Likelihoods that rise without end: to refuse them is right, and ours must say which kind it is."""
    rng = np.random.default_rng(0)
    y = [rng.standard_normal((30, 3)) for _ in range(count)]
    complete = [(v, (v @ rng.standard_normal(3) > 0.1).astype(float)) for v in y]
    complete = [(v, x) for v, x in complete if 0 < x.mean() < 1]
    quasi = []
    for v in y:
        v = np.column_stack([rng.integers(-1, 2, 30), v[:, 1:]])
        between = v[:, 0] == 0
        x = np.where(between, rng.permutation(30) % 2, v[:, 0] > 0).astype(float)
        if not _apart(v[between, 1:], x[between]):
            quasi.append((v, x))
    overlap = [(v, (rng.random(30) < 0.5).astype(float)) for v in y[:5]]
    overlap = [(v, x) for v, x in overlap if not _apart(v, x)]
    truth = {id(v): regressions.generalized("bernoulli", v, x) for v, x in overlap}
    counts = [(np.column_stack([v, np.arange(30) < 6]), np.where(np.arange(30) < 6, 0.0, 3.0)) for v in y]
    for _, x in counts:
        x[6:] = rng.poisson(2.0, 24)
    asked = "the coefficients; there are none"
    return [
        weigh(Question("coins, complete separation", asked, complete), _of("bernoulli", "got complete")),
        weigh(Question("coins, quasi-complete separation", asked, quasi), _of("bernoulli", "got quasi-complete")),
        weigh(Question("counts that are all zero where an input is one", asked, counts), _of("poisson", "quasi")),
        weigh(
            Question("three classes, one apart from the others", asked, [_three(v) for v in y]),
            {"ours": lambda v, x: softmax.fit(v, x).coefficients, "scikit-learn, lbfgs": _classes("lbfgs"),
             "scikit-learn, Newton": _classes("newton-cholesky")},
        ),
        weigh(
            Question("coins that overlap", "the coefficients", overlap,
                     lambda case, found: relative(truth[id(case[0])], found), 1e-8, THOUSANDTH),
            _of("bernoulli"),
        ),
    ]


def _of(kind, named=None):
    """The contenders for one family; ours must also name what it refuses, or that counts as an answer."""
    def run_ours(y, x):
        try:
            return ours(kind, y, x)
        except SeparationError as error:
            if named is None or named in str(error):
                raise
            return "another kind of separation"

    others = {name: run for name, run in REGRESSIONS.items() if name != "ours"}
    return {"ours": run_ours, **{name: (lambda y, x, run=run: run(kind, y, x)) for name, run in others.items()}}


def _apart(y, x):
    """Whether some plane separates the two classes, by Gordan's theorem: no positive mix of signed inputs is zero."""
    from scipy.optimize import linprog

    signed = np.where(x == 1, 1.0, -1.0)[:, None] * np.column_stack([y, np.ones(len(y))])
    return linprog(np.zeros(len(x)), A_eq=signed.T, b_eq=np.zeros(signed.shape[1]), bounds=(1e-6, None)).status != 0


def _three(y):
    classes = np.where(y[:, 0] > np.median(y[:, 0]), 2, np.arange(len(y)) % 2)
    return np.where(classes[:, None] == 2, y + [3.0, 0, 0], y), classes


def _classes(solver):
    def run(y, x):
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=np.inf, solver=solver, tol=1e-10, max_iter=10_000).fit(y, x).coef_

    return run


# Units and heavy tails -----------------------------------------------------------------------------


def _units(count):
    """The same fit whatever the unit of the inputs: coefficients times the unit, against 40 digits."""
    rng = np.random.default_rng(1)
    for kind in FAMILIES:
        cases, truth = [], {}
        for seed in range(count):
            y = rng.standard_normal((40, 2))
            s = y @ [0.8, -0.5] + 0.3
            x = {"bernoulli": lambda s: (rng.random(40) < 1 / (1 + np.exp(-s))).astype(float),
                 "poisson": lambda s: rng.poisson(np.exp(s)).astype(float),
                 "gamma": lambda s: rng.gamma(2.0, np.exp(s) / 2)}[kind](s)
            truth[seed] = regressions.generalized(kind, y, x)
            cases += [(y * unit, x, unit, seed) for unit in (1e-6, 1e3, 1e6)]

        def error(case, found, truth=truth):
            return relative(truth[case[3]], found * np.array([case[2], case[2], 1.0]))

        yield weigh(
            Question(f"{kind} outputs, units of 1e-6, 1e3 and 1e6", "the coefficients", cases, error, 1e-8, THOUSANDTH),
            {name: (lambda y, x, unit, seed, run=run, kind=kind: run(kind, y, x)) for name, run in REGRESSIONS.items()},
        )


def _heavy_tails(count):
    """Gamma outputs, logarithmic link, inputs drawn from Student's t: the deviance is convex, and has a minimum."""
    def error(case, found):
        y, x, least = case
        s = np.column_stack([y, np.ones(len(y))]) @ found
        deviance = 2 * (x * np.exp(-s) + s - 1 - np.log(x)).sum()
        return abs(deviance - least) / max(least, 1.0)

    return weigh(
        Question("gamma outputs, inputs with heavy tails", "the least deviance", list(regressions.heavy_tailed(count)),
                 error, 1e-8, THOUSANDTH),
        # scikit-learn's solvers would search for many minutes.
        {name: (lambda y, x, least, run=run: run("gamma", y, x)) for name, run in REGRESSIONS.items()
         if not name.startswith("scikit-learn")},
    )


# Saturated logits ----------------------------------------------------------------------------------


def _log_loss():
    logits = [sign * size for size in (0.1, 1, 20, 36, 40, 100, 700, 745, 1000.0) for sign in (-1, 1)]
    coins = [(eta, float(x)) for eta in logits for x in (0, 1)]
    dice = [(np.array([[0.0, eta, -eta / 3]]), k) for eta in logits for k in range(3)]
    yield weigh(
        Question("coins, logits up to 1000 either way", "the log loss of one outcome", coins, _of_coin, 1e-12),
        {"ours, density": lambda eta, x: -dispersion.log_density(dispersion.Bernoulli(), x, eta),
         "ours, network": lambda eta, x: outputs.Bernoulli.surprisals(np.array([[eta]]), np.array([[x]]))[0],
         "scikit-learn": _by_probability, "torch, with logits": _torch_logits, "torch, of sigmoids": _torch_sigmoid},
    )
    yield weigh(
        Question("dice, logits up to 1000 either way", "the log loss of one outcome", dice, _of_die, 1e-12),
        {"ours, network": lambda eta, k: outputs.Categorical.surprisals(eta, np.eye(3)[[k]])[0],
         "torch, with logits": _torch_die},
    )


def _apart_by(exact, found):
    """Relative to the exact number, or in nats where that is below one."""
    return float(abs(mpmath.mpf(float(found)) - exact) / max(abs(exact), 1))


def _of_coin(case, found):
    eta, x = case
    with mpmath.workdps(60):
        return _apart_by(mpmath.log1p(mpmath.exp(mpmath.mpf(-eta if x else eta))), found)


def _of_die(case, found):
    eta, k = case
    with mpmath.workdps(60):
        others = [mpmath.exp(mpmath.mpf(float(e)) - mpmath.mpf(float(eta[0, k]))) for e in np.delete(eta[0], k)]
        return _apart_by(mpmath.log1p(mpmath.fsum(others)), found)


def _by_probability(eta, x):
    from scipy.special import expit
    from sklearn.metrics import log_loss

    return log_loss([x], [expit(eta)], labels=[0, 1])


def _torch_logits(eta, x):
    import torch

    eta, x = (torch.tensor([v], dtype=torch.float64) for v in (eta, x))
    return torch.nn.functional.binary_cross_entropy_with_logits(eta, x).item()


def _torch_sigmoid(eta, x):
    import torch

    eta, x = (torch.tensor([v], dtype=torch.float64) for v in (eta, x))
    return torch.nn.functional.binary_cross_entropy(torch.sigmoid(eta), x).item()


def _torch_die(eta, k):
    import torch

    return torch.nn.functional.cross_entropy(torch.tensor(eta), torch.tensor([k])).item()


# Inputs that repeat others -------------------------------------------------------------------------


def _collinear():
    """An input that repeats another up to 1e-2 ... 1e-6 of itself, and one that repeats it exactly."""
    rng = np.random.default_rng(2)
    near, truth, same = [], {}, []
    for size in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        for _ in range(4):
            a, b, c = rng.standard_normal((3, 30))
            y, x = np.column_stack([a, a + size * b, c + 1]), rng.standard_normal(30)
            near.append((y, x))
            truth[id(y)] = regressions.least_squares(y, x)
    for _ in range(4):
        a, b = rng.integers(-9, 10, (2, 30)).astype(float)
        same.append((np.column_stack([a, b, 2 * a - b]), rng.standard_normal(30)))

    def error(case, found):
        return relative(truth[id(case[0])], found)

    yield weigh(Question("an input that nearly repeats another", "the coefficients", near, error, 1e-6), LINES)
    yield weigh(Question("an input that is a combination of two", "its coefficient; none is determined", same),
                {name: run for name, run in LINES.items() if name != "ours, svd"})


def _line(route):
    def run(y, x):
        fit = linear.least_squares(y, x[:, None], route)
        return np.append(fit.weights[0], fit.offset[0])

    return run


def _scikit_line(y, x):
    from sklearn.linear_model import LinearRegression

    fit = LinearRegression().fit(y, x)
    return np.append(fit.coef_, fit.intercept_)


def _statsmodels_line(y, x):
    import statsmodels.api as sm

    return sm.OLS(x, np.column_stack([y, np.ones(len(y))])).fit().params


LINES = {
    **{f"ours, {route}": _line(route) for route in ("qr", "svd", "normal equations", "newton", "moments")},
    "statsmodels": _statsmodels_line, "scikit-learn": _scikit_line,
}


def _left_out(count):
    """Ridge regression with each sample left out in turn, at a penalty of 1e-12, against refits in 60 digits."""
    rng, cases, truth = np.random.default_rng(3), [], {}
    for i in range(count):
        N, M = ((12, 3), (9, 8), (8, 8), (6, 9), (8, 7))[i % 5]
        y = rng.normal(size=(N, M)) + 3
        x = y @ rng.normal(size=(M, 1)) + rng.normal(size=(N, 1)) + 5
        cases.append((y, x))
        truth[id(y)] = np.concatenate([regressions.refit(y, x, 1e-12, [n], True) for n in range(N)])[:, 0]

    def by_scikit(y, x):
        from sklearn.linear_model import RidgeCV

        fit = RidgeCV([1e-12], store_cv_results=True).fit(y, x[:, 0])
        return np.sqrt(fit.cv_results_[:, 0])

    return weigh(
        Question("ridge, penalty 1e-12, as many inputs as samples or more", "the size of each left-out residual", cases,
                 lambda case, found: relative(np.abs(truth[id(case[0])]), np.abs(found)), 1e-10, THOUSANDTH),
        {"ours": lambda y, x: crossvalidation.leave_one_out(y, x, [1e-12]).residuals[0, :, 0],
         "scikit-learn, RidgeCV": by_scikit},
    )
