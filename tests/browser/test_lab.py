"""In JupyterLab: run a chapter, drag a slider, and see the figure that Python redraws.

`make notebooks` runs every notebook with a kernel. Here the last of every other chapter is run again, in the program
that readers use; with ``LAB=all`` in the environment, as at night, all of them.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import build
import harness
import pytest

LESSONS = [page for page in build.pages(build.load_toc()) if page.startswith("chapters/")]
LAST = list({page.split("/")[1]: page for page in LESSONS}.values())
CHAPTERS = LESSONS if os.environ.get("LAB") == "all" else LAST[::2]
TOKEN = "browser-tests"  # of a server that lives for one test, on this machine only

CURRENT = "window.jupyterapp.shell.currentWidget"
CODE_CELLS = f"[...{CURRENT}.content.widgets].filter(c => c.model.type === 'code')"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a copy of the chapters; yields an address to put a notebook's name into."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(harness.ROOT / "chapters", home / "chapters")
    write_notebook(home / "chapters" / "handles.ipynb", BIRD, QUESTION)
    write_notebook(home / "chapters" / "live.ipynb", WEATHER)
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    port = free_port()
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", f"--ServerApp.root_dir={home}", f"--IdentityProvider.token={TOKEN}"),
        *("--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--ServerApp.terminals_enabled=False",
    ]
    environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"} | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", server, home / "lab.log")
            yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={TOKEN}&reset"
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_for(address, server, log):
    for _ in range(240):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=1).read()
            return
        time.sleep(0.25)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


def open_and_run(page, address):
    """Open a notebook, run all its cells, and return the names of the errors."""
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    # The toolbar calls the kernel idle before it is connected: ask the connection itself.
    page.wait_for_function(
        f"""() => {{
        const session = {CURRENT}?.sessionContext, kernel = session?.session?.kernel;
        const connected = session?.isReady && kernel?.connectionStatus === "connected";
        return connected && kernel.status === "idle";
        }}""",
        timeout=90_000,
    )
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        f"() => {CODE_CELLS}.every(c => c.model.executionCount)",
        timeout=120_000,
    )
    return page.evaluate(
        f"{CODE_CELLS}.flatMap(c => c.model.outputs.toJSON())"
        ".filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue)"
    )


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_slider_moves_its_figure(lab, new_page, name):
    page = new_page()
    watch = harness.Watch(page)
    assert open_and_run(page, lab.format(f"{name}.ipynb")) == []
    stored = page.locator("figure.pl-explore:not(.pl-predict *) input[type=range]").first
    handle = page.locator(".jupyter-widgets .noUi-handle").first
    stored.or_(handle).first.wait_for(timeout=30_000)
    if handle.count() == 0:  # a figure drawn once is the same here as on a page
        press_a_slider(stored)
        assert watch.off_host == []
        return
    handle.scroll_into_view_if_needed()
    view = page.locator(".widget-vbox:has(.noUi-handle)").first
    stage = view.locator(".pl-stage").first
    before = stage.inner_html(), stage.get_attribute("aria-label")
    readout = view.locator(".widget-readout").first.inner_text()
    drag(page, handle)
    for _ in range(100):
        if stage.inner_html() != before[0]:
            break
        page.wait_for_timeout(100)
    assert stage.inner_html() != before[0], "the picture did not change"
    assert stage.get_attribute("aria-label") != before[1], "the description did not change"
    assert view.locator(".widget-readout").first.inner_text() != readout
    assert watch.off_host == []


def press_a_slider(slider):
    """Move a stored figure by an arrow key, and see its picture and description change."""
    stage = slider.locator("xpath=ancestor::figure[1]").locator(".pl-stage")
    before = stage.inner_html(), stage.get_attribute("aria-label")
    slider.press("ArrowRight" if slider.input_value() != slider.get_attribute("max") else "ArrowLeft")
    assert stage.inner_html() != before[0], "the picture did not change"
    assert stage.get_attribute("aria-label") != before[1], "the description did not change"


def at_rest(page, handle):
    """The place of a handle, after it has stayed there for a second."""
    box, since = None, 0
    while since < 10:
        handle.scroll_into_view_if_needed()
        page.wait_for_timeout(100)
        now = handle.bounding_box()
        box, since = now, since + 1 if now == box else 0
    return box


def drag(page, handle):
    """Pull the handle of a slider towards its farther end, once the notebook has stopped moving."""
    box = at_rest(page, handle)
    track = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-target')]").bounding_box()
    x = box["x"] + box["width"] / 2
    upper = x > track["x"] + track["width"] / 2
    pull(page, handle, track["x"] + track["width"] * (0.1 if upper else 0.9) - x, 0)


def pull(page, handle, across, down):
    """Take hold of a handle in its middle, move it by so many pixels, and let go."""
    box = at_rest(page, handle)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across, y + down, steps=6)
    page.mouse.up()


def place(stage):
    """Return the two numbers of a description such as "At 5 and 5."."""
    a, b = stage.get_attribute("aria-label").removeprefix("At ").removesuffix(".").split(" and ")
    return int(a), int(b)


BIRD = """
from pedagogy_lib import show

