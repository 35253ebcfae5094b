"""Tables as a screen reader meets them: the empty corner above a column of names is no heading."""

import re

HEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)
EMPTY = '<th class="head"><p></p></th>'


def mend_corners(app, pagename, templatename, context, doctree):
    """Turn empty headings into empty cells; a head without any heading is hidden by the style sheet."""

    def mend(head):
        row = head.group()
        return row.replace(EMPTY, "<td></td>") if row.count("<th ") > row.count(EMPTY) else row

    if "body" in context:
        context["body"] = HEAD.sub(mend, context["body"])


def setup(app):
    app.connect("html-page-context", mend_corners)
