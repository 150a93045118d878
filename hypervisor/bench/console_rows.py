"""The database that the console is measured on: a year of a large installation, made by SQL, the same each time."""

from django.db import connection

from scheduling import wait_histogram

PEOPLE = """
INSERT INTO accounts_user (password, is_superuser, username, email, is_staff, is_active, date_joined,
    session_version)
SELECT '!', false, 'user-' || n, 'user-' || n || '@example.org', false, n %% 50 > 0, now() - make_interval(hours => n),
    1
FROM generate_series(1, %(organizations)s * 20) AS n;
INSERT INTO accounts_refreshfamily (id, user_id, current_jti, created_at, expires_at, revoked_at)
SELECT gen_random_uuid(), 1 + n %% (%(organizations)s * 20), 'jti', now() - make_interval(mins => n),
    now() - make_interval(mins => n) + interval '14 days', CASE WHEN n %% 9 = 0 THEN now() END
FROM generate_series(1, %(organizations)s * 500) AS n;
INSERT INTO organizations_organization (name, invite_code, created_at, deleted_at)
SELECT 'organization ' || n, 'bench ' || n, now() - make_interval(days => n %% 300), CASE
    WHEN n %% 25 = 0 THEN now() END
FROM generate_series(1, %(organizations)s) AS n;
INSERT INTO organizations_membership (organization_id, user_id, role, created_at)
SELECT 1 + (n - 1) %% %(organizations)s, n, CASE WHEN n <= %(organizations)s THEN 'owner' ELSE 'member' END, now()
FROM generate_series(1, %(organizations)s * 20) AS n;
"""
CLUSTERS = """
INSERT INTO clusters_cluster (organization_id, name, runtime, engine_id, connection, total_gpu, total_cpu, total_ram,
    allocated_gpu, allocated_cpu, allocated_ram, paused, max_grace_period_seconds, missed_observations, created_at,
    connected_by_staff, sized_by_engine, engine_facts, engine_problem, unreachable_since, deleted_at)
SELECT 1 + n %% %(organizations)s, 'cluster ' || n, 'simulated', gen_random_uuid(), '', 64000, 256000, 4194304, 0, 0, 0,
    n %% 40 = 0, 120, 0, now() - make_interval(hours => n), false, '[]', '{}', '', CASE WHEN n %% 70 = 0 THEN now() END,
    CASE WHEN n %% 90 = 0 THEN now() END
FROM generate_series(1, %(clusters)s) AS n;
INSERT INTO clusters_clustershare (cluster_id, organization_id, weight)
SELECT id, 1 + (id + 7) %% %(organizations)s, 1 + id %% 5 FROM clusters_cluster WHERE id %% 3 = 0;
INSERT INTO clusters_registrycredential (organization_id, name, server, username, password, created_at)
SELECT 1 + n %% %(organizations)s, 'registry ' || n, 'registry.example.org', 'robot-' || n, 'x', now()
FROM generate_series(1, %(organizations)s * 5) AS n;
INSERT INTO scheduling_clusterpolicy (cluster_id, preset)
SELECT id, CASE WHEN id %% 2 = 0 THEN 'balanced' END FROM clusters_cluster WHERE id %% 2 = 0;
INSERT INTO clusters_clusterevent (cluster_id, organization_id, at, kind, data)
SELECT 1 + n %% %(clusters)s, 1, now() - make_interval(mins => %(clusters)s * 20 - n),
    (ARRAY['paused', 'resumed', 'capacity_changed', 'renamed'])[1 + n %% 4], '{}'
FROM generate_series(1, %(clusters)s * 20) AS n;
"""
# Most have ended; the newest twelfth waits or runs. Some clusters, images and reasons are common, some rare.
DEPLOYMENTS = """
INSERT INTO deployments_deployment (organization_id, cluster_id, created_by_id, name, docker_image, required_gpu,
    required_cpu, required_ram, priority, command, args, env, secret_env, secret_env_names, working_dir,
    image_pull_policy, restart_policy, max_retries, grace_period_seconds, labels, ports, status, reason, queued_at,
    started_at, ended_at, exit_code, preemption_count, retries_used, lost_count, created_at, deleted_at,
    has_dependencies)
SELECT 1 + place.cluster %% %(organizations)s, place.cluster, 1 + dice.a %% (%(organizations)s * 20),
    (ARRAY['train', 'sweep', 'evaluate', 'export', 'render'])[1 + dice.b %% 5] || '-' || n,
    'registry.example.org/ml/' || (ARRAY['train', 'sweep', 'evaluate'])[1 + dice.b %% 3] || ':' || dice.a %% 40,
    (ARRAY[0, 1000, 1000, 2000, 8000])[1 + dice.a %% 5], 4000, 16384,
    (ARRAY[1, 1, 2, 2, 2, 3])[1 + dice.b %% 6], '[]', '[]', '{"SEED": "1"}', '', '[]', '', 'if_not_present', 'never',
    0, 30, '{"team": "bench"}', '[]', state.status,
    CASE state.status
        WHEN 'pending' THEN CASE WHEN dice.a %% 5000 = 0 THEN 'exceeds_cluster' ELSE 'insufficient_capacity' END
        WHEN 'failed' THEN CASE WHEN dice.a %% 300 = 0 THEN 'start_timeout' ELSE 'exited_with_error' END
    END,
    moment.at, CASE WHEN state.status NOT IN ('pending', 'cancelled') THEN moment.at + interval '4 minutes' END,
    CASE WHEN state.status IN ('completed', 'failed', 'cancelled') THEN moment.at + interval '2 hours' END,
    CASE state.status WHEN 'completed' THEN 0 WHEN 'failed' THEN 1 END, 0, 0, 0, moment.at,
    CASE WHEN state.status = 'completed' AND dice.a %% 50 = 0 THEN now() END,
    n > 3 AND n %% 20 = 0
FROM generate_series(%(first)s, %(last)s) AS n
CROSS JOIN LATERAL (SELECT abs(hashint8(n)) AS a, abs(hashint8(n + 7)) AS b) AS dice
CROSS JOIN LATERAL (
    SELECT 1 + floor(%(clusters)s * power(dice.b / 2147483649.0, 1.5))::int AS cluster
) AS place
CROSS JOIN LATERAL (
    SELECT now() - interval '365 days' * (%(count)s - n)::float8 / %(count)s - interval '1 minute' AS at
) AS moment
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN n <= %(count)s * 11 / 12 THEN (ARRAY['completed', 'completed', 'completed', 'completed', 'completed',
            'completed', 'completed', 'failed', 'completed', 'cancelled'])[1 + dice.a / 7 %% 10]
        WHEN dice.a %% 400 = 0 THEN 'stopping'
        WHEN dice.a %% 900 = 1 THEN 'starting'
        WHEN dice.a %% 4 = 1 THEN 'running' ELSE 'pending' END AS status
) AS state;
"""
HISTORY = """
INSERT INTO deployments_run (deployment_id, organization_id, cluster_id, priority, spec, booked_at, running_at,
    stop_as_failed, stop_cause, ended_at, outcome, exit_code, detail, log_tail)
SELECT deployment.id, organization_id, cluster_id, priority,
    jsonb_build_object('docker_image', docker_image, 'env', env), started_at, started_at + interval '9 seconds', false,
    CASE how.outcome WHEN 'preempted' THEN 'preemption' WHEN 'stopped' THEN 'user' END,
    CASE WHEN how.outcome IS NOT NULL THEN coalesce(ended_at, started_at + interval '1 hour') END, how.outcome,
    CASE WHEN try = 0 THEN exit_code END, '', ''
FROM deployments_deployment AS deployment
CROSS JOIN LATERAL generate_series(0, CASE WHEN id %% 40 = 0 THEN 2 WHEN id %% 8 = 0 THEN 1 ELSE 0 END) AS try
CROSS JOIN LATERAL (
    SELECT CASE WHEN try = 2 THEN 'lost' WHEN try = 1 THEN 'preempted' WHEN status = 'completed' THEN 'completed'
        WHEN status = 'failed' AND id %% 60 = 1 THEN 'stopped' WHEN status = 'failed' THEN 'failed' END AS outcome
) AS how
WHERE id BETWEEN %(first)s AND %(last)s AND status NOT IN ('pending', 'cancelled');
INSERT INTO deployments_deploymentevent (deployment_id, organization_id, at, kind, source, actor_id, data)
SELECT deployment.id, organization_id, created_at, told.kind, told.source,
    CASE WHEN told.source = 'user' THEN created_by_id END, '{}'
FROM deployments_deployment AS deployment CROSS JOIN LATERAL (
    VALUES ('submitted', 'user'), ('scheduled', 'scheduler'), (CASE WHEN id %% 3000 = 0 THEN 'start_delayed'
        ELSE 'running' END, 'runtime')
) AS told (kind, source)
WHERE deployment.id BETWEEN %(first)s AND %(last)s AND (told.kind = 'submitted' OR started_at IS NOT NULL)
ORDER BY deployment.id;
"""
BOOKS = """
INSERT INTO deployments_allocation (run_id, index, cluster_id, ram, cpu, gpu, device_ids, handle, released_at)
SELECT run.id, 0, run.cluster_id, required_ram, required_cpu, required_gpu, '[]', '', run.ended_at
FROM deployments_run AS run JOIN deployments_deployment AS deployment ON deployment.id = run.deployment_id;
INSERT INTO deployments_dependency (deployment_id, depends_on_id)
SELECT id, id - 3 FROM deployments_deployment WHERE id > 3 AND id %% 20 = 0;
UPDATE clusters_cluster AS cluster SET allocated_gpu = held.gpu, allocated_cpu = held.cpu, allocated_ram = held.ram
FROM (SELECT cluster_id, sum(gpu) AS gpu, sum(cpu) AS cpu, sum(ram) AS ram FROM deployments_allocation
    WHERE released_at IS NULL GROUP BY 1) AS held
WHERE held.cluster_id = cluster.id;
INSERT INTO scheduling_cycle (cluster_id, organization_id, at, policy, pending, scheduled, preempted, unschedulable,
    held, read_ms, plan_ms, write_ms, batch)
SELECT 1 + n %% %(clusters)s, 1, now() - interval '365 days' * (%(count)s / 2 - n)::float8 / (%(count)s / 2),
    'two_phase', n %% 90, n %% 7, n %% 3, n %% 60, 0, 2, 1, 3, 5
FROM generate_series(1, %(count)s / 2) AS n;
INSERT INTO scheduling_evictioncertificate (cluster_id, organization_id, at, policy, victims, lost_seconds, numbers)
SELECT 1 + n %% %(clusters)s, 1, now() - make_interval(mins => %(count)s / 20 - n), 'two_phase', 1 + n %% 3, n, '{}'
FROM generate_series(1, %(count)s / 20) AS n;
INSERT INTO scheduling_simulation (cluster_id, asked_at, days, policies, state, progress, error)
SELECT 1 + n %% %(clusters)s, now(), 7, '["two_phase"]', CASE n %% 2 WHEN 0 THEN 'failed' ELSE 'done' END, 100, ''
FROM generate_series(1, 300) AS n;
INSERT INTO accounts_auditentry (at, actor_id, action, target, organization_id, detail, address, channel)
SELECT now() - interval '365 days' * (%(count)s - n)::float8 / %(count)s, 1 + n %% (%(organizations)s * 20),
    CASE WHEN n %% 40000 = 1 THEN 'cluster.deleted'
        ELSE (ARRAY['deployment.stop', 'deployment.cancel', 'cluster.changed', 'user.signed_in'])[1 + n %% 4] END,
    'deployment:' || n, 1 + n %% %(organizations)s, '{}', '10.0.0.1',
    CASE WHEN n %% 10 = 0 THEN 'console' ELSE 'api' END
FROM generate_series(1, %(count)s) AS n;
"""
FIGURES = """at, total_gpu_seconds, total_cpu_seconds, total_ram_gb_seconds, gpu_seconds_low, gpu_seconds_medium,
    gpu_seconds_high, cpu_seconds, ram_gb_seconds, queue_low, queue_medium, queue_high, starts, waits, ends, failures,
    preemptions, gpu_seconds_lost"""
