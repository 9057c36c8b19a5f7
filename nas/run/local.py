"""Run an engine's jobs in this process, one after the other: for tests, small spaces and debugging."""

from pathlib import Path

from nas.errors import RunError, one_line
from nas.run.engine import Engine
from nas.run.job import Task
from nas.run.keys import FAILURE, FATAL
from nas.run.work import BROKEN_DEVICE, Work, says


def run_here(engine: Engine, task: Task, checkpoints: Path) -> bool:
    """Train by one thread until the engine has no more jobs; False if the user interrupted it.

    Raises:
        RunError: a result that ends the run, such as a full disk; or a trial failed by an error of CUDA, after which no
            other one could succeed in this process.
    """
    try:
        while (job := engine.next()) is not None:
            work = Work(task, job, checkpoints, threads=1, warn=engine.listener.said)
            while True:
                try:
                    metrics, done = work.step()
                except Exception as error:  # What asks for another process, of which there is none here.
                    reason = f"{type(error).__name__}: {one_line(error)}"
                    engine.fail(job.number, reason)
                    if says(error, BROKEN_DEVICE):
                        raise RunError(
                            f"trial {job.number} has failed and left this process unable to compute: "
                            f"{reason.rstrip('.')}; go on in a new one."
                        ) from error
                    break
                if done or FAILURE in metrics or FATAL in metrics:
                    engine.finish(job.number, metrics)
                    break
                if not engine.observe(job.number, metrics):
                    break
    except KeyboardInterrupt:
        return False
    return True
