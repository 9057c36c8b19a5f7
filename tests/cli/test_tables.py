"""The front on terminals of several widths: what is left out, and what never is."""

from dataclasses import replace

import pytest
from rich.console import Console

from analysis.time_spent import TimeSpent
from analysis.time_spent import time_table as times
from analysis.write import FrontRow
from nas.cli.tables import front_table, time_table

ROW = FrontRow(
    run="one",
    trial=7,
    key="0123456789abcdef",
    reference=False,
    on_front=True,
    macs=28_152_888,
    params=5_984_386,
    cost=0.0123,
    accuracy=0.9495,
    seeds=1,
    gain=1.62,
    macs_ratio=0.92,
)
STAR = replace(ROW, trial=0, reference=True, on_front=False, accuracy=0.9333, gain=None, macs_ratio=1.0)


def printed(*rows: FrontRow, cost: str = "macs", width: int = 120, runs: int = 1) -> str:
    console = Console(width=width, highlight=False, markup=False)
    with console.capture() as seen:
        console.print(front_table(rows, cost, width=width, runs=runs))
    return seen.get()


@pytest.mark.parametrize("width", [80, 120])
def test_figures_stay_whole(width: int) -> None:
    text = printed(ROW, STAR, width=width)
    for figure in (" 7 ", "94.95%", "+1.62", "28,152,888", "92%", "5,984,386", "100%"):
        assert figure in text
    assert (ROW.key in text) is (width == 120) and max(map(len, text.splitlines())) <= width


def test_columns_in_which_nothing_stands_are_left_out() -> None:
    text = printed(replace(ROW, gain=None, macs_ratio=None))
    assert "gain," not in text and "of GoogLeNet" not in text and "run" not in text.partition("\n")[2]
    assert "params" not in printed(replace(ROW, params=0)), "what somebody else's study does not tell"
    several = printed(ROW, replace(ROW, run="another_long_name_of_a_run", seeds=3), width=80, runs=2)
    assert "anothe" in several and "seeds" in several, "a long name is folded, not cut"


def test_of_several_runs_the_front_tells_which_one_a_trial_is_of() -> None:
    assert " one " in printed(ROW, STAR, runs=2), "though all are of one"
    assert " one " not in printed(ROW, STAR, runs=1)


def test_what_a_run_does_not_tell_of_its_time_is_left_empty() -> None:
    parts = {"training": 3600.0, "validation": float("nan"), "idle": 1200.0}
    console = Console(width=100)
    with console.capture() as seen:
        console.print(time_table(times({"one": TimeSpent(seconds=parts)})))
    row = seen.get().splitlines()[-2]
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["one", "1.33", "75.0%", "", "25.0%"]


@pytest.mark.parametrize(
    ("cost", "shown"),
    [("params", "5,984,386"), ("measured.latency_seconds", "12.3 ms"), ("activations", "activations")],
)
def test_the_cost_that_a_front_is_by_is_shown(cost: str, shown: str) -> None:
    text = printed(ROW, cost=cost)
    assert shown in text and "28,152,888" in text and "5,984,386" in text
