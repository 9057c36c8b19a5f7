"""Run an engine's jobs in this process, one after the other: for tests, small spaces and debugging."""

from pathlib import Path

from nas.errors import one_line
from nas.run.engine import Engine
from nas.run.job import Task
from nas.run.keys import FAILURE, FATAL
from nas.run.work import Work


def run_here(engine: Engine, task: Task, checkpoints: Path) -> bool:
    """Train by one thread until the engine has no more jobs; False if the user interrupted it.

    Raises:
        RunError: a result that ends the run, such as a full disk.
    """
    try:
        while (job := engine.next()) is not None:
            work = Work(task, job, checkpoints, threads=1, warn=engine.listener.said)
            while True:
                try:
                    metrics, done = work.step()
                except Exception as error:  # What breaks a process, which has no other one here to go on in.
                    engine.fail(job.number, f"{type(error).__name__}: {one_line(error)}")
                    break
                if done or FAILURE in metrics or FATAL in metrics:
                    engine.finish(job.number, metrics)
                    break
                if not engine.observe(job.number, metrics):
                    break
    except KeyboardInterrupt:
        return False
    return True
