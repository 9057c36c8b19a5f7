"""Run the notebooks that are named and store their output in them: python .ci/notebook.py analysis/tour.ipynb."""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run all cells in a folder, in a kernel of this interpreter, in place; an error in one is raised.

    Nothing that differs from run to run, such as the time, is recorded.
    """
    with tempfile.TemporaryDirectory(prefix="nas-kernel-") as sockets:
        # Sockets that are files of this user rather than ports for all.
        transport = {"transport": "ipc", "ip": f"{sockets}/kernel"}
        client = NotebookClient(
            notebook,
            timeout=300,
            startup_timeout=240,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
            config=Config({"KernelManager": transport}),
        )
        # A progress bar that nobody sees is no reason to install widgets.
        return client.execute(env={**os.environ, "PYTHONWARNINGS": "ignore:IProgress not found"})


def main() -> None:
    """Run and store."""
    for name in sys.argv[1:]:
        path = Path(name)
        notebook = execute(nbformat.read(path, as_version=4), path.parent)
        notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        for place, cell in enumerate(notebook.cells):
            cell.id = f"cell-{place}"
            cell.metadata = {}
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
