"""The files of docs/cluster.md: against Ray's schema, KubeRay's published types, and this repository."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "docs" / "cluster"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

# The fields of KubeRay v1.5 as its Go types name them (ray-operator/apis/ray/v1/rayjob_types.go, raycluster_types.go),
# required ones first; the custom resource definition itself is not at hand offline. Kubernetes' own types (pods) are
# checked as far as this file uses them.
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "job": (
        {"entrypoint", "rayClusterSpec"},
        {
            *("activeDeadlineSeconds", "backoffLimit", "submitterPodTemplate", "metadata", "clusterSelector"),
            *("submitterConfig", "managedBy", "deletionStrategy", "runtimeEnvYAML", "jobId", "submissionMode"),
            *("entrypointResources", "entrypointNumCpus", "entrypointNumGpus", "ttlSecondsAfterFinished"),
            *("shutdownAfterJobFinishes", "suspend"),
        },
    ),
    "cluster": (
        {"headGroupSpec", "rayVersion"},
        {
            *("workerGroupSpecs", "enableInTreeAutoscaling", "autoscalerOptions", "headServiceAnnotations", "suspend"),
            *("authOptions", "gcsFaultToleranceOptions", "managedBy", "upgradeStrategy"),
        },
    ),
    "head": (
        {"rayStartParams", "template"},
        {"serviceType", "headService", "enableIngress", "resources", "labels"},
    ),
    "worker": (
        {"groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"},
        {"replicas", "numOfHosts", "scaleStrategy", "suspend", "idleTimeoutSeconds", "resources", "labels"},
    ),
    "container": (
        {"name", "image"},
        {"resources", "volumeMounts", "env", "envFrom", "command", "args", "ports", "securityContext", "workingDir"},
    ),
    "volume": ({"name"}, {"persistentVolumeClaim", "emptyDir", "nfs", "hostPath"}),
    "mount": ({"name", "mountPath"}, {"readOnly", "subPath"}),
}


def check(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    required, optional = FIELDS[kind]
    assert required <= set(value), f"{kind} lacks {required - set(value)}"
    assert set(value) <= required | optional, f"{kind} has unknown {set(value) - required - optional}"
    return value


def rayjob() -> dict[str, Any]:
    return yaml.safe_load((CLUSTER / "rayjob.yaml").read_text())


def test_the_cluster_file_meets_rays_schema() -> None:
    config = yaml.safe_load((CLUSTER / "ray-cluster.yaml").read_text())
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(config, schema)
    assert config["head_node_type"] in config["available_node_types"]
    commands = " ".join(config["head_start_ray_commands"] + config["worker_start_ray_commands"])
    assert commands.count("RAY_AUTH_MODE=token") == 2 and "--dashboard-host=127.0.0.1" in commands
    config["docker"]["imagee"] = "x"
    with pytest.raises(jsonschema.ValidationError, match="imagee"):
        jsonschema.validate(config, schema)


def test_the_job_has_the_fields_of_kuberays_types() -> None:
    job = rayjob()
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob") and job["metadata"]["name"]
    cluster = check("cluster", check("job", job["spec"])["rayClusterSpec"])
    assert cluster["authOptions"] == {"mode": "token"}
    head = check("head", cluster["headGroupSpec"])
    workers = [check("worker", worker) for worker in cluster["workerGroupSpecs"]]
    for group in (head, *workers):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values()), "start parameters are text"
        pod = group["template"]["spec"]
        volumes = {check("volume", volume)["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            check("container", container)
            assert {check("mount", mount)["name"] for mount in container["volumeMounts"]} == volumes
            assert set(container["resources"]) <= {"requests", "limits"}
            for amounts in container["resources"].values():
                assert all(re.fullmatch(r"\d+(\.\d+)?(m|Mi|Gi)?", amount) for amount in amounts.values()), amounts
    for worker in workers:
        assert worker["minReplicas"] <= worker["replicas"] <= worker["maxReplicas"]


def test_versions_and_commands_are_those_of_this_repository() -> None:
    spec = rayjob()["spec"]
    bound = re.search(r'"ray\[tune\]>=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    lowest, named = (tuple(map(int, text.split("."))) for text in (bound[1], spec["rayClusterSpec"]["rayVersion"]))  # type: ignore[index]
    assert lowest <= named, "the image holds a Ray that this package can use"
    options = re.findall(r"--[a-z-]+", spec["entrypoint"])
    source = (ROOT / "nas" / "cli" / "search.py").read_text()
    names = set(re.findall(r'"(--[a-z-]+)"', source)) | {"--out", "--address", "--trials", "--name"}
    assert set(options) <= names
    for name in re.findall(r"--set ([a-z_.]+)=", spec["entrypoint"]):
        section = name.split(".")[0]
        assert section in {"data", "resources", "training", "budget", "stop"}
    assert (ROOT / "runs" / "imagenet.yaml").is_file() and "search imagenet" in spec["entrypoint"]


def test_the_dockerfile_copies_what_is_there() -> None:
    text = (ROOT / "Dockerfile").read_text()
    for line in text.splitlines():
        if line.startswith("COPY "):
            for source in line.split()[1:-1]:
                assert list(ROOT.glob(source)), source
    copied = {source.split("/")[0] for line in text.splitlines() if line.startswith("COPY") for source in line.split()}
    assert {"nas", "search_spaces", "analysis", "runs", "pyproject.toml"} <= copied
    assert "USER nas" in text
