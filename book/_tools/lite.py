"""Put the notebooks beside the site as JupyterLite: python book/_tools/lite.py

JupyterLab without a server: the notebooks, the library as a wheel, and a kernel that is Python compiled for
browsers. Python itself, NumPy, SciPy and Matplotlib are fetched by the reader's browser at the first start,
from the address that the kernel's release names; the wheel comes from the site.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "_build" / "lite"
SITE = ROOT / "_build" / "html" / "lite"
# Such cells are what a reader would have to type first.
INSTALL = "%pip install -q pedagogy_lib  # in the browser only: the library, from this site"


def wheel() -> Path:
    """Build the library's wheel, and return its path."""
    folder, sources = WORK / "wheels", WORK / "sources"  # a copy, because building leaves things where it builds
    for old in (folder, sources):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(ROOT / "pedagogy_lib", sources / "pedagogy_lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CONTENT"):
        shutil.copy(ROOT / name, sources)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, sources]
    subprocess.run(command, check=True)
    (found,) = folder.glob("*.whl")
    return found


def with_install(notebook: dict) -> dict:
    """A notebook as the browser needs it: the library is installed first, and no outputs are stored."""
    empty = {"outputs": [], "execution_count": None}
    install = {"cell_type": "code", "id": "install", "metadata": {}, "source": INSTALL} | empty
    cells = [cell | empty if cell["cell_type"] == "code" else cell for cell in notebook["cells"]]
    return notebook | {"cells": [install, *cells]}


def contents() -> Path:
    """Write the notebooks that the reader finds, and return their folder."""
    folder = WORK / "contents"
    shutil.rmtree(folder, ignore_errors=True)
    for path in sorted((ROOT / "chapters").glob("*/*.ipynb")):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        notebook = with_install(json.loads(path.read_text(encoding="utf-8")))
        copy.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")
    return folder


def build() -> None:
    """Build JupyterLite into the site."""
    if not (SITE.parent / "index.html").is_file():
        sys.exit("There is no book yet: make site")
    base = WORK / "base"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    name = {"appName": "An Introduction to Modern Statistical Learning"}
    settings = {"jupyter-lite-schema-version": 0, "jupyter-config-data": name}
    (base / "jupyter-lite.json").write_text(json.dumps(settings))
    options = {
        "LiteBuildConfig": {"contents": [str(contents())], "apps": ["lab"], "no_sourcemaps": True},
        "PipliteAddon": {"piplite_urls": [str(wheel())]},
    }
    (base / "jupyter_lite_config.json").write_text(json.dumps(options))
    shutil.rmtree(SITE, ignore_errors=True)
    program = Path(sys.executable).with_name("jupyter-lite")
    subprocess.run([program, "build", "--lite-dir", base, "--output-dir", SITE], cwd=base, check=True)


if __name__ == "__main__":
    build()