def draw():
    fig, ax = show.figure(width=4)
    ax.set(xlim=(0, 10), ylim=(0, 10))
    return fig, lambda a, b: ax.plot([a], [b], "o")

figure = show.explore(draw, alt="At {a} and {b}.", a=range(11), b=range(11), handles=show.handle("a", "b", "the bird"))
figure
"""
QUESTION = """
show.predict("Where does it go?", show.choice("up", "down"), answer="down", why="It is heavy.",
             figure=figure, then={"b": 0})
"""


WEATHER = """
from pedagogy_lib import show

def draw(a, b):
    if a == 9:
        raise RuntimeError("no nines")
    fig, ax = show.figure(width=4)
    ax.set(xlim=(0, 10), ylim=(0, 10))
    ax.plot([a], [b], "o")
    return fig

show.explore(draw, alt="At {a} and {b}.", a=range(11), b=range(11), handles=show.handle("a", "b", "the cloud"))
"""


def write_notebook(path, *cells):
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text.strip()) for text in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def test_handle_and_question_in_a_notebook(lab, new_page):
    page = new_page()
    watch = harness.Watch(page)
    assert open_and_run(page, lab.format("chapters/handles.ipynb")) == []
    figure = page.locator("figure.pl-explore").first
    stage = figure.locator(".pl-stage")
    knob = figure.get_by_role("slider", name="the bird")
    assert stage.get_attribute("aria-label") == "At 5 and 5."
    pull(page, knob, 70, -40)
    a, b = place(stage)
    assert a > 5
    assert b > 5
    knob.press("ArrowLeft")
    assert place(stage) == (a - 1, b)
    question = page.locator("figure.pl-predict")
    assert question.get_by_role("slider").count() == 0
    question.get_by_role("radio", name="down").check()
    question.get_by_role("button", name="Commit to this guess").click()
    assert question.locator(".pl-told").inner_text().startswith("You guessed “down”, and so it is.")
    assert question.locator(".pl-stage").get_attribute("aria-label") == "At 5 and 0."
    assert watch.off_host == []


def test_a_handle_has_python_draw(lab, new_page):
    """A figure drawn whole brings no pictures with it: each comes when the handle moves."""
    page = new_page()
    watch = harness.Watch(page)
    assert open_and_run(page, lab.format("chapters/live.ipynb")) == []
    figure = page.locator("figure.pl-explore[data-ready]").first
    stage = figure.locator(".pl-stage")
    knob = figure.get_by_role("slider", name="the cloud")
    before = stage.inner_html()
    pull(page, knob, 50, -40)
    dragged = changed(page, stage, before)
    a, b = place(stage)
    assert a in range(6, 9)
    assert b > 5
    knob.press("ArrowDown")
    pressed = changed(page, stage, dragged)
    slider = figure.get_by_role("slider", name="a", exact=True)
    slider.press("Home")
    assert place(stage) == (0, b - 1)
    assert changed(page, stage, pressed) != before
    slider.press("End")
    slider.press("ArrowLeft")  # to nine
    page.locator(".pl-live [role=alert]", has_text="RuntimeError: no nines").wait_for(timeout=10_000)
    slider.press("ArrowLeft")
    page.locator(".pl-live [role=alert]").wait_for(state="detached", timeout=10_000)
    assert watch.off_host == []


def changed(page, stage, before):
    """Wait until the picture is another, and has stayed so for a second; return it."""
    now, since = before, 0
    for _ in range(150):
        page.wait_for_timeout(100)
        new = stage.inner_html()
        now, since = new, since + 1 if new == now != before else 0
        if since >= 10:
            return now
    pytest.fail("the picture did not change")
