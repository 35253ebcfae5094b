"""The two operations for curves: draw a line, then use the Gaussian rules.

Building block: `Rules` trusts its arguments, which its callers have checked.

References
----------
`state_estimation_4dvar`, "Extended Kalman filter".
"""

from collections.abc import Callable
from typing import NamedTuple

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.inference.nonlinear.lines import Curve, observed, tangent


class Rules(NamedTuple):
    """Marginalize and invert, for curves: draw a line, then use the Gaussian rules.

    Give it to `pedagogy_lib.inference.recursions` in the place of a module of exact rules.

    line : callable
        `tangent`, or what `sigma_points` or `gauss_hermite` return.
    repeats : int
        How often a measurement update draws its line anew, about the belief that it has found (the
        iterated extended Kalman filter, which is Gauss-Newton's method for the most probable state).
    """

    line: Callable = tangent
    repeats: int = 0

    def marginalize(self, source, emission):
        """As `gaussian.marginalize`; the emission may be a `Curve`."""
        return gaussian.marginalize(source, self.straight(source, emission))

    def invert(self, source, emission, y=None):
        """As `gaussian.invert`; the emission may be a `Curve`."""
        straight = self.straight(source, emission)
        found = gaussian.invert(source, straight, y)
        if y is not None and isinstance(emission, Curve):
            for _ in range(self.repeats):
                found = gaussian.invert(source, self.line(found, emission), y)
        return found

    def log_density(self, distribution, y):
        """As `gaussian.log_density`."""
        return gaussian.log_density(distribution, y)

    def observed(self, emission, seen):
        """As `gaussian.observed`; the emission may be a `Curve`."""
        bent = isinstance(emission, Curve)
        return observed(emission, seen) if bent else gaussian.observed(emission, seen)

    def watch(self):
        """As `gaussian.watch`; the emission may be a `Curve`."""
        look = gaussian.watch()
        return lambda t, source, emission: look(t, source, self.straight(source, emission))

    def straight(self, source, emission):
        """The line in the place of a `Curve`; what is a line already, as it is."""
        bent = isinstance(emission, Curve)
        return self.line(source, emission) if bent else emission
