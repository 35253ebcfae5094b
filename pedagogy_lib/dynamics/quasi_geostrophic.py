"""A turning sea: quasi-geostrophic flow of one layer on a doubly periodic square, by Fourier's waves.

The state is the potential vorticity q at N x N places, in rows from south to north. It is carried by currents
that its own streamfunction psi draws::

    dq/dt + J(psi, q) + beta dpsi/dx = viscosity lap(q) - drag lap(psi)
    q = lap(psi) - psi / radius^2,    u = -dpsi/dy,    v = dpsi/dx,    J(psi, q) = d(u q)/dx + d(v q)/dy

Slopes are taken of waves, products at places. A product of two waves is a wave of the sum of their numbers, and
what the grid cannot show would come back in disguise (*aliasing*); so all waves from a third of N on are left out
(the *two-thirds rule*). A wave's operator on the grid, back from what multiplies each wave, has for its transpose the
same with the complex conjugates: that is the whole of the adjoint.

Building blocks, which trust their arguments because their callers have checked them: `field`,
`currents_and_vorticity` and `divergence`.

References
----------
J. Pedlosky (1987), section 3.12 (the law); S.A. Orszag (1971), the two-thirds rule; G. Vallis (2017), chapters 5 and 9.
"""

from typing import NamedTuple

import numpy as np
from scipy.fft import irfft2, rfft2
from scipy.sparse.linalg import LinearOperator

from pedagogy_lib import checks
from pedagogy_lib.dynamics.fields import Field


class Sea(NamedTuple):
    """A square of sea, in numbers by which each wave is multiplied; `sea` makes one.

    Every array has shape (N, N // 2 + 1), the waves of `scipy.fft.rfft2`.

    size : int, N, places along a side
    length : float, of a side
    kept : ndarray of 0 and 1, the waves that are kept; the mean is not
    east, north : ndarray, i k and i l: the slopes to the east and to the north
    inverse : ndarray, -1 / (k^2 + l^2 + 1 / radius^2): from q to psi
    linear : ndarray, of all terms that are linear in q
    """

    size: int
    length: float
    kept: np.ndarray
    east: np.ndarray
    north: np.ndarray
    inverse: np.ndarray
    linear: np.ndarray


def sea(size=32, length=2 * np.pi, beta=0.0, radius=np.inf, drag=0.0, viscosity=0.0, dealiased=True):
    """A square of sea.

    Parameters
    ----------
    size : int
        N, even, at least 8.
    length : float
        Of a side.
    beta : float
        By how much the turning of the ground grows to the north.
    radius : float
        Of Rossby, beyond which the surface gives way; infinite for a rigid lid.
    drag : float
        Rate at which the ground slows currents.
    viscosity : float
    dealiased : bool
        Whether waves from N / 3 on are left out. Without that the sea is wrong, as a lesson shows.

    Returns
    -------
    Sea
    """
    N, length = checks.count("size", size, minimum=8), checks.number("length", length, above=0)
    if N % 2:
        raise ValueError(f"size: expected an even number, got {N}")
    beta = checks.number("beta", beta)
    bend = 0.0 if np.ndim(radius) == 0 and radius == np.inf else checks.number("radius", radius, above=0) ** -2.0
    drag, viscosity = checks.number("drag", drag, at_least=0), checks.number("viscosity", viscosity, at_least=0)
    k, l = _numbers(N)
    largest = (N - 1) // 3 if dealiased else N // 2 - 1
    kept = ((np.abs(k) <= largest) & (np.abs(l) <= largest) & (k**2 + l**2 > 0)).astype(float)
    unit = 2 * np.pi / length
    east, north = 1j * unit * k * kept, 1j * unit * l * kept
    bumps = unit**2 * (k**2 + l**2)                                    # minus the Laplacian
    inverse = -kept / np.where(kept > 0, bumps + bend, 1.0)
    linear = kept * (-viscosity * bumps) - beta * east * inverse + drag * bumps * inverse
    return Sea(N, length, kept, east, north, inverse, linear)


def field(sea):
    """The law of motion.

    Parameters
    ----------
    sea : Sea

    Returns
    -------
    Field
        With K = N^2. Its Jacobian is a `LinearOperator`.
    """
    def velocity(x):
        grid = _grid(sea, "x", x)
        waves = rfft2(grid)
        u, v, q = currents_and_vorticity(sea, waves)
        return irfft2(sea.linear * waves - divergence(sea, u * q, v * q)).reshape(np.shape(x))

    def jacobian(x):
        u, v, q = currents_and_vorticity(sea, rfft2(_grid(sea, "x", x)))

        def along(change):                                             # by the rule of products
            waves = rfft2(change)
            du, dv, dq = currents_and_vorticity(sea, waves)
            return irfft2(sea.linear * waves - divergence(sea, u * dq + du * q, v * dq + dv * q))

        def back(gradient):                                            # each line's transpose, last line first
            waves = rfft2(gradient)
            a, b = irfft2(np.stack([sea.east * waves, sea.north * waves]))
            qa, qb = rfft2(np.stack([q * a, q * b]))
            turned = sea.inverse * (sea.north * qa - sea.east * qb)
            return irfft2(sea.linear.conj() * waves + turned + sea.kept * rfft2(u * a + v * b))

        return _operator(sea.size, along, back)

    return Field(velocity, jacobian)


def currents_and_vorticity(sea, waves):
    """u, v and the kept part of q, at the places.

    Parameters
    ----------
    sea : Sea
    waves : ndarray, shape (..., N, N // 2 + 1)
        Of q.

    Returns
    -------
    ndarray, shape (3, ..., N, N)
    """
    psi = sea.inverse * waves
    return irfft2(np.stack([-sea.north * psi, sea.east * psi, sea.kept * waves]))


