"""What a real control plane was recorded to say: our reading of it, and that the double says it in the same shape."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clusters.runtimes.base import Cause, Observed, Owner, Phase
from clusters.runtimes.http import Answer
from clusters.runtimes.kubernetes_capacity import capacity_of, is_usable
from clusters.runtimes.kubernetes_names import CLUSTER, INSTALLATION, RUN, place_in
from clusters.runtimes.kubernetes_observed import observed, of_job
from clusters.runtimes.kubernetes_refusals import Refusal, failure_of_refusal, refusal_of
from clusters.runtimes.kubernetes_streams import Changes

from .kubernetes_refusing import Json, Refused, expired, forbidden, without_right
from .kubernetes_store import Store

DATA = Path(__file__).parent / "data" / "kubernetes"
EXCHANGES = {
    exchange["what"]: exchange
    for exchange in map(json.loads, (DATA / "exchanges.jsonl").read_text().splitlines())
}
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


def recorded_in_store() -> Store:
    store = Store()
    store.create("namespaces", "", {"metadata": {"name": "hv-org-7"}}, strict=True)
    return store


def refused(store: Store, what: str) -> Json:
    request = EXCHANGES[what]["request"]
    strict = request["query"].get("fieldValidation") == "Strict"
    with pytest.raises(Refused) as caught:
        store.create("jobs", "hv-org-7", request["body"], strict=strict)
    assert caught.value.status == EXCHANGES[what]["status"]
    return caught.value.body


@pytest.mark.parametrize(
    "what",
    [
        "job-invalid-422",
        "job-bad-name-422",
        "job-unknown-field-strict-400",
        "job-malformed-quantity-400",
    ],
)
def test_the_double_refuses_word_for_word_what_was_refused(what: str) -> None:
    assert refused(recorded_in_store(), what) == EXCHANGES[what]["response"]


def test_the_double_refuses_a_name_that_is_taken() -> None:
    store = recorded_in_store()
    store.create("jobs", "hv-org-7", EXCHANGES["job-created"]["request"]["body"], strict=True)
    assert refused(store, "job-exists-409") == EXCHANGES["job-exists-409"]["response"]


def test_the_double_refuses_in_a_namespace_that_goes() -> None:
    store = recorded_in_store()
    store.delete("namespaces", "", "hv-org-7", {})
    what = "create-in-terminating-namespace-403"
    assert refused(store, what) == EXCHANGES[what]["response"]


def test_the_double_refuses_beyond_a_quota_and_without_a_right() -> None:
    store = recorded_in_store()
    store.quota = 0
    theirs = EXCHANGES["job-quota-exceeded-403"]["response"]
    ours = refused(store, "job-quota-exceeded-403")
    assert ours["details"] == theirs["details"]
    assert ours["message"] == theirs["message"].replace(
        "used: count/jobs.batch=7", "used: count/jobs.batch=0"
    ).replace("limited: count/jobs.batch=1", "limited: count/jobs.batch=0")
    lacking = without_right("launcher", "create", "jobs", "hv-org-7").body
    assert lacking == EXCHANGES["no-rights-403"]["response"]


def test_the_double_makes_a_job_as_it_was_recorded() -> None:
    store = recorded_in_store()
    job = store.create("jobs", "hv-org-7", EXCHANGES["job-created"]["request"]["body"], strict=True)
    assert shape(job) == shape(EXCHANGES["job-created"]["response"])


def test_the_double_deletes_as_it_was_recorded() -> None:
    store = recorded_in_store()
    body = EXCHANGES["job-created"]["request"]["body"]
    store.create("jobs", "hv-org-7", body, strict=True)
    kept = store.delete("jobs", "hv-org-7", "run-1", {"propagationPolicy": "Foreground"})
    assert kept["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert shape(kept["metadata"]) == shape(EXCHANGES["job-deleted-foreground"]["response"]["metadata"])
    told = store.delete("jobs", "hv-org-7", "run-1", {"propagationPolicy": "Background"})
    assert shape(told) == shape(EXCHANGES["job-deleted-background"]["response"])
    with pytest.raises(Refused) as caught:
        store.delete("jobs", "hv-org-7", "nope", {"propagationPolicy": "Background"})
    assert caught.value.body == EXCHANGES["job-delete-404"]["response"]


def test_the_double_lists_as_it_was_recorded() -> None:
    store = recorded_in_store()
    assert shape(store.page("pods", "hv-org-7", {})) == shape(EXCHANGES["pod-gone-empty-list"]["response"])


def test_an_expired_page_and_a_policy_are_no_other_refusals() -> None:
    assert refusal_of(Answer(410, expired().body)) is Refusal.ABSENT
    policy = forbidden("jobs", "run-1", 'violates PodSecurity "restricted:latest"')
    assert failure_of_refusal(Answer(403, policy.body), "create jobs").permanent


def shape(thing: Any) -> Any:
    """The keys of an object all the way down, without what it is."""
    if isinstance(thing, dict):
        return {name: shape(value) for name, value in thing.items() if name not in {"labels", "annotations"}}
    return [shape(item) for item in thing] if isinstance(thing, list) else None
