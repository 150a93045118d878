"""Reading deployments, as rows for the wire."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from accounts.errors import NotFound
from accounts.models import User
from clusters import amounts
from clusters.amounts import Amount
from clusters.models import Cluster, RegistryCredential
from deployments.models import Allocation, Dependency, Deployment, DeploymentEvent, Run
from deployments.states import HOLDS_CAPACITY, Status
from organizations.permissions import Action, allows

PLAIN = (
    "id", "name", "docker_image", "status", "reason", "priority", "cluster_id", "organization_id", "command", "args",
    "env", "secret_env_names", "working_dir", "image_pull_policy", "restart_policy", "max_retries",
    "time_limit_seconds", "grace_period_seconds", "expected_seconds", "checkpoint_interval_seconds",
    "simulated_seconds", "labels", "ports", "registry_credential_id", "preemption_count", "retries_used", "exit_code",
    "created_at", "queued_at", "retry_at", "started_at", "ended_at",
)  # fmt: skip
COLUMNS = (*PLAIN, "created_by__username", "my_role", *(f"required_{name}" for name in amounts.RESOURCES))
MOST_NAMED = 10
"""Deployments that a refusal names."""
UNSEEN = "There is no deployment with this id that you can see."
waits_told: list[Callable[[int], Mapping[str, Any]]] = []
"""Higher apps add a function that answers `reasons` and `queue_position` of a pending deployment, as the wire shows
them."""


def deployments(*, user: User) -> QuerySet[Any]:
    """Rows of the deployments that the user can see, newest first."""
    rows: QuerySet[Any] = Deployment.objects.visible_to(user).order_by("-id").values(*COLUMNS)
    return rows


def deployment(*, user: User, deployment_id: int) -> Deployment:
    """One deployment that the user can see, with `my_role`. Raises NotFound."""
    found: Deployment | None = Deployment.objects.visible_to(user).filter(pk=deployment_id).first()
    if found is None:
        raise NotFound(UNSEEN)
    return found


def require_visible(*, user: User, deployment_id: int) -> None:
    """Raises NotFound unless the user can see it."""
    if not Deployment.objects.visible_to(user).filter(pk=deployment_id).exists():
        raise NotFound(UNSEEN)


def deployment_shown(*, user: User, deployment_id: int) -> dict[str, Any]:
    """One deployment that the user can see, as the wire shows it. Raises NotFound."""
    row = deployments(user=user).filter(pk=deployment_id).first()
    if row is None:
        raise NotFound(UNSEEN)
    return deployment_answer(row, dependencies_of([deployment_id])[deployment_id])


def deployment_and_its_wait(*, user: User, deployment_id: int) -> dict[str, Any]:
    """As `deployment_shown`, with all that keeps a pending one from starting now, and its place in the queue."""
    answer = deployment_shown(user=user, deployment_id=deployment_id) | {
        "reasons": [],
        "queue_position": None,
    }
    if answer["status"] == Status.PENDING:
        for told in waits_told:
            answer |= told(deployment_id)
    return answer


def dependencies_of(deployment_ids: Iterable[int]) -> dict[int, list[int]]:
    """Deployment → what it waits for, in id order; one query for a whole page."""
    found: dict[int, list[int]] = defaultdict(list)
    pairs = (
        Dependency.objects.filter(deployment_id__in=list(deployment_ids))
        .order_by("depends_on_id")
        .values_list("deployment_id", "depends_on_id")
    )
    for id_, depends_on in pairs:
        found[id_].append(depends_on)
    return found


def deployment_answer(row: Mapping[str, Any], dependency_ids: list[int]) -> dict[str, Any]:
    """A deployment's row as the wire shows it; who may not read environment values sees their names."""
    answer = {name: row[name] for name in PLAIN}
    if not allows(row["my_role"], Action.READ_ENV):
        answer["env"] = dict.fromkeys(row["env"])
    required = Amount(*(row[f"required_{name}"] for name in amounts.RESOURCES))
    return {
        **answer,
        **amounts.wire("required", required),
        "created_by": row["created_by__username"],
        "dependency_ids": dependency_ids,
    }