def divergence(sea, a, b):
    """The waves of da/dx + db/dy, those that are kept.

    Parameters
    ----------
    sea : Sea
    a, b : ndarray, shape (..., N, N)

    Returns
    -------
    ndarray, shape (..., N, N // 2 + 1)
    """
    east, north = rfft2(np.stack([a, b]))
    return sea.east * east + sea.north * north


def stream(sea, q):
    """The streamfunction: currents run along its lines, fast where they are close.

    Parameters
    ----------
    sea : Sea
    q : array_like, shape (..., N^2)

    Returns
    -------
    ndarray, shape (..., N^2)
    """
    waves = rfft2(_checked(sea, "q", q))
    return irfft2(sea.inverse * waves).reshape(np.shape(q))


def vorticity(sea, psi):
    """The potential vorticity of a streamfunction: `stream`, turned round, for the waves that are kept.

    Parameters
    ----------
    sea : Sea
    psi : array_like, shape (..., N^2)

    Returns
    -------
    ndarray, shape (..., N^2)
    """
    grid = _checked(sea, "psi", psi)
    factor = sea.kept / np.where(sea.kept > 0, sea.inverse, 1.0)
    return irfft2(factor * rfft2(grid)).reshape(np.shape(psi))


def energy(sea, q):
    """Of motion and of the lifted surface, per area: the mean of -psi q / 2.

    Parameters
    ----------
    sea : Sea
    q : array_like, shape (..., N^2)

    Returns
    -------
    ndarray, shape (...)
    """
    q = np.reshape(_checked(sea, "q", q), np.shape(q))
    return checks.held("q", q, -0.5 * (stream(sea, q) * q).mean(-1))


def enstrophy(sea, q):
    """The mean of q^2 / 2, over the waves that are kept.

    Parameters
    ----------
    sea : Sea
    q : array_like, shape (..., N^2)

    Returns
    -------
    ndarray, shape (...)
    """
    return 0.5 * _spectrum(sea, "q", q).sum(-1)


def spectrum(sea, x):
    """How much of a field's mean square is in waves of about 1, 2, 3 ... to a side.

    Parameters
    ----------
    sea : Sea
    x : array_like, shape (..., N^2)

    Returns
    -------
    ndarray, shape (..., R)
        Entry r - 1 sums the kept waves whose number is nearest to r.
    """
    return _spectrum(sea, "x", x)


def _spectrum(sea, name, x):
    grid, (k, l) = _checked(sea, name, x), _numbers(sea.size)
    twice = np.where((k == 0) | (k == sea.size // 2), 1.0, 2.0)        # half of the waves stand for all
    power = sea.kept * twice * np.abs(rfft2(grid) / sea.size**2) ** 2
    rings = np.rint(np.hypot(k, l)).astype(int)
    last = rings[sea.kept > 0].max()
    return checks.held(name, grid, np.stack([power[..., rings == r].sum(-1) for r in range(1, last + 1)], -1))


def random_root(sea, power):
    """A root of the covariance of a random field without a preferred place or direction.

    Parameters
    ----------
    sea : Sea
    power : array_like, shape (R,)
        The spectrum that its draws have on average, in the form of `spectrum`.

    Returns
    -------
    ndarray, shape (N^2, P)
        Its columns are waves, sine and cosine, one for each number that is free. ``root @ z`` with
        standard normal z is a draw, and ``root @ root.T`` the covariance.
    """
    checks.kind("sea", sea, Sea)
    places = np.arange(sea.size) * 2 * np.pi / sea.size
    k, l = _numbers(sea.size)
    free = (sea.kept > 0) & ((k > 0) | (l > 0))                        # one of each pair of conjugates
    rings = np.rint(np.hypot(k, l)).astype(int)
    power = checks.array("power", power, (int(rings[free].max()),))
    if (power < 0).any():
        raise ValueError(f"power: expected numbers of at least 0, got {power.min():.3g}")
    columns = []
    for j, i in zip(*np.nonzero(free)):
        share = power[rings[j, i] - 1] / (2 * (rings[free] == rings[j, i]).sum())
        phase = np.add.outer(l[j, 0] * places, k[0, i] * places).ravel()
        columns += [np.sqrt(2 * share) * np.cos(phase), np.sqrt(2 * share) * np.sin(phase)]
    return np.array(columns).T


def _numbers(N):
    """Whole wave numbers to the east, shape (1, N // 2 + 1), and to the north, shape (N, 1)."""
    return np.arange(N // 2 + 1)[None], np.rint(np.fft.fftfreq(N) * N)[:, None]


def _grid(sea, name, x):
    checks.kind("sea", sea, Sea)
    x = np.asarray(x, float)
    if x.ndim == 0 or x.shape[-1] != sea.size**2:
        raise ValueError(f"{name}: expected shape (..., {sea.size**2}), got {x.shape}")
    return x.reshape(*x.shape[:-1], sea.size, sea.size)


def _checked(sea, name, x):
    return _grid(sea, name, checks.array(name, x))


def _operator(N, along, back):
    """A Jacobian by its products, with one column or several."""

    def of(product):
        def columns(change):
            rows = np.asarray(change, float).T.reshape(-1, N, N)
            return product(rows).reshape(-1, N * N).T.reshape(np.shape(change))

        return columns

    return LinearOperator(
        (N * N, N * N), dtype=float, matvec=of(along), matmat=of(along), rmatvec=of(back), rmatmat=of(back)
    )
