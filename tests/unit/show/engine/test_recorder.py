"""Figures drawn once: every state is, mark by mark, what Matplotlib draws when it draws all."""

import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from pedagogy_lib import show
from pedagogy_lib.show.engine import film as film_module
from pedagogy_lib.show.engine.recorder import Marks, picture

X = np.linspace(0, 1, 40)


@pytest.fixture(autouse=True)
def page_host(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "page")


def draw_everything():
    """A figure whose marks are of all kinds: lines, bars, clouds, words, images, a legend, a title."""
    fig, (left, right) = show.figure(ncols=2)
    rng = np.random.default_rng(0)
    cloud = rng.random((20, 2))
    left.plot(*rng.random((2, 30)), ".")
    (curve,) = left.plot(X, X, label=r"$\hat y$")
    (star,) = left.plot([], [], "*", clip_on=False)
    dots = left.scatter(*cloud.T, s=20)
    show.ellipse(left, [0.5, 0.5], [[0.02, 0], [0, 0.02]], color="green")
    arrow = left.annotate("", (0.5, 0.5), (0.1, 0.1), arrowprops={"arrowstyle": "->"})
    show.label(left, 0.1, 0.9, "fixed", color="orange")
    left.set(xlim=(0, 1), ylim=(0, 1), xlabel="$x$")
    legend = left.legend(loc="upper left")
    bars = right.bar([0, 1], [1, 1], hatch="//")
    image = right.imshow(np.eye(2), extent=(0, 1, 1.2, 1.6), aspect="auto")
    note = right.text(0.2, 1.1, "")
    right.set(xlim=(-1, 2), ylim=(0, 2))

    def move(slope, level, dark):
        curve.set_data(X, slope * X)
        curve.set_alpha(0.5 if dark else None)
        star.set_data([0.5], [slope / 2])
        star.set_visible(level > 1)
        dots.set_offsets(cloud * slope)
        dots.set_facecolor(show.COLORS["orange" if dark else "blue"])
        arrow.set_position((level / 4, 0.1))
        bars[0].set_height(level)
        image.set_data(np.eye(2)[:: 1 if dark else -1])
        note.set_text(f"{slope:.2f}")
        legend.get_texts()[0].set_text("dark" if dark else "light")
        right.set_title(f"level {level}")

    return fig, move


def everything():
    return show.explore(
        draw_everything, alt="{slope} {level} {dark}", slope=[0.25, 0.5, 1.0], level=[1, 1.5], dark=show.toggle()
    )


def numbers(figure, **state):
    return [float(n) for n in re.findall(r"-?\d*\.?\d+", "".join(picture([figure.stored(**state)])))]


def test_every_state_is_what_a_whole_drawing_shows():
    figure = everything()
    assert isinstance(figure.film.stock, Marks)
    pictures = []
    for state in figure.states():
        pictures.append(picture([figure.stored(**state)]))
        assert pictures[-1] == picture([figure.frame(**state)])
    assert len({"".join(p) for p in pictures}) == len(pictures)


def test_marks_of_another_state_do_not_pass():
    figure = everything()
    state = figure.states()[0]
    for other in figure.states()[1:]:
        assert picture([figure.stored(**state)]) != picture([figure.frame(**other)])


def test_every_name_is_defined_once():
    figure = everything()
    for state in figure.states():
        text = figure.stored(**state)
        defined = re.findall(r" id='(~\w+)'", text)
        assert len(defined) == len(set(defined))
        assert set(re.findall(r"#(~\w+)", text)) <= set(defined)


def test_only_what_moves_is_stored():
    figure = everything()
    stored = json.dumps(figure.film.stock.payload())
    assert len(figure.film.stock.packed) == 9
    assert len(stored) < 12_000


def test_a_figure_is_drawn_once_and_moved_for_each_state():
    calls = []

    def draw():
        calls.append("draw")
        fig, ax = show.figure(width=3, height=2)
        ax.set(xlim=(0, 50), ylim=(0, 50))
        (dot,) = ax.plot([], [], "o")
        return fig, lambda a, b: (calls.append((a, b)), dot.set_data([a], [b]))

    figure = show.explore(draw, alt="{a} {b}", a=range(50), b=range(50))
    assert calls.count("draw") == 1
    assert len(set(calls)) == 1 + 2500
    assert len(figure._repr_mimebundle_()["text/html"]) < 150_000
    for state in figure.states()[::311]:
        assert picture([figure.stored(**state)]) == picture([figure.frame(**state)])


