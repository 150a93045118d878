"""The scheduling promise written out as literally as possible, to compare the real planner with.

Everything is counted anew by plain sums whenever it is asked for: slow, and easy to check by reading.
"""

from collections.abc import Callable, Iterable

from scheduling.core.amounts import Amount
from scheduling.core.policy import Policy, VictimOrder
from scheduling.core.reasons import Reason
from scheduling.core.state import ClusterPlan, ClusterState, Eviction, Pending, Running

BY_DEPENDENCY = (Reason.WAITING_FOR_DEPENDENCIES, Reason.DEPENDENCY_FAILED)


def fits(need: Amount, room: Amount) -> bool:
    return all(n <= r for n, r in zip(need, room, strict=True))


def plan_cluster(cluster: ClusterState, policy: Policy) -> ClusterPlan:
    """What the promise says for one cluster."""
    total = tuple(sum(amounts) for amounts in zip(*cluster.pools, strict=True))
    overcommitted = cluster.blocked is Reason.CLUSTER_OVERCOMMITTED
    queue = sorted(cluster.pending, key=lambda p: (-p.priority, p.queued_at, p.id))
    able = [p for p in queue if not p.hold and not cluster.blocked and fits(p.need, total)]
    seats = [p for p in queue if p.seated and (p in able or (overcommitted and not p.hold))]
    starts: list[Pending] = []
    victims: list[tuple[Pending | Running, Pending]] = []  # with their preemptors, in order of choice

    def gone() -> list[Pending | Running]:
        return [row for row, _ in victims]

    def started() -> list[Pending]:
        return [p for p in starts if p not in gone()]

    def staying() -> list[Running]:
        return [r for r in cluster.running if not r.stopping and r not in gone()]

    def minus(rows: Iterable[Pending | Running]) -> Amount:
        held = list(rows)
        return tuple(t - sum(row.need[i] for row in held) for i, t in enumerate(total))

    def now() -> Amount:
        return tuple(max(0, room) for room in minus([*cluster.running, *started()]))

    def after() -> Amount:
        return minus([*staying(), *started(), *seats])

    def fits_both(row: Pending | Running) -> bool:
        return fits(row.need, now()) and fits(row.need, after())

    def waiting() -> list[Pending]:
        return [p for p in able if p not in started() and p not in seats]

    def give_back(first: int, allowed: Callable[[Pending | Running], bool]) -> None:
        for i in reversed(range(first, len(victims))):
            if allowed(victims[i][0]):
                del victims[i]

    def lower_than(preemptor: Pending) -> list[int]:
        return sorted(p for p in policy.may_preempt.get(preemptor.priority, ()) if p < preemptor.priority)

    def may_go(run: Running) -> bool:
        ran = max(0, cluster.now - run.started_at)
        too_often = policy.most_evictions is not None and run.evictions >= policy.most_evictions
        return ran >= policy.minimum_run_seconds * 1_000_000 and not too_often

    def age(run: Running) -> tuple[int, int]:
        youngest = policy.victim_order is VictimOrder.YOUNGEST
        return (-run.started_at if youngest else run.started_at, run.id)

    def evictions() -> int:
        return len([row for row in gone() if isinstance(row, Running)])

    def could_be_victims(preemptor: Pending) -> list[Pending | Running]:
        found: list[Pending | Running] = []
        for priority in lower_than(preemptor):
            own = [p for p in phase_1 if p.priority == priority and p in started()]
            found += sorted(own, key=queue.index, reverse=True)
            found += sorted([r for r in staying() if r.priority == priority and may_go(r)], key=age)
        return found

    # An engine that shrank broke promises. Who is last in the queue loses a seat that asks for what lacks.
    def asks_for_what_lacks(row: Pending) -> bool:
        return any(n > 0 and room < 0 for n, room in zip(row.need, after(), strict=True))

    while broken := [p for p in seats if p in able and asks_for_what_lacks(p)]:
        seats.remove(broken[-1])

    # Seats granted earlier come first. Their room is already theirs, so only what is free now counts.
    for p in list(seats):
        if p in able and fits(p.need, now()):
            seats.remove(p)
            starts.append(p)

    phase_1: list[Pending] = []
    for p in waiting():
        if fits_both(p):
            starts.append(p)
            phase_1.append(p)

    for p in able:  # phase 2
        if p not in waiting() or not lower_than(p):
            continue
        first = len(victims)
        for row in could_be_victims(p):
            if fits(p.need, after()):
                break
            victims.append((row, p))
        if not fits(p.need, after()):
            del victims[first:]
            continue
        give_back(first, lambda row, p=p: fits(add(p.need, row.need), after()))
        evicts = any(isinstance(row, Running) for row in gone()[first:])
        if evicts and cluster.evictions_left is not None and evictions() > cluster.evictions_left:
            del victims[first:]
            continue
        if p in gone():  # withdrawn for a higher one, and now placed in its own right
            victims = [v for v in victims if v[0] is not p]
            starts.remove(p)
        (starts if not evicts and fits_both(p) else seats).append(p)

    give_back(0, lambda row: fits_both(row) if isinstance(row, Pending) else fits(row.need, after()))

    def reason(p: Pending) -> Reason:
        if p.hold or cluster.blocked:
            return p.hold or cluster.blocked
        if p in seats:
            return Reason.WAITING_FOR_EVICTION
        if not fits(p.need, total):
            return Reason.EXCEEDS_CLUSTER
        reserved = fits(p.need, now()) and not fits(p.need, after())
        return Reason.RESERVED_FOR_OTHERS if reserved else Reason.INSUFFICIENT_CAPACITY

    new_seats = [p for p in seats if not p.seated]
    left = [p for p in queue if p not in started()]
    told_to_stop = tuple(Eviction(row.id, p.id) for row, p in victims if isinstance(row, Running))
    return ClusterPlan(
        cluster_id=cluster.id,
        starts=tuple(p.id for p in started()),
        seats=tuple(p.id for p in new_seats),
        dropped_seats=tuple(p.id for p in left if p.seated and p not in seats),
        evictions=told_to_stop,
        reasons=tuple((p.id, reason(p)) for p in left),
        scheduled=len([p for p in started() if not p.seated]) + len(new_seats),
        preempted=len(told_to_stop),
        unschedulable=len(left) - len(new_seats),
        held=len([p for p in queue if p.hold in BY_DEPENDENCY]),
        leftover=any(fits_both(p) for p in waiting())
        or any(p in able and fits(p.need, now()) for p in seats),
    )


def add(a: Amount, b: Amount) -> Amount:
    return tuple(x + y for x, y in zip(a, b, strict=True))
