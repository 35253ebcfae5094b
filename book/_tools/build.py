"""Build the book into `_build/html`: python book/_tools/build.py

Around `jupyter-book build` it does three things that the program does not do by itself:

- executed notebooks are remembered, but the memory does not see a change of the library (MyST-NB
  issue 299), so it is dropped when the library, the results of the benchmarks, or a package they
  stand on, has changed;
- a failed build forgets its pages, since a second run would skip the pages that warned, and pass;
- at the end every page of the table of contents must be there.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
SITE = BUILD / "html"
STAMP = BUILD / "site.json"

# What the notebooks compute with, and what the pages are made of besides their own text.
LIBRARY = ("pedagogy_lib/**/*", "benchmarks/report.py", "benchmarks/results/*")
PAGES = ("_config.yml", "_toc.yml", "book/_ext/**/*", "book/_static/**/*", "book/*.yml",
         "book/*.csv", "book/*.bib")  # fmt: skip
PACKAGES = ("numpy", "scipy", "matplotlib", "ipywidgets", "numba",
            "myst-nb", "sphinx", "jupyter-book")  # fmt: skip


def pages(toc: dict) -> list[str]:
    """Every page that a table of contents names, in order."""
    named = [toc["root"]] if "root" in toc else [toc["file"]] if "file" in toc else []
    for key in ("parts", "chapters", "sections"):
        for item in toc.get(key, []):
            named += pages(item)
    return named


def missing_pages(toc: dict, site: Path) -> list[str]:
    """The pages of a table of contents that a built site lacks."""
    return [page for page in pages(toc) if not (site / f"{page}.html").is_file()]


def load_toc() -> dict:
    return yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))


def digest(patterns, *more: str) -> str:
    """One number for the contents of all files under these patterns, and for some words."""
    total = hashlib.sha256("\0".join(more).encode())
    files = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    for path in sorted(files):
        if "__pycache__" not in path.parts:
            total.update(path.relative_to(ROOT).as_posix().encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def versions() -> list[str]:
    """Python and the packages whose change may change what a page shows."""
    installed = {dist.metadata["Name"].lower() for dist in metadata.distributions()}
    return [sys.version] + [f"{p} {metadata.version(p)}" for p in PACKAGES if p in installed]


def current_state() -> dict[str, str]:
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from companion import launch

    where = f"{launch.repository_url()} {launch.branch()}"
    return {"library": digest(LIBRARY, *versions()), "pages": digest(PAGES, where)}


def forget(*names: str) -> None:
    for name in names:
        shutil.rmtree(BUILD / name, ignore_errors=True)


def drop_stale(state: dict[str, str]) -> None:
    """Throw away what an earlier build made and this one may no longer trust."""
    before = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    if before.get("library") != state["library"]:
        forget(".jupyter_cache", "jupyter_execute")
    if before != state:
        forget(".doctrees", "html")


def save(state: dict[str, str]) -> None:
    BUILD.mkdir(exist_ok=True)
    STAMP.write_text(json.dumps(state))


def build() -> int:
    """Build; returns the exit status."""
    start = time.monotonic()
    state = current_state()
    drop_stale(state)
    save({"library": state["library"]})  # the pages count as made only once they are
    # The kernels draw as in JupyterLab, whatever backend the shell asks for; the site brings the
    # script of figures itself (book/_ext/companion/figures.py), so no figure carries it along.
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    environment["PEDAGOGY_LIB_FIGURES"] = "site"
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command += ["build", str(ROOT), "--path-output", str(ROOT), "-W", "-n", "--keep-going"]
    status = subprocess.run(command, env=environment, check=False).returncode
    if status:
        print_reports()
        return status
    missing = missing_pages(load_toc(), SITE)
    if missing:
        print(f"Built, but these pages of _toc.yml are missing: {', '.join(missing)}")
        return 1
    save(state)
    print(f"The book is in {SITE} ({time.monotonic() - start:.0f} s).")
    return 0


def print_reports() -> None:
    """The tracebacks of notebooks that failed, which the build only names."""
    for report in sorted(SITE.glob("reports/**/*.log")):
        print(f"--- {report.relative_to(SITE)}")
        print(report.read_text(encoding="utf-8", errors="replace"))


if __name__ == "__main__":
    sys.exit(build())
