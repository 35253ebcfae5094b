"""Learning a model by its gradient: the stream of updates, and the loop that walks along it.

The parameters keep their names and shapes; they are views into one vector, which is what moves.
"""

from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.optimization import interrupts
from pedagogy_lib.learning.optimization.batches import Dealer
from pedagogy_lib.learning.optimization.errors import DivergedError
from pedagogy_lib.learning.optimization.methods import Adam
from pedagogy_lib.learning.optimization.states import Best, State, generator


class Update(NamedTuple):
    """A step was taken.

    iteration : int, from 0
    params : the parameters after the step
    loss : float, before the step; of the batch, where there are batches
    gradient_norm : float, the length of the gradient that gave the step
    """

    iteration: int
    params: Any
    loss: float
    gradient_norm: float


class Validation(NamedTuple):
    """The loss was measured on data that nothing is learned from.

    iteration : int, the number of steps taken so far
    params : the parameters
    loss : float
    best : float, the lowest so far
    """

    iteration: int
    params: Any
    loss: float
    best: float


class Run(NamedTuple):
    """What was learned.

    params : the last parameters; with validation data, those with the lowest loss on them
    losses : ndarray, one for each step, before it
    validation_losses : ndarray, one for each validation
    path : list of parameters, after each step, or None if it was not asked for
    stopped : {"iterations", "converged", "patience", "interrupted"}, why the run ended
    state : State, for `resume` and `save`
    """

    params: Any
    losses: np.ndarray
    validation_losses: np.ndarray
    path: Any
    stopped: str
    state: State


def run(model, params, y, rng, *, method=None, batch_size=None, iterations=1000, tolerance=0.0,
        validation=None, every=None, patience=None, keep_path=False):
    """Learn a model by its gradient.

    Parameters
    ----------
    model : module or object
        Has ``loss(params, y, rng)`` and ``gradient(params, y, rng)``, or both in one call,
        ``value_and_gradient(params, y, rng)``; the gradient has the structure of the parameters.
    params
        Where to start: an array, or a NamedTuple or tuple of arrays, nested at will, of one type.
        float32 stays float32. They are not changed.
    y
        The data, in the form that the model takes. With batches, one array or a tuple of arrays
        with an observation in each row.
    rng : numpy.random.Generator
        Deals the batches, and is what the model draws from. A loss and a gradient that are two
        calls see the same draws.
    method : GradientDescent, Momentum, Adam or the like
        ``Adam()`` if none is given.
    batch_size : int, optional
        Of a random batch; without it every step sees all data.
    iterations : int
        Stop after this many steps, those before a resumption included.
    tolerance : float
        Stop when the gradient is no longer than this. With batches leave it at 0: a batch's gradient
        says little.
    validation : optional
        Data to measure the loss on, in the form of ``y``. Then the best parameters are returned.
    every : int, optional
        The number of steps between validations; one pass over the data if not given.
    patience : int, optional
        Early stopping: stop after this many validations without a new best.
    keep_path : bool
        Whether to keep a copy of the parameters after each step.

    Returns
    -------
    Run
        Also after an interrupt (Ctrl-C, the stop button), which keeps what was learned.

    Raises
    ------
    DivergedError
        At the iteration where the loss or the gradient is not finite, naming the field.
    TypeError, ValueError
        If the model lacks a verb, or an argument is not what is described here.
    """
    state = _beginning(params, rng, method, validation)
    walker = _Walker(model, state, y, method, batch_size, validation, every, rng)
    return _walk(walker, iterations, tolerance, patience, keep_path)


def resume(model, state, y, *, method=None, batch_size=None, iterations=1000, tolerance=0.0,
           validation=None, every=None, patience=None, keep_path=False):
    """Go on where a run stopped, to the last bit as if it had not.

    Parameters
    ----------
    model, y, method, batch_size, iterations, tolerance, validation, every, patience, keep_path
        As for `run`, and the same as before the stop.
    state : State
        `Run.state`, or from `load`.

    Returns
    -------
    Run
        Its losses are those of the new steps.
    """
    walker = _Walker(model, state, y, method, batch_size, validation, every)
    return _walk(walker, iterations, tolerance, patience, keep_path)


