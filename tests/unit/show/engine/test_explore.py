"""Explorable figures: the stored page, the live view and a direct call show the same picture."""

import html
import json
import os
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from pedagogy_lib import show
from pedagogy_lib.show.engine import packing

page = sys.modules["pedagogy_lib.show.engine.page"]


@pytest.fixture(autouse=True)
def page_host(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "page")


def bars(height, flip=False, kind="flat"):
    fig, ax = show.figure(width=3, height=2)
    heights = [height, 1] if flip else [1, height]
    ax.bar([0, 1], heights, color=show.COLORS["blue" if kind == "flat" else "orange"])
    ax.set(xlim=(-1, 2), ylim=(0, 3))
    return fig


def make(**kw):
    kw = {"alt": "A bar of height {height}.", "height": [0.5, 1.5, 2.5]} | kw
    return show.explore(kw.pop("draw", bars), **kw)


def bundle_html(figure):
    return figure._repr_mimebundle_()["text/html"]


def payload(figure):
    text = re.search(r'<script type="application/json">(.*?)</script>', bundle_html(figure))[1]
    return json.loads(text)


def alts(figure):
    return packing.unpack(payload(figure)["alts"])


def decode(data, index):
    """Read a frame as figure.js does: code apart from the library's own `Store.get`."""
    lines, runs, out = data["lines"].split("\n"), data["frames"][index], []
    for first, count in zip(runs[::2], runs[1::2]):
        out += lines[first : first + count]
    return "\n".join(
        re.sub(r"class='s(\d+)'", lambda m: f"style='{data['styles'][int(m[1])]}'", line)
        for line in out
    )


# The same picture everywhere ---------------------------------------------------------------------


@pytest.mark.parametrize("format", ["svg", "webp"])
def test_every_stored_state_is_what_a_direct_call_draws(format):
    figure = make(
        alt="{height} {flip} {kind}",
        flip=show.toggle(),
        kind=["flat", "steep"],
        format=format,
    )
    assert len(figure.states()) == 3 * 2 * 2
    pictures = [figure.stored(**state) for state in figure.states()]
    assert pictures == [figure.frame(**state) for state in figure.states()]
    assert len(set(pictures)) == len(pictures)
    assert all(isinstance(p, str if format == "svg" else bytes) for p in pictures)


def test_the_page_itself_carries_those_frames_in_the_order_of_the_controls():
    figure = make(alt="{height} {flip}", flip=show.toggle())
    data = payload(figure)
    for index, state in enumerate(figure.states()):
        assert decode(data, index) == figure.frame(**state)
        assert alts(figure)[index] == f"{state['height']} {'on' if state['flip'] else 'off'}"


def test_a_damaged_store_does_not_pass_for_a_direct_call():
    figure = make()
    stored = figure.film.stock.frames
    stored[0], stored[1] = stored[1::-1]
    assert figure.stored(height=0.5) != figure.frame(height=0.5)


def test_the_starting_frame_is_in_the_page_without_any_script():
    figure = make(start={"height": 2.5})
    text = bundle_html(figure)
    stage = re.search(r'<div class="pl-stage" role="img" aria-label="([^"]*)">(.*?)</div>', text)
    assert stage[1] == "A bar of height 2.5."
    uid = re.search(r'<figure class="pl-figure pl-explore" id="([^"]+)"', text)[1]
    assert stage[2] == figure.frame(height=2.5).replace("\n", "").replace("~", uid + "-")


def test_ids_do_not_depend_on_the_process():
    code = (
        "import matplotlib.figure, hashlib\nfrom pedagogy_lib import show\n"
        "def draw(n):\n"
        "    fig, ax = show.figure(width=3, height=2)\n"
        "    ax.plot([0, n], [0, 1], 'o-', label='x'); ax.legend(); ax.set_xlim(0, 3)\n"
        "    return fig\n"
        "h = show.explore(draw, alt='{n}', n=[1, 2, 3])._repr_mimebundle_()['text/html']\n"
        "print(hashlib.sha256(h.encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_two_figures_of_a_page_share_no_id():
    pages = [bundle_html(figure) for figure in (make(), make(height=[1, 2, 3]))]
    elements = [re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL) for text in pages]
    ids = [re.findall(r"\bid=[\"']([^\"']+)[\"']", text) for text in elements]
    assert min(map(len, ids)) > 5
    assert not set(ids[0]) & set(ids[1])
    assert all(len(found) == len(set(found)) for found in ids)


# What the page offers ----------------------------------------------------------------------------


