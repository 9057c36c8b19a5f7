"""What ``nas compare`` writes: what it prints as data, and how searches went, drawn and as data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

import pandas as pd

from analysis.anytime import Measure
from analysis.compare import Compared, names_of, trained
from analysis.courses import courses
from analysis.plots.anytime import anytime as plot_anytime
from analysis.runs import check_comparable
from analysis.source import runs_in, source
from analysis.style import figure, legend_of_all, save
from analysis.write import write_csv

MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)


def write_compared(told: Sequence[Compared], folder: Path) -> Path:
    """Write what was compared as ``compare_table.csv``, a row a measure and effort; see :func:`table_of`."""
    folder.mkdir(parents=True, exist_ok=True)
    # As in `draw_compared`.
    return write_csv(table_of(told).round(8), folder / "compare_table.csv")


def table_of(told: Sequence[Compared]) -> pd.DataFrame:
    """What ``nas compare`` prints, as data: accuracies and shares in [0, 1], and differences of b over a alike."""
    rows = [
        {
            "search_a": compared.names[0],
            "search_b": compared.names[1],
            "measure": row.measure,
            "effort": row.effort,
            "unit": "trainings" if row.against == "trainings" else "device-seconds",
            "a": row.a.value,
            "a_low": row.a.low,
            "a_high": row.a.high,
            "a_n": row.a.n,
            "b": row.b.value,
            "b_low": row.b.low,
            "b_high": row.b.high,
            "b_n": row.b.n,
            "difference": row.difference.value,
            "low": row.difference.low,
            "high": row.difference.high,
            "p": row.difference.p,
            "n": row.difference.n,
            "pairs": row.pairs,
            "verdict": row.verdict,
        }
        for compared in told
        for row in compared.rows
    ]
    return pd.DataFrame(rows)


def draw_compared(searches: Sequence[Path], folder: Path, *, report: str = "accuracy") -> tuple[Path, Path, Path]:
    """Write the best so far and the hypervolume of searches against device-time: PNG and SVG, and both as CSV.

    Args:
        searches: run folders, or folders of run folders that differ in their seed.
        folder: where files go.
        report: column that is reported of the network that is best by ``accuracy``.

    Raises:
        RunError: as by :func:`analysis.compare.compare`.
    """
    check_comparable(source(run) for path in searches for run in runs_in(path))
    tables = {name: trained(path, report)[1] for name, path in zip(names_of(searches), searches, strict=True)}
    seen = {measure: courses(tables, measure=measure, against="seconds", report=report) for measure in MEASURES}
    folder.mkdir(parents=True, exist_ok=True)
    made, both = figure(9.0, 3.4, columns=2)
    for axes, measure in zip(both, MEASURES, strict=True):
        plot_anytime(seen[measure], axes, measure=measure, against="seconds")
    if report != "accuracy":
        both[0].set_ylabel(f"{report} of the best so far (%)")
    legend_of_all(made, both)
    png, svg = (save(made, folder / f"compare.{kind}") for kind in ("png", "svg"))
    steps = [
        pd.DataFrame(
            {
                "search": name,
                "run": str(table["run"].iloc[0]),
                "seconds": best.x,
                "best": best.y,
                "hypervolume": volume.y,
            }
        )
        for name, own in tables.items()
        for table, best, volume in zip(own, seen["best"][name], seen["hypervolume"][name], strict=True)
    ]
    # Further digits are those of a version of moocore.
    return png, svg, write_csv(pd.concat(steps).round(8), folder / "compare.csv")
