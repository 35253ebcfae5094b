"""The linear-Gaussian state-space model: a hidden vector that moves, and is seen through noise.

::

    p(x_1)           = N(mu_1, Sigma_1)
    p(x_t | x_{t-1}) = N(A x_{t-1} + B u_{t-1} + a, Sigma_x)
    p(y_t | x_t)     = N(C x_t + c, Sigma_{y|x})

The chain is the hidden Markov model's; only the distributions are others. Inference is the Kalman
filter and the Rauch-Tung-Striebel (RTS) smoother, in `pedagogy_lib.inference.kalman`.

References
----------
Sections 2.2.2 (inference) and 7.4 (learning).
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.dynamics.integrated_noise import integrated_noise
from pedagogy_lib.inference import kalman
from pedagogy_lib.learning.moments import Moments, regress
from pedagogy_lib.models.dynamical import _lgssm_statistics as _statistics
from pedagogy_lib.models.static import factor_analysis


class Parameters(NamedTuple):
    """What there is to know about a linear-Gaussian state-space model.

    initial : Gaussian, p(x_1), with K dimensions
    transition : AffineGaussian, from K dimensions to K: A, a and Sigma_x
    emission : AffineGaussian, from K dimensions to L: C, c and Sigma_{y|x}
    control : ndarray, shape (K, M), the textbook's B; or None where there are no controls

    A part of the transition with a leading axis of T - 1 changes in time, row t moving x_t to
    x_{t+1}; so does a part of the emission with a leading axis of T.
    """

    initial: Gaussian
    transition: AffineGaussian
    emission: AffineGaussian
    control: np.ndarray | None = None


class Sample(NamedTuple):
    """One sequence from the model.

    states : ndarray, shape (T, K)
    observations : ndarray, shape (T, L)
    """

    states: np.ndarray
    observations: np.ndarray


class Statistics(NamedTuple):
    """All that the M step needs to know: the moments of each arrow's target and its predictors.

    initial : Moments
        Of x_1, which nothing predicts; one for each sequence.
    transition : Moments
        Of x_t, predicted by x_{t-1} and, where there are controls, u_{t-1}; T - 1 for each sequence.
    emission : Moments
        Of y_t, predicted by x_t; one for each time step at which something was observed.
    loss : float
        The marginal cross entropy, -<log p(Y)>, of the parameters that gave the posterior; NaN for
        observed states, which need none. In nats per time step.
    """

    initial: Moments
    transition: Moments
    emission: Moments
    loss: float


class Options(NamedTuple):
    """What may be asked of learning, by ``em.fit(lgssm, params, y, options=lgssm.Options(...))``.

    controls : array_like or list, as y, with T - 1 rows of M; or None
        Known pushes: row t acts on x_t on its way to x_{t+1}.
    offsets : bool
        Whether a and c are learned too. Without, they are zero, as in the textbook.
    method : {"joseph", "covariance", "sqrt"}
        Of `pedagogy_lib.inference.kalman.filter`.
    """

    controls: Any = None
    offsets: bool = True
    method: str = "joseph"


PLAIN = Options()


def start(y, k, rng):
    """Choose where EM begins: a factor analyser for each step, whose factors fade slowly.

    Parameters
    ----------
    y : array_like, shape (T, L) or (B, T, L), or a list of arrays of shape (T_b, L)
        Every column must vary. Rows with a NaN are passed over.
    k : int
        The number of states.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        Each state is a standard normal at every step, 0.9 of its last value and noise.
    """
    rows = np.concatenate([batch.reshape(-1, batch.shape[2]) for batch, _ in _statistics.batches(y, None)])
    found = factor_analysis.start(rows[~np.isnan(rows).any(1)], k, rng)
    return Parameters(
        Gaussian(np.zeros(k), np.eye(k)),
        AffineGaussian(0.9 * np.eye(k), np.zeros(k), (1 - 0.9**2) * np.eye(k)),
        AffineGaussian(found.loadings, found.offset, np.diag(found.noise_variances)),
    )


def local_level(level_variance, observation_variance, initial_mean, initial_variance):
    """A level that wanders at random and is observed through noise: the simplest member.

    Parameters
    ----------
    level_variance : float
        Variance of one step of the level.
    observation_variance : float
        Variance of the noise on each observation.
    initial_mean, initial_variance : float
        Of the level at the first step.

    Returns
    -------
    Parameters
        With one state and one observation.
    """
    mean = checks.number("initial_mean", initial_mean)
    initial = checks.number("initial_variance", initial_variance, at_least=0)
    level = checks.number("level_variance", level_variance, at_least=0)
    noise = checks.number("observation_variance", observation_variance, at_least=0)
    one = np.eye(1)
    return Parameters(
        Gaussian(np.array([mean]), one * initial),
        AffineGaussian(one, np.zeros(1), one * level),
        AffineGaussian(one, np.zeros(1), one * noise),
    )


def constant_velocity(interval, acceleration_variance, observation_variance, initial):
    """A point that moves in the plane with a velocity that drifts; its position is observed.

    The state is (position 1, position 2, velocity 1, velocity 2).

    Parameters
    ----------
    interval : float
        Time between observations, in the unit of time of the velocity.
    acceleration_variance : float
        Spectral density of the white acceleration that makes the velocity drift.
    observation_variance : float
        Variance of each observed coordinate.
    initial : Gaussian
        p(x_1), with four dimensions.

    Returns
    -------
    Parameters
        With four states and two observations.
    """
    density = checks.number("acceleration_variance", acceleration_variance, at_least=0)
    return _tracked(2, interval, density, observation_variance, initial)


def constant_acceleration(interval, jerk_variance, observation_variance, initial):
    """A point that moves in the plane with an acceleration that drifts; its position is observed.

    The state is (position 1, position 2, velocity 1, velocity 2, acceleration 1, acceleration 2).

    Parameters
    ----------
    interval : float
        Time between observations.
    jerk_variance : float
        Spectral density of the white jerk that makes the acceleration drift.
    observation_variance : float
        Variance of each observed coordinate.
    initial : Gaussian
        p(x_1), with six dimensions.

    Returns
    -------
    Parameters
        With six states and two observations.
    """
    density = checks.number("jerk_variance", jerk_variance, at_least=0)
    return _tracked(3, interval, density, observation_variance, initial)


def sample(params, n, rng, controls=None):
    """Draw one sequence of ``n`` steps.

    Parameters
    ----------
    params : Parameters
    n : int
        T, the number of steps.
    rng : numpy.random.Generator
    controls : array_like, shape (T - 1, M), optional
        Row t is u_t, which pushes x_t on its way to x_{t+1}.

    Returns
    -------
    Sample
    """
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    K, L = _checked_shapes(params, n)
    pushes = _pushes(params, controls, n)
    states, observations = np.empty((n, K)), np.empty((n, L))
    for t in range(n):
        if t == 0:
            source = params.initial
        else:
            A, a, covariance = _at(params.transition, t - 1)
            push = 0.0 if pushes is None else pushes[t - 1]
            source = Gaussian(A @ states[t - 1] + a + push, covariance)
        states[t] = gaussian.sample(source, 1, rng)[0]
        C, c, covariance = _at(params.emission, t)
        observations[t] = gaussian.sample(Gaussian(C @ states[t] + c, covariance), 1, rng)[0]
    return Sample(states, observations)


def filter(params, y, controls=None, **options):
    """Infer each state from the observations up to it: p(x_t | y_1 ... y_t), by the Kalman filter.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (T, L) or (B, T, L)
        NaN marks what is missing.
    controls : array_like, shape (T - 1, M) or (B, T - 1, M), optional
    **options
        Of `pedagogy_lib.inference.kalman.filter`.

    Returns
    -------
    pedagogy_lib.inference.kalman.Filtered
    """
    pushes = _pushes(params, controls, np.shape(y)[-2] if np.ndim(y) > 1 else 0)
    return kalman.filter(params.initial, params.transition, params.emission, y, pushes, **options)


def posterior(params, y, controls=None, **options):
    """Infer each state from all of the observations: p(x_t | y_1 ... y_T), by the RTS smoother.

    Parameters
    ----------
    params, y, controls
        As for `filter`.
    **options
        Of `pedagogy_lib.inference.kalman.smooth`.

    Returns
    -------
    pedagogy_lib.inference.kalman.Smoothed
    """
    pushes = _pushes(params, controls, np.shape(y)[-2] if np.ndim(y) > 1 else 0)
    return kalman.smooth(params.initial, params.transition, params.emission, y, pushes, **options)


def log_marginal(params, y, controls=None, **options):
    """Evaluate log p(y_1 ... y_T), what a sequence costs (with the sign turned round).

    Parameters
    ----------
    params, y, controls, **options
        As for `filter`.

    Returns
    -------
    float, or ndarray of shape (B,)
        In nats.

    References
    ----------
    Eq. 2.40.
    """
    return filter(params, y, controls, **options).log_likelihood


def expected_statistics(params, y, options=PLAIN):
    """The E step: run the smoother, and average under its posterior.

    Parameters
    ----------
    params : Parameters
        That do not change in time.
    y : array_like, shape (T, L) or (B, T, L), or a list of arrays of shape (T_b, L)
        One sequence, or several. NaN marks what is missing: a time step at which nothing was
        observed says nothing about the emission; where some entries of y_t were, the others are
        replaced by their conditional expectation.
    options : Options

    Returns
    -------
    Statistics

    Raises
    ------
    ValueError
        If there is no sequence of at least two steps, or nothing was observed.

    References
    ----------
    Section 7.4, "The E step".
    """
    _statistics.refuse_varying(params)
    parts = []
    for batch, u in _statistics.batches(y, options.controls):
        pushes = _pushes(params, u, batch.shape[1])
        model = (params.initial, params.transition, params.emission, batch, pushes)
        filtered = kalman.filter(*model, method=options.method)
        smoothed = kalman.smooth(*model, method=options.method, filtered=filtered)
        loss = -filtered.log_likelihood
        parts.append(_statistics.expected(smoothed, params.emission, batch, u, loss))
    *arrows, steps, loss = _statistics.pooled(parts)
    return Statistics(*arrows, loss=loss / steps)


def observed_statistics(states, y, options=PLAIN):
    """The same statistics for states that are known.

    Parameters
    ----------
    states : array_like, shape (T, K) or (B, T, K), or a list of arrays of shape (T_b, K)
    y, options
        As for `expected_statistics`; of each y_t all entries are observed, or none.

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    found = _statistics.observed(states, y, options.controls)
    *arrows, _, _ = _statistics.pooled(found)
    return Statistics(*arrows, loss=np.nan)


