"""Figures in a bare page: what the script puts on the stage is what Python drew.

The built book is tested elsewhere; here the figures stand alone, without its theme.
"""

import io
import re
from typing import NamedTuple

import numpy as np
import pytest
from bare import alt, html_of, shown

from pedagogy_lib import show
from pedagogy_lib.show.engine import frames, svg


class Step(NamedTuple):
    value: float


def curve(slope, kind="line", dots=False):
    fig, ax = show.figure(width=4, height=2.5)
    x = np.linspace(0, 1, 60)
    ax.plot(
        x, slope * (x if kind == "line" else x**2), color=show.COLORS["blue"], label=r"$\hat y$"
    )
    if dots:
        weights = np.stack([x, 1 - x], axis=1)
        ax.scatter(x, 1 - x, s=12, c=show.blend(weights, ["green", "orange"]))
    show.label(ax, 0.1, 1.6, f"slope {slope}", color="orange")
    show.legend(ax)
    ax.set(xlim=(0, 1), ylim=(0, 2), xlabel="$x$")
    return fig


@pytest.fixture(autouse=True)
def built_page(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "page")


@pytest.fixture(scope="module")
def explorable():
    patch = pytest.MonkeyPatch()
    patch.setenv("PEDAGOGY_LIB_FIGURES", "page")
    figure = show.explore(
        curve,
        alt="A {kind} of slope {slope}, dots {dots}.",
        slope=show.slider([0.5, 1.0, 1.5, 2.0], label="slope of it", unit="m"),
        kind=["line", "parabola"],
        dots=show.toggle("dots"),
        caption="A caption.",
    )
    patch.undo()
    return figure


@pytest.fixture(scope="module")
def animation():
    patch = pytest.MonkeyPatch()
    patch.setenv("PEDAGOGY_LIB_FIGURES", "page")
    figure = show.animate(
        [Step(0.5), Step(1.0), Step(1.5), Step(2.0)],
        lambda event: curve(event.value),
        alt="Step {step}: slope {value}.",
        interval=200,
    )
    patch.undo()
    return figure


# The picture -------------------------------------------------------------------------------------


def pixels(page, picture):
    from PIL import Image

    variables = "".join(f"--pl-{name}:{color};" for name, color in show.COLORS.items())
    variables += "".join(f"--pl-{name}-text:{color};" for name, color in show.COLORS.items())
    page.set_content(f"<body style='margin:0;{variables}'><div id='p'>{picture}</div>")
    page.add_style_tag(content="#p svg{width:800px;height:auto;display:block}")
    data = page.locator("#p").screenshot()
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=float)


def test_the_compact_picture_looks_as_matplotlib_drew_it(new_page):
    fig = frames.call(curve, "test", slope=1.5, dots=True)
    original = io.StringIO()
    frames._save(fig, original, "svg", transparent=True)
    source = original.getvalue()
    compact = svg.compact(source, {})
    page = new_page()
    expected = pixels(page, source[source.index("<svg") :])
    assert expected.min() < 100
    assert (
        np.abs(pixels(page, "".join(compact)) - expected).max() < 60
    )  # edges may differ by a hair
    assert np.abs(pixels(page, "".join(compact)) - expected).mean() < 0.1
    # The same comparison sees that one of the curve, the letters or the dots is missing.
    curve_line = next(line for line in compact if "stroke:var(--pl-blue)" in line)
    without = [line for line in compact if line != curve_line]
    assert np.abs(pixels(page, "".join(without)) - expected).max() > 100


COMPARE = """([figure, picture]) => {
  const expected = document.createElement("div");
  expected.innerHTML = picture;
  document.querySelector(figure).append(expected);
  const a = [...document.querySelector(figure + " .pl-stage").querySelectorAll("*")];
  const b = [...expected.querySelectorAll("*")], out = [];
  if (a.length !== b.length) out.push(`${a.length} elements for ${b.length}`);
  const looks = ["fill", "stroke", "strokeWidth", "fillOpacity", "opacity", "clipPath"];
  a.forEach((x, i) => {
    const y = b[i];
    if (!y || x.tagName !== y.tagName) return out.push(`element ${i}: ${x.tagName}`);
    for (const name of ["d", "x", "y", "href", "transform", "id"])
      if (x.getAttribute(name) !== y.getAttribute(name)) out.push(`element ${i}: ${name}`);
    const [p, q] = [getComputedStyle(x), getComputedStyle(y)];
    for (const look of looks) if (p[look] !== q[look]) out.push(`element ${i}: ${look}`);
  });
  expected.remove();
  return out;
}"""


