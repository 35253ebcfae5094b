"""Which passes run: compiled where numba is there, else those of `_reference`."""

from typing import NamedTuple

from pedagogy_lib import checks, kernels
from pedagogy_lib.inference.discrete import _logs as on_logs
from pedagogy_lib.inference.discrete import _reference

BACKENDS = ("auto", "numba", "numpy")


class Passes(NamedTuple):
    """The passes of one backend."""

    filter: callable
    smooth: callable
    filter_logs: callable
    smooth_logs: callable
    viterbi: callable
    sample: callable


def passes_of(backend):
    """The passes of the backend that was asked for, or that is there."""
    backend = checks.option("backend", backend, BACKENDS)
    kernel = None if backend == "numpy" else kernels.load("hmm", required=backend == "numba")
    if kernel is None:
        return Passes(_reference.filter, _reference.smooth, on_logs.filter_pass, on_logs.smooth_pass,
                      _reference.viterbi, _reference.sample)  # fmt: skip
    return Passes(kernel.filter, kernel.smooth, kernel.filter_logs, kernel.smooth_logs, kernel.viterbi, kernel.sample)
