"""Families of one natural parameter and a dispersion, from which generalized linear models are made.

log p(x; eta, phi) = log h(x, phi) + (eta x - A(eta)) / phi, so that

    E[x] = A'(eta),    Var[x] = phi A''(eta).

Each family is a plain object; everything works entry by entry on arrays, and broadcasts as NumPy does. ``eta`` is the
natural parameter, ``mean`` is A'(eta), ``x`` the outcome. There is no `marginalize` or `invert` here: the
conjugate prior of eta is another family for each.

Building blocks, which trust their arguments because their callers have checked them: `Bernoulli`,
`Binomial`, `Poisson`, `Gaussian`, `Gamma` and `outcomes`.

References
----------
Section 5.1.2, Eq. 5.12; there h lacks its argument phi.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, gammaln, xlog1py, xlogy

from pedagogy_lib import checks

TAU = 2 * np.pi


def log_density(family, x, eta, dispersion=1.0):
    """Evaluate log p(x; eta, dispersion), in nats.

    Parameters
    ----------
    family : Bernoulli, Binomial, Poisson, Gaussian or Gamma
    x, eta : array_like, of shapes that broadcast
    dispersion : float
        Of a Gaussian its variance, of a gamma distribution 1 / shape; 1 for the counts.

    Returns
    -------
    ndarray

    References
    ----------
    Eq. 5.12.
    """
    x, eta = outcomes(family, x), _natural(family, eta)
    dispersion = _dispersion(family, dispersion)
    try:
        np.broadcast_shapes(x.shape, eta.shape)
    except ValueError:
        raise ValueError(f"x, eta: expected shapes that broadcast, got {x.shape} and {eta.shape}") from None
    # (eta x - A(eta)) / phi, as the distance from its highest value, because this form cannot cancel or overflow.
    return family.log_peak(x, dispersion) - family.half_deviance(x, eta) / dispersion


def sample(family, eta, dispersion, rng):
    """Draw one outcome for each natural parameter, shape that of ``eta``."""
    eta, dispersion = _natural(family, eta), _dispersion(family, dispersion)
    rng = checks.generator("rng", rng)
    try:
        return np.asarray(family.draw(eta, dispersion, rng), float)
    except ValueError as error:                                        # NumPy's own limits: "lam value too large"
        raise ValueError(f"eta: expected numbers to draw from, got up to {eta.max():.3g}: {error}") from error


def outcomes(family, x, name="x"):
    """Check outcomes: as float64, refused where the family cannot have drawn them."""
    _checked_family(family)
    x = checks.array(name, x)
    if isinstance(family, Binomial) and np.shape(family.trials) not in ((), x.shape):
        raise ValueError(f"family.trials: expected one number or shape {x.shape}, got {np.shape(family.trials)}")
    wrong = ~family.possible(x)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{name}: expected {family.outcomes}, got {x[where]} at index {where}")
    return x


class Bernoulli:
    """A coin: x is 1 with probability p, eta = log(p / (1 - p)), A = log(1 + e^eta).

    A proportion between 0 and 1 is welcome as an outcome too, weighted by how many coins it is made of.
    """

    kind, outcomes, fixed, bounds = "bernoulli", "numbers from 0 to 1", True, (0.0, 1.0)

    def log_partition(self, eta):
        return np.logaddexp(0, eta)

    def mean(self, eta):
        return expit(eta)

    def curvature(self, eta):
        """A'' = p (1 - p) = e / (1 + e)^2, where e = e^-|eta| cannot overflow, and nothing is subtracted."""
        e = np.exp(-np.abs(eta))
        return e / (1 + e) ** 2

    def variance(self, mean):
        return mean * (1 - mean)

    def natural(self, mean):
        return np.log(mean) - np.log1p(-mean)

    def half_deviance(self, x, eta):
        """-log p(x; eta) less its lowest value: x log(1 + e^-eta) + (1 - x) log(1 + e^eta) less the entropy of x."""
        # log(1 + e^-eta) is the excess below, and -eta besides where eta < 0; so too with the other sign.
        surprise = np.log1p(np.exp(-np.abs(eta))) + np.where(np.greater(eta, 0), (1 - x) * eta, -x * eta)
        return surprise + self.log_peak(x, 1.0)

    def log_peak(self, x, dispersion):
        whole = (np.equal(x, 0) | np.equal(x, 1)).all()
        return np.zeros(np.shape(x)) if whole else xlogy(x, x) + xlog1py(1 - x, -x)

    def possible(self, x):
        return (x >= 0) & (x <= 1)

    def interior(self, x):
        return (x + 0.5) / 2

    def draw(self, eta, dispersion, rng):
        return rng.random(np.shape(eta)) < expit(eta)


class Binomial(NamedTuple):
    """The number of heads among n tosses: A = n log(1 + e^eta).

    trials : int or ndarray of int, n, one number or one for each outcome
    """

    trials: Any
    kind, outcomes, fixed = "bernoulli", "numbers from 0 to the number of trials", True

    @property
    def bounds(self):
        return 0.0, np.asarray(self.trials, float)

    def log_partition(self, eta):
        return self.trials * np.logaddexp(0, eta)

    def mean(self, eta):
        return self.trials * expit(eta)

    def curvature(self, eta):
        return self.trials * Bernoulli().curvature(eta)

    def variance(self, mean):
        return mean * (1 - mean / self.trials)

    def natural(self, mean):
        return np.log(mean) - np.log(self.trials - mean)

    def half_deviance(self, x, eta):
        return self.trials * Bernoulli().half_deviance(x / self.trials, eta)

    def log_peak(self, x, dispersion):
        n, p = self.trials, x / self.trials
        choose = gammaln(n + 1.0) - gammaln(x + 1) - gammaln(n - x + 1)
        return choose + n * Bernoulli().log_peak(p, dispersion)

    def possible(self, x):
        return (x >= 0) & (x <= self.trials)

    def interior(self, x):
        """A proportion, because the links of coins take proportions."""
        return (x + 0.5) / (self.trials + 1)

    def draw(self, eta, dispersion, rng):
        return rng.binomial(self.trials, expit(eta))


class Poisson:
    """A count: eta = log mean, A = e^eta; its variance is its mean."""

    kind, outcomes, fixed, bounds = "poisson", "numbers that are not negative", True, (0.0, np.inf)

    def log_partition(self, eta):
        return np.exp(eta)

    mean = curvature = log_partition                        # e^eta is its own derivative

    def variance(self, mean):
        return mean

    def natural(self, mean):
        return np.log(mean)

    def half_deviance(self, x, eta):
        return xlogy(x, x) - x * eta - x + np.exp(eta)

    def log_peak(self, x, dispersion):
        return xlogy(x, x) - x - gammaln(x + 1)

    def possible(self, x):
        return x >= 0

    def interior(self, x):
        return x + 0.1

    def draw(self, eta, dispersion, rng):
        return rng.poisson(np.exp(eta))


class Gaussian:
    """A normal variable of variance phi: eta is the mean, A = eta^2 / 2."""

    kind, outcomes, fixed, bounds = "gaussian", "real numbers", False, (-np.inf, np.inf)

    def log_partition(self, eta):
        return np.square(eta) / 2

    def mean(self, eta):
        return np.asarray(eta, float)

    def curvature(self, eta):
        return np.ones(np.shape(eta))

    def variance(self, mean):
        return np.ones(np.shape(mean))

    def natural(self, mean):
        return np.asarray(mean, float)

    def half_deviance(self, x, eta):
        return np.square(x - eta) / 2

    def log_peak(self, x, dispersion):
        return np.zeros_like(x) - np.log(TAU * dispersion) / 2

    def possible(self, x):
        return np.isfinite(x)

    def interior(self, x):
        return x

    def draw(self, eta, dispersion, rng):
        return rng.normal(eta, np.sqrt(dispersion))


class Gamma:
    """A positive number of shape 1 / phi: eta = -1 / mean, A = -log(-eta); its variance is phi mean^2."""

    kind, outcomes, fixed, bounds = "gamma", "numbers above 0", False, (0.0, np.inf)

    def log_partition(self, eta):
        return -np.log(-eta)

    def mean(self, eta):
        return -1 / eta

    def curvature(self, eta):
        return 1 / np.square(eta)

    def variance(self, mean):
        return np.square(mean)

    def natural(self, mean):
        return -1 / mean

    def half_deviance(self, x, eta):
        ratio = -x * eta                                    # x / mean
        return ratio - 1 - np.log(ratio)

    def log_peak(self, x, dispersion):
        shape = 1 / dispersion
        return shape * np.log(shape) - shape - gammaln(shape) - np.log(x)

    def possible(self, x):
        return x > 0

    def interior(self, x):
        return x

    def draw(self, eta, dispersion, rng):
        return rng.gamma(1 / dispersion, -dispersion / eta)


def _checked_family(family):
    if isinstance(family, type) or not hasattr(family, "half_deviance"):
        raise TypeError(f"family: expected an object such as Poisson(), got {family!r}")


def _natural(family, eta):
    """A natural parameter for which the family has a normalizer."""
    _checked_family(family)
    eta = checks.array("eta", eta)
    if family.kind == "gamma" and (eta >= 0).any():
        raise ValueError(f"eta: expected numbers below 0, which are -1 / mean, got {eta.max()}")
    return eta


def _dispersion(family, dispersion):
    dispersion = checks.number("dispersion", dispersion, above=0)
    if family.fixed and dispersion != 1:
        raise ValueError(f"dispersion: expected 1 for a {type(family).__name__} variable, got {dispersion}")
    return dispersion
