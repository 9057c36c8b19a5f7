"""Run an engine's jobs on Ray Tune. Tune is a disposable executor: it holds nothing that matters.

A ``Searcher`` hands out the engine's jobs and a ``TrialScheduler`` passes results to it. After a
crash a fresh ``Tuner`` starts on the same journal; ``Tuner.restore`` is never used (its snapshots
are old, and finished trials would be trained again).
"""

import errno
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import ray
from ray import tune
from ray.exceptions import OutOfMemoryError
from ray.tune import CheckpointConfig, FailureConfig, RunConfig, TuneConfig, Tuner
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from nas.errors import RunError
from nas.run.cluster import gpus, guarded, slots, start_ray, wanted
from nas.run.engine import Engine
from nas.run.job import Task
from nas.run.link import Link
from nas.run.object_store import ObjectStore
from nas.run.recipe import ResourcesConfig
from nas.run.surroundings import environment, quiet, undisturbed
from nas.run.trainable import CandidateTrainable, to_config

_ENVIRONMENT: Final = {
    # As many workers as there are places may start at a time: the searcher hands out no more trials.
    "TUNE_MAX_PENDING_TRIALS_PG": "100000",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}


def run_on_ray(
    engine: Engine,
    task: Task,
    checkpoints: Path,
    resources: ResourcesConfig,
    *,
    store: ObjectStore | None = None,
    begun: Callable[[], None] = lambda: None,
) -> bool:
    """Train until the engine has no more jobs.

    Ray is started here, and stopped, unless it is running already or an address is given.

    Args:
        engine: what is trained.
        task: how.
        checkpoints: a folder that every worker must reach, unless there is a store.
        resources: of one trial.
        store: of checkpoints.
        begun: called once Ray is there and has what one trial needs, or where no trial needs it any more.

    Returns:
        False if the user interrupted it.

    Raises:
        RunError: a result that ends the run, such as a full disk, or a cluster that lacks what one
            trial needs.
    """
    if engine.settled():
        engine.listener.said("nothing was left to be trained.")
        begun()
        return True
    if ray.is_initialized():
        return _fit(engine, task, checkpoints, resources, store, begun)
    start_ray(resources)
    try:
        with guarded(engine.listener.said):
            return _fit(engine, task, checkpoints, resources, store, begun, at_once=True)
    finally:
        with undisturbed():
            ray.shutdown()


def _fit(
    engine: Engine,
    task: Task,
    checkpoints: Path,
    resources: ResourcesConfig,
    store: ObjectStore | None,
    begun: Callable[[], None],
    *,
    at_once: bool = False,
) -> bool:
    """Run Tune; with ``at_once`` an interrupt leaves workers in mid-epoch, for a shutdown that follows."""
    # What one trial gets is settled now: a GPU that joins later gives no trial of this session one.
    gpu = gpus(resources)
    resources = replace(resources, gpu=gpu)
    link = Link(engine, slots(resources), lambda: wanted(resources))
    begun()
    trainable = tune.with_parameters(
        CandidateTrainable,
        task=task,
        folder=str(checkpoints.resolve()),
        threads=max(1, int(resources.cpu)),
        store=store,
    )
    trainable = tune.with_resources(trainable, {"cpu": resources.cpu, "gpu": gpu})
    storage = tempfile.mkdtemp(prefix="nas-tune-")
    with environment(_ENVIRONMENT), quiet(), _interruptible(link, at_once=at_once):
        try:
            while not _tuned(trainable, link, storage, resources):
                pass
        except KeyboardInterrupt:
            link.ended = True
            return False
        except Exception as error:
            cause = link.error or error
            if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
                place = cause.filename or storage
                raise RunError(f"no space is left on the disk of {place}; free some, then resume the run.") from error
            raise cause from error
        finally:
            shutil.rmtree(storage, ignore_errors=True)
    # Where Tune took the interrupt itself it returns as ever, and leaves the trials that were under way.
    return engine.finished and not link.numbers


