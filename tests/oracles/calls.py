"""Which objects of the library does a test really call? Seen from outside, by Python's own profiler.

A function is called when its code starts; a class is used when one of its own methods starts (for a
named tuple, when one is made). Codes are told apart by identity, since those of two named tuples with the same
fields are equal.
"""

import inspect
import sys
from contextlib import contextmanager
from functools import lru_cache

from companion import ledger


@lru_cache
def codes(name: str) -> tuple:
    """The code objects whose start shows that the library's object of this name is in use."""
    found = ledger.resolve(name)
    if inspect.isclass(found):
        own = ["__new__"] if issubclass(found, tuple) else list(vars(found))
        members = [inspect.unwrap(_function(vars(found)[key])) for key in own]
    else:
        members = [inspect.unwrap(found)]
    kept = tuple(member.__code__ for member in members if hasattr(member, "__code__"))
    if not kept:
        raise TypeError(f"{name}: {found!r} has no Python code whose start could be seen")
    return kept


def _function(member):
    """The function behind a property, a static method or a class method."""
    return getattr(member, "fget", None) or getattr(member, "__func__", None) or member


@contextmanager
def watched(names):
    """A set that fills, while the block runs, with those of these objects that are called."""
    wanted = {id(code): name for name in names for code in codes(name)}
    seen, before = set(), sys.getprofile()

    def note(frame, event, _):
        if event == "call" and id(frame.f_code) in wanted:
            seen.add(wanted[id(frame.f_code)])

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


@lru_cache
def claims() -> dict[str, list[str]]:
    """For each test that the ledger names for the library, the objects that it may be there for."""
    found: dict[str, set] = {}
    for entry in ledger.load().entries():
        for test in entry.library_tests:
            found.setdefault(test, set()).update(entry.implements)
    return {test: sorted(names) for test, names in found.items()}


def claimed(test: str) -> list[str]:
    return claims().get(test, [])
