"""Exponential families of several natural parameters, and maximum likelihood for all of them.

log p(x; eta) = log h(x) + eta't(x) - A(eta). For each family: ``statistics`` is t(x), shape (..., P); ``eta`` the
natural parameters, shape (..., P); ``log_partition`` is A; ``mean`` its gradient, which is E[t(x)], the moment
parameters; ``covariance`` its Hessian, which is Cov[t(x)] and the Fisher information of eta.

`natural` and `customary` translate from and to the names under which a family is known. Fit any family with `match`.
There is no `marginalize` or `invert` here, because both need a partner: `categorical` and `gaussian` have theirs.

Building blocks, which trust their arguments because their callers have checked them: `Categorical`,
`Gaussian`, `Gamma`, `Dirichlet` and `Beta`.

References
----------
Section 5.1.2, Eq. 5.11; section B.2.
"""

import numpy as np
from scipy.special import digamma, gammaln, logsumexp, polygamma, softmax

from pedagogy_lib import checks


def log_density(family, x, eta):
    """Evaluate log p(x; eta), in nats, for outcomes x of shape (...) or, for dice, (..., K).

    References
    ----------
    Eq. 5.11.
    """
    eta = _natural(family, eta)
    t = family.statistics(checks.array("x", x))
    if not np.isfinite(t).all():
        raise ValueError(f"x: expected {family.outcomes}")
    if eta.shape[-1:] != t.shape[-1:]:
        raise ValueError(f"eta: expected one for each of {t.shape[-1]} statistics, got shape {eta.shape}")
    return family.log_base(t) + (t * eta).sum(-1) - family.log_partition(eta)


def match(family, moments, steps=100):
    """Find the natural parameters whose expected statistics are the given ones: maximum likelihood.

    Parameters
    ----------
    moments : array_like, shape (P,)
        The average of t(x) over the data.

    Returns
    -------
    ndarray, shape (P,)

    Raises
    ------
    ValueError
        If no member of the family has these moments.

    Notes
    -----
    The average of -log p is A(eta) - eta'moments plus a constant. It is convex, with gradient mean(eta) - moments and
    Hessian covariance(eta). Each step solves for both by least squares, so that a direction in which the family does
    not change (a constant added to the logits of a die) is left alone.

    References
    ----------
    Section 5.1.2, the display after Eq. 5.11.
    """
    moments, _ = checks.array("moments", moments, ("P",)), _checked_family(family)
    try:
        eta = family.start(moments)
        gradient = family.mean(eta) - moments
    except (ValueError, IndexError) as error:
        message = f"moments: expected an average for each statistic of {type(family).__name__}, got {moments}: {error}"
        raise ValueError(message) from error
    for _ in range(checks.count("steps", steps)):
        gradient = family.mean(eta) - moments
        step = np.linalg.lstsq(family.covariance(eta), -gradient, rcond=1e-14)[0]
        decrement = -gradient @ step
        before, eta = eta, _descend(family, moments, eta, step)
        if abs(decrement) < 1e-20 or (eta == before).all():
            break                                           # no lower, but for rounding
    if np.allclose(family.mean(eta), moments, rtol=1e-6, atol=1e-9):
        return eta
    raise ValueError(f"moments: expected averages that some member of the family has, got {moments}")


def _descend(family, moments, eta, step):
    """The longest of step, step / 2, step / 4 that stays in the family and does not raise the loss."""
    def loss(at):
        return family.log_partition(at) - at @ moments if family.allowed(at) else np.inf

    before = loss(eta)
    for halvings in range(40):
        after = eta + step / 2**halvings
        if loss(after) <= before + 1e-14 * abs(before):
            return after
    return eta


class Categorical:
    """A die: t(x) is the one-hot x itself, A = log sum_k e^eta_k. A constant added to all logits changes nothing."""

    outcomes = "one-hot rows"

    def natural(self, probabilities):
        return np.log(checks.probabilities("probabilities", probabilities))

    def customary(self, eta):
        return softmax(eta, -1)

    def statistics(self, x):
        return x

    def log_base(self, t):
        return np.zeros(t.shape[:-1])

    def log_partition(self, eta):
        return logsumexp(eta, -1)

    def mean(self, eta):
        return softmax(eta, -1)

    def covariance(self, eta):
        p = softmax(eta, -1)
        return p[..., None] * np.eye(p.shape[-1]) - p[..., None] * p[..., None, :]

    def allowed(self, eta):
        return np.isfinite(eta).all()

    def start(self, moments):
        return np.zeros(len(moments))

    def sample(self, eta, n, rng):
        return np.eye(len(eta))[rng.choice(len(eta), n, p=softmax(eta))]