def test_a_slider_has_label_limits_value_and_a_spoken_text():
    text = bundle_html(
        make(height=show.slider([0.5, 1.5, 2.5], label="mean height", format="{:.2f}", unit="m"))
    )
    uid = re.search(r'<input type="range" id="([^"]+)"', text)[1]
    assert f'<label for="{uid}">mean height</label>' in text
    assert 'min="0" max="2" step="1" value="1" aria-valuetext="mean height: 1.50 m"' in text
    assert re.search(rf'<output for="{uid}"[^>]*>1.50 m</output>', text)


def test_strings_become_a_menu_and_a_toggle_a_check_box():
    text = bundle_html(make(alt="{height} {kind} {flip}", kind=["flat", "steep"],
                            flip=show.toggle("the other way")))  # fmt: skip
    assert re.search(r'<select id="(pl-\w+-c-1)"', text)
    assert '<option value="0" selected>flat</option><option value="1">steep</option>' in text
    uid = re.search(r'<input type="checkbox" id="([^"]+)"', text)[1]
    assert f'<label for="{uid}">the other way</label>' in text


def test_a_menu_may_show_names_for_values():
    figure = make(height=show.choice({"low": 0.5, "high": 2.5}, label="height"))
    assert figure.states() == [{"height": 0.5}, {"height": 2.5}]
    assert ">low</option>" in bundle_html(figure)
    assert alts(figure) == ["A bar of height low.", "A bar of height high."]


def test_controls_wait_for_the_script():
    assert re.search(r'<div class="pl-controls" hidden>', bundle_html(make()))


def test_the_caption_is_text_with_mathematics():
    text = bundle_html(make(caption=r"If $a<b$ & not <b>more</b>"))
    assert r"\(a&lt;b\)</span> &amp; not &lt;b&gt;more&lt;/b&gt;</figcaption>" in text


def test_alt_text_and_labels_are_escaped():
    text = bundle_html(make(alt='A "bar" <of> {height}', height=show.slider([1, 2], label="<h>")))
    assert 'aria-label="A &quot;bar&quot; &lt;of&gt; 2"' in text
    assert "<label" in text
    assert "&lt;h&gt;</label>" in text


def test_no_text_can_end_the_script_element():
    figure = make(alt="</script><b>{height}")
    assert "</script><b>" not in bundle_html(figure)
    assert alts(figure)[0] == "</script><b>0.5"


def test_alt_may_be_a_function_of_the_state():
    figure = make(alt=lambda height: f"It is {'high' if height > 1 else 'low'}.")
    assert alts(figure) == ["It is low.", "It is high.", "It is high."]


def test_alt_shows_values_as_the_reader_sees_them_unless_it_has_a_format():
    figure = make(
        alt="{height}, exactly {height:.3f}",
        height=show.slider(np.array([0.1 + 0.2, 0.7]), format="{:.1f}", unit="m"),
    )
    assert alts(figure)[0] == "0.3 m, exactly 0.300"


def test_a_negative_number_has_a_proper_minus():
    assert payload(make(height=[-1, 1]))["controls"][0]["texts"] == ["\u22121", "1"]


def test_webp_is_an_image_at_two_pixels_per_point_on_its_own_paper():
    from io import BytesIO

    from PIL import Image

    figure = make(format="webp")
    assert Image.open(BytesIO(figure.frame(height=1.5))).size == (3 * 144, 2 * 144)
    text = bundle_html(figure)
    assert 'class="pl-stage pl-card"' in text
    assert "width='288' height='192'" in text


def test_start_finds_a_value_in_spite_of_rounding():
    figure = make(height=np.arange(0, 0.6, 0.1), start={"height": 0.3})
    assert re.search(r'value="3" aria-valuetext="height: 0.3"', bundle_html(figure))


def test_by_default_a_slider_starts_in_the_middle_and_a_menu_at_its_first():
    figure = make(alt="{height} {kind}", height=[1, 2, 3, 4, 5], kind=["flat", "steep", "other"])
    assert "aria-label=\"3 flat\"" in bundle_html(figure)  # fmt: skip


def test_frames_share_their_lines():
    few, many = make(height=[1, 2]), make(height=list(np.linspace(0.5, 2.5, 12)))
    size = lambda figure: len(json.dumps(payload(figure)))
    assert size(many) < 1.6 * size(few)


# Hosts -------------------------------------------------------------------------------------------


def test_a_built_page_gets_no_widget_and_a_live_kernel_no_stored_frames(monkeypatch):
    assert set(make()._repr_mimebundle_()) == {"text/plain", "text/html", "image/png"}
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "live")
    live = make()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in live
    assert "application/json" not in live["text/html"]
    assert "pl-stage" in live["text/html"]


def test_an_unknown_host_gets_both(monkeypatch):
    monkeypatch.delenv("PEDAGOGY_LIB_FIGURES")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    both = make()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in both
    assert "application/json" in both["text/html"]


