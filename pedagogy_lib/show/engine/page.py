"""The HTML of a figure: stage, controls, caption, and the script and style sheet they share."""

import hashlib
import html
import json
import os
import re
import sys
from functools import cache
from pathlib import Path

from ..colors import css_variables
from .frames import BUDGET

_HERE = Path(__file__).parent
_SCRIPTS = ("pictures", "explore", "handles", "live", "animate", "predict", "start")
SHARED = 45_000  # bytes of style sheet and script, at most
_MATH = re.compile(r"\$([^$]+)\$")


def host():
    """Return where figures will be shown: "live", "page", "site", "both" or "nowhere".

    - "live": a running kernel with a reader in front of it. Sliders redraw; no frames are stored.
    - "page": a built page. All frames are stored; no widgets are made.
    - "site": as "page", for a site that serves the files of `assets` on every page itself.
    - "both": not known, so both are made.
    - "nowhere": a notebook that runs as a test. Every figure is opened and tried in a few states, none is stored.

    The environment variable PEDAGOGY_LIB_FIGURES decides; without it, a kernel started
    by a Jupyter server (or by Colab) is live, and any other is "both".
    """
    chosen = os.environ.get("PEDAGOGY_LIB_FIGURES", "")
    if chosen:
        if chosen not in ("live", "page", "site", "both", "nowhere"):
            raise ValueError(
                "the environment variable PEDAGOGY_LIB_FIGURES must be live, page, site, both or nowhere, "
                f"got {chosen!r}"
            )
        return chosen
    # Jupyter servers tell their kernels which document they serve; builders do not.
    return "live" if "JPY_SESSION_NAME" in os.environ or "google.colab" in sys.modules else "both"


@cache
def style_sheet():
    """Return the style sheet of figures, with the palette filled in."""
    text = re.sub(r"/\*.*?\*/", "", (_HERE / "figure.css").read_text(), flags=re.S)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?([{};:,>]) ?", r"\1", text.replace(" :", "\0")).replace("\0", " :").strip()
    for theme in ("light", "dark"):
        text = text.replace(f"--pl-palette:{theme}", css_variables(theme))
    return text


@cache
def script():
    """Return the script of figures. It defines itself once per page, however often it is met."""
    text = "\n".join((_HERE / "script" / f"{part}.js").read_text() for part in _SCRIPTS)
    lines = (re.sub(r"(^|\s)// .*", "", line).strip() for line in text.splitlines())
    inside = "\n".join(filter(None, lines))
    return (
        "window.plFigure = window.plFigure || (function () {\n"
        f'"use strict";\n{inside}\nreturn start;\n}})();\nwindow.plFigure();'
    )


def assets():
    """Return the shared files of a site, name -> text: `pl-figure.css` and `pl-figure.js`.

    A site that loads both on every page can set PEDAGOGY_LIB_FIGURES=site, and its
    figures leave them out.
    """
    return {"pl-figure.css": style_sheet(), "pl-figure.js": script()}


def caption_html(caption):
    """Return the caption element: plain text, with $mathematics$ for the page to typeset."""
    return f"<figcaption>{text_html(caption)}</figcaption>" if caption else ""


def text_html(text):
    """Return plain text as HTML, with $mathematics$ for the page to typeset."""
    return _MATH.sub(r'<span class="math notranslate nohighlight">\\(\1\\)</span>', html.escape(text))


def dressed(element, scripted=True):
    """Return a figure's element with the style sheet and the script that it needs."""
    inline = host() != "site"
    style = f"<style>{style_sheet()}</style>" if inline else ""
    return "\n".join(filter(None, [style, element, _bootstrap(inline) if scripted else ""]))


def identity(*parts):
    """Return an id that is a digest of what is shown: the same figure has it in every build."""
    return "pl-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:10]


def versions(payloads):
    """Return what the script is told of a figure's one or two versions; styles are of both."""
    wide, *narrow = payloads
    if not narrow:
        return wide
    return wide | {"narrow": {key: value for key, value in narrow[0].items() if key != "styles"}}


def payload_html(data):
    """Return the element that carries what the script needs."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    text = text.replace("</", "<\\/")  # or the script element would end there
    return f'<script type="application/json">{text}</script>'


def figure_element(kind, frame, alt, *, width, caption=None, controls="", data=None):
    """Return a whole figure, without what it shares with others; see `dressed`.

    Parameters
    ----------
    kind : str
        "still", "explore" or "animate".
    frame : list of str
        The frame that shows first; it is in the page itself, so it needs no script.
    alt : str
        What that frame shows.
    width : float
        Inches.
    controls : str
        HTML of the controls; `{id}` in it stands for the figure's id.
    data : dict, optional
        For a figure that moves: all pictures and what else the script needs, as JSON.
    """
    payload = payload_html(data) if data is not None else ""
    picture = "".join(frame)
    uid = identity(kind, picture, alt, caption or "", controls, payload)
    parts = [
        f'<figure class="pl-figure pl-{kind}" id="{uid}" style="--pl-width:{width:g}in">',
        f'<div class="pl-view"><div class="pl-picture">'
        f'<div class="pl-stage{" pl-card" if picture.startswith("<img") else ""}" role="img" '
        f'aria-label="{html.escape(alt)}">{picture.replace("~", uid + "-")}</div></div></div>',
        controls.replace("{id}", uid),
        caption_html(caption),
        payload,
        "</figure>",
    ]
    return "\n".join(filter(None, parts))


def _bootstrap(inline):
    return f"<script>{script()}</script>" if inline else "<script>window.plFigure?.()</script>"


def check_budget(size, caller, drawn, total, advice):
    """Raise if a figure of `size` bytes is heavier than a page should carry."""
    if size > BUDGET:
        raise ValueError(
            f"{caller}: {drawn} of {total} frames take {size / 1000:.0f} kB, and the budget of a "
            f"figure is {BUDGET // 1000} kB. {advice}"
        )