FIGURED = """480 * lasts, 6000 * lasts, 24000 * lasts, 200 * lasts, (100 + 50 * sin(n / 90.0)) * lasts, 60 * lasts,
    3000 * lasts, 9000 * lasts, 40, 30, n %% 9, 20, array_fill(1 + n %% 4, ARRAY[%(places)s]), 18, 1, n %% 5,
    n %% 900"""
ROLLUPS = f"""
INSERT INTO scheduling_fleetminute ({FIGURES})
SELECT date_trunc('minute', now()) - make_interval(mins => n), {FIGURED}
FROM generate_series(1, 2 * 1440) AS n CROSS JOIN (SELECT 60 AS lasts) AS span;
INSERT INTO scheduling_fleethour ({FIGURES})
SELECT date_trunc('hour', now()) - make_interval(hours => n), {FIGURED}
FROM generate_series(1, 400 * 24) AS n CROSS JOIN (SELECT 3600 AS lasts) AS span;
INSERT INTO scheduling_clusterminute (cluster_id, {FIGURES})
SELECT cluster, date_trunc('minute', now()) - make_interval(mins => n), {FIGURED}
FROM generate_series(1, 2 * 60) AS n CROSS JOIN (SELECT 60 AS lasts) AS span
CROSS JOIN generate_series(1, %(clusters)s) AS cluster;
"""  # noqa: S608 (our own words)
SLICE = 100_000
"""Deployments of one statement."""


def fill(*, deployments: int, clusters: int, organizations: int) -> None:
    """Make the rows in an empty, migrated database, and let PostgreSQL know its size."""
    sizes = {"count": deployments, "clusters": clusters, "organizations": organizations}
    _run(PEOPLE + CLUSTERS, sizes)
    for first in range(1, deployments + 1, SLICE):
        part = {"first": first, "last": min(first + SLICE - 1, deployments)}
        _run(DEPLOYMENTS + HISTORY, sizes | part)
    _run(BOOKS, sizes)
    _run(ROLLUPS, sizes | {"places": wait_histogram.PLACES})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _run(statements: str, values: dict[str, int]) -> None:
    with connection.cursor() as cursor:
        # The rows are right by their making; a look-up of every foreign key would take most of the time.
        cursor.execute("SET session_replication_role = replica")
        for statement in statements.strip().split(";\n"):
            cursor.execute(statement, values)
        cursor.execute("RESET session_replication_role")
