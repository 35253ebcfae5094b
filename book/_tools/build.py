"""Build the book into `_build/html`: python book/_tools/build.py

Around `jupyter-book build` it does what the program does not do by itself:

- notebooks are executed side by side beforehand, and only those of which something has changed that
  they use (`notebooks.py`);
- a build that failed, or was stopped, forgets its pages, since the next one would skip those that it
  finds, whatever state they are in;
- at the end every page of the table of contents must be there.
"""

import hashlib
import json
import posixpath
import re
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import notebooks
import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
SITE = BUILD / "html"
STAMP = BUILD / "site.json"

# What pages are made of besides their own text and the outcomes of notebooks.
PAGES = ("_config.yml", "_toc.yml", "book/_ext/**/*", "book/_static/**/*", "book/_templates/**/*",
         "book/*.yml", "book/*.csv", "book/api/*.rst", "book/*.json", "book/*.bib")  # fmt: skip
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


def serve_at_root(page: str, site: Path) -> None:
    """Put the landing page at the site's own address, where Jupyter Book leaves a redirect.

    The page stands one folder down, so that every relative address in it is rewritten.
    """
    folder, depth = posixpath.dirname(page), page.count("/")

    def moved(match):
        address = match[2]
        if re.match(r"[a-z]+:|//|#", address) or not address:
            return match[0]
        return f'{match[1]}"{posixpath.normpath(posixpath.join(folder, address))}"'

    text = (site / f"{page}.html").read_text(encoding="utf-8")
    text = text.replace(f'data-content_root="{"../" * depth}"', 'data-content_root="./"')
    text = re.sub(r'(<(?:a|link|script|img|form)\b[^>]*?\b(?:href|src|action)=)"([^"]*)"', moved, text)
    (site / "index.html").write_text(text, encoding="utf-8")


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


def title(page: str) -> str:
    """The heading of a page, which every other page shows in its margin."""
    notebook = ROOT / f"{page}.ipynb"
    if notebook.is_file():
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    elif (ROOT / f"{page}.rst").is_file():
        return (ROOT / f"{page}.rst").read_text(encoding="utf-8").split("\n")[0]
    else:
        text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
    found = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
    return found[1] if found else page


def current_state() -> str:
    """One number for all that would change every page."""
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from companion import launch

    from pedagogy_lib.show import assets

    where = f"{launch.repository_url()} {launch.branch()} {launch.has_lite()}"
    return digest(PAGES, where, *assets().values(), *versions(), *map(title, pages(load_toc())))


def forget(*names: str) -> None:
    for name in names:
        shutil.rmtree(BUILD / name, ignore_errors=True)


def remembered() -> dict:
    """What the pages of the last build that came to its end were made of."""
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def drop_stale(before: dict, now: dict) -> None:
    """Throw away the pages that an earlier build made of something else.

    Sphinx makes a page anew when its text has changed, or when its tree is missing. That a notebook's
    outcome has changed it does not see, so that tree is taken away.
    """
    if before.get("state") != now["state"]:
        forget(".doctrees", "html", "jupyter_execute")
    for name, outcome in now["outcomes"].items():
        if before.get("outcomes", {}).get(name) != outcome:
            (BUILD / ".doctrees" / f"{name}.doctree").unlink(missing_ok=True)


def build() -> int:
    """Build; returns the exit status."""
    start = time.monotonic()
    state, toc = current_state(), load_toc()
    runnable = [page for page in pages(toc) if (ROOT / f"{page}.ipynb").is_file()]
    problems = notebooks.refresh(runnable, versions(), say=lambda line: print(line, flush=True))
    if problems:
        print("\n\n".join(["These notebooks failed.", *problems]))
        return 1
    now = {"state": state, "outcomes": notebooks.outcomes(runnable)}
    drop_stale(remembered(), now)
    STAMP.unlink(missing_ok=True)  # the pages count as made only once they are
    forget(".jupyter_cache")  # not the pictures beside it: Sphinx makes a page anew when one of its own is gone
    notebooks.hand_over(runnable, BUILD / ".jupyter_cache")
    print(f"Notebooks are ready after {time.monotonic() - start:.0f} s; now the pages.", flush=True)
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command += ["build", str(ROOT), "--path-output", str(ROOT), "-W", "-n", "--keep-going"]
    status = subprocess.run(command, check=False).returncode
    if status:
        return status
    missing = missing_pages(toc, SITE)
    if missing:
        print(f"Built, but these pages of _toc.yml are missing: {', '.join(missing)}")
        return 1
    serve_at_root(toc["root"], SITE)
    STAMP.write_text(json.dumps(now), encoding="utf-8")
    print(f"The book is in {SITE} ({time.monotonic() - start:.0f} s).")
    return 0


if __name__ == "__main__":
    sys.exit(build())
