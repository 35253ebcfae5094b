"""Score matching: learning the gradient of a log density, for which no normalizer is needed.

The *score* of a density p is s(x) = d log p(x) / dx, the textbook's force. Four losses ask a function f to be it:

    ``explicit_loss``    half of <|f - s|^2>: needs s itself
    ``implicit_loss``    <|f|^2 / 2 + div f>: needs the trace of f's Jacobian, and data only
    ``sliced_loss``      the same with the trace along random directions: one product, or a few, instead of D
    ``denoising_loss``   half of <|f + z / v|^2>: for noisy data x = a y + v z, and their score

The explicit loss is the implicit one plus half of <|s|^2>, and the denoising one less another number in which f
has no part: all have the same minimum. `Matching` gives the implicit and the sliced loss with their gradients, so that
a network can be learned by them. `tweedie_score` and `tweedie_mean` turn posterior means into scores, and back.

`along` is a building block, and trusts its arguments, which its callers have checked.

References
----------
Section 8.3.1, Eqs. 8.45-8.48. A. Hyvarinen (2005), implicit; P. Vincent (2011), denoising; Y. Song, S. Garg,
J. Shi and S. Ermon (2019), sliced; H. Robbins (1956) and B. Efron (2011), Tweedie's formula.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning.networks import feedforward


def tweedie_score(x, mean, signal, covariance):
    """The score of noisy data from the posterior mean of what is under the noise (Eq. 8.46).

    Parameters
    ----------
    x : array_like, shape (N, D), x = signal * y + noise, noise ~ N(0, covariance)
    mean : array_like, shape (N, D), E[Y | x]
    signal : float
    covariance : array_like, shape (D, D)

    Returns
    -------
    ndarray, shape (N, D)
    """
    x, mean, signal, covariance = _checked(x, "mean", mean, signal, covariance)
    return np.linalg.solve(covariance, (signal * mean - x).T).T


def tweedie_mean(x, score, signal, covariance):
    """The posterior mean from the score of the noisy data: Eq. 8.46, solved for it.

    Parameters
    ----------
    x, signal, covariance
        As for `tweedie_score`.
    score : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N, D)
    """
    x, score, signal, covariance = _checked(x, "score", score, signal, covariance)
    return (x + score @ covariance) / signal


def explicit_loss(found, score):
    """Half of the mean square distance to the score.

    Parameters
    ----------
    found, score : array_like, shape (N, D)
        At the same places, drawn from the density whose score it is.

    Returns
    -------
    float
    """
    found = checks.array("found", found, ("N", "D"))
    score = checks.array("score", score, found.shape)
    return 0.5 * float(((found - score) ** 2).sum(1).mean())


def denoising_loss(function, y, level, rng):
    """Half of the mean square distance to -z / v, the score of x given y, over one draw of noise for each datum.

    Parameters
    ----------
    function : callable
        Of noisy rows x, shape (N, D).
    y : array_like, shape (N, D)
    level : noising.Level, or any pair (signal, deviation)
    rng : numpy.random.Generator

    Returns
    -------
    float

    References
    ----------
    A summand of Eq. 8.48, but for its weight.
    """
    y, rng = checks.array("y", y, ("N", "D")), checks.generator("rng", rng)
    if not len(y):
        raise ValueError(f"y: expected one row at least, got shape {y.shape}")
    a, v = _level(level)
    z = rng.standard_normal(y.shape)
    found = checks.array("function(x)", function(a * y + v * z), y.shape)
    return 0.5 * float(((found + z / v) ** 2).sum(1).mean())


def _level(level):
    """A signal and a deviation: two numbers, or a number of each for each row."""
    if not isinstance(level, tuple) or len(level) != 2:
        raise TypeError(f"level: expected a noising.Level, or a pair, got {type(level).__name__}")
    return tuple(checks.array(f"level.{name}", part) for name, part in zip(("signal", "deviation"), level))


def implicit_loss(network, x):
    """The mean of |f|^2 / 2 plus the trace of f's Jacobian: explicit score matching without the score.

    Integration by parts turns the product of f and s under p into minus the divergence of f.

    Parameters
    ----------
    network : tuple of layers, from D inputs to D units
    x : array_like, shape (N, D), draws from the density

    Returns
    -------
    float
    """
    return Matching().loss(network, x)


def sliced_loss(network, x, rng, directions=1):
    """The same with d' J d, averaged over random directions d for each datum, in the place of the trace.

    Parameters
    ----------
    network, x
        As for `implicit_loss`.
    rng : numpy.random.Generator
    directions : int
        For each datum.

    Returns
    -------
    float
        Unbiased for `implicit_loss`.
    """
    return Matching(checks.count("directions", directions)).loss(network, x, rng)


class Matching(NamedTuple):
    """Score matching from data alone, as `pedagogy_lib.learning.optimization` takes a model: it learns a network.

    directions : int, optional
        Random ones for each datum: the sliced loss. None (the default) takes all axes: the implicit loss.
    """

    directions: int | None = None

    def loss(self, network, x, rng=None):
        """`implicit_loss`, which draws nothing, or `sliced_loss`."""
        record, d = self._begin(network, x, rng)
        return _value(record, d, along(network, record, d))

    def value_and_gradient(self, network, x, rng=None):
        """The loss and its derivative, layers like those of the network; arguments as for `loss`.

        Smooth layers, such as `networks.Tanh`, are what this is for. With `networks.Rectified` the loss jumps
        where a datum crosses a kink, and no gradient sees that.

        Returns
        -------
        float, tuple of layers
        """
        record, d = self._begin(network, x, rng)
        _check_bends(network)
        return _value_and_gradient(network, record, d)

    def _begin(self, network, x, rng):
        """The forward pass, and the directions, shape (V, N, D), scaled so that the sum of d d' is I on average."""
        record = _run(network, x)
        z = record.output
        if self.directions is None:
            return record, np.broadcast_to(np.eye(z.shape[1], dtype=z.dtype)[:, None], (z.shape[1], *z.shape))
        V, rng = checks.count("directions", self.directions), checks.generator("rng", rng)
        # Signs: <d d'> = I, and less noise than from Gaussians.
        return record, (rng.choice([-1.0, 1.0], size=(V, *z.shape)) / V**0.5).astype(z.dtype)


