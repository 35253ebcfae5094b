"""The equation ledger: `book/equations.yml` read, checked and resolved. Knows nothing of Sphinx.

The extension builds the equation index and the errata page from it;
`tests/equations/test_ledger.py` walks it.
"""

import ast
import csv
import importlib
import json
import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import yaml
from docutils.nodes import make_id

ROOT = Path(__file__).resolve().parents[3]
LEDGER = ROOT / "book" / "equations.yml"
TEXTBOOK = ROOT / "book" / "textbook_equations.csv"
EVIDENCE = ROOT / "book" / "evidence.json"  # the numbers behind `evidence`, written by tests/equations

KINDS = ("definition", "identity", "algorithm", "approximation", "bound", "notation")
HOLDS, CORRECTED, NOTATION = "holds", "holds after a correction", "notation only"
VERDICTS = (HOLDS, CORRECTED, NOTATION)

# A slip outside the numbered equations is named after the place where it stands.
OWN_LABEL = re.compile(r"(Box|Result|Text|Figure|Table|Algorithm|Section) \S.*")

PLACEHOLDER = re.compile(r"<<(?P<name>\w+)(?::(?P<format>[^<>]*))?>>")

CITATION = re.compile(
    r"\b(?:Eqs?\.|Equations?)\s*(?P<labels>(?:\d+|[A-C])\.\d+(?:[ab]\b)?"
    r"(?:(?:\s*(?:,|;|-|–|—|to|and|or|through|,\s*and)\s*)(?:\d+|[A-C])\.\d+(?:[ab]\b)?)*)"
)
LABEL = re.compile(r"(?:\d+|[A-C])\.\d+(?:[ab]\b)?")


@dataclass(frozen=True)
class Entry:
    """One numbered equation of the textbook."""

    label: str
    says: str
    kind: str
    chapter: str
    verdict: str
    implements: list[str] = field(default_factory=list)
    equation_tests: list[str] = field(default_factory=list)  # of the claim as printed
    library_tests: list[str] = field(default_factory=list)  # of what implements it
    correction: str = ""
    evidence: str = ""
    extraction: bool = False  # may be due to the extraction of the draft's text from its PDF


@dataclass(frozen=True)
class Slip:
    """A slip in the textbook that stands in no numbered equation."""

    label: str
    says: str
    correction: str
    evidence: str
    chapter: str
    equation_tests: list[str] = field(default_factory=list)
    extraction: bool = False


@dataclass(frozen=True)
class Ledger:
    edition: str
    equations: list[Entry]
    errata: list[Slip]
    boxes: list[Entry] = field(default_factory=list)  # algorithms that the textbook prints without a number
    results: list[Entry] = field(default_factory=list)  # of the companion's own

    def entries(self) -> list[Entry]:
        """All that states something: numbered equations, boxes, and results of our own."""
        return [*self.equations, *self.boxes, *self.results]

    def corrected(self) -> list[Entry | Slip]:
        """All that the textbook prints otherwise than it holds."""
        return [*(e for e in self.entries() if e.verdict == CORRECTED), *self.errata]

    def item(self, label: str) -> Entry | Slip | None:
        return next((item for item in [*self.entries(), *self.errata] if item.label == label), None)


def slug(label: str) -> str:
    """The anchor of a label: `2.6` gives `eq-2-6`, `Box K-means` gives `box-k-means`."""
    stem = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
    return stem if OWN_LABEL.fullmatch(label) else f"eq-{stem}"


@lru_cache
def textbook(path: Path = TEXTBOOK) -> dict[str, tuple[str, str]]:
    """Section number and title of every numbered equation of the textbook, in its order."""
    with path.open(encoding="utf-8", newline="") as lines:
        return {
            row["label"]: (row["section"], row["section_title"]) for row in csv.DictReader(lines)
        }


@lru_cache
def evidence(path: Path = EVIDENCE) -> dict[str, dict]:
    """The measured numbers behind each correction: by label, then by name."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def filled(text: str, numbers: dict) -> str:
    """A text with its numbers: `<<name:.2f>>` becomes the number of that name, a vector's entries with commas."""

    def shown(match):
        value = numbers[match["name"]]
        entries = value if isinstance(value, list) else [value]
        return ", ".join(format(entry, match["format"] or "g") for entry in entries)

    return PLACEHOLDER.sub(shown, text)


def load(path: Path = LEDGER) -> Ledger:
    """Read the ledger; equations come back in the textbook's order."""
    return _parsed(path.name, path.read_text(encoding="utf-8"))


