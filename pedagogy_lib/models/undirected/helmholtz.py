"""The Helmholtz machine: layers of coins with arrows down to generate, and arrows up to recognize.

::

    generative model     h_L ~ prior,   h_l | h_{l+1} ~ downward[l],   y = h_0
    recognition model    h_{l+1} | h_l ~ upward[l]

Each arrow is a layer of `pedagogy_lib.distributions.exponential_family.layers`, whose natural parameters are biases
plus weights times the layer that it comes from. ``y`` has shape (N, D), a datum in each row; ``params`` are
`Parameters`. ``posterior`` is missing: given y, the coins of a hidden layer depend on one another (two causes that
explain the same datum compete), and the machine has arrows up in its place.

Two ways to learn. `value_and_gradient` descends the free energy of both models together, exactly, by trying all values
of the hidden layers: for small machines. `wake_sleep` needs draws only, and no derivative passes through a layer:

    wake     draw h from q(h|y) for a datum; make p give (y, h) more probability
    sleep    draw (y, h) from p;             make q give h, given that y, more probability

The wake phase descends the free energy. The sleep phase descends another number, the relative entropy of p(h|y) to
q(h|y) over *dreams* y, where the free energy has that of q to p over *data*: a ``maximize`` of neither.

References
----------
Section 3.3 is empty in the draft. P. Dayan, G. Hinton, R. Neal and R. Zemel (1995); G. Hinton, P. Dayan, B. Frey and
R. Neal (1995), wake-sleep.
"""

from itertools import count
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Bernoulli, Layer
from pedagogy_lib.learning import parameters
from pedagogy_lib.models.undirected import _arrows

Arrow, Sample, Terms, Update = _arrows.Arrow, _arrows.Sample, _arrows.Terms, _arrows.Update


class Parameters(NamedTuple):
    """L arrows up, L arrows down, and the layer at the top.

    upward : tuple of `Arrow`; upward[l] points from layer l to layer l + 1, the data being layer 0
    downward : tuple of `Arrow`; downward[l] points from layer l + 1 to layer l
    prior : layer, with the biases of h_L
    """

    upward: tuple
    downward: tuple
    prior: Layer


