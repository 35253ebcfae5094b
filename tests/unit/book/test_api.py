"""The library's pages: nothing public is left out, and docstrings are fit for them."""

from types import SimpleNamespace

import build
import pytest
from companion import api, ledger

ROOMS = ["distributions", "dynamics", "inference", "learning", "models"]


def prepared(what, name, text):
    lines = text.split("\n")
    api.prepare(None, what, name, None, None, lines)
    return lines


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_page_with_all_its_modules(room):
    assert f"book/api/{room}" in build.pages(build.load_toc())
    page = (build.ROOT / "book" / "api" / f"{room}.rst").read_text(encoding="utf-8")
    assert f".. api-room:: pedagogy_lib.{room}" in page
    folder = build.ROOT / "pedagogy_lib" / room
    files = [path for path in folder.rglob("*.py") if not any(p.startswith("_") for p in path.relative_to(folder).with_suffix("").parts)]
    expected = {".".join(("pedagogy_lib", room, *path.relative_to(folder).with_suffix("").parts)) for path in files}
    assert expected <= set(api.modules(f"pedagogy_lib.{room}"))


def test_bars_that_mean_given_are_no_substitutions():
    assert prepared("function", "f", "p(x|y), and ``a|b``, of |S|.") == [r"p(x\|y), and ``a|b``, of \|S\|."]


def test_fields_of_a_record_get_a_heading():
    lines = prepared("class", "C", "A record.\n\nmeans : ndarray, shape (T, K)\n    Of x.\ncount : int")
    assert lines[:4] == ["A record.", "", "Attributes", "----------"]
    told = "A model.\n\nParameters\n----------\ncount : int"
    assert prepared("class", "C", told) == told.split("\n")


def test_sections_of_a_module_are_no_sections_of_the_page():
    assert prepared("module", "m", "A module.\n\nReferences\n----------\nEq. 2.1") == [
        "A module.", "", ".. rubric:: References", "", "Eq. 2.1"
    ]  # fmt: skip


def test_what_the_ledger_names_says_where_it_is_derived():
    entry = next(entry for entry in ledger.load().equations if entry.implements)
    for told in ("A function.", "A function.\n\nReferences\n----------\nA book."):
        lines = prepared("function", entry.implements[0], told)
        said = lines[lines.index("References") + 2]
        assert entry.label in said
        assert f":doc:`/{entry.chapter.partition('#')[0]}`" in said
        assert lines.count("References") == 1


def test_what_a_package_imports_stands_with_its_file_and_says_where_it_is_derived():
    from pedagogy_lib.inference import kalman, particles

    name = "pedagogy_lib.inference.kalman.updates.measurement_update"
    lines = ["A function."]
    api.prepare(None, "function", name, kalman.measurement_update, None, lines)
    assert "2.47" in lines[lines.index("References") + 2]
    lines = ["Another function of that name."]
    api.prepare(None, "function", name, particles.smooth, None, lines)
    assert "References" not in lines
    for here, wanted in (("pedagogy_lib.inference.kalman", True), ("pedagogy_lib.inference.kalman.updates", None)):
        app = SimpleNamespace(env=SimpleNamespace(temp_data={"autodoc:module": here}))
        assert api.left_out(app, "module", "measurement_update", kalman.measurement_update, None, None) is wanted


def test_a_shared_class_and_the_fields_of_a_tuple_stand_once():
    from collections import namedtuple

    app = SimpleNamespace(env=SimpleNamespace(temp_data={"autodoc:module": "one"}))
    shared = type("Shared", (), {"__module__": "elsewhere"})
    assert api.left_out(app, "class", "Shared", shared, False, None) is None
    app.env.temp_data["autodoc:module"] = "two"
    assert api.left_out(app, "class", "Shared", shared, False, None)
    assert api.left_out(app, "class", "x", namedtuple("P", "x").x, False, None)
