"""Ctrl-C while a library works that takes it for an error of its own."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def interrupted_as_usual() -> Iterator[None]:
    """Let Ctrl-C end the block in KeyboardInterrupt, whatever the code in it makes of that.

    Exporters of torch try another way after any exception, and tell the last one's. Only the main thread is
    interrupted, and only where Ctrl-C has its usual meaning: elsewhere nothing changes.
    """
    usual = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return
    came = False

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except Exception:
        if came:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, usual)
    if came:
        raise KeyboardInterrupt
