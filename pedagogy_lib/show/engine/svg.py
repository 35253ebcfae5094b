"""Matplotlib's SVG made small, themable and safe to inline in a page.

Matplotlib writes for drawing programs: one group per artist, six decimals, a name for everything.
A page with thirty frames cannot afford that. `compact` keeps the picture and drops the rest, and
writes one element per line, so that frames that differ in one curve differ in one line.
"""

import base64
import io
import re
import xml.etree.ElementTree as ET
from functools import lru_cache

from ..colors import css_color

_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_PATH_PART = re.compile(r"([MLCQZz])([^MLCQZz]*)")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_TRANSLATE = re.compile(r"translate\((-?[\d.]+) ?(-?[\d.]+)\)")
_COLLECTION = re.compile(r"^C[0-9a-f]+_[0-9a-f]+_")  # counts collections; a digest of the outline follows
_OUTLINE = re.compile(r"m[0-9a-f]{10}")  # Matplotlib's name for an outline that it draws in one or more places
_LONG = 1500  # letters of an outline: what is longer is an area, and not the sign of a point (a disc has 450)
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")
_INVISIBLE = re.compile(r"(?<![-\w])opacity:0(?![.\d])|^fill:none$")

#: Names the group that holds one mark, in what the recorder hands to `compact` and `compact_marks`.
MARK = "pl-mark-"

#: Stands in names for the id of the figure that will show the picture: ids of different
#: figures on a page must differ, while stored lines must not depend on the figure.
PREFIX = "~"


def compact(source, names):
    """Return the lines of a small SVG that shows the same picture as `source`.

    Parameters
    ----------
    source : str
        SVG as Matplotlib writes it, letters as outlines.
    names : dict
        Short names given so far, by Matplotlib's own. Shared (and added to) by all frames of a
        figure, so that one glyph has one name throughout. Matplotlib derives its names from
        content, so equal names mean equal outlines.

    Returns
    -------
    list of str
        One element, or one opening or closing tag, per line. Attributes in single quotes.
    """
    root = _unfold(ET.fromstring(source))
    width, height = (float(part) for part in root.get("viewBox").split()[2:])
    definitions, drawing = [], []
    for child in root:
        _collect(child, names, drawing, definitions, text=False)
    definitions = _once(definitions)
    # Ids that nothing refers to were Matplotlib's book-keeping.
    used = set(re.findall(f"#({PREFIX}[0-9a-z]+)", "\n".join(drawing + definitions)))
    definitions = [_drop_unused_id(line, used) for line in definitions]
    return [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_short(width)} {_short(height)}' "
        "style='fill:var(--pl-ink);stroke-linejoin:round' aria-hidden='true' focusable='false'>",
        *(["<defs>", *definitions, "</defs>"] if definitions else []),
        *merge_clips(drawing),
        "</svg>",
    ]


def compact_marks(source, names):
    """Return the marks in an SVG that holds nothing else, each on its own.

    Parameters
    ----------
    source : str
        SVG as Matplotlib writes it; each mark in a group whose id is `MARK` and a number.
    names : dict
        As for `compact`.

    Returns
    -------
    marks : dict
        number -> its lines.
    definitions : list of str
        The lines that define outlines, clips and hatches for them.
    """
    root = _unfold(ET.fromstring(source))
    marks, definitions = {}, []
    for child in root:
        lines = []
        if child.get("id", "").startswith(MARK):
            for part in child:
                _collect(part, names, lines, definitions, text=False)
            marks[int(child.get("id").removeprefix(MARK))] = merge_clips(lines)
        else:
            _collect(child, names, lines, definitions, text=False)
    return marks, _once(definitions)


def _unfold(root):
    """Draw each area where it is used, and define it nowhere; returns `root`.

    Matplotlib defines the outline of a filled area as if it were the sign of many points. Of a figure drawn
    once, every state has other areas, and the definitions of all of them would stand in the background.
    """
    areas = {}
    for definitions in root.iter(_SVG + "defs"):
        for child in list(definitions):
            if _OUTLINE.fullmatch(child.get("id", "")) and len(child.get("d", "")) > _LONG:
                areas["#" + child.get("id")] = child.get("d")
                definitions.remove(child)
    for use in root.iter(_SVG + "use"):
        if use.get(_XLINK + "href") in areas:
            place = f"translate({use.attrib.pop('x', '0')} {use.attrib.pop('y', '0')})"
            use.tag = _SVG + "path"
            use.attrib = {"d": areas[use.attrib.pop(_XLINK + "href")], "transform": place, **use.attrib}
    return root


