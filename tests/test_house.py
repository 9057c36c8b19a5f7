"""The rules that hold the house together: short files, layers, a start that loads nothing large."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("nas", "search_spaces", "analysis")
MOST_LINES = 300
LARGE = frozenset({"torch", "torchvision", "ray", "optuna", "pandas", "matplotlib"})


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command without this process's paths and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def loaded_modules(code: str) -> set[str]:
    """Run code in a new interpreter and return the top-level modules that it has loaded at its end."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    done = run(sys.executable, "-W", "error", "-c", f"{code}\n{report}")
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_files_are_short() -> None:
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in (*PACKAGES, "benchmarks", "tests")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {"nas/cost.py", "search_spaces/googlenet.py", "analysis/pareto.py", "tests/test_house.py"} <= lines.keys()
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_import_nas_loads_nothing_large() -> None:
    loaded = loaded_modules("import nas")
    assert "nas" in loaded
    assert loaded & LARGE == set()


def test_nas_cost_loads_nothing_large() -> None:
    code = """
import sys
sys.argv = ["nas", "cost", "googlenet"]
from nas.cli import main
try:
    main()
except SystemExit as exit:
    assert not exit.code, exit.code
"""
    loaded = loaded_modules(code)
    assert "typer" in loaded
    assert loaded & LARGE == set()


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the import contracts of the packages in a folder."""
    pytest.importorskip("importlinter", reason="import-linter is one of the development extras")
    return run(Path(sys.executable).with_name("lint-imports"), "--no-cache", cwd=folder)


def test_import_contracts_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


def test_every_module_has_a_layer() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = tools["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    named = {name for layer in layers for name in re.split(r" [|:] ", layer)}
    modules = {f"nas.{path.stem}" for path in (ROOT / "nas").glob("*.py") if not path.stem.startswith("__")}
    packages = {f"nas.{path.parent.name}" for path in (ROOT / "nas").glob("*/__init__.py")}
    assert named == modules | packages | {"search_spaces", "analysis"}


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("nas/cost.py", "import torch"),
        ("nas/run/__init__.py", "import optuna"),
        ("nas/training/__init__.py", "import ray"),
        ("nas/errors.py", "import nas.architecture"),
        ("nas/network/__init__.py", "import nas.space"),
        ("analysis/__init__.py", "import nas.training"),
        ("search_spaces/googlenet.py", "import typer"),
    ],
)
def test_import_contracts_can_fail(file: str, line: str, tmp_path: Path) -> None:
    pytest.importorskip("importlinter", reason="import-linter is one of the development extras")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    source = tmp_path / file
    source.write_text(f"{source.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout
    assert line.removeprefix("import ") in done.stdout


def test_every_lower_bound_can_be_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    done = run(sys.executable, ROOT / ".ci" / "lowest.py")
    assert done.returncode == 0, done.stderr
    pins = dict(line.split("==") for line in done.stdout.splitlines())
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    assert pins.keys() == {requirement.split(">=")[0].split("[")[0] for requirement in wanted}


@pytest.mark.slow
def test_wheel_works_alone(tmp_path: Path) -> None:
    built = run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", ROOT, cwd=tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (tmp_path / "dist").glob("inception_nas-*.whl")
    home = tmp_path / "venv"
    assert run(sys.executable, "-m", "venv", "--without-pip", home).returncode == 0
    python = home / "bin" / "python"
    installed = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    assert installed.returncode == 0, installed.stderr
    # The dependencies are lent by this environment. Path files in a lent folder are not read: the checkout stays out.
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())
    lent = next(path for path in sys.path if (Path(path) / "typer").is_dir())
    (site / "lent.pth").write_text(f"{lent}\n", encoding="utf-8")

    outside = tmp_path / "outside"
    outside.mkdir()
    where = run(python, "-c", "import nas, search_spaces, analysis; print(nas.__file__)", cwd=outside)
    assert Path(where.stdout.strip()).is_relative_to(site), where.stderr
    recipes = {path.name for path in (site / "runs").iterdir()}
    assert recipes == {path.name for path in (ROOT / "runs").glob("*.yaml")}
    for arguments in (["cost", "googlenet"], ["search", "demo", "--dry-run"]):
        done = run(home / "bin" / "nas", *arguments, cwd=outside)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def traced() -> bool:
    return type(sys.gettrace()).__module__.startswith("coverage")


@pytest.mark.untraced
def test_untraced_tests_and_their_fixtures_have_no_tracer(traced: bool) -> None:
    assert not traced and not type(sys.gettrace()).__module__.startswith("coverage")
