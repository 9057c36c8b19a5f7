"""The copy of a run in an object store, and the run folder that another machine makes of it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import toys
from journal_tools import add, candidate
from pyarrow.fs import FileSystem

from nas.errors import RunError
from nas.journal import Journal
from nas.run.folder import RunFolder
from nas.run.job import Job
from nas.run.mirror import Mirror, fetch
from nas.run.object_store import ObjectStore

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of moto's and botocore's
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

JOB = Job(number=3, architecture=toys.SPACE.reference, key="0123456789abcdef", seed=0)


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
    mirror.ended(0, JOB.files, (1, 2))
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
    second.ended(0, JOB.files, ())
    with pytest.raises(RunError, match="one session at a time must go on with a run, but another has begun on"):
        first.ended(0, JOB.files, ())
    assert fetch(store.uri, tmp_path / "third").journal.read_bytes() == fetched.journal.read_bytes()


def test_a_trial_that_ends_costs_few_requests(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver waits for them: curves that have not grown are not sent again, and one client does it all."""
    folder, store = run_folder(tmp_path / "tiny"), ObjectStore(uri).below("tiny")
    mirror = Mirror(store, folder)
    mirror.begin()
    for number in range(8):
        folder.curves.append(number, {"epoch": 2, "accuracy": 0.6})
    put: list[str] = []
    clients: list[str] = []
    write, made = ObjectStore.write, FileSystem.from_uri

    def watched(self: ObjectStore, name: str, data: bytes) -> None:
        put.append(name)
        write(self, name, data)

    def counted(uri: str) -> object:
        clients.append(uri)
        return made(uri)

    monkeypatch.setattr(ObjectStore, "write", watched)
    monkeypatch.setattr("nas.run.object_store.FileSystem", SimpleNamespace(from_uri=counted))
    journal = Journal.open(folder.journal)
    for number in range(8):
        add(journal, candidate())
        mirror.ended(number, JOB.files, tuple(range(number + 1, 8)))
        folder.curves.append(7, {"epoch": number + 3, "accuracy": 0.6})
    curves = [name for name in put if name.startswith("curves")]
    assert curves == [f"curves/{number:04d}.jsonl" for number in range(8)] + ["curves/0007.jsonl"] * 7
    assert len(clients) <= 2, "one for the run, one for its checkpoints"


def test_each_trial_sends_what_the_journal_has_gained(uri: str, tmp_path: Path) -> None:
    folder, store = run_folder(tmp_path / "tiny"), ObjectStore(uri).below("tiny")
    mirror = Mirror(store, folder)
    mirror.begin()
    journal = Journal.open(folder.journal)
    sizes = [folder.journal.stat().st_size]
    for number in range(3):
        add(journal, candidate())
        mirror.ended(number, JOB.files, ())
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
