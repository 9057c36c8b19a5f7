"""Every block of the README and of docs/ runs, and every output in them is what the command prints."""

import contextlib
import dataclasses
import io
import operator
import re
import shlex
import shutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import typer
from markdown_blocks import blocks, links
from model_folders import make
from PIL import Image

from nas.cli import main
from nas.cli.main import app
from nas.data.config import DataConfig
from nas.presets import PRESETS
from nas.run.recipe import Recipe
from nas.run.recipe_file import build_recipe, read_mapping
from nas.serialize import to_json
from nas.spaces import load_space
from nas.training.config import TRAININGS

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [path.name for path in FILES]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SHOWN = {command for path in FILES for command in re.findall(r"<!-- output: (.+?) -->", path.read_text())}
"""Commands whose output stands in a file."""
TRAINING = ("train", "baseline", "resume", "export")
"""Commands that are parsed and no more: their own tests run them."""
OURS = ("optuna-dashboard", "pip", "pre-commit", "pytest", "ray", "tensorboard")
"""Programs that an installation with the development extras has."""
OTHERS = ("aws", "cd", "docker", "export", "helm", "kubectl", "mkdir", "python3", "ssh")
"""Programs that are not ours: the files that they are given must be there."""


def tool(name: str) -> ModuleType:
    """A script of .ci as a module."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the commands read and write, so that the tests leave no trace; other runs are the demo's."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "runs", folder / "runs", ignore=shutil.ignore_patterns("out", "*.parquet"))
    demo = folder / "runs" / "reference" / "demo"
    for name in ("demo", "fashion_mnist", "gp/0", "gp/1", "random/0", "random/1"):
        copy = Path(shutil.copytree(demo, folder / "runs" / "out" / name))
        recipe = copy / "recipe.yaml"
        recipe.write_text(re.sub(r"(?m)^seed: 0$", f"seed: {int(name.endswith('1'))}", recipe.read_text()))
    digits = DataConfig(name="digits", resolution=32)
    for name in ("fashion_mnist-top5", "googlenet"):
        made = make(folder / "runs" / "out" / name, digits, tuple("0123456789"), resolution=32)
        shutil.copy(ROOT / "runs" / "reference" / "googlenet" / "metrics.json", made)
    Image.new("L", (28, 28), 128).save(folder / "picture.png")
    (folder / "mine.json").write_text(to_json(PRESETS["googlenet"]))
    return folder


@pytest.fixture(autouse=True)
def _here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(checkout)
    yield


@cache
def printed(command: str) -> str:
    """What a ``nas`` command prints, in this process; each is run once."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as exit:
        main(shlex.split(command)[1:])
    assert exit.value.code == 0, f"{command}: {err.getvalue()}"
    return out.getvalue()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_outputs_are_what_the_commands_print(path: Path) -> None:
    text, outputs = path.read_text(), tool("outputs")
    assert outputs.refresh(text, printed) == text, f"refresh by: python .ci/outputs.py {path.relative_to(ROOT)}"


def test_the_tool_runs_commands_in_a_process_of_their_own() -> None:
    outputs = tool("outputs")
    assert outputs.refresh("<!-- output: nas --version -->\n```text\nold\n```\n").endswith("\n0.1.0\n```\n")
    with pytest.raises(SystemExit, match="must start with nas"):
        outputs.run("ls")


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_python_blocks_run(path: Path) -> None:
    names: dict[str, object] = {"__name__": path.stem}
    for block in blocks(path):
        if block.language == "python":
            exec(compile("\n" * block.line + block.code, str(path), "exec"), names)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_shell_lines_run(path: Path, checkout: Path) -> None:
    for block in blocks(path):
        if block.code.startswith("# my_space.py"):
            (checkout / "my_space.py").write_text(block.code)
            assert load_space("my_space.py:SPACE").name == "mine"
        for line in block.commands:
            check_line(line)


