"""Attacks on a function: its arguments are replaced one at a time, and what comes of it is judged.

An example of a function is a dictionary of arguments. Each array in it, also inside of named tuples, and each number,
count, option, callable, generator and container is replaced by what the function cannot use, by the same thing in
another form, or by the same thing in other units. The outcomes that are allowed:

=========  ===============================================================================================
wrong      an error (ValueError or TypeError) that names the argument, says what was expected and what came; for a
           record, a model or a function also Python's own, such as "'NoneType' object is not callable"
misshapen  such an error; or an answer in which nothing was broadcast, and nothing left unread
same       the same answer, or such an error
units      an answer without NaN where there was none; or an error that names an argument, or is linear algebra's own
=========  ===============================================================================================
"""

import inspect
import re
import warnings
from fnmatch import fnmatchcase
from itertools import islice
from numbers import Number

import numpy as np
from attacks.rooms import MADE

try:
    import pandas as pd
except ImportError:                                                   # then nobody has a table to give
    pd = None

AGREEMENT, SINGLE, EVENTS = 1e-12, 1e-5, 3


class Lazy:
    """An argument that is made anew for each call: a generator, a stream."""

    def __init__(self, make):
        self.make = make


SEED = Lazy(lambda: np.random.default_rng(1))


# --- where arrays lie in an example -----------------------------------------------------------------------


def leaves(value, place=()):
    """Where real arrays lie in a value: in named tuples, and in tuples of them."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.size:
        yield place, value
    elif isinstance(value, tuple) and not isinstance(value, MADE):
        for i, part in enumerate(value):
            yield from leaves(part, (*place, i))


def replaced(value, place, new):
    """The value with another array in that place."""
    if not place:
        return new
    parts = list(value)
    parts[place[0]] = replaced(parts[place[0]], place[1:], new)
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def spelled(value, place):
    """The words by which an error may name the place: the argument's fields on the way."""
    for i in place:
        if hasattr(value, "_fields"):
            yield value._fields[i]
        value = value[i]


# --- what they are replaced by ----------------------------------------------------------------------------


