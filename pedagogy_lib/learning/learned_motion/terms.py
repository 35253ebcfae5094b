"""The terms of an equation of motion: known laws, laws with unknown rates, and networks.

::

    dx/dt = term_1(x) + term_2(x) + ...

Each term has `run`, its share of the velocity for states in rows, and `run_back`: given the derivative of a
loss with respect to that share, those with respect to the state and to the term's own numbers. A term that is
known for certain has no numbers of its own, and nothing of it is learned.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.dynamics.fields import Field
from pedagogy_lib.learning import networks, parameters
from pedagogy_lib.learning.networks import circle, feedforward


class Passage(NamedTuple):
    """States that went through a term.

    velocity : ndarray, shape (B, K), the term's share of dx/dt
    kept : what the reverse pass of this term needs
    """

    velocity: np.ndarray
    kept: Any


class Gradients(NamedTuple):
    """The derivatives of a loss.

    term : a term like the one that was passed, its derivatives in the place of its numbers
    inputs : ndarray, shape (B, K), with respect to the states
    """

    term: Any
    inputs: np.ndarray


class Known(tuple):
    """A law that is known for certain: a vector field without anything to learn.

    Parameters
    ----------
    field : pedagogy_lib.dynamics.fields.Field
    """

    def __new__(cls, field):
        if not isinstance(field, Field):
            raise TypeError(f"field: expected a Field of pedagogy_lib.dynamics, got {type(field).__name__}")
        known = super().__new__(cls)
        known.field = field
        return known

    def __getnewargs__(self):
        return (self.field,)

    def check(self, name, K):
        """Whether it takes K numbers shows when it is run."""

    def run(self, x):
        """f(x)."""
        return Passage(self.field.velocity(x), x)

    def run_back(self, passage, pull):
        """(df/dx)' b, at each state."""
        return Gradients(self, np.array([self.field.jacobian(x).T @ b for x, b in zip(passage.kept, pull)]))


class Growth(NamedTuple):
    """Everything grows at a rate of its own: dx/dt = r. On a logarithmic scale that is dn/dt = r n.

    rates : ndarray, shape (K,), r; negative for what dies out when left alone
    """

    rates: np.ndarray

    def check(self, name, K):
        """Refuse other shapes."""
        checks.array(f"{name}.rates", self.rates, (K,))

    def run(self, x):
        """r, wherever the state is."""
        return Passage(np.broadcast_to(self.rates, x.shape), x)

    def run_back(self, passage, pull):
        """dS/dr = sum b; the state has no part in it."""
        return Gradients(Growth(pull.sum(0)), np.zeros_like(pull))


class Predation(NamedTuple):
    """One kind eats the other, and how well is a network's affair: what leaves the prey arrives at the predator.

    With x = (log prey, log predators)::

        dx_1/dt = -exp(x_2) c(x_1)               c: the part of the prey that one predator takes in a unit of time
        dx_2/dt =  g exp(x_1) c(x_1)             g: predators made from one prey
        c(x_1)  =  exp(network(x_1))             positive, else of any form

    log_gain : ndarray, shape (), log g
    layers : tuple of layers of `pedagogy_lib.learning.networks`, from one number to one
    """

    log_gain: np.ndarray
    layers: tuple

    @classmethod
    def start(cls, hidden, rng, clearance=1.0):
        """A network that begins near a constant; without hidden units it stays a power of the prey.

        Parameters
        ----------
        hidden : sequence of ints
            The units of each hidden layer.
        rng : numpy.random.Generator
        clearance : float
            Where c begins.
        """
        layers = networks.start((1, *hidden, 1), rng, networks.Tanh)
        level = np.log(checks.number("clearance", clearance, above=0))
        last = layers[-1]._replace(weights=0.1 * layers[-1].weights, biases=np.array([level]))
        return cls(np.zeros(()), (*layers[:-1], last))

    def clearance(self, prey):
        """The learned law: c at some numbers of prey.

        Parameters
        ----------
        prey : array_like, shape (N,)
            Positive.

        Returns
        -------
        ndarray, shape (N,)
        """
        prey = checks.array("prey", prey, ("N",))
        return np.exp(networks.forward(self.layers, np.log(prey)[:, None]).output[:, 0])

    def check(self, name, K):
        """Refuse other shapes, and more than two kinds."""
        if K != 2:
            raise ValueError(f"{name}: expected states of 2 numbers, prey and predators, got {K}")
        checks.array(f"{name}.log_gain", self.log_gain, ())
        feedforward.check_layers(self.layers, f"{name}.layers")
        sizes = self.layers[0].weights.shape[1], len(self.layers[-1].biases)
        if sizes != (1, 1):
            raise ValueError(f"{name}.layers: expected 1 input and 1 output, got {sizes}")

    def run(self, x):
        """(-p c, g n c) for n = exp(x_1), p = exp(x_2)."""
        record = feedforward.run(self.layers, x[:, :1])
        c, (n, p) = np.exp(record.output[:, 0]), np.exp(x.T)
        fed = np.exp(self.log_gain) * n * c
        return Passage(np.stack([-p * c, fed], 1), (record, p * c, fed))

    def run_back(self, passage, pull):
        """Each velocity is the exponential of a sum: its derivative is itself times that of the sum."""
        record, eaten, fed = passage.kept
        of_prey, of_predators = -eaten * pull[:, 0], fed * pull[:, 1]
        below = feedforward.run_back(self.layers, record, (of_prey + of_predators)[:, None], input_gradient=True)
        inputs = np.stack([below.inputs[:, 0] + of_predators, of_prey], 1)
        return Gradients(Predation(of_predators.sum(), below.params), inputs)


