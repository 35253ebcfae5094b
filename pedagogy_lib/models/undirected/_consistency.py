"""The parameters of a harmonium: which two layers have a joint distribution, for which weights.

Two things can go wrong. The natural parameters of one layer may leave its domain for some values of the other: a rate
that is not positive, a variance that is not. And where both layers have infinitely many values, the sum over both may
have no end.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Bernoulli, Exponential, Gaussian, Layer, Poisson
from pedagogy_lib.distributions.exponential_family.mixed import Mixed


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
    if _single(params):
        return _checked_single(params, name)
    hidden, visible = params.hidden.checked(f"{name}.hidden"), params.visible.checked(f"{name}.visible")
    weights = checks.array(f"{name}.weights", params.weights, (hidden.size, visible.size))
    params = Parameters(weights, hidden, visible)
    reason = inconsistency(params)
    if reason:
        raise ValueError(f"{name}: expected two layers that have a joint distribution; {reason}")
    return params


def _single(params):
    """Whether it is a restricted Boltzmann machine all of whose parameters are float32."""
    arrays = params.weights, params.hidden.biases, params.visible.biases
    coins = type(params.hidden) is type(params.visible) is Bernoulli
    return coins and all(isinstance(one, np.ndarray) and one.dtype == np.float32 for one in arrays)


def _checked_single(params, name):
    """The same checks without another type; two layers of coins have a joint distribution for all weights."""
    b, c = (checks.array(f"{name}.{side}.biases", getattr(params, side).biases, ("D",), single=True)
            for side in ("hidden", "visible"))  # fmt: skip
    weights = checks.array(f"{name}.weights", params.weights, (len(b), len(c)), single=True)
    return Parameters(weights, Bernoulli(b), Bernoulli(c))


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
    return _why_unbounded(W, hidden, visible)


def parts_of(layer):
    """The layers of one family each that a layer is made of, with the places of their statistics."""
    parts = layer.parts if isinstance(layer, Mixed) else (layer,)
    ends = np.cumsum([part.size for part in parts])
    return [(part, np.arange(end - part.size, end)) for part, end in zip(parts, ends)]


def _why_unbounded(W, hidden, visible):
    """The same for two layers that both have infinitely many values, and weights that are not all 0.

    Units of finitely many values only shift the others' natural parameters. All terms are positive, so that a sum over
    some units that has no end, the others held, is enough against a normalizer. Where no block of weights between two
    families has such a sum, Gaussian units and all others are independent, and each has its own normalizer.
    """
    infinite = [[pair for pair in parts_of(layer) if pair[0].states == np.inf] for layer in (hidden, visible)]
    gaussian = [[places for part, places in pairs if type(part) is Gaussian] for pairs in infinite]
    if all(gaussian):
        norm = np.linalg.norm(W[np.ix_(*map(np.concatenate, gaussian))], 2)     # x'x + y'y - 2 x'W y must be positive
        if norm >= 1:
            return f"two Gaussian layers need weights of spectral norm below 1, got {norm:.6g}"
    for part, rows in infinite[0]:
        for other, columns in infinite[1]:
            block = W[np.ix_(rows, columns)]
            reason = _why_block_unbounded(block, {type(part), type(other)}) if block.any() else None
            if reason:
                return reason
    return None


def _why_block_unbounded(W, kinds):
    """The same for the weights between units of two families; those of Gaussian units are judged together."""
    if kinds == {Gaussian}:
        return None
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
