"""The checks of the browser tests: each looks at a page and returns what is wrong with it.

They return lists of sentences instead of asserting, so that `test_harness.py` can show each of them
finding the fault it is for.
"""

import contextlib
import re
import threading
from pathlib import Path
from urllib.parse import urlparse

from browser import chromium_path as chromium_path  # the tests' own address for it
from serve import server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SITE = ROOT / "_build" / "html"
AXE = HERE / "vendor" / "axe-core" / "axe.min.js"

PAGE_BUDGET = 2_000_000
FIGURE_BUDGET = 600_000
PHONE = {"width": 375, "height": 800}
DESKTOP = {"width": 1300, "height": 900}
LOCAL = ("127.0.0.1", "localhost")

# Debian's Chromium, as quiet as it can be made: it must ask nobody for anything.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def served(folder):
    """Serve a folder on a free port of this machine; yields the address."""
    with server(Path(folder)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


class Watch:
    """What a page asks for and complains about, from the moment this is made.

    Requests to other hosts are stopped and remembered.
    """

    def __init__(self, page):
        self.off_host, self.failed, self.complaints = [], [], []
        self.sizes: dict[str, int] = {}
        page.context.route("**/*", self._route)
        page.on("requestfailed", lambda request: self.failed.append(request.url))
        page.on("response", self._response)
        page.on("requestfinished", self._finished)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))

    def _route(self, route):
        address = urlparse(route.request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname not in LOCAL:
            self.off_host.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    def _response(self, response):
        if response.status >= 400:
            self.failed.append(f"{response.status} {response.url}")

    def _finished(self, request):
        self.sizes[request.url] = request.sizes()["responseBodySize"]

    def _console(self, message):
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def problems(self) -> list[str]:
        """Requests that left the machine or failed, and what the page complained about."""
        return [
            *(f"asks another host: {url}" for url in sorted(set(self.off_host))),
            *(f"failed: {url}" for url in self.failed if url not in self.off_host),
            *self.complaints,
        ]

    def own_weight(self) -> int:
        """Bytes of the page beyond what all pages share."""
        return sum(size for url, size in self.sizes.items() if "/_static/" not in url)


@contextlib.contextmanager
def opened(browser, address, wound=False):
    """Open a page on a desktop, watched since before its first request; yields both.

    A page that is `wound` has a clock that `pass_time` puts forward, instead of waiting.
    """
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        watch = Watch(page)
        if wound:
            page.clock.install()
        page.goto(address)
        settle(page)
        yield page, watch


def pass_time(page, milliseconds):
    """Let the page's own timers run for so long, without waiting for it. The clock was installed before."""
    page.clock.run_for(milliseconds)


def settle(page):
    """Wait until all formulas are set, also those far below the window."""
    page.wait_for_load_state("load")
    page.evaluate("window.MathJax?.startup?.promise")
    page.evaluate("window.MathJax?.startup?.document?.lazyTypesetAll?.()")
    page.evaluate("document.fonts.ready.then(() => true)")


# What a page is allowed to cost a reader on a slow machine (a quarter of this one's speed) and a slow
# line (4 Mbit/s, 100 ms), in milliseconds.
COSTS = {"first paint": 1500, "main thread blocked": 1500, "last figure usable": 2000}

_COUNT = """
window.plCosts = {blocked: 0};
new PerformanceObserver((list) => list.getEntries().forEach((task) => {
  window.plCosts.blocked += task.duration - 50;
})).observe({entryTypes: ["longtask"]});
const READY = "figure.pl-explore, figure.pl-animate, figure.pl-predict";
new MutationObserver((list) => list.forEach(({ target }) => {
  if (target.matches(READY) && target.dataset.ready) window.plCosts.usable = performance.now();
})).observe(document, { subtree: true, attributeFilter: ["data-ready"] });
"""


def costs(browser, address) -> dict[str, float]:
    """What opening a page takes on a slow machine and a slow line, with nothing kept from before."""
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        page.add_init_script(_COUNT)
        line = context.new_cdp_session(page)
        speed = 4e6 / 8
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", {
            "offline": False, "latency": 100, "downloadThroughput": speed, "uploadThroughput": speed})  # fmt: skip
        line.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page.goto(address, wait_until="load")
        waiting = ", ".join(f"figure.pl-{kind}:not([data-ready])" for kind in ("explore", "animate", "predict"))
        page.wait_for_function("(waiting) => !document.querySelector(waiting)", arg=waiting, timeout=60_000)
        page.wait_for_timeout(1000)
        return page.evaluate(
            """() => ({
              "first paint": performance.getEntriesByName("first-contentful-paint")[0].startTime,
              "main thread blocked": plCosts.blocked,
              "last figure usable": plCosts.usable,
            })"""
        )