def check_line(line: str) -> None:
    """Run a line of a shell block, or hold its program, options and files to what there is."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    program, *arguments = words
    name = Path(program).name
    if name == "nas":
        check_nas(arguments)
    elif name == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(arguments) <= set(targets), line
    elif name in OURS:
        assert Path(sys.executable).with_name(name).is_file(), line
    else:
        assert name in OTHERS, f"a program that this test does not know: {line}"
    for word in arguments:
        if re.match(r"(docs|analysis|benchmarks|runs/reference)/|runs/[^/]+\.yaml", word):
            assert (ROOT / re.sub(r":\d+$", "", word)).exists(), line  # a trial is RUN:NUMBER


def check_nas(arguments: list[str]) -> None:
    """Parse a command; run it where it does not train."""
    name, *rest = arguments
    COMMANDS[name].make_context(name, list(rest))
    if name == "search":
        rest += [] if "--dry-run" in rest else ["--dry-run"]
        if any(word.startswith("budget.latency_seconds=") for word in rest):
            rest += ["--set", "budget.latency_seconds=60"]  # As a reader with a slow or busy machine may.
        assert "3 networks proposed" in printed(shlex.join(["nas", name, *rest, "--trials", "3"]))
    elif name == "watch":
        printed(shlex.join(["nas", name, *rest, *([] if "--once" in rest else ["--once"])]))
    elif name == "analyze" and shlex.join(["nas", *arguments]) not in SHOWN:
        printed(shlex.join(["nas", name, *rest, "--no-report"]))  # the whole report is made where its output is shown
    elif name not in TRAINING and not (name == "top" and "--train" in rest):
        printed(shlex.join(["nas", name, *rest]))


@pytest.mark.parametrize(
    "line",
    ["nas search nowhere.yaml", "nas train x --sedes 5", "make coffee", "frobnicate x", "kubectl -f docs/none.yaml"],
)
def test_a_wrong_line_is_found(line: str) -> None:
    with pytest.raises((AssertionError, typer.TyperException)):
        check_line(line)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_yaml_blocks_are_recipes_or_parts_of_one(path: Path) -> None:
    base = read_mapping(ROOT / "runs" / "demo.yaml")
    for block in blocks(path):
        if block.language == "yaml":
            Path("block.yaml").write_text(block.code)
            data = read_mapping(Path("block.yaml"))
            if "apiVersion" not in data:
                build_recipe({"name": "block", **({} if "space" in data else base), **data})


def test_blocks_are_of_known_kinds() -> None:
    for path in FILES:
        for block in blocks(path):
            assert block.language in ("python", "sh", "text", "yaml"), block
            assert block.language != "text" or block.output, f"a text block must be an output: {block}"


def test_links_lead_somewhere() -> None:
    dead = {
        f"{path.name}: {link}"
        for path in (*FILES, ROOT / "CONTRIBUTING.md")
        for link in links(path)
        if not (path.parent / link).exists()
    }
    assert not dead


def test_commands_in_the_text_exist() -> None:
    named = {(path.name, name) for path in FILES for name in re.findall(r"`nas ([a-z]+)", path.read_text())}
    assert {(file, name) for file, name in named if name not in COMMANDS} == set()


def test_the_documentation_builds_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is one of the development extras")
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "reference" / "index.html").is_file()


def keys(kind: type, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names of all keys of a dataclass and of those in it, with what each is where it is not given."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from keys(hints[field.name], f"{prefix}{field.name}.")
        elif field.default_factory is not dataclasses.MISSING:
            yield prefix + field.name, shown(field.default_factory())
        else:
            yield prefix + field.name, "needed" if field.default is dataclasses.MISSING else shown(field.default)


def shown(value: object) -> str:
    """A value as the page of recipes shows it."""
    if value is None:
        return "none"
    plain = list(value) if isinstance(value, tuple) else value
    text = f"{plain:g}" if isinstance(plain, float) else str(plain).replace("'", "")
    return f"`{text.lower() if isinstance(plain, bool) else text}`"


def test_every_key_of_a_recipe_is_described_with_what_it_is_by_default() -> None:
    defaults = dict(keys(Recipe)) | {"name": "the file's", "budget.at_least": "0.9 or 0"}
    told: set[str] = set()
    for row in re.findall(r"(?m)^\| (`.+) \|$", (ROOT / "docs" / "recipes.md").read_text()):
        names, *values, _ = row.split(" | ")
        row_keys = re.findall(r"`([a-z_.]+)`", names)
        columns = [[defaults[key] for key in row_keys]]
        if len(values) > 1:
            paths = [key.removeprefix("training.") for key in row_keys]
            presets = [TRAININGS[name] for name in ("modern", "paper")]
            columns += [[shown(operator.attrgetter(path)(preset)) for path in paths] for preset in presets]
        assert values == [column[0] if len(set(column)) == 1 else ", ".join(column) for column in columns], row
        told |= set(row_keys)
    assert told == set(defaults)


def test_the_page_of_commands_is_that_of_the_command_line() -> None:
    text = tool("commands").page()
    assert (ROOT / "docs" / "commands.md").read_text() == text, "refresh by: python .ci/commands.py"
    for name, command in COMMANDS.items():
        section = text.partition(f"## `nas {name}")[2].partition("\n## ")[0]
        options = [flag for one in command.params if one.name != "help" for flag in one.opts if flag.startswith("-")]
        assert [flag for flag in options if not re.search(rf"`{flag}[ `]", section)] == []
