"""The exponential-family harmonium: two layers, each of an exponential family given the other.

::

    p(x|y) = h(x) exp(eta'T(x) - A(eta)),     eta = b_x + W U(y)
    p(y|x) = k(y) exp(zeta'U(y) - B(zeta)),   zeta = b_y + W'T(x)
    p(x, y) = exp(-energy(x, y)) / Z,         energy = -b_x'T - b_y'U - T'W U - log h(x) - log k(y)

The layers are classes of `pedagogy_lib.distributions.exponential_family.layers`, which say what x and y are. Two of
coins make the *restricted Boltzmann machine*. ``y`` has shape (N, D), a datum in each row; ``params`` are
`Parameters`. The `posterior`, which other models must approximate, is exact and cheap here; the normalizer Z, which
they have from the start, is a sum over all states.

A restricted Boltzmann machine whose parameters are all float32 computes in float32: conditionals, chains, averages,
and therefore contrastive divergence, take half the memory, and give float32. Sums over all states (`log_partition`)
are float64. Other layers, and parameters of both types, are taken in float64.

Z, and all that needs it, is exact where one layer has at most 2^16 states: the sum goes over that layer alone, because
the other is summed in closed form. It is exact too where both have infinitely many values, if the finite units of both
have at most 2^16 settings and no weights but those between Gaussian units join two infinite ones. Larger harmoniums
learn by `pedagogy_lib.learning.objectives.contrastive`, and estimate log Z by
`pedagogy_lib.learning.objectives.annealed_importance`. There is no ``maximize``: the normalizer joins all parameters,
and no equation gives one of them alone.

Not every pair has a normalizer. A finite layer (coins, dice) goes with all, as long as the other's natural
parameters stay in its domain: a Poisson layer has every weight, although e^zeta may be too large a number (then
`log_partition` refuses it). Two Gaussian layers need weights of spectral norm below 1, two Poisson layers weights that
are not positive, and a Gaussian layer cannot be joined to a Poisson layer at all. Of layers that are `mixed`, the same
holds of the weights between their parts. `inconsistency` says so. The sums stand in ``_sums`` and ``_joint``, the
parameters and their check in ``_consistency``, what annealing and tempering ask for in ``_weakened``.

References
----------
Sections 3.1 and 10.2.1, Eqs. 3.1-3.4 and 10.14-10.19. M. Welling, M. Rosen-Zvi and G. Hinton (2004);
P. Smolensky (1986).
"""

from itertools import count
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Bernoulli, Gaussian, Layer, Poisson
from pedagogy_lib.distributions.exponential_family.multinomial import multinomial
from pedagogy_lib.learning import parameters
from pedagogy_lib.models.undirected import _joint, _sums
from pedagogy_lib.models.undirected._consistency import Parameters, checked, inconsistency
from pedagogy_lib.models.undirected._weakened import (
    Annealing,
    annealing,
    draw_independent,
    heated,
    independent_log_partition,
    loosened,
)

__all__ = [
    "Parameters", "Conditional", "Sample", "Sweep", "start", "rbm", "gaussian_bernoulli", "poisson_bernoulli",
    "replicated", "from_conditionals", "energy", "marginal_energy", "posterior", "emission", "gibbs", "sweep",
    "log_partition", "log_marginal", "sample", "loss", "value_and_gradient", "phase", "model_phase", "inconsistency",
    "checked", "loosened", "heated", "independent_log_partition", "draw_independent", "annealing", "Annealing",
]


class Conditional(NamedTuple):
    """A distribution over one layer for each row of the other.

    natural : ndarray, shape (N, M), the natural parameters
    means : ndarray, shape (N, M), the expected statistics
    """

    natural: np.ndarray
    means: np.ndarray


class Sample(NamedTuple):
    """Values of the hidden layer, one in each row, and of the visible layer."""

    latents: np.ndarray
    observations: np.ndarray


class Sweep(NamedTuple):
    """Every chain has drawn x given its y, and then y given x.

    iteration : int, from 0
    latents : ndarray, a row for each chain, x
    observations : ndarray, a row for each chain, the new y
    """

    iteration: int
    latents: np.ndarray
    observations: np.ndarray


# ------------------------------------------------------------------------------ beginnings


