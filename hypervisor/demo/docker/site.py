"""A service with Docker clusters, and the names by which an engine tells what belongs to whom."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from hypervisor.demo.chaos.service import NotServing, Service
from hypervisor.demo.docker.engine import CLUSTER, INSTALLATION, Engine, NoEngine

ADMIN = "admin"
IDENTITY = (
    "import json; from clusters.models import Cluster, Installation;"
    " installation, _ = Installation.objects.get_or_create(pk=1);"
    " print(json.dumps([installation.uuid.hex, {c.pk: c.engine_id.hex for c in Cluster.objects.all()}]))"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the labels of containers say: the installation, and its clusters by their ids."""

    installation: str
    clusters: dict[int, str]

    @property
    def label(self) -> str:
        """On every container of this installation, and on no other."""
        return f"{INSTALLATION}={self.installation}"

    def container(self, run_id: int) -> str:
        """The name of a run's container."""
        return f"hv-{self.installation[:8]}-run-{run_id}"

    def running(self, engine: Engine, *, cluster: str = "") -> frozenset[str]:
        """The names of its containers that run; of one cluster only, if one is named."""
        labels = (self.label, f"{CLUSTER}={cluster}") if cluster else (self.label,)
        return frozenset(row["Names"][0].lstrip("/") for row in engine.containers(*labels))

    def sweep(self, engine: Engine) -> None:
        """Leave nothing of this installation on the engine, ended containers and networks included."""
        for row in engine.containers(self.label, everything=True):
            engine.remove(row["Id"])
        for network in engine.networks(self.label):
            engine.remove_network(network["Id"])


def new_admin() -> dict[str, str]:
    """Settings that give a new service's first admin a password that we know."""
    return {"DJANGO_SUPERUSER_USERNAME": ADMIN, "DJANGO_SUPERUSER_PASSWORD": secrets.token_urlsafe(16)}


def identify(service: Service) -> Identity:
    """Ask the service's own books. Raises NotServing."""
    answer = service.manage("shell", "--no-imports", "-c", IDENTITY)
    try:
        installation, clusters = json.loads(answer.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise NotServing(f"The service does not say who it is: {answer.stderr[-500:]}") from error
    return Identity(installation, {int(id_): name for id_, name in clusters.items()})


def docker_cluster(name: str, organization_id: int, socket_path: str, **totals: float) -> dict[str, Any]:
    """The body that makes a Docker cluster on a unix socket; `cpu` in cores, `ram` in GB, `gpu` in devices."""
    return {
        "name": name, "organization_id": organization_id, "runtime": "docker",
        "connection": {"endpoint": f"unix://{socket_path}"},
        **{f"total_{resource}": amount for resource, amount in totals.items()},
    }  # fmt: skip


def find_image(engine: Engine, asked: str) -> str:
    """An image with a shell on this engine: the one asked for, or else its busybox. Raises NoEngine."""
    if asked:
        if not engine.has_image(asked):
            raise NoEngine(f"The engine has no image {asked!r}: docker pull {asked}")
        return asked
    tags = [tag for row in engine.images() for tag in row["RepoTags"] or ()]
    found = next((tag for tag in tags if tag.partition(":")[0].rpartition("/")[2] == "busybox"), None)
    if found is None:
        raise NoEngine("The engine has no busybox: docker pull busybox, or name an image with --image.")
    return str(found)
