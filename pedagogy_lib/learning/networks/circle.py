"""Layers for a field on a circle: the same weights at every place.

A field has shape (N, P, C): N samples, P places on a circle, C numbers (*channels*) at each place. Both layers here
are linear, and both commute with a turn of the circle: to turn the field and then to run it is to run it and then to
turn the result. So what is learned at one place is known at all.

`Convolution` looks at a few neighbors of each place. `Fourier` multiplies the longest waves by numbers of their own,
and so looks at the whole circle at once. With all waves it is a convolution as wide as the circle, and `kernel` says
which. `run` and `run_back` stack such layers, with a tanh between any two. A layer's own `run` and `run_back` trust
their arguments; those of a stack check them.

References
----------
Section 5.1.3, Eqs. 5.15-5.17, for dense layers. Y. LeCun et al. (1989), weights that are shared; Z. Li et al. (2021),
"Fourier neural operator for parametric partial differential equations".
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks


class Gradients(NamedTuple):
    """The derivatives of a loss.

    params : a layer, or a tuple of layers, its derivatives in the place of its numbers
    inputs : ndarray, shape (N, P, C), with respect to the field that came in
    """

    params: Any
    inputs: np.ndarray


class Convolution(NamedTuple):
    """u_i = d + sum_j D_j z_(i+j), over the w = 2 r + 1 neighbors j = -r ... r of each place i.

    weights : ndarray, shape (K, w, C), D from the last neighbor behind to the last ahead; w is odd
    biases : ndarray, shape (K,), d
    """

    weights: np.ndarray
    biases: np.ndarray

    @classmethod
    def start(cls, C, K, width, rng):
        """Random weights that keep the size of a field, and no biases.

        Parameters
        ----------
        C, K : int
            Channels that come in, and that go out.
        width : int
            w, odd.
        rng : numpy.random.Generator
        """
        C, K, width = checks.count("C", C), checks.count("K", K), _odd("width", width)
        rng = checks.generator("rng", rng)
        return cls(rng.standard_normal((K, width, C)) / np.sqrt(width * C), np.zeros(K))

    def run(self, z):
        """(N, P, C) to (N, P, K): one product for all places."""
        K = len(self.weights)
        return windows(z, self.weights.shape[1]) @ self.weights.reshape(K, -1).T + self.biases

    def run_back(self, z, pull):
        """dS/dD = sum of pull and window over samples and places; dS/dz is the transposed convolution.

        Place i gave to all places i - j that have it for their neighbor j: the weights turned end for end.
        """
        K, width, C = self.weights.shape
        seen, pulls = windows(z, width).reshape(-1, width * C), pull.reshape(-1, K)
        turned = self.weights[:, ::-1].transpose(2, 1, 0).reshape(C, -1)
        of_weights = (pulls.T @ seen).reshape(K, width, C)
        return Gradients(Convolution(of_weights, pulls.sum(0)), windows(pull, width) @ turned.T)

    def check(self, name):
        """Refuse other shapes; returns how many channels it takes and gives."""
        K, width, C = _field(f"{name}.weights", self.weights, ("K", "w", "C")).shape
        _odd(f"{name}.weights: its second axis", width)
        _field(f"{name}.biases", self.biases, (K,))
        return C, K


class Fourier(NamedTuple):
    """The waves 0 ... M-1 of the circle, each multiplied by a matrix of complex numbers; and each place by itself.

    ::

        u = d + W z + inverse transform of (B_m + i G_m) z~_m,      m = 0 ... M-1

    z~_m is the m-th Fourier coefficient of the field, the wave that goes m times round. Waves from M on are not
    multiplied, and only W lets them through.

    real, imaginary : ndarray, shape (M, K, C), B and G
    weights : ndarray, shape (K, C), W
    biases : ndarray, shape (K,), d
    """

    real: np.ndarray
    imaginary: np.ndarray
    weights: np.ndarray
    biases: np.ndarray

    @classmethod
    def start(cls, C, K, modes, rng):
        """Random multipliers and weights that keep the size of a field, and no biases.

        Parameters
        ----------
        C, K : int
            Channels that come in, and that go out.
        modes : int
            M.
        rng : numpy.random.Generator
        """
        C, K, M = checks.count("C", C), checks.count("K", K), checks.count("modes", modes)
        rng = checks.generator("rng", rng)
        waves = rng.standard_normal((2, M, K, C)) / np.sqrt(4 * C)
        return cls(waves[0], waves[1], rng.standard_normal((K, C)) / np.sqrt(2 * C), np.zeros(K))

    def run(self, z):
        """(N, P, C) to (N, P, K): to waves, a product for each wave, and back to places."""
        P, M = z.shape[1], len(self.real)
        waves = np.fft.rfft(z, axis=1)[:, :M].swapaxes(0, 1)              # (M, N, C): a product for each wave
        multiplied = waves @ (self.real + 1j * self.imaginary).swapaxes(1, 2)
        return np.fft.irfft(multiplied.swapaxes(0, 1), P, axis=1) + z @ self.weights.T + self.biases

    def run_back(self, z, pull):
        """The same way for the pull, with the multipliers' conjugate transposes.

        A wave that is neither constant nor the shortest of an even circle stands for two of the transform, itself
        and its conjugate: it counts double.
        """
        P, M, multipliers = z.shape[1], len(self.real), self.real - 1j * self.imaginary
        waves, of_waves = (np.fft.rfft(field, axis=1)[:, :M].swapaxes(0, 1) for field in (z, pull))
        double = np.where((np.arange(M) == 0) | (2 * np.arange(M) == P), 1.0, 2.0) / P
        shared = double[:, None, None] * (of_waves.swapaxes(1, 2) @ waves.conj())
        inputs = np.fft.irfft((of_waves @ multipliers).swapaxes(0, 1), P, axis=1) + pull @ self.weights
        of_weights = pull.reshape(-1, pull.shape[2]).T @ z.reshape(-1, z.shape[2])
        return Gradients(Fourier(shared.real, shared.imag, of_weights, pull.sum((0, 1))), inputs)

    def check(self, name):
        """Refuse other shapes; returns how many channels it takes and gives."""
        M, K, C = _field(f"{name}.real", self.real, ("M", "K", "C")).shape
        _field(f"{name}.imaginary", self.imaginary, (M, K, C))
        _field(f"{name}.weights", self.weights, (K, C))
        _field(f"{name}.biases", self.biases, (K,))
        return C, K


KINDS = (Convolution, Fourier)


def windows(z, width):
    """The neighbors of each place, those behind first.

    Parameters
    ----------
    z : ndarray, shape (N, P, C)
    width : int
        w, odd; at most P.

    Returns
    -------
    ndarray, shape (N, P, w C)
    """
    N, P, C = z.shape
    neighbors = np.arange(P)[:, None] + np.arange(width) - width // 2
    return z.take(neighbors % P, axis=1).reshape(N, P, width * C)    # % P: after the last place comes the first


def kernel(layer, P):
    """The convolution, as wide as the circle, that does what a Fourier layer does.

    Parameters
    ----------
    layer : Fourier
    P : int
        Places on the circle, odd, so that there are as many neighbors behind as ahead.

    Returns
    -------
    Convolution
        Of width P.
    """
    if not isinstance(layer, Fourier):
        raise TypeError(f"layer: expected a Fourier layer, got {type(layer).__name__}")
    layer.check("layer")
    P = _odd("P", P)
    _check_modes("layer", layer, P)
    ahead = np.fft.irfft(layer.real + 1j * layer.imaginary, P, axis=0)    # what reaches place i from place 0
    ahead[0] += layer.weights
    behind = -(np.arange(P) - P // 2)                                     # neighbor j of place i: from i + j to i
    return Convolution(np.ascontiguousarray(ahead[behind % P].transpose(1, 0, 2)), layer.biases.copy())


def stretched(layer, factor):
    """A Fourier layer for a circle that is longer, not finer: each multiplier stays with its wave's length.

    The wave that goes m times round a circle goes 2 m times round one twice as long. Between the waves that were
    learned the multipliers are interpolated.

    Parameters
    ----------
    layer : Fourier
        Of M waves.
    factor : int
        How many times as long the new circle is.

    Returns
    -------
    Fourier
        Of factor (M - 1) + 1 waves.
    """
    if not isinstance(layer, Fourier):
        raise TypeError(f"layer: expected a Fourier layer, got {type(layer).__name__}")
    layer.check("layer")
    old, factor = np.arange(len(layer.real)), checks.count("factor", factor)
    new = np.arange(factor * old[-1] + 1) / factor
    below = np.minimum(new.astype(int), max(old[-1] - 1, 0))
    share = (new - below)[:, None, None]
    real, imaginary = ((1 - share) * part[below] + share * part[np.minimum(below + 1, old[-1])] for part in layer[:2])
    return layer._replace(real=real, imaginary=imaginary)


def run(layers, z):
    """A field through a stack of layers, with a tanh between any two.

    Parameters
    ----------
    layers : tuple of Convolution and Fourier
    z : array_like, shape (N, P, C)

    Returns
    -------
    tuple of ndarrays
        The field that each layer received, and at last what came out, shape (N, P, K).
    """
    z = checks.array("z", z, ("N", "P", check(layers)))
    check_circle(layers, z.shape[1])
    return forward(layers, z)


def run_back(layers, fields, pull):
    """The derivative of a loss, back through a stack.

    Parameters
    ----------
    layers : tuple of layers
    fields : tuple of ndarrays
        From `run`.
    pull : array_like, shape (N, P, K)
        dS/d(what came out).

    Returns
    -------
    Gradients
    """
    check(layers)
    if not isinstance(fields, tuple) or len(fields) != len(layers) + 1:
        raise ValueError("fields: expected what run returned for these layers, got something else")
    fields = tuple(checks.array(f"fields[{l}]", field, ("N", "P", "C")) for l, field in enumerate(fields))
    for l, (layer, field) in enumerate(zip(layers, fields)):
        channels, shape = layer.check(f"layers[{l}]")[0], fields[0].shape[:2]
        if field.shape != (*shape, channels):
            raise ValueError(f"fields[{l}]: expected shape {(*shape, channels)}, got {field.shape}")
    if fields[-1].shape[:2] != fields[0].shape[:2]:
        shape = fields[0].shape[:2]
        raise ValueError(f"fields[{len(layers)}]: expected shape {shape} and channels, got {fields[-1].shape}")
    return backward(layers, fields, checks.array("pull", pull, (*fields[0].shape[:2], layers[-1].check("layers")[1])))


def forward(layers, z):
    """z_l = tanh(layer_l(z_(l-1))), the last without the tanh; arguments as for `run`, trusted."""
    fields = [z]
    for layer in layers[:-1]:
        fields.append(np.tanh(layer.run(fields[-1])))
    return (*fields, layers[-1].run(fields[-1]))


def backward(layers, fields, pull):
    """The layers in the opposite order; arguments as for `run_back`, trusted."""
    found = []
    for l in range(len(layers) - 1, -1, -1):
        of_layer, pull = layers[l].run_back(fields[l], pull)
        found.append(of_layer)
        if l:
            pull = pull * (1 - fields[l] ** 2)                # tanh' from what came out of it
    return Gradients(tuple(found[::-1]), pull)


def _field(name, value, shape):
    """An array, and no list: a layer is run as it is."""
    checks.array(name, value, shape)
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name}: expected an array, got {type(value).__name__}")
    return value


def check(layers, name="layers"):
    """Refuse what is no stack of layers; returns how many channels the first takes."""
    if not isinstance(layers, tuple) or not layers or isinstance(layers, KINDS):
        raise TypeError(f"{name}: expected a tuple of layers, at least one, got {type(layers).__name__}")
    given = None
    for l, layer in enumerate(layers):
        if not isinstance(layer, KINDS):
            raise TypeError(f"{name}[{l}]: expected a Convolution or Fourier layer, got {type(layer).__name__}")
        takes, gives = layer.check(f"{name}[{l}]")
        if given is None:
            first = takes
        elif takes != given:
            raise ValueError(f"{name}[{l}]: expected to take {given} channels, as the layer before gives, got {takes}")
        given = gives
    return first


def check_circle(layers, P, name="layers"):
    """Refuse a circle too short for the neighbors or the waves of a layer."""
    for l, layer in enumerate(layers):
        if isinstance(layer, Fourier):
            _check_modes(f"{name}[{l}]", layer, P)
        elif layer.weights.shape[1] > P:
            raise ValueError(f"{name}[{l}]: expected a circle of at least {layer.weights.shape[1]} places, got {P}")


def _check_modes(name, layer, P):
    if len(layer.real) > P // 2 + 1:
        most = P // 2 + 1
        raise ValueError(f"{name}: expected at most {most} waves on a circle of {P} places, got {len(layer.real)}")


def _odd(name, width):
    width = checks.count(name, width)
    if width % 2 == 0:
        raise ValueError(f"{name}: expected an odd number, as many behind as ahead, got {width}")
    return width
