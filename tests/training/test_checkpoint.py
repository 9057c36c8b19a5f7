"""Checkpoint files: what goes in comes out, what is damaged is refused."""

import os
from pathlib import Path

import pytest
import torch

from nas.errors import ModelError
from nas.training.checkpoint import check_fits, check_tensors, read_checkpoint, write_checkpoint

TENSORS = {
    "a": torch.arange(24.0).view(1, 2, 3, 4).to(memory_format=torch.channels_last),
    "b/c": torch.tensor(7, dtype=torch.int64),
    "d": torch.randn(3, generator=torch.Generator().manual_seed(1)).bfloat16(),
}
HEADER = {"seed": 3, "curve": [{"accuracy": 0.1 + 0.2}]}


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.safetensors"
    write_checkpoint(path, TENSORS, HEADER)
    tensors, header = read_checkpoint(path)
    assert header == HEADER
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())
    assert all(tensors[name].dtype == value.dtype for name, value in TENSORS.items())
    assert [file.name for file in path.parent.iterdir()] == ["x.safetensors"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    write_checkpoint(path, TENSORS, HEADER)

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_checkpoint(path, TENSORS, {"seed": 4})
    assert read_checkpoint(path)[1] == HEADER
    assert [file.name for file in tmp_path.iterdir()] == ["x.safetensors"]


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_checkpoint(path, TENSORS, HEADER)
    whole = path.read_bytes()
    for size in (0, 4, 60, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError, match=r"x\.safetensors must be a whole checkpoint of inception-nas, but "):
            read_checkpoint(path)


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "x.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="it has no header of ours"):
        read_checkpoint(path)
    save_file({"a": torch.zeros(1)}, path, metadata={"inception-nas": "[]"})
    with pytest.raises(ModelError, match="its header is list, no object"):
        read_checkpoint(path)
    with pytest.raises(ModelError, match="must exist, but there is no such file"):
        read_checkpoint(tmp_path / "y.safetensors")


def test_mismatches_are_named() -> None:
    path = Path("x")
    with pytest.raises(ModelError, match=r"the checkpoint x must have seed=4, but got seed=3\."):
        check_fits(path, HEADER, {"seed": 4})
    with pytest.raises(ModelError, match=r"but lacks 'e'\."):
        check_tensors(path, TENSORS, TENSORS | {"e": torch.zeros(1)})
    with pytest.raises(ModelError, match=r"but has beyond them 'd'\."):
        check_tensors(path, TENSORS, {name: value for name, value in TENSORS.items() if name != "d"})
    with pytest.raises(ModelError, match=r"'d' in x must have the shape \(4,\), but got \(3,\)\."):
        check_tensors(path, TENSORS, TENSORS | {"d": torch.zeros(4)})
    with pytest.raises(ModelError, match=r"'d' in x must be of the type torch\.float32, but got torch\.int8\."):
        check_tensors(path, TENSORS | {"d": torch.zeros(3, dtype=torch.int8)}, TENSORS | {"d": torch.zeros(3)})
