"""Learning curves as TensorBoard's event files, so that a run can be looked at there, too."""

from pathlib import Path
from typing import Final

from analysis.epochs import COLUMNS, curves
from analysis.source import source
from nas.errors import RunError

_FIGURES: Final = tuple(name for name in COLUMNS if name not in ("run", "trial", "epoch"))


def write_events(run: Path | str, folder: Path | str, name: str | None = None) -> tuple[Path, ...]:
    """Write the curves of a run, one folder a trial, one scalar a column of :mod:`analysis.epochs`, one step an epoch.

    Events of an earlier call are replaced. The clock is that of the training: it starts with the run's first session,
    and each epoch ends after its seconds.

    Args:
        run: a run folder, also of a search that is under way.
        folder: of TensorBoard's log; the trials stand in ``folder/RUN/trial-0007``.
        name: of the run there, by default its own.

    Returns:
        The folders, one a trial.

    Raises:
        RunError: not a run, or tensorboard is not installed.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise RunError("event files need tensorboard, which is missing: pip install tensorboard.") from error

    found = source(run)
    started = next((session.get("started") for session in found.sessions), None)
    written: list[Path] = []
    for trial, rows in curves(run).groupby("trial"):
        target = Path(folder) / (name or found.name) / f"trial-{trial:04d}"
        for old in target.glob("events.out.tfevents.*"):
            old.unlink()
        writer = EventFileWriter(str(target))
        clock = float(started) if isinstance(started, int | float) else 0.0
        for row in rows.to_dict("records"):
            clock += row["seconds"] if row["seconds"] == row["seconds"] else 0.0
            values = [Summary.Value(tag=name, simple_value=row[name]) for name in _FIGURES if row[name] == row[name]]
            writer.add_event(Event(wall_time=clock, step=int(row["epoch"]), summary=Summary(value=values)))
        writer.close()
        written.append(target)
    return tuple(written)
