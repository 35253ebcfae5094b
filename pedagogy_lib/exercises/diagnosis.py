"""What is true of a wrong answer that nobody foresaw: never a guess, always a fact about the numbers."""

import numpy as np


def agree(expected, given, tolerance):
    """Whether two arrays have one shape and, up to the tolerance, one content; NaN agrees with NaN."""
    expected, given = np.asarray(expected, float), np.asarray(given, float)
    if expected.shape != given.shape:
        return False
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    with np.errstate(all="ignore"):
        return bool(np.allclose(given, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def difference(expected, given, tolerance, names=()):
    """Say how an answer differs from the correct one.

    Parameters
    ----------
    expected, given : tuple of ndarray
        Their parts; at least one pair differs.
    tolerance : float
    names : sequence of str
        What the parts are called.

    Returns
    -------
    str
    """
    titles = [f"the {name}" for name in names] or [f"part {number}" for number in range(1, len(expected) + 1)]
    right = [agree(e, g, tolerance) for e, g in zip(expected, given)]
    first = right.index(False)
    said = _of_part(np.asarray(expected[first], float), given[first], tolerance)
    if len(expected) == 1:
        return said[0].upper() + said[1:]
    title = titles[first][0].upper() + titles[first][1:]
    praise = " and ".join(title for title, good in zip(titles, right) if good)
    intro = f"{praise[0].upper()}{praise[1:]} {'is' if sum(right) == 1 else 'are'} right. " if praise else ""
    return f"{intro}{title}: {said}"


def _of_part(expected, given, tolerance):
    """One true sentence about one array."""
    if expected.shape != given.shape:
        turned = given.ndim == 2 and agree(expected, given.T, tolerance)
        extra = " It is the transpose of the right one." if turned else ""
        return f"the shape should be {_shape(expected)}; yours is {_shape(given)}.{extra}"
    strange = ~np.isfinite(given) & np.isfinite(expected)
    if strange.any():
        where = tuple(int(i) for i in np.argwhere(strange)[0])
        what = "NaN" if np.isnan(given[where]) else "infinite"
        place = f" at index {list(where)}" if where else ""
        count = f", and {int(strange.sum())} of {given.size} entries are" if strange.sum() > 1 else ""
        return f"a finite number is expected{place}, and yours is {what}{count}."
    for test in (_turned, _negated, _scaled, _shifted, _permuted, _same_sums, _few_digits):
        said = test(expected, given, tolerance)
        if said:
            return said
    return _largest(expected, given)


def _shape(array):
    return str(array.shape) if array.ndim else "that of one number"


def _turned(expected, given, tolerance):
    if given.ndim == 2 and given.shape[0] == given.shape[1] and agree(expected, given.T, tolerance):
        return "it is the transpose of the right one."


def _negated(expected, given, tolerance):
    if agree(expected, -given, tolerance):
        return "the sign is wrong, and only the sign."


def _scaled(expected, given, tolerance):
    large = np.isfinite(expected) & (expected != 0)
    if large.sum() < 2:
        return None
    ratio = float(np.median(given[large] / expected[large]))
    if np.isfinite(ratio) and ratio != 0 and agree(expected * ratio, given, tolerance):
        return f"every number is {ratio:.6g} times the right one."


def _shifted(expected, given, tolerance):
    finite = np.isfinite(expected)
    if finite.sum() < 2:
        return None
    shift = float(np.median((given - expected)[finite]))
    if agree(expected + shift, given, tolerance):
        return f"every number is off by the same amount, {shift:+.6g}."


def _permuted(expected, given, tolerance):
    if expected.size > 1 and agree(np.sort(expected, axis=None), np.sort(given, axis=None), tolerance):
        return "the numbers are right, and they stand in the wrong places."


def _same_sums(expected, given, tolerance):
    if expected.ndim != 2:
        return None
    for axis, what in ((1, "rows"), (0, "columns")):
        if expected.shape[axis] > 1 and agree(expected.sum(axis), given.sum(axis), tolerance):
            largest = _largest(expected, given)
            return f"the sums of the {what} are right, and the numbers in them are not: {largest}"


def _few_digits(expected, given, tolerance):
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    off = np.nanmax(np.abs(given - expected), initial=0.0)
    if 0 < off < 1e-3 * scale:
        return (
            f"it is right to about {int(-np.log10(off / scale))} digits, and {int(-np.log10(tolerance))} are expected."
        )


def _largest(expected, given):
    """The entry that is furthest off."""
    with np.errstate(all="ignore"):
        off = np.abs(given - expected)
    where = tuple(int(i) for i in np.unravel_index(np.nanargmax(np.where(np.isnan(off), np.inf, off)), off.shape))
    place = f"at index {list(where)} " if where else ""
    return f"{place}{expected[where]:.6g} is expected, and yours is {given[where]:.6g}."
