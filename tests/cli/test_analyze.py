"""``nas analyze``, ``compare`` and ``watch`` on runs made by the engine."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from toys import BUDGET, SPACE, evaluate

from nas.architecture import Architecture
from nas.run.function import search


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two searches with two seeds each."""
    folder = tmp_path_factory.mktemp("runs")
    for sampler in ("random", "tpe"):
        for seed in (0, 1):
            search(SPACE, evaluate, BUDGET, trials=12, sampler=sampler, seed=seed, path=folder / sampler / str(seed))
    return folder


def test_analyze_writes_the_report_and_every_figure(runs: Path, nas: Any, tmp_path: Path) -> None:
    status, out, err = nas("analyze", runs / "random" / "0", "--into", tmp_path)
    assert status == 0, err
    assert "Pareto front" in out and "report.html" in out
    assert "Where the time went" in out and "place-hours" in out and "validation" in out
    assert (tmp_path / "time_spent.csv").read_text().startswith("run,part,place_seconds,share\n0,training,")
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
    assert list((tmp_path / "figures").glob("*.pdf"))


def test_square_brackets_are_printed_as_they_are(runs: Path, nas: Any, tmp_path: Path) -> None:
    """Rich would take them for its markup: a path would lose a part, and ``[/train]`` end in a traceback."""
    into = tmp_path / "lr[e-3]" / "x[" / "y]"
    status, out, err = nas("analyze", runs / "random" / "0", "--into", into, "--no-report")
    assert status == 0, err
    assert f"wrote {into}/accuracy_vs_macs.png" in out

    def fails(architecture: Architecture, epochs: int) -> dict[str, float]:
        raise RuntimeError("no images below [/data/train], [enforce fail at 124]")

    search(SPACE, fails, BUDGET, trials=2, sampler="random", path=tmp_path / "failed")
    status, out, err = nas("watch", tmp_path / "failed", "--once")
    assert status == 0, err
    assert "[/data/train], [enforce fail at 124]" in " ".join(out.split())
    status, out, err = nas("analyze", tmp_path / "failed")
    said = " ".join(out.split())
    assert status == 0, err
    assert said.startswith("no front yet, for no trial was trained to the end within the budget; trial 1 failed: ")
    assert "[/data/train], [enforce fail at 124]" in said and "Pareto front" not in said
    assert "Where the time went" not in said and not (tmp_path / "failed" / "time_spent.csv").exists()


def test_several_runs_are_drawn_together(runs: Path, nas: Any, tmp_path: Path) -> None:
    status, out, _ = nas("analyze", runs / "random", runs / "tpe", "--into", tmp_path, "--no-report")
    assert status == 0 and "accuracy_vs_macs.png" in out
    assert not (tmp_path / "report.html").exists()
    assert (tmp_path / "trials.csv").read_text().count("\n") == 1 + 4 * 12


def test_it_is_told_in_what_runs_were_trained_differently(runs: Path, nas: Any, tmp_path: Path) -> None:
    demo = Path(__file__).parents[2] / "runs" / "reference" / "demo"
    told = "not trained alike, so that figures of all networks together are left out: "
    one, two = (shutil.copytree(demo, tmp_path / name) for name in ("one", "two"))
    for name, old, new in (
        ("recipe.yaml", " epochs: 8\n", " epochs: 9\n"),
        ("journal.log", '"epochs":8', '"epochs":9'),
    ):
        (two / name).write_text((two / name).read_text().replace(old, new, 1))
    status, out, err = nas("analyze", one, two, "--into", tmp_path / "out", "--no-report")
    assert status == 0, err
    said = " ".join(out.split())
    assert f"{told}training.epochs (8 and 9)" in said and "the front is of all of them, whatever their training" in said
    status, out, _ = nas("analyze", one, one, "--into", tmp_path / "out", "--no-report")
    assert status == 0 and "trained alike" not in out


def test_compare_claims_nothing_from_two_seeds(runs: Path, nas: Any, tmp_path: Path) -> None:
    into = ("--into", tmp_path / "drawn")
    status, out, _ = nas("compare", runs / "random", runs / "tpe", "--random", runs / "random", *into)
    assert status == 0
    assert "no claim" in out and "median trainings" in out and "above the mean network of the random search" in out
    tuned = tmp_path / "tuned"
    shutil.copytree(runs / "tpe", tuned)
    for recipe in ("sampler: {name: tpe}\n", "sampler: {name: random}\n"):
        for run in tuned.iterdir():
            (run / "recipe.yaml").write_text(recipe)
        status, _, err = nas("compare", runs / "random", runs / "tpe", "--random", tuned, *into)
        refused = "a random search must be one by the sampler random" in err and err.endswith("is by tpe.\n")
        assert (status, refused) == ((2, True) if "tpe" in recipe else (0, False)), err


