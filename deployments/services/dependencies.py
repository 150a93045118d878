"""What a deployment waits for: of one organization, and never in a circle."""

from collections.abc import Iterable

from django.db import connection

from accounts.errors import InvalidInput
from deployments.models import Dependency, Deployment
from deployments.states import Status

REACHES = """
WITH RECURSIVE upstream(id) AS (
    SELECT unnest(%(start)s::bigint[])
    UNION
    SELECT edge.depends_on_id FROM deployments_dependency edge JOIN upstream ON edge.deployment_id = upstream.id
)
SELECT EXISTS (SELECT 1 FROM upstream WHERE id = %(target)s)
"""


def set_dependencies(*, deployment: Deployment, dependency_ids: Iterable[int]) -> None:
    """Replace what it waits for. The caller holds the organization's lock.

    Raises InvalidInput for a circle, and for what is deleted or not of the organization.
    """
    wanted = set(dependency_ids)
    _require_known(organization_id=deployment.organization_id, wanted=wanted)
    with connection.cursor() as cursor:
        cursor.execute(REACHES, {"start": sorted(wanted), "target": deployment.pk})
        row = cursor.fetchone()
    if row and row[0]:
        raise InvalidInput(
            {
                "dependency_ids": f"This would close a circle: one of them waits for {deployment.pk}, directly or not."
            }
        )
    Dependency.objects.filter(deployment=deployment).exclude(depends_on_id__in=wanted).delete()
    Dependency.objects.bulk_create(
        [Dependency(deployment=deployment, depends_on_id=id_) for id_ in sorted(wanted)],
        ignore_conflicts=True,
    )


def _require_known(*, organization_id: int, wanted: set[int]) -> None:
    known = known_ids(organization_id=organization_id, wanted=wanted)
    if missing := wanted - known:
        raise InvalidInput({"dependency_ids": unknown_ids(missing)})


def known_ids(*, organization_id: int, wanted: Iterable[int]) -> set[int]:
    """Those of the ids that are deployments of the organization, and not deleted."""
    return set(
        Deployment.objects.filter(
            pk__in=list(wanted), organization_id=organization_id, deleted_at=None
        ).values_list("pk", flat=True)
    )


def unknown_ids(ids: Iterable[int]) -> str:
    """What a refusal says of ids that are not known."""
    return f"No deployment of this organization has the id {', '.join(map(str, sorted(ids)))}."


def dependency_ids(deployment_id: int) -> list[int]:
    """What it waits for, in id order."""
    return list(
        Dependency.objects.filter(deployment_id=deployment_id)
        .order_by("depends_on_id")
        .values_list("depends_on_id", flat=True)
    )


def clusters_of_dependents(deployment_ids: Iterable[int]) -> list[int]:
    """Where pending deployments wait for one of these."""
    return list(
        Dependency.objects.filter(depends_on_id__in=list(deployment_ids), deployment__status=Status.PENDING)
        .values_list("deployment__cluster_id", flat=True)
        .distinct()
    )
