"""Who goes first in a cluster's queue, by its policy.

Shares follow dominant-resource fairness (Ghodsi et al., NSDI 2011): a tenant's share is the largest part that it holds
of any resource, divided by its weight.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush

from scheduling.core.amounts import Amount, add
from scheduling.core.ledger import total_of
from scheduling.core.policy import Policy
from scheduling.core.state import ClusterState, Pending

Key = tuple[int, ...]
SECOND = 1_000_000
WHOLE = 1_000_000_000
"""A share of one resource in full."""
UNKNOWN = 1 << 62
"""Sorts behind every length that is known."""


def queue_order(cluster: ClusterState) -> list[Pending]:
    """List all that wait as the policy ranks them now, before this cycle changes anybody's share."""
    standing = Standing(cluster)
    level = effective_priority(cluster)
    return sorted(cluster.pending, key=lambda one: (-level(one), *standing.key(one)))


def effective_priority(cluster: ClusterState) -> Callable[[Pending], int]:
    """Say by whose priority one is ranked: its own, and one more for each `ageing_seconds` that it has waited.

    That never lifts it among those who may preempt.
    """
    policy, now = cluster.policy, cluster.now
    if policy.ageing_seconds is None:
        return lambda one: one.priority
    step, most = policy.ageing_seconds * SECOND, aged_at_most(policy)
    return lambda one: max(one.priority, min(most, one.priority + max(0, now - one.queued_at) // step))


def aged_at_most(policy: Policy) -> int:
    """Return the priority up to which waiting lifts: the one below all that may preempt."""
    return min(policy.preemptors, default=UNKNOWN) - 1


def band_of(policy: Policy) -> int:
    """Return how wide the bands are in which shares stand equal, in billionths; 1: the exact share counts."""
    return policy.share_band_percent * WHOLE // 100 or 1


class Standing:
    """What each organization and user holds, in shares, while a cycle adds to it."""

    def __init__(self, cluster: ClusterState) -> None:
        """Count what runs and does not stop, and what earlier seats were promised."""
        policy = cluster.policy
        self._shortest_first = policy.shortest_first
        self._by_organization = policy.organization_shares
        self._by_user = policy.user_shares
        self._weights, self._user_weights = cluster.weights, cluster.user_weights
        self._total = total_of(cluster)
        self._band = band_of(policy)
        width = len(self._total)
        self._organizations: dict[int, list[int]] = defaultdict(lambda: [0] * width)
        self._users: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * width)
        if self._by_organization or self._by_user:
            for run in cluster.running:
                if not run.stopping:
                    self.charge(run.organization, run.user, run.need)
            for one in cluster.pending:
                if one.seated:
                    self.charge(one.organization, one.user, one.need)

    def charge(self, organization: int, user: int, need: Amount) -> None:
        """Count `need` as held by this user of this organization from here on."""
        if self._by_organization:
            add(self._organizations[organization], need)
        if self._by_user:
            add(self._users[organization, user], need)

    def shares(self, one: Pending) -> Key:
        """Return what its organization and its user hold, in bands of the whole; 0 where the policy ignores it."""
        of_organization = of_user = 0
        if self._by_organization:
            held = self._organizations[one.organization]
            of_organization = self._share(held, self._weights.get(one.organization, 1))
        if self._by_user:
            of_user = self._share(
                self._users[one.organization, one.user], self._user_weights.get(one.user, 1)
            )
        return of_organization, of_user

    def key(self, one: Pending) -> Key:
        """Return what ranks it among those of one priority: the smallest goes first."""
        return (*self.shares(one), *self.within(one))

    def within(self, one: Pending) -> Key:
        """Return what ranks it among those of equal shares."""
        length = 0
        if self._shortest_first:
            length = UNKNOWN if one.expected is None else one.expected
        return length, one.queued_at, one.id

    def _share(self, held: list[int], weight: int) -> int:
        parts = (
            amount * WHOLE // (there * weight)
            for amount, there in zip(held, self._total, strict=True)
            if there
        )
        return max(parts, default=0) // self._band

    def ranked(self, rows: Iterable[Pending]) -> Iterator[Pending]:
        """Yield `rows`, all of one priority, each time the one that goes first by the shares as they are then."""
        tenants: dict[tuple[int, int], list[Pending]] = defaultdict(list)
        for one in rows:
            # A user's share is counted in each organization apart, so that is how its rows rank.
            apart = self._by_organization or self._by_user
            tenants[one.organization if apart else 0, one.user if self._by_user else 0].append(one)
        for alike in tenants.values():
            alike.sort(key=self.within, reverse=True)
        heap = [(self.key(alike[-1]), tenant) for tenant, alike in tenants.items()]
        heapify(heap)
        while heap:
            ranked_by, tenant = heappop(heap)
            alike = tenants[tenant]
            key = self.key(alike[-1])
            if key != ranked_by:
                # Others were charged since: shares only grow, so it belongs further back.
                heappush(heap, (key, tenant))
                continue
            yield alike.pop()
            if alike:
                heappush(heap, (self.key(alike[-1]), tenant))
