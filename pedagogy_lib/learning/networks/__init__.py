"""Artificial neural networks: layers, one pair `forward` and `backward`, and where weights begin.

::

    params = networks.start((64, 100, 10), rng, hidden=networks.Tanh)
    record = networks.forward(params, y)
    gradients = networks.backward(params, record, output_gradient)     # .params and .inputs

`outputs` has what may stand at the end of a network and its loss; `recurrent` the network whose layers
are moments of time; `circle` layers that treat every place of a circle alike.
A model that is learned is `pedagogy_lib.models.discriminative.network`.

References
----------
Section 5.1.3, Eqs. 5.15-5.21.
"""

from pedagogy_lib.learning.networks.feedforward import Gradients, Record, backward, forward
from pedagogy_lib.learning.networks.initialization import start
from pedagogy_lib.learning.networks.layers import (
    Exponential,
    LeakyRectified,
    Linear,
    Logarithm,
    Logistic,
    Rectified,
    Softplus,
    Tanh,
)

__all__ = [
    "Exponential", "Gradients", "LeakyRectified", "Linear", "Logarithm", "Logistic", "Record", "Rectified",
    "Softplus", "Tanh", "backward", "forward", "start",
]