def test_a_jupyter_server_is_a_live_host(monkeypatch):
    monkeypatch.delenv("PEDAGOGY_LIB_FIGURES")
    monkeypatch.setenv("JPY_SESSION_NAME", "somewhere.ipynb")
    assert page.host() == "live"


def test_a_site_serves_script_and_style_once(monkeypatch):
    whole = bundle_html(make())
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "site")
    text = bundle_html(make())
    for shared in show.assets().values():
        assert shared in whole
        assert shared not in text
    assert "<script>window.plFigure?.()</script>" in text


def test_an_unknown_setting_is_refused(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "paper")
    with pytest.raises(ValueError, match="PEDAGOGY_LIB_FIGURES must be live, page, site, both or nowhere"):
        make()


def test_in_a_live_kernel_the_frames_can_still_be_stored(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "live")
    figure = make()
    assert figure.stored(height=2.5) == figure.frame(height=2.5)


def test_png_for_print_shows_the_starting_state():
    import base64
    from io import BytesIO

    from PIL import Image

    data = base64.b64decode(make()._repr_mimebundle_()["image/png"])
    assert Image.open(BytesIO(data)).size == (432, 288)


def test_the_script_is_defined_once_however_often_it_is_met():
    assert "window.plFigure = window.plFigure ||" in page.script()
    assert "//" not in page.script()


def test_the_style_sheet_has_both_palettes_and_no_placeholder():
    assert page.style_sheet().count("--pl-blue:#0065a6") == 2  # screen and print
    assert page.style_sheet().count("--pl-blue:#58a6e0") == 2
    assert "--pl-palette" not in page.style_sheet()
    assert "/*" not in page.style_sheet()


def test_one_of_what_is_counted_is_singular():
    figure = make(alt="After {height} steps of 1.", height=[1, 2, 21])
    assert [figure._alts[key] for key in figure._all] == ["After 1 step of 1.", "After 2 steps of 1.", "After 21 steps of 1."]
    assert make(alt="{height} steps", height=[0.1, 1.1]).__repr__().startswith("Figure: 1.1 steps")


# The live view -----------------------------------------------------------------------------------


def live(**kw):
    view = make(**kw).widget()
    picture, panel = view.children[:2]
    return picture, panel.children


def test_moving_a_slider_redraws():
    figure = make()
    picture, panel = figure.widget().children[:2]
    (slider,) = panel.children
    assert 'aria-label="A bar of height 1.5."' in picture.value
    slider.index = 2
    assert 'aria-label="A bar of height 2.5."' in picture.value
    shown = re.search(r"<svg.*</svg>", picture.value)[0]
    expected = figure.frame(height=2.5).replace("\n", "")
    assert re.sub(r"live\d+-", "~", shown) == expected


def test_menu_and_check_box_redraw_too():
    picture, (height, kind, flip) = live(
        alt="{height} {kind} {flip}", kind=["flat", "steep"], flip=show.toggle()
    )
    kind.value = 1
    flip.value = True
    assert 'aria-label="1.5 steep on"' in picture.value
    assert [w.description for w in (height, kind, flip)] == ["height", "kind", "flip"]


def test_an_error_in_draw_is_shown_and_the_sliders_stay(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "live")

    def fragile(height):
        if height > 2:
            raise RuntimeError("too <high>")
        return bars(height)

    figure = show.explore(fragile, alt="{height}", height=[1, 2, 3])
    picture, panel = figure.widget().children[:2]
    (slider,) = panel.children
    slider.index = 2
    assert 'role="alert"' in picture.value
    assert "RuntimeError: too &lt;high&gt;" in picture.value
    slider.index = 0
    assert 'aria-label="1"' in picture.value


def test_the_live_caption_is_below():
    view = make(caption="Words.").widget()
    assert "Words." in html.unescape(view.children[2].value)


# Nothing leaks -----------------------------------------------------------------------------------


def test_pyplot_figures_are_closed_and_settings_are_left_alone():
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)

    def draw(n):
        fig, ax = plt.subplots(figsize=(3, 2))
        ax.plot([0, n])
        ax.set_ylim(0, 3)
        return fig

    show.explore(draw, alt="{n}", n=[1, 2])
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


def test_the_house_style_holds_inside_draw():
    seen = []

    def draw(n):
        seen.append(matplotlib.rcParams["axes.spines.top"])
        return bars(n)

    show.explore(draw, alt="{n}", n=[1, 2])
    assert set(seen) == {False}


# What is refused ---------------------------------------------------------------------------------


def test_hidden_state_is_caught():
    count = iter(range(100))

    def draw(height):
        return bars(height + 0.01 * next(count))

    with pytest.raises(ValueError, match="draw must be deterministic.*height"):
        make(draw=draw)