def _value(record, d, changes):
    """<|f|^2 / 2 + sum_v d_v' J d_v>."""
    return float((0.5 * (record.output**2).sum(1) + (d * changes).sum((0, 2))).mean())


def _value_and_gradient(network, record, d):
    """The loss, and its derivative: back through two passes at once, that of the values and that of their changes.

    Forward, u_l = D_l z_{l-1} + d_l and w_l = D_l t_{l-1} give z_l = psi(u_l) and t_l = psi'(u_l) w_l, with t_0 = d.
    So a weight is pulled at twice, and an output once more where psi' depends on it.
    """
    z, t, w = record.activities, [d], []
    for layer, after in zip(network, z[1:]):
        w.append(t[-1] @ layer.weights.T)
        t.append(layer.slope(after) * w[-1])
    to_z, to_t, gradients = z[-1] / len(z[-1]), d / len(z[-1]), []     # of the mean of |z_L|^2 / 2 + d't_L
    for l in range(len(network), 0, -1):
        layer, slope = network[l - 1], network[l - 1].slope(z[l])
        to_z = to_z + layer.bend(z[l]) * (w[l - 1] * to_t).sum(0)      # t_l = psi' w_l, and psi' moves with z_l
        to_u, to_w = slope * to_z, slope * to_t
        to_weights = to_u.T @ z[l - 1] + np.einsum("vnk,vnm->km", to_w, t[l - 1])
        gradients.append(type(layer)(to_weights, to_u.sum(0)))
        to_z, to_t = to_u @ layer.weights, to_w @ layer.weights
    return _value(record, d, t[-1]), tuple(reversed(gradients))


def _check_bends(network):
    """Refuse layers of the reader's own whose slope is new, and whose bend is not."""
    for l, layer in enumerate(network):
        owner = next(kind for kind in type(layer).__mro__ if "slope" in vars(kind))
        if "bend" not in vars(owner):
            raise TypeError(f"network[{l}]: expected a layer whose class says how its slope bends, got "
                            f"{owner.__name__}")  # fmt: skip


def along(network, record, directions):
    """The change of a network's output along a direction in its input, J d, by one pass forward.

    Parameters
    ----------
    network : tuple of layers
    record : feedforward.Record, of its forward pass
    directions : ndarray, shape (..., N, D)

    Returns
    -------
    ndarray, shape (..., N, K)
    """
    change = directions
    for layer, z in zip(network, record.activities[1:]):
        change = layer.slope(z) * (change @ layer.weights.T)
    return change


def _run(network, x):
    """The forward pass, checked: as many numbers must come out as go in."""
    record = feedforward.forward(network, x)
    if record.output.shape != record.activities[0].shape:
        raise ValueError(
            f"network: expected as many outputs as inputs, {record.activities[0].shape[1]}, a score of the data, "
            f"got {record.output.shape[1]}"
        )
    return record


def _checked(x, name, other, signal, covariance):
    x = checks.array("x", x, ("N", "D"))
    other = checks.array(name, other, x.shape)
    return x, other, checks.number("signal", signal, above=0), checks.covariance("covariance", covariance, x.shape[1])