def test_compare_takes_several_searches_and_draws_them(runs: Path, nas: Any, tmp_path: Path) -> None:
    status, out, _ = nas("compare", runs / "random", runs / "tpe", runs / "tpe" / "1", "--into", tmp_path / "drawn")
    assert status == 0
    assert "random (a) against tpe (b)" in out and "random (a) against 1 (b)" in out
    written = ["compare.csv", "compare.png", "compare.svg", "compare_table.csv"]
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == written
    assert all(f"wrote {tmp_path / 'drawn' / name}\n" in out for name in written)
    status, out, _ = nas("compare", runs / "random" / "1", runs / "tpe" / "1", "--into", tmp_path / "drawn")
    assert status == 0 and "random/1 (a) against tpe/1 (b)" in out
    table = (tmp_path / "drawn" / "compare_table.csv").read_text().splitlines()
    assert len(table) == 5 and all(row.startswith("random/1,tpe/1,") for row in table[1:])
    status, _, err = nas("compare", runs / "random", "--into", tmp_path / "alone")
    assert status == 2 and err.endswith(
        f"two or more searches must be given to be compared, but got {runs / 'random'} alone.\n"
    )
    (tmp_path / "afile").write_text("mine")
    status, _, err = nas("compare", runs / "random", runs / "tpe", "--into", tmp_path / "afile")
    assert status == 2 and len(err.splitlines()) == 1 and "afile" in err, err


def test_models_are_told_side_by_side(nas: Any, tmp_path: Path) -> None:
    reference = Path(__file__).parents[2] / "runs" / "reference" / "googlenet"
    status, out, _ = nas("models", reference, reference, "--into", tmp_path)
    assert status == 0 and "30,574,592" in out and "+0.00" in out
    assert (tmp_path / "models.png").is_file() and (tmp_path / "models.csv").is_file()
    assert "image by image" not in out  # GoogLeNet's folder is older than that.
    told = shutil.copytree(reference, tmp_path / "told")
    metrics = json.loads((told / "metrics.json").read_text())
    for each in metrics["readings"]:
        wrong = " ".join(str(place) for place in range(0, 900, 10))
        each["test"] |= {"accuracy": 0.91, "images": 1000, "wrong": wrong}
    (told / "metrics.json").write_text(json.dumps(metrics))
    status, out, _ = nas("models", told, told, "--into", tmp_path)
    assert status == 0 and "gain, image" in out and "googlenet with batch-norm │" in out, "names stay whole"
    assert "+0.00 [+0.00, │ +0.00 [+0.00, │" in out, "intervals stand below their figures instead"
    status, _, err = nas("models", reference, "--split", "c", "--into", tmp_path)
    assert status == 2 and 'must be a, b, test, but got "c"' in err


def test_watch_shows_where_a_search_stands(runs: Path, nas: Any) -> None:
    status, out, _ = nas("watch", runs / "tpe" / "1", "--once")
    assert status == 0 and "12 complete" in out and "best" in out


def test_watch_ends_with_a_search_by_a_function(runs: Path, nas: Any, tmp_path: Path) -> None:
    run = Path(shutil.copytree(runs / "tpe" / "1", tmp_path / "idle"))
    for path in run.rglob("*"):
        os.utime(path, (1_000, 1_000))
    status, out, _ = nas("watch", run, "--every", 0.2)
    assert status == 0 and "12 trials ended" in out and "last written" not in out


@pytest.mark.parametrize("command", [["analyze"], ["compare", "."], ["models"], ["watch"]])
def test_what_is_no_run_is_refused(command: list[str], nas: Any, tmp_path: Path) -> None:
    status, _, err = nas(*command, tmp_path / "nowhere")
    assert status == 2 and len(err.splitlines()) == 1


def test_a_place_that_is_a_file_is_refused(runs: Path, nas: Any, tmp_path: Path) -> None:
    (tmp_path / "afile").write_text("mine")
    for into in (tmp_path / "afile", tmp_path / "afile" / "below"):
        status, _, err = nas("analyze", runs / "tpe" / "1", "--into", into, "--no-report")
        assert status == 2 and len(err.splitlines()) == 1 and "afile" in err, err
    assert (tmp_path / "afile").read_text() == "mine"


def test_events_cannot_go_where_a_file_is(runs: Path, nas: Any, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is one of the development extras")
    (tmp_path / "afile").write_text("mine")
    status, _, err = nas(
        "analyze", runs / "tpe" / "1", "--into", tmp_path, "--no-report", "--tensorboard", tmp_path / "afile"
    )
    assert status == 2 and len(err.splitlines()) == 1 and "afile" in err, err
    assert (tmp_path / "afile").read_text() == "mine"


def test_watch_ends_with_a_search_that_ended_short(runs: Path, nas: Any, tmp_path: Path) -> None:
    run = Path(shutil.copytree(runs / "tpe" / "1", tmp_path / "short"))
    (run / "recipe.yaml").write_text("stop: {trials: 99}\n")
    (run / "versions.json").write_text('[{"started": 1.0, "ended": 2.0}]')
    status, out, _ = nas("watch", run, "--every", 0.2)
    assert status == 0 and "12 of 99 trials ended" in out


def test_what_cannot_be_read_is_not_taken_for_what_cannot_be_written(nas: Any, tmp_path: Path) -> None:
    run = shutil.copytree(Path(__file__).parents[2] / "runs" / "reference" / "demo", tmp_path / "run")
    curve = run / "curves" / "0003.jsonl"
    curve.unlink()
    curve.mkdir()
    status, _, err = nas("analyze", run, "--into", tmp_path / "out")
    assert status == 2 and str(curve) in err and "--into" not in err and err.count("\n") == 1
