"""Generalized linear models, fitted by iteratively reweighted least squares (IRLS).

The output x_n is drawn from a family of one natural parameter and a dispersion phi
(`pedagogy_lib.distributions.exponential_family.dispersion`), and a linear predictor sets that parameter:

    s_n = d'y_n + d_0 + offset_n,   eta_n = eta(s_n),   E[x_n] = mean_n = A'(eta_n),   Var[x_n] = phi A''(eta_n) / w_n.

``y`` is (N, M) and ``x`` is (N,). The link is canonical if eta(s) = s. Columns are centered and scaled in `_design`,
because neither units nor zeros of the inputs may matter; steps are shortened in `scoring`; likelihoods without a
maximum are recognized in `separation`.

References
----------
Section 5.1.2, Eqs. 5.12-5.14.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family import dispersion as families
from pedagogy_lib.learning.regression import links, separation
from pedagogy_lib.learning.regression._design import standardized
from pedagogy_lib.learning.regression.scoring import scoring

#: A fit has arrived when a step would lower the loss by less than this, in units of the noise.
ARRIVED = 1e-20
#: Newton's steps square what is left, so that after a step which promised so little nothing is.
ARRIVED_BY_NEWTON = 1e-11
#: And no linear predictor moves by more than this part.
STILL = 1e-5
#: Where the information is as nearly singular as this, the fit stands at the edge of what the link allows.
SINGULAR = 1e15
#: After so many steps without arriving, one asks whether there is anywhere to arrive.
SUSPECT = 12


class Event(NamedTuple):
    """One step of IRLS, in the units of the inputs.

    coefficients : ndarray, shape (M,), the textbook's d, after the step
    intercept : float
    loss : float, half the deviance, with half the penalty
    decrement : float, what the step promised: twice the fall of a quadratic loss
    halvings : int, how often the step was halved before the loss fell
    working_outputs : ndarray, shape (N,), the outputs of the least-squares problem that the step solved
    working_weights : ndarray, shape (N,), its weights
    motion : float, the largest change of a linear predictor, in parts of the largest predictor or of 1
    """

    coefficients: np.ndarray
    intercept: float
    loss: float
    decrement: float
    halvings: int
    working_outputs: np.ndarray
    working_weights: np.ndarray
    motion: float


class Fit(NamedTuple):
    """A fitted model.

    coefficients : ndarray, shape (M,)
    intercept : float, 0 where there is none
    covariance : ndarray, shape (M + 1, M + 1), of the coefficients and, last, the intercept
    dispersion : float, NaN where it was to be estimated and no samples are left over for it
    deviance : float, twice the loss of log likelihood against a model with a parameter for each sample, times phi
    pearson : float, the sum of squared residuals, each over its variance but for phi
    degrees : int, samples of positive weight less coefficients
    steps : int
    family : the family of the outputs
    link : str
    estimated : bool, whether the dispersion was estimated
    """

    coefficients: np.ndarray
    intercept: float
    covariance: np.ndarray
    dispersion: float
    deviance: float
    pearson: float
    degrees: int
    steps: int
    family: Any
    link: str
    estimated: bool

    @property
    def standard_errors(self):
        """Of the coefficients and, last, the intercept: shape (M + 1,)."""
        return np.sqrt(np.diag(self.covariance))


class Test(NamedTuple):
    """A statistic, how it would be distributed without an effect (as words), and how often it would be as large."""

    __test__ = False                                        # no test of pytest's

    statistic: Any
    reference: str
    p_value: Any


class _Problem:
    """The loss of a generalized linear model, its score, and its Fisher information."""

    def __init__(self, z, x, family, link, offsets, weights, precision):
        self.z, self.x, self.family, self.link = z, x, family, link
        self.offsets, self.weights, self.precision = offsets, weights, precision
        self.rooted = np.empty_like(z)                      # kept, because to allocate it takes as long as to fill it

    def predictor(self, beta):
        return self.z @ beta + self.offsets

    def loss(self, beta):
        eta = self.link.natural(self.predictor(beta))
        return self.weights @ self.family.half_deviance(self.x, eta) + beta @ self.precision @ beta / 2

    def moments(self, beta):
        """Residual x - mean, variance A'', and slope deta/ds, of each sample."""
        s = self.predictor(beta)
        eta = self.link.natural(s)
        residual = self.x - self.family.mean(eta)
        return residual, self.family.curvature(eta), self.link.slope(s)

    def score_and_information(self, beta):
        residual, variance, slope = self.moments(beta)
        score = self.z.T @ (self.weights * slope * residual)  # Eq. 5.13, and deta/ds
        root = np.sqrt(self.weights) * self.root_of_information(beta, variance, slope)
        rooted = np.multiply(root[:, None], self.z, out=self.rooted)
        # deta/ds A'' deta/ds is the Fisher information of s (section B.2);
        # for a canonical link it is the second derivative.
        return score - self.precision @ beta, rooted.T @ rooted + self.precision

    def root_of_information(self, beta, variance, slope):
        return np.sqrt(variance) * np.abs(slope)


class _Convex(_Problem):
    """A loss that is convex although its link is not canonical, so that Newton's method may take over."""

    def root_of_information(self, beta, variance, slope):
        s = self.predictor(beta)                            # at its mean an outcome bends the loss as on average
        return np.sqrt(self.link.convex(self.family.mean(self.link.natural(s)), s))

    def hessian(self, beta):
        s = self.predictor(beta)
        curvature = self.link.convex(self.x, s)
        return (self.z * (self.weights * curvature)[:, None]).T @ self.z + self.precision


