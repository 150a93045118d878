"""One round after the other: submit, strike, wait until all is quiet, look whether every promise was kept."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from hypervisor.demo.docker.engine import Engine, NoEngine
from hypervisor.demo.docker.site import Identity
from hypervisor.demo.docker.starts import Starts
from hypervisor.demo.docker.traffic import Kind
from hypervisor.demo.engine_chaos import records
from hypervisor.demo.engine_chaos.jobs import CUT_OFF, EXITED, LONG, Job, Stop, jobs_of_round
from hypervisor.demo.engine_chaos.judge import Seen, ended_wrongly, unsettled, wrong
from hypervisor.demo.engine_chaos.mischief import Mischief
from hypervisor.demo.engine_chaos.totals import KINDS, Totals
from hypervisor.demo.engine_chaos.trap import Trap
from hypervisor.demo.measures import FINAL
from hypervisor.demo.service import Refused, Session

QUIET_SECONDS, LOOK_SECONDS = 90.0, 0.2
SPECIAL = 0.1
"""How often a round has another misfortune than a kill."""
LEFT_THE_QUEUE = frozenset({"starting", "running"})


class Special(Enum):
    """What befalls a round instead of a kill."""

    RESTART = auto()
    DELETE = auto()
    STRANGERS = auto()


@dataclass(slots=True)
class Rounds:
    """`play` is one round. `residents`: what runs on from round to round, to be there unharmed at each end."""

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
    accepted: dict[int, Job] = field(default_factory=dict)
    residents: dict[int, Job] = field(default_factory=dict)

    def play(self, number: int) -> list[str]:
        """What was wrong at its end, a line each."""
        began = time.monotonic()
        special = self._special()
        cut_off = special in (Special.RESTART, Special.DELETE)
        kind = self._kind()
        self._settle(number)
        if special is None:
            self.trap.arm(kind)
        jobs = {self._submit(job): job for job in jobs_of_round(number, kind, self.chance, cut_off=cut_off)}
        if special is not None:
            self._befall(special)
        rows, late = self._until_quiet(jobs)
        self.trap.disarm()
        found = late + wrong(self._look()) + ended_wrongly(jobs, rows) + self._residents_gone(cut_off)
        self.totals.rounds += 1
        self.totals.ended += sum(row["status"] in FINAL for row in rows.values())
        self.totals.cut_off += sum(
            (row["status"], row["reason"]) in CUT_OFF and jobs[id_].good != EXITED
            for id_, row in rows.items()
        )
        self.totals.slowest_seconds = max(self.totals.slowest_seconds, time.monotonic() - began)
        return found

    def end(self) -> list[str]:
        """Stop the residents and see that nothing is left; what was wrong."""
        for id_ in self.residents:
            self._try_to_stop(id_)
        rows, late = self._until_quiet(dict(self.residents), residents=False)
        self.totals.ended += sum(row["status"] in FINAL for row in rows.values())
        return late + wrong(self._look())

    def _special(self) -> Special | None:
        if self.chance.random() >= SPECIAL:
            return None
        return self.chance.choice(
            [one for one in Special if one is not Special.RESTART or self.mischief.restart_command]
        )

    def _kind(self) -> Kind:
        return self.totals.fewest() if self.chance.random() < 0.6 else self.chance.choice(KINDS)

    def _settle(self, number: int) -> None:
        if not self.residents:
            job = Job(f"{number:04}-resident", LONG, priority="HIGH")
            self.residents[self._submit(job)] = job

    def _submit(self, job: Job) -> int:
        body = job.body(image=self.image, cluster_id=self.cluster_id)
        id_ = int(self.session.create("/deployments", body, find={"name": job.name})["id"])
        self.accepted[id_] = job
        self.totals.accepted += 1
        return id_

    def _befall(self, special: Special) -> None:
        time.sleep(self.chance.uniform(0.2, 2.5))
        match special:
            case Special.RESTART:
                self.say("  the engine is restarted")
                self.mischief.restart()
            case Special.DELETE:
                self.say(
                    f"  deleted behind our back: {', '.join(self.mischief.delete_some()) or 'nothing ran'}"
                )
            case Special.STRANGERS:
                self.mischief.invite_strangers()

    def _until_quiet(
        self, jobs: dict[int, Job], *, residents: bool = True
    ) -> tuple[dict[int, dict[str, Any]], list[str]]:
        deadline = time.monotonic() + QUIET_SECONDS
        while True:
            page = self.session.get("/deployments", cluster_id=self.cluster_id, ordering="-id", limit=40)
            rows = {row["id"]: row for row in page["results"] if row["id"] in jobs}
            rows |= {id_: self.session.get(f"/deployments/{id_}") for id_ in jobs.keys() - rows.keys()}
            open_ones = [row["name"] for row in rows.values() if row["status"] not in FINAL]
            if not open_ones:
                unready = unsettled(self._look())
                if not unready and (not residents or self._residents_settled()):
                    return rows, []
            if time.monotonic() > deadline:
                return rows, [
                    f"after {QUIET_SECONDS:g} s there is no quiet: {', '.join(open_ones) or 'all ended'}"
                ]
            self._stop_some(jobs, rows)
            time.sleep(LOOK_SECONDS)

    def _stop_some(self, jobs: dict[int, Job], rows: dict[int, dict[str, Any]]) -> None:
        by_themselves = [row for id_, row in rows.items() if jobs[id_].stop is Stop.NEVER]
        others_over = all(row["status"] in FINAL for row in by_themselves)
        for id_, row in rows.items():
            ripe = {
                Stop.NEVER: False,
                Stop.ONCE_SEEN: row["status"] in LEFT_THE_QUEUE,
                Stop.RUNNING: row["status"] == "running",
                Stop.LAST: row["status"] == "running" and others_over,
            }[jobs[id_].stop]
            # One that was stopped and runs again was lost in between: it is stopped anew.
            if ripe:
                self._try_to_stop(id_)

    def _try_to_stop(self, id_: int) -> None:
        try:
            self.session.call("POST", f"/deployments/{id_}/stop")
        except Refused as refused:  # it was quicker
            if refused.answer.status_code != 409:
                raise

    def _look(self) -> Seen:
        try:
            # The books first: what ended between the looks is then missing on the engine, not too much there.
            live = records.live_runs()
            running = frozenset(self.identity.leftovers(self.engine))
            foreign = self.mischief.alive()
        except NoEngine as error:
            return Seen(differences=[str(error)])
        return Seen(
            differences=records.differences(),
            live={self.identity.container(run_id): state for run_id, state in live.items()},
            running=running,
            leaked_devices=records.leaked_devices(),
            starts=self.starts.counts,
            foreign=foreign,
        )

    def _residents_settled(self) -> bool:
        states = {self.session.get(f"/deployments/{id_}")["status"] for id_ in self.residents}
        return states <= {"running"} | FINAL

    def _residents_gone(self, cut_off: bool) -> list[str]:
        """A resident ends only when its engine goes down with it, or somebody deletes it."""
        found = []
        for id_, job in list(self.residents.items()):
            row = self.session.get(f"/deployments/{id_}")
            if row["status"] in FINAL:
                self.totals.ended += 1
                self.totals.cut_off += 1
                del self.residents[id_]
                if not cut_off or (row["status"], row["reason"]) not in CUT_OFF:
                    found.append(f"{job.name} (#{id_}) should run on; it is {row['status']}, {row['reason']}")
        return found
