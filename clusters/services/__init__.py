"""What happens to clusters: one keyword-only function per verb, each under the cluster's lock."""

from clusters.services.engine import check_engine
from clusters.services.manage import (
    change_cluster,
    create_cluster,
    delete_cluster,
    deletion_vetoes,
    promised_amounts,
)
from clusters.services.reachability import (
    note_declared_lost,
    note_reachable,
    note_recovered,
    note_unreachable,
)

__all__ = [
    "change_cluster",
    "check_engine",
    "create_cluster",
    "delete_cluster",
    "deletion_vetoes",
    "note_declared_lost",
    "note_reachable",
    "note_recovered",
    "note_unreachable",
    "promised_amounts",
]