def iterate(y, x, family, link=None, intercept=True, offsets=None, weights=None, penalty=0.0, start=None):
    """Yield one `Event` for each step of IRLS, without end.

    Parameters
    ----------
    y : array_like, shape (N, M)
        Inputs, a sample in each row.
    x : array_like, shape (N,)
        Outputs.
    family : Bernoulli, Binomial, Poisson, Gaussian or Gamma
        Of `pedagogy_lib.distributions.exponential_family.dispersion`.
    link : str, optional
        By its name in `links.LINKS`; the canonical one if there is none.
    intercept : bool
    offsets : array_like, shape (N,), optional
        Known parts of the linear predictors, such as the logarithm of how long each count was taken.
    weights : array_like, shape (N,), optional
        Not below 0: the variance of sample n is divided by weight n. A sample of weight 0 is left out.
    penalty : float
        Adds penalty |d|^2 / 2 to the loss; the intercept is not penalized.
    start : array_like, shape (M + 1,), optional
        Coefficients and, last, the intercept. Without it: no effect of any input.

    Raises
    ------
    ValueError
        Also its kind `RankError`, if some inputs are combinations of others and there is no penalty.

    References
    ----------
    Eq. 5.14.
    """
    problem, back, beta = _begin(y, x, family, link, intercept, offsets, weights, penalty, start)
    with np.errstate(all="ignore"):
        steps = scoring(problem, beta)
    while True:
        with np.errstate(all="ignore"):                     # a step that is too long may overflow, and is halved
            step = next(steps)
            residual, variance, slope = problem.moments(step.beta - step.change)
            s = problem.predictor(step.beta)
            motion = problem.z @ step.change
            yield Event(
                *_apart(back @ step.beta, intercept), step.loss, step.decrement, step.halvings,
                working_outputs=s - motion - problem.offsets + residual / (variance * slope),     # Eq. 5.14, last line
                working_weights=problem.weights * variance * slope**2,
                motion=float(np.abs(motion).max() / max(1.0, np.abs(s).max())),
            )


def fit(
    y, x, family, link=None, intercept=True, offsets=None, weights=None, penalty=0.0, start=None,
    dispersion=None, steps=200,
):
    """Fit a generalized linear model: run `iterate` until its steps change nothing.

    Parameters
    ----------
    y, x, family, link, intercept, offsets, weights, penalty, start
        As for `iterate`.
    dispersion : {None, "estimated"} or float
        Without it 1 for coins and counts, and estimated by Pearson's statistic for the others. For
        coins and counts "estimated" widens the standard errors by as much as the outputs vary too much.
    steps : int
        How many at most.

    Returns
    -------
    Fit

    Raises
    ------
    SeparationError
        If the likelihood has no maximum, because the inputs separate the outputs. It is a `ValueError`.
    RankError
        If some inputs are combinations of others. It is a `ValueError`.
    """
    _check_dispersion(dispersion)
    problem, back, beta = _begin(y, x, family, link, intercept, offsets, weights, penalty, start)
    degrees, canonical = len(problem.x) - len(beta), problem.link is links.named(family, None)
    with np.errstate(all="ignore"):
        for number, step in enumerate(scoring(problem, beta), 1):
            noise = 1.0 if family.fixed else step.loss / max(degrees, 1)
            s, motion = problem.predictor(step.beta), np.abs(problem.z @ step.change).max()
            small = step.decrement <= (ARRIVED_BY_NEWTON if canonical else ARRIVED) * noise
            if motion <= STILL * max(1.0, np.abs(s).max()) and (small or _lost(step, motion, s, noise)):
                break
            if number == SUSPECT or small:
                _refuse_separation(problem, back, intercept, penalty)
            if number == checks.count("steps", steps) or step.halvings > 30:
                _refuse_edge(problem, s, number)
        return _finish(problem, back, step.beta, intercept, number, degrees, dispersion)


