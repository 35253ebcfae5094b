"""How printed pages are joined into one book. (That Chromium prints them is seen by `make pdf`.)"""

import io

import pdf
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Link
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

SITE = "http://127.0.0.1:9"


def printed(pages, *addresses, headings=()):
    """A PDF of empty pages, with links to these addresses on its first."""
    made = PdfWriter()
    for _ in range(pages):
        made.add_blank_page(595, 842)
    for address in addresses:
        made.add_annotation(0, Link(rect=(10, 10, 20, 20), url=address))
    for heading in headings:
        made.add_outline_item(title=heading, page_number=0)
    out = io.BytesIO()
    made.write(out)
    return out.getvalue()


def joined():
    links = (f"{SITE}/b.html#part", f"{SITE}/source/file.html", "https://example.org/")
    lessons = {"a": printed(2, *links, headings=["One"]), "b": printed(3)}
    book = pdf.join(lessons, {"b": printed(1)}, {"a": "A lesson", "b": "Another"}, SITE, numbered=printed)
    out = io.BytesIO()
    book.write(out)
    return PdfReader(out)


def bookmarks(reader, items=None, depth=0):
    for item in reader.outline if items is None else items:
        if isinstance(item, list):
            yield from bookmarks(reader, item, depth + 1)
        else:
            yield depth, item.title, reader.get_destination_page_number(item)


def test_lessons_come_first_and_answers_last():
    assert list(bookmarks(joined())) == [
        (0, "A lesson", 0), (1, "One", 0), (0, "Another", 2), (0, "Answers", 5), (1, "Another", 5)
    ]  # fmt: skip
    assert len(joined().pages) == 6


def test_links_lead_within_the_book_out_of_it_or_nowhere():
    reader = joined()
    within, nowhere, out = (reference.get_object() for reference in reader.pages[0]["/Annots"])
    assert reader.get_page_number(within["/Dest"][0].get_object()) == 2
    assert "/A" not in within
    assert nowhere["/A"] == {}
    assert "/Dest" not in nowhere
    assert out["/A"]["/URI"] == "https://example.org/"


def test_every_page_bears_its_number():
    def numbers(count):
        made = PdfWriter()
        for number in range(1, count + 1):
            page = made.add_blank_page(595, 842)
            page[NameObject("/Foot")] = TextStringObject(str(number))
            page[NameObject("/Resources")] = DictionaryObject({NameObject("/ProcSet"): ArrayObject([NameObject(f"/N{number}")])})
        out = io.BytesIO()
        made.write(out)
        return out.getvalue()

    book = pdf.join({"a": printed(3)}, {}, {"a": "A"}, SITE, numbered=numbers)
    assert [f"/N{n}" in str(page["/Resources"]) for n, page in enumerate(book.pages, 1)] == [True] * 3
