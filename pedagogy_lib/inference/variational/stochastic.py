"""Stochastic variational inference (SVI): coordinate ascent for more data than one wants to read in one step.

The best factor over the parameters adds the data to the prior, so that in *natural* parameters it is a sum over
the data. From a batch that sum is estimated, as if the batch stood for all, and the factor moves a part of the way:

    natural <- (1 - rate) natural + rate (prior + N / B sum over the batch).

That is a step along the *natural gradient* of the free energy. A step of rate one with all data is coordinate
ascent itself. With rates whose sum is infinite and the sum of whose squares is not, the noise of the batches
averages out (Robbins and Monro).

References
----------
Section 8.4, which is empty in the textbook. M.D. Hoffman, D.M. Blei, C. Wang and J. Paisley, "Stochastic
variational inference" (2013).
"""

from typing import Any, NamedTuple

from pedagogy_lib import checks
from pedagogy_lib.learning.optimization import minibatches


class Step(NamedTuple):
    """A batch was read.

    step : int, from 1
    params : the model's parameters, after it
    rate : float, how far they went towards the batch's own answer
    seen : int, data read so far, with repetitions
    """

    step: int
    params: Any
    rate: float
    seen: int


def robbins_monro(delay=1.0, forgetting=0.7):
    """Rates (step + delay)^-forgetting, which average the noise out for a forgetting above 1/2 and up to 1.

    Parameters
    ----------
    delay : float
        Larger values hold the first steps back.
    forgetting : float

    Returns
    -------
    callable
        Of the step's number, from 1.
    """
    delay = checks.number("delay", delay, at_least=0)
    power = checks.number("forgetting", forgetting, above=0.5)
    if power > 1:
        raise ValueError(f"forgetting: expected a number above 0.5 and at most 1, got {power}")
    return lambda step: (step + delay) ** -power


def iterate(model, params, y, rng, batch_size, rate=None):
    """Read batch after batch, without end.

    Parameters
    ----------
    model : module or object
        Has ``expected_statistics(params, y)``, whose result has a ``size``, ``maximize(statistics)``, and
        ``blend(a, b, share)``, the mean of two parameters in natural coordinates.
    params
        Where to start, in the form that the model takes.
    y : array_like, shape (N, D)
    rng : numpy.random.Generator
        Deals the batches.
    batch_size : int
    rate : callable, optional
        Of the step's number; ``robbins_monro()`` if none is given.

    Yields
    ------
    Step
    """
    checks.model("model", model, "expected_statistics", "maximize", "blend")
    if rate is not None:
        checks.function("rate", rate)
    y, rate, seen = checks.array("y", y, ("N", "D")), rate or robbins_monro(), 0
    for step, batch in enumerate(minibatches(len(y), checks.count("batch_size", batch_size), rng), 1):
        statistics = model.expected_statistics(params, y[batch])
        answer = model.maximize(statistics._replace(size=len(y)))  # as if all data were like these
        share, seen = rate(step), seen + len(batch)
        params = model.blend(params, answer, share)
        yield Step(step, params, share, seen)
