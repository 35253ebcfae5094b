"""What an answer is called: right, refused, or wrong in silence. The words are worked out here, from numbers alone.

A row asks one thing of many cases. A contender answers a case, or raises; the answer's error is measured against
exact digits, and compared with the tolerance that the row states. Where there is no answer, because none exists or
because it is not determined, whoever returns one is wrong.
"""

import textwrap
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

RIGHT, REFUSED, WRONG, WARNED = "right", "refused", "wrong in silence", "wrong, and warned"
#: Warnings that are about the program and not about the answer.
BESIDE_THE_POINT = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


class Question(NamedTuple):
    """What a row asks.

    problem, asked : str
    cases : list of tuple, the arguments of a contender
    error : callable of (case, answer), a float; None where there is no answer
    tolerance : float, of ours
    theirs : float, of the peers, who promise other things; ours where None
    """

    problem: str
    asked: str
    cases: list
    error: Callable | None = None
    tolerance: float = 0.0
    theirs: float | None = None


def weigh(question, contenders):
    """One row: the verdict on each contender, of which ours have names that begin so."""
    answers = [_verdict(question, name, run) for name, run in contenders.items()]
    return {
        "problem": question.problem, "asked": question.asked, "cases": len(question.cases),
        "answerable": question.error is not None, "tolerance": question.tolerance,
        "theirs": question.tolerance if question.theirs is None else question.theirs, "answers": answers,
    }


def judge(run, case, error, tolerance, ours=True):
    """One case: the word, the error (None where none was measured), and why it was refused."""
    with warnings.catch_warnings(record=True) as heard, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            answer = run(*case)
        except ImportError:
            raise
        except (ArithmeticError, ValueError) as raised:         # NumPy's LinAlgError is a ValueError
            return REFUSED, None, str(raised)
        except Exception as raised:
            if ours:                                            # we promise one of the two above
                raise
            return REFUSED, None, f"{type(raised).__name__}: {raised}"
    if error is None:
        found = np.inf
    else:
        with np.errstate(all="ignore"):
            found = float(error(case, answer))
    if found <= tolerance:                                      # NaN is not
        return RIGHT, found, ""
    told = [warning for warning in heard if not issubclass(warning.category, BESIDE_THE_POINT)]
    return (WARNED if told else WRONG), found, ""


def word(counts):
    """One word for many cases: the worst that happened; refused only where nothing was answered."""
    for worst in (WRONG, WARNED):
        if counts[worst]:
            return worst
    return RIGHT if counts[RIGHT] else REFUSED


def _verdict(question, name, run):
    ours = name.startswith("ours")
    tolerance = question.tolerance if ours or question.theirs is None else question.theirs
    try:
        found = [judge(run, case, question.error, tolerance, ours) for case in question.cases]
    except ImportError:
        return {"who": name, "skipped": "not installed"}
    counts = {w: sum(one == w for one, _, _ in found) for w in (RIGHT, REFUSED, WRONG, WARNED)}
    errors = [error for _, error, _ in found if error is not None]
    reasons = [reason for _, _, reason in found if reason]
    return {
        "who": name, "word": word(counts), "counts": counts,
        "error": _plain(max(errors, key=lambda e: np.inf if np.isnan(e) else e)) if errors else None,
        "reason": textwrap.shorten(reasons[0], 160, placeholder=" ...") if reasons else "",
    }


def _plain(error):
    """A float that JSON knows."""
    return float(f"{error:.1e}") if np.isfinite(error) else "not a number" if np.isnan(error) else "infinite"


def relative(expected, found):
    """The largest difference, relative to the largest number expected."""
    expected, found = np.asarray(expected, float), np.asarray(found, float)
    if expected.shape != found.shape:
        raise TypeError(f"expected an answer of shape {expected.shape}, got {found.shape}")
    return np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-300)