def _lost(step, motion, s, noise):
    """Whether a step is lost in the rounding of the predictors, as when a fit is perfect."""
    return motion <= 1e-12 * np.abs(s).max() and (step.decrement <= 1e-10 * noise or step.halvings <= 30)


def predict(fit, y, offsets=None):
    """The mean output at each input, shape (N,); for coins, also many of them, the probability of a head."""
    _checked_fit("fit", fit)
    y = checks.observations("y", y, len(fit.coefficients))
    offsets = np.zeros(len(y)) if offsets is None else checks.array("offsets", offsets, (len(y),))
    family = families.Bernoulli() if fit.family.kind == "bernoulli" else fit.family
    s = y @ fit.coefficients + fit.intercept + offsets
    with np.errstate(all="ignore"):
        mean = family.mean(links.named(family, fit.link).natural(s))
    if np.isnan(mean).any():
        raise ValueError(f"y: expected inputs whose predictor the link {fit.link!r} allows, got {s.min():.3g}")
    return mean


def wald(fit):
    """Each coefficient (the intercept last) over its standard error; normal, or Student's t where phi was estimated."""
    _checked_fit("fit", fit)
    statistic = np.append(fit.coefficients, fit.intercept) / fit.standard_errors
    if fit.estimated:
        return Test(statistic, f"t with {fit.degrees}", 2 * stats.t.sf(np.abs(statistic), fit.degrees))
    return Test(statistic, "standard normal", 2 * stats.norm.sf(np.abs(statistic)))


def likelihood_ratio(small, large):
    """Whether a model explains more than one nested in it: the fall of the deviance, of two fits to the same data.

    Chi-squared where the dispersion is known, F where it was estimated, from the larger model.
    """
    _checked_fit("small", small)
    _checked_fit("large", large)
    more, fall = small.degrees - large.degrees, small.deviance - large.deviance
    if more <= 0 or (small.link, type(small.family)) != (large.link, type(large.family)):
        raise ValueError("small: expected a model nested in the large one, with fewer coefficients and the same link")
    if large.estimated:
        F = fall / more / large.dispersion
        return Test(F, f"F with {more} and {large.degrees}", stats.f.sf(F, more, large.degrees))
    return Test(fall / large.dispersion, f"chi-squared with {more}", stats.chi2.sf(fall / large.dispersion, more))


def _begin(y, x, family, link, intercept, offsets, weights, penalty, start):
    """Check the arguments, leave out what has no weight, and choose where to begin."""
    x = checks.array("x", x, ("N",))
    if not len(x):
        raise ValueError("x: expected at least one sample, got none")
    y = checks.array("y", y, (len(x), "M"))
    x, link = families.outcomes(family, x), links.named(family, link)
    offsets = np.zeros(len(x)) if offsets is None else checks.array("offsets", offsets, (len(x),))
    weights = np.ones(len(x)) if weights is None else checks.array("weights", weights, (len(x),))
    penalty = checks.number("penalty", penalty, at_least=0)
    if (weights < 0).any() or not weights.any():
        raise ValueError(f"weights: expected none below 0 and one above, got {weights.min()} to {weights.max()}")
    if not intercept and not y.shape[1]:
        raise ValueError("y: expected at least one input, or an intercept, got neither")
    if isinstance(family, families.Binomial):
        trials = np.broadcast_to(checks.array("family.trials", family.trials), x.shape)
        if (trials[weights > 0] <= 0).any():
            raise ValueError("family.trials: expected numbers above 0 (or a weight of 0)")
        family = families.Binomial(trials[weights > 0])
    kept = weights > 0
    if not kept.all():
        y, x, offsets, weights = y[kept], x[kept], offsets[kept], weights[kept]
    design = standardized(y, weights, intercept, check=penalty == 0)
    precision = np.zeros((design.z.shape[1],) * 2)
    if penalty:
        precision[: y.shape[1], : y.shape[1]] = np.diag(penalty / design.scale**2)
    kind = _Problem if link.convex is None else _Convex
    problem = kind(design.z, x, family, link, offsets, weights, precision)
    return problem, design.back, _start(problem, design, intercept, start)


