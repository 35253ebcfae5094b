"""Markov-chain Monte Carlo: samples from a density that is known only up to a constant.

Each method is a stream. It yields a `Step` for ever: where the chain stands, what was proposed and
whether it was taken. `run` collects a stream into a `Chain`. The target is a function
``log_density`` of one vector; constants in it cancel.

    ``metropolis_hastings``   propose anything, accept with a probability that makes it right
    ``gibbs``                 draw one part at a time, given the rest
    ``langevin``              drift uphill and diffuse; adjusted by Metropolis, or not
    ``hamiltonian``           give the state a push and let it glide along the density

What they share is *detailed balance*: p(x) P(x'|x) = p(x') P(x|x'). It makes p stationary: once the
chain is distributed like p, it stays so. `metropolis_matrix` and `imbalance` check it exactly, where
there are few enough states to write the transition matrix down.

`leapfrog` is a building block, and trusts its arguments, which its callers have checked.

References
----------
N. Metropolis et al. (1953); W.K. Hastings (1970); S. and D. Geman (1984), Gibbs sampling;
G.O. Roberts and R.L. Tweedie (1996), Langevin; S. Duane et al. (1987) and R.M. Neal (2011),
Hamiltonian; A. Vehtari et al. (2021), diagnostics.
"""

from itertools import count
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from pedagogy_lib import checks


class Step(NamedTuple):
    """The chain has taken a step.

    iteration : int, from 0
    state : ndarray, shape (D,), where it stands now
    log_density : float, there
    proposal : ndarray, shape (D,), where it was offered to go
    log_ratio : float, the logarithm of the acceptance ratio; at least 0 means: taken for certain
    accepted : bool
    """

    iteration: int
    state: Any
    log_density: float
    proposal: Any
    log_ratio: float
    accepted: bool


class Chain(NamedTuple):
    """A stretch of a chain.

    samples : ndarray, shape (N, D)
    log_densities : ndarray, shape (N,)
    acceptance : float, the share of all steps that were accepted
    """

    samples: np.ndarray
    log_densities: np.ndarray
    acceptance: float


# ------------------------------------------------------------------------------ the methods


def metropolis_hastings(log_density, propose, start, rng):
    """Propose, and accept with probability min(1, p(x') q(x|x') / p(x) q(x'|x)).

    Parameters
    ----------
    log_density : callable
        Of a vector, up to a constant; minus infinity where the density is zero.
    propose : callable
        Of (state, rng). Returns a proposal x' and log q(x|x') - log q(x'|x), which is 0 for a
        symmetric proposal. `random_walk` and `independent` make two.
    start : array_like, shape (D,)
        Of positive density.
    rng : numpy.random.Generator

    Yields
    ------
    Step

    Raises
    ------
    ValueError
        If the density is zero or not a number at the start, or not a number at a proposal; if a
        proposal has another shape than the state, or its correction is not a number.
    """
    rng = checks.generator("rng", rng)
    state, height = _begin(log_density, start)
    for iteration in count():
        proposal, correction = _proposed(propose, state, rng, iteration)
        there = _height(log_density, proposal, iteration)
        log_ratio = there - height + correction
        accepted = bool(np.log(rng.random()) < log_ratio)
        if accepted:
            state, height = proposal, there
        yield Step(iteration, state, height, proposal, log_ratio, accepted)


def _proposed(propose, state, rng, iteration):
    checks.function("propose", propose)
    """What `propose` returns, once it is a place like the state and a number."""
    proposal, correction = propose(state, rng)
    if np.shape(proposal) != state.shape or np.isnan(correction):
        got = "a correction that is no number" if np.isnan(correction) else f"shape {np.shape(proposal)}"
        raise ValueError(f"propose: expected a proposal of shape {state.shape}, got {got} at iteration {iteration}")
    return proposal, correction


