"""The end of all rounds: the last looks, and the totals in print."""

from collections.abc import Callable

from hypervisor.demo.chaos.service import Service
from hypervisor.demo.docker.relay import Relay
from hypervisor.demo.docker.sampler import Highest, Sampler
from hypervisor.demo.engine_chaos import records
from hypervisor.demo.engine_chaos.rounds import Rounds
from hypervisor.demo.engine_chaos.totals import KINDS
from hypervisor.demo.measures import FINAL

Say = Callable[[str], None]


def at_the_end(
    rounds: Rounds, sampler: Sampler, relay: Relay, service: Service, say: Say, *, least: int
) -> list[str]:
    """Print the totals; what was broken that no single round could see."""
    broken = rounds.end()
    highest = sampler.stop()
    rounds.starts.stop()
    totals, tally = rounds.totals, records.tally()
    rows = {row["id"]: row for row in rounds.session.rows("/deployments", cluster_id=rounds.cluster_id)}
    lost = [job.name for id_, job in rounds.accepted.items() if id_ not in rows]
    unended = [row["name"] for row in rows.values() if row["status"] not in FINAL]
    books = service.manage("check_books")
    facts = {
        "rounds": f"{totals.rounds}, the slowest {totals.slowest_seconds:.0f} s",
        "kill -9 in requests": f"{len(totals.hits)}",
        **{f"  {kind}": totals.moments_in_words(kind) for kind in KINDS},
        "engine restarts": str(rounds.mischief.restarts),
        "deleted by others": str(rounds.mischief.deletions),
        "strangers": str(rounds.mischief.strangers),
        "accepted": str(totals.accepted),
        "ended": f"{len(rows) - len(unended)}, {totals.cut_off} of them cut off by a restart or deletion",
        "lost": str(len(lost)),
        "runs": f"{tally.runs}, of which {tally.ran} ran, {tally.preempted} were preempted, {tally.lost} lost",
        "starts at the engine": f"{sum(rounds.starts.counts.values())} of {len(rounds.starts.counts)} containers",
        "started twice": str(len(rounds.starts.twice())),
        "orphans removed": str(tally.orphans_removed),
        "highest use": _use(highest),
        "calls of the engine": ", ".join(f"{kind} {count}" for kind, count in relay.counts.most_common()),
        "requests repeated": str(rounds.session.retries),
        "books against runs": books.stdout.strip() or books.stderr[-500:],
    }
    for label, fact in facts.items():
        say(f"  {label:<22}{fact}")
    broken += [f"accepted and lost: {', '.join(lost)}"] if lost else []
    broken += [f"not ended: {', '.join(unended)}"] if unended else []
    broken += ["the books differ from the runs"] if books.returncode else []
    broken += [f"more ran than the cluster has: {highest.over[0]}"] if highest.over else []
    broken += [f"fewer than {least} hits of a kind"] if not totals.enough(least) else []
    for line in broken:
        say(f"✗ {line}")
    records.close()
    return broken


def _use(highest: Highest) -> str:
    return (
        f"{highest.containers} containers, {highest.cpu_milli} milli-CPU, {highest.ram_mib} MiB in"
        f" {highest.samples} samples; {len(highest.over)} above what there is"
    )
