"""The most probable code of an observation: the mode of a posterior that has no closed form (MAP).

The emission is N(C x, I / lambda), the prior heavy-tailed (`pedagogy_lib.distributions.heavy_tailed`).
Three searches, each a stream of `Step` without end: `coordinate_descent` and `fista` for a prior with
a corner, `newton` for a smooth one. `pedagogy_lib.models.static.sparse_coding.mode` chooses among them.

References
----------
Section 2.1.3.
"""

from pedagogy_lib.inference.modes.coordinates import coordinate_descent
from pedagogy_lib.inference.modes.costs import Step
from pedagogy_lib.inference.modes.parabolas import newton
from pedagogy_lib.inference.modes.shrinkage import fista

__all__ = ["Step", "coordinate_descent", "fista", "newton"]