def random_walk(scale):
    """A symmetric proposal: the state plus Gaussian noise.

    Parameters
    ----------
    scale : float, or array_like of shape (D,), or a root of a covariance of shape (D, D)

    Returns
    -------
    callable
        For `metropolis_hastings`.
    """
    scale = checks.array("scale", scale)
    if scale.ndim > 2:
        raise ValueError(f"scale: expected a number, or shape (D,) or (D, D), got {scale.shape}")

    def propose(state, rng):
        D = len(state)
        if scale.shape not in ((), (D,), (D, D)):
            raise ValueError(f"scale: expected a number, or shape ({D},) or ({D}, {D}), got {scale.shape}")
        noise = rng.standard_normal(len(state))
        return state + (scale @ noise if scale.ndim == 2 else scale * noise), 0.0

    return propose


def independent(sample, log_density):
    """A proposal that ignores the state.

    Parameters
    ----------
    sample : callable
        Of rng. Returns a vector.
    log_density : callable
        Of a vector: the log density of ``sample``, up to a constant.

    Returns
    -------
    callable
        For `metropolis_hastings`.
    """
    checks.function("sample", sample)
    checks.function("log_density", log_density)

    def propose(state, rng):
        proposal = np.atleast_1d(np.asarray(sample(rng), float))
        return proposal, float(log_density(state) - log_density(proposal))

    return propose


def gibbs(conditionals, start, rng, log_density=None):
    """Draw each part of the state in turn from its distribution given the rest.

    Every draw is a Metropolis-Hastings step whose ratio is exactly one, so none is refused.

    Parameters
    ----------
    conditionals : sequence of (index, callable)
        ``index`` picks the part: a number, a slice or a list of numbers. The callable takes
        (state, rng) and returns a draw of that part given the others.
    start : array_like, shape (D,)
    rng : numpy.random.Generator
    log_density : callable, optional
        Only to report it in the steps.

    Yields
    ------
    Step
        After each part, not after each sweep over all of them.
    """
    state, rng = checks.array("start", start, ("D",)), checks.generator("rng", rng)
    if not checks.several("conditionals", conditionals):
        raise ValueError("conditionals: expected at least one, got none")
    for iteration in count():
        index, draw = conditionals[iteration % len(conditionals)]
        state = state.copy()
        state[index] = draw(state, rng)
        if not np.isfinite(state).all():
            raise ValueError(
                f"conditionals[{iteration % len(conditionals)}]: expected finite draws, got others at "
                f"iteration {iteration}"
            )
        height = np.nan if log_density is None else float(log_density(state))
        yield Step(iteration, state, height, state, 0.0, True)


def langevin(log_density, gradient, start, size, rng, adjusted=True):
    """Drift up the gradient and diffuse: x' = x + h^2/2 grad log p(x) + h noise.

    In continuous time this motion leaves p as it is. In steps it does so only nearly; the
    Metropolis test (``adjusted``) makes it exact.

    Parameters
    ----------
    log_density, gradient : callable
        Of a vector. The gradient has shape (D,).
    start : array_like, shape (D,)
    size : float
        h, the size of a step.
    rng : numpy.random.Generator
    adjusted : bool
        Without it every proposal is taken, and the chain samples from a blurred density.

    Yields
    ------
    Step
    """
    size, rng = checks.number("size", size, above=0), checks.generator("rng", rng)
    state, height = _begin(log_density, start)
    slope = _slope(gradient, state, 0)
    for iteration in count():
        noise = rng.standard_normal(len(state))
        proposal = state + size**2 / 2 * slope + size * noise
        there, slope_there = _height(log_density, proposal, iteration), _slope(gradient, proposal, iteration)
        # The way back starts with the slope over there: log q(x|x') - log q(x'|x).
        back = (state - proposal - size**2 / 2 * slope_there) / size
        log_ratio = there - height + 0.5 * (noise @ noise - back @ back)
        accepted = not adjusted or bool(np.log(rng.random()) < log_ratio)
        if accepted:
            state, height, slope = proposal, there, slope_there
        yield Step(iteration, state, height, proposal, log_ratio, accepted)