def start(y, units, visible, hidden, rng):
    """Draw small weights; the biases give the visible layer the mean statistics of the data.

    Parameters
    ----------
    y : array_like, shape (N, D)
    units : int, or for a Categorical hidden layer the pair (dice, sides)
    visible, hidden : classes of `layers`, such as `layers.Bernoulli`
        A visible layer of dice must know their sides (`dice`); one of several families is made by `mixed`.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        Of float32 where ``y`` is and both layers are Bernoulli, else of float64.

    Raises
    ------
    ValueError
        If the two layers have no joint distribution; the message says why.
    """
    single = visible is hidden is Bernoulli and getattr(y, "dtype", None) == np.float32
    y, rng = checks.array("y", y, ("N", "D")), checks.generator("rng", rng)
    for name, kind in (("visible", visible), ("hidden", hidden)):
        if not (isinstance(kind, type) and issubclass(kind, Layer)):
            raise TypeError(f"{name}: expected a class of layers, such as layers.Bernoulli, got {kind!r}")
    seen, unseen = visible.matched(y), hidden.at_rest(units)
    params = Parameters(0.01 * rng.standard_normal((unseen.size, seen.size)), unseen, seen)
    if inconsistency(params):                               # some pairs allow no positive weights
        params = params._replace(weights=-np.abs(params.weights))
    return checked(parameters.each(np.float32, params) if single else params)


def rbm(y, units, rng):
    """Start a restricted Boltzmann machine: zeros and ones in both layers."""
    return start(y, units, Bernoulli, Bernoulli, rng)


def gaussian_bernoulli(y, units, rng):
    """Start with real data of variance 1 about each of 2^units means, and coins."""
    return start(y, units, Gaussian, Bernoulli, rng)


def poisson_bernoulli(y, units, rng):
    """Start with counts and coins. Every weight has a normalizer, because x has finitely many values."""
    return start(y, units, Poisson, Bernoulli, rng)


def replicated(params, length):
    """The replicated softmax: one model for texts of every length, because its hidden biases grow with the length.

    Parameters
    ----------
    params : Parameters
        With a `multinomial` visible layer: counts of the words of texts of some length.
    length : int
        Of other texts.

    Returns
    -------
    Parameters
        The harmonium of those texts: its biases b_x are those of ``params``, times the new length over the old.

    References
    ----------
    R. Salakhutdinov and G. Hinton (2009).
    """
    params = checked(params)
    share = checks.count("length", length) / params.visible.tosses
    hidden = type(params.hidden)(share * np.asarray(params.hidden.biases))
    return checked(Parameters(params.weights, hidden, multinomial(length)(params.visible.biases)))


def from_conditionals(hidden, up, visible, down):
    """Join two conditionals, if that is possible: eta = b_x + up U(y), and zeta = b_y + down T(x).

    Parameters
    ----------
    hidden, visible : layers, with the biases
    up : array_like, shape (L, M)
    down : array_like, shape (M, L)

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If no joint distribution has both.

    References
    ----------
    Eqs. 3.1-3.4: T(x)'up U(y) and T(x)'down'U(y) must cancel, up to terms in x alone and in y alone.
    """
    up = checks.array("up", up, (hidden.size, visible.size))
    down = checks.array("down", down, (visible.size, hidden.size))
    gap = np.abs(up - down.T).max()
    if gap > 1e-10 * max(np.abs(up).max(), np.abs(down).max()):
        raise ValueError(
            f"down: expected the transpose of up, got matrices that differ by {gap:.3g}: the ratio of the two "
            "conditionals would not be a function of x times one of y (Eq. 3.1)"
        )
    return checked(Parameters(up, hidden, visible))


# ------------------------------------------------------------------------------ energies and conditionals


def energy(params, x, y):
    """The energy of pairs (Eq. 10.18), with the base measures: -log p(x, y) = energy + log Z.

    Parameters
    ----------
    x : array_like, shape (N, K)
    y : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N,)
    """
    params = checked(params)
    W, hidden, visible = params
    x, y = hidden.values("x", x), visible.values("y", y)
    if len(x) != len(y):
        raise ValueError(f"x: expected as many rows as y, {len(y)}, got {len(x)}")
    T, U = hidden.statistics(x), visible.statistics(y)
    linear = T @ np.ravel(hidden.biases) + U @ np.ravel(visible.biases) + ((T @ W) * U).sum(1)
    return -linear - hidden.log_base(x) - visible.log_base(y)


def marginal_energy(params, y):
    """Minus the logarithm of the unnormalized marginal of y: -log k(y) - b_y'U(y) - A(eta(y)).

    Many call it the free energy of the machine; here that word is the variational one.

    Returns
    -------
    ndarray, shape (N,)

    References
    ----------
    Section 3.1, the marginals.
    """
    params = checked(params)
    return -_sums.heights(params.visible, params.hidden, params.weights, params.visible.values("y", y))


def posterior(params, y):
    """p(x|y), exact, by one matrix product (Eq. 10.17).

    Returns
    -------
    Conditional
        Over the hidden layer.
    """
    params = checked(params)
    W, hidden, visible = params
    return Conditional(*_sums.conditional(hidden, W, visible, visible.values("y", y)))


