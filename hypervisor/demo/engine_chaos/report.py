"""The end of all rounds: the last looks, and the totals in print."""

from collections.abc import Callable, Sequence

from hypervisor.demo.chaos.service import Service
from hypervisor.demo.docker.relay import Relay
from hypervisor.demo.docker.sampler import Sampler
from hypervisor.demo.docker.traffic import Kind
from hypervisor.demo.engine_chaos import records
from hypervisor.demo.engine_chaos.lane import Lane
from hypervisor.demo.engine_chaos.totals import KINDS
from hypervisor.demo.measures import FINAL


def at_the_end(
    lanes: Sequence[Lane],
    relays: Sequence[Relay],
    sampler: Sampler,
    service: Service,
    say: Callable[[str], None],
    *,
    least: int,
) -> list[str]:
    """Print the totals; what was broken that no single round could see."""
    broken = [line for lane in lanes for line in lane.end()]
    highest = sampler.stop()
    lane = lanes[0]
    lane.starts.stop()
    totals, mischief, starts, tally = lane.totals, lane.mischief, lane.starts, records.tally()
    accepted = {id_: job.name for one in lanes for id_, job in one.accepted.items()}
    rows = {row["id"]: row for row in lane.session.rows("/deployments")}
    lost = [name for id_, name in accepted.items() if id_ not in rows]
    unended = [row["name"] for row in rows.values() if row["status"] not in FINAL]
    books = service.manage("check_books")
    calls = {kind: sum(relay.counts[kind] for relay in relays) for kind in Kind}
    facts = {
        "rounds": f"{totals.rounds} in {len(lanes)} lanes, {totals.seconds / max(1, totals.rounds):.1f} s each,"
        f" the slowest {totals.slowest_seconds:.0f} s",
        "kill -9 in requests": str(len(totals.hits)),
        **{f"  {kind}": totals.moments_in_words(kind) for kind in KINDS},
        "engine restarts": str(mischief.restarts),
        "deleted by others": str(mischief.deletions),
        "strangers": str(mischief.strangers),
        "accepted": str(len(accepted)),
        "ended": f"{len(rows) - len(unended)}, of which {totals.cut_off} were cut off by a restart or deletion",
        "lost": str(len(lost)),
        "runs": f"{tally.runs}, of which {tally.ran} ran, {tally.preempted} were preempted, {tally.lost} lost",
        "starts at the engine": f"{sum(starts.counts.values())} of {len(starts.counts)} containers",
        "started twice": str(len(starts.twice())),
        "orphans found": f"{tally.orphans_removed}, removed by the service",
        "most at once": str(highest),
        "calls of the engine": ", ".join(f"{kind} {count}" for kind, count in calls.items() if count),
        "requests repeated": str(sum(one.session.retries for one in lanes)),
        "books against runs": books.stdout.strip() or books.stderr[-500:],
    }
    for label, fact in facts.items():
        say(f"  {label:<22}{fact}")
    broken += [f"accepted and lost: {', '.join(lost)}"] if lost else []
    broken += [f"not ended: {', '.join(unended)}"] if unended else []
    broken += ["the books differ from the runs"] if books.returncode else []
    broken += [f"more ran than the cluster has: {highest.over[0]}"] if highest.over else []
    broken += [f"fewer than {least} hits of a kind"] if not totals.enough(least) else []
    return broken
