"""Marks that many chapters draw: covariance ellipses, bands, bells, level lines, labels."""

from ..colors import COLORS
from ..style import NARROW


def ellipse(ax, mean, covariance, n_std=2.0, color="blue", fill=0.12, **kw):
    """Draw the points at Mahalanobis distance `n_std` from `mean`.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    mean : array, shape (2,)
    covariance : array, shape (2, 2)
        Symmetric, positive semi-definite.
    n_std : float or sequence of float
        One ellipse for each.
    color : str
        A name in `show.COLORS`, or any color.
    fill : float
        Opacity of the inside; 0 for an outline only.
    **kw
        Passed to `matplotlib.axes.Axes.plot` (`linestyle`, `label`, ...).

    Returns
    -------
    list of matplotlib.lines.Line2D

    Raises
    ------
    ValueError
        If a shape is wrong or the covariance has a negative eigenvalue.
    """
    import numpy as np

    mean, covariance = np.asarray(mean, float), np.asarray(covariance, float)
    if mean.shape != (2,) or covariance.shape != (2, 2):
        raise ValueError(
            "ellipse: mean must have shape (2,) and covariance (2, 2), got "
            f"{mean.shape} and {covariance.shape}"
        )
    variances, directions = np.linalg.eigh(covariance)
    if not variances[0] >= -1e-9 * max(variances[1], 1e-300):
        raise ValueError(f"ellipse: covariance has the negative eigenvalue {variances[0]:.3g}")
    angle = np.linspace(0, 2 * np.pi, 73)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    # directions * sqrt(variances) is a square root of the covariance: it maps the unit circle
    # onto the points one standard deviation away.
    outline = (directions * np.sqrt(np.clip(variances, 0, None))) @ circle
    color = COLORS.get(color, color)
    lines = []
    for distance in np.atleast_1d(n_std):
        x, y = mean[:, None] + distance * outline
        if fill:
            ax.fill(x, y, color=color, alpha=fill, linewidth=0)
        lines += ax.plot(x, y, color=color, **kw)
        kw.pop("label", None)  # one entry in the legend, however many ellipses
    return lines


def band(ax, x, mean, std, n_std=2.0, color="blue", alpha=0.18, line=True, **kw):
    """Draw a curve with the region within `n_std` standard deviations of it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, mean, std : array, shape (N,)
    n_std : float or sequence of float
        One region for each.
    color : str
        A name in `show.COLORS`, or any color.
    alpha : float
        Opacity of each region.
    line : bool
        Whether the mean is drawn too.
    **kw
        Passed to `matplotlib.axes.Axes.plot` for the mean (`label`, `linewidth`, ...).
    """
    import numpy as np

    x, mean, std = (np.asarray(array, float) for array in (x, mean, std))
    if not x.shape == mean.shape == std.shape or x.ndim != 1:
        raise ValueError(
            "band: x, mean and std must be vectors of one length, got shapes "
            f"{x.shape}, {mean.shape} and {std.shape}"
        )
    color = COLORS.get(color, color)
    for distance in np.atleast_1d(n_std):
        low, high = mean - distance * std, mean + distance * std
        ax.fill_between(x, low, high, color=color, alpha=alpha, linewidth=0)
    if line:
        ax.plot(x, mean, color=color, **kw)


def bell(ax, x, mean, deviation, label=None, color="blue", height=None, **style):
    """Draw a Gaussian density over one variable, with a light filling.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x : ndarray, shape (N,)
        The range; the curve is drawn on points of its own, so that a narrow one is smooth.
    mean, deviation : float
    label : str, optional
    color : str, a name in `show.COLORS`
    height : float, optional
        Of the summit, so that wide and narrow beliefs can share axes. Without it the area is one.
    **style
        Of the line.
    """
    import numpy as np

    places = np.clip(mean + deviation * np.linspace(-4, 4, 81), x[0], x[-1])
    summit = 1 / (deviation * np.sqrt(2 * np.pi)) if height is None else height
    density = summit * np.exp(-0.5 * ((places - mean) / deviation) ** 2)
    ax.plot(places, density, color=COLORS[color], label=label, **style)
    ax.fill_between(places, density, color=COLORS[color], alpha=0.12, linewidth=0)


def contours(ax, x, y, heights, count=12):
    """Draw the level lines of a loss, closer together near its minimum.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, y : ndarray, shapes (I,) and (J,)
    heights : ndarray, shape (J, I)
    count : int
    """
    import numpy as np

    low, high = np.min(heights), np.max(heights)
    levels = low + (high - low) * np.linspace(0.02, 0.98, count) ** 3
    ax.contour(x, y, heights, levels=levels, colors=COLORS["muted"], linewidths=0.8)


def label(ax, x, y, text, color="ink", **kw):
    """Write `text` at a point in data coordinates, in the color of what it names.

    A direct label beats a legend: the eye need not travel, and the reader need not tell colors
    apart. A halo of paper keeps it readable where it crosses a line.
    """
    from matplotlib.patheffects import withStroke

    kw.setdefault("path_effects", [withStroke(linewidth=3, foreground=COLORS["paper"])])
    return ax.text(x, y, text, color=COLORS.get(color, color), **kw)


def legend(ax, where="above", **kw):
    """Place a frameless legend "above" the axes in one row, or "inside" where there is room."""
    if where == "inside":
        return ax.legend(**kw)
    if where != "above":
        raise ValueError(f'legend: where must be "above" or "inside", got {where!r}')
    columns = kw.pop("ncols", len(ax.get_legend_handles_labels()[0]) or 1)
    close = {"columnspacing": 1.4}
    if ax.figure.get_figwidth() <= NARROW:  # on a phone
        close = {"columnspacing": 0.8, "handlelength": 1.0, "handletextpad": 0.4, "fontsize": 10}
    return ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, **{**close, **kw})
