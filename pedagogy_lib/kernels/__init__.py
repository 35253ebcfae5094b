"""The only compiled loops in the house.

Each module here does the work of a NumPy reference elsewhere in the library, in scalar loops that
numba compiles. Nothing is imported, let alone compiled, before the first call that needs it; where
numba is not installed, the reference runs.
"""

import math
from importlib import import_module

import numpy as np

from pedagogy_lib import checks


def load(name, required=False):
    """Import a module of kernels.

    Parameters
    ----------
    name : str
        Its name in this package.
    required : bool
        Whether to raise where numba is not installed, instead of returning None.

    Returns
    -------
    module or None

    Raises
    ------
    ImportError
        If it is required and numba is not installed.
    """
    try:
        return import_module(f"{__name__}.{name}")
    except ImportError as error:
        if not required:
            return None
        raise ImportError(
            'backend="numba" needs numba, which is not installed: pip install "pedagogy_lib[fast]"'
        ) from error


BACKENDS = ("auto", "numba", "numpy")


def choose(name, backend):
    """The module of kernels that a backend asks for, or None where the reference shall run.

    Parameters
    ----------
    name : str
    backend : {"auto", "numba", "numpy"}
        ``"auto"`` takes the kernels if numba is there.

    Returns
    -------
    module or None
    """
    backend = checks.option("backend", backend, BACKENDS)
    return None if backend == "numpy" else load(name, required=backend == "numba")


def arrays(*shapes):
    """Empty arrays for results, cut from one block of memory.

    The system hands out memory in pages, and each page takes longer than filling it. One large
    block comes in large pages, and is found again at the next call of the same size.
    """
    sizes = [math.prod(shape) for shape in shapes]
    block, start, found = np.empty(sum(sizes)), 0, []
    for shape, size in zip(shapes, sizes):
        found.append(block[start : start + size].reshape(shape))
        start += size
    return found