def test_every_state_on_the_stage_is_the_frame_that_python_draws(new_page, explorable):
    page = new_page()
    complaints = shown(page, explorable)
    uid = page.locator(".pl-figure").get_attribute("id")
    for state in explorable.states():
        page.locator("input[type=range]").fill(str([0.5, 1.0, 1.5, 2.0].index(state["slope"])))
        page.locator("select").select_option(label=state["kind"])
        page.locator("input[type=checkbox]").set_checked(state["dots"])
        drawn = explorable.frame(**state).replace("~", uid + "-").replace("\n", "")
        assert page.evaluate(COMPARE, [".pl-figure", drawn]) == []
        other = {**state, "slope": 0.5 if state["slope"] > 0.5 else 2.0}
        wrong = explorable.frame(**other).replace("~", uid + "-").replace("\n", "")
        assert page.evaluate(COMPARE, [".pl-figure", wrong]) != []
    assert complaints == []


LEAVES = """([figure, picture]) => {
  const expected = document.createElement("div");
  expected.innerHTML = picture;
  document.querySelector(figure).append(expected);
  const drawn = (root) => [...root.querySelectorAll("path, use, image, rect")].filter(e => !e.closest("defs"));
  const a = drawn(document.querySelector(figure + " .pl-stage")), b = drawn(expected);
  const clip = (e) => e.closest("[clip-path]")?.getAttribute("clip-path");
  const stage = document.querySelector(figure + " .pl-stage");
  const outline = (e, root) => e.href && root.querySelector(e.getAttribute("href"))?.getAttribute("d");
  const out = a.length === b.length ? [] : [`${a.length} elements for ${b.length}`];
  a.slice(0, b.length).forEach((x, i) => {
    const y = b[i];
    if (x.tagName !== y.tagName) return out.push(`element ${i}: ${x.tagName}`);
    for (const name of ["d", "x", "y", "href", "transform", "width", "height"])
      if (x.getAttribute(name) !== y.getAttribute(name)) out.push(`element ${i}: ${name}`);
    if (clip(x) !== clip(y)) out.push(`element ${i}: clip`);
    if (x.tagName === "use" && (outline(x, stage) === undefined || outline(x, stage) !== outline(y, expected)))
      out.push(`element ${i}: outline`);
    const [p, q] = [getComputedStyle(x), getComputedStyle(y)], [r, s] = [x.getBBox(), y.getBBox()];
    for (const look of ["fill", "stroke", "strokeWidth", "fillOpacity", "opacity"])
      if (p[look] !== q[look]) out.push(`element ${i}: ${look}`);
    for (const side of ["x", "y", "width", "height"])
      if (Math.abs(r[side] - s[side]) > 0.1) out.push(`element ${i}: ${side} ${r[side]} for ${s[side]}`);
  });
  expected.remove();
  return out;
}"""


def movable():
    """A figure drawn once."""
    fig, (left, right) = show.figure(ncols=2)
    x = np.linspace(0, 1, 60)
    rng = np.random.default_rng(0)
    left.plot(*rng.random((2, 30)), ".", color=show.COLORS["green"])
    (line,) = left.plot([], [])
    (dot,) = left.plot([], [], "*", ms=12)
    cloud = left.scatter(*rng.random((2, 20)), s=20)
    bars = right.bar([0, 1], [1, 1], hatch="//")
    note = right.text(0.2, 1.6, "")
    left.set(xlim=(0, 1), ylim=(0, 2), xlabel="$x$")
    right.set(ylim=(0, 2))

    def move(slope, kind):
        line.set_data(x, slope * (x if kind == "line" else x**2))
        dot.set_data([0.5], [slope / 2])
        dot.set_visible(slope < 2)
        cloud.set_facecolor(show.COLORS["orange" if kind == "line" else "blue"])
        bars[1].set_height(slope)
        note.set_text(f"{slope:.2f}" if kind == "line" else f"a {kind}")

    return fig, move


