"""Every block of the README runs, and every output in it is what the command prints."""

import importlib.util
import re
import shlex
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from nas.cli import main
from nas.spaces import load_space

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


def outputs() -> ModuleType:
    """The tool that writes outputs into Markdown."""
    spec = importlib.util.spec_from_file_location("outputs", ROOT / ".ci" / "outputs.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_outputs_are_what_the_commands_print(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(_checkout(tmp_path))
    tool = outputs()
    assert len(tool.BLOCK.findall(README)) >= 3
    assert tool.refresh(README) == README, "refresh by: python .ci/outputs.py README.md"


def test_python_blocks_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    ran = 0
    for language, code in BLOCKS:
        if language == "python":
            exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
            ran += 1
    assert ran >= 2


def test_the_space_of_ones_own_is_found_by_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = next(code for _, code in BLOCKS if code.startswith("# my_space.py"))
    (tmp_path / "my_space.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    space = load_space("my_space.py:SPACE")
    assert space.name == "mine"
    assert space.decode({"width": 16, "cells": 3}).stages[0][0].b1x1 == 16


def test_search_commands_propose(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(_checkout(tmp_path))
    (tmp_path / "my_space.py").write_text(next(code for _, code in BLOCKS if code.startswith("# my_space.py")))
    lines = [line for language, code in BLOCKS if language == "sh" for line in code.splitlines()]
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("nas search")]
    assert len(commands) >= 3
    for _, *arguments in commands:
        with pytest.raises(SystemExit) as exit:
            main([*arguments, "--dry-run", "--trials", "3"])
        out, err = capsys.readouterr()
        assert exit.value.code == 0 and "3 networks proposed" in out, err


def _checkout(folder: Path) -> Path:
    """A copy of what the README's commands read and write, so that the tests leave no trace."""
    shutil.copytree(ROOT / "runs", folder / "runs", ignore=shutil.ignore_patterns("out"))
    return folder
