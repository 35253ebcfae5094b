"""The experiments of chapters/02-directed/2.5b-weak-constraint.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.inference import assimilation
from pedagogy_lib.inference.assimilation import Window, follow, strong, weak

LORENZ = fields.lorenz63()
LAPSE = assimilation.motion(LORENZ, 0.05, 2)


def twin(T, q, rng):
    """The page's: a truth whose model errs with variance q in each step, and the window that sees all of it."""
    x = [steppers.flow(LORENZ, rng.standard_normal(3) + np.array([1.0, 1.0, 20.0]), 0.01, 500)]
    for _ in range(T - 1):
        x.append(LAPSE.move(x[-1]) + np.sqrt(q) * rng.standard_normal(3))
    y = np.array(x) + rng.standard_normal((T, 3))
    known = Gaussian(x[0] + np.sqrt(2.0) * rng.standard_normal(3), 2 * np.eye(3))
    return np.array(x), Window(known, LAPSE, np.eye(3), np.eye(3), y, 0.05 * np.eye(3))


def lengthened(window, first=5, by=5):
    """Strong 4DVar on a growing window, each search from the last's result."""
    start, T = None, len(window.y)
    for end in [*range(first, T, by), T]:
        found = follow(strong(window._replace(y=window.y[:end]), start), 1e-4)
        start = found.states[0]
    return found


def errors(T, q, rng, seeds=8):
    """Root mean square error of the strong and of the weak analysis, averaged over the twins."""
    off = []
    for _ in range(seeds):
        x, window = twin(T, q, rng)
        analyses = lengthened(window), follow(weak(window, window.y), 1e-4)
        off.append([np.sqrt(((found.states - x) ** 2).mean()) for found in analyses])
    return np.mean(off, 0)


def test_2_5b_e_how_long_a_window():
    rng = np.random.default_rng(0)
    (exact_5, _), (exact_40, exact_weak_40) = errors(5, 0.0, rng), errors(40, 0.0, rng)
    (strong_5, _), (strong_10, weak_10), (strong_40, weak_40) = (errors(T, 0.05, rng) for T in (5, 10, 40))
    hold(
        "2.5b-e",
        exact_5=exact_5,
        exact_40=exact_40,
        exact_weak_40=exact_weak_40,
        strong_5=strong_5,
        strong_10=strong_10,
        strong_40=strong_40,
        weak_10=weak_10,
        weak_40=weak_40,
    )
