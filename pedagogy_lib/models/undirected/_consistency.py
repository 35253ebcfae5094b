"""The parameters of a harmonium: which two layers have a joint distribution, for which weights.

Two things can go wrong. The natural parameters of one layer may leave its domain for some values of the other: a rate
that is not positive, a variance that is not. And where both layers have infinitely many values, the sum over both may
have no end.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Exponential, Gaussian, Layer, Poisson


class Parameters(NamedTuple):
    """Two layers and what joins them; L and M are their numbers of statistics.

    weights : ndarray, shape (L, M), W: the rows are the statistics of x, the columns those of y
    hidden : layer, with the biases b_x
    visible : layer, with the biases b_y
    """

    weights: np.ndarray
    hidden: Layer
    visible: Layer


def checked(params, name="params"):
    """Parameters of layers that fit the weights, and that have a joint distribution: a door for nets made of them.

    Parameters
    ----------
    name : str
        What error messages call them.

    Raises
    ------
    TypeError
        If it is no `Parameters`, or a layer is none.
    ValueError
        If the weights do not fit the layers, or these have no joint distribution.
    """
    if not isinstance(params, Parameters):
        raise TypeError(f"{name}: expected harmonium.Parameters, got {params!r}")
    for layer in ("hidden", "visible"):
        given = getattr(params, layer)
        if not isinstance(given, Layer):
            raise TypeError(f"{name}.{layer}: expected a layer such as layers.Bernoulli(biases), got {given!r}")
    hidden, visible = params.hidden.checked(f"{name}.hidden"), params.visible.checked(f"{name}.visible")
    weights = checks.array(f"{name}.weights", params.weights, (hidden.size, visible.size))
    params = Parameters(weights, hidden, visible)
    reason = inconsistency(params)
    if reason:
        raise ValueError(f"{name}: expected two layers that have a joint distribution; {reason}")
    return params


def inconsistency(params):
    """Say why the two conditionals have no joint distribution.

    Returns
    -------
    str or None
        None if they have one.
    """
    hidden, visible = params.hidden.checked("params.hidden"), params.visible.checked("params.visible")
    weights = checks.array("params.weights", params.weights, (hidden.size, visible.size))
    return _reason(weights, hidden, visible)


def _reason(W, hidden, visible):
    """Say why there is no joint distribution, for weights of shape (L, M); None if there is one."""
    for name, layer, other, weights in (("hidden", hidden, visible, W), ("visible", visible, hidden, W.T)):
        above, below = layer.bounds()
        if not (np.isfinite(above).any() or np.isfinite(below).any()):
            continue                                        # all natural parameters have a normalizer
        b, (lowest, highest) = np.ravel(layer.biases), other.reach(weights)
        outside = ((b + lowest <= above) & np.isfinite(above)) | ((b + highest >= below) & np.isfinite(below))
        if outside.any():
            i = int(outside.argmax())
            return (
                f"natural parameter {i} of the {name} layer must stay between {above[i]:g} and {below[i]:g}, and "
                f"ranges from {b[i] + lowest[i]:.6g} to {b[i] + highest[i]:.6g} over the values of the other layer"
            )
    if not W.any() or min(hidden.states, visible.states) < np.inf:
        return None                                         # independent, or a finite sum of finite terms
    return _why_unbounded(W, {type(hidden), type(visible)})


def _why_unbounded(W, kinds):
    """The same for two layers that both have infinitely many values, and weights that are not all 0."""
    if kinds == {Gaussian}:
        norm = np.linalg.norm(W, 2)                         # x'x + y'y - 2 x'W y must be positive
        return None if norm < 1 else f"two Gaussian layers need weights of spectral norm below 1, got {norm:.6g}"
    if kinds <= {Poisson, Exponential}:
        # e^(w x y) outgrows x! y! for each w above 0, and is at most 1 for all others.
        which = "two Poisson" if kinds == {Poisson} else "Exponential and Poisson"
        return None if W.max() <= 0 else f"{which} layers need weights that are not positive, got {W.max():.6g}"
    if kinds == {Gaussian, Poisson}:
        return (
            "a Gaussian and a Poisson layer have no normalizer unless all weights are 0: "
            "exp(e^y) outgrows exp(y^2 / 2)"
        )
    names = " and ".join(sorted(kind.__name__ for kind in kinds))
    return f"no normalizer is known for layers of {names}: one of the two must be finite, such as Bernoulli"
