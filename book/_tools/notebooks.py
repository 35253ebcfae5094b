"""Executed notebooks: run side by side, remembered, and forgotten when something they used has changed.

Each notebook's outcome is kept in `_build/executed/`: the notebook with its outputs, and a record of
what it depends on. The record is written last, in one stroke, and names the outcome by its digest, so
that a run which was cut off at any moment leaves nothing that could be taken for an outcome.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

import nbformat

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parents[1]
FOLDER = ROOT / "_build" / "executed"
WORKERS = min(2, os.cpu_count() or 1)

# The kernels draw as in JupyterLab, whatever backend the shell asks for; the site brings the script of
# figures itself (book/_ext/companion/figures.py), so no figure carries it along. Compiled code is kept
# and shared, and so is Matplotlib's list of fonts, which another program may have left incomplete; two
# threads on small matrices cost more than they bring.
SETTINGS = {"PEDAGOGY_LIB_FIGURES": "site"}
DEFAULTS = {
    "NUMBA_CACHE_DIR": str(ROOT / "_build" / "numba"),
    "MPLCONFIGDIR": str(ROOT / "_build" / "matplotlib"),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def code_digest(source: Path, words=()) -> str:
    """One number for what is executed: the code cells of a notebook, and what they stand on.

    Text may change without a run: only code can change an outcome.
    """
    notebook = json.loads(source.read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    said = json.dumps([code, notebook["metadata"].get("kernelspec"), SETTINGS, list(words)])
    said += file_digest(TOOLS / "execute.py")
    return hashlib.sha256(said.encode()).hexdigest()


class Memory:
    """What is known of one notebook."""

    def __init__(self, name: str):
        self.name, self.source = name, ROOT / f"{name}.ipynb"
        slug = name.replace("/", "--")
        self.outcome, self.record = FOLDER / f"{slug}.ipynb", FOLDER / f"{slug}.json"

    def recall(self) -> dict:
        """The record of the last run; empty if there is none that can be read."""
        try:
            return json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def is_fresh(self, words) -> bool:
        """Whether the outcome that is kept is what a run would give now."""
        known = self.recall()
        return (
            known.get("code") == code_digest(self.source, words)
            and self.outcome.is_file()
            and known.get("outcome") == file_digest(self.outcome)
            and all((ROOT / f).is_file() and file_digest(ROOT / f) == d for f, d in known["files"].items())
        )

    def run(self, words, hand):
        """Execute by one of the hands; returns what went wrong, or None. Safe to be killed at any moment."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        code = code_digest(self.source, words)
        made, told = self.outcome.with_suffix(".ipynb.new"), self.record.with_suffix(".json.new")
        problem = hand.execute(self.source, made, told)
        if problem:
            return problem
        record = json.loads(told.read_text(encoding="utf-8"))
        record["files"] = {name: file_digest(ROOT / name) for name in record["files"]}
        record |= {"code": code, "outcome": file_digest(made)}
        told.write_text(json.dumps(record, indent=1), encoding="utf-8")
        os.replace(made, self.outcome)
        os.replace(told, self.record)
        return None


class Hand:
    """A process that executes one notebook after the other (`execute.py`)."""

    def __init__(self):
        self.process = None

    def execute(self, *files):
        """Execute a notebook; returns what went wrong, or None."""
        if self.process is None or self.process.poll() is not None:
            self._start()
        try:
            self.process.stdin.write(json.dumps([str(file) for file in files]) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer:
            problem = json.loads(answer)
            return problem and _readable(problem)
        status = self.process.wait()
        self.complaints.seek(0)
        return _readable(self.complaints.read()) or f"the run ended with status {status}"

    def _start(self):
        environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
        self.complaints = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 (open while it works)
        self.process = subprocess.Popen(
            [sys.executable, str(TOOLS / "execute.py")], env={**DEFAULTS, **environment, **SETTINGS},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints, encoding="utf-8",
        )  # fmt: skip

    def rest(self):
        """Let the process end."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


def refresh(names, words=(), say=print) -> list[str]:
    """Execute those notebooks whose outcome is not known; returns what went wrong, one text each.

    Parameters
    ----------
    names : list of str
        Notebooks, relative to the root, without suffix.
    words : list of str
        What every outcome depends on besides: the versions of packages.
    say : callable
        Told of each notebook that starts and ends.
    """
    stale = [memory for memory in map(Memory, names) if not memory.is_fresh(words)]
    expected = {memory.name: expected_seconds(memory) for memory in stale}
    stale.sort(key=lambda memory: -expected[memory.name])  # the longest first: they end together
    progress, problems, hands = Progress(expected, say), [], [Hand() for _ in range(WORKERS)]
    free = SimpleQueue()
    for hand in hands:
        free.put(hand)

    def watched(memory):
        hand = free.get()
        try:
            return progress.watch(memory, words, hand)
        finally:
            free.put(hand)

    with ThreadPoolExecutor(WORKERS) as pool:
        runs = {pool.submit(watched, memory): memory for memory in stale}
        for run in as_completed(runs):
            if run.result():
                problems.append(f"{runs[run].name}\n{run.result()}")
    for hand in hands:
        hand.rest()
    return problems


def expected_seconds(memory: Memory) -> float:
    """As long as the last run took; of a new notebook, by the length of its code."""
    return memory.recall().get("seconds") or 3 + memory.source.stat().st_size / 4000


class Progress:
    """Says which notebook runs, how many are left, and how long that may take."""

    def __init__(self, expected, say):
        self.expected, self.say = dict(expected), say
        self.total, self.ended, self.pace = len(expected), 0, []

    def watch(self, memory, words, hand):
        start = time.monotonic()
        problem = memory.run(words, hand)
        seconds = time.monotonic() - start
        self.ended += 1
        # This machine, today, against what was expected of the notebooks that have ended.
        self.pace.append(seconds / self.expected.pop(memory.name))
        left = sum(self.expected.values()) * sum(self.pace) / len(self.pace) / WORKERS
        state = "failed after" if problem else "ran in"
        more = f"; about {_spell(left)} left" if self.ended < self.total else ""
        self.say(f"[{self.ended}/{self.total}] {memory.name} {state} {seconds:.0f} s{more}")
        return problem


def _readable(report):
    """What a run complained of, without colors and without the kernel's own remarks."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", report)
    return re.sub(r"^\[IPKernelApp\].*\n?", "", plain, flags=re.MULTILINE).strip()


def _spell(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def outcomes(names) -> dict[str, str]:
    """The digest of each outcome that is kept."""
    return {name: Memory(name).recall()["outcome"] for name in names}


def hand_over(names, cache_folder: Path) -> None:
    """Put all outcomes where MyST-NB looks for them: a cache that is made anew each time."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    cache = get_cache(cache_folder)
    for memory in map(Memory, names):
        notebook = nbformat.read(memory.outcome, as_version=4)
        cache.cache_notebook_bundle(
            CacheBundleIn(notebook, str(memory.source), data={"execution_seconds": memory.recall()["seconds"]}),
            check_validity=False, overwrite=True,
        )  # fmt: skip
