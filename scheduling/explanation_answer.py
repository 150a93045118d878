"""An explanation as the wire shows it: another tenant's work is an amount and a priority, without ids or a life."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from clusters import amounts
from clusters.amounts import RESOURCES
from deployments.models import Deployment
from scheduling import waits
from scheduling.core.changes import Change, Kind
from scheduling.core.forecast import Forecast
from scheduling.core.state import Pending, Running
from scheduling.explanation_texts import ASSUMES, UNKNOWN, change_in_words, in_words, not_waiting, summary
from scheduling.explanations import Explained
from scheduling.snapshot import EPOCH, MICROSECOND

WAITS = "waits"
"""What the next cycle does for one that it neither starts nor gives a seat."""
EMPTY: dict[str, Any] = {
    "policy": None,
    "next_cycle": None,
    "queue_position": None,
    "queue_length": None,
    "reasons": [],
    "waits_for": [],
    "suggestions": [],
    "searched_all": True,
    "start": None,
    "holders": [],
    "releases": [],
    "covered_at": None,
    "unknown_ends": 0,
    "clusters_considered": [],
}


def answer(found: Explained | Deployment, at: datetime) -> dict[str, Any]:
    """The whole answer. `at`: the moment of one that does not wait; the others know theirs."""
    if isinstance(found, Deployment):
        return _head(found, at, not_waiting(found)) | EMPTY
    return _Answer(found).whole()


def _head(deployment: Deployment, at: datetime, text: str) -> dict[str, Any]:
    return {
        "deployment_id": deployment.pk,
        "cluster_id": deployment.cluster_id,
        "at": at,
        "status": deployment.status,
        "summary": text,
    }


class _Answer:
    def __init__(self, found: Explained) -> None:
        self.found = found
        self.told = found.told
        states = (found.state, *found.known.others)
        self.rows: dict[int, Pending | Running] = {row.id: row for state in states for row in state.pending}
        self.rows |= {run.id: run for state in states for run in state.running}
        self.names = dict(Deployment.objects.filter(pk__in=list(self._mentioned())).values_list("id", "name"))

    def _mentioned(self) -> Iterable[int]:
        """The ids in the answer that its reader may know."""
        told = self.told
        ids = {one.id for one in told.holders} | {one.id for one in told.releases.shown}
        for change in told.changes:
            ids.update(change.evicts, () if change.run is None else (change.run,))
        return {id_ for id_ in ids if self._is_mine(id_)}

    def _is_mine(self, id_: int) -> bool:
        return self.rows[id_].organization in self.found.mine

    def whole(self) -> dict[str, Any]:
        found, told = self.found, self.told
        return _head(found.deployment, found.at, summary(told)) | {
            "policy": found.state.policy.name,
            "next_cycle": told.next_cycle or WAITS,
            "queue_position": told.position,
            "queue_length": told.waiting,
            "reasons": [waits.reason_shown(cause) for cause in told.causes],
            "waits_for": [
                {"deployment_id": id_, "name": name, "status": status} for id_, name, status in found.unmet
            ],
            "suggestions": [self.suggestion(change) for change in told.changes],
            "searched_all": told.searched_all,
            "start": start(told.forecast),
            "holders": [
                self.work(one.id) | {"promised": one.promised, "stopping": one.stopping}
                for one in told.holders
            ],
            "releases": [
                self.amount(one.id)
                | {
                    "at": moment(one.at),
                    "basis": one.basis if self._is_mine(one.id) else None,
                    "covers": one.covers,
                }
                for one in told.releases.shown
            ],
            "covered_at": moment(told.releases.covered_at),
            "unknown_ends": told.releases.unknown,
            "clusters_considered": sorted(found.clusters),
        }

    def amount(self, id_: int) -> dict[str, Any]:
        """Whose it is, if that is known to the reader, and how much."""
        mine = self._is_mine(id_)
        needs = amounts.Amount(**dict(zip(RESOURCES, self.rows[id_].need, strict=True)))
        return {
            "deployment_id": id_ if mine else None,
            "name": self.names.get(id_) if mine else None,
            **amounts.wire("required", needs),
        }

    def work(self, id_: int) -> dict[str, Any]:
        row = self.rows[id_]
        return self.amount(id_) | {
            "organization_id": row.organization if self._is_mine(id_) else None,
            "priority": row.priority,
        }

    def suggestion(self, change: Change) -> dict[str, Any]:
        at = self._likely_end(change)
        return {
            "kind": change.kind,
            "effect": change.effect,
            "text": change_in_words(
                change,
                need=self.rows[self.found.deployment.pk].need,
                blocked=list(self.found.known.blocked),
                run=None if change.run is None else self._called(change.run),
                at=at,
                cluster=self._cluster_called(change.cluster_id),
            ),
            "change": _body(change),
            "run": None if change.run is None else self.amount(change.run),
            "at": at,
            "evicts": [self.work(id_) for id_ in change.evicts],
        }

    def _likely_end(self, change: Change) -> datetime | None:
        if change.kind is Kind.RETRY_DUE:
            return self.found.deployment.retry_at
        return moment(change.at)

    def _called(self, id_: int) -> str:
        if self._is_mine(id_):
            return f"{self.names.get(id_, 'deployment')} (#{id_})"
        return f"a run of another organization, of {in_words(self.rows[id_].need)},"

    def _cluster_called(self, id_: int | None) -> str | None:
        return None if id_ is None else f"{self.found.clusters[id_]} (#{id_})"


def _body(change: Change) -> dict[str, Any] | None:
    """What to send to PATCH /deployments/{id} for it; None for what is not a change of the deployment."""
    if change.kind is Kind.ASK_FOR_LESS:
        name = RESOURCES[change.resource or 0]
        return {f"required_{name}": amounts.to_wire(name, change.amount or 0)}
    if change.kind is Kind.ANOTHER_PRIORITY:
        return {"priority": change.priority}
    return {"cluster_id": change.cluster_id} if change.kind is Kind.ANOTHER_CLUSTER else None


def start(forecast: Forecast) -> dict[str, Any]:
    """When it is likely to start, or why nobody knows."""
    return {
        "earliest": moment(forecast.earliest),
        "likely": moment(forecast.likely),
        "latest": moment(forecast.latest),
        "unknown": forecast.unknown,
        "text": ASSUMES if forecast.unknown is None else UNKNOWN[forecast.unknown],
    }


def moment(at: int | None) -> datetime | None:
    """A time of the core's as the wire has it."""
    return None if at is None else EPOCH + at * MICROSECOND
