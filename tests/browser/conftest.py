"""One Chromium for all browser tests, and the built site on a port of this machine."""

import harness
import pytest
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=harness.chromium_path(), headless=True, args=harness.ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site():
    if not (harness.SITE / "index.html").is_file():
        pytest.fail("the book is not built: make site")
    with harness.served(harness.SITE) as address:
        yield address


@pytest.fixture(scope="session")
def specimens():
    """The pages on which the checks themselves are tried."""
    with harness.served(harness.HERE / "pages") as address:
        yield address


@pytest.fixture
def new_page(chromium):
    """Open a page in a fresh context; everything is closed at the end."""
    opened = []

    def make(**options):
        context = chromium.new_context(**{"viewport": harness.DESKTOP, **options})
        opened.append(context)
        return context.new_page()

    yield make
    for context in opened:
        context.close()
