"""What the searcher and the scheduler of one ``fit`` of Tune share. No ray."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, TypeVar

from nas.run.engine import Engine
from nas.run.keys import FAILURE, FATAL, OF_TUNE, WARNING

T = TypeVar("T")

COUNT_SECONDS: Final = 10.0
"""Between looks at how many trials the machines hold, for others may join a cluster."""


class Link:
    """What the searcher and the scheduler of one ``fit`` share: the engine, and which trial is which."""

    def __init__(self, engine: Engine, slots: int, count: Callable[[], int]) -> None:
        self.engine = engine
        self.engine.places = self.slots = slots
        self._count = count
        self._most = sys.maxsize
        """Trials at a time, once memory has run out."""
        self._counted = time.monotonic()
        self.numbers: dict[str, int] = {}
        self.reasons: dict[str, str] = {}
        self.error: BaseException | None = None
        self._losses: Counter[int] = Counter()
        self.ended = False
        """Whether an interrupt has come through: all that is left is to stop."""
        self._busy = False
        self._interrupted = False

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt, now or after the call of the engine under way; once it has ended, nothing."""
        if self.ended:
            return
        if not self._busy:
            raise KeyboardInterrupt
        self._interrupted = True

    def full(self) -> bool:
        """Whether as many trials run as the machines hold; they are counted again now and then."""
        if time.monotonic() - self._counted >= COUNT_SECONDS:
            # Not 0: where the last machine was lost, Tune waits for another one with a trial in hand.
            self.engine.places = self.slots = max(1, min(self._count(), self._most))
            self._counted = time.monotonic()
        return len(self.numbers) >= self.slots

    def lose_all(self, reason: str, max_failures: int) -> None:
        """Owe every trial under way again, for memory ran out and Tune has given up; one fewer runs from now on.

        A trial that was alone is to blame: it fails once that has happened more than ``max_failures`` times.
        """
        lost = sorted(self.numbers.values(), reverse=True)
        self.numbers.clear()
        for number in lost:
            self._losses[number] += len(lost) == 1
            if 0 <= max_failures < self._losses[number]:
                self.call(self.engine.fail, number, f"its worker died {self._losses[number]} times: {reason}")
            else:
                self.engine.put_back(number)
        self.engine.places = self.slots = self._most = max(1, len(lost) - 1)
        self.engine.listener.said(f"{reason} Trials go on from their last epoch, at most {self._most} at a time.")

    def call(self, method: Callable[..., T], *arguments: object) -> T:
        """Call the engine; an error is kept, for Tune turns what is raised in its loop into text."""
        self._busy = True
        try:
            value = method(*arguments)
        except BaseException as error:
            self.error = error
            raise
        finally:
            self._busy = False
        if self._interrupted:
            raise KeyboardInterrupt
        return value

    def __getstate__(self) -> dict[str, object]:
        """Tune pickles searcher and scheduler for a restore that never happens: nothing of value goes along."""
        return {}

    def metrics(self, result: dict[str, Any]) -> dict[str, Any]:
        """Of a result of Tune's, what its worker told."""
        if WARNING in result:
            self.engine.listener.said(str(result[WARNING]))
        figures = {name: value for name, value in result.items() if name not in OF_TUNE}
        return {
            name: value
            for name, value in figures.items()
            if name in (FAILURE, FATAL) or (isinstance(value, int | float) and not name.startswith("config/"))
        }
