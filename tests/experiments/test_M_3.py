"""The experiments of chapters/90-sampling/M.3-hamiltonian.ipynb."""

from itertools import islice

import numpy as np
from experiments import hold

from pedagogy_lib.inference import mcmc

GAINS, J = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), 8
ERRORS = np.array([15.0, 10, 16, 11, 9, 11, 10, 18]) / 10  # ten times as precise


def as_written(q):
    mu, w, theta = q[0], q[1], q[2:]
    schools = -J * w - ((theta - mu) ** 2).sum() / (2 * np.exp(2 * w))
    return -(mu**2) / 800 - np.exp(2 * w) / 450 + w + schools - 0.5 * (((GAINS - theta) / ERRORS) ** 2).sum()


def slope(q):
    mu, w, theta = q[0], q[1], q[2:]
    away, tau_squared = (theta - mu) / np.exp(2 * w), np.exp(2 * w)
    for_w = -tau_squared / 225 + 1 - J + ((theta - mu) * away).sum()
    return np.concatenate([[-mu / 400 + away.sum(), for_w], -away + (GAINS - theta) / ERRORS**2])


def other(q):
    """With theta = mu + tau z."""
    mu, w, z = q[0], q[1], q[2:]
    misses = (GAINS - mu - np.exp(w) * z) / ERRORS
    return -(mu**2) / 800 - np.exp(2 * w) / 450 + w - 0.5 * z @ z - 0.5 * misses @ misses


def other_slope(q):
    mu, tau, z = q[0], np.exp(q[1]), q[2:]
    rest = (GAINS - mu - tau * z) / ERRORS**2
    return np.concatenate([[-mu / 400 + rest.sum(), -(tau**2) / 225 + 1 + tau * (z @ rest)], -z + tau * rest])


def sample(log_density, gradient, start, size, steps, masses, n=2000):
    """The states, and the share of glides that diverge. A glide that has left every sensible place counts as one."""
    inside = lambda q: log_density(q) if (np.abs(q) < 1e4).all() else -np.inf
    tame = lambda q: np.nan_to_num(gradient(q), posinf=1e100, neginf=-1e100)
    with np.errstate(all="ignore"):
        stream = mcmc.hamiltonian(inside, tame, start, size, steps, np.random.default_rng(0), masses=masses)
        events = list(islice(stream, n))
    return np.array([event.state for event in events]), np.mean([event.log_ratio < -20 for event in events])


def test_M_3_d_precise_schools():
    starts = np.r_[8.0, 2.3, GAINS], np.r_[8.0, 2.3, (GAINS - 8) / 10]
    lesson_masses = np.r_[1 / 25, 1, np.full(J, 1 / 36)], np.r_[1 / 25, 1, np.ones(J)]
    _, diverged_written = sample(as_written, slope, starts[0], 0.2, 12, lesson_masses[0], 300)
    _, diverged_other = sample(other, other_slope, starts[1], 0.35, 6, lesson_masses[1], 300)

    def worth(log_density, gradient, first, size, steps):
        """Of 1,000 gradients, with masses of one over the variances of a first run."""
        found, _ = sample(log_density, gradient, first[-1], size, steps, 1 / first[500:].var(0))
        return 1000 * mcmc.effective_sample_size(found[:, 1]) / (steps * len(found))

    first, _ = sample(as_written, slope, starts[0], 0.1, 12, np.r_[1 / 25, 1, np.full(J, 1 / 2)])
    other_first, _ = sample(other, other_slope, starts[1], 0.02, 40, lesson_masses[1])
    hold(
        "M.3-d",
        written=worth(as_written, slope, first, 0.5, 6),
        other=worth(other, other_slope, other_first, 0.1, 12),
        diverged_written=diverged_written,
        diverged_other=diverged_other,
    )
