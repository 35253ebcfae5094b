"""Print the built book into one PDF: python book/_tools/pdf.py [page ...] (`make pdf`, after `make site`)

Chromium prints each page, with figures still, once without the answers of its exercises and once with nothing else;
pypdf joins them: lessons first, answers in an appendix, bookmarks from the headings, one count of pages. A link from
one page of the book to another leads to its place in the PDF.
"""

import io
import sys
import threading
from pathlib import Path

from browser import chromium_path
from build import BUILD, SITE, load_toc, pages, title
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject
from serve import server

PAPER = {"format": "A4", "scale": 0.85, "print_background": True, "prefer_css_page_size": False,
         "margin": {"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"}}  # fmt: skip
HIDDEN = ".bd-header, .bd-sidebar, .bd-footer, .prev-next-footer, .task-done, .map-here {display: none !important}"
LESSON = "article details:has(> summary):not(.hide).is-answer {display: none !important}"
# Typesets every formula, opens nothing, and marks what belongs into the appendix: what is folded after "Exercises".
PREPARE = """async () => {
  const late = window.MathJax?.startup?.document?.lazyTypesetAll;
  if (late) await MathJax.startup.document.lazyTypesetAll();
  await Promise.all([...document.fonts].map(font => font.load().catch(() => {})));
  const folds = [...document.querySelectorAll("section#exercises details:not(.hide)")];
  folds.forEach(fold => { fold.classList.add("is-answer"); fold.open = true; });
  return folds.length;
}"""
# Leaves the heading of a lesson and its answers, each under the letter of its exercise.
ANSWERS = """() => {
  const article = document.querySelector("article"), kept = document.createElement("div");
  document.querySelector("#jb-print-docs-body h1").prepend("Answers to ");
  document.querySelector("#jb-print-toc")?.remove();
  for (const fold of article.querySelectorAll(".is-answer")) {
    let before = fold, letter = "";
    while (before && !letter) {
      letter = before.textContent.match(/^\\s*([a-z]) \\(★+/)?.[1] || "";
      before = before.previousElementSibling || before.parentElement?.closest("section#exercises *");
    }
    const name = document.createElement("h2");
    name.textContent = letter ? `Exercise ${letter}` : "Exercise";
    kept.append(name, ...[...fold.childNodes].filter(part => part.nodeName !== "SUMMARY"));
  }
  article.replaceChildren(kept);
}"""


def print_pages(names, site, say=print):
    """Print pages of a served site.

    Returns
    -------
    lessons, answers : dict of str to bytes
        PDFs by page; answers only of pages that have some.
    """
    lessons, answers = {}, {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(color_scheme="light", reduced_motion="reduce", viewport={"width": 900, "height": 1200})
        page.add_init_script("localStorage.setItem('mode', 'light'); localStorage.setItem('theme', 'light')")
        page.emulate_media(media="print")
        for number, name in enumerate(names, 1):
            page.goto(f"{site}/{name}.html", wait_until="load")
            folds = page.evaluate(PREPARE)
            page.screenshot()  # laid out once with the fonts that have come: printing alone does not wait
            style = page.add_style_tag(content=HIDDEN + LESSON)
            lessons[name] = page.pdf(outline=True, tagged=True, **PAPER)
            if folds:
                style.evaluate("(tag, text) => { tag.textContent = text; }", HIDDEN)
                page.evaluate(ANSWERS)
                answers[name] = page.pdf(outline=True, tagged=True, **PAPER)
            say(f"[{number}/{len(names)}] {name}")
        browser.close()
    return lessons, answers


def numbers(count):
    """A PDF of empty pages with their numbers at the foot."""
    feet = "".join(f"<div>{number}</div>" for number in range(1, count + 1))
    style = (
        "@page {margin: 0} body {margin: 0; font: 9pt sans-serif; color: #444}"
        "div {height: 297mm; box-sizing: border-box; padding-top: 283mm; text-align: center; break-after: page}"
        "div:last-child {break-after: auto}"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_content(f"<style>{style}</style>{feet}")
        made = page.pdf(format="A4")
        browser.close()
    return made


def join(lessons, answers, titles, site, numbered=numbers):
    """Join printed pages into one book.

    Parameters
    ----------
    lessons, answers : dict of str to bytes
    titles : dict of str to str
        Page -> what its bookmark says.
    site : str
        The address from which they were printed: links that begin with it lead within the book.
    numbered : callable
        Of a count; returns a PDF with so many page numbers.

    Returns
    -------
    PdfWriter
    """
    book, first = PdfWriter(), {}
    for name, printed in lessons.items():
        first[name] = len(book.pages)
        book.append(PdfReader(io.BytesIO(printed)), outline_item=titles[name], import_outline=True)
    appendix = None
    for name, printed in answers.items():
        start = len(book.pages)
        book.append(PdfReader(io.BytesIO(printed)), import_outline=False)
        appendix = appendix or book.add_outline_item(title="Answers", page_number=start)
        book.add_outline_item(title=titles[name], page_number=start, parent=appendix)
    for page, foot in zip(book.pages, PdfReader(io.BytesIO(numbered(len(book.pages)))).pages):
        page.merge_page(foot)
        page.compress_content_streams()  # merging has spelled them out
    lead_within(book, first, site)
    book.add_metadata({"/Title": "Modern Statistical Learning: an interactive companion"})
    book.compress_identical_objects()
    return book


def lead_within(book, first, site):
    """Let links to the site's pages lead to their places in the book; those that have none lead nowhere."""
    for page in book.pages:
        for reference in page.get("/Annots", []):
            link = reference.get_object()
            address = link.get("/A", {}).get("/URI", "")
            if not str(address).startswith(site):
                continue
            name = str(address).removeprefix(f"{site}/").partition("#")[0].removesuffix(".html")
            del link["/A"]
            if name in first:
                target = book.pages[first[name]].indirect_reference
                link[NameObject("/Dest")] = ArrayObject([target, NameObject("/Fit")])
            else:
                link[NameObject("/A")] = DictionaryObject()


def main(chosen) -> int:
    if not (SITE / "index.html").is_file():
        print("The book is not built: make site")
        return 1
    names = chosen or pages(load_toc())
    with server(SITE) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        site = f"http://127.0.0.1:{running.server_address[1]}"
        lessons, answers = print_pages(names, site, say=lambda line: print(line, flush=True))
        book = join(lessons, answers, {name: title(name) for name in names}, site)
        running.shutdown()
    out = Path(BUILD) / "modern-statistical-learning.pdf"
    book.write(out)
    print(f"{len(book.pages)} pages, {out.stat().st_size / 1e6:.1f} MB: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