def spoilt(array):
    """What an array must not be, each with a word for it."""
    middle = np.zeros(array.shape, bool)
    middle.flat[array.size // 2] = True
    yield "infinite", np.where(middle, np.inf, array)
    yield "no number", np.where(middle, np.nan, array)
    yield "complex", array + 0.5j
    yield "text", array.astype(str)
    yield "objects", array.astype(object)
    yield "true or false", array > 0
    yield "masked", np.ma.masked_array(array, middle)


def alike(array):
    """The same numbers in other forms, each with a word for it and the array that it equals."""
    if array.dtype.kind == "f":
        single = array.astype(np.float32)
        yield "single precision", single, single.astype(float), SINGLE
    yield "list", array.tolist(), array, AGREEMENT
    locked = array.copy()
    locked.flags.writeable = False
    yield "read-only", locked, array, AGREEMENT
    spread = np.zeros((*array.shape, 2), array.dtype)[..., 0]
    if array.ndim:
        spread[...] = array
        yield "strided", spread, array, AGREEMENT
    if array.ndim > 1:
        yield "Fortran order", np.asfortranarray(array), array, AGREEMENT
    if pd is not None and array.ndim in (1, 2):
        yield "pandas", (pd.Series if array.ndim == 1 else pd.DataFrame)(array), array, AGREEMENT


def bad_values(value, optional):
    """What a number, a count, an option, a callable, a generator or a container must not be."""
    if not optional:
        yield "None", None
    if isinstance(value, Lazy):
        if isinstance(value.make(), np.random.Generator):
            yield from (("seed", 0), ("class", np.random.Generator), ("old generator", np.random.RandomState(0)))
    elif isinstance(value, (bool, np.bool_)):
        return
    elif isinstance(value, (int, np.integer)):
        yield from (("negative", -1), ("fraction", 2.5), ("true", True), ("text", "3"), ("no number", np.nan), ("array", np.ones((2, 3, 1, 2))))
    elif isinstance(value, Number):
        yield from (("no number", np.nan), ("infinite", np.inf), ("true", True), ("text", "one"), ("complex", 1j), ("array", np.ones((2, 3, 1, 2))))
    elif isinstance(value, str):
        yield from (("unknown", "nonsense"), ("number", 3))
    elif isinstance(value, np.ndarray):
        yield from (("text", "numbers"), ("thing", object()))
    elif isinstance(value, (tuple, list, dict, set, frozenset)):
        yield from (("number", 3), ("thing", object()))
    else:                                                             # a function, a class, a model
        yield from (("number", 3), ("text", "f"))


# --- what comes of it -------------------------------------------------------------------------------------


def numbers(answer):
    """All numbers of an answer in a row, whatever they are packed in."""
    if isinstance(answer, dict):
        answer = [answer[key] for key in sorted(answer, key=str)]
    if isinstance(answer, (set, frozenset)):
        answer = sorted(answer, key=str)
    if isinstance(answer, (tuple, list)):
        return np.concatenate([numbers(part) for part in answer] or [np.zeros(0)])
    if isinstance(answer, int) and not isinstance(answer, bool):
        return np.array([answer % 2**50], float)                      # a stack of bits has thousands of them
    if isinstance(answer, (str, bytes)):
        return np.frombuffer(answer.encode() if isinstance(answer, str) else answer, np.uint8).astype(float)
    if isinstance(answer, (np.ndarray, Number, np.generic)) or hasattr(answer, "__array__"):
        found = np.ravel(np.asarray(answer))
        return np.concatenate([found.real, found.imag]) if found.dtype.kind == "c" else found.astype(float) if found.dtype.kind in "biuf" else np.zeros(0)
    return np.zeros(0)


def agree(one, other, tolerance):
    """Whether two answers are the same numbers, relative to the largest."""
    if one.shape != other.shape:
        return False
    scale = max(np.abs(other[np.isfinite(other)]).max(initial=0.0), 1e-300)
    with np.errstate(all="ignore"):
        return bool((np.isclose(one, other, rtol=tolerance, atol=tolerance * scale, equal_nan=True)).all())


class Target:
    """A function with an example of its arguments.

    unread : names of places, such as ``"window.noise"``, that the function does not read: not attacked
    allowed : pairs of a place and an attack that are right after all
    nameless : whether a misshapen array, or one in another form or unit, may be refused in any words
    """

    def __init__(self, function, example, unread=(), allowed=(), nameless=False):
        self.nameless = nameless
        self.function, self.example, self.unread, self.allowed = function, dict(example), set(unread), set(allowed)
        parameters = inspect.signature(function).parameters
        self.positional = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_ONLY]
        defaults = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
        self.optional = {name for name, value in defaults.items() if value is None}
        self.values = {**{k: v for k, v in defaults.items() if v is not None and not isinstance(v, bool)}, **self.example}
        words = {word for key, value in self.values.items() for place, _ in leaves(value) for word in spelled(value, place)}
        self.words = words | set(self.values) | set(self.optional)

    def answer(self, changed=()):
        given = {key: value.make() if isinstance(value, Lazy) else value for key, value in {**self.example, **dict(changed)}.items()}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = self.function(*(given.pop(name) for name in self.positional), **given)
            self.stream = inspect.isgenerator(found)
            return numbers(list(islice(found, EVENTS)) if self.stream else found)

    def right(self, where, what):
        """Whether an attack is none, by the table of those that are right after all."""
        return any(fnmatchcase(where, place) and fnmatchcase(what, attack) for place, attack in self.allowed)

    def outcome(self, changed):
        """The numbers of the answer, or the error."""
        try:
            return self.answer(changed)
        except Exception as error:
            return error

    def named(self, error, words):
        """Whether an error is of the house: it names one of these words."""
        if self.nameless and words is self.words:
            return True
        known = isinstance(error, (ValueError, TypeError)) or type(error).__module__.startswith("pedagogy_lib")
        spelling = "|".join(map(re.escape, words)) or "(?!)"
        return known and re.search(rf"(?<![\w])({spelling})(?![\w])", str(error)) is not None


def complaint(where, what, outcome):
    said = f"{type(outcome).__name__}: {str(outcome)[:110]}" if isinstance(outcome, Exception) else "accepted"
    return f"{where} {what}: {said}"


