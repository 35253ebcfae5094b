"""The script and style sheet of figures, once per site instead of once per figure."""

from pathlib import Path

from myst_nb.sphinx_ext import add_global_html_resources


def write_assets(app):
    from pedagogy_lib.show.engine.page import assets

    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    for name, text in assets().items():
        (static / name).write_text(text, encoding="utf-8")
        add = app.add_css_file if name.endswith(".css") else app.add_js_file
        add(name)
    # MyST-NB writes its style sheet last, so that pages name it with a checksum only in a second build.
    add_global_html_resources(app, None)


def setup(app):
    app.connect("builder-inited", write_assets)
