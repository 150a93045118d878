"""What is known of how long runs take: declared, limited, or measured on finished ones of the same kind."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast

from clusters.models import Cluster
from deployments.models import Deployment, RestartPolicy, Run, StopCause
from deployments.states import Status
from scheduling.core.lengths import Length
from scheduling.snapshot import microseconds

SECOND = 1_000_000
NEWEST = 2000
"""So many of an organization's deployments, the newest, are looked at for their like."""
Kind = tuple[int, str, str, str]
"""Organization, image, command and arguments: runs alike in all of them are of one kind."""
PAST = """
SELECT recent.organization_id, recent.docker_image, recent.command::text, recent.args::text,
    (extract(epoch FROM run.ended_at - run.running_at) * 1000000)::bigint
FROM unnest(%s::bigint[]) AS organization(id)
CROSS JOIN LATERAL (
    SELECT id, organization_id, docker_image, command, args FROM deployments_deployment
    WHERE organization_id = organization.id ORDER BY id DESC LIMIT %s
) AS recent
JOIN deployments_run AS run ON run.deployment_id = recent.id
WHERE run.outcome = 'completed' AND run.running_at IS NOT NULL
"""
KNOWN = (
    "id", "organization_id", "docker_image", "command_text", "args_text", "expected_seconds", "time_limit_seconds",
    "grace_period_seconds", "queued_at", "restart_policy",
)  # fmt: skip


def lengths_of(cluster: Cluster) -> dict[int, Length]:
    """Deployment → what is known of its length, for all that run and wait on the cluster; three queries."""
    rows: Any = list(
        Deployment.objects.filter(
            cluster=cluster, status__in=[Status.PENDING, Status.STARTING, Status.RUNNING, Status.STOPPING]
        )
        .annotate(command_text=Cast("command", TextField()), args_text=Cast("args", TextField()))
        .values_list(*KNOWN)
    )
    live = _live(cluster)
    past = _past({row[1] for row in rows})
    found = {}
    for id_, organization, image, command, args, expected, limit, grace, queued_at, restart in rows:
        running_at, stop_at, cause, as_failed = live.get(id_, (None, None, None, False))
        grace = min(grace, cluster.max_grace_period_seconds)
        found[id_] = Length(
            expected=None if expected is None else expected * SECOND,
            limit=None if limit is None else limit * SECOND,
            past=past.get((organization, image, command, args), ()),
            running_since=None if running_at is None else microseconds(running_at),
            gone_by=None if stop_at is None else microseconds(stop_at + timedelta(seconds=grace)),
            comes_back=cause == StopCause.PREEMPTION,
            grace=grace * SECOND,
            queued_at=microseconds(queued_at),
            completes=_completes(cause, as_failed=as_failed, restart=restart),
        )
    return found


def _completes(cause: str | None, *, as_failed: bool, restart: str) -> bool:
    """Whether a deployment completes when it ends, if nothing fails; a preempted one, after it came back."""
    if cause in {None, StopCause.PREEMPTION}:
        return restart != RestartPolicy.ALWAYS
    return cause == StopCause.USER and not as_failed


def _live(cluster: Cluster) -> dict[int, tuple[datetime | None, datetime | None, str | None, bool]]:
    """Deployment → since when it runs, since when it is told to stop, what told it so, and whether as failed."""
    rows: Any = Run.objects.filter(cluster=cluster, outcome=None).values_list(
        "deployment_id", "running_at", "stop_requested_at", "stop_cause", "stop_as_failed"
    )
    return {id_: tuple(rest) for id_, *rest in rows}


def _past(organizations: Iterable[int]) -> Mapping[Kind, list[int]]:
    found: dict[Kind, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(PAST, [sorted(organizations), NEWEST])
        for *kind, span in cursor.fetchall():
            organization, image, command, args = kind
            found[organization, image, command, args].append(span)
    return found