def test_every_state_of_a_figure_drawn_once_is_what_python_draws(new_page):
    figure = show.explore(
        movable, alt="A {kind} of slope {slope}.", slope=list(np.linspace(0.1, 2, 9)), kind=["line", "parabola"]
    )
    assert "data-mark" in html_of(figure)
    page = new_page()
    complaints = shown(page, figure)
    uid = page.locator(".pl-figure").get_attribute("id")
    wrong = figure.frame(slope=0.1, kind="line").replace("~", uid + "-").replace("\n", "")
    for state in figure.states():
        page.locator("input[type=range]").fill(str([s["slope"] for s in figure.states()][::2].index(state["slope"])))
        page.locator("select").select_option(label=state["kind"])
        drawn = figure.frame(**state).replace("~", uid + "-").replace("\n", "")
        assert page.evaluate(LEAVES, [".pl-figure", drawn]) == []
        if state != figure.states()[0]:
            assert page.evaluate(LEAVES, [".pl-figure", wrong]) != []
        assert alt(page) == f"A {state['kind']} of slope {state['slope']:.6g}."
    assert complaints == []


def test_every_reference_finds_its_definition(new_page, explorable, animation):
    page = new_page()
    shown(page, explorable, animation)
    page.locator("input[type=range]").first.press("End")
    assert page.evaluate(
        """() => [...document.querySelectorAll("use")]
             .every(use => document.getElementById(use.getAttribute("href").slice(1)))"""
    )


# The hand ----------------------------------------------------------------------------------------


def test_a_slider_by_keyboard_and_mouse(new_page, explorable):
    page = new_page()
    shown(page, explorable)
    slider = page.get_by_role("slider", name="slope of it")
    assert alt(page) == "A line of slope 1.5 m, dots off."
    slider.press("ArrowRight")
    assert alt(page) == "A line of slope 2 m, dots off."
    assert slider.get_attribute("aria-valuetext") == "slope of it: 2 m"
    assert page.locator("output").inner_text() == "2 m"
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    assert alt(page) == "A line of slope 0.5 m, dots off."


def test_a_slider_by_touch(new_page, explorable):
    page = new_page(has_touch=True, is_mobile=True, viewport={"width": 375, "height": 800})
    shown(page, explorable)
    box = page.get_by_role("slider").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    assert alt(page) == "A line of slope 2 m, dots off."


def test_menu_and_check_box(new_page, explorable):
    page = new_page()
    shown(page, explorable)
    page.get_by_role("combobox", name="kind").select_option(label="parabola")
    page.get_by_role("checkbox", name="dots").check()
    assert alt(page) == "A parabola of slope 1.5 m, dots on."


def test_keys_do_not_reach_the_page_around(new_page, explorable, animation):
    page = new_page()
    shown(page, explorable, animation)
    page.evaluate("document.addEventListener('keydown', e => (window.heard = e.key))")
    page.get_by_role("slider").first.press("ArrowRight")
    page.get_by_role("button", name="Step forward").press("ArrowRight")
    assert page.evaluate("window.heard") is None
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.heard") == "ArrowRight"


def test_stepping_through_an_animation(new_page, animation):
    page = new_page()
    complaints = shown(page, animation)
    seen = []
    for action in ("Step forward", "Last step", "Step back", "First step"):
        page.get_by_role("button", name=action).click()
        seen.append(page.locator("output").inner_text())
    assert seen == ["step 2 of 4", "step 4 of 4", "step 3 of 4", "step 1 of 4"]
    assert page.get_by_role("button", name="Step back").get_attribute("aria-disabled") == "true"
    page.get_by_role("button", name="Step forward").press("End")
    assert alt(page) == "Step 4: slope 2.0."
    page.get_by_role("slider").press("ArrowLeft")
    assert alt(page) == "Step 3: slope 1.5."
    assert complaints == []


def test_the_counter_says_what_it_was_told(new_page):
    page = new_page()
    steps = [Step(0.5), Step(1.0), Step(1.5)]
    figure = show.animate(steps, lambda event: curve(event.value), alt="{value}", count="slope {value} of 1.5")
    shown(page, figure)
    for _ in range(2):
        page.locator("[data-action=step]").click()
    assert page.locator("output").inner_text() == "slope 1.5 of 1.5"
    assert page.locator("input[type=range]").get_attribute("aria-valuetext") == "slope 1.5 of 1.5"


def test_play_pause_and_the_end(new_page, animation):
    page = new_page()
    shown(page, animation)
    page.wait_for_timeout(500)
    assert alt(page) == "Step 1: slope 0.5."  # it does not play by itself
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('output').innerText === 'step 2 of 4'")
    page.get_by_role("button", name="Pause").click()
    held = alt(page)
    page.wait_for_timeout(500)
    assert alt(page) == held
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('output').innerText === 'step 4 of 4'")
    page.get_by_role("button", name="Play").click()  # from the end it begins anew
    page.wait_for_function("document.querySelector('output').innerText === 'step 1 of 4'")