def _once(definitions):
    """Drop the outlines that are defined again: two collections may use the same one."""
    outlines = set()
    return [
        line
        for line in definitions
        if not line.startswith("<path id=") or not (line in outlines or outlines.add(line))
    ]


def _collect(element, names, drawing, definitions, text):
    """Append the lines of `element` to `drawing`, those of its definitions to `definitions`."""
    if not isinstance(element.tag, str):  # a comment
        return
    tag = element.tag.removeprefix(_SVG)
    if tag == "defs":
        for child in element:
            if child.tag != _SVG + "style":  # the one global rule is on the root instead
                _define(child, names, definitions)
        return
    if tag == "metadata":
        return
    if element.get("id", "").startswith(MARK):
        drawing.append(f"<g data-mark='{element.get('id').removeprefix(MARK)}'/>")
        return
    text = text or element.get("id", "").startswith("text_")
    attributes = _attributes(element, names, text)
    if tag in ("path", "use") and _INVISIBLE.search(attributes.get("style", "")):
        return
    if tag == "path" and not attributes.get("d"):
        return
    attributes.pop("id", None)  # only definitions are referred to
    inside = []
    for child in element:
        _collect(child, names, inside, definitions, text)
    if element.get("id", "").startswith("text_") and inside:
        # A whole label as one line: that is how it recurs from frame to frame.
        drawing.append("".join(_tagged(tag, attributes, inside) if attributes else inside))
    elif tag != "g":
        drawing += _tagged(tag, attributes, inside)
    elif inside:
        drawing += _tagged(tag, attributes, inside) if attributes else inside


def _define(element, names, lines):
    """Append a definition (an outline, a clip, a hatch) and what is inside it."""
    inside = []
    for child in element:
        _define(child, names, inside)
    tag = element.tag.removeprefix(_SVG)
    lines += _tagged(tag, _attributes(element, names, text=False), inside)


def _tagged(tag, attributes, inside):
    """Return an element as lines: one if it is empty, else its tags around what is inside."""
    opening = "".join([f"<{tag}", *(f" {name}='{value}'" for name, value in attributes.items())])
    return [f"{opening}>", *inside, f"</{tag}>"] if inside else [f"{opening}/>"]


def _attributes(element, names, text):
    """Return the attributes of `element`, shortened, with themed colors and short names."""
    result = {}
    for key, value in element.attrib.items():
        key = key.removeprefix(_XLINK)
        if "url(" in value:
            value = _REFERENCE.sub(lambda match: f"url(#{_name(match[1], names)})", value)
        if key == "id":
            value = _name(value, names)
        elif key == "href" and value.startswith("#"):
            value = "#" + _name(value[1:], names)
        elif key == "href":
            value = _image("".join(value.split()))  # base64 broken into lines
        elif key == "d":
            value = _outline(value) if len(value) <= _LONG else _path(value)
        elif key == "style":
            value = _style(value, text)
        elif key == "transform":
            value = _transform(value)
        elif key in ("x", "y", "width", "height"):
            value = _short(float(value))
        if value != "":
            result[key] = value.replace("'", "&#39;")
    if element.tag == _SVG + "use":
        _shift(result)
    return result


@lru_cache(maxsize=200)
def _image(address):
    """Return an embedded PNG as WebP, the same pixels in half the bytes."""
    from PIL import Image

    kind, _, data = address.partition("base64,")
    if kind != "data:image/png;":
        return address
    packed = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        image.save(packed, "webp", lossless=True, exact=True, method=4)
    return f"data:image/webp;base64,{base64.b64encode(packed.getvalue()).decode()}"


