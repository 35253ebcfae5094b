"""The plain parts of the book's extension and build: citations, anchors, addresses, macros."""

import json
from types import SimpleNamespace

import build
import macros
import pytest
from companion import citations, launch, ledger, mentions, model_map, sources
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("See Eq. 2.47.", ["2.47"]),
        ("See Eqs. 2.36 and 2.37, then stop.", ["2.36", "2.37"]),
        ("Eqs. 2.45-2.55", ["2.45", "2.55"]),
        ("Eqs. 2.1, 2.2, and 2.10", ["2.1", "2.2", "2.10"]),
        ("Equation\nB.3 holds", ["B.3"]),
        ("(Eq. 2.6)", ["2.6"]),
        ("Eqs. 6.8a and 6.8b, but Eq. 6.8a-like", ["6.8a", "6.8b", "6.8a"]),
        ("Section 2.47, version 2.10", []),
        ("Eq. 12 of another book", []),
        ("Eq. 2.6 gives 3.5 meters", ["2.6"]),
        ("the sequel 2.47", []),
    ],
)
def test_citations_are_found_and_nothing_is_lost(text, labels):
    pieces = list(citations.split(text))
    assert [piece[0] for piece in pieces if isinstance(piece, tuple)] == labels
    assert "".join(p if isinstance(p, str) else p[1] for p in pieces) == text


@pytest.mark.parametrize(("text", "numbers"), [
    ("as in section 2.2.2, where", ["2.2.2"]),
    ("Sections 7.2 and 7.4 say", ["7.2", "7.4"]),
    ("sections 2.1.3, 8.1, and 9.2b.", ["2.1.3", "8.1", "9.2b"]),
    ("sections 8.3a or T.6", ["8.3a", "T.6"]),
    ("section 3 of another book, version 2.10", []),
    ("a section\n4.1 of it", ["4.1"]),
    ("a cross-section 4.1 of it; intersection 2.2", []),
])
def test_mentions_are_found_and_nothing_is_lost(text, numbers):
    pieces = list(mentions.split(text))
    assert [piece[0] for piece in pieces if isinstance(piece, tuple)] == numbers
    assert "".join(p if isinstance(p, str) else p[1] for p in pieces) == text


def test_a_section_leads_to_the_lesson_that_covers_it():
    known = mentions.pages()
    names = {n: (mentions.page_of(n, known) or "none").split("/")[-1].split("-")[0] for n in (
        "2.2.2", "8.2", "8.2.2", "5.1.3", "7.3.1", "10.2.2", "10.2.3", "9.1", "B.3", "6.2", "12.2.4", "2.1")}
    assert names == {
        "2.2.2": "2.2.2", "8.2": "8.2a", "8.2.2": "8.2c", "5.1.3": "5.1.3a", "7.3.1": "7.3", "10.2.2": "10.2b",
        "10.2.3": "3.2", "9.1": "9.1", "B.3": "B.2", "6.2": "6", "12.2.4": "none", "2.1": "none"}


def test_sections_become_links_once_and_not_inside_other_links():
    document = new_document("page")
    document.settings.env = SimpleNamespace(docname="chapters/one")
    inner = addnodes.pending_xref("", nodes.inline("", "section 2.2.1"), reftype="myst")
    document += nodes.paragraph("", "As section 2.2.2 says, and section 2.2.2 again; see ", inner)
    document += nodes.paragraph("", "Sources. The textbook, section 2.2.2.")
    mentions.LinkMentions(document).apply()
    links = list(document.findall(addnodes.pending_xref))
    assert [link.astext() for link in links] == ["section 2.2.2", "section 2.2.1"]
    assert links[0]["reftarget"] == "/chapters/02-directed/2.2.2-kalman-filter"
    assert list(links[1].findall(addnodes.pending_xref)) == [links[1]]      # nothing nested


def test_slugs():
    assert ledger.slug("2.47") == "eq-2-47"
    assert ledger.slug("B.3") == "eq-b-3"
    assert ledger.slug("Box K-means") == "box-k-means"


def test_heading_slugs_are_those_of_github():
    assert ledger.heading_slug("The gain, as a *relative* precision") == (
        "the-gain-as-a-relative-precision"
    )


@pytest.mark.parametrize(
    ("heading", "sure"),
    [
        ("The gain, as a *relative* precision", True),
        ("Kalman's filter in disguise", False),  # docutils: kalman-s-filter-in-disguise
        ("2.5 Data assimilation", False),  # docutils drops the number
    ],
)
def test_a_heading_is_an_anchor_only_where_the_page_agrees(tmp_path, heading, sure):
    cell = {"cell_type": "markdown", "source": [f"## {heading}"]}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    assert (ledger.heading_slug(heading) in ledger.anchors(tmp_path / "a.ipynb")) is sure


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/someone/companion.git",
        "https://github.com/someone/companion",
        "https://token@github.com/someone/companion.git",
        "git@github.com:someone/companion.git",
        "ssh://git@github.com/someone/companion",
    ],
)
def test_a_fork_s_address_is_understood(address):
    found = launch.repository_url({"REPOSITORY_URL": address})
    assert found == "https://github.com/someone/companion"


