"""Policies named for a simulation: presets, and what a cluster follows now."""

from collections.abc import Mapping, Sequence
from typing import Any

from clusters.models import Cluster
from scheduling.core.policy import PRESETS, Policy
from scheduling.models import ClusterPolicy
from scheduling.policies import effective
from scheduling.simulation.policies import BadPolicy, parse

OWN = "cluster:"
"""Begins the name of the policy that a cluster has: `cluster:7`."""


def own_policy(cluster_id: int) -> str:
    """The name of what this cluster follows."""
    return f"{OWN}{cluster_id}"


def named(texts: Sequence[str], *, settings: Mapping[str, Any] | None = None) -> list[Policy]:
    """The policies of these texts, read as `policies.parse` does. Raises BadPolicy, also for one named twice."""
    mentioned = [
        text.partition(",")[0].strip().removeprefix(OWN) for text in texts if text.strip().startswith(OWN)
    ]
    ids = [int(id_) for id_ in mentioned if id_.isdecimal()]
    there = Cluster.objects.filter(pk__in=ids, deleted_at=None).values_list("pk", flat=True) if ids else []
    rows = {row.cluster_id: row for row in ClusterPolicy.objects.filter(cluster_id__in=ids)} if ids else {}
    known = {**PRESETS, **{own_policy(id_): effective(rows.get(id_)) for id_ in there}}
    found = [parse(text, known=known, settings=settings) for text in texts]
    if len({policy.name for policy in found}) < len(found):
        raise BadPolicy("A policy is named twice. Name each once, or change a setting of the second.")
    return found
