"""Vector fields to test filters on: a few lines each, known since long; some are chaotic.

A *field* gives dx/dt for states in rows, shape (N, K), and has a Jacobian for one state.
`pedagogy_lib.dynamics.steppers` carries states along it. `quasi_geostrophic` is a field of two dimensions.

References
----------
E.N. Lorenz (1963; 1996); shallow water: A.E. Gill (1982), chapters 5 and 7; `state_estimation_4dvar`, "ODE/PDEs".
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks


class Field(NamedTuple):
    """A vector field.

    velocity : callable, takes states in rows, shape (N, K), returns dx/dt, shape (N, K)
    jacobian : callable, takes one state, shape (K,), returns d(velocity)/dx', shape (K, K): an array, or
        where that would be large a `scipy.sparse.linalg.LinearOperator`, which can be multiplied by, and so can its T
    """

    velocity: Callable
    jacobian: Callable


def lorenz63(sigma=10.0, rho=28.0, beta=8 / 3):
    """Convection in three numbers: two wings, and no telling how often round each.

    Parameters
    ----------
    sigma, rho, beta : float

    Returns
    -------
    Field
        With K = 3.
    """
    sigma, rho, beta = checks.number("sigma", sigma), checks.number("rho", rho), checks.number("beta", beta)

    def velocity(x):
        a, b, c = np.asarray(x).T
        return np.array([sigma * (b - a), a * (rho - c) - b, a * b - beta * c]).T

    def jacobian(x):
        a, b, c = x
        return np.array([[-sigma, sigma, 0.0], [rho - c, -1.0, -a], [b, a, -beta]])

    return Field(velocity, jacobian)


def lorenz96(size=40, forcing=8.0):
    """A quantity on a circle of latitude that its neighbors carry, damp and drive.

    Parameters
    ----------
    size : int
        K, the number of places, at least 4.
    forcing : float

    Returns
    -------
    Field
    """
    forcing = checks.number("forcing", forcing)
    size = checks.count("size", size, minimum=4)
    i = np.arange(size)
    ahead, behind, two_behind = (i + 1) % size, i - 1, i - 2
    damped = -np.eye(size)

    def velocity(x):
        return (x[..., ahead] - x[..., two_behind]) * x[..., behind] - x + forcing

    def jacobian(x):
        J = damped.copy()
        J[i, ahead] = x[behind]
        J[i, two_behind] = -x[behind]
        J[i, behind] = x[ahead] - x[two_behind]
        return J

    return Field(velocity, jacobian)


def lorenz96_two_level(size=8, fine=4, forcing=20.0, coupling=1.0, speed=10.0, scale=10.0):
    """The same circle, each place coupled to several that are faster and smaller.

    The state holds the ``size`` slow variables, then the ``size * fine`` fast ones.

    Parameters
    ----------
    size, fine : int
    forcing, coupling, speed, scale : float
        Lorenz's F, h, c and b.

    Returns
    -------
    Field
        With K = size (1 + fine).
    """
    forcing, coupling = checks.number("forcing", forcing), checks.number("coupling", coupling)
    speed, scale = checks.number("speed", speed), checks.number("scale", scale, above=0)
    size, fine = checks.count("size", size, minimum=4), checks.count("fine", fine)
    K = size * (1 + fine)
    share = coupling * speed / scale
    slow, fast = np.arange(size), size + np.arange(size * fine)

    def velocity(x):
        X, Y = x[..., :size], x[..., size:]
        pull = Y.reshape(*Y.shape[:-1], size, fine).sum(-1)
        dX = (np.roll(X, -1, -1) - np.roll(X, 2, -1)) * np.roll(X, 1, -1) - X + forcing - share * pull
        carried = speed * scale * np.roll(Y, -1, -1) * (np.roll(Y, 1, -1) - np.roll(Y, -2, -1))
        dY = carried - speed * Y + share * np.repeat(X, fine, -1)
        return np.concatenate([dX, dY], -1)

    def jacobian(x):
        X, Y = x[:size], x[size:]
        J = np.zeros((K, K))
        J[:size, :size] = lorenz96(size, forcing).jacobian(X)
        np.add.at(J, (np.repeat(slow, fine), fast), -share)
        j, n = np.arange(size * fine), size * fine
        ahead, behind, further = (j + 1) % n, (j - 1) % n, (j + 2) % n
        np.add.at(J, (fast, fast), -speed)
        np.add.at(J, (fast, size + ahead), speed * scale * (Y[behind] - Y[further]))
        np.add.at(J, (fast, size + behind), speed * scale * Y[ahead])
        np.add.at(J, (fast, size + further), -speed * scale * Y[ahead])
        np.add.at(J, (fast, j // fine), share)
        return J

    return Field(velocity, jacobian)


def pendulum(frequency=1.0, damping=0.0):
    """A pendulum: angle, and angular velocity.

    Parameters
    ----------
    frequency : float
        Of small swings, in radians per unit of time.
    damping : float

    Returns
    -------
    Field
        With K = 2.
    """
    frequency, damping = checks.number("frequency", frequency), checks.number("damping", damping)
    squared = frequency**2

    def velocity(x):
        angle, speed = np.asarray(x).T
        return np.array([speed, -squared * np.sin(angle) - damping * speed]).T

    def jacobian(x):
        return np.array([[0.0, 1.0], [-squared * np.cos(x[0]), -damping]])

    return Field(velocity, jacobian)


def shallow_water(size=48, length=48.0, gravity=1.0, rotation=0.0, diffusion=0.0):
    """Water on a turning circle, shallow beside the length of its waves.

    The state holds the depth h of ``size`` cells, then their velocity u along the circle, then v
    across it::

        dh/dt = -(h u)_x                     + nu h_xx
        du/dt = -u u_x - g h_x + f v         + nu u_xx
        dv/dt = -u v_x         - f u         + nu v_xx

    with slopes ( )_x by central differences. A small wave on water of depth H runs at sqrt(g H).

    Parameters
    ----------
    size : int
        Cells, at least 4.
    length : float
        Of the circle.
    gravity : float, g
    rotation : float, f
        Twice the rate at which the ground turns.
    diffusion : float, nu
        Of all three, so that the water stays the same in all.

    Returns
    -------
    Field
        With K = 3 size. Where the depth is not positive it has no meaning.

    Notes
    -----
    The Runge-Kutta rule is stable while (|u| + sqrt(g h)) dt < 2.8 length / size and
    nu dt < 0.69 (length / size)^2; half of either is prudent.
    """
    n = checks.count("size", size, minimum=4)
    width = checks.number("length", length, above=0) / n
    g = checks.number("gravity", gravity, above=0)
    f, nu = checks.number("rotation", rotation), checks.number("diffusion", diffusion, at_least=0)
    i = np.arange(n)
    ahead, behind, eye = (i + 1) % n, i - 1, np.eye(n)
    D = (eye[ahead] - eye[behind]) / (2 * width)                       # D @ h is the slope of h
    L = nu * (eye[ahead] - 2 * eye + eye[behind]) / width**2

    def slope(a):
        return (a[..., ahead] - a[..., behind]) / (2 * width)

    def spread(a):
        return nu * (a[..., ahead] - 2 * a + a[..., behind]) / width**2

    def velocity(x):
        h, u, v = np.split(np.asarray(x, float), 3, -1)
        return np.concatenate([
            -slope(h * u) + spread(h),
            -u * slope(u) - g * slope(h) + f * v + spread(u),
            -u * slope(v) - f * u + spread(v),
        ], -1)

    def jacobian(x):
        h, u, v = np.split(np.asarray(x, float), 3)
        carried = L - u[:, None] * D                                   # what u carries, and what spreads
        return np.block([
            [L - D * u, -D * h, 0 * eye],
            [-g * D, carried - np.diag(slope(u)), f * eye],
            [0 * eye, -np.diag(slope(v)) - f * eye, carried],
        ])

    return Field(velocity, jacobian)
