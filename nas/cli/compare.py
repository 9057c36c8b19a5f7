"""``nas compare``: which search was better, and how they went."""

from pathlib import Path

import typer

from nas.cli.analyze import relative
from nas.errors import RunError


def compare(
    searches: list[Path] = typer.Argument(
        help="Run folders, or folders of run folders that differ in their seed: the one to beat, and others."
    ),
    random: Path | None = typer.Option(
        None, help="A random search of the same budget, data and training, to say how much better all are."
    ),
    column: str = typer.Option("accuracy", help="What is reported of the network that is best on split A."),
    into: Path = typer.Option(
        Path("reports/compare"), help="Where compare.png, compare.svg, compare.csv and compare_table.csv go."
    ),
) -> None:
    """Tell which search was better, at equal trainings and at equal device time, with intervals; draw how they went."""
    from rich.table import Table

    from analysis.compare import HEAD, cells, names_of
    from analysis.compare import compare as measure
    from analysis.write_compared import draw_compared, write_compared
    from nas.cli.console import make_console

    first, *others = searches
    if not others:
        raise RunError(f"two or more searches must be given to be compared, but got {first} alone.")
    name, *names = names_of(searches)
    told = [
        measure(first, other, random=random, report=column, names=(name, its))
        for other, its in zip(others, names, strict=True)
    ]
    paths = [*draw_compared(searches, into, report=column), write_compared(told, into)]
    console = make_console()
    for compared in told:
        table = Table(*HEAD, title=f"{compared.names[0]} (a) against {compared.names[1]} (b)")
        for row in compared.rows:
            table.add_row(*cells(row, compared.names, column))
        console.print(table)
        if compared.left_out:
            console.print(f"left out, for no candidate of theirs is trained to the end: {', '.join(compared.left_out)}")
        if compared.unpaired:
            console.print(f"left out, for the other search has no partner of theirs: {', '.join(compared.unpaired)}")
        if compared.unlike:
            unlike = "; ".join(compared.unlike)
            console.print(f"not alike, so that more than the search may make the difference: {unlike}")
        for target in compared.targets:
            unit, scale = ("trainings", 1.0) if target.against == "trainings" else ("device-hours", 3600.0)
            medians = " and ".join(f"{each / scale:.3g}" for each in (target.a, target.b))
            console.print(f"median {unit} to {target.accuracy:.2%}: {medians} (a and b; ratio {target.ratio:.2f})")
        if compared.over_random is not None:
            shown = " and ".join(each.text() for each in compared.over_random)
            console.print(f"points above the mean network of the random search: {shown} (a and b)")
    for path in paths:
        console.print(f"wrote {relative(path)}", soft_wrap=True)
