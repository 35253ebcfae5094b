"""One sequence, or a list of them: told apart, put one below the other, and named in messages."""

import numpy as np

from pedagogy_lib import checks


def is_list(y):
    """Whether y is a list of sequences, and not one sequence."""
    if isinstance(y, np.ndarray):
        return y.ndim == 3
    return isinstance(y, (list, tuple)) and len(y) > 0 and np.ndim(y[0]) > 0


def joined(y):
    """All sequences, one below the other, and their lengths."""
    called = names(y)
    parts = [checks.numbers(name, part) for name, part in zip(called, y if is_list(y) else [y])]
    for name, part in zip(called, parts):
        if part.ndim == 0 or len(part) == 0:
            raise ValueError(f"{name}: expected at least one time step, got shape {part.shape}")
        if part.shape[1:] != parts[0].shape[1:]:
            raise ValueError(f"{name}: expected rows of shape {parts[0].shape[1:]}, as in y[0], got {part.shape[1:]}")
    return (np.concatenate(parts) if len(parts) > 1 else parts[0]), [len(part) for part in parts]


def names(y):
    """What to call each sequence in a message."""
    return [f"y[{i}]" for i in range(len(y))] if is_list(y) else ["y"]