def test_unseeded_randomness_is_caught_live_too(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "live")
    rng = np.random.default_rng()
    with pytest.raises(ValueError, match="Draw random numbers once"):
        make(draw=lambda height: bars(height + rng.random()))


def test_a_figure_that_keeps_what_was_drawn_before_is_caught():
    fig = Figure(figsize=(3, 2))
    ax = fig.add_subplot()

    def draw(height):
        ax.plot([0, height])
        return fig

    with pytest.raises(ValueError, match="make a new figure in each call"):
        make(draw=draw)


def test_the_budget_names_the_control_to_thin(monkeypatch):
    monkeypatch.setattr(page, "BUDGET", 20_000)
    with pytest.raises(ValueError, match=r"of 3 frames take \d+ kB.*20 kB.*give 'height' fewer"):
        make()


def test_a_heavy_figure_is_stopped_before_all_is_drawn(monkeypatch):
    monkeypatch.setattr(page, "BUDGET", 30_000)
    calls = []

    def draw(seed):
        calls.append(seed)
        fig, ax = show.figure(width=3, height=2)
        ax.plot(np.random.default_rng(seed).random(2000))
        return fig

    with pytest.raises(ValueError, match="frames take"):
        show.explore(draw, alt="{seed}", seed=range(50))
    assert len(calls) < 10


def test_too_many_states_are_refused_before_anything_is_drawn():
    with pytest.raises(ValueError, match=r"900 states.*height has 30, width has 30"):
        show.explore(lambda height, width: None, alt="{height}", height=range(30), width=range(30))


def test_figures_of_different_sizes_are_refused():
    def draw(height):
        return show.figure(width=3, height=1 + height)[0]

    with pytest.raises(ValueError, match="figures of one size"):
        make(draw=draw)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"draw": lambda height: None}, TypeError, "height=1.5.*got NoneType.*return fig"),
        ({"draw": lambda height: "a"}, TypeError, "must return a matplotlib Figure, got str"),
        ({"draw": "bars"}, TypeError, "draw must be a function, got str"),
        ({"height": []}, ValueError, "control 'height' has no values"),
        ({"height": [1]}, ValueError, "control 'height' has a single value, 1"),
        ({"height": [1, 2, 1]}, ValueError, "control 'height' has the value 1 twice"),
        ({"height": [1, np.nan]}, ValueError, "has the value nan"),
        ({"height": show.slider([0.01, 0.02], format="{:.1f}")}, ValueError, "two values as '0.0'"),
        ({"height": 3}, TypeError, "control 'height' must be a sequence.*got int"),
        ({"height": "abc"}, TypeError, "control 'height' must be a sequence.*got str"),
        ({"start": {"height": 9}}, ValueError, r"start of 'height' must be one of.*got 9"),
        ({"start": {"depth": 9}}, ValueError, r"start names \['depth'\].*\['height'\]"),
        ({"alt": ""}, ValueError, "alt is empty"),
        ({"alt": None}, TypeError, "alt must be a text.*NoneType"),
        ({"alt": "A bar {width}"}, ValueError, r"alt names \{width\}.*\['height'\]"),
        ({"alt": "A bar."}, ValueError, r"the same in every state.*\{height\}"),
        ({"alt": lambda height: ""}, ValueError, "alt must return a text"),
        ({"format": "gif"}, ValueError, "format must be one of .*got 'gif'"),
    ],
)
def test_each_mistake_has_its_message(change, error, message):
    with pytest.raises(error, match=message):
        make(**change)


def test_a_figure_without_controls_is_refused():
    with pytest.raises(ValueError, match="at least one control"):
        show.explore(bars, alt="x")


def test_asking_for_a_state_that_is_not_there():
    with pytest.raises(ValueError, match="the state of 'height' must be one of"):
        make().frame(height=7)
    with pytest.raises(ValueError, match="the state names"):
        make().stored(depth=7)


def test_the_plain_text_tells_what_can_be_done():
    assert repr(make()) == "Figure: A bar of height 1.5. Controls: height (0.5 to 2.5)."


def test_shown_nowhere_a_figure_is_tried_in_a_few_states_and_none_is_stored(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "nowhere")
    drawn = []

    def draw():
        fig, ax = show.figure(width=3, height=2)
        (bar,) = ax.bar([0], [1])
        ax.set(xlim=(-1, 1), ylim=(0, 200))

        def move(height):
            drawn.append(height)
            if height == broken:
                raise RuntimeError("no such bar")
            bar.set_height(height)

        return fig, move

    broken, heights = None, list(range(1, 102))
    figure = make(draw=draw, height=heights)
    assert {1, 67, 101} <= set(drawn)
    assert len(set(drawn)) < 6
    assert '"marks"' not in bundle_html(figure)
    broken = 101
    with pytest.raises(RuntimeError, match="no such bar"):
        make(draw=draw, height=heights)
