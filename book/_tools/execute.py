"""Execute notebooks and write them with their outputs: python book/_tools/execute.py

Each line of the input names three files, as a list in JSON: the notebook, where its outcome goes, and its
record. Each line of the output says what went wrong with one, or `null`. So what executes them is imported
once, and not for each of them; every notebook has a kernel of its own.

The record says how long it took and on which files under the project's root the outcome depends:
every module of the project that the kernel imported, and every file there that it opened.
"""

import ast
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120  # seconds for one cell

# Runs in the kernel before the first cell: files that are opened from now on are remembered.
LISTEN = """
import sys
def _listen(opened=sys.__dict__.setdefault("_opened_files", set())):
    def hook(event, arguments):
        if event == "open" and isinstance(arguments[0], str):
            opened.add(arguments[0])
    sys.addaudithook(hook)
_listen()
del _listen
"""
# And after the last one: those files, and the files of all modules, as JSON.
FILES = """
__import__("json").dumps(sorted(__import__("sys")._opened_files | {
    m.__file__ for m in list(__import__("sys").modules.values()) if isinstance(getattr(m, "__file__", None), str)
}))
"""


def run(source: Path) -> tuple[nbformat.NotebookNode, list[str]]:
    """Execute all cells; returns the notebook and the files that it depends on."""
    notebook = nbformat.read(source, as_version=4)
    # Timings would stand in the cells' metadata, by which MyST-NB finds an outcome again.
    place = {"metadata": {"path": str(source.parent)}}
    client = NotebookClient(notebook, timeout=TIMEOUT, record_timing=False, resources=place)
    client.reset_execution_trackers()
    with client.setup_kernel():
        information = client.wait_for_reply(client.kc.kernel_info())
        notebook.metadata["language_info"] = information["content"]["language_info"]
        ask(client, LISTEN)
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        client.set_widgets_metadata()
        files = ask(client, "", FILES)
    return notebook, relevant(files, source.parent)


def ask(client, code, expression=None):
    """Run code in the kernel beside the notebook's own, and return the value of an expression."""
    expressions = {"value": expression.strip()} if expression else {}
    reply = client.wait_for_reply(
        client.kc.execute(code, silent=True, store_history=False, user_expressions=expressions)
    )
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"the kernel could not be asked: {reply['content']}")
    if expression:
        shown = reply["content"]["user_expressions"]["value"]["data"]["text/plain"]
        return json.loads(ast.literal_eval(shown))
    return None


def relevant(files, folder) -> list[str]:
    """Those of the files that are the project's own sources, relative to its root."""
    found = set()
    for file in files:
        path = (folder / file).resolve()
        if path.suffix == ".pyc" or not path.is_file() or not path.is_relative_to(ROOT):
            continue
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(("_build/", ".")):
            found.add(name)
    return sorted(found)


def die_with_parent():
    """Stop soon after the process that started this one is gone; the kernel does the same."""
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def execute(source, target, record):
    """Execute one notebook; returns what went wrong, or None."""
    start = time.monotonic()
    try:
        notebook, files = run(Path(source).resolve())
    except (CellExecutionError, CellTimeoutError) as error:
        return str(error)
    except Exception:
        return traceback.format_exc()
    seconds = round(time.monotonic() - start, 1)
    Path(target).write_text(nbformat.writes(notebook), encoding="utf-8")
    Path(record).write_text(json.dumps({"seconds": seconds, "files": files}), encoding="utf-8")
    return None


def main():
    die_with_parent()
    # Kernels write to the same output: keep it for the answers, and let all else go where errors go.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(execute(*json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
