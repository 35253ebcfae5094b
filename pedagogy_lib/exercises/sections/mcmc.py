"""Exercises of the chapter on Markov-chain Monte Carlo."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _chains(rng):
    """Proposals that are not symmetric, and targets, for two sizes."""
    return [(rng.dirichlet(np.ones(k), size=k).T, rng.dirichlet(np.full(k, 3.0))) for k in (3, 5)]


def _with_ratio(ratio, stay=True):
    """A transition matrix that accepts with min(1, ratio(proposal, target))."""

    def answer(proposal, target):
        P = proposal * np.minimum(1, ratio(proposal, target))
        np.fill_diagonal(P, 0.0)
        return P + np.diag(1 - P.sum(0)) if stay else P + np.diag(np.diag(proposal))

    return answer


def _hastings(Q, p):
    return p[:, None] * Q.T / (p * Q)


def _normal(precision):
    """A Gaussian with mean zero, log density and gradient."""
    return (lambda x: -0.5 * x @ precision @ x), (lambda x: -precision @ x)


def _quartic(x):
    return -0.25 * (x**4).sum()


def _quartic_slope(x):
    return -(x**3)


def _langevin_cases(rng):
    root = rng.normal(size=(2, 2))
    targets = (_normal(root @ root.T + np.eye(2)), (_quartic, _quartic_slope))
    return [(*target, rng.normal(size=2), rng.normal(size=2), size) for target, size in zip(targets, (0.7, 0.4))]


def _langevin(sign=1, drift=0.5, way_back=None, spread=1.0):
    """The log ratio, or what a slip makes of it."""

    def answer(log_density, gradient, x, proposal, size):
        def log_q(to, start, slope):
            return -0.5 * ((to - start - drift * size**2 * slope) ** 2).sum() / (spread * size**2)

        slope = gradient(x)
        slope_back = gradient(proposal) if way_back is None else way_back(slope)
        correction = log_q(x, proposal, slope_back) - log_q(proposal, x, slope)
        return log_density(proposal) - log_density(x) + sign * correction

    return answer


def _leapfrog_cases(rng):
    _, slope = _normal(np.array([[2.0, 0.3], [0.3, 1.0]]))
    kinds = ((slope, 2, 0.3), (_quartic_slope, 3, 0.2))
    return [(f, rng.normal(size=d), rng.normal(size=d), size) for f, d, size in kinds]


@task("mcmc-a", cases=_chains)
def transition_matrix(proposal, target):
    """With shapes (K, K) and (K,), returning (K, K); columns sum to one."""
    return _with_ratio(_hastings)(proposal, target)


@transition_matrix.mistake(
    "forgot Hastings' correction",
    "You accept with p(i)/p(j). That is right for a symmetric proposal only: multiply by q(j|i)/q(i|j).",
)
def _(*case):
    return _with_ratio(lambda Q, p: p[:, None] / p)(*case)


@transition_matrix.mistake(
    "turned the correction round",
    "The proposal's part of the ratio is upside down. The way back, q(j|i), goes above; the way there below.",
)
def _(*case):
    return _with_ratio(lambda Q, p: p[:, None] * Q / (p * Q.T))(*case)


@transition_matrix.mistake(
    "turned the whole ratio round",
    "Your ratio has the old state above. It should welcome moves to states that are more probable.",
)
def _(*case):
    return _with_ratio(lambda Q, p: p * Q / (p[:, None] * Q.T))(*case)


@transition_matrix.mistake(
    "lost the refused",
    "Your columns do not sum to one. Whoever is refused stays: put what is missing on the diagonal.",
)
def _(*case):
    return _with_ratio(_hastings, stay=False)(*case)


@transition_matrix.mistake(
    "transposed",
    "The numbers are right and the axes are swapped. Column: from. Row: to.",
)
def _(proposal, target):
    return transition_matrix(proposal, target).T


@task("mcmc-b", cases=_langevin_cases, stars=2)
def log_ratio(log_density, gradient, x, proposal, size):
    """Return one number."""
    return _langevin()(log_density, gradient, x, proposal, size)


@log_ratio.mistake(
    "took the proposal for symmetric",
    "This is Metropolis' ratio. The drift makes the proposal asymmetric: add log q(x|x') - log q(x'|x).",
)
def _(*case):
    return _langevin(sign=0)(*case)


@log_ratio.mistake(
    "turned the correction round",
    "The correction has the wrong sign: the way back, log q(x|x'), counts for the move.",
)
def _(*case):
    return _langevin(sign=-1)(*case)


@log_ratio.mistake(
    "went back with the slope of the start",
    "The way back starts at the proposal, so it drifts with the gradient there, not with the one at x.",
)
def _(*case):
    return _langevin(way_back=lambda slope: slope)(*case)


@log_ratio.mistake(
    "drifted by the whole square",
    "The drift is half of h^2 times the gradient; you left out the half.",
)
def _(*case):
    return _langevin(drift=1.0)(*case)


@log_ratio.mistake(
    "left out the half in the exponent",
    "log q is minus one half of the squared distance over h^2: the half is missing.",
)
def _(*case):
    return _langevin(spread=0.5)(*case)


@task("mcmc-c", cases=_leapfrog_cases, stars=2)
def leapfrog_step(gradient, x, v, size):
    """Return the new (x, v)."""
    v = v + size / 2 * gradient(x)
    x = x + size * v
    return x, v + size / 2 * gradient(x)


@leapfrog_step.mistake(
    "moved and kicked at once",
    "This is Euler's method: it takes up energy at every step. Kick by half, move with the *new* momentum, "
    "kick by half again.",
)
def _(gradient, x, v, size):
    return (x + size * v, v + size * gradient(x))


@leapfrog_step.mistake(
    "kicked with the old slope",
    "The second half-kick must use the gradient at the new position. With the old one, the step cannot be retraced.",
)
def _stale(gradient, x, v, size):
    slope = gradient(x)
    v = v + size / 2 * slope
    return x + size * v, v + size / 2 * slope


@leapfrog_step.mistake(
    "kicked twice in full",
    "Each of the two kicks has half the size; yours push twice as hard as the density does.",
)
def _whole_kicks(gradient, x, v, size):
    v = v + size * gradient(x)
    x = x + size * v
    return x, v + size * gradient(x)


@leapfrog_step.mistake(
    "kicked once",
    "One whole kick, then a move: it keeps volume, but is not symmetric in time. Split the kick in two halves.",
)
def _one_kick(gradient, x, v, size):
    v = v + size * gradient(x)
    return x + size * v, v


@leapfrog_step.mistake(
    "went down the density",
    "Your kicks push away from where the density is high. The gradient is that of +log p: add it.",
)
def _(gradient, x, v, size):
    return leapfrog_step(lambda z: -gradient(z), x, v, size)
