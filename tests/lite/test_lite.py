"""The notebooks in the browser, as far as they go without a network: the boot, the files, and the wheel.

Run by `make lite`. Python itself is fetched by the reader's browser from another host, so that no cell is run here.
"""

import hashlib
import json
import zipfile

import harness
import pytest
from playwright.sync_api import sync_playwright

LITE = harness.SITE / "lite"
LESSON = "chapters/02-directed/2.1.1-mixture-models"


@pytest.fixture(scope="module")
def site():
    with harness.served(harness.SITE) as address:
        yield address


@pytest.fixture(scope="module")
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=harness.chromium_path(), headless=True, args=harness.ARGUMENTS
        )
        yield browser.new_page()
        browser.close()


def test_the_library_s_wheel_is_offered_whole():
    (found,) = LITE.glob("pypi/pedagogy_lib-*.whl")
    index = json.loads((LITE / "pypi" / "all.json").read_text())["pedagogy-lib"]
    (release,) = [file for files in index["releases"].values() for file in files]
    assert release["digests"]["sha256"] == hashlib.sha256(found.read_bytes()).hexdigest()
    names = zipfile.ZipFile(found).namelist()
    for part in ("models/static/gmm/model.py", "data/penguins.csv", "show/engine/figure.css", "show/pads/pad.js"):
        assert f"pedagogy_lib/{part}" in names


def test_every_notebook_is_listed_and_installs_the_library_first():
    lessons, stored = (
        sorted(path.relative_to(root).as_posix() for path in root.glob("chapters/*/*.ipynb"))
        for root in (harness.ROOT, LITE / "files")
    )
    assert stored == lessons
    for path in stored:
        first = json.loads((LITE / "files" / path).read_text(encoding="utf-8"))["cells"][0]
        assert "".join(first["source"]).startswith("%pip install -q pedagogy_lib")


def test_a_lesson_s_button_opens_it(site, page):
    page.goto(f"{site}/{LESSON}.html")
    address = page.locator("a[href*='lite/lab/index.html']").first.get_attribute("href")
    page.goto(f"{site}/chapters/02-directed/{address}")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    title = "Mixture models and inference in the GMM"
    page.wait_for_function("(title) => document.body.innerText.includes(title)", arg=title, timeout=60_000)
    assert "%pip install" in page.locator(".jp-Notebook .jp-Cell").first.inner_text()
    names = page.locator(".jp-DirListing-itemName").all_inner_texts()
    assert "2.1.1-mixture-models.ipynb" in " ".join(names)
