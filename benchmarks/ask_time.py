"""How long a sampler takes to propose one more candidate after many trials, in the space googlenet at 1.5e9 MACs.

    python benchmarks/ask_time.py --trials 1000

The trials are random networks of the band with made-up accuracies; nothing is trained. Also times the journal.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from nas.budget import Budget
from nas.journal import Journal
from nas.proposer import Proposer
from nas.record import Objective
from nas.samplers import NAMES, make_sampler
from search_spaces.googlenet import SPACE

BUDGET: Final = Budget(resolution=224, classes=1000, macs=1_500_000_000, at_least=0.9)
ASKS: Final = 5


def fill(journal: Journal, trials: int) -> float:
    """Enter random candidates and tell them; returns the mean seconds of entering and telling one."""
    proposer = Proposer(SPACE, BUDGET, make_sampler("random"), journal, seed=0)
    seconds = 0.0
    for _ in range(trials):
        asked = proposer.ask()
        assert asked is not None
        number, candidate = asked
        accuracy = 0.5 + candidate.cost.params / 1e8 + 0.05 * int(candidate.key[:4], 16) / 0xFFFF
        started = time.perf_counter()
        journal.report(number, 1, accuracy)
        journal.complete(number, accuracy, 1, 1.0)
        seconds += time.perf_counter() - started
    return seconds / trials


def main(arguments: Sequence[str] | None = None) -> None:
    """Print milliseconds for each sampler."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--only", nargs="*", help="names of samplers")
    options = parser.parse_args(arguments)
    cases: tuple[tuple[Objective, ...], ...] = (("accuracy",), ("accuracy", "macs"))
    for objectives in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "journal.log"
            journal = Journal.create(path, name="ask", objectives=objectives, attributes={})
            telling = fill(journal, options.trials)
            started = time.perf_counter()
            Journal.open(path)
            reopening = time.perf_counter() - started
            print(
                f"{' and '.join(objectives)}: tell {1000 * telling:.1f} ms, "
                f"reopen {options.trials} trials {reopening:.2f} s, {path.stat().st_size / 1e6:.1f} MB"
            )
            for name in options.only or NAMES:
                sampler = make_sampler(name)
                proposer = Proposer(SPACE, BUDGET, sampler, journal, seed=1)
                times: list[float] = []
                spent: list[float] = []
                for _ in range(ASKS):
                    started, used = time.perf_counter(), time.process_time()
                    asked = proposer.ask()
                    times.append(time.perf_counter() - started)
                    spent.append(time.process_time() - used)
                    assert asked is not None
                    journal.complete(asked[0], 0.5, 1, 1.0)
                wall, cpu = 1000 * statistics.median(times), 1000 * statistics.median(spent)
                print(f"  {name:<10} ask {wall:7.0f} ms, of them {cpu:5.0f} ms of this process", flush=True)


if __name__ == "__main__":
    main()
