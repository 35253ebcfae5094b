"""The mathematics macros as a notebook's first cell: python book/_tools/macros.py prints it.

JupyterLab and Colab know nothing of the site's configuration, so every notebook starts with the
same definitions in a Markdown cell tagged `remove-cell`. They come from `_config.yml`; a test
compares each notebook's first cell.
"""

import json
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]

# What the site does with its style sheet, said in plain TeX: a color that shows on white and on
# black, and an underline for readers without color.
PLAIN = {"purp": r"\underline{\textcolor[HTML]{A24BE6}{#1}}"}


def macros() -> dict[str, tuple[str, int]]:
    """The body and the number of arguments of each macro in `_config.yml`."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    defined = config["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]
    return {
        name: (body, 0) if isinstance(body, str) else (body[0], body[1])
        for name, body in defined.items()
    }


def definition(name: str, body: str, arguments: int) -> str:
    r"""One macro as `\newcommand`."""
    count = f"[{arguments}]" if arguments else ""
    return rf"\newcommand{{\{name}}}{count}{{{PLAIN.get(name, body)}}}"


def cell_source() -> str:
    """The text of the first cell of every notebook."""
    lines = [definition(name, *macro) for name, macro in macros().items()]
    return "$\n" + "\n".join(lines) + "\n$"


def cell() -> dict:
    """The first cell of every notebook."""
    return {
        "cell_type": "markdown",
        "id": "macros",
        "metadata": {"tags": ["remove-cell"]},
        "source": cell_source().splitlines(keepends=True),
    }


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Print the macro cell that starts every notebook.")
    parser.add_argument("--json", action="store_true", help="the whole cell, as JSON")
    print(json.dumps(cell(), indent=1) if parser.parse_args().json else cell_source())
