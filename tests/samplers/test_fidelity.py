"""What is expected at the end of trials that were stopped early."""

from dataclasses import dataclass

import numpy as np
import pytest
import toys
from hypothesis import given
from hypothesis import strategies as st

from nas.cost import cost
from nas.journal import Journal
from nas.proposer import Proposer
from nas.record import Candidate, TrialRecord
from nas.samplers import History, Proposal
from nas.samplers.fidelity import at_the_end
from nas.serialize import key

CANDIDATE = Candidate(
    architecture=toys.SPACE.reference,
    key=key(toys.SPACE.reference),
    point=None,
    cost=cost(toys.SPACE.reference, resolution=16, classes=10),
    seed=0,
)
EPOCHS = 4
accuracies = st.floats(0.1, 1.0)
curves = st.lists(st.lists(accuracies, min_size=1, max_size=EPOCHS), min_size=1, max_size=12)


def trial(*curve: float) -> TrialRecord:
    return TrialRecord(
        number=0,
        candidate=CANDIDATE,
        state="complete" if len(curve) == EPOCHS else "stopped",
        accuracies=dict(enumerate(curve, start=1)),
        accuracy=curve[-1],
        epochs=len(curve),
    )


def test_a_line_through_those_that_went_on_is_followed_the_more_of_them_there_are() -> None:
    def expected(count: int) -> float:
        whole = [trial(first, 0.0, 0.0, 0.5 + 0.6 * first) for first in np.linspace(0.4, 0.6, count)]
        return float(at_the_end([*whole, trial(0.2)])[-1])

    few, many = expected(2), expected(400)
    assert many == pytest.approx(0.5 + 0.6 * 0.2, abs=1e-2)
    assert few > many + 0.02, "two trials leave more of the slope that is assumed"


def test_it_goes_from_rung_to_rung() -> None:
    """Of two stopped after the first epoch, the better is expected at what those stopped after the second are."""
    later = [trial(0.3, 0.5), trial(0.3, 0.5)]
    ends = at_the_end([trial(0.5, 0.7, 0.8, 0.9), *later, trial(0.3), trial(0.2)])
    assert ends[0] == 0.9
    assert 0.5 < ends[1] < 0.9
    assert ends[3] == pytest.approx(ends[1], abs=0.02)
    assert ends[4] < ends[3]


@given(curves)
def test_complete_trials_stay_and_ranks_at_a_rung_are_kept(given_curves: list[list[float]]) -> None:
    records = [trial(*curve) for curve in given_curves]
    ends = at_the_end(records)
    assert np.isfinite(ends).all()
    for record, end in zip(records, ends, strict=True):
        if record.state == "complete":
            assert end == record.accuracy
    for one, one_end in zip(records, ends, strict=True):
        for other, other_end in zip(records, ends, strict=True):
            if one.state == other.state == "stopped" and one.epochs == other.epochs and one.accuracy < other.accuracy:
                assert one_end <= other_end


@given(curves, st.randoms())
def test_the_order_of_trials_does_not_matter(given_curves: list[list[float]], random: st.DataObject) -> None:
    records = [trial(*curve) for curve in given_curves]
    order = list(range(len(records)))
    random.shuffle(order)
    assert at_the_end([records[row] for row in order]) == pytest.approx(at_the_end(records)[order])


def test_where_none_went_on_accuracies_are_as_they_were() -> None:
    assert at_the_end([trial(0.3), trial(0.2), trial(0.4)]).tolist() == [0.3, 0.2, 0.4]
    assert at_the_end([]).shape == (0,)


def test_samplers_see_what_is_expected_of_a_stopped_trial() -> None:
    """The first goes on whatever it has, so that one which is stopped later may be the better network."""
    seen: list[History] = []

    @dataclass(frozen=True)
    class Watching:
        name: str = "watching"

        def propose(self, history: History, rng: np.random.Generator) -> Proposal:
            seen.append(history)
            return Proposal(point=history.random(rng).point)

    journal = Journal.in_memory(objectives=("accuracy", "macs"))
    proposer = Proposer(toys.SPACE, toys.BUDGET, Watching(), journal, seed=0, reference_first=False)
    for number, curve in enumerate(((0.3, 0.6), (0.5, 0.8), (0.4,))):
        assert proposer.ask() is not None
        journal.report(number, 1, curve[0])
        if len(curve) > 1:
            journal.complete(number, curve[1], 2, 1.0)
        else:
            journal.stop(number, curve[0], 1, 1.0, told_as="complete")
    assert proposer.ask() is not None
    losses, macs = seen[-1].losses().T
    assert macs.tolist() == [record.candidate.cost.macs for record in seen[-1].observed]
    assert losses[:2].tolist() == [-0.6, -0.8]
    assert losses[2] == pytest.approx(-0.7)
