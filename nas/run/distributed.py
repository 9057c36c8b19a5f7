"""Run an engine's jobs one after the other, each shared by several workers of Ray Train's ``TorchTrainer``.

Ray Train starts the workers, joins them in torch's process group and starts them again when one dies.
The first worker keeps checkpoint and metrics as a search's worker does (``nas.run.work``), and sends
its reports through a queue, for Ray Train gives the driver none before the end.
"""

import logging
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig, get_context
from ray.train.torch import TorchTrainer
from ray.util.queue import Empty, Queue
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from nas.errors import NasError, RunError, one_line
from nas.run.cluster import gpus, hide_gpus, places, start_ray
from nas.run.engine import Engine
from nas.run.job import Job, Session
from nas.run.keys import FAILURE, FATAL
from nas.run.recipe import ResourcesConfig
from nas.run.surroundings import undisturbed
from nas.run.work import OF_THE_RUN, Work, fatal
from nas.training.team import Team

_POLL_SECONDS = 1.0
"""Between looks at whether the workers still run."""
_PATIENCE = 10
"""Times that Ray Train looks, for a minute each, for places that something else holds; its default is for ever."""


class SharedTask(Protocol):
    """A task whose jobs several processes can train together."""

    @property
    def epochs(self) -> int:
        """Steps of a full training."""

    def open(self, job: Job, *, threads: int, team: Team) -> Session:
        """This process's session of a job."""


def run_distributed(
    engine: Engine, task: SharedTask, checkpoints: Path, resources: ResourcesConfig, *, workers: int
) -> bool:
    """Train until the engine has no more jobs; False if the user interrupted it.

    Args:
        engine: what is trained.
        task: how.
        checkpoints: a folder that every worker must reach.
        resources: of one worker.
        workers: of each job.

    Raises:
        RunError: Ray lacks what the workers need, or a result ends the run.
    """
    own = not ray.is_initialized()
    if own:
        start_ray(resources)
    try:
        _check(resources, workers)
        logging.getLogger("ray.train").setLevel(logging.CRITICAL)  # What matters is told by the engine's listener.
        shared = ray.put(task)
        with _terminate_as_interrupt():
            while (job := engine.next()) is not None:
                _train(engine, job, shared, checkpoints, resources, workers)
    except KeyboardInterrupt:
        return False
    finally:
        if own:
            with undisturbed():
                ray.shutdown()
    return engine.finished


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM, as batch systems send it, end the run as cleanly as Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check(resources: ResourcesConfig, workers: int) -> None:
    total, gpu = ray.cluster_resources(), gpus(resources)
    for kind, each in (("CPU", resources.cpu), ("GPU", gpu)):
        if workers * each > total.get(kind, 0) + 1e-9:
            raise RunError(
                f"{workers} workers need {kind.lower()}={workers * each:g}, "
                f"but Ray has {kind.lower()}={total.get(kind, 0):g}."
            )
    if workers > (fit := places(resources)):
        raise RunError(
            f"{workers} workers of cpu={resources.cpu:g} and gpu={gpu:g} each must fit on Ray's machines, "
            f"but there are places for {fit}."
        )