def deployment_answers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A page of rows as the wire shows them."""
    waits_for = dependencies_of(row["id"] for row in rows)
    return [deployment_answer(row, waits_for[row["id"]]) for row in rows]


def dependencies_shown(*, user: User, deployment_id: int) -> QuerySet[Any]:
    """Rows of the deployments that this one waits for."""
    return deployments(user=user).filter(dependent_rows__deployment_id=deployment_id)


def dependents_of(*, user: User, deployment_id: int) -> QuerySet[Any]:
    """Rows of the deployments that wait for this one."""
    return deployments(user=user).filter(dependency_rows__depends_on_id=deployment_id)


def runs_of(*, deployment_id: int) -> QuerySet[Any]:
    """Rows of the attempts, newest first, each with what it held, why it failed and who preempted it."""
    rows: QuerySet[Any] = (
        Run.objects.filter(deployment_id=deployment_id)
        .annotate(
            held_ram=Sum("allocations__ram"), held_cpu=Sum("allocations__cpu"), held_gpu=Sum("allocations__gpu"),
            device_ids=Subquery(Allocation.objects.filter(run=OuterRef("pk"), index=0).values("device_ids")),
        )
        .order_by("-id")
        .values(
            "id", "cluster_id", "priority", "booked_at", "running_at", "checkpointed_at", "ended_at", "outcome",
            "exit_code", "failure", "stop_cause", "detail", "device_ids", "organization_id", "preempted_by_id",
            "preempted_by__organization_id", "held_ram", "held_cpu", "held_gpu",
        )
    )  # fmt: skip
    return rows


def run_answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """A run's row as the wire shows it; another tenant's preemptor has no id there."""
    answer = dict(row)
    organization, preemptors = answer.pop("organization_id"), answer.pop("preempted_by__organization_id")
    if preemptors != organization:
        answer["preempted_by_id"] = None
    return answer | {
        f"held_{name}": amounts.to_wire(name, row[f"held_{name}"] or 0) for name in amounts.RESOURCES
    }


def run_to_read(*, deployment_id: int, run_id: int | None) -> Run | None:
    """One run of the deployment, by default the newest; None if there is none yet. Raises NotFound for another id."""
    runs = Run.objects.filter(deployment_id=deployment_id).order_by("-id")
    found: Run | None = (runs if run_id is None else runs.filter(pk=run_id)).first()
    if found is None and run_id is not None:
        raise NotFound("This deployment has no run with this id.")
    return found


def is_only_kept(run: Run) -> bool:
    """Whether its log is no longer at the engine, and the tail that was kept is all there is."""
    if run.ended_at is None or run.log_kept_at is None:
        return False
    return timezone.now() > run.ended_at + timedelta(seconds=settings.KEEP_ENDED_SECONDS)


def events_of(*, deployment_id: int) -> QuerySet[Any]:
    """Rows of the story, newest first."""
    rows: QuerySet[Any] = (
        DeploymentEvent.objects.filter(deployment_id=deployment_id)
        .order_by("-id")
        .values("id", "at", "kind", "source", "actor__username", "run_id", "data")
    )
    return rows


def event_answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """An event's row as the wire shows it: amounts in GB, cores and devices, as everywhere."""
    answer = dict(row)
    return answer | {"actor": answer.pop("actor__username"), "data": amounts.wire_data(row["data"])}


def why_cluster_is_needed(cluster: Cluster) -> str | None:
    """Why the cluster may not be deleted now, or None."""
    here = Deployment.objects.filter(cluster=cluster, deleted_at=None)
    if running := here.filter(status__in=HOLDS_CAPACITY).count():
        return f"{running} deployments hold capacity here. Stop them, or wait for their end."
    if waiting := here.filter(status=Status.PENDING).count():
        return f"{waiting} deployments wait here. Cancel or move them first."
    return None


def why_organization_is_needed(organization_id: int) -> str | None:
    """Why the organization may not be deleted now, or None."""
    busy = Deployment.objects.filter(deleted_at=None, status__in=[*HOLDS_CAPACITY, Status.PENDING])
    if own := busy.filter(organization_id=organization_id).count():
        return f"{own} of its deployments run or wait. Stop or cancel them first."
    if guests := busy.filter(cluster__organization_id=organization_id).count():
        return (
            f"{guests} deployments of other organizations run or wait on its clusters. Pause these, and ask the others "
            "to move, stop or cancel what they have there."
        )
    return None


def why_share_is_needed(cluster: Cluster, organization_id: int) -> str | None:
    """Why the organization may not lose its share of the cluster now, or None."""
    busy = Deployment.objects.filter(
        cluster=cluster,
        organization_id=organization_id,
        deleted_at=None,
        status__in=[*HOLDS_CAPACITY, Status.PENDING],
    ).count()
    if not busy:
        return None
    return (
        f"Organization {organization_id} has {busy} deployments here that run or wait. Ask its members to stop, cancel "
        "or move them, or wait for their end, and take the share away then."
    )


def why_credential_is_needed(credential: RegistryCredential) -> str | None:
    """Who still has its image pulled with the credential, by name and id, or None."""
    users = list(
        Deployment.objects.filter(
            registry_credential=credential, deleted_at=None, status__in=[*HOLDS_CAPACITY, Status.PENDING]
        ).order_by("id")[: MOST_NAMED + 1]
    )
    if not users:
        return None
    more = " and others" if len(users) > MOST_NAMED else ""
    return (
        f"Pending or running deployments name it: {', '.join(map(str, users[:MOST_NAMED]))}{more}. "
        "Change what they name or stop them first."
    )


def amount_of_seats(cluster: Cluster) -> Amount:
    """What is promised on the cluster beyond what will be free anyway: seats, less what is stopping."""
    seats = _sum(Deployment.objects.filter(cluster=cluster, seat_granted_at__isnull=False))
    stopping = _sum(Deployment.objects.filter(cluster=cluster, status=Status.STOPPING))
    return Amount(*(max(0, seat - going) for seat, going in zip(seats, stopping, strict=True)))


def _sum(rows: QuerySet[Any]) -> Amount:
    total = rows.aggregate(gpu=Sum("required_gpu"), cpu=Sum("required_cpu"), ram=Sum("required_ram"))
    return Amount(*(total[name] or 0 for name in amounts.RESOURCES))
