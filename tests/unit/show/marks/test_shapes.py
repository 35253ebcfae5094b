"""The house style and its marks; graphical models; printed source."""

import inspect
import io
import math
import re

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid

from pedagogy_lib import checks, show
from pedagogy_lib.show.marks import shapes
from pedagogy_lib.show.style import narrow

# figure and style --------------------------------------------------------------------------------


def test_a_figure_is_unknown_to_pyplot_and_leaves_settings_alone():
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    fig, ax = show.figure()
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == before
    assert_allclose(fig.get_size_inches()[0], 6.2)
    assert not ax.spines["top"].get_visible()


def test_what_is_drawn_outside_the_style_looks_as_inside():
    def draw(ax):
        ax.plot([0, 1], label="line")
        ax.set(title="t", xlabel="x")
        ax.legend()
        ax.text(0, 0, "word")

    (outside, a), (inside, b) = show.figure(), show.figure()
    draw(a)
    with show.style():
        draw(b)
    assert show.still(outside, alt="x").frame() == show.still(inside, alt="x").frame()
    # A figure that is not of the house differs, so the comparison means something.
    foreign = matplotlib.figure.Figure(figsize=outside.get_size_inches())
    draw(foreign.add_axes(a.get_position()))
    assert show.still(foreign, alt="x").frame() != show.still(inside, alt="x").frame()


def test_a_projection_is_respected():
    _, ax = show.figure(subplot_kw={"projection": "polar"})
    assert ax.name == "polar"


def test_axes_do_not_move_when_labels_change():
    (first, a), (second, b) = show.figure(), show.figure()
    a.set_ylim(0, 1)
    b.set(ylim=(0, 1e6), title="a title", ylabel="words")
    for fig in (first, second):
        fig.canvas.draw()
    assert_allclose(a.get_position().bounds, b.get_position().bounds)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 2), (2, 3)])
def test_margins_are_inches_whatever_the_grid(shape):
    ncols, nrows = shape
    fig, axes = show.figure(ncols=ncols, nrows=nrows, height=5, left=0.8, wspace=0.5)
    width, height = fig.get_size_inches()
    boxes = [ax.get_position() for ax in np.ravel(axes)]
    assert_allclose(min(box.x0 for box in boxes) * width, 0.8)
    assert_allclose((1 - max(box.x1 for box in boxes)) * width, 0.14)
    if ncols > 1:
        assert_allclose((boxes[1].x0 - boxes[0].x1) * width, 0.5)


def test_letters_stay_readable_on_a_phone():
    """At 343 CSS pixels a figure 6.2 inches wide has no letter below eight pixels."""
    fig, ax = show.figure()
    with show.style():
        ax.set(xlabel="x", title="t")
        texts = [ax.xaxis.label, ax.title, *ax.get_xticklabels(), ax.text(0, 0, "a")]
    pixels = [text.get_fontsize() / 72 * 343 / fig.get_figwidth() for text in texts]
    assert min(pixels) >= 8


