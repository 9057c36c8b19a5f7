"""How many trials the machines of a cluster hold, told by what Ray says of them."""

import pytest
import ray

from nas.run.cluster import places
from nas.run.recipe import ResourcesConfig


@pytest.mark.parametrize(
    ("cpu", "gpu", "machines", "held"),
    [
        (3, 0, [{"CPU": 4}] * 3, 3),
        (0.25, 0, [{"CPU": 4}], 16),
        (1, 1, [{"CPU": 2, "GPU": 8}, {"CPU": 64}], 2),
        (0.1, 0.25, [{"CPU": 64, "GPU": 8}], 32),
        (0.1, 0.3, [{"CPU": 64, "GPU": 8}], 24),  # and not the 26 that 8 / 0.3 would be
        (0.1, 0.4, [{"CPU": 64, "GPU": 8}] * 2, 32),
        (0.1, 0.6, [{"CPU": 64, "GPU": 8}], 8),
        (1, None, [{"CPU": 8}, {"CPU": 8, "GPU": 2}], 2),
    ],
)
def test_a_share_of_a_gpu_lies_on_one(
    monkeypatch: pytest.MonkeyPatch, cpu: float, gpu: float | None, machines: list[dict[str, float]], held: int
) -> None:
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True, "Resources": machine} for machine in machines])
    total = {"GPU": sum(machine.get("GPU", 0) for machine in machines)}
    monkeypatch.setattr(ray, "cluster_resources", lambda: total)
    assert places(ResourcesConfig(cpu=cpu, gpu=gpu)) == held