def start(y, units, visible, rng):
    """Draw small weights; the arrows down give the data their mean, and the hidden coins are fair.

    Parameters
    ----------
    y : array_like, shape (N, D)
    units : sequence of ints
        The coins of each hidden layer, bottom first.
    visible : class of `layers`, such as `layers.Bernoulli`
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    y, rng = checks.array("y", y, ("N", "D")), checks.generator("rng", rng)
    if not (isinstance(visible, type) and issubclass(visible, Layer) and visible.family):
        raise TypeError(f"visible: expected a class of layers, such as layers.Bernoulli, got {visible!r}")
    if np.ndim(units) != 1 or len(units) == 0:
        raise ValueError(f"units: expected a sequence of numbers, at least one hidden layer, got {units!r}")
    rooms = [visible.matched(y), *map(Bernoulli.at_rest, units)]
    pairs = list(zip(rooms[:-1], rooms[1:]))
    small = lambda out, into: Arrow(0.1 * rng.standard_normal((out.size, into.size)), out)
    return Parameters(
        tuple(small(above, below) for below, above in pairs), tuple(small(below, above) for below, above in pairs),
        rooms[-1],
    )


def sample(params, n, rng):
    """Draw from the generative model, top first.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample
    """
    params = _checked(params)
    return _dream(params, checks.count("n", n), checks.generator("rng", rng))


def recognize(params, y, rng):
    """Draw from the recognition model q(h|y), once for each datum.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    tuple of ndarray
        The hidden layers, bottom first, each of shape (N, K).
    """
    params, y = _with_data(params, y)
    return tuple(_arrows.ascend(params, y, checks.generator("rng", rng))[1:])


# ------------------------------------------------------------------------------ exact, for small machines


def free_energy(params, y):
    """F(y) = E_q[log q(h|y) - log p(y, h)] of each datum, all values of the hidden layers tried.

    Returns
    -------
    ndarray, shape (N,)
        At least -log p(y).

    Raises
    ------
    ValueError
        If a hidden layer has more than 2^12 states.
    """
    params, y = _with_data(params, y)
    return _arrows.expected(_arrows.costs(params, _log_prior(params), y)[0])


def log_marginal(params, y):
    """log p(y), exact.

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    ValueError
        As for `free_energy`.
    """
    params, y = _with_data(params, y)
    log_prior = _log_prior(params)
    return _arrows.log_marginals(_arrows.costs(params, log_prior, y), log_prior)


def terms(params, y):
    """Take the loss apart.

    Returns
    -------
    Terms

    Raises
    ------
    ValueError
        As for `free_energy`.
    """
    params, y = _with_data(params, y)
    log_prior = _log_prior(params)
    return _arrows.terms(_arrows.costs(params, log_prior, y), log_prior)


def loss(params, y, rng=None):
    """The free energy, averaged over the data: a bound on -log p(y). Nothing is drawn from ``rng``.

    Returns
    -------
    float
    """
    return float(free_energy(params, y).mean())


def value_and_gradient(params, y, rng=None):
    """The free energy and its derivative, for the arrows up as well as for those down.

    Returns
    -------
    float, Parameters

    Raises
    ------
    ValueError
        As for `free_energy`.
    """
    params, y = _with_data(params, y)
    steps = _arrows.costs(params, _log_prior(params), y)
    *_, last = _arrows.climbs(steps)
    up, down = _arrows.slopes(params, steps, y)
    seen = last.sum(0) @ params.prior.every()               # the mean of h_L under the recognition model
    return float(_arrows.expected(steps[0]).mean()), Parameters(up, down, _prior_gradient(params, seen))


# ------------------------------------------------------------------------------ wake and sleep


def wake(params, y, rng):
    """An unbiased draw of the free energy's gradient, for the generative model; zeros for the arrows up.

    Returns
    -------
    Parameters
    """
    params, y = _with_data(params, y)
    found = _arrows.ascend(params, y, checks.generator("rng", rng))
    still = parameters.each(np.zeros_like, params.upward)
    return Parameters(still, _arrows.fit_down(params, found), _prior_gradient(params, found[-1].mean(0)))


def sleep(params, dreams, rng):
    """A draw of the gradient of E_p[-log q(h|y)], for the recognition model; zeros for the generative one.

    Parameters
    ----------
    dreams : int
        How many.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    params = _checked(params)
    latents, y = _dream(params, checks.count("dreams", dreams), checks.generator("rng", rng))
    still = parameters.each(np.zeros_like, (params.downward, params.prior))
    return Parameters(_arrows.fit_up(params, [y, *latents]), *still)


def wake_sleep(params, y, rng, rate, batch=None):
    """Wake-sleep: a step along `wake`, then a step along `sleep` with as many dreams, for ever.

    Parameters
    ----------
    rate : float
        What the gradients are multiplied by.
    batch : int, optional
        How many data, drawn anew for each step. All by default.
    rng : numpy.random.Generator

    Yields
    ------
    Update
    """
    params, y = _with_data(params, y)
    rate, rng = checks.number("rate", rate, above=0), checks.generator("rng", rng)
    batch = None if batch is None else checks.count("batch", batch)
    for iteration in count():
        rows = y if batch is None else y[rng.integers(len(y), size=batch)]
        params = _moved(params, wake(params, rows, rng), rate)
        params = _moved(params, sleep(params, len(rows), rng), rate)
        yield Update(iteration, params)


# ------------------------------------------------------------------------------ behind the door


def _dream(params, n, rng):
    top = params.prior.draw(np.tile(params.prior.biases, (n, 1)), rng)
    y, *latents = _arrows.descend(params, top, rng)
    return Sample(tuple(latents), y)


def _log_prior(params):
    """log p(h_L) of every value."""
    top, values = params.prior, _arrows.every(params)[-1]
    b = np.ravel(top.biases)
    return values @ b + top.log_base(values) - top.log_partition(b)


def _prior_gradient(params, seen):
    """Minus the mean that was seen, plus the mean that is expected."""
    expected = params.prior.mean(np.ravel(params.prior.biases))
    return type(params.prior)((expected - seen).reshape(np.shape(params.prior.biases)))


def _moved(params, gradient, rate):
    vector = parameters.flatten(params).vector - rate * parameters.flatten(gradient).vector
    return parameters.view(vector, params)


def _with_data(params, y):
    params = _checked(params)
    return params, params.downward[0].layer.values("y", y)


def _checked(params):
    upward, downward = _arrows.checked("params", params)
    return Parameters(upward, downward, _arrows.alike("params.prior", params.prior, upward[-1].layer, "upward[-1] has"))
