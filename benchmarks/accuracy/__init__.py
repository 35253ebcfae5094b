"""Accuracy under stress: problems that are hard for rounding, or have no answer, and what each program says.

A row is a problem, what is asked of it, and a verdict on each contender: right, refused, or wrong in silence
(`verdicts`). Ours must be right to what its documentation promises, or refuse. Beside the rows stand approximations,
each with its error and the sign of it. The answers themselves come from closed forms, from sums over every state, or
from many digits (`tests/oracles`).
"""

import importlib
import sys
import time
from pathlib import Path

from benchmarks import machine

sys.path.append(str(Path(__file__).parents[2] / "tests" / "oracles"))       # what the tests judge by

#: The families, and what each is about.
FAMILIES = {
    "filters": "Filters and smoothers",
    "learning": "Regression",
    "undirected": "Machines with an energy, and sums over many states",
    "deep": "Networks, flows and noise",
}


def run(quick=False):
    """Ask everything; the result is plain enough for JSON."""
    try:
        import mpmath  # noqa: F401
    except ImportError:
        return {"suite": "accuracy", **machine.describe(), "families": {}, "skipped": "mpmath is not installed"}
    families = {}
    for name, title in FAMILIES.items():
        module, begun = importlib.import_module(f"benchmarks.accuracy.{name}"), time.perf_counter()
        rows = module.rows(quick)
        beside = list(module.beside(quick)) if hasattr(module, "beside") else []
        families[name] = {
            "title": title, "rows": rows, "beside": beside, "seconds": round(time.perf_counter() - begun, 1),
        }
    return {"suite": "accuracy", **machine.describe(), "families": families}
