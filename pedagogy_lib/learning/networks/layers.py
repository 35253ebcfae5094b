"""The layers of a network: an affine map and a pointwise nonlinearity, z_l = psi_l(D_l z_{l-1} + d_l).

A layer is its weights and biases. What nonlinearity follows is said by its class, so that the parameters
of a network are the whole network: ``(Tanh(D_1, d_1), Linear(D_2, d_2))``.

Each class has three functions. ``activate(u)`` is psi, and writes into ``u`` where it can. ``slope(z)`` is the
diagonal of the Jacobian J_l, psi'(u), told from the *output* z = psi(u): so that nothing but the outputs
need be kept on the way forward. ``bend(z)`` is the derivative of that slope with respect to z, psi''(u) / psi'(u),
which only losses with a Jacobian in them need (`pedagogy_lib.learning.objectives.scores`).

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Eq. 5.15.
"""

from typing import NamedTuple

import numpy as np

#: The slope of a `LeakyRectified` unit below zero.
LEAK = 0.01


class Linear(NamedTuple):
    """z = u = D z_{l-1} + d.

    weights : ndarray, shape (K, M), the textbook's D
    biases : ndarray, shape (K,), its d
    """

    weights: np.ndarray
    biases: np.ndarray

    @staticmethod
    def activate(u):
        """psi(u) = u."""
        return u

    @staticmethod
    def slope(z):
        """psi' = 1."""
        return 1.0

    @staticmethod
    def bend(z):
        """The derivative of the slope: 0."""
        return 0.0


class Tanh(Linear):
    """z = tanh(u), between -1 and 1; fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def activate(u):
        """psi(u) = tanh(u)."""
        return np.tanh(u, out=u)

    @staticmethod
    def slope(z):
        """psi' = 1 - tanh^2(u)."""
        return 1.0 - z * z

    @staticmethod
    def bend(z):
        """The derivative of 1 - z^2: -2 z."""
        return -2.0 * z


class Logistic(Linear):
    """z = 1 / (1 + exp(-u)), between 0 and 1; fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def activate(u):
        """psi(u) = (1 + tanh(u/2)) / 2: the same function, which cannot overflow."""
        u *= 0.5
        np.tanh(u, out=u)
        u += 1.0
        u *= 0.5
        return u

    @staticmethod
    def slope(z):
        """psi' = z (1 - z)."""
        return z * (1.0 - z)

    @staticmethod
    def bend(z):
        """The derivative of z (1 - z): 1 - 2 z."""
        return 1.0 - 2.0 * z


class Rectified(Linear):
    """z = max(u, 0), a hinge (ReLU); fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def activate(u):
        """psi(u) = max(u, 0)."""
        return np.maximum(u, 0.0, out=u)

    @staticmethod
    def slope(z):
        """psi' = 1 above zero and 0 below; at the kink itself, 0 is chosen."""
        return z > 0

    @staticmethod
    def bend(z):
        """The derivative of the slope: 0 but at the kink."""
        return 0.0


class LeakyRectified(Linear):
    """z = max(u, u/100), a hinge that never is quite flat; fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def activate(u):
        """psi(u) = u above zero, u/100 below."""
        return np.maximum(u, LEAK * u, out=u)

    @staticmethod
    def slope(z):
        """psi' = 1 above zero, 1/100 below."""
        return np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAK))

    @staticmethod
    def bend(z):
        """The derivative of the slope: 0 but at the kink."""
        return 0.0


class Softplus(Linear):
    """z = log(1 + exp(u)), a hinge with its corner rounded off; fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def activate(u):
        """psi(u) = max(u, 0) + log(1 + exp(-|u|)): this form cannot overflow."""
        return np.maximum(u, 0.0) + np.log1p(np.exp(-np.abs(u)))

    @staticmethod
    def slope(z):
        """psi' = 1 / (1 + exp(-u)) = 1 - exp(-z)."""
        return -np.expm1(-z)

    @staticmethod
    def bend(z):
        """The derivative of 1 - exp(-z): exp(-z)."""
        return np.exp(-z)


class Exponential(Linear):
    """z = exp(u); fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def activate(u):
        """psi(u) = exp(u)."""
        return np.exp(u, out=u)

    @staticmethod
    def slope(z):
        """psi' = z."""
        return z

    @staticmethod
    def bend(z):
        """The derivative of z: 1."""
        return 1.0


class Logarithm(Linear):
    """z = log(u), for u above zero; fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def activate(u):
        """psi(u) = log(u)."""
        return np.log(u, out=u)

    @staticmethod
    def slope(z):
        """psi' = 1/u = exp(-z)."""
        return np.exp(-z)

    @staticmethod
    def bend(z):
        """The derivative of exp(-z): -exp(-z)."""
        return -np.exp(-z)
