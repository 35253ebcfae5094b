"""Alternative text: what a figure shows, in words, in each of its states."""

import re
import string

# What figures count: a template says "{n} steps" also where n is 1.
_ONE = re.compile(
    r"(?<![\d.,])(1 (?:draw|iteration|move|particle|proposal|reading|report|round|sample|step|sweep|turn))s\b"
)


class Shown:
    """A value in an alt template: written as the reader sees it unless a format is given."""

    def __init__(self, value, text):
        self._value, self._text = value, text

    def __format__(self, spec):
        return format(self._value, spec) if spec else self._text


def check(alt, caller, what="alt"):
    """Raise unless `alt` is a text (or template) with something in it, or callable."""
    if callable(alt):
        return
    if not isinstance(alt, str):
        raise TypeError(
            f"{caller}: {what} must be a text or a function that returns one, got {type(alt).__name__}"
        )
    if not alt.strip():
        wanted = "say in a sentence what the figure shows" if what == "alt" else "leave it out, or say what is counted"
        raise ValueError(f"{caller}: {what} is empty; {wanted}")


def fields(template):
    """Return the names that a template mentions."""
    names = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    return {name.split(".")[0].split("[")[0] for name in names}


def fill(template, values, caller, what="alt"):
    """Return `template` with its names replaced, or raise saying which one is not known."""
    unknown = sorted(fields(template) - set(values))
    if unknown:
        raise ValueError(
            f"{caller}: {what} names {{{unknown[0]}}}, but the names are {sorted(values)}"
        )
    return template.format(**values)


def checked(text, caller, what="alt"):
    """Return what an alt function returned, with "1 step" for "1 steps", or raise if it is no text."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{caller}: {what} must return a text that is not empty, got {text!r}")
    return _ONE.sub(r"\1", text)
