"""State-space models that no Kalman filter solves exactly, to test particle filters on.

Each is written for one state at a time (`pedagogy_lib.inference.particles.each`), and can be
filtered, smoothed and sampled. Numba compiles these functions, so they are plain arithmetic.

References
----------
S. Taylor (1982), stochastic volatility; G. Kitagawa (1987) and N. Gordon, D. Salmond and A. Smith
(1993), the growth model and bearings-only tracking.
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference import particles

LOG_2_PI = float(np.log(2 * np.pi))


def stochastic_volatility(mu=-1.0, phi=0.95, sigma=0.2):
    """Returns whose variance wanders: the state is its logarithm.

    x_{t+1} = mu + phi (x_t - mu) + sigma e_t and y_t = exp(x_t / 2) d_t, with e_t and d_t standard
    normal. The first state is drawn from what the states come to in the long run.

    Parameters
    ----------
    mu : float
        The log variance of an ordinary day.
    phi : float
        How slowly the variance comes back to it, between -1 and 1.
    sigma : float
        How far it is moved in a day.

    Returns
    -------
    pedagogy_lib.inference.particles.Model
        With K = L = 1.
    """
    mu, sigma = checks.number("mu", mu), checks.number("sigma", sigma, above=0)
    phi = checks.number("phi", phi)
    if not -1 < phi < 1:
        raise ValueError(f"phi: expected a number between -1 and 1, got {phi:.6g}")
    spread = float(np.sqrt(sigma**2 / (1 - phi**2)))

    def initial(rng):
        return mu + spread * rng.standard_normal()

    def move(x, t, rng):
        return mu + phi * (x - mu) + sigma * rng.standard_normal()

    def log_emission(x, y, t):
        return -0.5 * (LOG_2_PI + x + y**2 * np.exp(-x))

    def log_transition(after, before, t):
        return -0.5 * ((after - mu - phi * (before - mu)) ** 2 / sigma**2 + LOG_2_PI) - np.log(sigma)

    def emit(x, t, rng):
        return np.exp(x / 2) * rng.standard_normal()

    return particles.each(initial, move, log_emission, log_transition, emit)


def growth(transition_variance=10.0, emission_variance=1.0, initial_variance=5.0):
    """A number that is driven, and seen squared: beliefs have two humps.

    x_{t+1} = x_t / 2 + 25 x_t / (1 + x_t^2) + 8 cos(1.2 (t + 1)) + noise, y_t = x_t^2 / 20 + noise,
    and x_0 is normal about zero.

    Parameters
    ----------
    transition_variance, emission_variance, initial_variance : float

    Returns
    -------
    pedagogy_lib.inference.particles.Model
        With K = L = 1.
    """
    q = checks.number("transition_variance", transition_variance, above=0)
    r = checks.number("emission_variance", emission_variance, above=0)
    root_0 = float(np.sqrt(checks.number("initial_variance", initial_variance, above=0)))
    root_q, root_r = float(np.sqrt(q)), float(np.sqrt(r))

    def drift(x, t):
        return x / 2 + 25 * x / (1 + x**2) + 8 * np.cos(1.2 * (t + 1))

    def initial(rng):
        return root_0 * rng.standard_normal()

    def move(x, t, rng):
        return (x / 2 + 25 * x / (1 + x**2) + 8 * np.cos(1.2 * (t + 1))
                + root_q * rng.standard_normal())

    def log_emission(x, y, t):
        return -0.5 * ((y - x**2 / 20) ** 2 / r + LOG_2_PI) - np.log(root_r)

    def log_transition(after, before, t):
        return -0.5 * ((after - drift(before, t)) ** 2 / q + LOG_2_PI) - np.log(root_q)

    def emit(x, t, rng):
        return x**2 / 20 + root_r * rng.standard_normal()

    return particles.each(initial, move, log_emission, log_transition, emit)


def bearings(observers, noise=0.01, push=0.1, dt=1.0, mean=(0.0, 0.0, 0.0, 0.0), spread=(1.0, 1.0, 1.0, 1.0)):
    """A vehicle on a map, of which each observer sees only the direction.

    The state is east, north, and the two velocities. Between two looks the vehicle keeps its
    velocity but for a push, an acceleration that is drawn anew each time and lasts until the next.
    A bearing is measured from the east, counterclockwise, in radians, and wraps round.

    Parameters
    ----------
    observers : array_like, shape (L, 2)
        Where they stand. One that does not move cannot tell how far away the vehicle is.
    noise : float
        The standard deviation of a bearing, in radians, small beside a full turn.
    push : float
        That of the acceleration, in each direction.
    dt : float
        The time between two looks.
    mean, spread : array_like, shape (4,)
        Of the first state, whose entries are independent.

    Returns
    -------
    pedagogy_lib.inference.particles.Model
        With K = 4. A move has no density, since one push moves two numbers: there is no smoother. A
        bearing that is NaN was not taken, and weighs nothing.
    """
    places = checks.array("observers", observers, ("L", 2))
    noise, push = checks.number("noise", noise, above=0), checks.number("push", push, above=0)
    dt = checks.number("dt", dt, above=0)
    middle = tuple(checks.array("mean", mean, (4,)).tolist())
    width = tuple(checks.array("spread", spread, (4,)).tolist())
    east, north = places.T.copy()
    each = -(0.5 * LOG_2_PI + float(np.log(noise)))
    constant = len(places) * each

    def initial(rng):
        return (middle[0] + width[0] * rng.standard_normal(), middle[1] + width[1] * rng.standard_normal(),
                middle[2] + width[2] * rng.standard_normal(), middle[3] + width[3] * rng.standard_normal())

    def move(x, t, rng):
        a, b = push * rng.standard_normal(), push * rng.standard_normal()
        return (x[0] + dt * x[2] + 0.5 * dt**2 * a, x[1] + dt * x[3] + 0.5 * dt**2 * b,
                x[2] + dt * a, x[3] + dt * b)

    def log_emission(x, y, t):
        total = constant
        for i in range(len(east)):
            if np.isnan(y[i]):                                              # not taken
                total -= each
                continue
            gap = y[i] - np.arctan2(x[1] - north[i], x[0] - east[i])
            gap -= 2 * np.pi * np.round(gap / (2 * np.pi))                  # round the shorter way
            total -= 0.5 * (gap / noise) ** 2
        return total

    def log_emission_of_one(x, y, t):
        gap = y - np.arctan2(x[1] - north[0], x[0] - east[0])
        gap -= 2 * np.pi * np.round(gap / (2 * np.pi))
        return constant - 0.5 * (gap / noise) ** 2

    def emit(x, t, rng):
        angles = np.arctan2(x[1] - north, x[0] - east) + noise * rng.standard_normal(len(east))
        return (angles + np.pi) % (2 * np.pi) - np.pi

    return particles.each(initial, move, log_emission_of_one if len(places) == 1 else log_emission, emit=emit)
