"""Ray itself: started here or joined, what it holds, and what to do when it dies."""

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import ray
from ray._private import ray_constants, worker
from ray.exceptions import RayError

# Comes with ray, which puts it on the path.
import psutil  # type: ignore[import-untyped]  # isort: skip

from nas.errors import RunError, one_line
from nas.run.recipe import ResourcesConfig
from nas.run.surroundings import environment

_POLL_SECONDS: Final = 0.5
_KNOCK_SECONDS: Final = 10.0


def start_ray(resources: ResourcesConfig) -> None:
    """Start Ray on this machine, on loopback and without its dashboard, or join a cluster.

    Raises:
        RunError: no cluster answers at the address.
    """
    if resources.address is not None:
        try:
            _knock(resources.address)
            ray.init(address=resources.address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError, RayError) as error:
            raise RunError(
                f"resources.address must be a running Ray cluster, but got {resources.address!r}: {one_line(error)}"
            ) from error
        return
    with _on_loopback():
        # "local": a Ray that runs on this machine for something else is not joined unasked.
        ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)


def _knock(address: str) -> None:
    """Raise an OSError where nothing listens: Ray itself would try for a quarter of an hour."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_KNOCK_SECONDS).close()


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Let the Ray that is started listen on 127.0.0.1 only.

    Ray takes an address of loopback for a mistake and listens to the whole network instead, but
    where it expects single machines (by its switch for Windows and macOS) it keeps to loopback.
    """
    enabled, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        with environment({ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0"}):
            yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = enabled


def gpus(resources: ResourcesConfig) -> float:
    """GPUs of one trial: those asked for, or one where Ray has any."""
    if resources.gpu is not None:
        return resources.gpu
    return 1.0 if ray.cluster_resources().get("GPU", 0) >= 1 else 0.0


def hide_gpus() -> None:
    """In a worker that was given no GPU, keep torch from finding one: Ray no longer does."""
    if not ray.get_gpu_ids():
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def given_gpus() -> float:
    """GPUs, or the share of one, that Ray has given to the worker that this is; 0 outside of Ray's workers."""
    if not ray.is_initialized() or not ray.get_gpu_ids():
        return 0.0
    return float(ray.get_runtime_context().get_assigned_resources().get("GPU", 0.0))


def slots(resources: ResourcesConfig) -> int:
    """Trials that run at once: what was asked for, at most what Ray's machines can hold.

    Raises:
        RunError: not even one trial fits.
    """
    fits = wanted(resources)
    if fits < 1:
        total, machines = ray.cluster_resources(), sum(node["Alive"] for node in ray.nodes())
        raise RunError(
            f"one trial needs cpu={resources.cpu:g} and gpu={gpus(resources):g}, "
            f"but Ray has cpu={total.get('CPU', 0):g} and gpu={total.get('GPU', 0):g}"
            f"{f' on {machines} machines, none of which holds it' if machines > 1 else ''}."
        )
    return fits


def wanted(resources: ResourcesConfig) -> int:
    """As :func:`slots`, but 0 where Ray's machines hold no trial now."""
    fits = places(resources)
    return min(fits, resources.concurrency or fits)


def places(resources: ResourcesConfig) -> int:
    """Trials that Ray's machines hold; each is on one machine: three cores on each of three hold three of two cores."""
    each = gpus(resources)
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return sum(_held(machine, resources.cpu, each) for machine in machines)


def _held(machine: Mapping[str, float], cpu: float, gpu: float) -> int:
    """Trials that one machine holds; a share of a GPU is of one GPU: two thirds and two thirds of it are two GPUs."""
    fits = []
    if cpu:
        fits.append(_times(machine.get("CPU", 0), cpu))
    if gpu:
        held = machine.get("GPU", 0)
        fits.append(int(held) * _times(1, gpu) if gpu < 1 else _times(held, gpu))
    return min(fits)


def _times(whole: float, part: float) -> int:
    return int(whole / part + 1e-9)


@contextmanager
def guarded(say: Callable[[str], None]) -> Iterator[None]:
    """End this process, with one sentence, when a server process of the Ray that was started here dies.

    Ray would hang for a minute and then end the process itself. There is no way out but this one:
    its calls block outside of Python. All that matters is in the run folder by then.
    """
    node: Any = worker._global_node  # Ray says that it is None, which it is before `init`.
    # Ray's agents outlive a dead head by a minute; what else it starts ends with its parent.
    agents = _agents(node)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            dead = [name for name, _ in node.dead_processes()] if node else []
            if dead and not done.is_set():
                say(f"Ray's process {dead[0]} died, so this session ends; resume the run, nothing is lost.")
                node.kill_all_processes(check_alive=False, allow_graceful=False)
                for agent in agents:
                    with suppress(psutil.NoSuchProcess):  # It knows a number that was given to another process.
                        agent.kill()
                sys.stderr.flush()
                os._exit(2)

    thread = threading.Thread(target=watch, name="ray-guard", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _agents(node: Any) -> list[psutil.Process]:
    """The processes below Ray's node manager; none where it was not started here."""
    servers = node.all_processes.get("raylet", []) if node else []
    return [agent for server in servers for agent in psutil.Process(server.process.pid).children()]
