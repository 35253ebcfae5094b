"""What every bijection returns, on the way from the data to the source and on the way back.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

from typing import Any, NamedTuple

import numpy as np


class Passage(NamedTuple):
    """Data that went through a layer.

    output : ndarray, shape (N, D), x = d(y)
    log_volume : ndarray, shape (N,), log|det dd/dy'|: by how much the layer stretches space at each datum
    kept : what the reverse pass of this layer needs
    """

    output: np.ndarray
    log_volume: np.ndarray
    kept: Any


class Gradients(NamedTuple):
    """The derivatives of a loss.

    layer : a layer like the one that was passed, its derivatives in the place of its numbers
    inputs : ndarray, shape (N, D)
    """

    layer: Any
    inputs: np.ndarray


def check_field(name, value, shape):
    """Refuse a field of a layer that is no array of floats of this shape."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.shape != shape:
        came = f"shape {value.shape} of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise ValueError(f"{name}: expected an array of floats of shape {shape}, got {came}")
