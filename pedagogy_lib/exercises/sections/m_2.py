"""Exercises of lesson M.2, Gibbs sampling and Langevin dynamics."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _normal(precision):
    """A Gaussian with mean zero, log density and gradient."""
    return (lambda x: -0.5 * x @ precision @ x), (lambda x: -precision @ x)


def _quartic(x):
    return -0.25 * (x**4).sum()


def _quartic_slope(x):
    return -(x**3)


def _langevin_cases(rng):
    root = rng.normal(size=(2, 2))
    targets = (_normal(root @ root.T + np.eye(2)), (_quartic, _quartic_slope))
    steps = (np.array([0.7, 0.3]), np.array([0.2, 0.5]))
    return [(*target, rng.normal(size=2), rng.normal(size=2), sizes) for target, sizes in zip(targets, steps)]


def _langevin(sign=1, drift=0.5, way_back=None, spread=1.0, same=False):
    """The log ratio, or what a slip makes of it."""

    def answer(log_density, gradient, x, proposal, sizes):
        sizes = np.full(len(x), sizes.mean()) if same else sizes

        def log_q(to, start, slope):
            return -0.5 * (((to - start - drift * sizes**2 * slope) / sizes) ** 2).sum() / spread

        slope = gradient(x)
        slope_back = gradient(proposal) if way_back is None else way_back(slope)
        correction = log_q(x, proposal, slope_back) - log_q(proposal, x, slope)
        return log_density(proposal) - log_density(x) + sign * correction

    return answer


@task("M.2-a", cases=_langevin_cases, stars=2)
def log_ratio(log_density, gradient, x, proposal, sizes):
    """With ``x``, ``proposal`` and ``sizes`` of shape (D,), returning one number."""
    return _langevin()(log_density, gradient, x, proposal, sizes)


@log_ratio.mistake(
    "took the proposal for symmetric",
    "This is Metropolis' ratio. The drift makes the proposal asymmetric: add log q(x|x') - log q(x'|x).",
)
def _(*case):
    return _langevin(sign=0)(*case)


@log_ratio.mistake(
    "turned the correction round",
    "The correction has the wrong sign: the way back, log q(x|x'), counts for the move.",
)
def _(*case):
    return _langevin(sign=-1)(*case)


@log_ratio.mistake(
    "went back with the slope of the start",
    "The way back starts at the proposal, so it drifts with the gradient there, not with the one at x.",
)
def _(*case):
    return _langevin(way_back=lambda slope: slope)(*case)


@log_ratio.mistake(
    "drifted by the whole square",
    "The drift is half of h^2 times the gradient; you left out the half.",
)
def _(*case):
    return _langevin(drift=1.0)(*case)


@log_ratio.mistake(
    "left out the half in the exponent",
    "log q is minus one half of the squared distance over h^2: the half is missing.",
)
def _(*case):
    return _langevin(spread=0.5)(*case)


@log_ratio.mistake("one step for all", "Each coordinate has its own step, in the drift and in the noise.")
def _(*case):
    return _langevin(same=True)(*case)


def _sweep_cases(rng):
    return [
        (
            spread * rng.normal(size=n) + mean,
            float(rng.normal()),
            float(np.exp(rng.normal())),
            float(rng.normal()),
            float(rng.chisquare(n)),
        )
        for n, mean, spread in ((6, 2.0, 1.5), (15, -1.0, 0.4))
    ]


def _sweep(y, mu, v, u, c, deviation=np.sqrt, given="new"):
    new = y.mean() + deviation(v / len(y)) * u
    center = {"new": new, "old": mu, "data": y.mean()}[given]
    return new, ((y - center) ** 2).sum() / c


@task("M.2-b", cases=_sweep_cases, parts=("mu", "v"), stars=2)
def sweep(y, mu, v, u, c):
    """With ``y`` of shape (N,), returning two numbers."""
    return _sweep(y, mu, v, u, c)


@sweep.mistake(
    "variance about the mean of the data",
    "The mean is right. But draw the variance given the mean just drawn: squares about that one.",
)
def _(*case):
    return _sweep(*case, given="data")


@sweep.mistake(
    "variance about the old mean",
    "Gibbs sampling uses the newest of each part: the mean just drawn, not the one before.",
)
def _(*case):
    return _sweep(*case, given="old")


@sweep.mistake(
    "mean too narrow", "The variance is drawn as it should be. The standard deviation of the mean is the root of v / N."
)
def _(y, mu, v, u, c):
    return _sweep(y, mu, v, u, c, deviation=lambda ratio: np.sqrt(v) / len(y))


@sweep.mistake(
    "variance for deviation", "Take the root: v / N is the variance of the mean, and u has standard deviation 1."
)
def _(*case):
    return _sweep(*case, deviation=lambda ratio: ratio)


@sweep.mistake(
    "both bugs left", "Nothing has changed: check the width of the mean, and what the variance is measured about."
)
def _(y, mu, v, u, c):
    return _sweep(y, mu, v, u, c, deviation=lambda ratio: np.sqrt(v) / len(y), given="data")