def _tuned(trainable: Any, link: Link, storage: str, resources: ResourcesConfig) -> bool:
    """Run Tune once. False where memory ran out on a machine: Tune takes that for a fault of its own, and gives up."""
    tuner = Tuner(
        trainable,
        tune_config=TuneConfig(
            search_alg=_Searcher(link),
            scheduler=_Scheduler(link),
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=_directory,
        ),
        run_config=RunConfig(
            name="search",
            storage_path=storage,
            verbose=0,
            failure_config=FailureConfig(max_failures=resources.max_failures),
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    try:
        tuner.fit()
    except RuntimeError as error:
        if link.error is not None or not link.numbers or not isinstance(error.__cause__, OutOfMemoryError):
            raise
        link.lose_all(f"{str(error.__cause__).splitlines()[0].rstrip('.')}.", resources.max_failures)
        return False
    return True


class _Searcher(Searcher):
    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]  # FINISHED is text
        if self._link.full():
            return None
        job = self._link.call(self._link.engine.next)
        if job is None:
            return Searcher.FINISHED if self._link.engine.finished else None
        self._link.numbers[trial_id] = job.number
        return to_config(job)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """The scheduler has seen it already."""

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        number = self._link.numbers.pop(trial_id)
        if error or result is None:
            reason = self._link.reasons.pop(trial_id, "its worker ended without a result.")
            self._link.call(self._link.engine.fail, number, reason)
        else:
            self._link.call(self._link.engine.finish, number, self._link.metrics(result))

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        return True

    def save(self, checkpoint_path: str) -> None:
        """Tune's snapshots are never read: the journal is the record."""
        Path(checkpoint_path).write_text("the journal of the run is the record")

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a search is resumed from its journal, not from a snapshot of Tune's")


class _Scheduler(FIFOScheduler):
    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        number, metrics = self._link.numbers[trial.trial_id], self._link.metrics(result)
        goes_on = self._link.call(self._link.engine.observe, number, metrics)
        return TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """The newest trial that waits.

        Tune gives a free worker to the trial that is chosen, and ends the worker that was starting for it. The oldest,
        its own choice, is the one whose worker is starting: with short trials all but one would start for ever.
        """
        numbers = self._link.numbers
        waiting = [
            trial
            for trial in tune_controller.get_live_trials()
            if trial.status == Trial.PENDING and trial.trial_id in numbers
        ]
        return max(waiting, key=lambda trial: numbers[trial.trial_id], default=None)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        # Written by Tune on this machine just before; `trial.get_error` looks on the storage, where it never arrives.
        cause = ray.cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        lines = str(cause).strip().splitlines()
        if "creation task" in lines[0]:
            # No trial is to blame: what is sent to workers cannot be set up there, and never will be.
            self._link.call(_refuse, f"a worker could not be set up: {lines[-1].strip()}")
        detail = lines[0]
        self._link.reasons[trial.trial_id] = f"its worker died {trial.num_failures} times: {detail}"


def _refuse(sentence: str) -> None:
    raise RunError(sentence)


def _directory(trial: Trial) -> str:
    return f"trial-{trial.trial_id}"


@contextmanager
def _interruptible(link: Link, *, at_once: bool) -> Iterator[None]:
    """Let SIGTERM, as batch systems send it, end the run as cleanly as Ctrl-C.

    Tune's own way would wait 10 seconds or more for epochs under way, which a resume trains again
    anyhow; so ``at_once`` its handler is off, and ours raises between calls of the engine.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        if at_once:
            link.interrupt()
        else:
            os.kill(os.getpid(), signal.SIGINT)

    caught = (signal.SIGINT, signal.SIGTERM) if at_once else (signal.SIGTERM,)
    before = {number: signal.signal(number, end) for number in caught}
    try:
        with environment({"TUNE_DISABLE_SIGINT_HANDLER": str(int(at_once))}):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
