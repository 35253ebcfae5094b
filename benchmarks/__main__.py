"""Run ``python -m benchmarks [suite] [--quick] [--output FILE]`` from the root of the project."""

import argparse
import importlib
import json
import os
from pathlib import Path

SUITES = ("kalman", "hmm", "sparse", "learning", "particles", "regression", "trees", "motion", "networks", "energies",
          "accuracy")
RESULTS = Path(__file__).parent / "results"

# One thread each, and double precision: set before anything imports NumPy or JAX.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suite", nargs="*", help="which ones; all if none")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds: a smoke test")
    parser.add_argument("--output", type=Path, help="folder for the results (benchmarks/results)")
    options = parser.parse_args()
    from benchmarks import report

    for name in options.suite or SUITES:
        results = importlib.import_module(f"benchmarks.{name}").run(quick=options.quick)
        print(report.markdown(results))
        # A smoke test must not overwrite the results that the book shows.
        folder = options.output or (None if options.quick else RESULTS)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}.json"
            path.write_text(json.dumps(results, indent=1) + "\n")
            print(f"written to {path}")


if __name__ == "__main__":
    main()
