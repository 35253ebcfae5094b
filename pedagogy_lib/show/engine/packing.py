"""Many texts that differ in numbers, stored as one template and a table of whole numbers.

A curve in two hundred states is two hundred texts `<path d='M10 20l.5-.3...'/>` that differ in their
coordinates only. `pack` writes what they share once, with holes, and what fills the holes as the
differences from one state to the next, which are small and so take one byte each. What does not
depend on a control is stored once for all its values. Nothing is rounded: `unpack` gives back the
same texts, letter by letter, and so does the function `unpack` of the page's script.

A hole is `{kind}`, or `{kind}` with a count behind the kind: `{2120}` is 120 numbers of kind 2.

======= ==================================================================
kind    a whole number v is written as
======= ==================================================================
0, 2, 6 v, v / 100 or v / 1000000, without idle zeros; a space before it
        where it would grow together with a number on its left
A to G  v / 10^k with exactly k = 0 to 6 decimals, for words
n       v to the base 36, for the name of an outline
L       an opening brace
======= ==================================================================
"""

import base64
import json
import os
import re

import numpy as np

_NUMBER = re.compile(r"-?(?:\d+\.\d+|\d+|\.\d+)")
_MARKUP = re.compile(r" (?:d|x|y|width|height|transform)='([^']*)'| class='s(\d+)'|#~([0-9a-z]+)")
_WORDS = re.compile(r"(?<![\w.])\d+(?:\.(\d{1,6}))?(?![\w.]*\d)")
_HOLE = re.compile(r"\{(\w)(\d*)\}")
_ENDS_IN_NUMBER = re.compile(r"(?:\d|\{[026]\d*\})$")  # a number, or a hole that one will fill
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_MILLION = 10**6


def pack(texts, shape, words=False):
    """Store one text for each state.

    Parameters
    ----------
    texts : sequence of str
        In the order of the states, the last control turning fastest.
    shape : tuple of int
        How many values each control has.
    words : bool
        Whether the texts are sentences, whose numbers keep their zeros, and not lines of SVG.

    Returns
    -------
    dict
        `n`, the shape; `over`, the controls that the texts depend on; `t`, the templates; `w`,
        which template each text has; `c`, the numbers of each template. Or, where it is shorter (a
        path that grows has a template of its own in each state), `chain`: for each text, how many
        letters it shares with the one before at its beginning and at its end, and what is between.
    """
    over, kept = _needed(texts, shape)
    head = {"n": list(map(int, shape)), "over": over}
    chain, tables = {"chain": _links(kept)}, _tables(kept, words)
    return head | min(chain, tables, key=_size)


def _tables(kept, words):
    """Return texts as templates and tables of numbers."""
    cut = _cut_words if words else _cut_markup
    rows = [cut(text) for text in kept]
    keys = list(dict.fromkeys(key for key, _ in rows))
    which = [keys.index(key) for key, _ in rows] if len(keys) > 1 else []
    templates, numbers = [], []
    for key in keys:
        table = np.array([values for k, values in rows if k == key], dtype=np.int64)
        template, columns = _template(key, table)
        templates.append(template)
        numbers.append(_encode(columns))
    return {
        "t": templates,
        "w": _encode(np.array(which, dtype=np.int64)[:, None]) if which else "",
        "c": numbers,
    }


def unpack(packed):
    """Return the texts that were packed, one for each state."""
    sizes = [packed["n"][axis] for axis in packed["over"]]
    kept = _unchained(packed["chain"]) if "chain" in packed else _from_tables(packed, int(np.prod(sizes, dtype=int)))
    return [
        kept[int(np.ravel_multi_index([state[axis] for axis in packed["over"]], sizes)) if sizes else 0]
        for state in np.ndindex(*packed["n"])
    ]


def _from_tables(packed, count):
    """Return the distinct texts from their templates and tables."""
    templates = packed["t"]
    which = _decode(packed["w"], 1)[:, 0] if packed["w"] else np.zeros(count, int)
    tables = [
        iter(_decode(data, _width(template)) if data else ())
        for template, data in zip(templates, packed["c"])
    ]
    return [_fill(templates[k], next(tables[k], ())) for k in which]


def _links(texts):
    """Return each text as what it shares with the one before, and the rest."""
    links, before = [], ""
    for text in texts:
        start = len(os.path.commonprefix([before, text]))
        room = min(len(before), len(text)) - start
        end = len(os.path.commonprefix([before[::-1][:room], text[::-1][:room]]))
        links.append([start, end, text[start : len(text) - end]])
        before = text
    return links


def _unchained(links):
    """Return the texts that `_links` took apart."""
    texts, before = [], ""
    for start, end, middle in links:
        before = before[:start] + middle + before[len(before) - end :]
        texts.append(before)
    return texts


def _size(data):
    return len(json.dumps(data))


def _needed(texts, shape):
    """Return the controls that the texts depend on, and the texts over these alone."""
    numbers = {}
    grid = np.array([numbers.setdefault(text, len(numbers)) for text in texts]).reshape(shape)
    over = []
    for axis in range(len(shape)):
        first = grid.take([0], axis)
        if (grid == first).all():
            grid = first
        else:
            over.append(axis)
    distinct = list(numbers)
    return over, [distinct[number] for number in grid.ravel()]


# Texts to templates ------------------------------------------------------------------------------


