"""From noise back to data: the reverse of a diffusion, one level at a time, with any denoiser.

A denoiser is a function ``denoise(x, level)`` that answers an estimate of the data, shape (N, D), for noisy
rows x: the closed form of `distributions.noised_mixture`, or a network. Each step guesses the datum, and then
draws from the recognition model's own way back to the next level, as if the guess were the datum (Eq. 8.38).

References
----------
Section 8.3.1. J. Ho, A. Jain and P. Abbeel (2020); J. Song, C. Meng and S. Ermon (2021).
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions import noising
from pedagogy_lib.distributions.gaussian import AffineGaussian


class Step(NamedTuple):
    """All states have gone down one level.

    iteration : int, from 0
    time : float, the schedule's u
    level : noising.Level, where the states are now
    state : ndarray, shape (N, D)
    guess : ndarray, shape (N, D), the data as the denoiser saw them from the level before
    """

    iteration: int
    time: float
    level: Any
    state: Any
    guess: Any


def reverse(denoise, schedule, start, steps, rng, noise=1.0):
    """Go from level 1 to level 0 of a schedule in equal steps of time.

    Parameters
    ----------
    denoise : callable
        Of (x, level), as above.
    schedule : noising.Schedule
    start : array_like, shape (N, D)
        The states at time 1, from the generative prior.
    steps : int
    rng : numpy.random.Generator
    noise : float, from 0 to 1
        1 is *ancestral* sampling, each step with the deviation of Eq. 8.38. 0 is *deterministic* (DDIM): the
        noise that is in x stays in x, so that each start has one end. Between them, a part of it is drawn anew.

    Yields
    ------
    Step
    """
    checks.function("denoise", denoise)
    noising.check("schedule", schedule)
    x, rng = checks.array("start", start, ("N", "D")), checks.generator("rng", rng)
    steps, noise = checks.count("steps", steps), checks.number("noise", noise, at_least=0)
    if noise > 1:
        raise ValueError(f"noise: expected a number from 0 to 1, got {noise:g}")
    return _down(denoise, schedule, x, steps, rng, noise)


def _down(denoise, schedule, x, steps, rng, noise):
    """The steps themselves: Eq. 8.38 with a guess in the place of the datum."""
    times = np.linspace(1, 0, steps + 1)
    later = schedule.level(1.0)
    for iteration, u in enumerate(times[1:]):
        earlier = schedule.level(u)
        guess = _checked(denoise(x, later), x, iteration)
        fresh = noise * noising.reversal(earlier, later).deviation
        # What of the earlier level's noise is not drawn afresh points where the noise in x points.
        old = (x - later.signal * guess) / later.deviation
        x = earlier.signal * guess + np.sqrt(earlier.deviation**2 - fresh**2) * old
        if noise:
            x = x + fresh * rng.standard_normal(x.shape)
        yield Step(iteration, float(u), earlier, x, guess)
        later = earlier


def sample(denoise, schedule, start, steps, rng, noise=1.0):
    """Where `reverse` ends; arguments as there.

    Returns
    -------
    ndarray, shape (N, D)
        Data: the last state, in the units of the data. They keep the noise of the schedule's last level, a
        variance of (deviation / signal)^2, which shows where the data vary less than that.
    """
    for step in reverse(denoise, schedule, start, steps, rng, noise):  # noqa: B007
        pass
    return step.state / step.level.signal


def spread(denoise, x, level, largest=np.inf):
    """How unsure the guess is: Cov[y|x] for each row, by Tweedie's second formula, v^2 / a times dm/dx.

    A network's slope is not quite a covariance: it is made symmetric, and what is negative is set to zero.
    On average over x the spread is no larger than the variance of the data, so that a network which says much
    more of some x is mistaken there: ``largest`` says where to stop believing it.

    Parameters
    ----------
    denoise : callable
        Of (x, level).
    x : ndarray, shape (N, D)
    level : noising.Level
    largest : float
        The largest variance that is believed, in any direction.

    Returns
    -------
    ndarray, shape (N, D, D)

    References
    ----------
    The first formula is Eq. 8.47. B. Efron (2011), "Tweedie's formula and selection bias".
    """
    largest = _checked_largest(largest)
    checks.function("denoise", denoise)
    checks.having("level", level, "signal", "deviation")
    x, h = checks.array("x", x, ("N", "D")), 1e-3 * level.deviation
    steps = h * np.eye(x.shape[1])
    slopes = np.stack([(denoise(x + step, level) - denoise(x - step, level)) / (2 * h) for step in steps], -1)
    V = level.deviation**2 / level.signal * slopes
    values, vectors = np.linalg.eigh(0.5 * (V + V.transpose(0, 2, 1)))
    return (vectors * np.clip(values, 0, largest)[:, None]) @ vectors.transpose(0, 2, 1)


def guided(denoise, emission, y, largest=np.inf):
    """A denoiser that has also seen observations: a Kalman update inside each guess.

    Given x, the datum is taken for Gaussian about the guess, with the covariance of `spread`. Then an observation
    through an affine-Gaussian emission updates it as in section 2.2.2. For Gaussian data this is exact, and the
    reverse diffusion ends in the posterior; elsewhere it is an approximation that is good at small noise.

    Parameters
    ----------
    denoise : callable
        Of (x, level).
    emission : AffineGaussian
        Of L numbers, given the D of a datum.
    y : array_like, shape (L,), or (N, L) with an observation for each row of the states
    largest : float
        As for `spread`.

    Returns
    -------
    callable
        Of (x, level), as `reverse` takes it.

    References
    ----------
    Eqs. 2.46-2.47. H. Chung et al. (2023), "Diffusion posterior sampling"; F. Rozet and G. Louppe (2023),
    "Score-based data assimilation".
    """
    checks.function("denoise", denoise)
    _checked_largest(largest)
    if not isinstance(emission, AffineGaussian):
        raise TypeError(f"emission: expected an AffineGaussian, got {type(emission).__name__}")
    H, R = checks.array("emission.matrix", emission.matrix, ("L", "D")), emission.covariance
    R = checks.array("emission.covariance", R, (len(H), len(H)))
    offset = checks.array("emission.offset", emission.offset, (len(H),))
    y = checks.array("y", y)
    if y.ndim not in (1, 2) or y.shape[-1] != len(H):
        raise ValueError(f"y: expected shape ({len(H)},) or (N, {len(H)}), got {y.shape}")

    def informed(x, level):
        m, V = denoise(x, level), spread(denoise, x, level, largest)
        gain = np.linalg.solve(H @ V @ H.T + R, H @ V).transpose(0, 2, 1)              # V H' (H V H' + R)^-1
        return m + np.einsum("ndl,nl->nd", gain, y - m @ H.T - offset)

    return informed


def _checked_largest(largest):
    """A variance above 0, or infinity."""
    return largest if isinstance(largest, float) and largest == np.inf else checks.number("largest", largest, above=0)


def _checked(guess, x, iteration):
    """The denoiser's answer, if it is one."""
    guess = np.asarray(guess)
    if guess.shape != x.shape or not np.isfinite(guess).all():
        came = f"shape {guess.shape}" if guess.shape != x.shape else f"{guess[~np.isfinite(guess)][0]}"
        raise ValueError(
            f"denoise: expected finite estimates of shape {x.shape} at iteration {iteration}, got {came}"
        )
    return guess
