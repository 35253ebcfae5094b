"""Tables from the results of a benchmark. Nothing in them is typed by hand."""

import json
import textwrap
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def load(suite="kalman"):
    """The stored results of a suite."""
    return json.loads((RESULTS / f"{suite}.json").read_text())


def table(results, part="speed"):
    """Rows of text, the heading first, of the part ``speed``, ``accuracy`` or ``costs``.

    The suite `accuracy` has families instead: ``filters`` and others, and ``filters, beside``.
    """
    if "families" in results:
        name, _, beside = part.partition(", ")
        family = results["families"][name]
        return _beside(family["beside"]) if beside else _verdicts(family["rows"])
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
    for name, family in results.get("families", {}).items():
        lines += [f"{family['title']} ({family['seconds']} s)", "", *_markdown(table(results, name)), ""]
        lines += [*_markdown(table(results, f"{name}, beside")), ""] if family["beside"] else []
    return "\n".join([*lines, results["skipped"]] if "skipped" in results else lines)


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


def _verdicts(rows):
    """A row for each problem: what each of ours said, and each of the others, on lines of their own."""
    lines = [["Problem", "Asked", "Ours", "Others"]]
    for row in rows:
        asked = f"{row['asked']}, to {row['tolerance']:.0e}" if row["answerable"] else row["asked"]
        if row["answerable"] and row["theirs"] != row["tolerance"]:
            asked += f" (others to {row['theirs']:.0e})"
        many = f", {row['cases']:,} cases" if row["cases"] > 1 else ""
        said = {True: [], False: []}
        for answer in row["answers"]:
            ours = answer["who"].startswith("ours")
            name = answer["who"].removeprefix("ours").removeprefix(", ")
            said[ours].append(f"{name}: {_verdict(answer, row)}" if name else _verdict(answer, row))
        lines.append([row["problem"] + many, asked, *("\n".join(said[ours]) for ours in (True, False))])
    return lines


def _verdict(answer, row):
    """The word; how many of many cases; the largest error of an answer; why the first refusal."""
    if "skipped" in answer:
        return answer["skipped"]
    counts, needless = answer["counts"], answer.get("needless")
    parts = [f"{counts[word]} {word}" for word in counts if 0 < counts[word] < row["cases"]]
    error = answer["error"]
    if row["answerable"] and error is not None:
        parts.append(f"error {error if isinstance(error, str) else f'{error:.0e}'}")
    if needless:
        parts.append(f"{needless} needlessly")
    why = textwrap.shorten(answer["reason"], 110, placeholder=" ...") if answer["word"] == "refused" else ""
    if answer["word"] == "right" and counts["refused"]:
        return ", ".join(parts)                         # right where it answered: the counts say both
    return answer["word"] + (f" ({', '.join(parts)})" if parts else "") + (f": {why}" if why else "")


def _beside(rows):
    """Approximations: what is exact, what was found, and how far beside it lies, with the sign."""
    numbers = lambda exact, found: [f"{exact:.4g}", f"{found:.4g}", f"{found - exact:+.2g}"]
    heading = ["Problem", "Approximation", "Exact", "Found", "Error"]
    return [heading, *([row["problem"], row["method"], *numbers(row["exact"], row["found"])] for row in rows)]


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
        *("| " + " | ".join(row).replace("\n", "<br>") + " |" for row in body),
    ]


def _escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