def test_touching_the_slider_pauses(new_page, animation):
    page = new_page()
    shown(page, animation)
    page.get_by_role("button", name="Play").click()
    page.get_by_role("slider").press("Home")
    page.get_by_role("button", name="Play").wait_for()
    page.wait_for_timeout(500)
    assert alt(page) == "Step 1: slope 0.5."


def test_reduced_motion_leaves_stepping(new_page, animation):
    page = new_page(reduced_motion="reduce")
    shown(page, animation)
    assert not page.locator("[data-action=play]").is_visible()
    page.get_by_role("button", name="Step forward").click()
    assert alt(page) == "Step 2: slope 1.0."


def test_the_focus_is_seen(new_page, animation):
    page = new_page()
    shown(page, animation)
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outline")
    assert "solid 2px" in outline
    assert page.evaluate("document.activeElement.dataset.action") == "first"


@pytest.mark.parametrize(("touch", "least"), [(False, 24), (True, 44)])
def test_targets_are_large_enough(new_page, explorable, animation, touch, least):
    page = new_page(has_touch=touch, is_mobile=touch, viewport={"width": 375, "height": 800})
    shown(page, explorable, animation)
    for target in page.locator(".pl-controls :is(input, select, button)").all():
        assert target.bounding_box()["height"] >= least


# The page around ---------------------------------------------------------------------------------


def test_the_same_figure_twice_is_two_figures(new_page, explorable):
    page = new_page()
    shown(page, explorable, explorable)
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    page.get_by_role("slider").nth(1).press("End")
    stages = [s.get_attribute("aria-label") for s in page.locator(".pl-stage").all()]
    assert stages == ["A line of slope 1.5 m, dots off.", "A line of slope 2 m, dots off."]


def test_a_site_that_serves_the_script_itself(new_page, monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "site")
    figure = show.explore(curve, alt="{slope}", slope=[1, 2])
    style, script = show.assets()["pl-figure.css"], show.assets()["pl-figure.js"]
    page = new_page()
    head = f"<style>{style}</style><script>{script}</script>"
    complaints = shown(page, content=head + html_of(figure))
    page.get_by_role("slider").press("Home")
    assert alt(page) == "1"
    shown(page, content=html_of(figure) + head)  # and if the script comes late
    page.get_by_role("slider").press("Home")
    assert alt(page) == "1"
    assert complaints == []


def test_without_script_the_picture_is_there_and_no_dead_control(new_page, explorable):
    page = new_page(java_script_enabled=False)
    shown(page, explorable)
    assert page.locator(".pl-stage svg").is_visible()
    assert not page.locator("input[type=range]").is_visible()


def test_print_shows_the_picture_in_light_colors_without_controls(new_page, explorable):
    page = new_page()
    shown(page, explorable, html='data-theme="dark"')
    page.emulate_media(media="print")
    assert page.locator(".pl-stage svg").is_visible()
    assert not page.locator(".pl-controls").is_visible()
    assert stroke(page) == rgb(show.COLORS["blue"])


def rgb(color):
    return "rgb({}, {}, {})".format(*(int(color[i : i + 2], 16) for i in (1, 3, 5)))


def stroke(page):
    return page.evaluate(
        """() => getComputedStyle([...document.querySelectorAll(".pl-stage path")]
             .find(p => p.getAttribute("d").length > 300 && !p.closest("defs"))).stroke"""
    )


@pytest.mark.parametrize(
    ("around", "prefers", "dark"),
    [
        ({"html": 'data-theme="light"'}, "dark", False),
        ({"html": 'data-theme="dark"'}, "light", True),
        ({"body": 'data-jp-theme-light="true"'}, "dark", False),
        ({"body": 'data-jp-theme-light="false"'}, "light", True),
        ({}, "light", False),
        ({}, "dark", True),
    ],
)
def test_lines_follow_the_theme_of_the_page(new_page, explorable, around, prefers, dark):
    page = new_page(color_scheme=prefers)
    shown(page, explorable, **around)
    blue = show.colors.PALETTE["blue"]
    assert stroke(page) == rgb(blue.dark if dark else blue.light)
    page.locator("input[type=range]").press("Home")  # and go on doing so
    assert stroke(page) == rgb(blue.dark if dark else blue.light)


def test_an_image_keeps_its_light_paper_in_the_dark(new_page):
    figure = show.still(curve(1), alt="A line.", format="webp")
    page = new_page()
    shown(page, figure, html='data-theme="dark"')
    card = page.locator(".pl-card")
    assert card.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".pl-card img").evaluate("e => e.naturalWidth") == 4 * 144


