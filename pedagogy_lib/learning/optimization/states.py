"""Where a run stands, and how to keep that in a file.

`generator` is a building block, and trusts its arguments, which its callers have checked.
"""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters


class State(NamedTuple):
    """All that is needed to go on as if the run had never stopped.

    iteration : int, the number of steps taken
    params : the parameters after them
    memory : tuple of ndarray, what the method remembers
    method : str, the method's name
    randomness : dict, the state of the bit generator
    order, position : the shuffled observations, and how many of them have been dealt
    validation : Best, what the validation data have shown so far
    """

    iteration: int
    params: Any
    memory: tuple
    method: str
    randomness: dict
    order: np.ndarray
    position: int
    validation: Any


class Best(NamedTuple):
    """What the validation data have shown so far.

    seed : int, of the randomness of every validation, so that all see the same; -1 without validation
    checked : int, the iteration of the last validation, -1 before the first
    loss : float, the lowest so far
    params : the parameters that gave it, or None
    waited : int, how many validations since then
    """

    seed: int = -1
    checked: int = -1
    loss: float = np.inf
    params: Any = None
    waited: int = 0


def save(path, state):
    """Write a state to a file: plain arrays, no pickles.

    Parameters
    ----------
    path : str or Path
        Ends in ``.npz``.
    state : State
    """
    path, _ = _checked_path(path), checks.kind("state", state, State)
    best = state.validation
    contents = {
        "names": np.array([name for name, _ in parameters.leaves(state.params)]),
        "params": parameters.flatten(state.params).vector,
        "best_params": np.empty(0) if best.params is None else parameters.flatten(best.params).vector,
        "best_loss": np.array(best.loss),
        "counts": np.array([state.iteration, state.position, best.seed, best.checked, best.waited], np.int64),
        "order": state.order,
        "method": np.array(state.method),
        "randomness": np.array(json.dumps(state.randomness, default=lambda array: array.tolist())),
        "memories": np.array(len(state.memory)),
    }
    contents.update({f"memory_{i}": one for i, one in enumerate(state.memory)})
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            np.savez(file, **contents)
        os.replace(beside, path)                    # all at once: a full disk leaves the old file as it was
    finally:
        beside.unlink(missing_ok=True)


def load(path, params):
    """Read a state from a file.

    Parameters
    ----------
    path : str or Path
        Written by `save`.
    params
        Parameters of the same structure and shapes, such as the run was begun with; their numbers
        are not used.

    Returns
    -------
    State

    Raises
    ------
    ValueError
        If the parameters in the file have other names or another number of entries.
    """
    with np.load(_checked_path(path), allow_pickle=False) as file:
        kept = {name: file[name] for name in file.files}
    names, wanted = kept["names"].tolist(), [name for name, _ in parameters.leaves(params)]
    flat = parameters.flatten(params).vector
    if names != wanted:
        raise ValueError(f"params: expected the fields in the file, {', '.join(names)}, got {', '.join(wanted)}")
    if flat.shape != kept["params"].shape or flat.dtype != kept["params"].dtype:
        raise ValueError(
            f"params: expected {len(kept['params'])} numbers of type {kept['params'].dtype}, as in the file, "
            f"got {len(flat)} of type {flat.dtype}"
        )
    iteration, position, seed, checked, waited = kept["counts"].tolist()
    best = parameters.view(kept["best_params"], params) if kept["best_params"].size else None
    return State(
        iteration, parameters.view(kept["params"], params),
        tuple(kept[f"memory_{i}"] for i in range(int(kept["memories"]))), str(kept["method"]),
        json.loads(str(kept["randomness"])), kept["order"], position,
        Best(seed, checked, float(kept["best_loss"]), best, waited),
    )


def generator(randomness):
    """A generator that goes on where another stood.

    Parameters
    ----------
    randomness : dict
        The state of its bit generator.

    Returns
    -------
    numpy.random.Generator
    """
    bits = getattr(np.random, randomness["bit_generator"])()
    bits.state = _arrays(randomness, bits.state)
    return np.random.Generator(bits)


def _arrays(kept, like):
    """Lists back to arrays, where the bit generator has arrays."""
    if isinstance(like, dict):
        return {name: _arrays(kept[name], like[name]) for name in like}
    return np.asarray(kept, like.dtype) if isinstance(like, np.ndarray) else kept


def _checked_path(path):
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path: expected a file's name, got {type(path).__name__}")
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"path: expected a name that ends in .npz, got {path.name!r}")
    return path