def maximize(statistics, options=PLAIN):
    """The M step: three regressions, each the minimiser of its part of the joint cross entropy.

    Parameters
    ----------
    statistics : Statistics
        From `expected_statistics`, or from `observed_statistics` where the states are known.
    options : Options

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If there are too few time steps, or too little changed in them, to tell the coefficients.

    References
    ----------
    Eq. 7.4.
    """
    K = len(statistics.initial.target_mean)
    _, mean, covariance = regress(statistics.initial, name="statistics.initial")   # mu_1, Sigma_1
    AB, a, Q = regress(statistics.transition, options.offsets, "statistics.transition")
    emission = regress(statistics.emission, options.offsets, "statistics.emission")     # C, c, R
    control = AB[:, K:] if AB.shape[1] > K else None
    return Parameters(
        Gaussian(mean, covariance), AffineGaussian(AB[:, :K], a, Q), emission, control
    )


def _tracked(order, interval, density, observation_variance, initial):
    """Two coordinates, each with so many derivatives, of which the highest is white noise."""
    A, Q = integrated_noise(order, interval)
    both, K = np.eye(2), 2 * order
    checks.having("initial", initial, "mean", "covariance")
    mean = checks.array("initial.mean", initial.mean, (K,))
    covariance = checks.covariance("initial.covariance", initial.covariance, K, definite=False, stack=False)
    observation_variance = checks.number("observation_variance", observation_variance, at_least=0)
    return Parameters(
        Gaussian(mean, covariance),
        AffineGaussian(np.kron(A, both), np.zeros(K), density * np.kron(Q, both)),
        AffineGaussian(np.eye(2, K), np.zeros(2), observation_variance * both),
    )


