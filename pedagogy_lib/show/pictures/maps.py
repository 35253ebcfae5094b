"""Maps of a square that closes on itself: a field of N x N places, drawn smooth, with distances at its sides."""

import numpy as np

from ..colors import COLORS
from . import ensemble_spread


def finer(field, side=64):
    """The same waves at more places.

    Parameters
    ----------
    field : array_like, shape (N, N) or (N * N,)
        In rows from south to north, of an even number of places.
    side : int
        How many places there shall be along a side; even, and no fewer than there are.

    Returns
    -------
    ndarray, shape (side, side)

    Raises
    ------
    ValueError
        If the field is no such square, or `side` is smaller.
    """
    field = np.asarray(field, float)
    N = round(np.sqrt(field.size))
    if field.size != N * N or N % 2 or side % 2 or side < N:
        raise ValueError(f"finer: expected an even square of at most {side} x {side} places, got shape {field.shape}")
    waves = np.fft.rfft2(field.reshape(N, N))
    more, half = np.zeros((side, side // 2 + 1), complex), N // 2
    more[:half, :half], more[-half + 1:, :half] = waves[:half, :half], waves[-half + 1:, :half]
    return np.fft.irfft2(more, (side, side)) * (side / N) ** 2


def chart(ax, field, limit, length, side=64, levels=32, ticks=True):
    """Draw a field as colors: blue below zero, brown above, pale at zero.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    field : array_like, shape (N, N) or (N * N,)
    limit : float
        The size of number at which the color is full.
    length : float
        Of a side.
    side, levels : int
        Places along a side, and colors, that are drawn.
    ticks : bool
        Whether distances stand at the sides.

    Returns
    -------
    matplotlib.image.AxesImage
        For `set_data(finer(other))`.
    """
    half = 0.5 * length / side                                         # a place lies in the middle of its pixel
    ends = (-half, length - half)
    style = {"extent": (*ends, *ends), "origin": "lower", "aspect": "equal"}
    image = ensemble_spread.picture(ax, finer(field, side), limit, levels, **style)
    marks = np.linspace(0, length, 3)
    ax.set(xlim=ends, ylim=ends, xticks=marks[:2] if ticks else [], yticks=marks[:2] if ticks else [])
    return image


def tracks(ax, places, length, color="ink"):
    """Draw upright lines at some places; where there are fewer than before, hide the rest with NaN.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places : array_like, shape (L,)
    length : float
        Of a side.
    color : str
        A name in `show.COLORS`.

    Returns
    -------
    matplotlib.lines.Line2D
        One line with gaps, for `set_data(*along(other, length))`.
    """
    return ax.plot(*along(places, length), color=COLORS[color], lw=1.4)[0]


def along(places, length):
    """The points of upright lines, as one line with gaps.

    Parameters
    ----------
    places : array_like, shape (L,)
    length : float

    Returns
    -------
    x, y : ndarray, shape (3 L,)
    """
    places = np.asarray(places, float)
    return np.repeat(places, 3), np.tile([0.0, 0.98 * length, np.nan], len(places))
