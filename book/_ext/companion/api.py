"""The directive `api-room`: every public function and class of a room of the library, from their docstrings.

Autodoc finds them and numpydoc sets them. Before that each docstring is made fit for reStructuredText, and an object
that the ledger names says which equations it implements, and where the book derives them.
"""

import functools
import pkgutil
import re
from importlib import import_module

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from . import ledger

LITERAL = re.compile(r"(``.*?``)")
FIELD = re.compile(r"[A-Za-z_][\w, ]* : \S")
SECTION = re.compile(r"-{3,}\s*")


def modules(room) -> list[str]:
    """The public modules of a room, the room itself first."""
    package = import_module(room)
    inside = pkgutil.walk_packages(package.__path__, f"{room}.") if hasattr(package, "__path__") else []
    return [room, *(m.name for m in inside if not any(part.startswith("_") for part in m.name.split(".")))]


@functools.cache
def implemented() -> dict[str, tuple]:
    """Name of an object -> labels of the equations that it implements, and the chapters that derive them."""
    found = {}
    for entry in ledger.load().equations:
        for name in entry.implements:
            labels, chapters = found.setdefault(name, ([], []))
            labels.append(entry.label)
            chapters.append(entry.chapter.partition("#")[0])
    return {name: (labels, list(dict.fromkeys(chapters))) for name, (labels, chapters) in found.items()}


def prepare(app, what, name, thing, options, lines):
    """Make a docstring fit: bars that mean "given", fields of a record, and what the ledger says."""
    text = [escaped(line) for line in lines]
    if what == "module":  # no section of the page
        for n in reversed([n for n, line in enumerate(text) if n and SECTION.fullmatch(line)]):
            text[n - 1 : n + 1] = [f".. rubric:: {text[n - 1]}", ""]
    if what == "class" and not any(SECTION.fullmatch(line) for line in text):
        first = next((n for n, line in enumerate(text) if FIELD.match(line)), None)
        if first is not None:
            text[first:first] = ["Attributes", "----------"]
    if (known := known_as(name, thing)) in implemented():
        labels, chapters = implemented()[known]
        word = "Eq." if len(labels) == 1 else "Eqs."
        links = ", ".join(f":doc:`/{chapter}`" for chapter in chapters)
        if "References" not in text:
            text += ["", "References", "----------"]
        place = text.index("References") + 2
        text[place:place] = [f"In the book: {word} {' and '.join(labels)}; {links}.", ""]
    lines[:] = text


def known_as(name, thing) -> str:
    """The name by which the ledger knows an object: that of its package, where it stands in a file of one."""
    parts = name.split(".")
    shorter = [".".join(parts[:n] + parts[n + 1 :]) for n in range(len(parts) - 2, 0, -1)]
    return next((one for one in shorter if one in implemented() and ledger.resolve(one) is thing), name)


def escaped(line) -> str:
    """A line in which a bar means "given", and does not begin a substitution."""
    return "".join(part if part.startswith("``") else part.replace("|", r"\|") for part in LITERAL.split(line))


def left_out(app, what, name, thing, skip, options):
    """Leave out what is described elsewhere.

    Fields stand with their tuple, what a package only imports from a file of its own stands with that file, and a class
    that two modules share stands with the first.
    """
    if type(thing).__name__ == "_tuplegetter":
        return True
    here, home = app.env.temp_data.get("autodoc:module"), getattr(thing, "__module__", None) or ""
    if home.startswith(f"{here}.") and "._" not in home:
        return True
    if isinstance(thing, type) and thing.__module__ != here:
        return True if app.env.temp_data.setdefault("api-shared", {}).setdefault(thing, here) != here else None
    return None


class Room(SphinxDirective):
    """The modules of a room, each under its name."""

    required_arguments = 1

    def run(self):
        made = []
        for name in modules(self.arguments[0]):
            module = import_module(name)
            self.env.note_dependency(module.__file__)
            section = nodes.section(ids=[nodes.make_id(name)], names=[name])
            section += nodes.title("", name.removeprefix("pedagogy_lib."))
            lines = [f".. automodule:: {name}", "   :members:", "   :member-order: bysource", ""]
            self.state.nested_parse(StringList(lines, source=name), 0, section)
            made.append(section)
        return made


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("numpydoc")
    app.add_directive("api-room", Room)
    app.connect("autodoc-process-docstring", prepare, priority=100)  # before numpydoc
    app.connect("autodoc-skip-member", left_out)