def iterate(model, params, y, rng, *, method=None, batch_size=None, validation=None, every=None):
    """Learn a model one step at a time, without end.

    Parameters
    ----------
    model, params, y, rng, method, batch_size, validation, every
        As for `run`.

    Yields
    ------
    Update and Validation
        The parameters of each are a copy of its own.
    """
    state = _beginning(params, rng, method, validation)
    walker = _Walker(model, state, y, method, batch_size, validation, every, rng)
    return (event._replace(params=parameters.detach(event.params)) for event in walker.events())


def _walk(walker, iterations, tolerance, patience, keep_path):
    """Walk along the stream until there is a reason to stop."""
    iterations = checks.count("iterations", iterations, minimum=0)
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    if patience is not None:
        checks.count("patience", patience)
        if walker.validation is None:
            raise ValueError("patience: expected validation data to wait upon, got none")
    walker.path, stopped = [] if keep_path else None, "iterations"
    try:
        for event in walker.events(iterations):
            if isinstance(event, Update) and event.gradient_norm <= tolerance:
                stopped = "converged"
                break
            if isinstance(event, Validation) and patience is not None and walker.best.waited >= patience:
                stopped = "patience"
                break
    except KeyboardInterrupt:
        stopped = "interrupted"
    state = walker.state()
    params = state.params if walker.best.params is None else walker.best.params
    losses, validation_losses = np.array(walker.losses), np.array(walker.validation_losses)
    return Run(params, losses, validation_losses, walker.path, stopped, state)


