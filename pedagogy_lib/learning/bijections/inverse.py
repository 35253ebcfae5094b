"""A bijection turned round: what was the way back becomes the way forward.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 9.2.
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib.learning.bijections.passages import Gradients, Passage


class Inverse(NamedTuple):
    """x = g^-1(y), where g is another layer.

    layer : g
    """

    layer: Any

    @property
    def width(self):
        """The columns that the layer takes."""
        return self.layer.width

    def check(self, name, D):
        """What the layer within refuses."""
        self.layer.check(f"{name}.layer", D)

    def run(self, y):
        """The log volume of an inverse is minus that of the map, where the map arrives."""
        x = self.layer.undo(y)
        inner = self.layer.run(x)
        return Passage(x, -inner.log_volume, inner)

    def undo(self, x):
        """y = g(x)."""
        return self.layer.run(x).output

    def run_back(self, passage, to_output, to_volume):
        """From g(x) = y: J dx = dy - dg, where J is the Jacobian of g and dg its change at a fixed x.

        So if a is all that x receives, directly and by way of the volume, then y receives b = J^-T a, and the
        parameters of g receive what they would if -b stood at its output.
        """
        nothing = np.zeros_like(to_volume)
        by_volume = self.layer.run_back(passage.kept, np.zeros_like(to_output), -to_volume).inputs
        rows = []
        for i in range(to_output.shape[1]):  # row i of J, for every datum
            unit = np.zeros_like(to_output)
            unit[:, i] = 1
            rows.append(self.layer.run_back(passage.kept, unit, nothing).inputs)
        transposes = np.stack(rows, axis=2)
        b = np.linalg.solve(transposes, (to_output + by_volume)[:, :, None])[:, :, 0]
        within = self.layer.run_back(passage.kept, -b, -to_volume)
        return Gradients(type(self)(within.layer), b)
