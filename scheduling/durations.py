"""How long deployments will run, where nobody said so: as long as the last ones of their kind."""

import time
from collections.abc import Collection
from typing import Any

from django.db import connection

from deployments.models import Deployment
from deployments.states import HOLDS_CAPACITY, Status

Kind = tuple[int, str]
"""An organization's id and a Docker image."""
KEPT_SECONDS = 300.0
MOST_KEPT = 20_000
LAST, LEAST = 50, 3
"""The newest completed runs that count, and how few of them say nothing."""
MEDIANS = """
SELECT kind.place, (SELECT CASE WHEN count(*) >= %(least)s THEN
        percentile_disc(0.5) WITHIN GROUP (ORDER BY took) END FROM (
    SELECT extract(epoch FROM ended_at - running_at) AS took FROM deployments_run
    WHERE outcome = 'completed' AND organization_id = kind.organization_id AND spec ->> 'docker_image' = kind.image
        AND running_at IS NOT NULL
    ORDER BY id DESC LIMIT %(last)s) AS newest)
FROM unnest(%(organizations)s::bigint[], %(images)s::text[]) WITH ORDINALITY AS kind(organization_id, image, place)
"""
_known: dict[Kind, tuple[float, float | None]] = {}
"""Kind → until when it is believed, and its median. In this process alone: no cycle waits for a cache's server."""


def usual_seconds(kinds: Collection[Kind]) -> dict[Kind, float]:
    """How long the last completed runs of each kind took: the median, in seconds; kinds with too few are left out.

    What was found, also that nothing is known, is believed for five minutes.
    """
    now = time.monotonic()
    wanted = set(kinds)
    unknown = [kind for kind in wanted if kind not in _known or _known[kind][0] < now]
    if unknown:
        if len(_known) > MOST_KEPT:
            _known.clear()
        _known.update({kind: (now + KEPT_SECONDS, seconds) for kind, seconds in _medians(unknown).items()})
    found = {kind: _known.get(kind, (now, None))[1] for kind in wanted}
    return {kind: seconds for kind, seconds in found.items() if seconds is not None}


def usual_of_deployments(cluster_ids: Collection[int]) -> dict[int, float]:
    """How long each deployment that waits or runs on these clusters usually takes, in seconds, where nobody said it.

    Those of a kind that is not known are left out.
    """
    if not cluster_ids:
        return {}
    rows: Any = Deployment.objects.filter(
        cluster_id__in=cluster_ids, status__in=[Status.PENDING, *HOLDS_CAPACITY], expected_seconds=None
    ).values_list("id", "organization_id", "docker_image")
    kinds: dict[int, Kind] = {id_: (organization, image) for id_, organization, image in rows}
    usual = usual_seconds(set(kinds.values()))
    return {id_: usual[kind] for id_, kind in kinds.items() if kind in usual}


def forget() -> None:
    """Look at all of them anew."""
    _known.clear()


def _medians(kinds: list[Kind]) -> dict[Kind, float | None]:
    organizations, images = zip(*kinds, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            MEDIANS,
            {"organizations": list(organizations), "images": list(images), "least": LEAST, "last": LAST},
        )
        return {
            kinds[place - 1]: None if seconds is None else float(seconds)
            for place, seconds in cursor.fetchall()
        }
