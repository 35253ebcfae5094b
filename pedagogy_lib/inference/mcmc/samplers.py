"""The samplers: each a stream that yields a `Step` for ever.

In all functions ``log_density`` is a function of a vector, right up to a constant and minus infinity where the density
is zero; ``gradient`` returns its derivative, shape (D,); ``start`` is array_like of shape (D,), of positive density;
and ``rng`` is a numpy.random.Generator. What they return is checked by `_targets`, with the iteration in the message.

`leapfrog` is a building block, and trusts its arguments, which its callers have checked.

References
----------
N. Metropolis et al. (1953); W.K. Hastings (1970); S. and D. Geman (1984), Gibbs sampling;
G.O. Roberts and R.L. Tweedie (1996), Langevin; S. Duane et al. (1987) and R.M. Neal (2011), Hamiltonian.
"""

from itertools import count

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference.mcmc._targets import begin, checked_masses, height_at, proposed, slope_at
from pedagogy_lib.inference.mcmc.chains import Step


def metropolis_hastings(log_density, propose, start, rng):
    """Propose, and accept with probability min(1, p(x') q(x|x') / p(x) q(x'|x)).

    Parameters
    ----------
    log_density, start, rng
    propose : callable
        Of (state, rng). Returns a proposal x' and log q(x|x') - log q(x'|x), which is 0 for a
        symmetric proposal. `random_walk` and `independent` make two.

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
    state, height = begin(log_density, start)
    for iteration in count():
        proposal, correction = proposed(propose, state, rng, iteration)
        there = height_at(log_density, proposal, iteration)
        log_ratio = there - height + correction
        accepted = bool(np.log(rng.random()) < log_ratio)
        if accepted:
            state, height = proposal, there
        yield Step(iteration, state, height, proposal, log_ratio, accepted)


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
    start, rng
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
    log_density, gradient, start, rng
    size : float
        h, the size of a step.
    adjusted : bool
        Without it every proposal is taken, and the chain samples from a blurred density.

    Yields
    ------
    Step
    """
    size, rng = checks.number("size", size, above=0), checks.generator("rng", rng)
    state, height = begin(log_density, start)
    slope = slope_at(gradient, state, 0)
    for iteration in count():
        noise = rng.standard_normal(len(state))
        proposal = state + size**2 / 2 * slope + size * noise
        there, slope_there = height_at(log_density, proposal, iteration), slope_at(gradient, proposal, iteration)
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
    log_density, gradient, start, rng
    size : float
        Of one leapfrog step.
    steps : int
        Leapfrog steps in one glide.
    masses : float or array_like of shape (D,)
        The diagonal of M. Give directions in which the density is narrow a large mass.

    Yields
    ------
    Step
    """
    size, steps = checks.number("size", size, above=0), checks.count("steps", steps)
    rng, gradient = checks.generator("rng", rng), checks.function("gradient", gradient)
    state, height = begin(log_density, start)
    masses = checked_masses(masses, state)
    for iteration in count():
        v = np.sqrt(masses) * rng.standard_normal(len(state))
        *_, (proposal, w) = leapfrog(gradient, state, v, size, steps, masses)
        # A glide that has diverged ends nowhere: it is refused. One that could not begin is an error.
        there = -np.inf
        if np.isfinite(proposal).all():
            there = height_at(log_density, proposal, iteration)
        else:
            slope_at(gradient, state, iteration)
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
    gradient
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
