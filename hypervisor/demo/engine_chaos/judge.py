"""What must be true when all is quiet. Pure: from what was seen to what is wrong."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from hypervisor.demo.engine_chaos.jobs import CUT_OFF, Job

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at everything.

    `differences`: between a cluster's row and its runs. `live`: container name → state of each run that has not ended.
    `running`: the names of our containers that run. `leaked_devices`: GPUs held by nobody who lives. `starts`: how
    often each container was started. `foreign`: containers of others that should run, and whether they do.
    """

    differences: Collection[str] = ()
    live: Mapping[str, str] = field(default_factory=dict)
    running: frozenset[str] = frozenset()
    leaked_devices: int = 0
    starts: Mapping[str, int] = field(default_factory=dict)
    foreign: Mapping[str, bool] = field(default_factory=dict)


def unsettled(seen: Seen) -> list[str]:
    """Why engine and books do not agree yet; they may still come to, within the patience of a round."""
    orphans = sorted(seen.running - seen.live.keys())
    unready = sorted(f"{name} ({state})" for name, state in seen.live.items() if state != "running")
    missing = sorted(
        name for name, state in seen.live.items() if state == "running" and name not in seen.running
    )
    return [
        f"{what}: {', '.join(names)}"
        for what, names in (
            ("runs on the engine without a live run", orphans),
            ("is neither running nor over", unready),
            ("is booked as running and does not run on the engine", missing),
        )
        if names
    ]


def wrong(seen: Seen) -> list[str]:
    """The promises that are broken, each in a line; what is `unsettled` by now is one of them."""
    twice = sorted(f"{name} ({count} times)" for name, count in seen.starts.items() if count > 1)
    dead = sorted(name for name, alive in seen.foreign.items() if not alive)
    found = [*unsettled(seen)]
    found += [f"the books differ from the runs: {difference}" for difference in seen.differences]
    found += [f"started more than once: {', '.join(twice)}"] if twice else []
    found += [f"{seen.leaked_devices} devices are held by nobody"] if seen.leaked_devices else []
    found += [f"a container that is none of ours is gone: {', '.join(dead)}"] if dead else []
    return found


def ended_wrongly(jobs: Mapping[int, Job], rows: Mapping[int, Row], *, cut_off: bool = False) -> list[str]:
    """The accepted jobs (by deployment id) that are lost, have not ended, or ended otherwise than they should.

    `cut_off`: their engine was restarted, or containers were deleted behind our back.
    """
    found = []
    for id_, job in jobs.items():
        row = rows.get(id_)
        if row is None:
            found.append(f"{job.name} (#{id_}) was accepted and is lost")
        elif (row["status"], row["reason"]) not in job.good | (CUT_OFF if cut_off else frozenset()):
            said = f"{row['status']}, {row['reason']}"
            should = " or ".join(sorted(f"{status}, {reason}" for status, reason in job.good))
            found.append(f"{job.name} (#{id_}) should end as {should}; it is {said}")
    return found
