"""Submitting many deployments at once: all or nothing, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.copying import copy_rows
from accounts.errors import InvalidInput
from accounts.models import User
from clusters.credentials.locks import keep_credentials
from clusters.locks import keep_clusters
from clusters.models import Cluster
from clusters.selectors import UNSEEN
from clusters.sharing.locks import keep_uses
from clusters.sharing.selectors import NOT_USED
from deployments.events import record_events
from deployments.models import Dependency, Deployment
from deployments.services import dependencies
from deployments.services.batch_order import Entry, waits_for
from deployments.services.runnable import what_cannot_run
from deployments.services.submit import DELETED, new_deployment, told
from deployments.signals import want_scheduling
from organizations.services import lock_organization

MOST_DEPLOYMENTS = 1000
MOST_DEPENDENCIES = 10_000
"""Of all deployments of a batch together."""
NOT_FIELDS = frozenset({"cluster_id", "organization_id", "dependency_ids"})
ONE_ORGANIZATION = (
    "A batch is of one organization, and an earlier one of this is of another. Submit this one apart."
)
Wrong = dict[int, dict[str, str]]
"""Place in the batch → field → what to write instead."""


@transaction.atomic
def submit_batch(
    *, actor: User, clusters: Mapping[int, Cluster], entries: Sequence[Entry]
) -> list[Deployment]:
    """New pending deployments, in the order of `entries`, and a hint to the scheduler; or none of them.

    `clusters`: those that the actor may submit to, by id. An entry that names no organization is of its cluster's own.
    Raises InvalidInput, which names all that is wrong with any of them, also for an entry that could not be read.
    """
    waits, wrong = waits_for(entries)
    named = [
        _submitter(entry.asked, clusters)
        for entry in entries
        if entry.asked and entry.asked["cluster_id"] in clusters
    ]
    if not named:
        raise _refusal(
            wrong | {place: {"cluster_id": UNSEEN} for place, one in enumerate(entries) if one.asked}
        )
    organization_id = named[0]
    dependency_ids = [
        id_ for entry in entries if entry.asked for id_ in entry.asked.get("dependency_ids") or ()
    ]
    _refuse_too_many(len(dependency_ids) + sum(map(len, waits)))
    if dependency_ids or any(waits):
        lock_organization(organization_id=organization_id)
    made, wrong_fields = _built(actor, organization_id, clusters, entries, set(dependency_ids))
    for place, fields in wrong_fields.items():
        wrong[place] = wrong.get(place, {}) | fields
    if wrong or any(entry.asked is None for entry in entries):
        raise _refusal(wrong)
    for one, entry, places in zip(made, entries, waits, strict=True):
        one.has_dependencies = bool(places or (entry.asked or {}).get("dependency_ids"))
    copy_rows(made, ids=True)
    upstream = [
        {*(entry.asked or {}).get("dependency_ids", ()), *(made[place].pk for place in places)}
        for entry, places in zip(entries, waits, strict=True)
    ]
    Dependency.objects.bulk_create(
        Dependency(deployment=one, depends_on_id=id_)
        for one, ids in zip(made, upstream, strict=True)
        for id_ in sorted(ids)
    )
    stories = [(one, told(one, ids)) for one, ids in zip(made, upstream, strict=True)]
    record_events(stories, "submitted", actor=actor, organization_id=organization_id)
    want_scheduling(*{one.cluster_id for one in made})
    return made


def _built(
    actor: User,
    organization_id: int,
    clusters: Mapping[int, Cluster],
    entries: Sequence[Entry],
    dependency_ids: set[int],
) -> tuple[list[Deployment], Wrong]:
    """The deployments that were read, in order and not saved, and what is wrong with them. The rules are submit's."""
    # Read anew: since the caller looked, a cluster may have shrunk or been deleted.
    kept = keep_clusters({id_ for id_ in _all(entries, "cluster_id") if id_ in clusters})
    used = keep_uses(kept.values(), organization_id=organization_id)
    known = dependencies.known_ids(organization_id=organization_id, wanted=dependency_ids)
    credential_ids = set(_all(entries, "registry_credential_id"))
    credentials = keep_credentials(credential_ids, organization_id=organization_id) if credential_ids else {}
    made: list[Deployment] = []
    wrong: Wrong = defaultdict(dict)
    now = timezone.now()
    for place, asked in enumerate(entry.asked for entry in entries):
        if asked is None:
            continue
        if unknown := set(asked.get("dependency_ids") or ()) - known:
            wrong[place]["dependency_ids"] = dependencies.unknown_ids(unknown)
        if misplaced := _misplaced(asked, organization_id, clusters, kept, used):
            wrong[place] |= misplaced
            continue
        one = new_deployment(
            actor=actor,
            organization_id=organization_id,
            cluster=kept[asked["cluster_id"]],
            queued_at=now,
            asked={field: value for field, value in asked.items() if field not in NOT_FIELDS},
        )
        problems = what_cannot_run(one, one.cluster, credential_of=lambda id_, _: credentials.get(id_))
        if problems:
            wrong[place] |= problems
        made.append(one)
    return made, dict(wrong)


def _misplaced(
    asked: Mapping[str, Any],
    organization_id: int,
    clusters: Mapping[int, Cluster],
    kept: Mapping[int, Cluster],
    used: Collection[int],
) -> dict[str, str]:
    cluster = clusters.get(asked["cluster_id"])
    if cluster is None:
        return {"cluster_id": UNSEEN}
    if _submitter(asked, clusters) != organization_id:
        return {"cluster_id": ONE_ORGANIZATION}
    if cluster.pk not in kept:
        return {"cluster_id": DELETED}
    return {} if cluster.pk in used else {"organization_id": NOT_USED}


def _submitter(asked: Mapping[str, Any], clusters: Mapping[int, Cluster]) -> int:
    named: int | None = asked.get("organization_id")
    return named or clusters[asked["cluster_id"]].organization_id


def _all(entries: Sequence[Entry], field: str) -> list[int]:
    return [entry.asked[field] for entry in entries if entry.asked and entry.asked.get(field) is not None]


def _refuse_too_many(count: int) -> None:
    if count > MOST_DEPENDENCIES:
        raise InvalidInput(
            {
                "deployments": f"They name {count} dependencies in all, and a batch may have {MOST_DEPENDENCIES}. "
                "Submit it in parts, or let many wait for one that waits for the rest."
            }
        )


def _refusal(wrong: Wrong) -> InvalidInput:
    return InvalidInput(
        {
            f"deployments[{place}].{field}": text
            for place, fields in sorted(wrong.items())
            for field, text in fields.items()
        }
    )
