"""What a chain leaves behind: a step, a stretch of steps, and the loop that collects it."""

from typing import Any, NamedTuple

import numpy as np

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


def collect(events, n, burn_in=0, every=1):
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
