"""A run whose checkpoints and copy stand in an object store: moto's server speaks S3 on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toys
from tiny_search import TRAINING, write_recipe

from nas.errors import RecipeError, RunError
from nas.journal import Journal
from nas.run.function import FunctionTask
from nas.run.job import Job
from nas.run.object_store import ObjectStore
from nas.run.recipe import ResourcesConfig
from nas.run.work import Work

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of moto's and botocore's
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

JOB = Job(number=3, architecture=toys.SPACE.reference, key="0123456789abcdef", seed=0)
TASK = FunctionTask(evaluate=toys.evaluate, milestones=(1, 2, 3))


def test_files_are_put_got_listed_and_deleted(uri: str, tmp_path: Path) -> None:
    store = ObjectStore(uri).below("deep").below("er")
    (tmp_path / "a").write_bytes(b"one")
    store.put("a", tmp_path / "a")
    (tmp_path / "a").write_bytes(b"two")
    store.put("a", tmp_path / "a")
    assert store.get("a", tmp_path / "new" / "b") and (tmp_path / "new" / "b").read_bytes() == b"two"
    assert not store.get("nothing", tmp_path / "c") and not (tmp_path / "c").exists()
    assert ObjectStore(uri).names() == ["deep/er/a"]
    store.delete("a")
    store.delete("a")
    assert ObjectStore(uri).names() == []


def test_the_environment_names_a_server_of_ones_own(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server}")
    (tmp_path / "a").write_text("one")
    ObjectStore("s3://runs/environment").put("a", tmp_path / "a")
    assert ObjectStore("s3://runs/environment").names() == ["a"]


def test_a_store_that_refuses_is_one_sentence(server: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    for uri in (f"s3://no-such-bucket/x?scheme=http&endpoint_override={server}", "gibberish://runs/x"):
        with pytest.raises(RunError, match=r"the object store .* cannot be") as caught:
            ObjectStore(uri).put("a", tmp_path / "a")
        assert len(str(caught.value).splitlines()) == 1


def test_another_machine_goes_on_from_the_checkpoint_in_the_store(uri: str, tmp_path: Path) -> None:
    store = ObjectStore(uri)
    first = Work(TASK, JOB, tmp_path / "one", threads=1, warn=pytest.fail, store=store)
    told = [first.step()[0] for _ in range(2)]
    second = Work(TASK, JOB, tmp_path / "two", threads=1, warn=pytest.fail, store=store)
    assert second.step()[0]["accuracy"] == told[1]["accuracy"]
    metrics, done = second.step()
    assert metrics["epoch"] == 3 and done


def test_a_store_that_fails_ends_the_run_and_not_the_trial(server: str, tmp_path: Path) -> None:
    store = ObjectStore(f"s3://no-such-bucket/x?scheme=http&endpoint_override={server}")
    metrics, done = Work(TASK, JOB, tmp_path, threads=1, warn=pytest.fail, store=store).step()
    assert done and set(metrics) == {"fatal"} and "resume the run" in metrics["fatal"]


@pytest.mark.parametrize("storage", ["bucket/prefix", "s3://", "s3://key:secret@bucket/prefix"])
def test_an_address_of_a_store_has_a_place_and_no_credentials(storage: str) -> None:
    with pytest.raises(RecipeError, match=r"resources\.storage must") as caught:
        ResourcesConfig(storage=storage)
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_a_machine_that_is_lost_is_replaced(uri: str, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, training={**TRAINING, "epochs": 4})
    lost, new = tmp_path / "lost", tmp_path / "new"
    command = [sys.executable, "-m", "nas", "search", str(recipe), "--out", str(lost), "--storage", uri]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    store = ObjectStore(uri).below("tiny")
    deadline = time.monotonic() + 250
    # Until trial 0 is told and trial 1 has a checkpoint.
    while not ("curves/0000.jsonl" in store.names() and any(name.endswith(".ckpt") for name in store.names())):
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(3)  # Its worker may finish an epoch before it ends, too.
    left = next(name for name in store.names() if name.endswith("-0.json"))
    assert store.get(left, tmp_path / "left.json")
    before = Journal.open(lost / "tiny" / "journal.log", read_only=True).trials()
    again = subprocess.run(
        [sys.executable, "-m", "nas", "resume", store.uri, "--out", str(new)], capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    trials = Journal.open(new / "tiny" / "journal.log", read_only=True).trials()
    assert [trial.state for trial in trials] == ["complete"] * 3
    assert [trial.candidate.key for trial in trials][: len(before)] == [trial.candidate.key for trial in before]
    first = json.loads((new / "tiny" / "curves" / "0001.jsonl").read_text().splitlines()[0])
    last = json.loads((tmp_path / "left.json").read_text())
    assert (first["epoch"], first["train_seconds"]) == (last["epoch"], last["train_seconds"]), "nothing trained again"
    kept = json.loads((new / "tiny" / "versions.json").read_text())
    assert len(kept) == 2, "both sessions are noted"
    for file in (*lost.rglob("*"), *new.rglob("*")):
        assert not file.is_file() or os.environ["AWS_SECRET_ACCESS_KEY"].encode() not in file.read_bytes()
    assert [name for name in store.names() if name.startswith("checkpoints/")] == []
