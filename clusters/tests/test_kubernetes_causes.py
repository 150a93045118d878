"""Why a pod waits or has ended, where no recording shows it: as the API's documentation and real clusters have it."""

from typing import Any

import pytest

from clusters.runtimes.base import Cause, Observed, Owner, Phase
from clusters.runtimes.kubernetes_names import place_in
from clusters.runtimes.kubernetes_observed import of_job

PLACE = place_in("hv-org-7", "run-1", Owner("0123456789abcdef", "fedcba"))
JOB: dict[str, Any] = {"metadata": {"uid": "u"}, "spec": {"suspend": False}, "status": {}}
FAILED_JOB = JOB | {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
DELETED = {"deletionTimestamp": "2026-11-23T14:35:21Z"}


def pod(phase: str, state: Any = None, meta: Any = None, **status: Any) -> dict[str, Any]:
    statuses = [{"name": "istio-proxy", "state": {"running": {}}}]
    if state is not None:
        statuses.append({"name": "main", "state": state})
    return {"metadata": meta or {}, "status": {"phase": phase, "containerStatuses": statuses} | status}


def told(pod: dict[str, Any], job: dict[str, Any] = JOB) -> Observed:
    return of_job(job, [pod], PLACE)


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return pod("Pending", {"waiting": {"reason": reason, "message": message}})


def condition(kind: str, status: str, reason: str, message: str = "") -> list[dict[str, str]]:
    return [{"type": kind, "status": status, "reason": reason, "message": message}]


@pytest.mark.parametrize(
    ("reason", "message", "cause"),
    [
        ("ContainerCreating", "", None),
        ("PodInitializing", "", None),
        ("InvalidImageName", "", Cause.IMAGE_NOT_FOUND),
        ("ErrImageNeverPull", "", Cause.IMAGE_NOT_FOUND),
        ("ErrImagePull", "docker.io/library/nope:1: not found", Cause.IMAGE_NOT_FOUND),
        ("ErrImagePull", "manifest unknown: manifest unknown", Cause.IMAGE_NOT_FOUND),
        (
            "ErrImagePull",
            "pull access denied, repository does not exist or may require authorization",
            Cause.IMAGE_PULL_DENIED,
        ),
        ("ErrImagePull", "unexpected status from HEAD request: 401 Unauthorized", Cause.IMAGE_PULL_DENIED),
        ("ErrImagePull", "dial tcp 10.0.0.1:443: i/o timeout", Cause.IMAGE_PULL_FAILED),
        ("ImagePullBackOff", "", Cause.IMAGE_PULL_FAILED),
        ("CreateContainerConfigError", 'secret "x" not found', Cause.START_REFUSED),
        ("CreateContainerError", "", Cause.START_REFUSED),
        ("RunContainerError", "", Cause.START_REFUSED),
    ],
)
def test_a_container_that_waits_is_starting_with_its_cause(
    reason: str, message: str, cause: Cause | None
) -> None:
    seen = told(waiting(reason, message))
    assert (seen.phase, seen.cause) == (Phase.STARTING, cause)
    assert ("until the time for starting is over" in seen.detail) is (cause is not None)
    assert not message or message not in seen.detail


@pytest.mark.parametrize(
    ("reason", "message", "detail"),
    [
        (
            "Unschedulable",
            "0/2 nodes are available: 2 Insufficient cpu, 1 Insufficient memory.",
            "CPU and memory",
        ),
        ("Unschedulable", "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. x", "GPUs free"),
        ("Unschedulable", "0/1 nodes are available: 1 Insufficient example.com/<b>.", "something free"),
        ("Unschedulable", "0/1 nodes are available: 1 node(s) had untolerated taint {a: b}.", "set aside"),
        ("Unschedulable", "no nodes available to schedule pods", "none is ready"),
        ("SchedulingGated", "", "holds it back"),
    ],
)
def test_a_pod_without_a_node_says_what_lacks(reason: str, message: str, detail: str) -> None:
    seen = told(pod("Pending", conditions=condition("PodScheduled", "False", reason, message)))
    assert (seen.phase, seen.cause) == (Phase.STARTING, Cause.ENGINE_FULL)
    assert detail in seen.detail


TERMINATED = {"terminated": {"exitCode": 137, "reason": "Error", "startedAt": None, "finishedAt": None}}


@pytest.mark.parametrize(
    "reason",
    [
        "PreemptionByScheduler",
        "DeletionByTaintManager",
        "DeletionByPodGC",
        "EvictionByEvictionAPI",
        "TerminationByKubelet",
        "SomethingNew",
    ],
)
def test_a_disrupted_pod_was_evicted_also_while_it_still_goes(reason: str) -> None:
    conditions = condition("DisruptionTarget", "True", reason)
    going = told(pod("Running", {"running": {}}, DELETED, conditions=conditions))
    assert (going.phase, going.cause) == (Phase.STOPPING, Cause.EVICTED)
    gone = told(pod("Failed", TERMINATED, DELETED, conditions=conditions))
    assert (gone.phase, gone.cause, gone.exit_code) == (Phase.ENDED, Cause.EVICTED, 137)


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("Evicted", Cause.EVICTED),
        ("NodeLost", Cause.EVICTED),
        ("Terminated", Cause.EVICTED),
        ("UnexpectedAdmissionError", Cause.EVICTED),
        ("OutOfcpu", Cause.ENGINE_FULL),
        ("OutOfnvidia.com/gpu", Cause.ENGINE_FULL),
        ("", None),
    ],
)
def test_a_failed_pod_whose_container_is_not_known_to_have_ended_waits_for_its_job(
    reason: str, cause: Cause | None
) -> None:
    failed = pod("Failed", reason=reason, message="x")
    assert told(failed).phase is Phase.STOPPING
    seen = told(failed, FAILED_JOB)
    assert (seen.phase, seen.cause, seen.exit_code) == (Phase.ENDED, cause, None)
    assert seen.detail


def test_a_command_that_could_not_be_started_never_started() -> None:
    terminated = {"exitCode": 128, "reason": "StartError", "startedAt": "1970-01-01T00:00:00Z"}
    seen = told(pod("Failed", {"terminated": terminated}))
    assert (seen.phase, seen.cause, seen.started_at) == (Phase.ENDED, Cause.START_REFUSED, None)


def test_our_container_counts_and_none_that_the_cluster_put_beside_it() -> None:
    assert told(pod("Running", {"waiting": {"reason": "ErrImagePull"}})).phase is Phase.STARTING
    terminated = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    seen = told(pod("Running", terminated))
    assert (seen.phase, seen.exit_code) == (Phase.ENDED, 0)


def test_of_two_pods_the_one_that_lives_counts() -> None:
    ended, running = pod("Failed", TERMINATED), pod("Running", {"running": {}})
    assert of_job(JOB, [running, ended], PLACE).phase is Phase.RUNNING


def test_a_job_that_is_deleted_is_stopping_whatever_its_pod_says() -> None:
    deleted = JOB | {"metadata": DELETED}
    for state in (TERMINATED, {"running": {}}, {"waiting": {}}):
        assert told(pod("Running", state), deleted).phase is Phase.STOPPING


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"status": 3},
        {"status": {"phase": ["Running"], "containerStatuses": {}}},
        {"metadata": [], "status": {"containerStatuses": [{"name": "main", "state": []}, 3]}},
        pod("Failed", {"terminated": {"exitCode": "x", "startedAt": "9999-12-31T23:59:59-12:00"}}),
    ],
)
def test_garbage_in_a_pod_is_no_crash(garbage: dict[str, Any]) -> None:
    assert told(garbage).exit_code is None