def exponent(figure):
    """The size of the smallest glyphs of a formula, over that of the others."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg")
    shares = [float(share) for share in re.findall(r"scale\((0\.[0-9]+)\)", drawn.getvalue())]
    return min(share for share in shares if share > 0.3)  # the others bring a font's units to points


@pytest.mark.parametrize("formula", ["$10^{-8}$", "$e^{-x^2}$"])
def test_exponents_stay_readable_on_a_phone_and_matplotlib_is_left_as_it_was(formula):
    """At 343 CSS pixels the 8 of ten to the minus eight has eleven, in the version for phones."""
    with narrow(), show.style():
        fig, ax = show.figure()
        ax.set_xlabel(formula)
        share = exponent(fig)
    assert share * ax.xaxis.label.get_fontsize() / 72 * 343 / fig.get_figwidth() >= 11

    plain = Figure()
    plain.text(0.5, 0.5, formula, fontsize=ax.xaxis.label.get_fontsize())
    assert exponent(plain) == pytest.approx(0.7 if formula.startswith("$10") else 0.49)


def test_a_figure_without_room_is_refused():
    with pytest.raises(ValueError, match="3 axes do not fit in 1.5 x"):
        show.figure(ncols=3, width=1.5)


def test_style_is_a_context():
    before = matplotlib.rcParams["legend.frameon"]
    with show.style():
        assert matplotlib.rcParams["legend.frameon"] is False
    assert matplotlib.rcParams["legend.frameon"] is before


# marks -------------------------------------------------------------------------------------------


def test_the_ellipse_lies_at_the_given_mahalanobis_distance():
    mean, covariance = np.array([1.0, -2.0]), np.array([[2.0, 0.9], [0.9, 0.5]])
    _, ax = show.figure()
    lines = show.ellipse(ax, mean, covariance, n_std=[1, 2.5], label="class")
    for line, distance in zip(lines, [1, 2.5]):
        offset = line.get_xydata() - mean
        squared = np.einsum("ni,ij,nj->n", offset, np.linalg.inv(covariance), offset)
        assert_allclose(squared, distance**2)
    assert [line.get_label() == "class" for line in lines] == [True, False]
    assert len(ax.patches) == 2


def test_the_distance_check_rejects_a_covariance_for_a_square_root():
    covariance = np.array([[2.0, 0.9], [0.9, 0.5]])
    _, ax = show.figure()
    (line,) = show.ellipse(ax, [0, 0], covariance @ covariance, n_std=1)
    offset = line.get_xydata()
    squared = np.einsum("ni,ij,nj->n", offset, np.linalg.inv(covariance), offset)
    assert not np.allclose(squared, 1)


def test_a_singular_covariance_is_a_line():
    _, ax = show.figure()
    (line,) = show.ellipse(ax, [0, 0], [[1, 1], [1, 1]], fill=0)
    x, y = line.get_xydata().T
    assert_allclose(x, y, atol=1e-7)
    assert not ax.patches


@pytest.mark.parametrize(
    ("mean", "covariance", "message"),
    [
        ([0, 0, 0], np.eye(2), r"got \(3,\) and \(2, 2\)"),
        ([0, 0], np.eye(3), r"got \(2,\) and \(3, 3\)"),
        ([0, 0], [[1, 0], [0, -1]], "negative eigenvalue -1"),
    ],
)
def test_an_ellipse_needs_two_dimensions_and_a_covariance(mean, covariance, message):
    _, ax = show.figure()
    with pytest.raises(ValueError, match=message):
        show.ellipse(ax, mean, covariance)


def test_a_band_reaches_the_given_distance():
    x = np.linspace(0, 1, 5)
    _, ax = show.figure()
    show.band(ax, x, np.zeros(5), np.full(5, 0.5), n_std=[1, 3], label="mean")
    reach = [np.abs(c.get_paths()[0].vertices[:, 1]).max() for c in ax.collections]
    assert_allclose(reach, [0.5, 1.5])
    assert len(ax.lines) == 1
    show.band(ax, x, x, x, line=False)
    assert len(ax.lines) == 1


def test_a_band_refuses_shapes_that_disagree():
    _, ax = show.figure()
    with pytest.raises(ValueError, match=r"band: .*\(3,\), \(3,\) and \(2,\)"):
        show.band(ax, [0, 1, 2], [0, 1, 2], [1, 1])


def test_a_label_has_the_color_of_what_it_names():
    _, ax = show.figure()
    assert show.label(ax, 0, 0, "here", color="green").get_color() == show.COLORS["green"]


def test_legends():
    _, ax = show.figure()
    ax.plot([0, 1], label="a")
    ax.plot([1, 0], label="b")
    assert show.legend(ax)._ncols == 2
    assert show.legend(ax, where="inside", loc="upper left")._ncols == 1
    with pytest.raises(ValueError, match="where must be"):
        show.legend(ax, where="left")


# graphs ------------------------------------------------------------------------------------------


def mixture(**kw):
    nodes = {
        "pi": show.parameter(-1, 1, r"$\pi$"),
        "x": show.latent(0, 1, r"$\hat{X}$"),
        "y": show.observed(0, 0, r"$\hat{Y}$", color="blue"),
        "mu": show.parameter(1, 0, r"a long label $\mu_k, \Sigma_k$", side="right"),
    }
    plates = [show.plate(["x", "y"], "$N$")]
    return show.graph(nodes, ["pi -> x -> y", "mu -> y"], plates, **kw)


def test_a_graph_has_a_mark_for_each_node_edge_and_plate():
    from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

    (ax,) = mixture().axes
    kinds = [type(patch) for patch in ax.patches]
    assert (kinds.count(Circle), kinds.count(FancyArrowPatch), kinds.count(FancyBboxPatch)) == (
        4,
        3,
        1,
    )
    faces = [p.get_facecolor() for p in ax.patches if isinstance(p, Circle) and p.radius > 0.1]
    assert matplotlib.colors.to_hex(faces[0]) == show.COLORS["paper"]  # latent: open
    assert matplotlib.colors.to_hex(faces[1]) == show.COLORS["shade"]  # observed: shaded


def test_all_labels_of_a_graph_lie_inside_it():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    fig = mixture(title="a title that is longer than the graph is wide, by some way")
    renderer = FigureCanvasAgg(fig).get_renderer()
    for text in fig.axes[0].texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= fig.bbox.width
        assert box.y1 <= fig.bbox.height


def test_circles_are_round():
    fig = mixture()
    (ax,) = fig.axes
    assert_allclose(np.diff(ax.get_xlim())[0], fig.get_figwidth())
    assert_allclose(np.diff(ax.get_ylim())[0], fig.get_figheight())


def test_arrows_end_at_the_rim_of_their_node():
    from matplotlib.patches import FancyArrowPatch

    (ax,) = show.graph({"a": show.latent(0, 0, ""), "b": show.latent(2, 0, "")}, ["a -> b"]).axes
    (arrow,) = [p for p in ax.patches if isinstance(p, FancyArrowPatch)]
    assert math.isclose(arrow.shrinkA, 72 * 0.27)


def test_an_edge_may_lack_a_direction_and_a_chain_may_go_on():
    nodes = {"a": show.latent(0, 0, "a"), "b": show.dots(1, 0), "c": show.latent(2, 0, "c")}
    assert len(show.graph(nodes, ["a -- b -- c"]).axes[0].patches) == 2 + 2


@pytest.mark.parametrize(
    ("edges", "plates", "message"),
    [
        (["a -> z"], [], "edge 'a -> z' names the node 'z'"),
        (["a"], [], "an edge is written"),
        (["a ->"], [], "an edge is written"),
        ([], [show.plate(["q"], "N")], "plate 'N' names the node 'q'"),
    ],
)
def test_a_graph_names_the_node_that_is_missing(edges, plates, message):
    with pytest.raises(ValueError, match=message):
        show.graph({"a": show.latent(0, 0, "a")}, edges, plates)


# source ------------------------------------------------------------------------------------------


def visible(source):
    import html

    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", source._repr_html_()))


def test_source_shows_the_very_lines_that_run():
    shown = show.source(shapes.band, docstring=True)
    code = inspect.getsource(shapes.band).strip("\n")
    assert code in repr(shown)
    assert code in visible(shown)
    assert repr(shown).startswith("# pedagogy_lib/show/marks/shapes.py\n")


def test_objects_of_one_file_stand_under_one_heading():
    shown = show.source(shapes.band, shapes.label, show.blend)
    assert re.findall(r"^# (\S+)$", repr(shown), re.MULTILINE) == [
        "pedagogy_lib/show/marks/shapes.py",
        "pedagogy_lib/show/colors.py",
    ]
    assert visible(shown).count("pedagogy_lib/show/marks/shapes.py") == 1


def test_docstrings_may_be_left_out_and_nothing_else_is():
    code = repr(show.source(shapes.ellipse)).partition("\n\n")[2]
    assert "Mahalanobis" not in code
    assert "square root of the covariance: it maps" in code  # comments stay
    short, whole = {}, {}
    exec(f"COLORS = {{}}\n{code}", short)
    exec(f"COLORS = {{}}\n{inspect.getsource(shapes.ellipse)}", whole)
    assert short["ellipse"].__code__.co_names == whole["ellipse"].__code__.co_names
    assert short["ellipse"].__doc__ is None


def far_comments():
    near = "a # in a string"                                     # one
    longer = near + "with more"                                  # two
    # A line of its own stays.
    if longer:
        return near                                              # three
    text = """
    # not a comment                     # nor this
    """
    return (
        text
        + near
        + longer
        + text
        + "far enough to begin a new column"                     # four
    )


def test_comments_at_the_ends_of_lines_come_near_and_nothing_else_moves():
    code = repr(show.source(far_comments)).partition("\n\n")[2]
    lines = code.split("\n")
    column = len('    longer = near + "with more"') + 2
    assert lines[1] == '    near = "a # in a string"'.ljust(column) + "# one"
    assert lines[2].index("# two") == lines[5].index("# three") == column
    assert lines[3] == "    # A line of its own stays."
    assert "    # not a comment                     # nor this" in lines
    assert '        + "far enough to begin a new column"  # four' in lines
    squeezed = re.sub(r" +# (one|two|three|four)", r" # \1", inspect.getsource(far_comments).strip("\n"))
    assert re.sub(r" +# (one|two|three|four)", r" # \1", code) == squeezed


def test_source_takes_classes_modules_and_compiled_functions():
    class Compiled:
        py_func = staticmethod(shapes.label)

    assert "def label" in repr(show.source(Compiled()))
    assert repr(show.source(show.Still)).startswith("# pedagogy_lib/show/engine/still.py")
    assert repr(show.source(shapes)).startswith("# pedagogy_lib/show/marks/shapes.py")
    assert repr(show.source(show)).startswith("# pedagogy_lib/show/__init__.py")


def test_source_has_the_class_names_that_themes_color():
    text = show.source(shapes.band)._repr_html_()
    assert '<div class="highlight"><pre tabindex="0"' in text
    assert '<span class="k">def</span>' in text


def test_without_pygments_the_code_is_plain(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pygments", None)
    text = show.source(shapes.band)._repr_html_()
    assert '<span class="k">' not in text
    assert "def band(" in text


def test_source_of_what_has_none_is_refused():
    with pytest.raises(TypeError, match="has no Python source"):
        show.source(len)
    with pytest.raises(ValueError, match="at least one"):
        show.source()


# Bells and level lines ----------------------------------------------------------------------------


@pytest.fixture
def ax():
    return show.figure()[1]


def test_a_bell_integrates_to_one(ax):
    x = np.linspace(-10, 12, 2001)
    show.bell(ax, x, 1.0, 1.5, "belief")
    assert trapezoid(ax.lines[0].get_ydata(), ax.lines[0].get_xdata()) == pytest.approx(1.0, abs=1e-4)


def test_a_hill_has_height_one_however_narrow_and_stays_in_range(ax):
    show.bell(ax, np.linspace(-1, 1, 5), 0.3, 0.001, "narrow", height=1.0)
    x, heights = ax.lines[0].get_data()
    assert heights.max() == 1 and x[heights.argmax()] == pytest.approx(0.3)
    assert np.ptp(x) < 0.01
    show.bell(ax, np.linspace(-1, 1, 5), 0.3, 5.0, height=2.5)
    assert ax.lines[1].get_ydata().max() == 2.5
    assert ax.lines[1].get_xdata().min() == -1 and ax.lines[1].get_xdata().max() == 1


def test_contours_are_level_lines_and_crowd_near_the_minimum(ax):
    x, y = np.linspace(-1, 1, 41), np.linspace(-2, 2, 41)
    heights = y[:, None] ** 2 + x**2
    show.contours(ax, x, y, heights, count=8)
    levels = ax.collections[0].levels
    assert len(levels) == 8
    assert (np.diff(levels, n=2) > 0).all()
    for level, path in zip(levels, ax.collections[0].get_paths()):
        found = (path.vertices**2).sum(1)
        assert np.allclose(found, level, atol=0.02), level


def checked_twice(y, n, rng):
    """Double some numbers."""
    # Whole numbers only.
    n = checks.count("n", n)
    y, rng = checks.array("y", y, ("N",)), checks.generator("rng", rng)
    checks.option("y", y, [y])
    size = checks.count("n", n)
    for row in y:
        checks.number("row", row)
    return y * 2 * size  # the doubles


def test_source_leaves_out_what_only_checks_and_says_so():
    shown = show.source(checked_twice)
    assert repr(shown).split("\n\n", 1)[1] == (
        "def checked_twice(y, n, rng):\n"
        '    size = checks.count("n", n)\n'
        "    for row in y:\n"
        '        checks.number("row", row)\n'
        "    return y * 2 * size  # the doubles"
    )
    assert "without its argument checks" in shown._repr_html_()
    assert "Whole numbers only" in repr(show.source(checked_twice, docstring=True))
    assert "without its argument checks" not in show.source(shapes.band)._repr_html_()
