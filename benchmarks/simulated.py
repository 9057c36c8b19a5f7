"""Searches on a simulated clock: several trainings at a time, early stopping as the engine has it."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from nas.journal import Journal
from nas.proposer import Proposer
from nas.record import Candidate
from nas.run.recipe import EarlyStoppingConfig
from nas.run.rungs import Rungs, Standing

Course = Callable[[Candidate], tuple[Mapping[int, float], float]]
"""Accuracies of a candidate by epoch, the last of them at its end, and the time of one epoch."""
WHOLE: Final = EarlyStoppingConfig()


def simulated(
    proposer: Proposer,
    journal: Journal,
    course: Course,
    *,
    epochs: int = 1,
    workers: int,
    stopping: EarlyStoppingConfig = WHOLE,
    costs: Callable[[Candidate], tuple[float, ...]] = lambda candidate: (),
) -> Iterator[tuple[float, float, Candidate | None]]:
    """Clock, trainings spent so far, and who has come to its end, if any: after each epoch of any trial."""
    rungs = Rungs(stopping, epochs)
    queue: list[tuple[float, int, int]] = []
    live: dict[int, tuple[Candidate, Mapping[int, float], float]] = {}
    clock = spent = 0.0
    exhausted = False
    while True:
        while len(live) < workers and not exhausted:
            if (asked := proposer.ask()) is None:
                exhausted = True
                break
            number, candidate = asked
            live[number] = candidate, *course(candidate)
            heapq.heappush(queue, (clock + live[number][2], number, 1))
        if not queue:
            return
        clock, number, epoch = heapq.heappop(queue)
        candidate, accuracies, seconds = live[number]
        spent += 1 / epochs
        accuracy = accuracies.get(epoch)
        if epoch == max(accuracies):
            journal.complete(number, accuracies[epoch], epoch, 0.0)
            del live[number]
            yield clock, spent, candidate
            continue
        if accuracy is not None:
            journal.report(number, epoch, accuracy)
            standing = Standing(accuracy=accuracy, costs=costs(candidate))
            rungs.record(epoch, standing)
            if not rungs.verdict(number, epoch, standing):
                journal.stop(number, accuracy, epoch, 0.0, told_as=stopping.told_as)
                del live[number]
        if number in live:
            heapq.heappush(queue, (clock + seconds, number, epoch + 1))
        yield clock, spent, None
