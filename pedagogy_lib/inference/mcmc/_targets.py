"""What a sampler asks of the functions that it is handed: numbers, places and slopes, checked at every step."""

import numpy as np

from pedagogy_lib import checks


def begin(log_density, start):
    """The start, and the log density there."""
    checks.function("log_density", log_density)
    state = checks.array("start", start, ("D",))
    height = float(log_density(state))
    if not np.isfinite(height):
        raise ValueError(f"start: expected a place of positive density, got log density {height}")
    return state, height


def height_at(log_density, proposal, iteration):
    """The log density of a proposal: any number below infinity."""
    height = float(log_density(proposal))
    if np.isnan(height) or height == np.inf:
        raise ValueError(f"log_density: expected a number below infinity, got {height} at iteration {iteration}")
    return height


def slope_at(gradient, state, iteration):
    """The gradient at a state: as many finite numbers as the state has."""
    checks.function("gradient", gradient)
    slope = np.asarray(gradient(state), float)
    if slope.shape != state.shape or not np.isfinite(slope).all():
        raise ValueError(
            f"gradient: expected {len(state)} finite numbers, got "
            f"{'others' if slope.shape == state.shape else f'shape {slope.shape}'} at iteration {iteration}"
        )
    return slope


def proposed(propose, state, rng, iteration):
    """What `propose` returns, once it is a place like the state and a number."""
    checks.function("propose", propose)
    proposal, correction = propose(state, rng)
    if np.shape(proposal) != state.shape or np.isnan(correction):
        got = "a correction that is no number" if np.isnan(correction) else f"shape {np.shape(proposal)}"
        raise ValueError(f"propose: expected a proposal of shape {state.shape}, got {got} at iteration {iteration}")
    return proposal, correction


def checked_masses(masses, state):
    """One mass above zero for each number of the state."""
    given = checks.array("masses", masses)
    if given.shape not in ((), state.shape) or (given <= 0).any():
        raise ValueError(f"masses: expected numbers above 0, one or {len(state)} of them, got {masses}")
    return np.broadcast_to(given, state.shape)
