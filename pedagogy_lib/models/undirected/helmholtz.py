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

`free_energy`, `terms`, `value_and_gradient` and `recognize` are the deep belief network's too: they stand in
``_layered``.

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
from pedagogy_lib.models.undirected import _arrows, _layered
from pedagogy_lib.models.undirected._layered import (  # noqa: F401
    free_energy,
    log_marginal,
    loss,
    recognize,
    terms,
    value_and_gradient,
)

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
    params = _layered.checked(params)
    return _dream(params, checks.count("n", n), checks.generator("rng", rng))


# ------------------------------------------------------------------------------ wake and sleep


def wake(params, y, rng):
    """An unbiased draw of the free energy's gradient, for the generative model; zeros for the arrows up.

    Returns
    -------
    Parameters
    """
    params, y = _layered.with_data(params, y)
    found = _arrows.ascend(params, y, checks.generator("rng", rng))
    still = parameters.each(np.zeros_like, params.upward)
    return Parameters(still, _arrows.fit_down(params, found), _layered.layer_gradient(params.prior, found[-1].mean(0)))


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
    params = _layered.checked(params)
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
    params, y = _layered.with_data(params, y)
    rate, rng = checks.number("rate", rate, above=0), checks.generator("rng", rng)
    batch = None if batch is None else checks.count("batch", batch)
    for iteration in count():
        rows = y if batch is None else y[rng.integers(len(y), size=batch)]
        params = _layered.moved(params, wake(params, rows, rng), rate)
        params = _layered.moved(params, sleep(params, len(rows), rng), rate)
        yield Update(iteration, params)


# ------------------------------------------------------------------------------ behind the door


def _dream(params, n, rng):
    top = params.prior.draw(np.tile(params.prior.biases, (n, 1)), rng)
    y, *latents = _arrows.descend(params, top, rng)
    return Sample(tuple(latents), y)
