"""The order of execution: only what is needed, every value forgotten after its last use and not before."""

from hypothesis import given

from nas.architecture import Architecture
from nas.operations import lower
from nas.schedule import schedule
from strategies import architectures


@given(architecture=architectures())
def test_values_live_from_their_making_to_their_last_use(architecture: Architecture) -> None:
    lowered = lower(architecture, resolution=33, classes=4, auxiliary=True)
    logits = lowered.outputs.logits.name
    for outputs in ((logits,), (logits, *(value.name for value in lowered.outputs.auxiliary))):
        alive = {"input"}
        steps = schedule(lowered.operations, outputs)
        for step in steps:
            assert set(step.operation.inputs) <= alive
            alive.add(step.operation.name)
            assert set(step.dead) <= alive and not set(step.dead) & set(outputs)
            alive -= set(step.dead)
        assert alive == set(outputs)


@given(architecture=architectures())
def test_nothing_is_executed_in_vain(architecture: Architecture) -> None:
    lowered = lower(architecture, resolution=33, classes=4, auxiliary=True)
    names = [step.operation.name for step in schedule(lowered.operations, (lowered.outputs.logits.name,))]
    assert names == [each.name for each in lower(architecture, resolution=33, classes=4).operations]
    stages = tuple(value.name for value in lowered.outputs.stages)
    trunk = [step.operation.name for step in schedule(lowered.operations, stages)]
    assert trunk[-1] == stages[-1] and "linear" not in trunk and not any(name.startswith("aux") for name in trunk)
