"""The database that the cycle is measured on: made by SQL, the same each time."""

from dataclasses import dataclass

from django.db import connection

ORGANIZATION = """
INSERT INTO organizations_organization (id, name, invite_code, created_at) VALUES (1, 'bench', 'bench', now());
"""
CLUSTERS = """
INSERT INTO clusters_cluster (id, organization_id, name, runtime, engine_id, connection, total_gpu, total_cpu,
    total_ram, allocated_gpu, allocated_cpu, allocated_ram, paused, max_grace_period_seconds, missed_observations,
    connected_by_staff, sized_by_engine, engine_facts, engine_problem, created_at)
SELECT id, 1, 'cluster ' || id, 'simulated', gen_random_uuid(), '', %(gpu)s, %(cpu)s, %(ram)s, 0, 0, 0, false, 120, 0,
    false, '[]', '{}', '', now()
FROM generate_series(1, %(clusters)s) AS id;
"""
DEPLOYMENTS = """
INSERT INTO deployments_deployment (organization_id, cluster_id, name, docker_image, required_gpu, required_cpu,
    required_ram, priority, command, args, env, secret_env, secret_env_names, working_dir, image_pull_policy,
    restart_policy, max_retries, grace_period_seconds, labels, ports, status, queued_at, started_at,
    preemption_count, retries_used, lost_count, created_at)
SELECT 1, 1 + n %% %(clusters)s, 'job ' || n, 'ubuntu:24.04', need.gpu, need.gpu * 4, need.gpu * 16, need.priority,
    '[]', '[]', '{}', '', '[]', '', 'if_not_present', 'never', 0, 30, '{}', '[]', %(status)s,
    now() - make_interval(secs => %(count)s - n), CASE WHEN %(status)s = 'running' THEN now() END, 0, 0, 0, now()
FROM generate_series(0, %(count)s - 1) AS n
-- Needs of 1, 2 or 4 GPUs and priorities by a fixed hash: nothing random, nothing in step.
CROSS JOIN LATERAL (
    SELECT CASE WHEN %(gpu)s > 0 THEN %(gpu)s
            ELSE (ARRAY[1000, 1000, 2000, 4000])[1 + abs(hashint8(n)) %% 4] END AS gpu,
        CASE WHEN %(status)s = 'running' THEN 3 ELSE (ARRAY[1, 1, 2])[1 + abs(hashint8(n + 7)) %% 3] END AS priority
) AS need;
"""
RUNS = """
INSERT INTO deployments_run (deployment_id, organization_id, cluster_id, priority, spec, booked_at, running_at,
    stop_as_failed, detail, log_tail)
SELECT id, organization_id, cluster_id, priority, '{}', started_at, started_at, false, '', ''
FROM deployments_deployment WHERE status = 'running';
INSERT INTO deployments_allocation (run_id, index, cluster_id, ram, cpu, gpu, device_ids, handle)
SELECT run.id, 0, run.cluster_id, required_ram, required_cpu, required_gpu, '[]', ''
FROM deployments_run AS run JOIN deployments_deployment AS deployment ON deployment.id = run.deployment_id;
UPDATE clusters_cluster AS cluster SET allocated_gpu = held.gpu, allocated_cpu = held.cpu, allocated_ram = held.ram
FROM (SELECT cluster_id, sum(gpu) AS gpu, sum(cpu) AS cpu, sum(ram) AS ram FROM deployments_allocation GROUP BY 1) held
WHERE held.cluster_id = cluster.id;
"""


@dataclass(frozen=True, slots=True)
class Workload:
    """A fleet with `pending` waiting. Each cluster has 100 GPUs; `running_per_cluster` of them are held, one each."""

    name: str
    clusters: int
    pending: int
    running_per_cluster: int


def fill(workload: Workload) -> None:
    """Make the workload in an empty, migrated database, and let PostgreSQL know its size."""
    gpus = 100_000
    with connection.cursor() as cursor:
        cursor.execute(ORGANIZATION)
        cursor.execute(
            CLUSTERS, {"gpu": gpus, "cpu": gpus * 4, "ram": gpus * 16, "clusters": workload.clusters}
        )
        for status, count, gpu in (
            ("running", workload.clusters * workload.running_per_cluster, 1000),
            ("pending", workload.pending, 0),
        ):
            cursor.execute(
                DEPLOYMENTS, {"clusters": workload.clusters, "count": count, "status": status, "gpu": gpu}
            )
        cursor.execute(RUNS)
        cursor.execute("ANALYZE")