def _train(engine: Engine, job: Job, task: Any, checkpoints: Path, resources: ResourcesConfig, workers: int) -> None:
    """Train one job and tell the engine."""
    checkpoints.mkdir(parents=True, exist_ok=True)
    gpu = gpus(resources)
    storage = checkpoints.resolve() / "ray-train"
    told = _told(checkpoints.resolve(), job)
    told.unlink(missing_ok=True)
    # On this node: an actor that asks for no cores may be put anywhere, and would be lost with a worker's machine.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
    trainer = TorchTrainer(
        _work,
        train_loop_config={
            "task": [task],  # In a list it stays a reference, and is not sent with the configuration.
            "job": job,
            "folder": checkpoints.resolve(),
            "threads": max(1, int(resources.cpu)),
            "queue": queue,
        },
        scaling_config=ScalingConfig(
            num_workers=workers,
            use_gpu=gpu > 0,
            resources_per_worker={"CPU": resources.cpu, **({"GPU": gpu} if gpu else {})},
        ),
        run_config=RunConfig(
            name=job.checkpoint,
            storage_path=str(storage),
            # Ray Train asks torch for GPUs before our loop could hide them: `--gpu 0` must be there from the start.
            worker_runtime_env=None if gpu else {"env_vars": {"CUDA_VISIBLE_DEVICES": ""}},
            failure_config=FailureConfig(  # Its static type is that of the first Ray Train, which has no such limit.
                max_failures=resources.max_failures,
                controller_failure_limit=_PATIENCE,  # type: ignore[call-arg]
            ),
        ),
    )
    errors: list[BaseException] = []

    def fit() -> None:
        try:
            trainer.fit()
        except (Exception, SystemExit) as error:  # The latter where Ray is shut down, as after Ctrl-C.
            errors.append(error)

    thread = threading.Thread(target=fit, name="ray-train", daemon=True)
    thread.start()
    try:
        try:
            if not _listen(engine, job, queue, thread):
                reason = _reason(errors[0]) if errors else "its workers ended without a result."
                engine.fail(job.number, reason)
        except RunError:
            if told.exists():  # The worker that told of it ends the team; of a fault of the driver's own none knows.
                thread.join()
            raise
        thread.join()
    finally:
        queue.shutdown(force=True)
        shutil.rmtree(storage, ignore_errors=True)
        told.unlink(missing_ok=True)


def _told(folder: Path, job: Job) -> Path:
    """Stands where a worker has told the driver how the job ended."""
    return folder / f"{job.checkpoint}.told"


def _listen(engine: Engine, job: Job, queue: Queue, thread: threading.Thread) -> bool:
    """Pass reports on to the engine; whether there was a last one."""
    while True:
        alive = thread.is_alive()
        try:
            metrics, done = queue.get(timeout=_POLL_SECONDS)
        except Empty:
            if not alive:
                return False
            continue
        if done or FAILURE in metrics or FATAL in metrics:
            engine.finish(job.number, metrics)
            return True
        engine.observe(job.number, metrics)


def _reason(error: BaseException) -> str:
    failures = getattr(error, "worker_failures", None) or {0: error}
    return one_line(next(iter(failures.values())))


def _work(config: dict[str, Any]) -> None:
    """The loop of one worker."""
    hide_gpus()
    context = get_context()
    team = Team(rank=context.get_world_rank(), size=context.get_world_size())
    task: SharedTask = ray.get(config["task"][0])
    job, folder, queue = config["job"], config["folder"], config["queue"]
    if _told(folder, job).exists():
        return  # Ray Train starts a team again whose worker failed, but how the job ended is known.
    if team.rank > 0:
        try:
            _follow(task.open(job, threads=config["threads"], team=team), folder / job.checkpoint, task.epochs)
        except NasError as error:  # As missing data or memory, which it would miss again.
            _told(folder, job).touch()
            queue.put((fatal(error) if isinstance(error, OF_THE_RUN) else {FAILURE: str(error)}, True))
            raise
        return
    work = Work(_First(task, team), job, folder, threads=config["threads"], warn=_refuse)
    while True:
        metrics, done = work.step()
        failed = FAILURE in metrics or FATAL in metrics
        if failed:
            _told(folder, job).touch()
        queue.put((metrics, done))
        if failed:
            # The others may wait for this worker's gradients: an error makes Ray Train end them.
            raise RuntimeError("the first worker has told the driver why it cannot go on.")
        if done:
            # Not before the report: should another worker be lost from here on, the team that Ray Train starts again
            # has nothing to do.
            _told(folder, job).touch()
            return


def _follow(session: Session, checkpoint: Path, epochs: int) -> None:
    """Train beside the first worker, which alone reports."""
    if checkpoint.exists():
        session.load(checkpoint)
    while session.epoch < epochs:
        session.step()


class _First:
    """The task of the first worker."""

    def __init__(self, task: SharedTask, team: Team) -> None:
        self._task = task
        self._team = team

    @property
    def epochs(self) -> int:
        return self._task.epochs

    def open(self, job: Job, *, threads: int) -> Session:
        return self._task.open(job, threads=threads, team=self._team)


def _refuse(message: str) -> None:
    # One worker cannot start again on its own: the others are at the checkpoint's epoch.
    raise RuntimeError(message)
