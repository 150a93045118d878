"""Deployments: submit, look, steer, read."""

import builtins
import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Unpack

import httpx

from hypervisor_client.answers import FINAL, STATUSES, Deployment, Explanation, Run, StoryEvent, Submitted
from hypervisor_client.errors import Broken, Invalid, TimedOut
from hypervisor_client.resource import Resource
from hypervisor_client.sendable import sendable
from hypervisor_client.specs import BatchSpec, Spec
from hypervisor_client.transport import VISIBLE

KEY = "Idempotency-Key"
KEY_HINT = "Write 1 to 200 visible ASCII characters, without spaces."


class Deployments(Resource):
    def submit(self, *, idempotency_key: str | None = None, **spec: Unpack[Spec]) -> Deployment:
        """A new one, once, however often the call has to be sent again. Raises Invalid, Forbidden.

        `idempotency_key`: your own, so that also a later call of yours submits nothing twice.
        """
        headers = _once(idempotency_key)
        answer = self._transport.call(
            "POST", "/deployments", json=sendable(spec), headers=headers, repeatable=True
        )
        return Deployment.read(answer.json())

    def submit_many(
        self, specs: Iterable[BatchSpec], *, idempotency_key: str | None = None
    ) -> builtins.list[Submitted]:
        """Up to 1,000 of one organization, all or nothing, once. Raises Invalid, whose `fields` name each wrong one
        as `deployments[3].required_gpu`."""
        headers = _once(idempotency_key)
        body = sendable({"deployments": list(specs)})
        answer = self._transport.call(
            "POST", "/deployments/bulk", json=body, headers=headers, repeatable=True
        )
        return [Submitted.read(one) for one in answer.json()["deployments"]]

    def get(self, deployment_id: int) -> Deployment:
        """One, with all that keeps it from starting. Raises NotFound."""
        return self._get(f"/deployments/{deployment_id}", Deployment)

    def list(
        self,
        *,
        status: Collection[str] = (),
        cluster_id: int | None = None,
        organization_id: int | None = None,
        name: str | None = None,
        created_by: str | None = None,
        priority: str | None = None,
        ordering: str | None = None,
        page: int = 500,
    ) -> Iterator[Deployment]:
        """All of these, newest first, a page at a time as they are taken; `name`: part of the name."""
        asked: dict[str, Any] = {
            "status": sorted(status) or None,
            "cluster_id": cluster_id,
            "organization_id": organization_id,
            "name": name,
            "created_by": created_by,
            "priority": priority,
            "ordering": ordering,
        }
        return self._pages("/deployments", Deployment, asked, page)

    def stop(self, deployment_id: int, *, as_failed: bool = False) -> Deployment:
        """Stop its run; it ends as completed, or as failed. Raises Conflict."""
        query = "?status=failed" if as_failed else ""
        return self._post(f"/deployments/{deployment_id}/stop{query}", Deployment)

    def cancel(self, deployment_id: int) -> Deployment:
        """Take a pending one out of the queue. Raises Conflict."""
        return self._post(f"/deployments/{deployment_id}/cancel", Deployment)

    def start(self, deployment_id: int) -> Deployment:
        """Look at a pending one now, or queue an ended one anew. Raises Conflict."""
        return self._post(f"/deployments/{deployment_id}/start", Deployment)

    def change(self, deployment_id: int, **changes: Unpack[Spec]) -> Deployment:
        """Change what is named. Raises Conflict, Invalid."""
        return self._patch(f"/deployments/{deployment_id}", Deployment, changes)

    def explain(self, deployment_id: int) -> Explanation:
        """Why it waits, and what would let it start."""
        return self._get(f"/deployments/{deployment_id}/explain", Explanation)

    def dependencies(self, deployment_id: int) -> Iterator[Deployment]:
        """What it waits for."""
        return self._pages(f"/deployments/{deployment_id}/dependencies", Deployment, {})

    def runs(self, deployment_id: int) -> Iterator[Run]:
        """The attempts to run it, newest first."""
        return self._pages(f"/deployments/{deployment_id}/runs", Run, {})

    def story(self, deployment_id: int) -> Iterator[StoryEvent]:
        """What happened to it, newest first."""
        return self._pages(f"/deployments/{deployment_id}/events", StoryEvent, {})

    def logs(
        self, deployment_id: int, *, follow: bool = False, tail: int | None = None, run_id: int | None = None
    ) -> Iterator[str]:
        """Lines of what a run wrote, by default the newest run; with `follow` until it ends.

        Raises Conflict before the first run started, Broken if the connection breaks in the middle.
        """
        asked = {"follow": "true" if follow else None, "tail": tail, "run": run_id}
        params = {name: value for name, value in asked.items() if value is not None}
        path = f"/deployments/{deployment_id}/logs"
        # A run may write nothing for days.
        silence = None if follow else 60.0
        with self._transport.stream(
            path, params=params, headers={"Accept": "text/plain"}, silence=silence
        ) as answer:
            try:
                yield from answer.iter_lines()
            except httpx.TransportError as error:
                raise Broken("The connection broke in the middle of the log.") from error

    def wait(
        self,
        deployment_id: int,
        *,
        until: Collection[str] = FINAL,
        timeout: float | None = None,
        every: float = 1.0,
    ) -> Deployment:
        """The deployment as soon as its status is one of `until`, or it has ended in another way; looks `every` so
        many seconds. Raises TimedOut, ValueError for a status that there is not."""
        wanted = {until} if isinstance(until, str) else set(until)
        if unknown := sorted(wanted - set(STATUSES)):
            raise ValueError(f"There is no status {', '.join(unknown)}. Known are: {', '.join(STATUSES)}.")
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            found = self.get(deployment_id)
            if found.is_final or found.status in wanted:
                return found
            if deadline is not None and time.monotonic() >= deadline:
                raise TimedOut(f"{found.name} (#{found.id}) is still {found.status} after {timeout:g} s.")
            time.sleep(every)


def _once(key: str | None) -> dict[str, str]:
    if key and not VISIBLE.fullmatch(key):
        raise Invalid(400, f"{KEY}: {KEY_HINT}", fields=[(KEY, KEY_HINT)])
    return {KEY: key or str(uuid.uuid4())}