def hamiltonian(log_density, gradient, start, size, steps, rng, masses=1.0):
    """Push the state at random, let it glide for a while, accept by the error in its energy.

    With momentum v, the energy -log p(x) + v' M^-1 v / 2 is constant along an exact glide, and a
    glide takes no volume from the space. `leapfrog` keeps the volume exactly and the energy
    nearly; the Metropolis test corrects for what it loses.

    Parameters
    ----------
    log_density, gradient : callable
        Of a vector. The gradient has shape (D,).
    start : array_like, shape (D,)
    size : float
        Of one leapfrog step.
    steps : int
        Leapfrog steps in one glide.
    rng : numpy.random.Generator
    masses : float or array_like of shape (D,)
        The diagonal of M. Give directions in which the density is narrow a large mass.

    Yields
    ------
    Step
    """
    size, steps = checks.number("size", size, above=0), checks.count("steps", steps)
    rng, gradient = checks.generator("rng", rng), checks.function("gradient", gradient)
    state, height = _begin(log_density, start)
    masses = _checked_masses(masses, state)
    for iteration in count():
        v = np.sqrt(masses) * rng.standard_normal(len(state))
        *_, (proposal, w) = leapfrog(gradient, state, v, size, steps, masses)
        # A glide that has diverged ends nowhere: it is refused. One that could not begin is an error.
        there = -np.inf
        if np.isfinite(proposal).all():
            there = _height(log_density, proposal, iteration)
        else:
            _slope(gradient, state, iteration)
        kinetic, kinetic_there = (v**2 / masses).sum() / 2, (w**2 / masses).sum() / 2
        log_ratio = (there - kinetic_there) - (height - kinetic)          # less energy is welcome
        log_ratio = -np.inf if np.isnan(log_ratio) else log_ratio
        accepted = bool(np.log(rng.random()) < log_ratio)
        if accepted:
            state, height = proposal, there
        yield Step(iteration, state, height, proposal, log_ratio, accepted)


def leapfrog(gradient, position, momentum, size, steps, masses=1.0):
    """Glide: half a kick, then moves and whole kicks in turn, then half a kick.

    Parameters
    ----------
    gradient : callable
        Of log p.
    position, momentum : ndarray, shape (D,)
    size : float
    steps : int
    masses : float or ndarray of shape (D,)

    Yields
    ------
    (position, momentum)
        At the start and after each step. Run backwards (with the momentum turned round) it
        retraces its way exactly.
    """
    x, v = np.array(position, float), np.array(momentum, float)
    yield x, v
    slope = np.asarray(gradient(x), float)
    for _ in range(steps):
        v = v + size / 2 * slope                   # half a kick
        x = x + size * v / masses                  # move
        slope = np.asarray(gradient(x), float)
        v = v + size / 2 * slope                   # half a kick
        yield x, v


def run(events, n, burn_in=0, every=1):
    """Collect samples from a stream.

    Parameters
    ----------
    events : iterable of Step
    n : int
        How many samples to keep.
    burn_in : int
        Steps to leave out first.
    every : int
        Keep one of so many steps.

    Returns
    -------
    Chain
    """
    n, burn_in = checks.count("n", n), checks.count("burn_in", burn_in, minimum=0)
    every = checks.count("every", every)
    states, heights, accepted, seen = [], [], 0, 0
    for event in checks.stream("events", events):
        if event.iteration < burn_in:
            continue
        seen, accepted = seen + 1, accepted + event.accepted
        if seen % every == 0:
            states.append(event.state)
            heights.append(event.log_density)
            if len(states) == n:
                break
    if len(states) < n:
        raise ValueError(f"events: expected {burn_in + n * every} steps at least, got {burn_in + seen}")
    return Chain(np.array(states), np.array(heights), accepted / seen)


# ------------------------------------------------------------------- chains with few states


