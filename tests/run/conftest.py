"""What tests of several workers share."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def one_ray() -> Iterator[None]:
    """A Ray of four cores for a whole file."""
    import ray

    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Host and port of a server with an empty bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

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
