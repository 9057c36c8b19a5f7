"""What the searcher and the scheduler of one ``fit`` of Tune share. No ray."""

import time
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
        self._counted = time.monotonic()
        self.numbers: dict[str, int] = {}
        self.reasons: dict[str, str] = {}
        self.error: BaseException | None = None
        self._busy = False
        self._interrupted = False

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt: now, or after the call of the engine that is under way."""
        if not self._busy:
            raise KeyboardInterrupt
        self._interrupted = True

    def full(self) -> bool:
        """Whether as many trials run as the machines hold; they are counted again now and then."""
        if time.monotonic() - self._counted >= COUNT_SECONDS:
            # Not 0: where the last machine was lost, Tune waits for another one with a trial in hand.
            self.engine.places = self.slots = max(1, self._count())
            self._counted = time.monotonic()
        return len(self.numbers) >= self.slots

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
