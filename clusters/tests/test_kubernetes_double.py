"""The test double of an API server says what a real one was recorded to say, word for word or in the same shape."""

from typing import Any

import pytest

from .kubernetes_recordings import EXCHANGES
from .kubernetes_refusing import Json, Refused, without_right
from .kubernetes_store import Store


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


def shape(thing: Any) -> Any:
    """The keys of an object all the way down, without what it is."""
    if isinstance(thing, dict):
        return {name: shape(value) for name, value in thing.items() if name not in {"labels", "annotations"}}
    return [shape(item) for item in thing] if isinstance(thing, list) else None
