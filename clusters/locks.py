"""Locks of clusters. Rows are locked in id order, after the organization's and before any deployment's."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection

from clusters.models import Cluster

KEEP = """
SELECT cluster.* FROM clusters_cluster AS cluster
JOIN organizations_organization AS organization ON organization.id = cluster.organization_id
WHERE cluster.id = ANY(%s) AND cluster.deleted_at IS NULL AND organization.deleted_at IS NULL
ORDER BY cluster.id
FOR KEY SHARE
"""


def lock_clusters(cluster_ids: Iterable[int], *, skip_locked: bool = False) -> list[Cluster]:
    """The rows, locked until the transaction ends; with `skip_locked` without those that somebody else holds.

    Whoever makes capacity scarcer holds this. NO KEY UPDATE: a plain FOR UPDATE would block every insert of a row
    that points to the cluster.
    """
    return list(
        Cluster.objects.filter(pk__in=list(cluster_ids))
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",), skip_locked=skip_locked)
    )


def lock_cluster_for_deletion(cluster_id: int) -> Cluster:
    """The row, locked also against those who keep it: afterwards nobody adds anything to the cluster."""
    locked: Cluster = Cluster.objects.select_for_update(of=("self",)).get(pk=cluster_id)
    return locked


def keep_cluster(cluster_id: int) -> Cluster | None:
    """The row as it is now, or None if it was deleted; nobody deletes it before the transaction ends.

    Does not wait for a scheduling cycle, and no cycle waits for it.
    """
    return keep_clusters([cluster_id]).get(cluster_id)


def keep_clusters(cluster_ids: Iterable[int]) -> dict[int, Cluster]:
    """As `keep_cluster`, those that are not deleted, by id; in one statement."""
    return {cluster.pk: cluster for cluster in Cluster.objects.raw(KEEP, [sorted(cluster_ids)])}


@contextmanager
def sole_reconcilers(cluster_ids: Collection[int]) -> Iterator[set[int]]:
    """Those of the clusters that nobody else reconciles; until the block ends nobody else does. See `session_lock`."""
    mine = _all_that("pg_try_advisory_lock", cluster_ids)
    try:
        yield mine
    finally:
        if mine:
            with _let_go_in_any_case():
                _all_that("pg_advisory_unlock", mine)


@contextmanager
def session_lock(key: str) -> Iterator[bool]:
    """Whether nobody else holds this lock; if so, nobody else does until the block ends.

    A lock of the database session: held without a transaction, because engines are slow, and gone at once with a
    process that is killed.
    """
    mine = _ask("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", key)
    try:
        yield mine
    finally:
        if mine:
            with _let_go_in_any_case():
                _ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)


@contextmanager
def _let_go_in_any_case() -> Iterator[None]:
    # Sessions outlive tasks: a lock that stayed would keep everybody away until its session ends.
    try:
        yield
    except DatabaseError:
        connection.close()
        raise


def _all_that(function: str, cluster_ids: Collection[int]) -> set[int]:
    key = "hashtextextended('reconcile cluster ' || id, 0)"
    question = f"SELECT id FROM unnest(%s::bigint[]) AS id WHERE {function}({key})"  # noqa: S608 (our own words)
    with connection.cursor() as cursor:
        cursor.execute(question, [sorted(cluster_ids)])
        return {id_ for (id_,) in cursor.fetchall()}


def _ask(question: str, key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, [key])
        row = cursor.fetchone()
    return bool(row and row[0])