@pytest.mark.parametrize(
    "change",
    [
        lambda ax, a: ax.set_xlim(0, a),
        lambda ax, a: ax.set_yticks([1, 1 + a / 4]),
        lambda ax, a: ax.inset_axes([0, 0, 0.1 * a, 0.5]) if not ax.child_axes else None,
        lambda ax, a: ax.set_position([0.1, 0.1, 0.1 * a, 0.5]),
    ],
)
def test_a_figure_that_changes_its_axes_is_drawn_whole(change):
    def draw():
        fig, ax = show.figure(width=3, height=2)
        ax.plot([1, 2])

        def move(a):
            for inset in list(ax.child_axes):
                inset.remove()
            change(ax, a)

        return fig, move

    figure = show.explore(draw, alt="{a}", a=[1, 2, 3])
    assert not isinstance(figure.film.stock, Marks)
    for state in figure.states():
        assert figure.stored(**state) == figure.frame(**state)


def draw_anew():
    """A figure whose `move` draws, with the helpers that any figure uses."""
    fig, (left, right) = show.figure(ncols=2)
    left.plot(X, X**2, lw=6, color=show.COLORS["grid"])
    left.text(0.5, 0.9, "static, above", zorder=4)
    left.set(xlim=(0, 1), ylim=(0, 1))
    right.set(xlim=(0, 1), ylim=(-2, 2))

    def move(size, words):
        left.plot(X, size * X, label="first color")
        left.plot(X, size * X**3, zorder=5, label="second color")
        left.contour(X, X, np.hypot(X[:, None] - size, X), levels=[0.3], zorder=1)
        if words:
            left.legend(loc="upper left")
            left.figure.text(0.4, 0.02, f"{size:.1f}")
        show.ellipse(right, [0.5, 0], [[0.1 * size, 0], [0, 0.1]])
        show.band(right, X, X * size, 0.1 + X)
        right.bar([0.3, 0.6], [size, -size])
        right.set(ylim=(-2, 2), xlabel="x", title=f"{size:g}")

    return fig, move


def test_what_move_draws_is_wiped_and_stored_as_marks():
    figure = show.explore(draw_anew, alt="{size} {words}", size=[0.2, 0.5, 0.9, 1.5], words=show.toggle())
    assert isinstance(figure.film.stock, Marks)
    seen = set()
    for state in figure.states():
        drawn = picture([figure.frame(**state)])
        assert picture([figure.stored(**state)]) == drawn
        with show.style():
            fig, move = draw_anew()  # and as a figure that was never drawn on before
            move(**state)
        fresh = film_module.frames.render(fig, "svg", figure.film._names)
        assert picture(fresh) == drawn
        seen.add("".join(drawn))
    assert len(seen) == 8
    for index in range(8):
        narrow = figure.film.versions[1]
        assert picture([narrow.stored(index)]) == picture([narrow.frame(index)])


def test_what_move_draws_does_not_stretch_the_axes():
    def draw():
        fig, ax = show.figure(width=3, height=2)
        ax.plot([0, 1], [0, 1])
        return fig, lambda a: ax.plot([0, a], [0, a])

    figure = show.explore(draw, alt="{a}", a=[1, 20, 300])
    assert isinstance(figure.film.stock, Marks)
    assert figure.stored(a=20) != figure.stored(a=1)


def test_a_change_that_matplotlib_is_not_told_of_is_seen_and_drawn_whole():
    def draw():
        fig, ax = show.figure(width=3, height=2)
        arrow = ax.annotate("", (0, 0), (1, 1), arrowprops={"arrowstyle": "->"})

        def move(a):
            arrow.xy = (a / 5, 0)

        return fig, move

    figure = show.explore(draw, alt="{a}", a=[1, 2, 3])
    assert [figure.stored(a=a) for a in (1, 2, 3)] == [figure.frame(a=a) for a in (1, 2, 3)]
    assert figure.stored(a=1) != figure.stored(a=2)


def test_a_move_that_leaves_traces_is_refused():
    def draw():
        fig, ax = show.figure(width=3, height=2)
        (dot,) = ax.plot([1], [1], "o")

        def move(a):
            if a == 3:
                dot.set_markersize(20)

        return fig, move

    with pytest.raises(ValueError, match="move must set all that it ever changes.*'a': 2"):
        show.explore(draw, alt="{a}", a=[1, 2, 3])


@pytest.mark.parametrize(
    ("draw", "got"),
    [(lambda: None, "NoneType"), (lambda: show.figure()[0], "Figure"), (lambda: show.figure(), "Figure, HouseAxes")],
)
def test_draw_without_arguments_must_return_figure_and_move(draw, got):
    with pytest.raises(TypeError, match=f"a matplotlib Figure and a function `move`.*got .?{got}"):
        show.explore(draw, alt="{a}", a=[1, 2])


def test_more_states_than_can_be_drawn_whole_are_refused_when_the_axes_move(monkeypatch):
    monkeypatch.setattr(film_module, "MOST_WHOLE", 5)

    def draw():
        fig, ax = show.figure(width=3, height=2)
        return fig, lambda a: ax.set_xlim(0, a + 1)

    with pytest.raises(ValueError, match="each of the 6 states has to be drawn whole; at most 5"):
        show.explore(draw, alt="{a}", a=range(6))


