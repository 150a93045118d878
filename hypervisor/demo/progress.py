"""How far the demo is: what it has submitted, and the service's last word about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypervisor.demo.measures import FINAL, Count, Row, Use
from hypervisor.demo.trace import HIGH, LOW, MEDIUM

PRIORITIES = {HIGH: "HIGH", MEDIUM: "MEDIUM", LOW: "LOW"}


@dataclass(slots=True)
class Progress:
    """Fed once a poll. `accepted`: name → id, as the answers to the submits said."""

    jobs: int
    accepted: dict[str, int] = field(default_factory=dict)
    rows: Sequence[Row] = ()
    clusters: Sequence[Row] = ()
    elapsed: float = 0.0
    arrived_after: float | None = None
    """When the last job was accepted."""
    trouble: str = ""
    ever_started: set[int] = field(default_factory=set)
    ever_waited: set[int] = field(default_factory=set)
    while_arriving: Use = field(default_factory=Use)
    over_all: Use = field(default_factory=Use)
    per_cluster: dict[int, Use] = field(default_factory=dict)

    def update(self, *, rows: Sequence[Row], clusters: Sequence[Row], elapsed: float) -> None:
        """What a poll saw. A deployment waited if a cycle looked at it, said why not, and left it pending."""
        self.rows, self.clusters, self.elapsed = rows, clusters, elapsed
        self.ever_waited |= {row["id"] for row in rows if row["status"] == "pending" and row["reason"]}
        self.ever_started |= {row["id"] for row in rows if row["started_at"] or row["preemption_count"]}
        total = sum(cluster["total_gpu"] for cluster in clusters)
        share = sum(cluster["allocated_gpu"] for cluster in clusters) / total if total else 0.0
        self.over_all.sample(elapsed, share)
        if self.arrived_after is None:
            self.while_arriving.sample(elapsed, share)
        for cluster in clusters:
            use = self.per_cluster.setdefault(cluster["id"], Use())
            use.sample(elapsed, cluster["allocated_gpu"] / cluster["total_gpu"])

    @property
    def done(self) -> bool:
        """Everything was submitted and has ended."""
        return len(self.accepted) == self.jobs and self.ended == self.jobs

    @property
    def ended(self) -> int:
        return sum(row["status"] in FINAL for row in self.rows)

    @property
    def total(self) -> Count:
        return Count.of(self.rows)

    def of_priority(self, priority: int) -> Count:
        return Count.of([row for row in self.rows if row["priority"] == priority])

    def waiting_on(self, cluster_id: int) -> int:
        return sum(row["cluster_id"] == cluster_id and row["status"] == "pending" for row in self.rows)
