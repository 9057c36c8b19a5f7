"""What was read from the held-out splits: each figure once, whatever is run again.

``metrics.json`` of a model folder is the ledger. A reading is entered before anybody sees it; who asks
again gets what was entered. So a network cannot be tried on the test split until it looks well.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nas.data.config import SplitName
from nas.errors import RunError
from nas.files import write_atomically

LEDGER: Final = "metrics.json"
"""Name of the file in a model folder."""
Figures = dict[str, Any]
"""``accuracy``, ``loss`` and ``images`` of a split, and ``top5`` where there are many classes."""


@dataclass(slots=True)
class Ledger:
    """The readings in a file.

    Attributes:
        path: of the file.
        content: of the file: ``readings``, and whatever is told beside them.
    """

    path: Path
    content: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> "Ledger":
        """The ledger at ``path``, empty where there is none.

        Raises:
            RunError: a file that holds no readings.
        """
        if not path.exists():
            return cls(path, {"readings": []})
        try:
            content = json.loads(path.read_text())
            if not isinstance(content.get("readings"), list):
                raise ValueError("it has no list of readings")
        except (OSError, ValueError, AttributeError) as error:
            raise RunError(f"{path} must hold the readings of a model folder, but it does not: {error}.") from error
        return cls(path, content)

    def read(
        self, key: str, seed: int, weights: str, split: SplitName, evaluate: Callable[[SplitName], Figures]
    ) -> Figures:
        """The figures of one training on a split: those entered, or else new ones, which are entered first.

        Args:
            key: of the architecture.
            seed: of the training.
            weights: digest of its weights.
            split: which.
            evaluate: reads the split; called at most once, ever.

        Raises:
            RunError: other weights of this network and seed were read before.
        """
        self.check(key, seed, weights)
        entry = self.entry(key, seed)
        if entry is None:
            entry = {"key": key, "seed": seed, "weights": weights}
            self.content["readings"].append(entry)
        if split not in entry:
            entry[split] = evaluate(split)
            self.save()
        figures: Figures = entry[split]
        return figures

    def check(self, key: str, seed: int, weights: str) -> None:
        """Hold the weights of a training to those that figures are of; other ones are a RunError."""
        entry = self.entry(key, seed)
        if entry is not None and entry["weights"] != weights:
            raise RunError(
                f"the weights of {key} with seed {seed} must be those that {self.path} has readings of, "
                "but they have changed; the held-out splits are read once."
            )

    def check_seeds(self, seeds: Collection[int]) -> None:
        """Hold a training to the seeds whose test figures are known: one must not be dropped for what it came to.

        Raises:
            RunError: one of them is not among ``seeds``.
        """
        judged = sorted({entry["seed"] for entry in self.content["readings"] if "test" in entry})
        if not set(judged) <= set(seeds):
            raise RunError(
                f"the seeds must include those that {self.path} has test figures of, {', '.join(map(str, judged))}, "
                f"but got {', '.join(map(str, seeds))}; more seeds may be added, none dropped."
            )

    def entry(self, key: str, seed: int) -> dict[str, Any] | None:
        """All that was read of one training."""
        found = (each for each in self.content["readings"] if (each["key"], each["seed"]) == (key, seed))
        return next(found, None)

    def save(self) -> None:
        """Write the file."""
        write_atomically(self.path, json.dumps(self.content, indent=1))
