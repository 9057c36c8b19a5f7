"""Learning rates by their formulas."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.training import TrainingConfig
from nas.training.config import Schedule
from nas.training.schedule import learning_rate

CONFIG = TrainingConfig(epochs=10, batch_size=8, learning_rate=2.0, warmup_epochs=2.0)


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        ("one-cycle", {0.0: 0.0, 1.0: 1.0, 2.0: 2.0, 6.0: 1.0, 9.0: 0.25, 10.0: 0.0}),
        ("cosine", {0.5: 0.5, 2.0: 2.0, 6.0: 1.0, 4.0: 1.0 + math.cos(math.pi / 4), 10.0: 0.0}),
        ("constant-anneal", {1.0: 1.0, 2.0: 2.0, 5.0: 2.0, 7.99: 2.0, 9.0: 1.0, 10.0: 0.0}),
        ("step-decay", {1.0: 1.0, 2.0: 2.0, 7.99: 2.0, 8.0: 1.92, 9.99: 1.92}),
    ],
)
def test_values(schedule: Schedule, values: dict[float, float]) -> None:
    config = replace(CONFIG, schedule=schedule)
    assert {at: learning_rate(config, at) for at in values} == pytest.approx(values)


def test_step_decay_goes_on() -> None:
    config = replace(CONFIG, schedule="step-decay", epochs=100, warmup_epochs=0.0)
    assert learning_rate(config, 64.5) == pytest.approx(2.0 * 0.96**8)


@given(
    schedule=st.sampled_from(["one-cycle", "cosine", "constant-anneal", "step-decay"]),
    warmup=st.floats(0.0, 9.0),
    at=st.floats(0.0, 10.0, exclude_max=True),
    later=st.floats(0.0, 10.0, exclude_max=True),
)
def test_rises_in_warmup_then_never_again(schedule: Schedule, warmup: float, at: float, later: float) -> None:
    config = replace(CONFIG, schedule=schedule, warmup_epochs=warmup)
    at, later = min(at, later), max(at, later)
    assert 0.0 <= learning_rate(config, at) <= 2.0
    if later < warmup:
        assert learning_rate(config, at) <= learning_rate(config, later)
    elif at >= warmup:
        assert learning_rate(config, at) >= learning_rate(config, later)


def test_constant_part_does_not_depend_on_the_plan() -> None:
    short, long = (replace(CONFIG, schedule="constant-anneal", epochs=epochs) for epochs in (10, 40))
    assert all(learning_rate(short, at) == learning_rate(long, at) for at in (0.5, 2.0, 4.0, 7.5))