def attacked(target, trusting=False):
    """One sentence for each attack that had an outcome which is not allowed.

    ``trusting`` : a building block, which may raise anything, but must not answer what is misshapen.
    """
    plain = target.answer()
    for key, value in target.values.items():
        if key not in {*target.unread, "self"} and not trusting:
            yield from wrong_values(target, key, value)
        if isinstance(value, Lazy):
            continue
        for place, array in leaves(value):
            where = ".".join([key, *spelled(value, place)])
            if where in target.unread or key in target.unread:
                continue
            put = lambda new: {key: replaced(value, place, new)}      # noqa: B023 (used at once)
            if not trusting:
                yield from wrong_arrays(target, where, array, put)
                yield from other_forms(target, where, array, put, plain)
                yield from other_units(target, where, array, put, plain)
            yield from misshapen(target, where, array, put, plain, trusting)


def wrong_values(target, key, value):
    for what, wrong in bad_values(value, key in target.optional):
        if target.right(key, what):
            continue
        outcome = target.outcome({key: wrong})
        thing = not isinstance(value, (bool, int, float, str, np.ndarray, Lazy))
        if thing and isinstance(outcome, (TypeError, AttributeError, ValueError)):
            continue                                                  # a record, a model, a function: Python's own words do
        if not (isinstance(outcome, Exception) and target.named(outcome, [key])):
            yield complaint(key, what, outcome)


def wrong_arrays(target, where, array, put):
    for what, wrong in spoilt(array):
        if target.right(where, what):
            continue
        outcome = target.outcome(put(wrong))
        if not (isinstance(outcome, Exception) and target.named(outcome, where.split("."))):
            yield complaint(where, what, outcome)


def other_forms(target, where, array, put, plain):
    for what, new, equal, tolerance in alike(array):
        if target.right(where, what):
            continue
        outcome = target.outcome(put(new))
        if isinstance(outcome, Exception):
            if not target.named(outcome, target.words):
                yield complaint(where, what, outcome)
            continue
        expected = plain if equal is array else target.outcome(put(equal))
        if isinstance(expected, Exception) or not agree(outcome, expected, tolerance):
            yield f"{where} {what}: another answer"


def other_units(target, where, array, put, plain):
    for what, factor in (("times 1e-300", 1e-300), ("times 1e300", 1e300)):
        if array.dtype.kind != "f" or target.right(where, what):
            continue
        with np.errstate(all="ignore"):
            scaled = np.clip(array * factor, -1.7e308, 1.7e308)
        outcome = target.outcome(put(scaled))
        if isinstance(outcome, Exception):
            refused = isinstance(outcome, np.linalg.LinAlgError) or "infs or NaNs" in str(outcome)
            if not refused and not target.named(outcome, target.words):
                yield complaint(where, what, outcome)
        elif np.isnan(outcome).sum() > np.isnan(plain).sum():
            yield f"{where} {what}: NaN"


def misshapen(target, where, array, put, plain, trusting):
    """Axes too many, too few, too long, of length one, swapped; nothing at all."""

    def judged(what, new, right):
        """Complain, unless the array is refused, or what comes is right."""
        if target.right(where, what):
            return
        outcome = target.outcome(put(new))
        if isinstance(outcome, Exception):
            if not trusting and not target.named(outcome, target.words):
                yield complaint(where, what, outcome)
        elif not right(outcome):
            yield complaint(where, what, outcome)

    free, stream = [], target.stream                                  # a stream may not have got there yet
    for axis in range(array.ndim):
        longer = np.concatenate([array, array.take([0], axis)], axis)
        found = target.outcome(put(longer))
        free.append(not isinstance(found, Exception))
        fixed = not free[-1] and re.search("shape|axes|broadcast|mismatch", str(found))
        yield from judged(f"longer in axis {axis}", longer, lambda found: not (found.shape == plain.shape and (found == plain).all() and not stream))
        if array.shape[axis] > 1 and fixed:                           # of a fixed length: one must not stand for all
            yield from judged(f"one long in axis {axis}", array.take([0], axis), lambda found: False)
    if array.ndim == 2 and array.shape[0] != array.shape[1]:
        yield from judged("transposed", array.T, lambda found: all(free))
    yield from judged("one axis more", array[None], lambda found: agree(found, plain, AGREEMENT))
    if array.ndim:
        alone = target.outcome(put(array[:1]))
        yield from judged("one axis fewer", array[0], lambda found: not isinstance(alone, Exception) and agree(found, alone, AGREEMENT))
        yield from judged("empty", array[:0], lambda found: np.isnan(found).sum() <= np.isnan(plain).sum())
