"""hv deploy -f: all of a file, at once."""

import time
from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from hypervisor_cli.batch_file import read_batch
from hypervisor_cli.commands.steer import report_end
from hypervisor_cli.exits import Exit, Failure
from hypervisor_cli.session import Session
from hypervisor_cli.tables import Column
from hypervisor_cli.words import needs, plural
from hypervisor_client import BatchSpec, Deployment, Invalid, Submitted

LOOK_SECONDS = 1.0
COLUMNS = (
    Column("ID", right=True), Column("NAME", least=12), Column("NEEDS", least=10), Column("AFTER", least=8),
)  # fmt: skip


def submit_file(session: Session, file: Path, *, key: str | None, wait: bool) -> Exit:
    """Submit all of the file or nothing, and with `wait` stay until all have ended. Raises Failure."""
    batch = read_batch(session.client, file)
    try:
        made = session.client.deployments.submit_many(batch.specs, idempotency_key=key)
    except Invalid as error:
        lines = [f"{file}: nothing was submitted."]
        lines += [f"  {batch.where(field)}: {detail}" for field, detail in error.fields]
        raise Failure("\n".join(lines if error.fields else [*lines, f"  {error}"])) from error
    if not session.as_json:
        rows = [
            (str(one.id), spec["name"], needs(_with_defaults(spec)), ", ".join(_after(spec)))
            for one, spec in zip(made, batch.specs, strict=True)
        ]
        session.table(COLUMNS, rows)
        session.say(f"Submitted {plural(len(made), 'deployment')}.")
    elif not wait:
        session.show_json([one.raw for one in made])
    return _report_ends(session, batch.specs, made) if wait else Exit.OK


def _report_ends(session: Session, specs: Sequence[BatchSpec], made: Sequence[Submitted]) -> Exit:
    """Say how each ended, what others wait for first."""
    from hypervisor_cli.main import complain

    ended: dict[str | int, Deployment] = {}
    code = Exit.OK
    for place in _in_order(specs):
        needed = [ended[key] for key in specs[place].get("depends_on", ())]
        found = _end(session, made[place].id, hopeless=any(one.status != "completed" for one in needed))
        ended[specs[place].get("key", place)] = found
        try:
            report_end(session, found, one_of_many=True)
        except Failure as failure:
            complain(failure)
            code = failure.code
    if session.as_json:
        every = [ended[spec.get("key", place)] for place, spec in enumerate(specs)]
        session.show_json([one.raw for one in every])
    return code


def _in_order(specs: Sequence[BatchSpec]) -> Iterable[int]:
    """Places, each after those that it waits for."""
    keys = {spec["key"]: place for place, spec in enumerate(specs) if "key" in spec}
    waits = {place: [keys[key] for key in spec.get("depends_on", ())] for place, spec in enumerate(specs)}
    return TopologicalSorter(waits).static_order()


def _end(session: Session, deployment_id: int, *, hopeless: bool) -> Deployment:
    """As it is when it has ended. What waits for one that failed counts, too: only a start of that helps it."""
    while True:
        found = session.client.deployments.get(deployment_id)
        if hopeless or found.is_final or found.reason == "dependency_failed":
            return found
        time.sleep(LOOK_SECONDS)


def _after(spec: BatchSpec) -> list[str]:
    return [*spec.get("depends_on", ()), *(f"#{id_}" for id_ in spec.get("dependency_ids", ()))]


def _with_defaults(spec: Any) -> dict[str, float]:
    return {f"required_{name}": spec.get(f"required_{name}") or 0 for name in ("gpu", "cpu", "ram")}