def set_theme(page, theme):
    """Switch as the theme's own button does."""
    page.evaluate(
        """theme => { document.documentElement.dataset.theme = theme;
                      document.documentElement.dataset.mode = theme; }""",
        theme,
    )


# ------------------------------------------------------------------------------------ a page


def maths_problems(page) -> list[str]:
    """Formulas that were not set, or set as an error; TeX that reached the reader."""
    found = page.evaluate(
        r"""() => {
        const article = document.querySelector("article"), out = [];
        for (const source of article.querySelectorAll(".math")) {
          if (!source.querySelector("mjx-container"))
            out.push("not typeset: " + source.textContent.slice(0, 80));
        }
        const errors = "mjx-merror, [data-mjx-error], mjx-mtext[style*='red'], .MathJax_Error";
        for (const bad of article.querySelectorAll(errors))
          out.push("TeX error: " + (bad.dataset.mjxError || bad.outerHTML).slice(0, 200));
        const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
        const elsewhere = "code, pre, script, style, mjx-container, .math";
        const macros = "newcommand|frac|begin|vect|mat|purp|phat|hat|boldsymbol";
        const tex = new RegExp(String.raw`\$\$|\\\(|\\\[|\\(?:${macros})\b`);
        while (walker.nextNode()) {
          const node = walker.currentNode;
          if (!node.parentElement.closest(elsewhere) && tex.test(node.textContent))
            out.push("TeX in the text: " + node.textContent.trim().slice(0, 80));
        }
        return out;
      }"""
    )
    return found


def formula_count(page) -> int:
    return page.locator("article mjx-container").count()


def weight_problems(watch: Watch) -> list[str]:
    weight = watch.own_weight()
    if weight > PAGE_BUDGET:
        return [f"the page weighs {weight / 1000:.0f} kB beyond what all pages share"]
    return []


def overflow_problems(page) -> list[str]:
    """What sticks out of the window on the right, and is not in a box that scrolls."""
    return page.evaluate(
        """() => {
        const width = document.documentElement.clientWidth, out = [];
        const whole = document.documentElement.scrollWidth;
        if (whole > width + 1) out.push(`the page is ${whole} wide in a window of ${width}`);
        const scrolls = (element) => {
          for (let e = element; e && e.tagName !== "ARTICLE"; e = e.parentElement) {
            const css = getComputedStyle(e);
            if (e !== element && ["auto", "scroll"].includes(css.overflowX)) return true;
            // For screen readers only: clipped to nothing.
            if (css.clip !== "auto" || css.clipPath !== "none") return true;
          }
          return false;
        };
        for (const e of document.querySelectorAll("article *")) {
          const box = e.getBoundingClientRect();
          if (box.width && box.right > width + 1 && !scrolls(e))
            out.push(`sticks out to ${Math.round(box.right)}: ${e.outerHTML.slice(0, 100)}`);
        }
        return out.slice(0, 5);
      }"""
    )


# Two things of the theme that are not ours to mend: its search button is labeled otherwise than it
# reads, and its title stands outside every landmark.
OF_THE_THEME = ["button.search-button__button", ".sidebar-primary-item:has(.navbar-brand)"]


# What a theme can change.
COLOR_RULES = ["color-contrast", "link-in-text-block"]


def axe_problems(page, scope="html", rules=None) -> list[str]:
    """Violations of the accessibility rules; none is switched off. Or of the rules that are named."""
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    return page.evaluate(
        """async ([scope, theirs, rules]) => {
        const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
        const exclude = theirs.filter((s) => document.querySelector(s)).map((s) => [s]);
        const runOnly = rules ? { type: "rule", values: rules } : { type: "tag", values: tags };
        const result = await axe.run({ include: [[scope]], exclude }, { runOnly, resultTypes: ["violations"] });
        return result.violations
          .map((v) => `${v.id} (${v.nodes.length}): ${v.help}: ${v.nodes[0].html.slice(0, 160)}`
            + ` [${(v.nodes[0].any[0] || v.nodes[0].all[0] || {}).message || ""}]`);
      }""",
        [scope, OF_THE_THEME, rules],
    )