class Gaussian:
    """A normal variable of unknown mean m and variance v: t = (x, x^2), eta = (m / v, -1 / (2 v))."""

    outcomes = "finite numbers"

    def natural(self, mean, variance):
        return np.stack(np.broadcast_arrays(mean / variance, -0.5 / np.asarray(variance)), -1)

    def customary(self, eta):
        variance = -0.5 / eta[..., 1]
        return eta[..., 0] * variance, variance

    def statistics(self, x):
        return np.stack([x, x**2], -1)

    def log_base(self, t):
        return np.full(t.shape[:-1], -0.5 * np.log(2 * np.pi))

    def log_partition(self, eta):
        m, v = self.customary(eta)
        return (m**2 / v + np.log(v)) / 2

    def mean(self, eta):
        m, v = self.customary(eta)
        return np.stack([m, m**2 + v], -1)

    def covariance(self, eta):
        m, v = self.customary(eta)
        return _square([[v, 2 * m * v], [2 * m * v, 4 * m**2 * v + 2 * v**2]])

    def allowed(self, eta):
        return (eta[..., 1] < 0).all()

    def start(self, moments):
        """Here the equation is solved at once: the mean, and the mean square less its square."""
        variance = moments[1] - moments[0] ** 2
        if variance <= 0:
            raise ValueError(f"moments: expected E[x^2] > E[x]^2, got {moments}")
        return self.natural(moments[0], variance)

    def sample(self, eta, n, rng):
        m, v = self.customary(eta)
        return rng.normal(m, np.sqrt(v), n)


class Gamma:
    """A positive number of unknown shape k and scale s: t = (log x, x), eta = (k - 1, -1 / s)."""

    outcomes = "numbers above 0"

    def natural(self, shape, scale):
        return np.stack(np.broadcast_arrays(np.asarray(shape) - 1.0, -1 / np.asarray(scale)), -1)

    def customary(self, eta):
        return eta[..., 0] + 1, -1 / eta[..., 1]

    def statistics(self, x):
        return np.stack([_log(x), x], -1)

    def log_base(self, t):
        return np.zeros(t.shape[:-1])

    def log_partition(self, eta):
        k, s = self.customary(eta)
        return gammaln(k) + k * np.log(s)

    def mean(self, eta):
        k, s = self.customary(eta)
        return np.stack([digamma(k) + np.log(s), k * s], -1)

    def covariance(self, eta):
        k, s = self.customary(eta)
        return _square([[polygamma(1, k), s], [s, k * s**2]])

    def allowed(self, eta):
        return (eta[..., 0] > -1).all() and (eta[..., 1] < 0).all()

    def start(self, moments):
        """Thom's approximation of the shape, from the gap between the logarithm of the mean and the mean logarithm."""
        gap = np.log(moments[1]) - moments[0] if moments[1] > 0 else 0.0
        if gap <= 0:
            raise ValueError(f"moments: expected E[log x] < log E[x], got {moments}")
        k = (1 + np.sqrt(1 + 4 * gap / 3)) / (4 * gap)
        return self.natural(k, moments[1] / k)

    def sample(self, eta, n, rng):
        k, s = self.customary(eta)
        return rng.gamma(k, s, n)


class Dirichlet:
    """A vector of K proportions that sum to one: t = log x, eta = alpha - 1."""

    outcomes = "proportions above 0"

    def natural(self, alpha):
        return np.asarray(alpha, float) - 1

    def customary(self, eta):
        return eta + 1

    def statistics(self, x):
        return _log(x)

    def log_base(self, t):
        return np.zeros(t.shape[:-1])

    def log_partition(self, eta):
        return gammaln(eta + 1).sum(-1) - gammaln((eta + 1).sum(-1))

    def mean(self, eta):
        return digamma(eta + 1) - digamma((eta + 1).sum(-1))[..., None]

    def covariance(self, eta):
        K = eta.shape[-1]
        return polygamma(1, eta + 1)[..., None] * np.eye(K) - polygamma(1, (eta + 1).sum(-1))[..., None, None]

    def allowed(self, eta):
        return (eta > -1).all()

    def start(self, moments):
        if np.logaddexp.reduce(moments) >= 0:
            raise ValueError(f"moments: expected mean logarithms of proportions, got {moments}")
        return np.zeros(len(moments))

    def sample(self, eta, n, rng):
        return rng.dirichlet(eta + 1, n)


class Beta(Dirichlet):
    """A proportion: t = (log x, log(1 - x)), eta = (a - 1, b - 1). The Dirichlet distribution of two."""

    outcomes = "numbers between 0 and 1"

    def statistics(self, x):
        return np.stack([_log(x), _log(1 - x)], -1)

    def sample(self, eta, n, rng):
        return rng.beta(*(eta + 1), n)


def _log(x):
    """log x, and NaN where there is none."""
    return np.log(np.where(x > 0, x, np.nan))


def _square(rows):
    return np.stack([np.stack(np.broadcast_arrays(*row), -1) for row in rows], -2)


def _checked_family(family):
    if isinstance(family, type):
        raise TypeError(f"family: expected an object such as {family.__name__}(), got the class itself")
    return checks.model("family", family, "statistics", "log_partition", "mean", "covariance", "allowed", "start")


def _natural(family, eta):
    _checked_family(family)
    eta = checks.array("eta", eta)
    if eta.ndim == 0 or eta.size == 0:
        raise ValueError(f"eta: expected shape (..., P), got {eta.shape}")
    try:
        allowed = family.allowed(eta)
    except IndexError:
        raise ValueError(f"eta: expected a natural parameter for each statistic, got shape {eta.shape}") from None
    if not allowed:
        name = type(family).__name__
        raise ValueError(f"eta: expected natural parameters for which {name} has a normalizer, got {eta}")
    return eta
