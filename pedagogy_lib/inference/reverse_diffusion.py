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
        Data: the last state, in the units of the data.
    """
    for step in reverse(denoise, schedule, start, steps, rng, noise):  # noqa: B007
        pass
    return step.state / step.level.signal


def _checked(guess, x, iteration):
    """The denoiser's answer, if it is one."""
    guess = np.asarray(guess)
    if guess.shape != x.shape or not np.isfinite(guess).all():
        came = f"shape {guess.shape}" if guess.shape != x.shape else f"{guess[~np.isfinite(guess)][0]}"
        raise ValueError(
            f"denoise: expected finite estimates of shape {x.shape} at iteration {iteration}, got {came}"
        )
    return guess
