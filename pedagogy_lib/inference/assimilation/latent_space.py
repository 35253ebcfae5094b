"""Latent 4DVar: the search for the best first state, in the coordinates of a prior that was learned.

A decoder g, of a variational autoencoder or a normalizing flow, makes states of the climate from
Gaussian latents. The background is on the latents, and only they are free::

    x_1 = g(z),   z ~ N(z_b, B)
    J(z) = |z - z_b|^2_B / 2 + sum_t |y_t - H x_t|^2_R / 2

With g(z) = x_b + B_x^(1/2) z this is strong-constraint 4DVar in the coordinates that weather services search
in (the "control-variable transform"); a network bends them.

References
----------
`state_estimation_4dvar`, "Generative Priors"; A. Peyron and others (2021); M. Chipilski (2023).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference.assimilation._costs import background_cost, data_cost, data_pulls, prepared
from pedagogy_lib.inference.assimilation.problems import check_window
from pedagogy_lib.inference.assimilation.searches import halved


class Decoder(NamedTuple):
    """How a first state is made.

    state : callable of z, shape (Z,), returns g(z), shape (K,)
    tangent : callable of z, returns G = dg/dz', shape (K, Z)
    """

    state: Callable
    tangent: Callable


class LatentStep(NamedTuple):
    """The search is at a latent and about to move.

    iteration : int, from 0
    latent : ndarray, shape (Z,), z
    states : ndarray, shape (T, K), the trajectory from g(z)
    cost : float, J there
    gradient : ndarray, shape (Z,), dJ/dz
    """

    iteration: int
    latent: np.ndarray
    states: np.ndarray
    cost: float
    gradient: np.ndarray


def latent_cost(window, decoder, latent):
    """J(z), of the trajectory that starts at g(z).

    Parameters
    ----------
    window : Window
        Its background is that of the *latents*, of Z dimensions.
    decoder : Decoder
    latent : array_like, shape (Z,)

    Returns
    -------
    float
        In nats, up to a constant.
    """
    parts, z = _begin(window, decoder, latent)
    return _cost(parts, decoder, z)


def latent_gradient(window, decoder, latent):
    """dJ/dz: the adjoint carries the misfits to the first state, and the decoder's transpose to z.

    With lambda_1 as in `strong_gradient`::

        dJ/dz = G' lambda_1 + B^-1 (z - z_b)

    Parameters
    ----------
    window, decoder, latent
        As for `latent_cost`.

    Returns
    -------
    ndarray, shape (Z,)
    """
    parts, z = _begin(window, decoder, latent)
    return _gradient(parts, decoder, z, _run(parts, decoder, z))


def latent_curvature(window, decoder, latent):
    """Gauss and Newton's second derivative of J: B^-1 + sum_t (H S_t G)' R^-1 (H S_t G).

    S_t is the tangent of the motion from the first state to the t-th. At the minimum the inverse is the
    covariance of Laplace's approximation to the posterior.

    Parameters
    ----------
    window, decoder, latent
        As for `latent_cost`.

    Returns
    -------
    ndarray, shape (Z, Z)
    """
    parts, z = _begin(window, decoder, latent)
    return _curvature(parts, decoder, z, _run(parts, decoder, z))


def latent(window, decoder, start=None):
    """Search for the best latent, one Gauss-Newton step at a time.

    Parameters
    ----------
    window, decoder
        As for `latent_cost`.
    start : array_like, shape (Z,), optional
        The first guess; the background's mean if there is none. J may have several minima: try several.

    Yields
    ------
    LatentStep

    Notes
    -----
    A step that does not lower J is halved. Z columns go through the tangent of the motion, not K.
    """
    parts, z = _begin(window, decoder, window.background.mean if start is None else start)
    iteration, cost = 0, _cost(parts, decoder, z)
    while True:
        states = _run(parts, decoder, z)
        slope = _gradient(parts, decoder, z, states)
        yield LatentStep(iteration, z, states, cost, slope)
        step = -np.linalg.solve(_curvature(parts, decoder, z, states), slope)
        z, cost = halved(lambda place: _cost(parts, decoder, place), z, step, cost)
        iteration += 1


def _begin(window, decoder, z):
    """The window with its covariances factored, and the latent, both checked."""
    check_window(window)
    for name in Decoder._fields:
        checks.function(f"decoder.{name}", getattr(decoder, name, None))
    mean = checks.array("window.background.mean", window.background.mean, ("Z",))
    z = checks.array("latent", z, (len(mean),))
    first = checks.array("decoder.state", decoder.state(z), ("K",))
    checks.array("decoder.tangent", decoder.tangent(z), (len(first), len(z)))
    return prepared(window, tried_at=first), z


def _run(parts, decoder, z):
    states = [np.asarray(decoder.state(z), float)]
    for _ in range(len(parts.window.y) - 1):
        states.append(np.asarray(parts.window.motion.move(states[-1]), float))
    return np.array(states)


def _cost(parts, decoder, z):
    return background_cost(parts, z) + data_cost(parts, _run(parts, decoder, z))


def _gradient(parts, decoder, z, states):
    pulls = data_pulls(parts, states)
    carried = pulls[-1]
    for t in range(len(states) - 2, -1, -1):
        carried = parts.window.motion.adjoint(states[t], carried) + pulls[t]
    return decoder.tangent(z).T @ carried + parts.B(z - parts.window.background.mean)


def _curvature(parts, decoder, z, states):
    curvature, SG = parts.B(np.eye(len(z))), decoder.tangent(z)
    for t, x in enumerate(states):
        seen = parts.seen[t]
        HSG = parts.look.tangent(x)[seen] @ SG    # what a change of z shows at t
        curvature = curvature + HSG.T @ parts.R(t, HSG)
        if t < len(states) - 1:
            SG = parts.window.motion.tangent(x, SG)
    return curvature
