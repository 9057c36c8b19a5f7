"""The notebook runs from its first cell to its last, and what is stored in it is what it says."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "analysis" / "tour.ipynb"
MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    for name in ("nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(name, reason=f"{name} is one of the development extras")
    spec = importlib.util.spec_from_file_location("notebook", ROOT / ".ci" / "notebook.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(notebook: dict) -> list[str]:  # type: ignore[type-arg]
    """What the cells printed, and the pictures that they left, cell by cell."""
    return [
        output["text"] if output["output_type"] == "stream" else "picture" if "image/png" in output["data"] else "table"
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
    ]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the notebook reads, so that it leaves no trace; gives the notebook's folder."""
    demo = Path("runs") / "reference" / "demo"
    shutil.copytree(ROOT / demo, tmp_path / demo, ignore=shutil.ignore_patterns("*.parquet"))
    (tmp_path / "analysis-copy").mkdir()
    return tmp_path / "analysis-copy"


def test_the_tour_runs_and_its_stored_output_is_its_own(tool: ModuleType, checkout: Path) -> None:
    import nbformat

    stored = nbformat.read(TOUR, as_version=4)
    told = said(stored)
    assert told.count("picture") >= 8 and told.count("table") >= 4
    ran = tool.execute(nbformat.read(TOUR, as_version=4), checkout)
    assert said(ran) == told, "refresh by: python .ci/notebook.py analysis/tour.ipynb"


def test_the_file_is_small_and_names_no_machine() -> None:
    text = TOUR.read_text()
    assert len(text) < MOST_BYTES
    assert str(ROOT) not in text and "site-packages" not in text
