"""The verbs that the deep belief network and the Helmholtz machine share: they differ in what stands at the top.

``params`` is a named tuple of three: arrows up, arrows down, and the top. That is a layer of independent coins for the
Helmholtz machine, and for the deep belief network a harmonium, whose visible layer is h_L. Two functions tell the two
apart, `log_prior` and `top_gradient`; the rest is the same sum over all values, layer by layer, of ``_arrows``. ``y``
has shape (N, D), a datum in each row.
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Layer
from pedagogy_lib.learning import parameters
from pedagogy_lib.models.undirected import _arrows, harmonium

# ------------------------------------------------------------------------------ what differs


def log_prior(params):
    """log p(h_L) of every value: of independent coins, or the marginal of a harmonium's visible layer."""
    top, values = params[2], _arrows.every(params)[-1]
    if isinstance(top, Layer):
        b = np.ravel(top.biases)
        return values @ b + top.log_base(values) - top.log_partition(b)
    return -harmonium.marginal_energy(top, values) - harmonium.log_partition(top)


def top_gradient(top, share):
    """The derivative of -<log p(h_L)>, where every value of h_L has a share: model less data (Eq. 10.19)."""
    if isinstance(top, Layer):
        return layer_gradient(top, share @ top.every())
    every = top.visible.every()
    model, data = harmonium.model_phase(top), harmonium.phase(top, every, share)
    return parameters.view(parameters.flatten(model).vector - parameters.flatten(data).vector, top)


def layer_gradient(top, seen):
    """The same for independent coins, of which only the mean counts that was seen."""
    expected = top.mean(np.ravel(top.biases))
    return type(top)((expected - seen).reshape(np.shape(top.biases)))


# ------------------------------------------------------------------------------ what does not


def recognize(params, y, rng):
    """Draw from the recognition model q(h|y), once for each datum.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    tuple of ndarray
        The hidden layers, bottom first, each of shape (N, K).
    """
    params, y = with_data(params, y)
    return tuple(_arrows.ascend(params, y, checks.generator("rng", rng))[1:])


def free_energy(params, y):
    """F(y) = E_q[log q(h|y) - log p(y, h)] of each datum, all values of the hidden layers tried.

    Returns
    -------
    ndarray, shape (N,)
        At least -log p(y); equal to it where q is the posterior.

    Raises
    ------
    ValueError
        If a hidden layer has more than 2^12 states, or both layers of a harmonium at the top more than 2^16.
    """
    params, y = with_data(params, y)
    return _arrows.expected(_arrows.costs(params, log_prior(params), y)[0])


def log_marginal(params, y):
    """log p(y), exact.

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    ValueError
        As for `free_energy`.
    """
    params, y = with_data(params, y)
    top = log_prior(params)
    return _arrows.log_marginals(_arrows.costs(params, top, y), top)


def terms(params, y):
    """Take the loss apart: the bound, what it bounds, and the slack between them (Eq. 10.25).

    Returns
    -------
    Terms

    Raises
    ------
    ValueError
        As for `free_energy`.
    """
    params, y = with_data(params, y)
    top = log_prior(params)
    return _arrows.terms(_arrows.costs(params, top, y), top)


def loss(params, y, rng=None):
    """The free energy, averaged over the data: a bound on -log p(y). Nothing is drawn from ``rng``.

    Returns
    -------
    float
    """
    return float(free_energy(params, y).mean())


def value_and_gradient(params, y, rng=None):
    """The free energy and its derivative, for the arrows up and down and for the top.

    Returns
    -------
    float, Parameters

    Raises
    ------
    ValueError
        As for `free_energy`.
    """
    params, y = with_data(params, y)
    pairs = _arrows.costs(params, log_prior(params), y)
    *_, last = _arrows.climbs(pairs)                        # its columns sum to q(h_L), averaged over the data
    gradient = type(params)(*_arrows.slopes(params, pairs, y), top_gradient(params[2], last.sum(0)))
    return float(_arrows.expected(pairs[0]).mean()), gradient


def moved(params, gradient, rate):
    """A step downhill."""
    return parameters.view(parameters.flatten(params).vector - rate * parameters.flatten(gradient).vector, params)


# ------------------------------------------------------------------------------ the door


def with_data(params, y):
    """Parameters and data, checked."""
    params = checked(params)
    y = params.downward[0].layer.values("y", y)
    if len(y) == 0:
        raise ValueError("y: expected at least one datum, got none")
    return params, y


def checked(params):
    """Arrows that fit each other, and a top that fits the arrows."""
    upward, downward = _arrows.checked("params", params)
    name, top, below = f"params.{params._fields[2]}", params[2], upward[-1].layer
    if params._fields[2] == "prior":
        return type(params)(upward, downward, _arrows.alike(name, top, below, "upward[-1] has"))
    top = harmonium.checked(top, name)
    _arrows.alike(f"{name}.visible", top.visible, below, "upward[-1] has")
    return type(params)(upward, downward, top)
