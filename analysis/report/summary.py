"""The first lines of the page: the winner, its gain over GoogLeNet, and what the search cost."""

from dataclasses import dataclass

import pandas as pd

from analysis.runs import limit_of
from analysis.statistics import Difference, Estimate, mean_share, paired
from analysis.style import short
from analysis.table import networks, trainings
from analysis.table import winner as best_candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a manager reads.

    Attributes:
        trials: all that entered the journal.
        states: how many of them, by state.
        device_hours: of training and validation, all trials.
        winner: accuracy of the best candidate over its seeds, or None where none was trained to the end.
        winner_trial: its first trial.
        winner_run: and its run, where there are several.
        winner_macs: its multiply-adds.
        winner_params: its parameters.
        reference: accuracy of GoogLeNet over its seeds, or None.
        reference_macs: its multiply-adds, or None.
        gain: of the winner over GoogLeNet, seed by seed where both have several, or None.
        budget_share: of its budget that the winner uses, by the limit that it comes closest to; None without one.
        other_split: the winner's accuracy on split B, where it was read.
    """

    trials: int
    states: dict[str, int]
    device_hours: float
    winner: Estimate | None
    winner_trial: int | None
    winner_run: str | None
    winner_macs: int | None
    winner_params: int | None
    reference: Estimate | None
    reference_macs: int | None
    gain: Difference | None
    budget_share: float | None
    other_split: Estimate | None


def summarise(table: pd.DataFrame) -> Summary:
    """Sum up the trials of one run or several."""
    own = best_candidate(table)
    # Runs of other recipes may stand in the table: the winner is held against what was trained alike.
    same = table["epochs"].isin(own["epochs"]) & trainings(table, table).isin(trainings(own, table))
    alike = table[same] if len(own) else table
    star = networks(alike)
    star = star[star["reference"]].head(1)
    key = str(own["key"].iloc[0]) if len(own) else None
    limits = {cost: limit_of(table, cost) for cost in table.columns}
    shares = [float(own[cost].iloc[0]) / limit for cost, limit in limits.items() if limit and len(own)]
    winner = _seeds(alike, key)
    reference = _seeds(alike, str(star["key"].iloc[0]) if len(star) else None)
    split_b = winner["metric.accuracy_b"].dropna() if "metric.accuracy_b" in winner.columns else winner["accuracy"][:0]
    split_b = split_b[split_b.between(0, 1)]  # An evaluation of one's own may give that name to what is no share.
    return Summary(
        trials=len(table),
        states={str(state): int(count) for state, count in table["state"].value_counts().items()},
        device_hours=float(table["seconds"].sum()) / 3600,
        winner=mean_share(winner["accuracy"]) if len(winner) else None,
        winner_trial=int(own["trial"].iloc[0]) if len(own) else None,
        winner_run=str(own["run"].iloc[0]) if len(own) and table["run"].nunique() > 1 else None,
        winner_macs=int(own["macs"].iloc[0]) if len(own) else None,
        winner_params=int(own["params"].iloc[0]) if len(own) else None,
        reference=mean_share(reference["accuracy"]) if len(reference) else None,
        reference_macs=int(star["macs"].iloc[0]) if len(star) else None,
        gain=_gain(winner, reference) if len(winner) and len(reference) else None,
        budget_share=max(shares) if shares else None,
        other_split=mean_share(split_b) if len(split_b) else None,
    )


def _seeds(table: pd.DataFrame, key: str | None) -> pd.DataFrame:
    """The complete trainings of one network."""
    return table[(table["key"] == key) & (table["state"] == "complete") & table["accuracy"].notna()]


def _gain(winner: pd.DataFrame, reference: pd.DataFrame) -> Difference:
    """Seed by seed where both were trained with several seeds in common; else of the means, without an interval."""
    left = reference.groupby("seed")["accuracy"].mean()
    right = winner.groupby("seed")["accuracy"].mean()
    both = left.index.intersection(right.index)
    if len(both) >= 2:
        return paired(left[both], right[both])
    return paired([float(left.mean())], [float(right.mean())])


def cards(summary: Summary) -> tuple[tuple[str, str, str], ...]:
    """Title, figure and remark of each card at the head of the page."""
    found: list[tuple[str, str, str]] = []
    if summary.winner is not None and summary.winner_macs is not None:
        trial = f"{summary.winner_run}:" if summary.winner_run else "trial "
        note = f"{trial}{summary.winner_trial}, mean of {summary.winner.n} seeds, split A, which chose it"
        if summary.winner.n == 1:
            note = f"{trial}{summary.winner_trial}, one seed, split A, which chose it: expect a little less elsewhere"
        found.append(("Best network", f"{summary.winner.value:.2%}", note))
        if summary.other_split is not None:
            found.append(("On split B", f"{summary.other_split.value:.2%}", "read once, free of the winner's curse"))
        share = f"{summary.budget_share:.0%} of the budget" if summary.budget_share else "no budget"
        params = f"; {short(summary.winner_params)} params" if summary.winner_params else ""
        found.append(("Its cost", f"{short(summary.winner_macs)} MACs", f"{share}{params}"))
    else:
        found.append(("Best network", "none yet", "no candidate was trained to the end"))
    if summary.gain is not None and summary.reference is not None:
        found.append(("Gain over GoogLeNet", f"{100 * summary.gain.value:+.2f} points", _remark(summary)))
    # A file cannot tell a trial that runs from one that was interrupted.
    told = {"running": "not ended"}
    states = sorted((told.get(state, state), count) for state, count in summary.states.items())
    counts = ", ".join(f"{count} {state}" for state, count in states) or "no trials"
    found.append(("Trials", str(summary.trials), counts))
    found.append(("Search cost", _hours(summary.device_hours), "of device time in training and validation"))
    return tuple(found)


def _remark(summary: Summary) -> str:
    gain, star = summary.gain, summary.reference
    if gain is None or star is None:
        return ""
    base = f"GoogLeNet has {star.value:.2%} at {short(summary.reference_macs or 0)} MACs"
    if gain.n < 2:
        return f"{base}; one seed each, so no interval"
    interval = f"95% interval [{100 * gain.low:+.2f}, {100 * gain.high:+.2f}], {gain.n} seeds"
    said = {
        "better": "better",
        "worse": "worse",
        "undecided": "inside the noise",
        "too few seeds": "too few for a claim",
    }
    return f"{base}; {interval}: {said[gain.verdict]}"


def _hours(hours: float) -> str:
    return f"{hours:.2f} h" if hours >= 0.1 else f"{hours * 60:.1f} min"
