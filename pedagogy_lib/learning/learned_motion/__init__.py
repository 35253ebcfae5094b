"""Equations of motion that are learned: their terms, the steps along them, and two ways back.

::

    motion = (Growth(rates), Network.start(2, (12,), rng))
    path = learned_motion.run(motion, first, dt, count)                 # (count + 1, B, K) states
    slopes = learned_motion.pull_back(motion, path, pulls)              # exact for the steps that were taken
    slopes = learned_motion.continuous.pull_back(motion, path.states[-1], pulls, dt)     # the equation's own adjoint

A model that is learned so is `pedagogy_lib.models.dynamical.universal`.

References
----------
`state_estimation_4dvar`, "Universal Differential Equations".
"""

from pedagogy_lib.learning.learned_motion import continuous
from pedagogy_lib.learning.learned_motion.steps import Path, Slopes, pull_back, run
from pedagogy_lib.learning.learned_motion.terms import Circle, Growth, Known, Network, Predation

__all__ = ["Circle", "Growth", "Known", "Network", "Path", "Predation", "Slopes", "continuous", "pull_back", "run"]
