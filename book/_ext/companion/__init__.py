"""What the book adds to Sphinx: links, ledger pages, the model map, the order of cells, what a page loads."""

from . import (
    api,
    cells,
    citations,
    figures,
    front,
    head,
    launch,
    ledger_pages,
    lessons,
    mentions,
    model_map,
    references,
    sources,
    tables,
)


def setup(app):
    about_text = (cells, citations, mentions, sources, references, tables)
    about_places = (api, launch, ledger_pages, model_map, lessons, front)
    for part in (*about_text, *about_places, head, figures):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
