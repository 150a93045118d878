"""The least work that had to be lost, proved by CP-SAT, for clusters of up to twenty jobs; HIGH alone preempts.

Trace-like clusters are made of jobs of the Philly trace (see the head of `hypervisor/demo/philly_400.csv`), which tells
neither cores, memory nor priority: a hash of the job's id does, 10 % HIGH and 30 % MEDIUM.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from random import Random

from ortools.sat.python import cp_model

from scheduling.core.amounts import Amount
from scheduling.core.certificates import lost_work
from scheduling.core.state import ClusterPlan, ClusterState, Pending, Running

LOW, MEDIUM, HIGH = 1, 2, 3
SECOND = 1_000_000
TRACE = Path(__file__).parents[2] / "hypervisor" / "demo" / "philly_400.csv"


@dataclass(frozen=True)
class Job:
    id: str
    submit: int
    duration: int
    need: Amount
    priority: int


def _hash(*words: str) -> float:
    return int.from_bytes(blake2b("|".join(words).encode(), digest_size=8).digest()) / 2**64


def trace_jobs() -> list[Job]:
    lines = [line for line in TRACE.read_text().splitlines() if not line.startswith("#")]
    jobs = []
    for row in csv.DictReader(lines):
        key, gpus = "ph" + row["job_id"], int(row["gpus"])
        cores = (2, 4, 6, 8, 12)[int(5 * _hash("cpu", key))]
        memory = (16, 32, 48, 64, 96)[int(5 * _hash("ram", key))]
        place = _hash("prio", key)
        priority = HIGH if place < 0.1 else MEDIUM if place < 0.4 else LOW
        need = (gpus * 1000, gpus * cores * 1000, gpus * memory * 1024)
        jobs.append(Job(key, int(row["submit_s"]), int(row["duration_s"]), need, priority))
    return jobs


def trace_instant(jobs: Sequence[Job], dice: Random) -> ClusterState:
    """Some that run side by side at one moment of the trace, full or nearly so, and HIGH ones of it that wait."""
    first = dice.randrange(len(jobs) - 40)
    rows = dice.sample(jobs[first : first + 40], dice.randint(5, 15))
    now = (max(job.submit for job in rows) + dice.randint(1, 7_200)) * SECOND
    running = [
        Running(number, job.need, min(job.priority, MEDIUM), job.submit * SECOND)
        for number, job in enumerate(rows, 1)
    ]
    wanted = [job for job in jobs if job.priority == HIGH]
    pending = [
        Pending(20 + number, dice.choice(wanted).need, HIGH, now + number)
        for number in range(dice.randint(1, 5))
    ]
    slack = dice.choice((0, 0, 1, 2))
    total = tuple(map(sum, zip(*(run.need for run in running), strict=True)))
    total = tuple(there + slack * step for there, step in zip(total, (1000, 6000, 49_152), strict=True))
    return ClusterState(1, ("gpu", "cpu", "ram"), (total,), tuple(running), tuple(pending), now=now)


def random_instant(dice: Random) -> ClusterState:
    """As above, evenly drawn, in one to three resources and small numbers, so that ties are common."""
    width = dice.randint(1, 3)

    def need() -> Amount:
        return tuple(
            dice.choice((0, 1, 2, 4, 8)) if axis else dice.choice((1, 2, 4, 8)) for axis in range(width)
        )

    now = 1_000 * SECOND
    running = [
        Running(id_, need(), dice.choice((LOW, LOW, MEDIUM)), now - dice.randint(1, 900) * SECOND)
        for id_ in range(1, dice.randint(5, 15))
    ]
    pending = [Pending(20 + number, need(), HIGH, number) for number in range(dice.randint(1, 5))]
    total = tuple(map(sum, zip(*(run.need for run in running), strict=True)))
    return ClusterState(1, ("gpu", "cpu", "ram")[:width], (total,), tuple(running), tuple(pending), now=now)


@dataclass(frozen=True, order=True)
class Loss:
    """What a plan destroys, in the order in which it counts."""

    medium: int
    low: int
    count: int

    @property
    def total(self) -> int:
        return self.medium + self.low


def lost_by(state: ClusterState, run: Running) -> int:
    saved_at = run.started_at if run.saved_at is None else run.saved_at
    return lost_work(run.need, work_resource=state.work_resource, saved_at=saved_at, now=state.now)


def loss_of(state: ClusterState, plan: ClusterPlan) -> Loss:
    """What `plan` destroys."""
    gone = {eviction.victim for eviction in plan.evictions}
    return _loss(state, [run for run in state.running if run.id in gone])


def _loss(state: ClusterState, runs: Iterable[Running]) -> Loss:
    rows = list(runs)
    medium = sum(lost_by(state, run) for run in rows if run.priority == MEDIUM)
    return Loss(medium, sum(lost_by(state, run) for run in rows) - medium, len(rows))


def optimum(state: ClusterState) -> tuple[set[int], Loss]:
    """Place the HIGH ones, each that can be beside those before it in the queue; then destroy as little as possible.

    A MEDIUM one goes only where all LOW ones together would not make room; then what counts is their lost work, then
    that of LOW ones, then how many go.
    """
    high = sorted((p for p in state.pending if p.priority == HIGH), key=lambda p: (p.queued_at, p.id))
    model = cp_model.CpModel()
    placed = {one.id: model.new_bool_var(f"p{one.id}") for one in high}
    goes = {run.id: model.new_bool_var(f"v{run.id}") for run in state.running if run.priority < HIGH}
    total = tuple(map(sum, zip(*state.pools, strict=True)))
    for axis, there in enumerate(total):
        stays = sum(
            run.need[axis] * (1 - goes[run.id]) if run.id in goes else run.need[axis] for run in state.running
        )
        model.add(stays + sum(one.need[axis] * placed[one.id] for one in high) <= there)
    _best(model, -sum(2 ** (len(high) - place) * placed[one.id] for place, one in enumerate(high)))
    by_priority = {
        priority: [run for run in state.running if run.priority == priority] for priority in (LOW, MEDIUM)
    }
    ids = {one.id for one in high if _fixed(model, placed[one.id])}
    mediums = sum(goes[run.id] for run in by_priority[MEDIUM])
    if by_priority[MEDIUM] and _possible_without(model, [goes[run.id] for run in by_priority[MEDIUM]]):
        model.add(mediums == 0)
    for priority in (MEDIUM, LOW):
        if by_priority[priority]:
            _best(model, sum(lost_by(state, run) * goes[run.id] for run in by_priority[priority]))
    solver = _best(model, sum(goes.values()))
    return ids, _loss(state, [run for run in state.running if run.id in goes and solver.value(goes[run.id])])


def _solver() -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    return solver


def _best(model: cp_model.CpModel, objective) -> cp_model.CpSolver:
    """Minimise, and hold the model to that from here on."""
    model.minimize(objective)
    solver = _solver()
    assert solver.solve(model) == cp_model.OPTIMAL
    model.add(objective == round(solver.objective_value))
    model.clear_objective()
    return solver


def _fixed(model: cp_model.CpModel, variable) -> bool:
    """Say whether the variable is 1 in what the model is held to (the order of the queue leaves one answer)."""
    return not _possible_without(model, [variable])


def _possible_without(model: cp_model.CpModel, variables: Sequence) -> bool:
    trial = model.clone()
    trial.add(sum(trial.get_bool_var_from_proto_index(variable.index) for variable in variables) == 0)
    return _solver().solve(trial) in (cp_model.OPTIMAL, cp_model.FEASIBLE)


def instants(count: int, seed: int) -> Iterable[tuple[str, ClusterState]]:
    """Alternately random and trace-like ones, each of at most twenty jobs."""
    jobs = trace_jobs()
    for number in range(count):
        dice = Random(f"{seed} {number}")
        trace = number % 2 == 0
        state = trace_instant(jobs, dice) if trace else random_instant(dice)
        yield ("trace" if trace else "random"), replace(state, id=number)