def metropolis_matrix(proposal, target):
    """The transition matrix of Metropolis-Hastings on K states.

    Parameters
    ----------
    proposal : array_like, shape (K, K)
        ``proposal[i, j]`` is q(i|j): columns sum to one.
    target : array_like, shape (K,)
        The distribution to be sampled from, all of it positive.

    Returns
    -------
    ndarray, shape (K, K)
        ``P[i, j]`` is the probability of i after j; its columns sum to one.
    """
    p = checks.probabilities("target", target, ("K",))
    Q = checks.probabilities("proposal", proposal, (len(p), len(p)), axis=0)
    if (p == 0).any():
        raise ValueError(f"target: expected probabilities above 0, got 0 at index {int(p.argmin())}")
    flow = Q * p                                            # p(j) q(i|j)
    P = np.minimum(flow, flow.T) / p                        # q(i|j) min(1, p(i) q(j|i) / p(j) q(i|j))
    np.fill_diagonal(P, 0.0)
    return P + np.diag(np.maximum(1 - P.sum(0), 0.0))       # what was refused stays; never less than none


def imbalance(transition, target):
    """The largest |p(j) P(i|j) - p(i) P(j|i)|: zero if detailed balance holds.

    Parameters
    ----------
    transition : array_like, shape (K, K), columns sum to one
    target : array_like, shape (K,)

    Returns
    -------
    float
    """
    p = checks.probabilities("target", target, ("K",))
    P = checks.probabilities("transition", transition, (len(p), len(p)), axis=0)
    return float(np.abs(P * p - (P * p).T).max())


def stationary(transition):
    """The distribution that a transition matrix leaves as it is.

    Parameters
    ----------
    transition : array_like, shape (K, K), columns sum to one

    Returns
    -------
    ndarray, shape (K,)

    Raises
    ------
    ValueError
        If there are several: some states cannot be reached from some others.
    """
    P = checks.probabilities("transition", transition, axis=0)
    if P.ndim != 2 or P.shape[0] != P.shape[1]:
        raise ValueError(f"transition: expected shape (K, K), got {P.shape}")
    _, singular, rows = np.linalg.svd(P - np.eye(len(P)))
    if len(P) > 1 and singular[-2] < 1e-12:
        raise ValueError("transition: expected one stationary distribution, got several")
    found = np.maximum(rows[-1] / rows[-1].sum(), 0.0)      # rounding may leave a zero below zero
    return found / found.sum()


# ------------------------------------------------------------------------------ diagnostics


def autocorrelation(samples):
    """The correlation of a chain with itself, so many steps later.

    Parameters
    ----------
    samples : array_like, shape (..., N)

    Returns
    -------
    ndarray, shape (..., N)
        For each lag; 1 at lag 0. The covariances are divided by N, whatever the lag.
    """
    samples = checks.array("samples", samples)
    if not samples.ndim or not samples.size:
        raise ValueError(f"samples: expected one at least, got shape {samples.shape}")
    covariances = _autocovariance(_unitless(samples))
    return covariances / covariances[..., :1]


