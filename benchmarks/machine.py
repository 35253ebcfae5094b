"""Where and with what a benchmark ran."""

import importlib.metadata
import os
import platform
from datetime import date

PACKAGES = (
    "pedagogy_lib", "numpy", "scipy", "numba", "statsmodels", "dynamax", "jax", "filterpy",
    "pykalman", "mpmath", "hmmlearn", "scikit-learn", "particles", "blackjax", "torch",
)


def describe():
    """The machine, the date, and the versions of everything that took part."""
    return {
        "date": date.today().isoformat(),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
            "threads": 1,
        },
        "versions": {"python": platform.python_version(), **{p: _version(p) for p in PACKAGES}},
    }


def _processor():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(l.split(":")[1].strip() for l in lines if l.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