def test_an_animation_may_be_drawn_once():
    def draw():
        fig, ax = show.figure(width=3, height=2)
        ax.set(xlim=(0, 9), ylim=(0, 9))
        (path,) = ax.plot([], [], "o-")
        return fig, lambda n: path.set_data(range(n), range(n))

    figure = show.animate(range(1, 9), draw, alt="{step}")
    assert isinstance(figure.film.stock, Marks)
    for index in range(8):
        assert picture([figure.stored(index)]) == picture([figure.frame(index)])


def test_in_a_running_kernel_a_figure_drawn_once_is_stored_too_but_not_for_phones(monkeypatch):
    monkeypatch.setenv("PEDAGOGY_LIB_FIGURES", "live")
    live = everything()
    assert set(live._repr_mimebundle_()) == {"text/plain", "text/html", "image/png"}
    assert picture([live.stored(slope=1, level=1)]) == picture([live.frame(slope=1, level=1)])
    assert '"marks":' in live._repr_mimebundle_()["text/html"]
    assert len(live.film.versions) == 1


# For phones ----------------------------------------------------------------------------------------


def test_a_wide_figure_drawn_once_has_a_version_for_phones():
    figure = everything()
    wide, narrow = figure.film.versions
    assert (wide.width, narrow.width) == (6.2, 4.0)
    boxes = [panel.box for panel in narrow.panels]
    assert boxes[0][3] < boxes[1][1]  # under each other
    assert boxes[0][::2] == pytest.approx(boxes[1][::2])
    for index in range(len(narrow)):
        assert picture([narrow.stored(index)]) == picture([narrow.frame(index)])


def test_a_version_for_phones_that_is_too_heavy_is_left_out(monkeypatch):
    weight = len(everything()._repr_mimebundle_()["text/html"].encode())
    monkeypatch.setattr(film_module.frames, "BUDGET", weight - 10_000)
    monkeypatch.setattr(film_module.page, "BUDGET", weight - 10_000)
    assert len(everything().film.versions) == 1


def test_a_figure_that_is_narrow_or_does_not_follow_has_one_version():
    def own():
        fig = Figure(figsize=(6, 3))
        dot = fig.add_subplot(xlim=(0, 3)).plot([1], [1], "o")[0]
        return fig, lambda a: dot.set_data([a], [1])

    def small():
        fig, ax = show.figure(width=3, height=2)
        return fig, lambda a: ax.title.set_text(str(a))

    for draw in (own, small):
        assert len(show.explore(draw, alt="{a}", a=[1, 2]).film.versions) == 1


def test_a_stack_keeps_the_height_that_its_panels_had():
    from pedagogy_lib.show.style import narrow

    panel = show.figure(ncols=3, height=2.4)[1][0].get_position().height * 2.4
    with narrow():
        fig, axes = show.figure(ncols=3, height=2.4, width_ratios=[1, 2, 3])
    assert axes.shape == (3,)
    assert [ax.get_position().height * fig.get_figheight() for ax in axes] == pytest.approx([panel] * 3)
    assert show.figure()[0].get_figwidth() == 6.2


def test_areas_that_move_are_not_defined_in_the_background():
    """Each state has another area; all of them would be read, and none of them shown."""
    x = np.linspace(0, 1, 300)

    def draw():
        fig, ax = show.figure(width=3, height=2)
        ax.set(xlim=(0, 1), ylim=(0, 2))

        def move(height):
            ax.fill_between(x, height * x**2, color=show.COLORS["blue"], alpha=0.3)

        return fig, move

    figure = show.explore(draw, alt="An area of height {height}.", height=np.linspace(0.1, 1.5, 15))
    assert figure.film.drawn_once
    assert len("".join(figure.film.stock.background)) < 10_000
    for state in figure.states():
        stored, drawn = figure.stored(**state), figure.frame(**state)
        assert len(re.findall(r"<path[^>]* d='[^']{1000,}'", stored)) == 1
        assert picture(stored.split("\n")) == picture(drawn.split("\n"))
        # Where Matplotlib's own transform puts the highest corner, there the outline has a corner.
        outline, across, down = re.search(r"d='M([^'z]{1000,})z?' transform='translate\((\S+?) ?(-?[\d.]+)\)'", stored).groups()
        steps = np.array(re.findall(r"-?(?:\d+\.?\d*|\.\d+)", outline), float).reshape(-1, 2)
        corners = np.cumsum(steps, axis=0) + [float(across), float(down)]
        assert np.abs(corners - figure.film.panels[0].place(1, state["height"])).sum(1).min() < 2
