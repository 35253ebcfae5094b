"""Letting an interrupt (Ctrl-C, the stop button) wait until a step is whole.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def held():
    """Hold back an interrupt within this block, and let it strike at the end of it.

    Parameters and memory change together or not at all, so that what is kept of an interrupted run
    is the run up to its last step. Only the main thread is ever interrupted.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    struck = []
    signal.signal(signal.SIGINT, lambda *seen: struck.append(seen))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if struck:
            signal.raise_signal(signal.SIGINT)