# What a screen reader stops at, and must be able to name.
NAMED = {"button", "link", "slider", "textbox", "searchbox", "combobox", "checkbox", "radio", "gridcell", "image"}


def tree_problems(page) -> list[str]:
    """The page as a screen reader is told it: names, roles, and the order of its headings.

    The browser brings its tree up to date some time after the page has changed: a complaint is looked at twice.
    """
    if not _tree_problems(page):
        return []
    page.wait_for_timeout(1000)
    return _tree_problems(page)


def _tree_problems(page) -> list[str]:
    session = page.context.new_cdp_session(page)
    nodes = [node for node in session.send("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    told = [_told(node) for node in nodes]
    problems = [f"a {role} without a name" for role, name, _ in told if role in NAMED and not name]
    problems += [
        "something is reached by keyboard that has neither role nor name"
        for node, (role, name, states) in zip(nodes, told)
        if states.get("focusable") and role in ("generic", "none", "") and not name
        and _by_keyboard(session, node["backendDOMNodeId"])
    ]
    headings = [(states.get("level"), name) for role, name, states in told if role == "heading"]
    problems += [f"a heading of level {level} without words" for level, words in headings if not words]
    problems += [
        f"after {one!r}, of level {level}, comes {other!r}, of level {below}"
        for (level, one), (below, other) in zip(headings, headings[1:])
        if below > level + 1
    ]
    titles, parts = sum(level == 1 for level, _ in headings), sum(role == "main" for role, *_ in told)
    problems += [f"{titles} titles, where there should be one"] * (titles != 1)
    problems += [f"{parts} main parts, where there should be one"] * (parts != 1)
    return problems


def _by_keyboard(session, node) -> bool:
    """Whether the Tab key stops at an element that can be focused: only a script reaches tabindex -1."""
    flat = session.send("DOM.describeNode", {"backendNodeId": node})["node"].get("attributes", [])
    return dict(zip(flat[::2], flat[1::2])).get("tabindex", "0") != "-1"


def _told(node) -> tuple[str, str, dict]:
    """The role of a node of the accessibility tree, its name, and its states."""
    states = {entry["name"]: entry["value"].get("value") for entry in node.get("properties", [])}
    return node.get("role", {}).get("value", ""), str(node.get("name", {}).get("value", "")).strip(), states


# ----------------------------------------------------------------------------------- figures


def figures(page, kind):
    """The figures of a kind on a page: "still", "explore", "animate" or "predict".

    A figure inside a question waits for the guess: it is the question's.
    """
    found = page.locator(f"figure.pl-figure.pl-{kind}:not(.pl-predict *)")
    return [found.nth(i) for i in range(found.count())]


def name_of(figure) -> str:
    return figure.get_attribute("id") or "a figure without id"


def picture(figure) -> str:
    return figure.locator(".pl-stage").inner_html()


def alt(figure) -> str:
    return figure.locator(".pl-stage").get_attribute("aria-label") or ""


def alt_problems(figure) -> list[str]:
    stage = figure.locator(".pl-stage")
    if stage.count() != 1:
        return [f"{name_of(figure)}: has {stage.count()} stages"]
    if stage.get_attribute("role") != "img" or len(alt(figure).strip()) < 15:
        return [f"{name_of(figure)}: the picture has no description: {alt(figure)!r}"]
    if stage.bounding_box()["height"] < 40 or not stage.locator("svg, img").count():
        return [f"{name_of(figure)}: shows no picture"]
    return []


def explore_problems(page, figure) -> list[str]:
    """Move every control of an explore figure, by keyboard and by mouse."""
    name, out = name_of(figure), alt_problems(figure)
    controls = figure.locator(".pl-controls :is(input, select)")
    if not controls.count():
        return [*out, f"{name}: has no controls"]
    figure.scroll_into_view_if_needed()
    for i in range(controls.count()):
        control = controls.nth(i)
        label = label_of(control)
        if not label:
            out.append(f"{name}: control {i + 1} has no label")
        moves = {"keyboard": by_keyboard, "mouse": by_mouse}
        for hand, move in moves.items():
            before = state(figure, control)
            move(page, control)
            out += [
                f"{name}: {label}: {what} does not change by {hand}"
                for what, value in state(figure, control).items()
                if value == before[what]
            ]
    return out


def handle_problems(page, figure) -> list[str]:
    """Pull every handle of a figure with the mouse, and push it with the keys."""
    name, out = name_of(figure), []
    handles = figure.locator(".pl-handle")
    for i in range(handles.count()):
        handle = handles.nth(i)
        label = handle.get_attribute("aria-label") or ""
        if not label.strip():
            out.append(f"{name}: handle {i + 1} has no label")
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        if min(box["width"], box["height"]) < 24:
            out.append(f"{name}: {label}: is too small to grasp")
        before = picture(figure), alt(figure), handle.get_attribute("aria-valuetext")
        handle.focus()
        page.keyboard.press("ArrowRight" if handle.get_attribute("aria-valuenow") == "0" else "ArrowLeft")
        pushed = picture(figure), alt(figure), handle.get_attribute("aria-valuetext")
        stage, box = figure.locator(".pl-stage").bounding_box(), handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        for to in (0.25, 0.75):  # one of the two is another place
            page.mouse.move(stage["x"] + to * stage["width"], stage["y"] + to * stage["height"], steps=3)
            pulled = picture(figure), alt(figure), handle.get_attribute("aria-valuetext")
            if pulled != pushed:
                break
        page.mouse.up()
        names = ("the picture", "the description", "aria-valuetext")
        for hand, a, b in (("keyboard", before, pushed), ("mouse", pushed, pulled)):
            out += [f"{name}: {label}: {w} does not change by {hand}" for w, x, y in zip(names, a, b) if x == y]
    return out


def predict_problems(page, figure) -> list[str]:
    """Answer a question, after looking whether it keeps its answer to itself until then."""
    name, out = name_of(figure), []
    button, told, why = (figure.locator(s) for s in (".pl-guess button", ".pl-told", ".pl-why"))
    if not button.is_visible():
        return [f"{name}: has no button to commit to a guess"]
    if why.is_visible() or figure.locator(".pl-controls:visible").count():
        out.append(f"{name}: tells or moves before the guess")
    button.click()
    if why.is_visible():
        out.append(f"{name}: tells without a guess")
    for radio in figure.locator("input[type=radio]").all()[:1]:
        radio.check()
    for number in figure.locator(".pl-guess input[type=number]").all():
        number.fill(number.get_attribute("max"))
    for knob in figure.locator(".pl-sheet .pl-handle").all():
        knob.press("ArrowUp")
        knob.press("ArrowLeft")
    button.click()
    if not why.is_visible() or told.get_attribute("aria-live") != "polite":
        out.append(f"{name}: does not tell after the guess")
    if figure.locator(".pl-controls").count() and not figure.locator(".pl-controls").first.is_visible():
        out.append(f"{name}: its figure cannot be moved after the guess")
    return out


def label_of(control) -> str:
    return control.evaluate("e => [...(e.labels || [])].map(l => l.textContent).join(' ').trim()")


def state(figure, control) -> dict[str, str]:
    """Everything that a moved control must change."""
    now = {"the picture": picture(figure), "the description": alt(figure)}
    if control.get_attribute("type") == "range":
        now["aria-valuetext"] = control.get_attribute("aria-valuetext") or ""
        now["the value shown"] = control.evaluate(
            "e => document.querySelector(`output[for~='${e.id}']`)?.textContent"
            " ?? e.parentElement.querySelector('output')?.textContent ?? ''"
        )
    return now


def by_keyboard(page, control):
    """One press of an arrow key, or the space bar on a checkbox."""
    control.focus()
    if control.get_attribute("type") == "checkbox":
        page.keyboard.press("Space")
    elif control.evaluate("e => e.tagName") == "SELECT":
        last = control.evaluate("e => e.selectedIndex === e.options.length - 1")
        page.keyboard.press("ArrowUp" if last else "ArrowDown")
    else:
        page.keyboard.press("ArrowLeft" if at_end(control) else "ArrowRight")


def at_end(control) -> bool:
    return control.evaluate("e => +e.value >= +e.max")


def by_mouse(page, control):
    """A click on the far end of a slider, on a checkbox, or on another option."""
    if control.get_attribute("type") == "checkbox":
        control.click()
    elif control.evaluate("e => e.tagName") == "SELECT":
        count, now = control.evaluate("e => [e.options.length, e.selectedIndex]")
        control.select_option(index=(now + 1) % count)
    else:
        control.scroll_into_view_if_needed()
        box = control.bounding_box()
        upper = control.evaluate("e => (e.value - e.min) / (e.max - e.min) > 0.5")
        page.mouse.click(
            box["x"] + box["width"] * (0.04 if upper else 0.96), box["y"] + box["height"] / 2
        )


def animate_problems(page, figure) -> list[str]:
    """Step, go back, scrub, jump, play and pause an animation."""
    name, out = name_of(figure), alt_problems(figure)
    figure.scroll_into_view_if_needed()

    def button(action):
        return figure.locator(f"[data-action={action}]")

    missing = [a for a in ("first", "back", "play", "step", "last") if not button(a).count()]
    scrub = figure.locator("input[type=range]")
    if missing or not scrub.count():
        return [*out, f"{name}: lacks {', '.join(missing) or 'a slider'}"]

    first = picture(figure), alt(figure)
    pass_time(page, 2000)
    if (picture(figure), alt(figure)) != first:
        out.append(f"{name}: plays by itself")
    last_step = int(scrub.get_attribute("max"))
    if last_step < 1:
        return [*out, f"{name}: has one frame"]

    button("step").click()
    second = picture(figure), alt(figure)
    out += [f"{name}: step does not change {w}" for w in changed_not(first, second)]
    button("back").click()
    if (picture(figure), alt(figure)) != first:
        out.append(f"{name}: back does not return to the first frame")
    button("last").click()
    final = picture(figure), alt(figure)
    out += [f"{name}: last does not change {w}" for w in changed_not(first, final)]
    button("first").click()
    before = state(figure, scrub)
    by_keyboard(page, scrub)
    out += unchanged(name, "the keyboard", before, state(figure, scrub))
    button("first").click()
    before = state(figure, scrub)
    by_mouse(page, scrub)
    out += unchanged(name, "the mouse", before, state(figure, scrub))

    button("first").click()
    button("play").click()
    if not wait_for_change(page, figure, first[0]):
        out.append(f"{name}: play does not move")
    button("play").click()
    held = picture(figure)
    pass_time(page, 2000)
    if picture(figure) != held:
        out.append(f"{name}: pause does not stop")
    return out


def changed_not(before, after) -> list[str]:
    return [w for w, b, a in zip(("the picture", "the description"), before, after) if a == b]


def unchanged(name, hand, before, after) -> list[str]:
    return [
        f"{name}: {what} does not follow {hand}" for what in before if before[what] == after[what]
    ]


def wait_for_change(page, figure, before, patience=4000) -> bool:
    for _ in range(patience // 100):
        pass_time(page, 100)
        if picture(figure) != before:
            return True
    return False


def still_motion_problems(page, figure) -> list[str]:
    """With reduced motion asked for, nothing moves by itself: no Play, or one that does nothing."""
    name, out = name_of(figure), []
    before = picture(figure)
    play = figure.locator("[data-action=play]")
    if play.count() and play.is_visible():
        play.click()
    pass_time(page, 3000)
    if picture(figure) != before:
        out.append(f"{name}: moves although reduced motion is asked for")
    figure.locator("[data-action=step]").click()
    if picture(figure) == before:
        out.append(f"{name}: cannot be stepped under reduced motion")
    return out


def print_problems(page, figure) -> list[str]:
    """On paper: a picture, and no controls. Expects the page in print media."""
    name, out = name_of(figure), []
    controls = figure.locator(".pl-controls")
    if controls.count() and controls.first.is_visible():
        out.append(f"{name}: prints its controls")
    box = figure.locator(".pl-stage").bounding_box()
    if box is None or box["height"] < 40:
        out.append(f"{name}: prints no picture")
    return out


def figure_weights(html: str) -> dict[str, int]:
    """Bytes of each figure in the page as served, by id."""
    parts = re.split(r"(?=<figure\b[^>]*\bpl-figure\b)", html)[1:]
    weights = {}
    for part in parts:
        figure, _, _ = part.partition("</figure>")
        name = re.search(r'\bid="([^"]+)"', figure.partition(">")[0])
        weights[name.group(1) if name else "a figure without id"] = len(figure.encode())
    return weights


def heavy_figures(html: str) -> list[str]:
    return [
        f"{name}: weighs {weight / 1000:.0f} kB"
        for name, weight in figure_weights(html).items()
        if weight > FIGURE_BUDGET
    ]
