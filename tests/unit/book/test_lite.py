"""The notebooks in the browser: what is put before them, and the button that opens them."""

import lite
from companion import launch


class App:
    """As much of Sphinx as a button needs."""

    def __init__(self, **files):
        self.files = files
        self.env = self
        self.all_docs = set(files)

    def doc2path(self, page, base):
        return self.files[page]


LESSON = "chapters/06-latent-variables/6-expectation-maximization"
APP = App(**{LESSON: f"{LESSON}.ipynb", "book/glossary": "book/glossary.md"})


def buttons(page, header=()):
    context = {"header_buttons": list(header), "pathto": lambda target, _: "../../" + target}
    launch.add_lite_button(APP, page, "page.html", context, None)
    return context["header_buttons"]


def test_the_library_is_installed_first_and_nothing_else_changes():
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": "1 + 1", "outputs": ["2"], "execution_count": 1, "metadata": {"tags": ["a"]}},
    ]
    made = lite.with_install({"cells": cells, "metadata": {"a": 1}, "nbformat": 4})
    assert made["cells"][0]["source"].startswith("%pip install -q pedagogy_lib")
    assert made["cells"][1] == cells[0] and made["metadata"] == {"a": 1}
    assert made["cells"][2] == cells[1] | {"outputs": [], "execution_count": None}
    assert cells[1]["outputs"] == ["2"]


def test_a_lesson_gets_a_button_and_other_pages_none(monkeypatch):
    monkeypatch.setenv("LITE", "1")
    (group,) = buttons(LESSON)
    assert group["label"] == "launch-buttons"
    assert group["buttons"][0]["url"] == f"../../lite/lab/index.html?path={LESSON}.ipynb"
    before = {"label": "launch-buttons", "buttons": ["Binder"]}
    assert len(buttons(LESSON, [before])) == 1 and len(before["buttons"]) == 2
    assert buttons("book/glossary") == [] and buttons("genindex") == []


def test_without_the_notebooks_there_is_no_button(monkeypatch):
    monkeypatch.delenv("LITE", raising=False)
    assert buttons(LESSON) == []
