"""What a page loads, and when: nothing before its text, and MathJax only where there is a formula."""

import re

FORMULA = re.compile(r'class="[^"]*\bmath\b')
WITHOUT_SCRIPT = (
    "<noscript><p class='without-script'>Without JavaScript, formulas are shown as they are written, in TeX, "
    "and figures do not move.</p></noscript>"
)
# Others read its values while the page is still being parsed.
AT_ONCE = "documentation_options.js"


def arrange_scripts(app, pagename, templatename, context, doctree):
    """Let scripts wait for the text; leave out MathJax where nothing would be typeset.

    The search page is left alone: its own scripts, which the theme's template adds, need the others at once.
    """
    has_formula = bool(FORMULA.search(context.get("body", "")))
    kept = []
    for script in context.get("script_files", []):
        source = str(getattr(script, "filename", None) or "")
        words = getattr(script, "attributes", {})
        about_mathjax = "mathjax" in source or "window.MathJax" in str(words.get("body", ""))
        if about_mathjax and not has_formula:
            continue
        if source and AT_ONCE not in source and pagename != "search":
            # A new one: Sphinx hands every page the same list.
            script = type(script)(script.filename, priority=script.priority, **{**words, "defer": "defer"})
        kept.append(script)
    context["script_files"] = kept
    if has_formula:
        context["body"] = WITHOUT_SCRIPT + context["body"]


def setup(app):
    app.connect("html-page-context", arrange_scripts, priority=900)