@lru_cache  # every page asks, and every test of an equation: YAML is parsed slowly
def _parsed(name: str, text: str) -> Ledger:
    raw = yaml.safe_load(text)
    unknown = set(raw) - {"edition", "equations", "boxes", "results", "errata"}
    if unknown:
        raise ValueError(f"{name}: unknown keys {sorted(unknown)}")
    order = list(textbook())
    equations = [_read(Entry, row) for row in raw.get("equations") or []]
    equations.sort(key=lambda e: order.index(e.label) if e.label in order else len(order))
    return Ledger(
        edition=raw["edition"],
        equations=equations,
        errata=[_read(Slip, row) for row in raw.get("errata") or []],
        boxes=[_read(Entry, row) for row in raw.get("boxes") or []],
        results=[_read(Entry, row) for row in raw.get("results") or []],
    )


def _read(record, row: dict):
    label = row.get("label")
    if not isinstance(label, str):
        raise ValueError(f"label {label!r} must be quoted: YAML reads 2.10 as the number 2.1")
    try:
        return record(**row)
    except TypeError as error:
        raise ValueError(f"{label}: {error}") from None


def problems(ledger: Ledger, root: Path = ROOT) -> list[str]:
    """Everything that is wrong with the ledger, one sentence each; empty when all is well."""
    found = []
    labels = [item.label for item in [*ledger.equations, *ledger.boxes, *ledger.results, *ledger.errata]]
    found += [f"{label}: entered twice" for label in sorted(set(labels)) if labels.count(label) > 1]
    for entry in ledger.equations:
        if entry.label not in textbook():
            found.append(f"{entry.label}: no such equation in the textbook")
        found += [f"{entry.label}: {text}" for text in _entry_problems(entry, root)]
    for entry in ledger.boxes:
        if not entry.label.startswith("Box "):
            found.append(f"{entry.label}: an algorithm without a number is labeled `Box` and its name")
        found += [f"{entry.label}: {text}" for text in _entry_problems(entry, root)]
    for entry in ledger.results:
        if not entry.label.startswith("Result "):
            found.append(f"{entry.label}: a result of the companion's own is labeled `Result` and its name")
        found += [f"{entry.label}: {text}" for text in _entry_problems(entry, root)]
    for slip in ledger.errata:
        found += [f"{slip.label}: {text}" for text in _slip_problems(slip, root)]
    return found


def _entry_problems(entry: Entry, root: Path):
    if not entry.says.strip():
        yield "says nothing"
    if entry.kind not in KINDS:
        yield f"kind must be one of {', '.join(KINDS)}, not {entry.kind!r}"
    if entry.verdict not in VERDICTS:
        yield f"verdict must be one of {', '.join(VERDICTS)}, not {entry.verdict!r}"
    if entry.verdict == CORRECTED and not (entry.correction and entry.evidence):
        yield "a correction needs `correction` and `evidence`, the number that exposed the slip"
    if entry.verdict != CORRECTED and (entry.correction or entry.evidence):
        yield f"has a correction, but its verdict is {entry.verdict!r}"
    if entry.verdict != NOTATION and not entry.equation_tests:
        yield f"verdict {entry.verdict!r} without a test"
    if bool(entry.implements) != bool(entry.library_tests):
        yield "`implements` and `library_tests` go together: a test calls what is named, and nothing else is meant"
    yield from _link_problems(entry.chapter, entry.implements, [*entry.equation_tests, *entry.library_tests], root)


def _slip_problems(slip: Slip, root: Path):
    if not OWN_LABEL.fullmatch(slip.label):
        yield "a slip outside the numbered equations is labeled by its place, as `Box K-means`"
    for name in ("says", "correction", "evidence"):
        if not getattr(slip, name).strip():
            yield f"`{name}` is empty"
    if not slip.equation_tests:
        yield "without a test"
    yield from _link_problems(slip.chapter, [], slip.equation_tests, root)


def unmeasured(ledger: Ledger, numbers: dict[str, dict]) -> list[str]:
    """Where a text of `evidence` and the measured numbers do not fit each other."""
    found = []
    for item in ledger.corrected():
        wanted = {match["name"] for match in PLACEHOLDER.finditer(item.evidence)}
        measured = set(numbers.get(item.label, {}))
        if not wanted:
            found.append(f"{item.label}: the evidence has no number that a test measures")
        found += [f"{item.label}: no test measures {name}" for name in sorted(wanted - measured)]
        found += [f"{item.label}: measured and not told: {name}" for name in sorted(measured - wanted)]
    known = {item.label for item in ledger.corrected()}
    return found + [f"{label}: measured, and no correction bears that label" for label in numbers if label not in known]


