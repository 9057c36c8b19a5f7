"""Progress of full trainings: a line an epoch for logs, the running seeds on a terminal."""

from collections.abc import Mapping

from rich.text import Text

from nas.cli.progress import Progress
from nas.errors import counted
from nas.record import TrialRecord


class TrainingProgress(Progress):
    """As ``Progress``, with a line for every training that ends, and, in logs, for every epoch.

    Args:
        trainings: asked for in all.
        epochs: of each.
        labels: of the networks, by content key.
    """

    def __init__(self, trainings: int, epochs: int, labels: Mapping[str, str]) -> None:
        super().__init__(trainings, epochs)
        self._labels = labels

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        """A training is an epoch further."""
        super().epoch(number, metrics)
        if not self._console.is_terminal:
            candidate, _ = self._running[number]
            self._console.print(
                f"{self._labels[candidate.key]}, seed {candidate.seed}: epoch {int(metrics['epoch'])}/{self._epochs}  "
                f"loss {metrics.get('train_loss', float('nan')):.4f}  A {metrics['accuracy']:.2%}  "
                f"{metrics['seconds']:.0f} s",
                soft_wrap=True,
            )

    def _line(self, record: TrialRecord, better: bool) -> Text:
        candidate = record.candidate
        text = Text(f"{self._labels[candidate.key]}, seed {candidate.seed}: ")
        if record.state == "failed":
            return text.append(f"failed: {record.reason}", style="red")
        text.append(f"{record.accuracy or 0.0:.2%} on split A", style="bold green" if better else "")
        return text.append(f" after {counted(record.epochs, 'epoch')}, {record.seconds / 60:.1f} min")
