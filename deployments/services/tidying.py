"""What an engine has of ours that no live run owns: its log is kept, then it is removed."""

from collections import deque
from collections.abc import Sequence

import structlog
from django.db import transaction
from django.utils import timezone

from clusters.models import Cluster
from clusters.runtimes.base import Driver, Observed, Phase, RuntimeFailure, Stream
from deployments.events import save_events
from deployments.models import Run
from deployments.reconcile import Remove
from deployments.services.rows import update_rows
from deployments.services.runs import told

log = structlog.get_logger(__name__)
KEPT_BYTES = 64 * 1024
KEPT_LINES = 2000
MOST_READ_BYTES = 32 * 1024 * 1024
AT_ONCE = 50
"""Logs kept in one pass; the others wait for the next, so that no pass takes minutes."""


def keep_logs(*, driver: Driver, observed: Sequence[Observed]) -> None:
    """Keep the last 64 KB of each ended container on its run, once; the container may go afterwards."""
    ended = {run_id: one for one in observed if one.phase is Phase.ENDED and (run_id := run_id_of(one.name))}
    if not ended:
        return
    runs = list(
        Run.objects.filter(pk__in=ended, log_kept_at=None, outcome__isnull=False).order_by("pk")[:AT_ONCE]
    )
    kept = []
    for run in runs:
        try:
            run.log_tail = last_text(driver.logs(ended[run.pk].handle, KEPT_LINES))
        except RuntimeFailure as failure:
            if not failure.permanent:
                continue
        run.log_kept_at = timezone.now()
        kept.append(run)
    update_rows(kept, ["log_tail", "log_kept_at"])


def remove_strays(*, cluster: Cluster, driver: Driver, strays: Sequence[Remove]) -> None:
    """Remove what no live run owns; an ended one whose log is still to be kept stays until the next pass."""
    names = {run_id: stray.name for stray in strays if (run_id := run_id_of(stray.name))}
    runs = {
        run.container_name: run
        for run in Run.objects.filter(pk__in=names, cluster=cluster).select_related("deployment")
    }
    going, events = [], []
    for stray in strays:
        run = runs.get(stray.name)
        if run is not None and (run.outcome is None or (stray.ended and run.log_kept_at is None)):
            continue
        going.append(stray.handle)
        if not stray.ended:
            log.info("orphan_removed", cluster_id=cluster.pk, container=stray.name)
            if run is not None:
                events.append(told(run, "orphan_removed", {}))
    failures = driver.remove_many(going)
    with transaction.atomic():
        save_events(events)
    for handle, failure in failures.items():
        log.warning("remove_failed", cluster_id=cluster.pk, handle=handle, error=str(failure))


def run_id_of(container_name: str) -> int | None:
    """The run behind a container's name, or None for a name that we do not give."""
    prefix, _, number = container_name.partition("-")
    good = prefix == "run" and number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if good else None


def last_text(stream: Stream[bytes]) -> str:
    """The end of a log as text that the database can hold, however long the log is."""
    pieces: deque[bytes] = deque()
    held = read = 0
    for piece in stream:
        read += len(piece)
        pieces.append(piece)
        held += len(piece)
        while held - len(pieces[0]) >= KEPT_BYTES:
            held -= len(pieces.popleft())
        if read > MOST_READ_BYTES:
            stream.close()
            break
    return b"".join(pieces)[-KEPT_BYTES:].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