def _checked_shapes(params, n):
    """K and L, if all parts fit each other and ``n`` steps: nothing is broadcast."""
    K = len(checks.array("params.initial.mean", params.initial.mean, ("K",)))
    checks.covariance("params.initial.covariance", params.initial.covariance, K, definite=False, stack=False)
    L = len(checks.array("params.emission.offset", params.emission.offset).T)
    for arrow, rows, steps in (("transition", K, n - 1), ("emission", L, n)):
        for part, shape in (("matrix", (rows, K)), ("offset", (rows,)), ("covariance", (rows, rows))):
            name = f"params.{arrow}.{part}"
            given = checks.array(name, getattr(getattr(params, arrow), part))
            if given.shape not in (shape, (steps, *shape)):
                raise ValueError(f"{name}: expected shape {shape}, or {(steps, *shape)}, got {given.shape}")
    return K, L


def _at(conditional, t):
    """The matrix, offset and covariance in force at step t; a leading axis means: in time."""
    matrix, offset, covariance = (np.asarray(part, float) for part in conditional)
    return (
        matrix if matrix.ndim == 2 else matrix[t],
        offset if offset.ndim == 1 else offset[t],
        covariance if covariance.ndim == 2 else covariance[t],
    )


def _pushes(params, controls, n):
    """B u_t for every t, or None; a model with controls must be given them, and only such a one."""
    if (controls is None) != (params.control is None):
        raise ValueError(
            "controls: expected controls with a model that has params.control, and none with one that has not, "
            f"got params.control {'missing' if params.control is None else 'given'} and controls "
            f"{'missing' if controls is None else 'given'}"
        )
    if controls is None:
        return None
    B = checks.array("params.control", params.control, (len(params.initial.mean), "M"))
    controls = checks.array("controls", controls)
    if controls.ndim not in (2, 3) or controls.shape[-2:] != (n - 1, B.shape[1]):
        raise ValueError(
            f"controls: expected shape ({n - 1}, {B.shape[1]}), one row for each move, got {controls.shape}"
        )
    return controls @ B.T
