"""What a session notes of the machine."""

from pathlib import Path

from nas.run.versions import gpus


def test_gpus_are_named_as_their_driver_tells(tmp_path: Path) -> None:
    assert gpus(tmp_path) == []
    for place, model in (("0000:01:00.0", "NVIDIA A100-SXM4-40GB"), ("0000:02:00.0", "Tesla T4")):
        (tmp_path / "gpus" / place).mkdir(parents=True)
        (tmp_path / "gpus" / place / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 33\n")
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06\nGCC version: 13\n")
    assert gpus(tmp_path) == [
        "NVIDIA A100-SXM4-40GB",
        "Tesla T4",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06",
    ]
