"""Time ``analysis.load`` on synthetic trials, from the Parquet table beside the journal.

python benchmarks/analysis_load.py --trials 100000 --choices 30
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.runs import cache_of, journal_stamp, load, write_parquet
from analysis.source import source


def synthetic(trials: int, choices: int, seed: int = 0) -> pd.DataFrame:
    """A table as a search of so many trials and choices would leave it."""
    rng = np.random.default_rng(seed)
    accuracy = rng.uniform(0.5, 0.95, trials)
    state = rng.choice(["complete", "stopped", "failed"], trials, p=[0.5, 0.45, 0.05])
    accuracy[state == "failed"] = np.nan
    table = pd.DataFrame(
        {
            "run": "synthetic",
            "trial": np.arange(trials),
            "key": [f"{value:016x}" for value in rng.integers(0, 2**62, trials)],
            "state": state,
            "reference": np.arange(trials) == 0,
            "within_budget": True,
            "macs": rng.integers(10**6, 3 * 10**7, trials),
            "params": rng.integers(10**4, 10**7, trials),
            "activations": rng.integers(10**4, 10**6, trials),
            "accuracy": accuracy,
            "error": 1 - accuracy,
            "epochs": rng.integers(1, 10, trials),
            "seconds": rng.uniform(1, 100, trials),
            "seed": np.arange(trials),
            "reason": np.where(state == "failed", "the loss is nan", None),
        }
    )
    rungs = {f"accuracy_at_{epoch}": rng.uniform(0.3, 0.95, trials) for epoch in (1, 3, 9)}
    points = {f"choice.width{index}": pd.array(rng.integers(1, 40, trials) * 8, "Int64") for index in range(choices)}
    return pd.concat([table, pd.DataFrame(rungs), pd.DataFrame(points)], axis=1)


def main() -> None:
    """Print the seconds of five loads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--choices", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "synthetic"
        folder.mkdir()
        (folder / "journal.log").write_text("{}\n")  # never read: the cache is fresh
        found = source(folder)
        write_parquet(synthetic(options.trials, options.choices), cache_of(found), journal_stamp(found.journal))
        size = cache_of(found).stat().st_size
        for _ in range(5):
            began = time.perf_counter()
            table = load(folder)
            seconds = time.perf_counter() - began
            print(f"{len(table):,} trials, {len(table.columns)} columns, {size / 1e6:.1f} MB: {seconds:.2f} s")


if __name__ == "__main__":
    main()
