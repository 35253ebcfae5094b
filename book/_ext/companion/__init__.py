"""What the book adds to Sphinx: equation links, ledger pages, the model map, the order of cells, what a page loads."""

from . import cells, citations, figures, head, launch, ledger_pages, model_map, references, sources, tables


def setup(app):
    for part in (launch, cells, citations, head, ledger_pages, sources, model_map, figures, references, tables):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
