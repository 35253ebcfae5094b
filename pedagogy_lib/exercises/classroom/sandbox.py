"""Call a student's function in a process of its own, with limits of time and memory.

This keeps honest mistakes and simple mischief away from the grader: the process holds no answers, may open nothing but
the libraries, start nothing, and use two gigabytes. It is no prison. A class whose submissions come from strangers runs
the grader in a container.
"""

import contextlib
import io
import json
import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

import numpy as np

from ..limits import Trouble

LARGEST = 1 << 28  # bytes of an answer
WORKER = Path(__file__).with_name("worker.py")
#: What a process of this kind finds in its environment: nothing but how many threads to use.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
               "MPLBACKEND": "agg"}  # fmt: skip


class Unreadable:
    """Stands for a value that is no number, of which only the type is known."""

    def __init__(self, kind):
        self.kind = kind


@contextlib.contextmanager
def answering(code, name, package, timeout):
    """Provide a function that calls the one in `code`, elsewhere.

    Parameters
    ----------
    code : str
        Of `extraction.function`.
    name : str
        Of the function.
    package : str or Path
        A folder with a library that has no answers: `copies.library`.
    timeout : float
        Seconds for all calls together.

    Yields
    ------
    callable
        It raises `limits.Trouble` where the call failed.
    """
    with tempfile.TemporaryDirectory() as nowhere:
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(WORKER), str(package), str(timeout)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=nowhere, env=ENVIRONMENT | {"MPLCONFIGDIR": nowhere}, start_new_session=True,
        )  # fmt: skip
        try:
            yield _Caller(process, code, name, timeout)
        finally:
            with contextlib.suppress(OSError, AttributeError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
            process.wait()


class _Caller:
    """The grader's end of the pipe; called like the student's function."""

    def __init__(self, process, code, name, timeout):
        self.process, self.timeout, self.ends = process, timeout, None
        self.__name__ = name
        self._send((code, name))

    def __call__(self, *arguments):
        self.ends = self.ends or time.monotonic() + self.timeout
        functions = self._send(arguments)
        while True:
            said, body = self._receive()
            try:
                if "ask" in said:
                    self._send(_asked(functions[said["ask"]], unpack(body)))
                elif said:
                    break
                else:
                    value, left = unpack(body)
                    _restore(arguments, left)
                    return value
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                raise Trouble("What your code returned cannot be read.") from error
        if "refused" in said:
            raise Trouble(f"Your code tried what an answer may not do: {str(said['refused'])[:200]}.")
        raise Trouble(str(said.get("trouble"))[:2000])

    def _send(self, what):
        data = io.BytesIO()
        pickler = _Pickler(data)
        pickler.dump(what)
        with contextlib.suppress(OSError):  # it has ended; reading says how
            self.process.stdin.write(len(data.getvalue()).to_bytes(8, "big") + data.getvalue())
            self.process.stdin.flush()
        return pickler.functions

    def _receive(self):
        size = int.from_bytes(self._read(8), "big")
        if size > LARGEST:
            raise Trouble(f"Your code returned more than {LARGEST >> 20} megabytes.")
        head, _, body = self._read(size).partition(b"\n")
        try:
            return dict(json.loads(head)), body
        except (ValueError, TypeError, RecursionError) as error:
            raise Trouble("What your code returned cannot be read.") from error

    def _read(self, count):
        data = bytearray()
        while len(data) < count:
            left = self.ends - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Trouble(
                    f"Your code was still running after {self.timeout:g} seconds. Is there a loop that does not end?"
                )
            more = os.read(self.process.stdout.fileno(), min(1 << 20, count - len(data)))
            if not more:
                raise Trouble("Your code ended the process in which it ran: did it need more memory, or time?")
            data += more
        return bytes(data)


class _Pickler(pickle.Pickler):
    """Arguments on their way out; functions among them stay here, and are asked for by number."""

    def __init__(self, file):
        super().__init__(file)
        self.functions = []

    def persistent_id(self, thing):
        if not isinstance(thing, types.FunctionType):
            return None
        self.functions.append(thing)
        return len(self.functions) - 1


def _asked(function, arguments):
    """What a function of the grader's returns for a student's code: a value, and what went wrong."""
    try:
        return function(*arguments), None
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"[:200]


def unpack(data):
    """Return the value of which `worker.pack` made these bytes."""
    description, _, rest = data.partition(b"\n")
    return _rebuilt(json.loads(description), memoryview(rest), [0])


def _rebuilt(said, rest, place):
    ((kind, what),) = said.items()
    if kind == "plain":
        return what
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(_rebuilt(part, rest, place) for part in what)
    if kind == "array":
        dtype, shape, size = what
        place[0] += size
        if np.dtype(dtype).kind not in "biufc":
            raise ValueError(dtype)
        return np.frombuffer(rest[place[0] - size : place[0]], dtype).reshape(shape).copy()
    if kind == "masked":
        return np.ma.masked_array([0.0], [True])
    return (lambda: None) if kind == "function" else Unreadable(what)


def _restore(arguments, left):
    """Give the arguments the values that the student's code left in its own copy of them."""
    for mine, theirs in zip(arguments, left):
        if isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray) and mine.shape == theirs.shape:
            mine[...] = theirs
        elif isinstance(mine, (tuple, list)) and isinstance(theirs, (tuple, list)):
            _restore(mine, theirs)
