"""Every page of the built book, in a browser with the network off."""

import re
from html.parser import HTMLParser

import build
import harness
import pytest

PAGES = build.pages(build.load_toc())
CHAPTERS = [page for page in PAGES if page.startswith("chapters/")]


def source(name):
    """The Markdown behind a page, without code cells and without the hidden macro cell."""
    notebook = harness.ROOT / f"{name}.ipynb"
    if not notebook.exists():
        text = next(path for path in (harness.ROOT / f"{name}{end}" for end in (".md", ".rst")) if path.is_file())
        return text.read_text(encoding="utf-8")
    import nbformat

    cells = nbformat.read(notebook, as_version=4).cells
    return "\n".join(
        cell.source
        for cell in cells
        if cell.cell_type == "markdown" and "remove-cell" not in cell.metadata.get("tags", [])
    )


@pytest.fixture(scope="module", params=PAGES)
def opened(request, chromium, site):
    """A page, open, watched since before its first request."""
    with harness.opened(chromium, f"{site}/{request.param}.html") as (page, watch):
        yield request.param, page, watch


def test_nothing_fails_or_leaves_the_machine(opened):
    _, page, watch = opened
    page.wait_for_timeout(300)
    assert watch.problems() == []


def test_formulas_are_typeset(opened):
    name, page, _ = opened
    assert harness.maths_problems(page) == []
    if re.search(r"\$[^$]+\$", re.sub(r"`[^`]*`", "", source(name))):
        assert harness.formula_count(page) > 0


def test_page_weight(opened):
    _, _, watch = opened
    assert harness.weight_problems(watch) == []


@pytest.mark.parametrize(("theme", "rules"), [("light", None), ("dark", harness.COLOR_RULES)], ids=["light", "dark"])
def test_accessible(opened, theme, rules):
    _, page, _ = opened
    harness.set_theme(page, theme)
    assert harness.axe_problems(page, rules=rules) == []


def test_told_to_a_screen_reader(opened):
    _, page, _ = opened
    assert harness.tree_problems(page) == []


def test_fits_a_phone(opened):
    _, page, _ = opened
    page.set_viewport_size(harness.PHONE)
    page.wait_for_timeout(200)
    problems = harness.overflow_problems(page)
    page.set_viewport_size(harness.DESKTOP)
    assert problems == []


def test_every_page_of_the_contents_is_built():
    assert build.missing_pages(build.load_toc(), harness.SITE) == []


def test_a_missing_page_is_noticed():
    toc = {"root": "book/intro", "parts": [{"chapters": [{"file": "chapters/not-there"}]}]}
    assert build.missing_pages(toc, harness.SITE) == ["chapters/not-there"]


def error_streams(folder):
    """What executed notebooks wrote to their error streams: warnings that a page must not show."""
    import nbformat

    return [
        f"{path.stem}, cell {index}: {output.text.strip()[:200]}"
        for path in sorted(folder.glob("*.ipynb"))
        for index, cell in enumerate(nbformat.read(path, as_version=4).cells)
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]


def test_no_notebook_warns():
    assert error_streams(harness.ROOT / "_build" / "executed") == []


def test_a_warning_of_a_notebook_is_noticed(tmp_path):
    from nbformat import v4, write

    warned = v4.new_output("stream", name="stderr", text="findfont: not found\n")
    book = v4.new_notebook(cells=[v4.new_markdown_cell("#"), v4.new_code_cell(outputs=[warned])])
    write(book, tmp_path / "lesson.ipynb")
    assert error_streams(tmp_path) == ["lesson, cell 1: findfont: not found"]


