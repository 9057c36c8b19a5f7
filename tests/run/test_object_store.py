"""A run whose checkpoints and copy stand in an object store: moto's server speaks S3 on loopback."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import toys
from journal_tools import add, candidate
from moto.server import ThreadedMotoServer
from tiny_search import TRAINING, write_recipe

from nas.errors import RecipeError, RunError
from nas.journal import Journal
from nas.run.folder import RunFolder
from nas.run.function import FunctionTask
from nas.run.job import Job
from nas.run.mirror import Mirror, fetch
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


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Host and port of a server with an empty bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ACCESS_KEY_ID", "testing")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket="runs")
    yield f"{host}:{port}"
    patch.undo()
    server.stop()


@pytest.fixture
def uri(server: str, request: pytest.FixtureRequest) -> str:
    """A place of the test's own in the bucket."""
    return f"s3://runs/{request.node.name}?scheme=http&endpoint_override={server}"


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


def run_folder(path: Path) -> RunFolder:
    path.mkdir()
    (path / "recipe.yaml").write_text("name: tiny\n")
    (path / "versions.json").write_text("[]")
    Journal.create(path / "journal.log", name="tiny", objectives=("accuracy",), attributes={})
    folder = RunFolder(path)
    folder.curves.append(0, {"epoch": 1, "accuracy": 0.5})
    return folder


def test_the_copy_of_a_run_makes_a_run_folder_elsewhere(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, store = run_folder(tmp_path / "tiny"), ObjectStore(uri).below("tiny")
    mirror = Mirror(store, folder)
    (tmp_path / "old").write_text("a curve of a run of that name before")
    store.put("curves/0007.jsonl", tmp_path / "old")
    mirror.checkpoints.put("of-a-run-before-0.ckpt", tmp_path / "old")
    store.put("journal/000000000000.log", tmp_path / "old")
    write = ObjectStore.write

    def cut(self: ObjectStore, name: str, data: bytes) -> None:
        if name == "journal.log":
            raise RunError("the network is down")
        write(self, name, data)

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "write", cut)
        with pytest.raises(RunError, match="the network is down"):
            mirror.begin()
    mirror.checkpoints.put("of-a-run-before-0.ckpt", tmp_path / "old")
    mirror.begin()
    assert mirror.checkpoints.names() == [], "a run that replaces another must not go on from its weights"
    for name in (JOB.checkpoint, f"{JOB.key}-0.json"):
        mirror.checkpoints.put(name, tmp_path / "old")
    folder.curves.append(0, {"epoch": 2, "accuracy": 0.6})
    folder.curves.append(1, {"epoch": 1, "accuracy": 0.4})
    mirror.ended(0, JOB.checkpoint, (1, 2))
    store.put("../outside.jsonl", tmp_path / "old")
    store.put("notes.txt", tmp_path / "old")
    fetched = fetch(store.uri, tmp_path / "elsewhere")
    assert fetched.path == tmp_path / "elsewhere" / "tiny"
    there = {str(path.relative_to(fetched.path)) for path in fetched.path.rglob("*") if path.is_file()}
    assert there == {"recipe.yaml", "versions.json", "journal.log", "curves/0000.jsonl", "curves/0001.jsonl"}
    assert fetched.curves.read(0) == folder.curves.read(0)
    assert mirror.checkpoints.names() == []
    with pytest.raises(RunError, match="nas resume"):
        fetch(store.uri, tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"must hold recipe\.yaml"):
        fetch(ObjectStore(uri).below("other").uri, tmp_path / "elsewhere")


def test_a_copy_that_went_on_without_its_folder_is_not_lost(uri: str, tmp_path: Path) -> None:
    folder, store = run_folder(tmp_path / "tiny"), ObjectStore(uri).below("tiny")
    mirror = Mirror(store, folder)
    mirror.begin()
    (tmp_path / "weights").write_text("of a trial that began before the first one ended")
    mirror.checkpoints.put(JOB.checkpoint, tmp_path / "weights")
    fetched = fetch(store.uri, tmp_path / "elsewhere")
    again = Mirror(store, fetched)
    again.check_not_ahead()
    again.begin()
    assert mirror.checkpoints.names() == [JOB.checkpoint], "the trial goes on from there"
    add(Journal.open(fetched.journal), candidate())
    again.begin()
    kept = store.names()
    with pytest.raises(RunError, match=r"has gone on without .*tiny; go on with the copy by `nas resume"):
        mirror.check_not_ahead()
    assert store.names() == kept


def test_a_session_that_was_cut_off_does_not_write_over_the_one_that_went_on(uri: str, tmp_path: Path) -> None:
    folder, store = run_folder(tmp_path / "tiny"), ObjectStore(uri).below("tiny")
    first = Mirror(store, folder)
    first.begin()
    fetched = fetch(store.uri, tmp_path / "elsewhere")
    second = Mirror(store, fetched)
    second.check_not_ahead()
    second.begin()
    for own in (fetched, folder):
        add(Journal.open(own.journal), candidate())
    second.ended(0, JOB.checkpoint, ())
    with pytest.raises(RunError, match="one session at a time must go on with a run, but another has begun on"):
        first.ended(0, JOB.checkpoint, ())
    assert fetch(store.uri, tmp_path / "third").journal.read_bytes() == fetched.journal.read_bytes()


def test_each_trial_sends_what_the_journal_has_gained(uri: str, tmp_path: Path) -> None:
    folder, store = run_folder(tmp_path / "tiny"), ObjectStore(uri).below("tiny")
    mirror = Mirror(store, folder)
    mirror.begin()
    journal = Journal.open(folder.journal)
    sizes = [folder.journal.stat().st_size]
    for number in range(3):
        add(journal, candidate())
        mirror.ended(number, JOB.checkpoint, ())
        sizes.append(folder.journal.stat().st_size)
    sent = {name: len(store.read(name) or b"") for name in store.names() if name.startswith("journal")}
    assert sent.pop("journal.log") == sizes[0]
    assert list(sent) == [f"journal/{size:012d}.log" for size in sizes[:-1]]
    assert sum(sent.values()) == sizes[-1] - sizes[0]
    fetched = fetch(store.uri, tmp_path / "elsewhere")
    assert fetched.journal.read_bytes() == folder.journal.read_bytes()
    stale = store.read(next(iter(sent)))
    again = Mirror(store, fetched)
    again.check_not_ahead()
    again.begin()
    assert [name for name in store.names() if name.startswith("journal")] == ["journal.log"]
    store.write(next(iter(sent)), stale or b"")  # As if the session had been cut short before it was deleted.
    assert fetch(store.uri, tmp_path / "third").journal.read_bytes() == folder.journal.read_bytes()


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


def test_a_copy_that_was_fetched_in_part_is_fetched_anew(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, store = run_folder(tmp_path / "tiny"), ObjectStore(uri).below("tiny")
    Mirror(store, folder).begin()
    get = ObjectStore.get

    def failing(self: ObjectStore, name: str, file: Path) -> bool:
        if name == "recipe.yaml":
            raise RunError("the network is down")
        return get(self, name, file)

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "get", failing)
        with pytest.raises(RunError, match="the network is down"):
            fetch(store.uri, tmp_path / "elsewhere")
    fetched = fetch(store.uri, tmp_path / "elsewhere")
    assert fetched.curves.read(0) == folder.curves.read(0)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["tiny"]
