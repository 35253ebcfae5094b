"""A network as a page carries it: for each layer its shape, its nonlinearity, and its weights in single precision."""

import base64

import numpy as np

#: The class of a layer -> what the page does with its sums. Outputs are given as natural parameters.
KINDS = {
    "Linear": "linear", "Tanh": "tanh", "Rectified": "rectified", "Logistic": "logistic",
    "Gaussian": "linear", "Bernoulli": "linear", "Categorical": "linear",
}  # fmt: skip
_ACTIVATE = {
    "linear": lambda u: u,
    "tanh": np.tanh,
    "rectified": lambda u: np.maximum(u, 0),
    "logistic": lambda u: 0.5 + 0.5 * np.tanh(0.5 * u),
}


def pack(layers, name, caller):
    """Return a network as the script reads it.

    Parameters
    ----------
    layers : sequence of layers
        Each with ``weights`` of shape (K, M) and ``biases`` of shape (K,); its class says what follows.
    name, caller : str
        For messages.

    Returns
    -------
    list of dict
        Shape and kind of each layer, and its weights, row by row, then its biases, as 32-bit floats in base64.

    Raises
    ------
    TypeError, ValueError
        If a layer is of no known class, if its numbers are not finite, or if the layers do not fit together.
    """
    packed = []
    for number, layer in enumerate(layers):
        kind = KINDS.get(type(layer).__name__)
        if kind is None:
            known, got = ", ".join(KINDS), type(layer).__name__
            raise TypeError(f"{caller}: {name}[{number}]: expected a layer ({known}), got {got}")
        weights, biases = np.asarray(layer.weights), np.asarray(layer.biases)
        rows, columns = weights.shape
        if packed and packed[-1]["rows"] != columns:
            before = packed[-1]["rows"]
            raise ValueError(f"{caller}: {name}[{number}]: expected weights for {before} inputs, got {columns}")
        numbers = np.concatenate([weights.ravel(), biases]).astype("<f4")
        if biases.shape != (rows,) or not np.isfinite(numbers).all():
            raise ValueError(f"{caller}: {name}[{number}]: expected finite weights (K, M) and biases (K,)")
        text = base64.b64encode(numbers.tobytes()).decode()
        packed.append({"rows": rows, "columns": columns, "kind": kind, "numbers": text})
    return packed


def run(packed, inputs):
    """Return what the page computes: the last layer's sums for each row of ``inputs``, shape (N, K)."""
    z = np.asarray(inputs, float)
    for layer in packed:
        numbers = np.frombuffer(base64.b64decode(layer["numbers"]), "<f4").astype(float)
        weights, biases = np.split(numbers, [layer["rows"] * layer["columns"]])
        z = _ACTIVATE[layer["kind"]](z @ weights.reshape(layer["rows"], -1).T + biases)
    return z
