"""What all tests share: small arrays print in full, no figure opens a window, the claims of the ledger are watched."""

import json
import os
import re
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import calls
import pytest

os.environ.setdefault("MPLBACKEND", "agg")

# What the tests call that the ledger names as `library_tests`; UPDATE_CALLS=1 writes it anew for those that run.
RECORD = Path(__file__).parent / "equations" / "calls.json"
MEASURED = defaultdict(list)


def listed(nodeid: str) -> str:
    """The name under which the ledger lists a test: with its case, or for all its cases."""
    test = re.sub(r"\[.*\]$", "", nodeid)
    return nodeid if nodeid in recorded() or calls.claimed(nodeid) else test


@lru_cache
def recorded() -> dict[str, list[str]]:
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A test that the ledger names for the library fails unless it calls, in every case, what the record says."""
    test = listed(item.nodeid)
    claimed = calls.claimed(test) if os.environ.get("UPDATE_CALLS") else recorded().get(test)
    if not claimed:
        return (yield)
    with calls.watched(claimed) as seen:
        result = yield
    MEASURED[test].append(set(seen))
    if not os.environ.get("UPDATE_CALLS"):
        missing = sorted(set(claimed) - seen)
        assert not missing, f"calls.json says that this test calls {', '.join(missing)}, and it does not"
    return result


def pytest_sessionfinish():
    if os.environ.get("UPDATE_CALLS"):
        kept = {test: names for test, names in recorded().items() if calls.claimed(test)}
        kept |= {test: sorted(set.intersection(*cases)) for test, cases in MEASURED.items()}
        RECORD.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
