"""An empty corner of a table is no heading; a head without any heading is left for the style sheet to hide."""

from companion import tables

HEAD = "<table><thead>\n<tr>{}</tr>\n</thead><tbody><tr><td>1</td></tr></tbody></table>"
EMPTY, NAMED = '<th class="head"><p></p></th>', '<th class="head"><p>shape</p></th>'


def mended(*cells):
    context = {"body": HEAD.format("".join(cells))}
    tables.mend_corners(None, "page", "page.html", context, None)
    return context["body"]


def test_an_empty_corner_becomes_a_cell():
    assert mended(EMPTY, NAMED) == HEAD.format("<td></td>" + NAMED)


def test_a_head_without_headings_and_one_with_all_stay():
    assert mended(EMPTY, EMPTY) == HEAD.format(EMPTY + EMPTY)
    assert mended(NAMED, NAMED) == HEAD.format(NAMED + NAMED)


def test_a_page_without_a_body():
    tables.mend_corners(None, "search", "search.html", {}, None)
