"""Tables from the results of a benchmark. Nothing in them is typed by hand."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def load(suite="kalman"):
    """The stored results of a suite."""
    return json.loads((RESULTS / f"{suite}.json").read_text())


def table(results, part="speed"):
    """Rows of text, the heading first, of the part ``speed``, ``accuracy`` or ``costs``."""
    if part == "speed":
        return _speed(results[part], results.get("size", "States, sensors, steps"))
    return {"accuracy": _accuracy, "costs": _costs}[part](results[part])


def markdown(results):
    """All tables, with the machine and the versions, in Markdown."""
    machine, versions = results["machine"], results["versions"]
    used = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    missing = ", ".join(name for name, version in versions.items() if not version)
    lines = [
        f"Measured on {results['date']}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['threads']} thread, load {machine['load']}. {used}."
        + (f" Not installed, and so left out: {missing}." if missing else ""),
        "",
    ]
    for part in (part for part in ("speed", "accuracy", "costs") if part in results):
        lines += [*_markdown(table(results, part)), ""]
    return "\n".join(lines)


def html(results, part="speed"):
    """One table in HTML, with a heading row that a screen reader can name the columns by."""
    heading, *rows = table(results, part)
    head = "".join(f'<th scope="col">{_escape(cell)}</th>' for cell in heading)
    body = "".join(
        f'<tr><th scope="row">{_escape(first)}</th>'
        + "".join(f"<td>{_escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return f"<table class='table'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _speed(rows, size_heading):
    heading = ["Task", size_heading, "Peer", "Ours, ms", "Theirs, ms", "Ratio", "Goal"]
    lines = [heading]
    for row in rows:
        goal = "" if row["target"] is None else f"{row['target']:g}"
        size = ", ".join(f"{n:,}" for n in row["size"])
        if "skipped" in row:
            numbers = ["", "", row["skipped"], goal]
        else:
            numbers = [f"{row['ours_ms']:g}", f"{row['theirs_ms']:g}", f"{row['ratio']:g}", goal]
        lines.append([row["task"], size, row["peer"], *numbers])
    return lines


def _accuracy(results):
    if "skipped" in results:
        return [["Filter"], [results["skipped"]]]
    lines = [[results.get("heading", "Filter"), *results["columns"]]]
    for row in results["rows"]:
        cells = [row["skipped"]] if "skipped" in row else [_error(e) for e in row["errors"]]
        lines.append([row["filter"], *cells, *[""] * (len(results["columns"]) - len(cells))])
    return lines


def _error(error):
    """A number, the name of what was raised, or a word."""
    if not isinstance(error, str):
        return f"{error:.0e}"
    return "raises " + error if error.endswith("Error") else error


def _costs(results):
    return [["What", "Seconds"], *([name, f"{value:.2f}"] for name, value in results.items())]


def _markdown(rows):
    heading, *body = rows
    return [
        "| " + " | ".join(heading) + " |",
        "|" + "---|" * len(heading),
        *("| " + " | ".join(row) + " |" for row in body),
    ]


def _escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
