"""Run a student's function so that nothing it does escapes: exceptions, exits, endless loops."""

import contextlib
import linecache
import signal
import threading
import traceback
from typing import Any, NamedTuple

import numpy as np

SECONDS = 5.0


class Outcome(NamedTuple):
    """What came of a call: a value, or in words what went wrong."""

    value: Any = None
    trouble: str | None = None


class Trouble(Exception):
    """Says by itself what went wrong: a call in another process failed there."""


class _TimeUp(BaseException):
    """Not an Exception, so that ``except Exception`` in a student's loop does not catch it."""


@contextlib.contextmanager
def _time_limit(seconds):
    """Interrupt what runs too long; where there are no signals (in the browser, say) nothing is interrupted."""
    possible = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not possible:
        yield
        return

    def stop(*_):
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)  # again and again, lest a bare except swallow it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def call(answer, arguments, seconds=SECONDS):
    """Call a student's function.

    Parameters
    ----------
    answer : callable
    arguments : tuple
    seconds : float
        How long it may take.

    Returns
    -------
    Outcome
    """
    try:
        with _time_limit(seconds), np.errstate(all="ignore"):
            return Outcome(value=answer(*arguments))
    except KeyboardInterrupt:
        raise
    except Trouble as trouble:
        return Outcome(trouble=str(trouble))
    except _TimeUp:
        return Outcome(
            trouble=f"Your code was still running after {seconds:g} seconds. Is there a loop that does not end?"
        )
    except BaseException as error:  # whatever a student's code raises becomes the message
        return Outcome(trouble=f"Your code raised {_in_words(error)}{_where(error, answer)}.")


def _in_words(error):
    try:
        text = str(error).rstrip(".")
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _where(error, answer):
    """The last line of the student's own that was running, quoted."""
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if not frames:
        return ""
    last = frames[-1]
    line = (last.line or linecache.getline(last.filename, last.lineno)).strip()
    return f" (line {last.lineno}{f', `{line}`' if line else ''})"