def effective_sample_size(chains, ranked=False):
    """How many independent samples would estimate the mean as well.

    Parameters
    ----------
    chains : array_like, shape (M, N) or (N,)
        One number for each step of M chains. Each is split in two first.
    ranked : bool
        Whether to work on normal scores of the ranks ("bulk" effective sample size): that makes
        sense also where the variance is infinite.

    Returns
    -------
    float

    Notes
    -----
    N M / tau, with the autocorrelation time tau = 1 + 2 sum_t rho_t. The sum ends where the sum of
    two neighbouring terms turns negative, and these pairs are not let rise (Geyer 1992).
    """
    split = _split(chains, ranked)
    M, N = split.shape
    within, pooled = _variances(split)
    if pooled == 0:
        return float(M * N)
    covariances = _autocovariance(split).mean(0)
    rho = 1 - (within - covariances) / pooled
    rho[0] = 1.0
    pairs = rho[: (N - 1) // 2 * 2].reshape(-1, 2).sum(1)
    negative = np.flatnonzero(pairs < 0)
    last = negative[0] if len(negative) else len(pairs) - 1
    tau = -1 + 2 * np.minimum.accumulate(pairs[:last]).sum()
    tau += max(rho[2 * last], 0.0)                          # the first term of the pair left out
    return float(M * N / max(tau, 1 / np.log10(M * N)))


def potential_scale_reduction(chains, ranked=True):
    """Split R-hat: how much wider the chains are together than each half of them alone.

    Parameters
    ----------
    chains : array_like, shape (M, N) or (N,)
    ranked : bool
        Whether to take the larger of R-hat on normal scores of the ranks and on those of the
        distance from the median; or R-hat of the numbers as they are.

    Returns
    -------
    float
        Close to one if all halves agree; above 1.01 they do not yet.
    """
    if not ranked:
        return _reduction(_split(chains, False))
    halves = _split(chains, False)
    folded = np.abs(halves - np.median(halves))
    return max(_reduction(_normal_scores(halves)), _reduction(_normal_scores(folded)))


def _reduction(split):
    within, pooled = _variances(split)
    return float(np.sqrt(pooled / within)) if within > 0 else np.nan


def _variances(split):
    """W, the mean variance within chains, and the estimate that counts the spread of their means."""
    N = split.shape[1]
    within = split.var(1, ddof=1).mean()
    between = split.mean(1).var(ddof=1) if len(split) > 1 else 0.0
    return within, within * (N - 1) / N + between


def _split(chains, ranked):
    """Each chain in two halves, the middle sample of an odd number left out."""
    chains = np.atleast_2d(checks.array("chains", chains))
    if chains.ndim != 2 or chains.shape[1] < 4 or not len(chains):
        raise ValueError(f"chains: expected shape (M, N) with N of at least 4, got {chains.shape}")
    chains = _unitless(chains)
    half = chains.shape[1] // 2
    split = np.concatenate([chains[:, :half], chains[:, -half:]])
    return _normal_scores(split) if ranked else split


def _unitless(x):
    """The same, at most one in size, so that no square overflows. By a power of two: ties between numbers stay ties."""
    return np.ldexp(x, -np.frexp(np.abs(x).max())[1])


def _normal_scores(x):
    """The normal quantiles of the ranks (Blom's scores)."""
    ranks = rankdata(x, method="average").reshape(x.shape)
    return ndtri((ranks - 0.375) / (x.size + 0.25))


def _autocovariance(x):
    """By the fast Fourier transform, padded with zeros so that the ends do not meet."""
    n = x.shape[-1]
    centred = x - x.mean(-1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    return np.fft.irfft(power, 2 * n)[..., :n] / n


# ---------------------------------------------------------------------------------- helpers


def _checked_masses(masses, state):
    given = checks.array("masses", masses)
    if given.shape not in ((), state.shape) or (given <= 0).any():
        raise ValueError(f"masses: expected numbers above 0, one or {len(state)} of them, got {masses}")
    return np.broadcast_to(given, state.shape)


def _begin(log_density, start):
    """The start, and the log density there."""
    checks.function("log_density", log_density)
    state = checks.array("start", start, ("D",))
    height = float(log_density(state))
    if not np.isfinite(height):
        raise ValueError(f"start: expected a place of positive density, got log density {height}")
    return state, height


def _height(log_density, proposal, iteration):
    """The log density of a proposal: any number below infinity."""
    height = float(log_density(proposal))
    if np.isnan(height) or height == np.inf:
        raise ValueError(f"log_density: expected a number below infinity, got {height} at iteration {iteration}")
    return height


def _slope(gradient, state, iteration):
    checks.function("gradient", gradient)
    slope = np.asarray(gradient(state), float)
    if slope.shape != state.shape or not np.isfinite(slope).all():
        raise ValueError(
            f"gradient: expected {len(state)} finite numbers, got "
            f"{'others' if slope.shape == state.shape else f'shape {slope.shape}'} at iteration {iteration}"
        )
    return slope
