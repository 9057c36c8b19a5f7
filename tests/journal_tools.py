"""Journals of the toy space, for the tests of the journal."""

from pathlib import Path

import toys

from nas.journal import Journal
from nas.record import Candidate, Objective
from nas.samplers.encoding import constraints, distributions, to_params
from nas.serialize import key

POINT = {"stem": 8, "width3": 16, "width4": 24, "wide": 8}
TWO: tuple[Objective, ...] = ("accuracy", "macs")


def candidate(seed: int = 0, stem: int = 8) -> Candidate:
    point = {**POINT, "stem": stem}
    architecture = toys.SPACE.decode(point)
    return Candidate(
        architecture=architecture,
        key=key(architecture),
        point=point,
        cost=toys.BUDGET.cost(architecture),
        seed=seed,
        measured={"latency_seconds": 0.25},
    )


def add(journal: Journal, proposed: Candidate) -> int:
    assert proposed.point is not None
    return journal.add(
        proposed,
        params=to_params(toys.SPACE, proposed.point),
        distributions=distributions(toys.SPACE),
        constraints=constraints(toys.BUDGET, proposed.cost),
    )


def create(path: Path, objectives: tuple[Objective, ...] = ("accuracy",)) -> Journal:
    return Journal.create(path, name="digits", objectives=objectives, attributes={"recipe": {"seed": 1}})
