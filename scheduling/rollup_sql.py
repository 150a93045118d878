"""The statements that `rollups` writes with: what is measured from runs, and how it is added up."""

from scheduling.wait_histogram import BOUNDS, BUCKETS, PLACES

SUMS = (
    "total_gpu_seconds", "total_cpu_seconds", "total_ram_gb_seconds", "gpu_seconds_low", "gpu_seconds_medium",
    "gpu_seconds_high", "cpu_seconds", "ram_gb_seconds", "starts", "ends", "failures", "preemptions",
    "gpu_seconds_lost",
)  # fmt: skip
QUEUES = ("queue_low", "queue_medium", "queue_high")
KEPT = ("total_gpu_seconds", "total_cpu_seconds", "total_ram_gb_seconds", *QUEUES)
"""What only the first look at a minute can know; a later one leaves it."""

# By cluster, so that the index of each cluster's ends answers; a run that was booked since has not ended, or since.
RUNS = """
live AS MATERIALIZED (
    SELECT run.* FROM clusters_cluster AS cluster CROSS JOIN LATERAL (
        SELECT id, cluster_id, organization_id, deployment_id, priority, booked_at, ended_at, outcome
        FROM deployments_run WHERE cluster_id = cluster.id AND ended_at >= %(since)s
        UNION ALL
        SELECT id, cluster_id, organization_id, deployment_id, priority, booked_at, 'infinity', outcome
        FROM deployments_run WHERE cluster_id = cluster.id AND outcome IS NULL
    ) AS run WHERE run.booked_at < %(until)s
), held AS (
    SELECT live.*, span.at, gpu / 1000.0 AS gpu, cpu / 1000.0 AS cpu, ram / 1024.0 AS ram,
        extract(epoch FROM least(ended_at, span.until) - greatest(booked_at, span.at))::float8 AS seconds
    FROM live JOIN span ON booked_at < span.until AND ended_at > span.at
    JOIN deployments_allocation AS allocation ON allocation.run_id = live.id
)
"""
# What it waited for last: its submission, the end of the run before it, or its user's wish to have it once more.
MINUTES = f"""
WITH span AS (
    SELECT at, at + interval '1 minute' AS until
    FROM generate_series(%(since)s::timestamptz, %(until)s::timestamptz - interval '1 minute', '1 minute') AS at
), {RUNS}, used AS (
    SELECT cluster_id, at, sum(gpu * seconds) FILTER (WHERE priority = 1) AS low,
        sum(gpu * seconds) FILTER (WHERE priority = 2) AS medium,
        sum(gpu * seconds) FILTER (WHERE priority = 3) AS high, sum(cpu * seconds) AS cpu, sum(ram * seconds) AS ram
    FROM held GROUP BY cluster_id, at
), started AS (
    SELECT live.cluster_id, date_trunc('minute', booked_at) AS at, 1 + {BUCKETS} * (live.priority - 1)
        + width_bucket(extract(epoch FROM booked_at - coalesce(queued.at, booked_at))::float8, %(bounds)s::float8[])
        AS place, count(*) AS number
    FROM live JOIN deployments_deployment AS deployment ON deployment.id = live.deployment_id
    CROSS JOIN LATERAL (
        SELECT max(moment) AS at FROM (
            SELECT deployment.created_at AS moment
            UNION ALL
            SELECT ended_at FROM deployments_run AS earlier
            WHERE earlier.deployment_id = live.deployment_id AND earlier.id < live.id
            UNION ALL
            SELECT event.at FROM deployments_deploymentevent AS event
            WHERE event.deployment_id = live.deployment_id AND kind = 'requeued'
        ) AS known WHERE moment <= booked_at
    ) AS queued
    WHERE booked_at >= %(since)s GROUP BY 1, 2, 3
), waited AS (
    SELECT cluster_id, at, sum(number) AS starts, array_agg(coalesce(number, 0) ORDER BY place) AS waits
    FROM (SELECT DISTINCT cluster_id, at FROM started) AS moment CROSS JOIN generate_series(1, {PLACES}) AS place
    LEFT JOIN started USING (cluster_id, at, place) GROUP BY cluster_id, at
), ended AS (
    SELECT cluster_id, date_trunc('minute', ended_at) AS at, count(*) AS ends,
        count(*) FILTER (WHERE outcome = 'failed') AS failures
    FROM live WHERE ended_at >= %(since)s AND ended_at < %(until)s GROUP BY 1, 2
), evicted AS (
    SELECT cluster_id, date_trunc('minute', at) AS at, sum(victims) AS victims,
        sum(lost_seconds) FILTER (WHERE numbers ->> 'work_resource' = '0') AS lost
    FROM scheduling_evictioncertificate WHERE at >= %(since)s AND at < %(until)s GROUP BY 1, 2
), queue AS (
    SELECT cluster_id, %(looked_at)s::timestamptz AS at, count(*) FILTER (WHERE priority = 1) AS low,
        count(*) FILTER (WHERE priority = 2) AS medium, count(*) FILTER (WHERE priority = 3) AS high
    FROM deployments_deployment WHERE status = 'pending' AND %(looked_at)s::timestamptz IS NOT NULL
    GROUP BY cluster_id
)
INSERT INTO scheduling_clusterminute AS minute (cluster_id, at, {", ".join(SUMS)}, {", ".join(QUEUES)}, waits)
SELECT cluster.id, span.at, 60 * total_gpu / 1000.0, 60 * total_cpu / 1000.0, 60 * total_ram / 1024.0,
    coalesce(used.low, 0), coalesce(used.medium, 0), coalesce(used.high, 0), coalesce(used.cpu, 0),
    coalesce(used.ram, 0), coalesce(waited.starts, 0), coalesce(ended.ends, 0), coalesce(ended.failures, 0),
    coalesce(evicted.victims, 0), coalesce(evicted.lost, 0),
    CASE WHEN span.at = %(looked_at)s THEN coalesce(queue.low, 0) END,
    CASE WHEN span.at = %(looked_at)s THEN coalesce(queue.medium, 0) END,
    CASE WHEN span.at = %(looked_at)s THEN coalesce(queue.high, 0) END,
    coalesce(waited.waits, '{{}}')
FROM clusters_cluster AS cluster CROSS JOIN span
LEFT JOIN used ON used.cluster_id = cluster.id AND used.at = span.at
LEFT JOIN waited ON waited.cluster_id = cluster.id AND waited.at = span.at
LEFT JOIN ended ON ended.cluster_id = cluster.id AND ended.at = span.at
LEFT JOIN evicted ON evicted.cluster_id = cluster.id AND evicted.at = span.at
LEFT JOIN queue ON queue.cluster_id = cluster.id AND queue.at = span.at
WHERE cluster.created_at < span.until AND (cluster.deleted_at IS NULL OR cluster.deleted_at > span.at)
ON CONFLICT (at, cluster_id) DO UPDATE SET waits = excluded.waits,
    {", ".join(f"{name} = excluded.{name}" for name in SUMS if name not in KEPT)},
    {", ".join(f"{name} = coalesce(minute.{name}, excluded.{name})" for name in QUEUES)}
"""  # noqa: S608 — our own constants
USAGE = f"""
WITH span AS (
    SELECT at, least(at + interval '1 hour', %(until)s) AS until
    FROM generate_series(%(since)s::timestamptz, %(until)s::timestamptz - interval '1 microsecond', '1 hour') AS at
), {RUNS}, gone AS (
    DELETE FROM scheduling_usagehour WHERE hour >= %(since)s AND hour < %(until)s
)
INSERT INTO scheduling_usagehour (organization_id, user_id, priority, hour, gpu_seconds, cpu_seconds, ram_gb_seconds)
SELECT held.organization_id, created_by_id, held.priority, held.at, sum(gpu * seconds), sum(cpu * seconds),
    sum(ram * seconds)
FROM held JOIN deployments_deployment AS deployment ON deployment.id = deployment_id
GROUP BY held.organization_id, created_by_id, held.priority, held.at
"""  # noqa: S608 — our own constants
BOUNDS_OF_BUCKETS = list(BOUNDS)