def uncalled(ledger: Ledger, calls: dict[str, list[str]]) -> list[str]:
    """What is named under `implements` and called by none of the entry's tests of the library.

    ``calls`` says for each such test which objects it calls.
    """
    found = []
    for entry in ledger.entries():
        seen = {name for test in entry.library_tests for name in calls.get(test, [])}
        found += [f"{entry.label}: no test calls {name}" for name in entry.implements if name not in seen]
        idle = [t for t in entry.library_tests if not set(entry.implements) & set(calls.get(t, []))]
        found += [f"{entry.label}: calls nothing that is named: {test}" for test in idle]
    return found


def _link_problems(chapter: str, objects: list[str], tests: list[str], root: Path):
    document, _, anchor = chapter.partition("#")
    notebook = root / f"{document}.ipynb"
    if not notebook.exists():
        yield f"no notebook {document}.ipynb"
    elif anchor not in anchors(notebook):
        yield f"no anchor #{anchor} in {document}.ipynb"
    for name in objects:
        if not importable(name):
            yield f"nothing named {name}"
    for test in tests:
        if not names_a_test(test, root):
            yield f"no test {test}"


def anchors(notebook: Path) -> set[str]:
    """Every place of a notebook that a link can name: `<a id="...">`, `(...)=`, headings."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    explicit = re.findall(r"""<a\s+(?:id|name)=["']([^"']+)["']""", text)
    targets = re.findall(r"^\(([\w.-]+)\)=\s*$", text, flags=re.MULTILINE)
    headings = re.findall(r"^#+\s+(.*)$", text, flags=re.MULTILINE)
    return {*explicit, *targets, *(heading_slug(h) for h in headings if slug_is_sure(h))}


def heading_slug(heading: str) -> str:
    """The anchor of a heading by GitHub's rule, as JupyterLab, GitHub and MyST agree on it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def slug_is_sure(heading: str) -> bool:
    """Whether the built page gives the heading that same anchor (not with an apostrophe, say)."""
    return heading_slug(heading) == make_id(re.sub(r"[*`$]", "", heading))


def importable(name: str) -> bool:
    """Whether a dotted name leads to a module or to something inside one."""
    try:
        resolve(name)
    except LookupError:
        return False
    return True


def resolve(name: str):
    """What a dotted name leads to; raises LookupError where there is nothing."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        module_name = ".".join(parts[:cut])
        try:
            found = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            # A missing part of this very name means "try shorter"; anything else is an error.
            if error.name and module_name.startswith(error.name):
                continue
            raise
        for attribute in parts[cut:]:
            if not hasattr(found, attribute):
                raise LookupError(f"{module_name} has no {attribute}")
            found = getattr(found, attribute)
        return found
    raise LookupError(f"nothing named {name}")


def names_a_test(test: str, root: Path = ROOT) -> bool:
    """Whether a pytest id `path::[Class::]function[case]` names a function that is there."""
    path, *names = re.sub(r"\[.*\]$", "", test).split("::")
    if not names or not (root / path).is_file():
        return False
    scope = ast.parse((root / path).read_text(encoding="utf-8")).body
    for name in names:
        found = [n for n in scope if getattr(n, "name", None) == name]
        if not found:
            return False
        scope = found[0].body
    return names[-1].startswith("test")


def source_of(name: str, root: Path = ROOT) -> tuple[str, int] | None:
    """File (from the root) and line where a dotted name is defined, read without importing it."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        stem = root.joinpath(*parts[:cut])
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file():
                home = _home(path, parts[cut:])
                return source_of(home, root) if home else (path.relative_to(root).as_posix(), _line(path, parts[cut:]))
    return None


def _home(path: Path, names: list[str]) -> str | None:
    """The full name of what a file only imports, by the module that it says; None if it does not import it."""
    for node in _tree(path).body:
        for alias in node.names if names and isinstance(node, ast.ImportFrom) else ():
            if (alias.asname or alias.name) == names[0]:
                return ".".join([node.module, alias.name, *names[1:]])
    return None


def place_of_test(test: str, root: Path = ROOT) -> tuple[str, int] | None:
    """File and line of a pytest id."""
    path, *names = re.sub(r"\[.*\]$", "", test).split("::")
    return (path, _line(root / path, names)) if (root / path).is_file() else None


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _line(path: Path, names: list[str]) -> int:
    line, scope = 1, _tree(path).body
    for name in names:
        found = [node for node in scope if getattr(node, "name", None) == name]
        if not found:
            return line
        line, scope = found[0].lineno, getattr(found[0], "body", [])
    return line
