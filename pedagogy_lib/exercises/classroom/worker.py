"""The process in which a student's function runs. Started by `sandbox`; it knows no answers.

It reads the code first, then one call after another: a length, and that many bytes of pickled arguments, which come
from the grader and can be trusted. It writes a length, a line of JSON, and what `pack` makes of the value: JSON and
plain bytes, never a pickle, because what comes out of here cannot be trusted. Before the code is run, the process gives
up what it does not need: memory, files, other processes, the network.
"""

import ast
import contextlib
import importlib
import io
import json
import linecache
import os
import pickle
import sys

MEMORY = 2 << 30  # bytes
FORBIDDEN = ("os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.system", "os.kill", "os.killpg",
             "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink",
             "os.truncate", "os.putenv", "os.startfile", "subprocess.", "socket.", "shutil.", "ctypes.", "mmap.",
             "signal.pthread_kill", "pty.", "webbrowser.", "urllib.", "ftplib.", "sys.addaudithook")  # fmt: skip
KNOWN = ("scipy", "pandas", "matplotlib", "sklearn", "statsmodels", "sympy", "mpmath")
LOOKING = ("open", "os.listdir", "os.scandir", "os.chdir", "glob.glob", "os.walk")
REFUSED = 77  # the exit status of a process that tried what it may not


def pack(value):
    """Return a value as bytes: a description in JSON, a new line, and the contents of its arrays."""
    blocks = []
    description = json.dumps(_describe(value, blocks))
    return b"\n".join([description.encode(), b"".join(blocks)])


def _describe(value, blocks, depth=0):
    import numpy as np

    if value is None or isinstance(value, (bool, float)):
        return {"plain": value}
    if isinstance(value, int):
        return {"plain": value} if abs(value) < 1 << 1024 else {"other": "int"}
    if isinstance(value, str):
        return {"plain": str(value[:1000])}
    if isinstance(value, (tuple, list)) and depth < 20:
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_describe(part, blocks, depth + 1) for part in value]}
    if isinstance(value, np.ma.MaskedArray):
        return {"masked": True}
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufc":
        plain = np.ascontiguousarray(value)
        blocks.append(plain.tobytes())
        return {"array": [plain.dtype.str, list(np.shape(value)), len(blocks[-1])]}
    if isinstance(value, np.ndarray) and depth < 20:
        return _describe(value.tolist(), blocks, depth + 1)
    return {"function": True} if callable(value) else {"other": type(value).__name__}


def import_first(code):
    """Import the well-known packages that the code asks for: some look around or write when they are first imported."""
    for statement in ast.parse(code).body:
        names = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
        names += [statement.module or ""] if isinstance(statement, ast.ImportFrom) else []
        for name in names:
            if name.split(".")[0] in KNOWN:
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)


def renounce(package, seconds):
    """Give up what a calculation does not need. A process cannot take it back."""
    try:
        import resource
    except ImportError:  # not on Windows
        resource = None
    if resource is not None:
        limits = {"RLIMIT_AS": MEMORY, "RLIMIT_CPU": int(seconds) + 2, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0,
                  "RLIMIT_NPROC": 0, "RLIMIT_NOFILE": 64}  # fmt: skip
        for name, most in limits.items():
            resource.setrlimit(getattr(resource, name), (most, most))
    may_read = tuple(os.path.realpath(folder) + os.sep for folder in (sys.prefix, sys.base_prefix, package))

    def watch(event, arguments):
        if event.startswith(FORBIDDEN):
            _refuse(event)
        if event in LOOKING:
            path, *rest = arguments
            writes = event == "open" and len(rest) == 2 and rest[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if isinstance(path, int) and not writes:
                return
            real = os.path.realpath(os.fsdecode(path)) if isinstance(path, (str, bytes, os.PathLike)) else ""
            if writes or not (real + os.sep).startswith(may_read) or f"exercises{os.sep}sections" in real:
                _refuse(f"{event} {path!r}")

    sys.addaudithook(watch)


def _refuse(what, leave=os._exit):
    send({"refused": str(what)[:200]}, b"")
    leave(REFUSED)


def send(head, body):
    """Write one message: the length, a line of JSON, and the rest."""
    message = json.dumps(head).encode() + b"\n" + body
    data = len(message).to_bytes(8, "big") + message
    while data:
        data = data[os.write(_OUT, data) :]


def _receive():
    size = int.from_bytes(_read(8), "big")
    return _Unpickler(io.BytesIO(_read(size))).load()


class _Unpickler(pickle.Unpickler):
    """A function among the arguments stays with the grader; here stands one that asks it."""

    def persistent_load(self, number):
        def ask(*arguments):
            send({"ask": number}, pack(arguments))
            value, error = _receive()
            if error:
                raise ValueError(error)
            return value

        return ask


def _read(count):
    data = b""
    while len(data) < count:
        more = os.read(0, count - len(data))
        if not more:
            os._exit(0)  # the grader has gone
        data += more
    return data


def main():
    package, seconds = sys.argv[1], float(sys.argv[2])
    sys.path.insert(0, package)
    sys.modules["numba"] = None  # the library runs without it: the same numbers, and nothing to compile
    import numpy as np

    limits = importlib.import_module("pedagogy_lib.exercises.limits")
    code, name = _receive()
    linecache.cache["submission"] = (len(code), None, code.splitlines(True), "submission")  # a message quotes its lines
    linecache.getlines(__file__)  # so that a traceback through here opens nothing
    import_first(code)
    renounce(package, seconds)
    space = {"__name__": "submission", "np": np}
    started = limits.call(lambda: exec(compile(code, "submission", "exec"), space), (), seconds)
    answer = space.get(name)
    if not started.trouble and not callable(answer):
        started = limits.Outcome(trouble=f"In your notebook, {name} is no function.")
    while True:
        arguments = _receive()
        outcome = started if started.trouble else limits.call(answer, arguments, seconds)
        if outcome.trouble:
            send({"trouble": outcome.trouble}, b"")
            continue
        try:
            body = pack((outcome.value, arguments))
        except Exception as error:
            send({"trouble": f"What your code returned cannot be read ({type(error).__name__})."}, b"")
        else:
            send({}, body)


if __name__ == "__main__":
    # What a student prints goes nowhere; the grader is answered on a descriptor of its own.
    _OUT = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    main()
