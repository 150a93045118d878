"""Whether the clusters' books say what their runs hold."""

from typing import NamedTuple

from django.db import connection

QUESTION = """
WITH held AS (
    SELECT cluster_id, sum(ram) AS ram, sum(cpu) AS cpu, sum(gpu) AS gpu
    FROM deployments_allocation WHERE released_at IS NULL GROUP BY cluster_id
), holding AS (
    SELECT cluster_id, sum(required_ram) AS ram, sum(required_cpu) AS cpu, sum(required_gpu) AS gpu
    FROM deployments_deployment WHERE status IN ('starting', 'running', 'stopping') GROUP BY cluster_id
)
SELECT cluster.id, resource, booked, coalesce(allocations, 0)::bigint, coalesce(deployments, 0)::bigint
FROM clusters_cluster AS cluster
LEFT JOIN held ON held.cluster_id = cluster.id
LEFT JOIN holding ON holding.cluster_id = cluster.id
CROSS JOIN LATERAL (VALUES
    ('ram', cluster.allocated_ram, held.ram, holding.ram),
    ('cpu', cluster.allocated_cpu, held.cpu, holding.cpu),
    ('gpu', cluster.allocated_gpu, held.gpu, holding.gpu)
) AS line(resource, booked, allocations, deployments)
WHERE booked <> coalesce(allocations, 0) OR booked <> coalesce(deployments, 0)
ORDER BY cluster.id, resource
"""


class Difference(NamedTuple):
    """A resource (MiB, milli-CPU or milli-GPU) of which the three records of one cluster do not agree."""

    cluster_id: int
    resource: str
    booked: int
    """What the cluster's row says."""
    allocations: int
    """The sum of its allocations that are not released."""
    deployments: int
    """The sum of what the deployments that hold capacity there ask for."""


def differences_between_books_and_runs() -> list[Difference]:
    """Every disagreement, of one moment: the question is one statement."""
    with connection.cursor() as cursor:
        cursor.execute(QUESTION)
        return [Difference(*row) for row in cursor.fetchall()]
