"""A bare page around a figure, without the theme of the book."""

PAGE = """<!doctype html><html lang="en" {html}><head><meta charset="utf-8"><title>t</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>body{{margin:16px;font:16px sans-serif}}</style></head>
<body {body}>{content}</body></html>"""


def html_of(figure):
    return figure._repr_mimebundle_()["text/html"]


def shown(page, *figures, html="", body="", content=None):
    """Put figures on a page; returns the complaints that the page will make."""
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    content = "\n".join(map(html_of, figures)) if content is None else content
    page.set_content(PAGE.format(html=html, body=body, content=content))
    return complaints


def alt(page, figure=".pl-figure"):
    return page.locator(f"{figure} .pl-stage").get_attribute("aria-label")


def drag(page, start, end, steps=8):
    """Pull with the mouse from one place to another."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()


def swipe(page, start, end, steps=8):
    """Pull with a finger; the browser decides whether the page scrolls."""
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def point(part):
        return {axis: a + part * (b - a) for axis, a, b in zip("xy", start, end)}

    touch("touchStart", point(0))
    for step in range(1, steps + 1):
        touch("touchMove", point(step / steps))
        page.wait_for_timeout(20)
    touch("touchEnd")


def center(locator):
    """The middle of an element."""
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pixel(page, figure, x, y, panel=0):
    """Where a point of the data is on the screen, by the figure's own transform."""
    svg = page.locator(".pl-stage svg")
    stage, across = svg.bounding_box(), float(svg.get_attribute("viewBox").split()[2])
    (film,) = [film for film in figure.film.versions if abs(72 * film.width - across) < 0.1]
    left, top = film.panels[panel].place(x, y)
    scale = stage["width"] / across
    return stage["x"] + left * scale, stage["y"] + top * scale
