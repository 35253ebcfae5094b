"""The script and style sheet of figures, once per site instead of once per figure."""

from pathlib import Path


def write_assets(app):
    from pedagogy_lib.show.page import assets

    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    for name, text in assets().items():
        (static / name).write_text(text, encoding="utf-8")
        add = app.add_css_file if name.endswith(".css") else app.add_js_file
        add(name)


def setup(app):
    app.connect("builder-inited", write_assets)
