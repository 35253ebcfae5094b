"""What a reader waits for: the import, the first call ever, the first call of another day.

Every number is that of a new process; the middle one of a few.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

CLOCK = "import time; start = time.perf_counter()\n"
STOP = "\nprint(time.perf_counter() - start)"
BASE = "import numpy, scipy.linalg\n"
LIBRARY = "import pedagogy_lib.inference.kalman as kalman\n"
MODEL = """
import numpy as np
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
arrow = AffineGaussian(np.eye(2), np.zeros(2), np.eye(2))
model = Gaussian(np.zeros(2), np.eye(2)), arrow, arrow, np.zeros((5, 2))
"""


def run(repeats=3, quick=False):
    """Seconds, by name; if quick, without the slower calls."""
    rows = {
        "import pedagogy_lib, above NumPy and SciPy": _median(BASE + CLOCK + LIBRARY + STOP, repeats),
        "import numba": _median(BASE + CLOCK + "import numba" + STOP, repeats),
    }
    calls = {
        "filter": "kalman.filter(*model)",
        "filter, method='sqrt'": "kalman.filter(*model, method='sqrt')",
        "filter and smoother": "kalman.smooth(*model)",
        "filter and smoother, method='sqrt'": "kalman.smooth(*model, method='sqrt')",
    }
    return rows | first_calls(LIBRARY + MODEL, calls, repeats, quick)


def first_calls(setup, calls, repeats=3, quick=False):
    """Seconds of each call: the first ever, and the first of a new process; if quick, of one."""
    rows = {}
    for name, call in list(calls.items())[: 1 if quick else None]:
        code = BASE + setup + CLOCK + call + STOP
        cold, cached = [], []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as folder:
                cold.append(_seconds(code, folder))         # numba imported, kernels compiled
                cached.append(_seconds(code, folder))       # numba imported, kernels loaded
        rows[f"first {name}, ever"] = round(statistics.median(cold), 2)
        rows[f"first {name}, of a new process"] = round(statistics.median(cached), 2)
    return rows


def _median(code, repeats):
    return round(statistics.median(_seconds(code) for _ in range(repeats)), 2)


def _seconds(code, cache=None):
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(ROOT)
    if cache:
        environment["NUMBA_CACHE_DIR"] = cache
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])