@pytest.mark.parametrize("width", [320, 375, 1300])
def test_nothing_sticks_out(new_page, explorable, animation, width):
    page = new_page(viewport={"width": width, "height": 800})
    shown(page, explorable, animation)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_hatch_is_still_there_after_the_figure_has_moved(new_page):
    def bar(height):
        fig, ax = show.figure(width=3, height=2)
        ax.bar([0], [height], hatch="//", color=show.COLORS["orange"], edgecolor=show.COLORS["ink"])
        ax.set(ylim=(0, 3))
        return fig

    page = new_page()
    figure = show.explore(bar, alt="A bar of height {height}.", height=show.slider([1, 2, 3], label="height"))
    assert shown(page, figure) == []
    page.locator("input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    fills = page.locator(".pl-stage path").evaluate_all("all => all.map(path => getComputedStyle(path).fill)")
    hatches = [fill for fill in fills if "url(" in fill]
    assert hatches, fills
    for fill in hatches:
        name = re.search(r'#([^")]+)', fill)[1]
        assert page.evaluate("id => document.getElementById(id)?.tagName", name) == "pattern"


# On a phone --------------------------------------------------------------------------------------

LETTERS = """() => [...document.querySelectorAll(".pl-stage g[transform*='scale(']")]
  .filter(e => e.querySelector("use"))
  .map(e => 100 * Math.abs(e.getScreenCTM().d))"""  # outlines of a font of 100 units: its size in pixels


def phone_figures():
    whole = show.explore(curve, alt="{slope}", slope=[0.5, 1.0])
    once = show.explore(movable, alt="{slope} {kind}", slope=[0.5, 1.0], kind=["line", "parabola"])
    film = show.animate([Step(0.5), Step(1.0)], lambda e: show.figure(ncols=2)[0], alt="{step}")
    return [whole, once, film, show.still(show.figure(ncols=3)[0], alt="Empty.")]


@pytest.mark.parametrize("number", range(4))
def test_no_letter_is_under_eleven_pixels_on_a_phone(new_page, number):
    page = new_page(viewport={"width": 375, "height": 800})
    assert shown(page, phone_figures()[number]) == []
    sizes = page.evaluate(LETTERS)
    assert len(sizes) > 5
    assert min(sizes) >= 11
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_panels_of_a_figure_drawn_once_stand_under_each_other_on_a_phone(new_page):
    figure = phone_figures()[1]
    page = new_page(viewport={"width": 375, "height": 800})
    shown(page, figure)
    stage = page.locator(".pl-stage svg").bounding_box()
    assert stage["width"] <= 343
    assert stage["height"] > stage["width"]  # two panels, each wider than high
    uid = page.locator(".pl-figure").get_attribute("id")
    narrow = figure.film.versions[1]
    for index, state in enumerate(figure.states()):
        page.locator("input[type=range]").fill(str([0.5, 1.0].index(state["slope"])))
        page.locator("select").select_option(label=state["kind"])
        drawn = narrow.frame(index).replace("~", uid + "-").replace("\n", "")
        assert page.evaluate(LEAVES, [".pl-figure", drawn]) == []
        assert alt(page) == f"{state['slope']:g} {state['kind']}"


def test_a_phone_that_is_turned_gets_the_wide_picture_in_the_same_state(new_page):
    page = new_page(viewport={"width": 375, "height": 800})
    figure = phone_figures()[1]
    shown(page, figure)
    page.get_by_role("slider").press("Home")
    page.set_viewport_size({"width": 800, "height": 375})
    page.wait_for_function("document.querySelector('.pl-stage svg').viewBox.baseVal.width > 400")
    uid = page.locator(".pl-figure").get_attribute("id")
    drawn = figure.frame(slope=0.5, kind="line").replace("~", uid + "-").replace("\n", "")
    assert page.evaluate(LEAVES, [".pl-figure", drawn]) == []


def test_on_paper_an_animation_shows_its_last_step(new_page, animation):
    page = new_page()
    shown(page, animation)
    assert alt(page) == "Step 1: slope 0.5."
    page.emulate_media(media="print")
    page.wait_for_function("document.querySelector('.pl-stage').ariaLabel === 'Step 4: slope 2.0.'")
    page.emulate_media(media="screen")
    page.wait_for_function("document.querySelector('.pl-stage').ariaLabel === 'Step 1: slope 0.5.'")