@pytest.mark.parametrize("address", ["https://example.org/someone/companion", "/srv/git/companion"])
def test_other_addresses_give_no_buttons(address):
    assert launch.repository_url({"REPOSITORY_URL": address}) is None
    assert launch.theme_options({"a": 1}, None, "main") == {"a": 1}


def test_without_any_address_there_are_no_buttons(tmp_path):
    assert launch.repository_url({}, root=tmp_path) is None


def test_launch_buttons_name_the_repository():
    options = launch.theme_options({"a": 1}, "https://github.com/someone/companion", "main")
    assert options["a"] == 1
    assert options["repository_url"] == "https://github.com/someone/companion"
    assert set(options["launch_buttons"]) >= {"binderhub_url", "colab_url"}


class Builder:
    """As much of Sphinx as a link needs."""

    def get_relative_uri(self, page, other):
        return "../" * page.count("/") + other + ".html"


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        (None, "../source/pedagogy_lib/checks.html#L-12"),
        ("https://github.com/someone/companion", "https://github.com/someone/companion/blob/main/pedagogy_lib/checks.py#L12"),
    ],
)
def test_code_is_linked_on_the_site_or_in_the_repository(monkeypatch, repository, address):
    monkeypatch.setattr(launch, "repository_url", lambda: repository)
    monkeypatch.setattr(launch, "branch", lambda: "main")
    shown = nodes.literal("", "checks")
    link = sources.link(Builder(), "book/equations", shown, ("pedagogy_lib/checks.py", 12))
    assert link["refuri"] == address
    assert sources.link(Builder(), "book/equations", shown, None) is shown


def test_every_file_that_the_ledger_names_is_there():
    found = sources.files()
    assert "pedagogy_lib/models/static/gmm/inference.py" in found
    assert "tests/equations/test_2_1_1.py" in found
    assert all((ledger.ROOT / path).is_file() for path in found)


def test_what_a_package_only_imports_is_found_where_it_is_defined():
    path, line = ledger.source_of("pedagogy_lib.models.static.gmm.posterior")
    assert path == "pedagogy_lib/models/static/gmm/inference.py"
    assert (ledger.ROOT / path).read_text(encoding="utf-8").splitlines()[line - 1].startswith("def posterior(")
    assert ledger.source_of("pedagogy_lib.models.static.gmm") == ("pedagogy_lib/models/static/gmm/__init__.py", 1)
    for name in sources.objects():
        assert not ledger.source_of(name)[0].endswith("__init__.py"), name


def test_a_test_is_found_at_its_line():
    path, line = ledger.place_of_test("tests/unit/book/test_book_extension.py::test_a_test_is_found_at_its_line[case]")
    assert (ledger.ROOT / path).read_text(encoding="utf-8").splitlines()[line - 1].startswith("def test_a_test_is_found")
    assert ledger.place_of_test("tests/none.py::test_it") is None


def test_every_macro_is_in_the_macro_cell():
    text = macros.cell_source()
    assert text.startswith("$\n")
    assert text.endswith("\n$")
    for name in macros.macros():
        assert rf"\newcommand{{\{name}}}" in text
    assert r"\newcommand{\E}[2]" in text
    assert r"\class" not in text  # needs the site's style sheet


def test_pages_of_a_table_of_contents():
    toc = {
        "root": "a",
        "parts": [{"chapters": [{"file": "b", "sections": [{"file": "c"}]}]}],
        "chapters": [{"file": "d"}],
    }
    assert build.pages(toc) == ["a", "b", "c", "d"]


def test_the_digest_sees_every_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    (tmp_path / "a.py").write_text("x = 1\n")
    before = build.digest(["*.py"], "numpy 1")
    assert build.digest(["*.py"], "numpy 1") == before
    assert build.digest(["*.py"], "numpy 2") != before
    (tmp_path / "a.py").write_text("x = 2\n")
    assert build.digest(["*.py"], "numpy 1") != before


def test_the_model_map_is_connected_and_its_edges_lead_somewhere():
    import yaml

    drawn = yaml.safe_load(model_map.MAP.read_text(encoding="utf-8"))
    named = set(drawn["nodes"])
    joined = {end for edge in drawn["edges"] for end in (edge["from"], edge["to"])}
    assert joined == named
    for edge in drawn["edges"]:
        assert set(edge) <= {"from", "to", "change", "at", "via", "wrap"}
        assert edge["change"].strip()
    for node in drawn["nodes"].values():
        assert set(node) <= {"name", "section", "x", "y", "page"}


def test_an_edge_ends_at_the_border_of_its_node():
    node = {"x": 100, "y": 50}
    x, y = model_map.border((node["x"], node["y"]), (400, 50))
    assert (x, y) == (100 + model_map.WIDTH / 2 + 4, 50)
    x, y = model_map.border((node["x"], node["y"]), (100, 400))
    assert (x, y) == (100, 50 + model_map.HEIGHT / 2 + 4)
