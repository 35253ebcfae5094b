"""The methods: each is a rule that turns a gradient into a step.

A method has settings and, beside them, a memory: what it carries from one step to the next. It has

    ``begin(params)``                       the memory before the first step; the settings are checked
    ``step(iteration, gradient, memory)``   the rule: the step, and the memory after it
    ``move(params, iteration, gradient, memory)``  the same step, taken: ``params`` are changed in place

Parameters, gradient and step are vectors of one length and type; iterations count from 0. The rate
is a number, or a function that gives it for each iteration (see `schedules`).

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 4.1. Adam: D.P. Kingma and J. Ba (2015).
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks, kernels
from pedagogy_lib.learning.optimization.schedules import rate_at


class GradientDescent(NamedTuple):
    """Step against the gradient, in proportion to it.

    rate : float or callable
    """

    rate: Any = 0.1

    def begin(self, params):
        """It remembers nothing."""
        rate_at(self.rate, 0)
        return ()

    def step(self, iteration, gradient, memory):
        """The step is minus the rate times the gradient."""
        return -rate_at(self.rate, iteration) * gradient, memory

    def move(self, params, iteration, gradient, memory):
        """Take the step."""
        return _move(self, params, iteration, gradient, memory)


class Momentum(NamedTuple):
    """Gradient descent with inertia: each step keeps a part of the one before it.

    rate : float or callable
    decay : float, the part that is kept, at least 0 and below 1
    """

    rate: Any = 0.1
    decay: float = 0.9

    def begin(self, params):
        """It remembers its last step."""
        rate_at(self.rate, 0)
        _check_decay("decay", self.decay)
        return (np.zeros_like(params),)

    def step(self, iteration, gradient, memory):
        """Along a valley the steps add up; across it, where they alternate, they cancel."""
        (last,) = memory
        step = float(self.decay) * last - rate_at(self.rate, iteration) * gradient
        return step, (step,)

    def move(self, params, iteration, gradient, memory):
        """Take the step."""
        return _move(self, params, iteration, gradient, memory)


class Adam(NamedTuple):
    """Momentum in which each parameter's step is divided by the size of its own gradients.

    rate : float or callable, about the length of a step, whatever the units of the loss
    decay, square_decay : float
        Of the running averages of the gradient and of its square, at least 0 and below 1.
    epsilon : float, keeps the division finite
    backend : {"auto", "numba", "numpy"}, for `move`; both give the same digits
    """

    rate: Any = 0.001
    decay: float = 0.9
    square_decay: float = 0.999
    epsilon: float = 1e-8
    backend: str = "auto"

    def begin(self, params):
        """It remembers two running averages: of the gradient, and of its square."""
        rate_at(self.rate, 0)
        _check_decay("decay", self.decay)
        _check_decay("square_decay", self.square_decay)
        checks.number("epsilon", self.epsilon, above=0)
        kernels.choose("descent", self.backend)
        return np.zeros_like(params), np.zeros_like(params)

    def step(self, iteration, gradient, memory):
        """The average gradient, in units of its own size."""
        (mean, square), b, c = memory, float(self.decay), float(self.square_decay)
        mean = b * mean + (1 - b) * gradient
        square = c * square + (1 - c) * (gradient * gradient)
        # Both averages began at zero: divide by the weight that data have had in them so far.
        m = mean * (1 / (1 - b ** (iteration + 1)))
        s = square * (1 / (1 - c ** (iteration + 1)))
        return -rate_at(self.rate, iteration) * m / (np.sqrt(s) + float(self.epsilon)), (mean, square)

    def move(self, params, iteration, gradient, memory):
        """Take the step: seven arrays go through memory once, where the rule in NumPy passes over each many times."""
        kernel = kernels.choose("descent", self.backend)
        if kernel is None:
            return _move(self, params, iteration, gradient, memory)
        b, c, i = float(self.decay), float(self.square_decay), iteration + 1
        numbers = (b, 1 - b, 1 / (1 - b**i), c, 1 - c, 1 / (1 - c**i), -rate_at(self.rate, iteration), self.epsilon)
        kernel.adam(params, gradient, *memory, *map(params.dtype.type, numbers))
        return memory


def _move(method, params, iteration, gradient, memory):
    """Take the step that the rule says."""
    step, memory = method.step(iteration, gradient, memory)
    params += step
    return memory


def _check_decay(name, decay):
    if checks.number(name, decay, at_least=0) >= 1:
        raise ValueError(f"{name}: expected a number below 1, got {decay}")