def _cut_markup(text):
    """Return what stays of a line of SVG, (literal, kind, literal, ...), and the numbers cut out."""
    parts, values, at = [], [], 0

    def hole(start, end, kind, value):
        nonlocal at
        literal = text[at:start]
        joined = literal in ("", " ") and parts and parts[-1] == "#"
        parts.extend(["" if joined and kind == "#" else literal, kind])
        values.append(value)
        at = end

    for found in _MARKUP.finditer(text):
        if found[2]:
            hole(*found.span(2), "#", int(found[2]) * _MILLION)
        elif found[3]:
            if found[3][0] != "0" or found[3] == "0":
                hole(*found.span(3), "n", int(found[3], 36))
        else:
            for number in _NUMBER.finditer(text, *found.span(1)):
                value = round(float(number[0]) * _MILLION)
                if _trimmed(value, 6) == number[0]:  # else its spelling would change
                    hole(*number.span(), "#", value)
    return (*parts, text[at:]), values


def _cut_words(text):
    """Return what stays of a sentence, and the numbers cut out of it."""
    parts, values, at = [], [], 0
    for found in _WORDS.finditer(text):
        decimals = len(found[1] or "")
        if len(found[0]) > 12 or (found[0][0] == "0" and found[0][1:2] not in ("", ".")):
            continue
        parts += [text[at : found.start()], "ABCDEFG"[decimals]]
        values.append(int(found[0].replace(".", "")))
        at = found.end()
    return (*parts, text[at:]), values


def _template(key, table):
    """Return the template of equal texts, and the columns of `table` that differ between them."""
    literals, kinds = key[::2], key[1::2]
    out, columns, run = [_escaped(literals[0])], [], ["", 0]

    def close():
        out.append("{" + run[0] + (str(run[1]) if run[1] > 1 else "") + "}" if run[1] else "")
        run[1] = 0

    for column, (kind, literal) in enumerate(zip(kinds, literals[1:])):
        values = table[:, column]
        if kind == "#":
            kind, unit = _grain(values)
            values = values // unit
        if (values == values[0]).all():
            close()
            last = next((piece for piece in reversed(out) if piece), "")
            out.append(_written(kind, int(values[0]), bool(_ENDS_IN_NUMBER.search(last))))
        else:
            if run[0] != kind:
                close()
            run[0] = kind
            run[1] += 1
            columns.append(values)
        if literal:
            close()
            out.append(_escaped(literal))
    close()
    return "".join(out), np.array(columns, dtype=np.int64).T if columns else np.zeros((0, 0), int)


def _grain(values):
    """Return the kind and the unit (in millionths) of a column of decimals."""
    for kind, unit in (("0", _MILLION), ("2", _MILLION // 100)):
        if not (values % unit).any():
            return kind, unit
    return "6", 1


def _escaped(literal):
    return literal.replace("{", "{L}")


# Templates to texts ------------------------------------------------------------------------------


def _width(template):
    return sum(int(count or 1) for kind, count in _HOLE.findall(template) if kind != "L")


def _fill(template, row):
    """Return a template with its holes filled."""
    out, at, row = "", 0, iter(row)
    for found in _HOLE.finditer(template):
        out += template[at : found.start()]
        at = found.end()
        if found[1] == "L":
            out += "{"
            continue
        for _ in range(int(found[2] or 1)):
            out += _written(found[1], int(next(row)), out[-1:].isdigit())
    return out + template[at:]


def _written(kind, value, after_number):
    """Return a number as it stands in a text, behind a number or behind something else."""
    if kind == "n":
        return _base36(value)
    if kind in "026":
        text = _trimmed(value, int(kind))
        return (" " if after_number and text[0] != "-" else "") + text
    decimals = "ABCDEFG".index(kind)
    return f"{value // 10**decimals}.{value % 10**decimals:0{decimals}d}" if decimals else str(value)


def _trimmed(value, decimals):
    """Return `value` / 10^decimals without idle zeros: `.5`, `-3`."""
    whole, part = divmod(abs(value), 10**decimals)
    text = f"{whole}.{part:0{decimals}d}".rstrip("0").rstrip(".") if decimals and part else str(whole)
    text = text[1:] if text.startswith("0.") else text
    return "-" + text if value < 0 else text


def _base36(number):
    return _DIGITS[number] if number < 36 else _base36(number // 36) + _DIGITS[number % 36]


# Tables to bytes ---------------------------------------------------------------------------------


def _encode(table):
    """Return a table of whole numbers as base64: differences between rows, seven bits to a byte."""
    if not table.size:
        return ""
    steps = np.diff(table, axis=0, prepend=np.zeros((1, table.shape[1]), np.int64)).ravel()
    rest = np.where(steps < 0, -2 * steps - 1, 2 * steps)  # the sign goes to the last bit
    pieces = np.zeros((len(rest), 9), np.uint8)
    used = np.zeros((len(rest), 9), bool)
    for place in range(9):
        used[:, place] = (rest > 0) | (place == 0)
        more = rest >> 7 > 0
        pieces[:, place] = (rest & 127) | (more << 7)
        rest = rest >> 7
    return base64.b64encode(pieces[used].tobytes()).decode()


def _decode(data, width):
    """Return the table that `_encode` stored, of `width` columns."""
    values, value, shift = [], 0, 0
    for byte in base64.b64decode(data):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(-(value + 1) // 2 if value & 1 else value // 2)
            value, shift = 0, 0
    return np.cumsum(np.array(values, dtype=np.int64).reshape(-1, width), axis=0)