def _shift(attributes):
    """Write the pure shift of a `use` as x and y, which mean the same and are shorter."""
    match = _TRANSLATE.fullmatch(attributes.get("transform", ""))
    if match:
        del attributes["transform"]
        attributes |= {key: value for key, value in zip("xy", match.groups()) if value != "0"}


def _name(name, names):
    """Return the short name for one of Matplotlib's, with the figure's prefix to come."""
    return PREFIX + names.setdefault(_COLLECTION.sub("C", name), _base36(len(names)))


def _base36(number):
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[number] if number < 36 else _base36(number // 36) + digits[number % 36]


def _drop_unused_id(line, used):
    match = re.match(rf"<\w+ id='({PREFIX}[0-9a-z]+)'", line)
    return line.replace(f" id='{match[1]}'", "", 1) if match and match[1] not in used else line


# Letters, styles and the signs of points recur in every state: they are made short once.
@lru_cache(maxsize=4000)
def _style(value, text):
    """Return a style without spaces and long decimals, its colors following the theme."""
    parts = []
    for declaration in filter(None, (part.strip() for part in value.split(";"))):
        key, _, setting = declaration.partition(":")
        setting = setting.strip()
        if _HEX.search(setting):
            setting = _HEX.sub(lambda match: css_color(match[0].lower(), text), setting)
        elif "url(" not in setting:
            setting = _NUMBER.sub(lambda match: _short(float(match[0]), small=True), setting)
        parts.append(f"{key.strip()}:{setting}")
    return ";".join(parts)


@lru_cache(maxsize=4000)
def _transform(value):
    """Return a transformation with short numbers and single spaces."""
    value = _NUMBER.sub(lambda match: _short(float(match[0]), small=True), value)
    return re.sub(r"[ ,]+(-?)", lambda match: match[1] or " ", value)


def _short(value, small=False):
    """Return a number with two decimals (six below one, if `small`) and no idle zeros."""
    digits = f"{value:.{6 if small and abs(value) < 1 else 2}f}".rstrip("0").rstrip(".")
    digits = re.sub(r"^(-?)0(?=\.)", r"\1", digits)
    return "0" if digits in ("", "-", "-0") else digits


def _path(value):
    """Return path data with relative coordinates in hundredths of a point.

    Each point is rounded before differences are taken, so rounding does not add up.
    """
    out, at, start = [], (0, 0), (0, 0)
    letter, run = "", []  # differences under one letter, which is then written once
    for command, numbers in _PATH_PART.findall(value):
        if command.lower() != letter:
            out.append(letter + _joined(run))
            letter, run = command.lower(), []
        if letter == "z":
            at = start
            continue
        flat = [round(float(number) * 100) for number in numbers.split()]
        if letter == "m":
            out.append("M" + _joined(flat))
            letter, at, start = "", (flat[0], flat[1]), (flat[0], flat[1])
            continue
        x, y = at
        for k in range(0, len(flat), 2):
            run += (flat[k] - x, flat[k + 1] - y)
        at = (flat[-2], flat[-1])
    return "".join([*out, letter, _joined(run)])


_outline = lru_cache(maxsize=4000)(_path)


def _joined(hundredths):
    """Return whole hundredths as decimals; a minus sign separates as well as a space does."""
    return " ".join(map(_decimal, hundredths)).replace(" -", "-")


@lru_cache(maxsize=20_000)
def _decimal(hundredths):
    whole, part = divmod(abs(hundredths), 100)
    digits = f"{whole or ''}.{part:02d}".rstrip("0") if part else str(whole)
    return "-" + digits if hundredths < 0 else digits


def merge_clips(lines):
    """Join neighboring groups of one clip: Matplotlib wraps each point of a cloud in its own."""
    merged, open_groups, just_closed = [], [], None
    for line in lines:
        if line == "</g>":
            just_closed = open_groups.pop()
        elif line.startswith("<g ") and not line.endswith("/>"):
            open_groups.append(line)
            # Only clips: to join two groups with opacity would change how they overlap.
            if merged[-1:] == ["</g>"] and line == just_closed and line.startswith("<g clip-path="):
                merged.pop()
                continue
        merged.append(line)
    return merged
