"""Small pictures in rows and columns, and matrices of numbers as tiles.

Everything here takes arrays and draws on given axes. Only the pixels are stored as an image: letters
and lines around them are drawn as in any figure, and follow the theme of the page.
"""

import numpy as np

from ..colors import COLORS


def tiles(ax, rows, columns=None, limits=None, cmap="gray_r", missing="orange", shape=None, gap=1):
    """Draw flattened pictures side by side, in reading order.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    rows : ndarray, shape (N, P)
        One picture in each row. NaN is a pixel that is missing.
    columns : int, optional
        How many pictures stand in a line; all of them if not given.
    limits : pair of float, optional
        The values of the first and of the last color; the extremes of `rows` if not given.
    cmap : str
        A Matplotlib color map.
    missing : str
        The color of missing pixels, a name in `show.COLORS`.
    shape : pair of int, optional
        Height and width of a picture; square if not given.
    gap : int
        Pixels between two pictures.

    Returns
    -------
    matplotlib.image.AxesImage

    Raises
    ------
    ValueError
        If a row is not a picture of that shape.
    """
    ax.set_axis_off()
    return ax.imshow(sheet(rows, columns, limits, cmap, missing, shape, gap), interpolation="none")


def sheet(rows, columns=None, limits=None, cmap="gray_r", missing="orange", shape=None, gap=1):
    """Return the pixels that `tiles` draws, for the `set_data` of a sheet that is drawn once.

    Parameters
    ----------
    rows, columns, limits, cmap, missing, shape, gap
        As for `tiles`.

    Returns
    -------
    ndarray, shape (H, W, 4)
        Colors between zero and one; what is between two pictures is transparent.

    Raises
    ------
    ValueError
        If a row is not a picture of that shape.
    """
    import matplotlib as mpl

    rows = np.asarray(rows, float)
    if rows.ndim != 2:
        raise ValueError(f"tiles: expected one picture in each row, shape (N, P), got {rows.shape}")
    side = round(np.sqrt(rows.shape[1]))
    height, width = shape or (side, side)
    if height * width != rows.shape[1]:
        raise ValueError(f"tiles: expected rows of {height} x {width} pixels, got {rows.shape[1]} numbers")
    low, high = limits or (np.nanmin(rows), np.nanmax(rows))
    colors = mpl.colormaps[cmap](np.clip((rows - low) / (high - low or 1.0), 0, 1))
    colors[np.isnan(rows)] = mpl.colors.to_rgba(COLORS[missing])
    columns = columns or len(rows)
    lines = -(-len(rows) // columns)
    pixels = np.zeros((lines * (height + gap) - gap, columns * (width + gap) - gap, 4))   # transparent
    for n, picture in enumerate(colors.reshape(-1, height, width, 4)):
        top, left = n // columns * (height + gap), n % columns * (width + gap)
        pixels[top : top + height, left : left + width] = picture
    return pixels


def picture(ax, image, title=None, limits=(0.0, 1.0), levels=32):
    """Draw one gray picture, rounded to few levels so that it weighs little.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    image : ndarray, shape (H, W)
    title : str, optional
    limits : pair of float
        The values of black and of white.
    levels : int
        How many grays there are.
    """
    gray = np.clip((np.asarray(image, float) - limits[0]) / (limits[1] - limits[0]), 0, 1)
    ax.imshow(np.round(gray * (levels - 1)), cmap="gray", vmin=0, vmax=levels - 1, interpolation="none")
    ax.set_axis_off()
    if title is not None:
        ax.set_title(title)


def matrix(ax, values, rows=None, columns=None, limit=None, digits=2):
    """Draw a matrix as tiles that carry their numbers: blue above zero, orange below.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : ndarray, shape (R, C)
    rows, columns : sequence of str, optional
        Names.
    limit : float, optional
        The size of number at which the color is full; the largest in `values` if not given.
    digits : int, optional
        Decimals of the numbers; None for tiles without numbers.
    """
    values = np.asarray(values, float)
    limit = limit or np.abs(values).max() or 1.0
    ax.imshow(values, cmap="PuOr", vmin=-1.8 * limit, vmax=1.8 * limit, interpolation="none", aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        if digits is not None:
            # Black in either theme: the tiles keep their colors, and they are pale.
            ax.text(j, i, f"{value:.{digits}f}", ha="center", va="center", color="black")
    ax.set(xticks=range(values.shape[1]), yticks=range(len(values)))
    ax.set_xticklabels(columns if columns is not None else [""] * values.shape[1])
    ax.set_yticklabels(rows if rows is not None else [""] * len(values))
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
