"""Walking downhill: gradient descent, its stochastic forms, and Newton's method.

Two doors lead to the same methods:

- **A function of a vector** (chapter 4.1): `gradient_descent`, `momentum`, `adam` and `newton` are
  streams of `Step`; `follow` goes along one until it is flat enough.
- **A model** with parameters that have names: `run` learns them, `iterate` shows every update, and
  `resume` goes on where either stopped, today or, by `save` and `load`, another day.

A model is learned by its gradient if it has ``loss(params, y, rng)`` and ``gradient(params, y, rng)``,
or both in one call, ``value_and_gradient(params, y, rng)``. `pedagogy_lib.models` states that
contract in full.

References
----------
Section 4.1. Adam: D.P. Kingma and J. Ba (2015).
"""

from pedagogy_lib.learning.optimization.batches import minibatches
from pedagogy_lib.learning.optimization.errors import DivergedError
from pedagogy_lib.learning.optimization.methods import Adam, GradientDescent, Momentum
from pedagogy_lib.learning.optimization.running import Run, Update, Validation, iterate, resume, run
from pedagogy_lib.learning.optimization.schedules import cosine, stairs, warm_up
from pedagogy_lib.learning.optimization.states import State, load, save
from pedagogy_lib.learning.optimization.walks import (
    Step,
    Walk,
    adam,
    follow,
    gradient_descent,
    momentum,
    newton,
)

__all__ = [
    "Adam", "DivergedError", "GradientDescent", "Momentum", "Run", "State", "Step", "Update", "Validation",
    "Walk", "adam", "cosine", "follow", "gradient_descent", "iterate", "load", "minibatches", "momentum",
    "newton", "resume", "run", "save", "stairs", "warm_up",
]