def emission(params, x):
    """p(y|x), the same the other way round.

    Returns
    -------
    Conditional
        Over the visible layer.
    """
    params = checked(params)
    W, hidden, visible = params
    return Conditional(*_sums.conditional(visible, W.T, hidden, hidden.values("x", x)))


def gibbs(params, y, rng):
    """Block Gibbs sampling: the whole hidden layer at once, then the whole visible layer, for ever.

    Parameters
    ----------
    y : array_like, shape (N, D)
        Where N chains begin.
    rng : numpy.random.Generator

    Yields
    ------
    Sweep
    """
    params, rng = checked(params), checks.generator("rng", rng)
    W, hidden, visible = params
    y = visible.values("y", y)
    for iteration in count():
        x = hidden.draw(_sums.conditional(hidden, W, visible, y)[0], rng)
        y = visible.draw(_sums.conditional(visible, W.T, hidden, x)[0], rng)
        yield Sweep(iteration, x, y)


def sweep(params, y, rng):
    """One step of `gibbs`: the new y. For `contrastive`."""
    return next(gibbs(params, y, rng)).observations


# ------------------------------------------------------------------------------ what needs the normalizer


def log_partition(params):
    """log Z (Eq. 10.14), by a sum over the layer that has fewer states, or over the finite units of both.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If both layers have more than 2^16 states and the other sum is not known, or Z is too large a number.
    """
    params = checked(params)
    return _joint.settings(params).log_partition if _joint.needed(params) else _sums.summed(params)[2]


def log_marginal(params, y):
    """log p(y), exact.

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    ValueError
        As for `log_partition`.
    """
    return -marginal_energy(params, y) - log_partition(params)


def sample(params, n, rng):
    """Draw pairs, exactly: first from the marginal of the layer that is summed over, then from the other given it.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        As for `log_partition`; then `gibbs` draws, in time.
    """
    params = checked(params)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    W, hidden, visible = params
    if _joint.needed(params):
        return Sample(*_joint.draw(params, n, rng))
    every, p, _ = _sums.summed(params)
    drawn = every[rng.choice(len(every), n, p=p)].astype(W.dtype, copy=False)
    if _sums.sums_hidden(params):
        return Sample(drawn, visible.draw(_sums.conditional(visible, W.T, hidden, drawn)[0], rng))
    return Sample(hidden.draw(_sums.conditional(hidden, W, visible, drawn)[0], rng), drawn)


def loss(params, y, rng=None):
    """Minus log p(y), averaged over the data: exact, so that nothing is drawn from ``rng``.

    Returns
    -------
    float
    """
    found = log_marginal(params, y)
    if not len(found):
        raise ValueError("y: expected one observation at least, got none")
    return float(-found.mean())


def value_and_gradient(params, y, rng=None):
    """The loss and its derivative: the statistics that the model expects, less those that the data have.

    Returns
    -------
    float, Parameters

    References
    ----------
    Eq. 10.19.
    """
    sleep, wake = (parameters.flatten(averages).vector for averages in (model_phase(params), phase(params, y)))
    return loss(params, y), parameters.view(sleep - wake, params)


def phase(params, y, weights=None):
    """Average statistics of the hybrid joint distribution p(x|y) p(y): minus the average of dE/dparams (10.16).

    Parameters
    ----------
    y : array_like, shape (N, D)
    weights : array_like, shape (N,), optional
        Of the data, in the place of 1/N.

    Returns
    -------
    Parameters
        <T U'>, <T> and <U>.
    """
    params = checked(params)
    y = params.visible.values("y", y)
    if len(y) == 0:
        raise ValueError("y: expected at least one datum, got none")
    w = np.full(len(y), 1 / len(y)) if weights is None else checks.array("weights", weights, (len(y),))
    w = w.astype(params.weights.dtype, copy=False)
    T, U = _sums.conditional(params.hidden, params.weights, params.visible, y)[1], params.visible.statistics(y)
    return _sums.averages(params, T, U, w)


def model_phase(params):
    """The same averages under the model itself: exact, by the sum of `log_partition`.

    Returns
    -------
    Parameters
    """
    params = checked(params)
    W, hidden, visible = params
    if _joint.needed(params):
        return _joint.averages(params)
    every, p, _ = _sums.summed(params)
    if _sums.sums_hidden(params):
        return _sums.averages(params, hidden.statistics(every), _sums.conditional(visible, W.T, hidden, every)[1], p)
    return _sums.averages(params, _sums.conditional(hidden, W, visible, every)[1], visible.statistics(every), p)
