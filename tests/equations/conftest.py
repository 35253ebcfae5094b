"""The numbers by which a slip was exposed: measured by the test that exposes it, printed by the errata page.

A test calls ``evidence("2.34", printed=132.4)``. The numbers stand in `book/evidence.json`, from which the page takes
them; where they differ from what is measured, the test fails. UPDATE_EVIDENCE=1 writes the file anew.
"""

import json
import os
import re

import numpy as np
import pytest
from companion import ledger

UPDATE = bool(os.environ.get("UPDATE_EVIDENCE"))


@pytest.fixture
def evidence(request):
    """Compare numbers with those that the errata page prints: ``evidence(label, name=number or vector, ...)``."""
    test = re.sub(r"\[.*\]$", "", request.node.nodeid)

    def hold(label, **numbers):
        item = ledger.load().item(label)
        assert item is not None and test in item.equation_tests, f"{label} does not name {test} among its tests"
        measured = {name: rounded(value) for name, value in numbers.items()}
        stored = ledger.evidence()
        if UPDATE:
            stored = {**stored, label: {**stored.get(label, {}), **measured}}
            text = json.dumps(stored, indent=1, sort_keys=True) + "\n"
            ledger.EVIDENCE.write_text(text, encoding="utf-8")
            ledger.evidence.cache_clear()
        for name, value in measured.items():
            assert name in stored.get(label, {}), f"book/evidence.json has no {name!r} under {label!r}: {value}"
            np.testing.assert_allclose(value, stored[label][name], rtol=1e-4, atol=1e-7, err_msg=f"{label}: {name}")

    return hold


def rounded(value):
    """To six digits, which is more than a page prints."""
    if np.ndim(value):
        return [rounded(v) for v in value]
    return float(f"{float(value):.6g}") + 0.0           # and no minus zero