class Network(NamedTuple):
    """What nobody knows a law for: a network from the state to a share of the velocity.

    layers : tuple of layers of `pedagogy_lib.learning.networks`
    """

    layers: tuple

    @classmethod
    def start(cls, K, hidden, rng, last=0.1):
        """A network of tanh whose last layer is small, so that the motion begins near that of the other terms.

        Parameters
        ----------
        K : int
            Numbers of the state.
        hidden : sequence of ints
            The units of each hidden layer.
        rng : numpy.random.Generator
        last : float
            By how much the last layer's first weights are scaled.
        """
        first = networks.start((checks.count("K", K), *hidden, K), rng, networks.Tanh)
        return cls((*first[:-1], first[-1]._replace(weights=checks.number("last", last) * first[-1].weights)))

    def check(self, name, K):
        """Refuse networks of other widths."""
        feedforward.check_layers(self.layers, f"{name}.layers")
        sizes = self.layers[0].weights.shape[1], len(self.layers[-1].biases)
        if sizes != (K, K):
            raise ValueError(f"{name}.layers: expected {K} inputs and {K} outputs, got {sizes}")

    def run(self, x):
        """The forward pass (Eq. 5.15)."""
        record = feedforward.run(self.layers, x)
        return Passage(record.output, record)

    def run_back(self, passage, pull):
        """Backpropagation (Eqs. 5.16 and 5.17)."""
        below = feedforward.run_back(self.layers, passage.kept, pull, input_gradient=True)
        return Gradients(Network(below.params), below.inputs)


class Circle(NamedTuple):
    """What nobody knows a law for, on a circle where every place is like every other.

    The state is one number at each of K places; the layers make of it the share of the velocity, and the same layers
    serve a circle of another size.

    layers : tuple of layers of `pedagogy_lib.learning.networks.circle`, from one channel to one
    """

    layers: tuple

    @classmethod
    def start(cls, layers, last=0.1):
        """Make the last layer small, so that the motion begins near that of the other terms.

        Parameters
        ----------
        layers : tuple of layers of `pedagogy_lib.learning.networks.circle`
        last : float
            By how much the last layer is scaled.
        """
        circle.check(layers)
        scale = checks.number("last", last)
        return cls((*layers[:-1], parameters.each(lambda part: scale * part, layers[-1])))

    def check(self, name, K):
        """Refuse layers of other channels, and a circle too small for them."""
        takes = circle.check(self.layers, f"{name}.layers")
        gives = self.layers[-1].check(f"{name}.layers[-1]")[1]
        if (takes, gives) != (1, 1):
            raise ValueError(f"{name}.layers: expected 1 channel in and 1 out, got {(takes, gives)}")
        circle.check_circle(self.layers, K, f"{name}.layers")

    def run(self, x):
        """The forward pass, for states in rows."""
        fields = circle.forward(self.layers, x[..., None])
        return Passage(fields[-1][..., 0], fields)

    def run_back(self, passage, pull):
        """The layers backwards."""
        below = circle.backward(self.layers, passage.kept, pull[..., None])
        return Gradients(Circle(below.params), below.inputs[..., 0])


KINDS = (Circle, Growth, Known, Network, Predation)


def check(terms, K, name="terms"):
    """Refuse what is no tuple of terms for states of K numbers.

    Parameters
    ----------
    terms : tuple of terms
    K : int
    name : str
        What the tuple is called in messages.
    """
    if not isinstance(terms, tuple) or not terms or isinstance(terms, KINDS):
        raise TypeError(f"{name}: expected a tuple of terms, at least one, got {type(terms).__name__}")
    for i, term in enumerate(terms):
        if not isinstance(term, KINDS):
            raise TypeError(f"{name}[{i}]: expected a term, such as learned_motion.Network, got {type(term).__name__}")
        term.check(f"{name}[{i}]", K)
    for leaf, value in parameters.leaves(terms, name):
        if checks.numbers(leaf, value).dtype != np.float64:
            raise ValueError(f"{leaf}: expected float64, got {np.asarray(value).dtype}")


def velocity(terms, x):
    """dx/dt = sum of the terms, and their passages; x has shape (B, K)."""
    passages = tuple(term.run(x) for term in terms)
    return sum(passage.velocity for passage in passages), passages


def pull_back(terms, passages, pull):
    """The derivatives of all terms, and of the state: the same sum, backwards."""
    found = [term.run_back(passage, pull) for term, passage in zip(terms, passages)]
    return Gradients(tuple(one.term for one in found), sum(one.inputs for one in found))
