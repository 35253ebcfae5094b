"""Where the browser is that prints the book and tests it."""

import os
import shutil


def chromium_path() -> str:
    """The browser: `CHROMIUM`, or the first on PATH."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise RuntimeError("no Chromium: install the package `chromium`, or set CHROMIUM")
    return path