def _start(problem, design, intercept, start):
    """No effect of any input; where the link does not allow that, least squares on the linked outputs."""
    interior = problem.family.interior(problem.x)
    if start is not None:
        given = checks.array("start", start, (len(design.back),))
        beta = np.linalg.lstsq(design.back, given, rcond=None)[0]
        _check_start("start", problem, beta)
        return beta
    with np.errstate(all="ignore"):
        level = float(problem.link.linear(np.average(interior, weights=problem.weights))) - problem.offsets.mean()
        flat = np.append(np.zeros(len(design.back) - 1), level if intercept and np.isfinite(level) else 0.0)
        beta = np.linalg.lstsq(design.back, flat, rcond=None)[0]
        allowed = np.isfinite(problem.loss(beta))
        if allowed and problem.link.convex is None:
            return beta
        linked = problem.link.linear(interior) - problem.offsets
        other = np.linalg.lstsq(problem.z, linked, rcond=None)[0] if np.isfinite(linked).all() else beta
        # Where the logarithms of the outputs spread widely, their mean lies far above most.
        beta = other if not allowed or problem.loss(other) < problem.loss(beta) else beta
    _check_start("link", problem, beta)
    return beta


def _check_start(name, problem, beta):
    with np.errstate(all="ignore"):
        if not np.isfinite(problem.loss(beta)):
            raise ValueError(f"{name}: expected a start that {problem.link.name!r} allows; give another `start`")


def _finish(problem, back, beta, intercept, number, degrees, dispersion):
    residual, variance, _ = problem.moments(beta)
    information = problem.score_and_information(beta)[1]
    pearson = float(problem.weights @ (residual**2 / variance))
    estimated = dispersion == "estimated" or (dispersion is None and not problem.family.fixed)
    phi = (pearson / degrees if degrees > 0 else np.nan) if estimated else float(dispersion or 1.0)
    deviance = 2 * (problem.loss(beta) - beta @ problem.precision @ beta / 2)
    whole = np.isfinite(pearson) and np.isfinite(information).all()
    if not (whole and np.linalg.cond(information) < SINGULAR):
        _refuse_edge(problem, problem.predictor(beta), number)
    covariance = phi * back @ np.linalg.solve(information, back.T)
    return Fit(
        *_apart(back @ beta, intercept), (covariance + covariance.T) / 2, phi, float(deviance), pearson, degrees,
        number, problem.family, problem.link.name, estimated,
    )


def _refuse_edge(problem, s, number):
    raise ValueError(
        f"x: expected outputs whose likelihood has a maximum inside the range of the {problem.link.name!r} link, got "
        f"none after {number} steps; the predictors reach from {s.min():.3g} to {s.max():.3g}"
    )


def _refuse_separation(problem, back, intercept, penalty):
    """Raise if the likelihood rises without end along some direction."""
    if problem.link.name in ("identity", "sqrt", "inverse"):
        return                                              # these have edges where the predictor is finite
    low, high = problem.family.bounds
    lower, upper = problem.x <= low, problem.x >= high
    free = np.arange(problem.z.shape[1]) >= (len(back) - 1 if penalty else 0)      # a penalty holds the others back
    found = separation.separated(problem.z[:, free], lower, upper) if free.any() else None
    if found is None:
        return
    direction = back[:, free] @ found.direction
    if lower.all() or upper.all():
        what = f"only the output {problem.x[0]:g}, one class only"
    else:
        what = f"{'complete' if found.complete else 'quasi-complete'} separation"
    raise separation.SeparationError(
        f"x: expected outputs that no direction of the inputs separates, got {what}: along the coefficients "
        f"{np.array2string(direction[:-1] if not intercept else direction, precision=3)}"
        f"{' (the intercept last)' if intercept else ''} the likelihood rises without end, so that it has no maximum; "
        "leave an input out, or give a penalty above 0",
        separation.Separation(direction, found.complete),
    )


def _apart(both, intercept):
    return both[:-1], float(both[-1]) if intercept else 0.0


def _check_dispersion(dispersion):
    if dispersion is not None and dispersion != "estimated":
        checks.number("dispersion", dispersion, above=0)


def _checked_fit(name, found):
    checks.kind(name, found, Fit)
