"""The build, on a book of three pages: what is run again, what is kept, and what a killed build leaves."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[3]
CONFIG = """
title: A small book
only_build_toc_files: true
execute: {execute_notebooks: cache}
sphinx:
  local_extensions: {companion.figures: book/_ext}
  config: {html_last_updated_fmt: null, nb_execution_raise_on_error: true}
"""
TOC = """
format: jb-book
root: intro
chapters: [{file: parts/one}, {file: parts/two}]
"""

# A picture, which MyST-NB keeps as a file of its own.
PICTURE = """
import base64
from IPython.display import Image
Image(base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="))
"""


def notebook(path, *cells, heading="A heading"):
    """A notebook: its heading, and code cells."""
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    made.cells = [nbformat.v4.new_markdown_cell(f"# {heading}", id="title")]
    made.cells += [nbformat.v4.new_code_cell(code, id=f"c{i}") for i, code in enumerate(cells)]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(made, path)


class Book:
    """A project with the real tools, a library of two modules, and two notebooks."""

    def __init__(self, root):
        self.root = root
        for name in ("_tools", "_ext"):
            shutil.copytree(ROOT / "book" / name, root / "book" / name)
        (root / "_config.yml").write_text(CONFIG)
        (root / "_toc.yml").write_text(TOC)
        (root / "intro.md").write_text("# Welcome\n\nTwo parts.\n")
        (root / "used.py").write_text("NUMBER = 41 + 1\n")
        (root / "data.txt").write_text("blue\n")
        find = "import sys; sys.path.insert(0, '..')\n"
        notebook(root / "parts" / "one.ipynb", find + "import used\nprint('number', used.NUMBER)", heading="One")
        notebook(root / "parts" / "two.ipynb", "print(open('../data.txt').read())", PICTURE, heading="Two")

    def start(self, **options):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "book/_tools/build.py"]
        return subprocess.Popen(command, cwd=self.root, env=environment, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, **options)  # fmt: skip

    def build(self):
        """Build to the end; returns what was said."""
        running = self.start()
        said, _ = running.communicate(timeout=240)
        assert running.returncode == 0, said
        return said

    def ran(self):
        """Build, and return which notebooks were executed."""
        said = self.build()
        return {name for name in ("one", "two") if f"parts/{name} ran in" in said}

    def site(self):
        """Every file of the site, with its contents."""
        html = self.root / "_build" / "html"
        return {path.relative_to(html).as_posix(): path.read_bytes() for path in html.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A book that was built once, without disturbance; tests work on copies."""
    book = Book(tmp_path_factory.mktemp("book"))
    book.said = book.build()
    return book


@pytest.fixture
def copy(built, tmp_path):
    """The same book, with all that the build has left, in another folder."""
    shutil.copytree(built.root, tmp_path / "book", dirs_exist_ok=False)
    made = Book.__new__(Book)
    made.root = tmp_path / "book"
    return made


def page(book, name):
    return (book.root / "_build" / "html" / "parts" / f"{name}.html").read_text(encoding="utf-8")


def test_the_pages_show_what_the_notebooks_found(built):
    assert "number 42" in page(built, "one")
    assert "blue" in page(built, "two")


def test_progress_names_what_ran_and_what_is_left(built):
    lines = [line for line in built.said.splitlines() if " ran in " in line]
    assert [line[:5] for line in lines] == ["[1/2]", "[2/2]"]
    assert "left" in lines[0]
    assert "left" not in lines[1]


def test_only_what_changed_is_run_again_and_its_page_is_made_anew(copy):
    assert copy.ran() == set()
    (copy.root / "used.py").write_text("NUMBER = 43\n")
    assert copy.ran() == {"one"}
    assert "number 43" in page(copy, "one")
    (copy.root / "data.txt").write_text("green\n")
    assert copy.ran() == {"two"}
    assert "green" in page(copy, "two")


def test_changed_text_is_shown_without_a_run(copy):
    path = copy.root / "parts" / "one.ipynb"
    changed = json.loads(path.read_text())
    changed["cells"][0]["source"] = "# One\n\nNew words."
    path.write_text(json.dumps(changed))
    assert copy.ran() == set()
    assert "New words." in page(copy, "one")


def test_of_one_changed_text_only_its_own_page_is_made_anew(copy):
    copy.build()                                          # in its new folder, all pages
    path = copy.root / "parts" / "one.ipynb"
    path.write_text(path.read_text().replace("# One", "# One\\n\\nNew words."))
    said = copy.build()
    assert "0 added, 1 changed" in said
    assert "New words." in page(copy, "one")
    assert ".png" in page(copy, "two")


def test_a_damaged_outcome_is_not_taken_for_one(copy):
    outcome = copy.root / "_build" / "executed" / "parts--two.ipynb"
    outcome.write_text(outcome.read_text()[:100])
    assert copy.ran() == {"two"}


def test_a_notebook_that_fails_stops_the_build_and_says_why(copy):
    notebook(copy.root / "parts" / "two.ipynb", "1 / 0", heading="Two")
    running = copy.start()
    said, _ = running.communicate(timeout=240)
    assert running.returncode != 0
    assert "parts/two" in said
    assert "ZeroDivisionError" in said
    assert "\x1b" not in said


def test_two_builds_from_nothing_are_the_same_byte_for_byte(built, copy):
    shutil.rmtree(copy.root / "_build")
    copy.build()
    assert copy.site() == built.site()


def test_a_build_killed_at_any_moment_ends_in_the_same_site(built, copy):
    """Killed while it makes something else of a whole site, and then asked for the first one again."""
    moments = random.Random(7)
    for number, (sign, longest) in enumerate([("", 3.0), ("now the pages", 1.0)] + [("building [html]", 1.5)] * 2):
        (copy.root / "used.py").write_text(f"NUMBER = {number}\n")
        (copy.root / "intro.md").write_text(f"# Welcome\n\nTwo parts, {number} words.\n")
        running = copy.start(start_new_session=True)
        while sign not in running.stdout.readline():
            assert running.poll() is None
        time.sleep(moments.uniform(0.0, longest))
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    for name in ("used.py", "intro.md"):
        shutil.copy(built.root / name, copy.root / name)
    copy.build()
    assert copy.site() == built.site()
