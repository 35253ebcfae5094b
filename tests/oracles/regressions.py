"""Regressions by other means than the library's: 60 digits and plain equations, or a general search.

Nothing here standardizes inputs, shortens a step by a rule of the library's, or leaves a sample out in one step.
"""

import mpmath
import numpy as np
from scipy.optimize import minimize


def refit(y, x, penalty, rows, intercept, averaged=False):
    """Residuals of some rows of a ridge regression on the others alone, by normal equations of 60 digits."""
    kept = np.setdiff1d(np.arange(len(y)), rows)
    if averaged:
        penalty = penalty * len(kept) / len(y)
    with mpmath.workdps(60):
        Y, X = mpmath.matrix(y.tolist()), mpmath.matrix(x.tolist())
        M, K = y.shape[1], x.shape[1]
        A = mpmath.matrix([[Y[n, m] for m in range(M)] + [1] * intercept for n in kept])
        P = mpmath.diag([penalty] * M + [0] * intercept)
        target = mpmath.matrix([[X[n, k] for k in range(K)] for n in kept])
        inverse = mpmath.inverse(A.T * A + P)
        w = inverse * (A.T * target)
        held = mpmath.matrix([[Y[int(n), m] for m in range(M)] + [1] * intercept for n in rows])
        found = mpmath.matrix([[X[int(n), k] for k in range(K)] for n in rows]) - held * w
        return np.array(found.tolist(), float)


def least_squares(y, x):
    """Weights, and the offset last, by normal equations of 80 digits; x is (N,)."""
    with mpmath.workdps(80):
        A = mpmath.matrix(np.column_stack([y, np.ones(len(y))]).tolist())
        w = mpmath.inverse(A.T * A) * (A.T * mpmath.matrix(np.asarray(x).tolist()))
        return np.array([float(v) for v in w])


def generalized(kind, y, x, digits=40):
    """Coefficients, and the intercept last, of coins (logit), counts (log) or gamma outputs (log), in many digits.

    Newton's method on the loss of one sample, f(s), whose derivatives stand here; the step is halved until f falls.
    """
    with mpmath.workdps(digits):
        exp, log = mpmath.exp, mpmath.log
        f, slope, bend = {
            "bernoulli": (
                lambda s, v: log(1 + exp(s)) - v * s, lambda s, v: 1 / (1 + exp(-s)) - v,
                lambda s, v: 1 / ((1 + exp(s)) * (1 + exp(-s))),
            ),
            "poisson": (lambda s, v: exp(s) - v * s, lambda s, v: exp(s) - v, lambda s, v: exp(s)),
            "gamma": (lambda s, v: v * exp(-s) + s, lambda s, v: 1 - v * exp(-s), lambda s, v: v * exp(-s)),
        }[kind]
        z = mpmath.matrix(np.column_stack([y, np.ones(len(y))]).tolist())
        values = [mpmath.mpf(float(v)) for v in x]
        d, N, P = mpmath.zeros(z.cols, 1), z.rows, z.cols
        total = lambda d: mpmath.fsum(f(s, v) for s, v in zip(z * d, values))
        for _ in range(60):
            s = z * d
            g = z.T * mpmath.matrix([slope(s[n], values[n]) for n in range(N)])
            weighted = mpmath.matrix(N, P)
            for n in range(N):
                c = bend(s[n], values[n])
                for p in range(P):
                    weighted[n, p] = c * z[n, p]
            step = mpmath.lu_solve(z.T * weighted, -g)
            before = total(d)
            while total(d + step) > before + abs(before) * mpmath.mpf(10) ** (5 - digits):
                step = step / 2
            d = d + step
            if mpmath.norm(z * step, mpmath.inf) < mpmath.mpf(10) ** (-digits // 2):
                break
        return np.array([float(v) for v in d])


def heavy_tailed(count):
    """Gamma outputs whose logarithm is linear in inputs with heavy tails, and the least deviance, by a trust region.

    With the logarithmic link the deviance is convex, and has a minimum.
    """
    rng = np.random.default_rng(0)
    for _ in range(count):
        size, inputs, shape = int(rng.integers(20, 80)), int(rng.integers(1, 5)), rng.uniform(0.3, 3)
        y = rng.standard_t(1.5, (size, inputs))
        s = np.clip(y @ rng.standard_normal(inputs) * rng.uniform(0.1, 1), -100, 100)
        x = np.maximum(rng.gamma(shape, np.exp(s) / shape), 1e-100)
        yield y, x, least_deviance(y, x)


def least_deviance(y, x):
    """The least deviance of gamma outputs with the logarithmic link."""
    q = np.linalg.qr(np.column_stack([y, np.ones(len(x))]))[0]

    def rise(b):
        return x * np.exp(-q @ b)

    found = minimize(
        lambda b: (rise(b) + q @ b).sum(), q.T @ np.log(x), method="trust-exact", options={"gtol": 1e-9},
        jac=lambda b: q.T @ (1 - rise(b)), hess=lambda b: (q * rise(b)[:, None]).T @ q,
    )
    return 2 * (found.fun - len(x) - np.log(x).sum())