class Anchors(HTMLParser):
    """The names of a page's elements, and where the links of its text and its menus lead."""

    def __init__(self, text):
        super().__init__()
        self.names, self.links, self.inside = set(), [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.names.add(found.get("id"))
        self.inside += tag in ("article", "nav")
        if tag == "a" and self.inside and found.get("href"):
            self.links.append(found["href"])

    def handle_endtag(self, tag):
        self.inside -= tag in ("article", "nav")


def test_links_within_the_book_lead_somewhere():
    """Every relative link names a page that is there, and an anchor that it has."""
    anchors, links = {}, []
    for path in sorted(harness.SITE.glob("**/*.html")):
        if "_static" in path.relative_to(harness.SITE).parts:
            continue
        page = Anchors(path.read_text(encoding="utf-8"))
        anchors[path.resolve()] = page.names
        links += [(path, href) for href in page.links]
    broken = []
    for path, href in links:
        if re.match(r"[a-z]+:", href):
            continue
        target, _, anchor = href.partition("#")
        file = (path.parent / target).resolve() if target else path.resolve()
        if not file.exists() or (anchor and file in anchors and anchor not in anchors[file]):
            broken.append(f"{path.relative_to(harness.SITE)}: {href}")
    assert len(links) > 1000
    assert broken == []


def test_a_broken_link_is_noticed_where_readers_follow_it():
    menu, text = '<nav><a href="a.html#x">a</a></nav>', '<article id="y"><p><a href="#z">z</a></p></article>'
    page = Anchors(menu + '<a href="b.html">b</a>' + text)
    assert page.links == ["a.html#x", "#z"]
    assert "y" in page.names
    assert "z" not in page.names


def test_works_from_the_disk(new_page):
    """A page opened as a file, without any server."""
    page = new_page()
    watch = harness.Watch(page)
    page.goto((harness.SITE / "book/notation.html").as_uri())
    harness.settle(page)
    assert harness.maths_problems(page) == []
    assert harness.formula_count(page) > 0
    assert watch.problems() == []


def test_search_finds(new_page, site):
    page = new_page()
    watch = harness.Watch(page)
    page.goto(f"{site}/search.html?q=responsibility")
    # Results are put in one after the other, so that the one that is asked for has to be waited for.
    page.wait_for_selector("#search-results li a[href*=glossary]", timeout=10_000)
    assert watch.problems() == []


def test_equation_citations_are_links(new_page, site):
    """An equation named in running text leads to its entry of the index."""
    page = new_page()
    page.goto(f"{site}/{CHAPTERS[0]}.html")
    link = page.locator("a.eq-link").first
    label = re.search(r"[\dA-C]+\.\d+", link.inner_text()).group()
    link.click()
    page.wait_for_load_state("load")
    slug = f"eq-{label.lower().replace('.', '-')}"
    assert page.url.endswith(f"book/equations.html#{slug}")
    assert f"Eq. {label}" in page.locator(f"#{slug}").inner_text()


def test_the_equation_index_is_filtered(new_page, site):
    """By words, section and verdict, from the keyboard; and a link to a hidden equation shows it."""
    page = new_page()
    page.goto(f"{site}/book/equations.html")
    rows = page.locator("table.ledger-index tbody tr")
    shown = page.locator("table.ledger-index tbody tr:not([hidden])")
    total = rows.count()
    page.get_by_label("Words").focus()
    page.keyboard.type("posterior precision")
    assert 0 < shown.count() < total
    assert all("precision" in text.lower() for text in shown.all_inner_texts())
    assert page.locator(".ledger-filter output").inner_text() == f"{shown.count()} of {total} shown"
    page.get_by_label("Words").fill("")
    page.get_by_label("Verdict").select_option("holds after a correction")
    assert shown.locator(".verdict-correction").count() == shown.count() > 0
    page.get_by_label("Section").select_option("2.1.2")
    assert {text.split()[0] for text in shown.all_inner_texts()} == {"2.1.2"}
    assert page.locator("#eq-2-9").is_hidden()
    page.evaluate("location.hash = 'eq-2-9'")
    page.locator("#eq-2-9").wait_for(state="visible")
    assert shown.count() == total


def test_the_equation_index_is_a_table_without_javascript(chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/book/equations.html")
    assert page.locator(".ledger-filter").count() == 0
    assert page.locator("table.ledger-index tbody tr").count() > 100
    assert page.locator("#eq-2-9").is_visible()
    context.close()


@pytest.mark.parametrize("width", [320, 375])
@pytest.mark.parametrize("name", ["equations", "errata"])
def test_the_ledger_fits_narrow_screens(new_page, site, name, width):
    page = new_page()
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{site}/book/{name}.html")
    harness.settle(page)
    assert harness.overflow_problems(page) == []


def test_code_and_tests_of_an_equation_can_be_read(new_page, site):
    """Without a repository's address on pages of the site, at the line where they stand."""
    page = new_page()
    page.goto(f"{site}/book/equations.html")
    for name in ("gmm.linear_boundary", "test_eq_2_9"):
        href = page.locator("#eq-2-9 a", has_text=name).first.get_attribute("href")
        if href.startswith("https://"):                   # a repository is known
            continue
        other = new_page()
        other.goto(f"{site}/book/{href}")
        number = href.rpartition("-")[2]
        assert other.locator(f"#L-{number}").count() == 1
        lines = other.locator("article pre").inner_text().splitlines()
        assert re.fullmatch(rf"\s*{number}\s*def {name.split('.')[-1]}\(.*", lines[int(number) - 1])


def test_purple_arguments_are_marked_twice(new_page, site):
    """By color, in both themes, and by a dotted line, also in subscripts."""
    page = new_page()
    page.goto(f"{site}/book/notation.html")
    harness.settle(page)
    # Asked all at once: formulas that come into view late are set anew, and lose their elements.
    look = """all => all.map(e => ({
      color: getComputedStyle(e).color,
      line: getComputedStyle(e, "::after").borderBottomStyle,
      around: getComputedStyle(e.closest("p, td, div.math")).color,
    }))"""
    seen = set()
    for theme in ("light", "dark"):
        harness.set_theme(page, theme)
        found = page.locator("mjx-container .purple-arg").evaluate_all(look)
        assert len(found) > 5
        for one in found:
            assert one["line"] == "dotted"
            assert one["color"] != one["around"]
            seen.add(one["color"])
    assert len(seen) == 2
    assert page.locator("mjx-script .purple-arg, mjx-msub .purple-arg").count() > 0


def test_heads_of_tables_are_shown_unless_they_are_empty(opened):
    _, page, _ = opened
    heads = page.locator("article table thead").evaluate_all(
        "heads => heads.map(head => [head.innerText.trim() || head.textContent.trim(), head.offsetHeight > 0])"
    )
    for text, visible in heads:
        assert visible == bool(text), text
