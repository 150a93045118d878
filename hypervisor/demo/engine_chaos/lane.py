"""One cluster, and rounds on it: submit, strike, wait until all is quiet, look whether every promise was kept."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from hypervisor.demo.docker.engine import Engine, NoEngine
from hypervisor.demo.docker.site import Identity
from hypervisor.demo.docker.starts import Starts
from hypervisor.demo.engine_chaos import records
from hypervisor.demo.engine_chaos.jobs import LONG, Job, Stop, jobs_of_round
from hypervisor.demo.engine_chaos.judge import Seen, ended_wrongly, unsettled, wrong
from hypervisor.demo.engine_chaos.mischief import Mischief
from hypervisor.demo.engine_chaos.totals import Totals
from hypervisor.demo.engine_chaos.trap import Trap
from hypervisor.demo.measures import FINAL
from hypervisor.demo.service import Refused, Session

QUIET_SECONDS, LOOK_SECONDS = 90.0, 0.3
SPECIAL = 0.1
"""How often a round has another misfortune than a kill."""
Row = dict[str, Any]


class Special(Enum):
    """What befalls a round instead of a kill."""

    RESTART = auto()
    DELETE = auto()
    STRANGERS = auto()


@dataclass(slots=True)
class Lane:
    """`play` is one round. The resident runs on from round to round, to be there unharmed at each end."""

    session: Session
    engine: Engine
    identity: Identity
    cluster_id: int
    image: str
    chance: random.Random
    trap: Trap
    starts: Starts
    mischief: Mischief
    totals: Totals
    say: Callable[[str], None]
    resident: tuple[int, Job] | None = None
    accepted: dict[int, Job] = field(default_factory=dict)

    def play(self, number: int) -> list[str]:
        """What was wrong at its end, a line each."""
        began, restarts = time.monotonic(), self.mischief.restarts
        special = self._special()
        kind = self.totals.next_kind(self.chance)
        if self.resident is None:
            job = Job(f"{number:04}-resident", LONG, priority="HIGH")
            self.resident = self._submit(job), job
        if special is None:
            self.trap.arm(kind)
        jobs = {self._submit(job): job for job in jobs_of_round(number, kind, self.chance)}
        if special is not None:
            self._befall(special)
        rows, seen, late = self._until_quiet(jobs | dict([self.resident]))
        self.trap.disarm()
        cut_off = special is Special.DELETE or self.mischief.restarts_begun > restarts
        found = late + wrong(seen) + self._look_after_resident(rows, cut_off)
        found += ended_wrongly(jobs, rows, cut_off=cut_off)
        self.totals.played(time.monotonic() - began, cut_off=len(ended_wrongly(jobs, rows)) if cut_off else 0)
        return found

    def end(self) -> list[str]:
        """Stop the resident and see that nothing is left; what was wrong."""
        if self.resident is None:
            return []
        id_, job = self.resident
        self.resident = None
        stopped_by_us = Job(job.name, job.script, stop=Stop.RUNNING)
        _, seen, late = self._until_quiet({id_: stopped_by_us})
        return late + wrong(seen)

    def _special(self) -> Special | None:
        if self.chance.random() >= SPECIAL:
            return None
        possible = [one for one in Special if one is not Special.RESTART or self.mischief.restart_command]
        return self.chance.choice(possible)

    def _submit(self, job: Job) -> int:
        body = job.body(image=self.image, cluster_id=self.cluster_id)
        id_ = int(self.session.create("/deployments", body, find={"name": job.name})["id"])
        self.accepted[id_] = job
        return id_

    def _befall(self, special: Special) -> None:
        time.sleep(self.chance.uniform(0.2, 2.5))
        # Another lane may be restarting the engine just now.
        with suppress(NoEngine):
            match special:
                case Special.RESTART:
                    self.say("the engine is restarted")
                    self.mischief.restart()
                case Special.DELETE:
                    cluster = self.identity.clusters[self.cluster_id]
                    gone = self.mischief.delete_some(cluster, self.chance)
                    self.say(f"deleted behind our back: {', '.join(gone) or 'nothing ran'}")
                case Special.STRANGERS:
                    self.mischief.invite_strangers()

    def _until_quiet(self, jobs: dict[int, Job]) -> tuple[dict[int, Row], Seen, list[str]]:
        """The deployments' last rows, what was seen with them, and whom it was too late to wait for any longer."""
        deadline = time.monotonic() + QUIET_SECONDS
        while True:
            rows = self._rows(jobs)
            open_ones = [row["name"] for id_, row in rows.items() if not self._is_settled(id_, row)]
            seen = None if open_ones else self._look()
            if seen is not None and not unsettled(seen):
                return rows, seen, []
            if time.monotonic() > deadline:
                names = ", ".join(open_ones) or "what runs and what is booked"
                return rows, seen or self._look() or Seen(), [f"no quiet after {QUIET_SECONDS:g} s: {names}"]
            for id_, row in rows.items():
                if _is_ripe(jobs[id_].stop, row, jobs, rows):
                    self._try_to_stop(id_)
            time.sleep(LOOK_SECONDS)

    def _rows(self, jobs: dict[int, Job]) -> dict[int, Row]:
        page = self.session.get("/deployments", cluster_id=self.cluster_id, ordering="-id", limit=20)
        rows = {row["id"]: row for row in page["results"] if row["id"] in jobs}
        return rows | {id_: self.session.get(f"/deployments/{id_}") for id_ in jobs.keys() - rows.keys()}

    def _is_settled(self, id_: int, row: Row) -> bool:
        is_resident = self.resident is not None and id_ == self.resident[0]
        return row["status"] in FINAL or (is_resident and row["status"] == "running")

    def _try_to_stop(self, id_: int) -> None:
        try:
            self.session.call("POST", f"/deployments/{id_}/stop")
        except Refused as refused:  # it was quicker
            if refused.answer.status_code != 409:
                raise

    def _look(self) -> Seen | None:
        """None while the engine is down."""
        cluster = self.identity.clusters[self.cluster_id]
        try:
            running = self.identity.running(self.engine, cluster=cluster)
            foreign = self.mischief.foreign()
        except NoEngine:
            return None
        live = records.live_runs(self.cluster_id)
        return Seen(
            differences=records.differences(),
            live={self.identity.container(run_id): state for run_id, state in live.items()},
            running=running,
            leaked_devices=records.leaked_devices(),
            starts=dict(self.starts.counts),
            foreign=foreign,
        )

    def _look_after_resident(self, rows: dict[int, Row], cut_off: bool) -> list[str]:
        """It ends only when its engine goes down with it, or when somebody deletes it."""
        if self.resident is None or (row := rows[self.resident[0]])["status"] not in FINAL:
            return []
        self.resident = None
        if cut_off:
            return []
        return [f"{row['name']} (#{row['id']}) should run on; it is {row['status']}, {row['reason']}"]


def _is_ripe(stop: Stop, row: Row, jobs: dict[int, Job], rows: dict[int, Row]) -> bool:
    """Whether it is time to stop this one. One that was stopped and runs again was lost in between."""
    match stop:
        case Stop.ONCE_SEEN:
            return row["status"] in {"starting", "running"}
        case Stop.RUNNING:
            return bool(row["status"] == "running")
        case Stop.LAST:
            quick = (other for id_, other in rows.items() if jobs[id_].stop is Stop.NEVER)
            return bool(row["status"] == "running") and all(
                other["status"] in FINAL for other in quick if "resident" not in other["name"]
            )
        case _:
            return False
