"""Clusters: what they have, their policy, and what the scheduler would do there."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hypervisor_client.answers import Cluster, Plan
from hypervisor_client.resource import Resource
from hypervisor_client.sendable import sendable
from hypervisor_client.specs import Supposed


class Clusters(Resource):
    def list(self, *, name: str | None = None, organization_id: int | None = None) -> Iterator[Cluster]:
        """Those that the caller may use; `name`: part of the name."""
        return self._pages("/clusters", Cluster, {"name": name, "organization_id": organization_id})

    def get(self, cluster_id: int) -> Cluster:
        """One of them. Raises NotFound."""
        return self._get(f"/clusters/{cluster_id}", Cluster)

    def create(
        self,
        name: str,
        organization_id: int,
        *,
        gpu: float | None = None,
        cpu: float | None = None,
        ram: float | None = None,
        runtime: str = "simulated",
        connection: Mapping[str, Any] | None = None,
    ) -> Cluster:
        """A new one. `ram` in GB; what is left out is what its engine has, which a simulated one cannot tell."""
        asked: dict[str, Any] = {"name": name, "organization_id": organization_id, "runtime": runtime}
        given = {"total_gpu": gpu, "total_cpu": cpu, "total_ram": ram, "connection": connection}
        asked |= {field: value for field, value in given.items() if value is not None}
        return self._post("/clusters", Cluster, asked)

    def pause(self, cluster_id: int) -> Cluster:
        """Nothing starts there any more; what runs goes on."""
        return self._patch(f"/clusters/{cluster_id}", Cluster, {"paused": True})

    def resume(self, cluster_id: int) -> Cluster:
        """The end of a pause."""
        return self._patch(f"/clusters/{cluster_id}", Cluster, {"paused": False})

    def policy(self, cluster_id: int) -> dict[str, Any]:
        """Its policy: `name`, `preset`, overrides, and `effective`, what holds."""
        return dict(self._transport.call("GET", f"/clusters/{cluster_id}/policy").json())

    def set_policy(self, cluster_id: int, **settings: Any) -> dict[str, Any]:
        """Change these settings, such as `preset="least_waste"`. Raises Forbidden, Invalid."""
        body = sendable(settings)
        return dict(self._transport.call("PATCH", f"/clusters/{cluster_id}/policy", json=body).json())

    def plan(self, cluster_id: int, supposed: Iterable[Supposed] = ()) -> Plan:
        """What a cycle would do now, if these were submitted, too. Nothing is changed."""
        body = {"deployments": list(supposed)}
        return self._post(f"/clusters/{cluster_id}/plan", Plan, body, repeatable=True)
