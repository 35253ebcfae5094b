"""Bijections: invertible layers, each with the logarithm of how much it stretches space.

A layer leads from the data towards the source, the textbook's d_l. Every one has three functions::

    run(y)                                   Passage: x = d_l(y), log|det dd_l/dy'|, and what is kept
    undo(x)                                  y = d_l^-1(x)
    run_back(passage, to_output, to_volume)  Gradients: of a loss, by reverse differentiation

and ``start(D, hidden, rng, dtype)`` for its first parameters. A layer is its parameters: a NamedTuple of
arrays. `composition` puts layers one behind the other; they trust their arguments, which `composition.check`
and the model `pedagogy_lib.models.deep.flow` check.

References
----------
Section 9.2, Eqs. 9.6-9.8.
"""

from pedagogy_lib.learning.bijections.autoregressive import Autoregressive, InverseAutoregressive
from pedagogy_lib.learning.bijections.couplings import Additive, Affine
from pedagogy_lib.learning.bijections.inverse import Inverse
from pedagogy_lib.learning.bijections.linear import Mixing, Reverse, Riffle
from pedagogy_lib.learning.bijections.passages import Gradients, Passage
from pedagogy_lib.learning.bijections.planar import Planar
from pedagogy_lib.learning.bijections.radial import Radial
from pedagogy_lib.learning.bijections.splines import Spline

__all__ = [
    "Additive",
    "Affine",
    "Autoregressive",
    "Gradients",
    "Inverse",
    "InverseAutoregressive",
    "Mixing",
    "Passage",
    "Planar",
    "Radial",
    "Reverse",
    "Riffle",
    "Spline",
]