def fold(source: str, target: str, *, to_hours: bool, by_cluster: bool) -> str:
    """Add the rows of `source` from `since` until before `until` up into rows of `target`."""
    moment = "date_trunc('hour', at, 'UTC')" if to_hours else "at"
    keys = ["at", "cluster_id"] if by_cluster else ["at"]
    group = ", ".join([moment, *keys[1:]])
    queue = "avg" if to_hours else "sum"
    figures = ", ".join([f"sum({name})" for name in SUMS] + [f"{queue}({name})" for name in QUEUES])
    names = [*SUMS, *QUEUES, "waits"]
    return f"""
WITH waited AS (
    SELECT {", ".join(keys)}, array_agg(number ORDER BY place) AS waits FROM (
        SELECT {moment} AS {keys[0]}, {"cluster_id, " if by_cluster else ""}place, sum(number)::bigint AS number
        FROM {source} CROSS JOIN unnest(waits) WITH ORDINALITY AS bucket(number, place)
        WHERE at >= %(since)s AND at < %(until)s
        GROUP BY {group}, place
    ) AS bucket GROUP BY {", ".join(keys)}
), added({", ".join([*keys, *names[:-1]])}) AS (
    SELECT {group}, {figures} FROM {source} WHERE at >= %(since)s AND at < %(until)s GROUP BY {group}
)
INSERT INTO {target} ({", ".join([*keys, *names])})
SELECT added.*, coalesce(waits, '{{}}') FROM added LEFT JOIN waited USING ({", ".join(keys)})
ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in names)}
"""  # noqa: S608 — our own constants