class _Walker:
    """The state of a run, in motion. It changes in `_commit` and `_validate` only, where no interrupt can strike.

    losses, validation_losses : what has been measured
    path : list of parameters after each step, or None where nobody asked for it
    """

    def __init__(self, model, state, y, method, batch_size, validation, every, rng=None):
        self.both, self.loss = _verbs(model)
        self.method = _method(method)
        if type(self.method).__name__ != state.method:
            raise ValueError(
                f"method: expected the one that this run was begun with, {state.method}, "
                f"got {type(self.method).__name__}"
            )
        self.flat = parameters.flatten(state.params)
        self.memory = tuple(np.array(one) for one in state.memory)
        self.gradient = np.empty_like(self.flat.vector)
        self.iteration, self.rng = state.iteration, generator(state.randomness) if rng is None else rng
        self.randomness = self.rng.bit_generator.state
        self.y, self.dealer = y, None if batch_size is None else Dealer(_rows(y), batch_size)
        self.order, self.position = state.order, state.position
        if self.dealer is not None and len(self.order) not in (0, self.dealer.n):
            raise ValueError(f"y: expected the {len(self.order)} observations of the run before, got {self.dealer.n}")
        self.losses, self.validation_losses, self.path = [], [], None
        self.validation, self.best = validation, state.validation
        passes = 1 if self.dealer is None else -(-self.dealer.n // self.dealer.size)
        self.every = passes if every is None else checks.count("every", every)

    def events(self, until=None):
        """Take steps until there are so many, with the validations between them."""
        while True:
            due = self.iteration % self.every == 0 and self.best.checked != self.iteration
            if self.validation is not None and due:
                yield self._validate()
            if until is not None and self.iteration >= until:
                return
            yield self._step()

    def _step(self):
        """One step: deal, differentiate, move."""
        batch = self._batch()
        loss, gradient = self.both(self.flat.params, batch, self.rng)
        parameters.check_same_shapes(gradient, self.flat.params, "gradient")
        parameters.copy(gradient, self.gradient)
        loss = float(loss)
        norm = self._checked_norm(loss)
        with interrupts.held():
            self._commit(loss)
        return Update(self.iteration - 1, self.flat.params, loss, norm)

    def _batch(self):
        """The next rows of the data, or all of them."""
        if self.dealer is None:
            return self.y
        self.dealer.order, self.dealer.position = self.order, self.position
        return parameters.rows(self.y, self.dealer.deal(self.rng))

    def _commit(self, loss):
        """Take the step. An interrupt before this leaves no trace of it."""
        self.memory = self.method.move(self.flat.vector, self.iteration, self.gradient, self.memory)
        self.iteration += 1
        self.losses.append(loss)
        if self.path is not None:
            self.path.append(parameters.detach(self.flat.params))
        self.randomness = self.rng.bit_generator.state
        if self.dealer is not None:
            self.order, self.position = self.dealer.order, self.dealer.position

    def _checked_norm(self, loss):
        """The length of the gradient; refused where it, or the loss, is not finite."""
        square = float(np.vdot(self.gradient, self.gradient))
        if np.isfinite(square) and np.isfinite(loss):
            return square**0.5
        what = "loss"
        if np.isfinite(loss):
            found = parameters.leaves(parameters.view(self.gradient, self.flat.params), "gradient")
            what = next((name for name, value in found if not np.isfinite(value).all()), None)
        if what is None:                                    # finite, but its square is not
            return float(np.linalg.norm(self.gradient.astype(np.float64)))
        raise DivergedError(
            f"{what}: expected finite numbers, got others at iteration {self.iteration}; try a smaller rate"
        )

    def _validate(self):
        """The loss on the validation data: the same draws each time, so that only the parameters differ."""
        loss = float(self.loss(self.flat.params, self.validation, np.random.default_rng(self.best.seed)))
        if not np.isfinite(loss):
            raise DivergedError(
                f"validation: expected a finite loss, got {loss} at iteration {self.iteration}; try a smaller rate"
            )
        with interrupts.held():
            self.validation_losses.append(loss)
            if loss < self.best.loss:
                self.best = Best(self.best.seed, self.iteration, loss, parameters.detach(self.flat.params), 0)
            else:
                self.best = self.best._replace(checked=self.iteration, waited=self.best.waited + 1)
        return Validation(self.iteration, self.flat.params, loss, self.best.loss)

    def state(self):
        """A copy of all of it, as it was after the last whole step."""
        return State(
            self.iteration, parameters.detach(self.flat.params), tuple(map(np.copy, self.memory)),
            type(self.method).__name__, deepcopy(self.randomness), np.copy(self.order), self.position, self.best,
        )


def _beginning(params, rng, method, validation):
    """The state before the first step."""
    rng, flat = checks.generator("rng", rng), parameters.flatten(params)
    best = Best() if validation is None else Best(seed=int(rng.integers(2**62)))
    method, undealt = _method(method), np.empty(0, np.int64)
    memory, name = method.begin(flat.vector), type(method).__name__
    return State(0, params, memory, name, rng.bit_generator.state, undealt, 0, best)


def _method(method):
    """Adam, if none is given."""
    return Adam() if method is None else method


def _verbs(model):
    """The loss with its gradient in one call, and the loss alone."""
    if hasattr(model, "value_and_gradient"):
        alone = getattr(model, "loss", lambda params, y, rng: model.value_and_gradient(params, y, rng)[0])
        return model.value_and_gradient, alone
    missing = [verb for verb in ("loss", "gradient") if not hasattr(model, verb)]
    if missing:
        raise TypeError(f"model: expected loss and gradient, or value_and_gradient, got no {' and no '.join(missing)}")

    def both(params, y, rng):
        same = deepcopy(rng)                                # the loss sees the draws of its gradient
        return model.loss(params, y, same), model.gradient(params, y, rng)

    return both, model.loss


def _rows(y):
    """How many observations there are: as many in each array."""
    lengths = {name: len(value) if np.ndim(value) else 0 for name, value in parameters.leaves(y, "y")}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"y: expected arrays with one observation in each row, equally many, got {lengths}")
    return next(iter(lengths.values()))
