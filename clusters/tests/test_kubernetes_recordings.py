"""What a real control plane was recorded to say, and how we read it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clusters.runtimes.base import Cause, Observed, Owner, Phase
from clusters.runtimes.http import Answer
from clusters.runtimes.kubernetes_capacity import capacity_of, is_usable
from clusters.runtimes.kubernetes_names import CLUSTER, INSTALLATION, RUN, place_in
from clusters.runtimes.kubernetes_observed import observed, of_job
from clusters.runtimes.kubernetes_refusals import Refusal, failure_of_refusal, refusal_of
from clusters.runtimes.kubernetes_streams import Changes

from .kubernetes_recordings import DATA, EXCHANGES
from .kubernetes_refusing import Json, expired, forbidden

OWNER = Owner("0123456789abcdef", "fedcba")
PLACE = place_in("hv-org-7", "run-1", OWNER)


def answer(what: str) -> Answer:
    return Answer(EXCHANGES[what]["status"], EXCHANGES[what]["response"])


def seen(job: str, pod: str | None) -> Observed:
    pods = EXCHANGES[pod]["response"]["items"] if pod else []
    return of_job(EXCHANGES[job]["response"], pods, PLACE)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-23T{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("job", "pod", "expected"),
    [
        ("job-created", None, {"phase": Phase.STARTING, "detail": "The cluster has not made its pod yet."}),
        ("job-active", "pod-pending-scheduled", {"phase": Phase.STARTING}),
        ("job-active", "pod-running", {"phase": Phase.RUNNING, "started_at": at("14:35:06")}),
        (
            "job-active",
            "pod-succeeded",
            {
                "phase": Phase.ENDED,
                "started_at": at("14:35:06"),
                "ended_at": at("14:35:08"),
                "exit_code": 0,
            },
        ),
        (
            "job-complete",
            "pod-gone-empty-list",
            {
                "phase": Phase.ENDED,
                "started_at": at("14:35:04"),
                "ended_at": at("14:35:08"),
                "exit_code": 0,
            },
        ),
        (
            "job-active",
            "pod-failed-exit-3",
            {
                "phase": Phase.ENDED,
                "started_at": at("14:35:11"),
                "ended_at": at("14:35:12"),
                "exit_code": 3,
            },
        ),
        (
            "job-failed-backoff-limit",
            "pod-gone-empty-list",
            {
                "phase": Phase.ENDED,
                "ended_at": at("14:35:13"),
                "detail": "Its exit code is not known: its pod was deleted by somebody else.",
            },
        ),
        (
            "job-failed-backoff-limit",
            "pod-oom-killed",
            {
                "phase": Phase.ENDED,
                "started_at": at("14:35:11"),
                "ended_at": at("14:35:12"),
                "exit_code": 137,
                "cause": Cause.OUT_OF_MEMORY,
                "detail": "It used more memory than it had asked for, and was killed.",
            },
        ),
        (
            "job-active",
            "pod-image-pull-backoff",
            {
                "phase": Phase.STARTING,
                "cause": Cause.IMAGE_PULL_FAILED,
                "detail": "The image could not be pulled. "
                "The cluster keeps trying until the time for starting is over.",
            },
        ),
        (
            "job-active",
            "pod-unschedulable",
            {
                "phase": Phase.STARTING,
                "cause": Cause.ENGINE_FULL,
                "detail": "No node of the cluster has enough GPUs free.",
            },
        ),
        (
            "job-active",
            "pod-evicted",
            {
                "phase": Phase.ENDED,
                "started_at": at("14:35:11"),
                "ended_at": at("14:35:13"),
                "exit_code": 137,
                "cause": Cause.EVICTED,
                "detail": "Evicted. Its node ran short of memory.",
            },
        ),
        ("job-being-deleted", "pod-running", {"phase": Phase.STOPPING, "started_at": at("14:35:06")}),
        ("job-being-deleted", "pod-gone-empty-list", {"phase": Phase.STOPPING}),
    ],
)
def test_a_recorded_job_and_its_pod_are_told_as(job: str, pod: str | None, expected: dict[str, Any]) -> None:
    assert seen(job, pod) == Observed("run-1", PLACE.handle, **expected)


def labelled(thing: Json, run: str) -> Json:
    labels = {INSTALLATION: OWNER.installation, CLUSTER: OWNER.cluster, RUN: run}
    return thing | {"metadata": thing["metadata"] | {"labels": labels}}


def test_a_pod_that_lost_its_job_is_stopping_until_it_has_ended() -> None:
    running = labelled(EXCHANGES["pod-terminating"]["response"]["items"][0], "run-8")
    assert [found.phase for found in observed([], [running], OWNER)] == [Phase.STOPPING]
    ended = labelled(EXCHANGES["pod-succeeded"]["response"]["items"][0], "run-1")
    assert observed([], [ended], OWNER) == ()


def test_jobs_of_others_are_not_seen() -> None:
    theirs = EXCHANGES["list-jobs-all-namespaces-by-label"]["response"]["items"]
    assert observed(theirs, [], OWNER) == ()


def test_times_are_corrected_by_the_clocks_difference() -> None:
    job = labelled(EXCHANGES["job-active"]["response"], "run-1")
    pod = EXCHANGES["pod-running"]["response"]["items"][0]
    (found,) = observed([job], [pod], OWNER, timedelta(minutes=5))
    assert found.started_at == at("14:30:06")


@pytest.mark.parametrize(
    ("what", "kind", "permanent", "says"),
    [
        ("job-exists-409", Refusal.EXISTS, None, ""),
        ("job-gone-404", Refusal.ABSENT, None, ""),
        ("job-delete-404", Refusal.ABSENT, None, ""),
        ("job-invalid-422", Refusal.INVALID, True, "refused the image's name"),
        ("job-bad-name-422", Refusal.INVALID, True, "not valid"),
        ("job-unknown-field-strict-400", Refusal.INVALID, True, "1.29 or newer"),
        ("job-malformed-quantity-400", Refusal.INVALID, True, "not valid"),
        ("job-quota-exceeded-403", Refusal.QUOTA, False, "quota"),
        ("no-credentials", Refusal.OTHER, False, "no right to create jobs"),
        ("bad-token-401", Refusal.OTHER, False, "token is not valid or has expired"),
        ("no-rights-403", Refusal.OTHER, False, "no right to create jobs"),
        ("create-in-terminating-namespace-403", Refusal.TERMINATING, False, "being deleted"),
    ],
)
def test_a_recorded_refusal_means(what: str, kind: Refusal, permanent: bool | None, says: str) -> None:
    assert refusal_of(answer(what)) is kind
    if permanent is not None:
        failure = failure_of_refusal(answer(what), "create jobs")
        assert failure.permanent is permanent
        assert says in str(failure)
        assert "run-1" not in str(failure)


def test_the_recorded_nodes_come_to_their_allocatable_together() -> None:
    nodes = EXCHANGES["nodes-with-allocatable"]["response"]["items"]
    assert capacity_of(filter(is_usable, nodes)) == (64_000, 2 * 128 * 1024, 16_000)


@pytest.mark.parametrize(
    "spec",
    [
        {"unschedulable": True},
        {"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]},
    ],
)
def test_a_node_that_takes_nothing_counts_for_nothing(spec: Json) -> None:
    node = EXCHANGES["nodes-with-allocatable"]["response"]["items"][0]
    assert not is_usable(node | {"spec": spec})


class Pieces:
    """A stream of bytes that were recorded, cut where no line ends."""

    status = 200

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Any:
        return (self._content[start : start + 1000] for start in range(0, len(self._content), 1000))

    def close(self) -> None:
        """Nothing to close."""


def test_the_recorded_watch_gives_a_piece_for_each_event_and_none_for_its_bookmark() -> None:
    content = (DATA / "watch.jsonl").read_bytes()
    assert len(list(Changes(Pieces(content)))) == content.count(b'"MODIFIED"') + content.count(b'"ADDED"')


def test_an_expired_page_and_a_policy_are_no_other_refusals() -> None:
    assert refusal_of(Answer(410, expired().body)) is Refusal.ABSENT
    policy = forbidden("jobs", "run-1", 'violates PodSecurity "restricted:latest"')
    assert failure_of_refusal(Answer(403, policy.body), "create jobs").permanent
