"""What the book adds to Sphinx: equation links, ledger pages, the model map, launch buttons."""

from . import citations, figures, launch, ledger_pages, model_map, references


def setup(app):
    for part in (launch, citations, ledger_pages, model_map, figures, references):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
