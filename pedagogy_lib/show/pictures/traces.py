"""Pictures of chains that sample: densities by the mass they hold, traces, autocorrelations."""

import numpy as np

from ..colors import COLORS


def regions(ax, x, y, log_density, masses=(0.5, 0.9, 0.99)):
    """Draw the boundaries of the smallest regions that hold given shares of the probability.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, y : ndarray, shapes (I,) and (J,)
        Equally spaced.
    log_density : ndarray, shape (J, I)
        Up to a constant.
    masses : sequence of float
        Between 0 and 1.

    Returns
    -------
    ndarray
        The levels of ``log_density`` that were drawn, lowest first.
    """
    heights = np.sort(np.ravel(log_density))[::-1]
    held = np.cumsum(np.exp(heights - heights[0]))
    levels = np.sort(heights[np.searchsorted(held, np.asarray(masses) * held[-1])])
    ax.contour(x, y, log_density, levels=levels, colors=COLORS["muted"], linewidths=0.9, linestyles="solid")
    return levels


def trace(ax, samples, exact=None, color="blue"):
    """Draw where a chain is at each step, and the mean it should have, with two deviations.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    samples : array_like, shape (N,)
    exact : (float, float), optional
        Mean and standard deviation of the target.
    color : str
        A name in `show.COLORS`.
    """
    samples = np.asarray(samples, float)
    if exact is not None:
        mean, deviation = exact
        ax.axhspan(mean - 2 * deviation, mean + 2 * deviation, color=COLORS["shade"], alpha=0.5, lw=0)
        ax.axhline(mean, color=COLORS["muted"], lw=0.8)
    ax.plot(samples, color=COLORS[color], lw=0.8)
    ax.set(xlim=(0, len(samples)))


def correlations(ax, rho, color="blue"):
    """Draw autocorrelations as stems, lag 0 first.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    rho : array_like, shape (L,)
    color : str
        A name in `show.COLORS`.
    """
    rho = np.asarray(rho, float)
    ax.vlines(np.arange(len(rho)), 0, rho, color=COLORS[color], lw=2)
    ax.axhline(0, color=COLORS["muted"], lw=0.8)
    ax.set(xlim=(-1, len(rho)), ylim=(-0.3, 1.05))


def against(ax, probabilities, target, color="blue"):
    """Draw probabilities as bars, and what they should be as short lines across.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    probabilities, target : array_like, shape (K,)
    color : str
        A name in `show.COLORS`.
    """
    p, target = np.asarray(probabilities, float), np.asarray(target, float)
    states = np.arange(len(p))
    ax.bar(states, p, width=0.7, color=COLORS[color], alpha=0.55, lw=0)
    ax.hlines(target, states - 0.45, states + 0.45, color=COLORS["ink"], lw=1.6)
    ax.set(xlim=(-0.7, len(p) - 0.3), xticks=states)


def hops(ax, color="blue"):
    """Prepare the path of a chain: where it stood, and a cross wherever it was refused to go.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    color : str
        A name in `show.COLORS`.

    Returns
    -------
    callable
        ``put(start, steps)`` draws the path from ``start``, shape (2,), through a sequence of
        `mcmc.Step`, each with ``state``, ``proposal`` and ``accepted``. The ring is where it ends.
    """
    (path,) = ax.plot([], [], "o-", ms=3, lw=1.0, color=COLORS[color])
    (refused,) = ax.plot([], [], "x", ms=5, mew=1.3, color=COLORS["vermillion"])
    (end,) = ax.plot([], [], "o", ms=9, mfc="none", mew=1.8, color=COLORS["ink"])

    def put(start, steps):
        states = np.array([start, *(step.state for step in steps if step.accepted)], float)
        crosses = np.array([step.proposal for step in steps if not step.accepted], float).reshape(-1, 2)
        path.set_data(*states.T)
        refused.set_data(*crosses.T)
        end.set_data(*states[-1:].T)

    return put
