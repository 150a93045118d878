"""`manage.py add_local_cluster`: the Docker engine of this machine as a cluster, in one step."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import DomainError
from accounts.models import User
from clusters.connections import KINDS, reach
from clusters.models import Cluster, Runtime
from clusters.runtimes.base import Owner, RuntimeFailure
from clusters.selectors import IN_USE
from clusters.services import check_engine, create_cluster
from organizations.models import Organization
from organizations.services import create_organization

DEFAULT = "unix:///var/run/docker.sock"


class Command(BaseCommand):
    """Run by whoever may use the engine anyway, on the machine of the workers; so it asks the engine itself."""

    help = "Adds the Docker engine of this machine as a cluster with all that it has. Safe to run again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--organization", help="whose it is (default: the first superuser's; made if there is none)"
        )
        parser.add_argument("--name", default="local", help="of the cluster (default: %(default)s)")
        parser.add_argument("--endpoint", help=f"the engine's socket (default: DOCKER_HOST, else {DEFAULT})")

    def handle(self, *_: Any, **options: Any) -> None:
        connection = {"endpoint": options["endpoint"] or os.environ.get("DOCKER_HOST") or DEFAULT}
        _refuse_what_is_no_socket(connection)
        if there := _added(connection["endpoint"]):
            self.stdout.write(f"It is there already: cluster {there.name!r} of {there.organization}.")
            return
        _refuse_silence(connection)
        actor = _first_superuser()
        try:
            organization = _organization(actor, options["organization"])
            made = create_cluster(
                actor=actor,
                organization_id=organization.pk,
                name=options["name"],
                runtime=Runtime.DOCKER,
                connection=connection,
            )
        except DomainError as refusal:
            raise CommandError(refusal.detail) from refusal
        check_engine(cluster_id=made.pk)
        made.refresh_from_db()
        size = (
            f"{made.total_cpu / 1000:g} cores, {made.total_ram / 1024:.1f} GB, {made.total_gpu / 1000:g} GPUs"
        )
        self.stdout.write(f"Added cluster {made.name!r} ({size}) to {organization}. Its id is {made.pk}.")


def _refuse_what_is_no_socket(connection: dict[str, str]) -> None:
    wrong = KINDS[Runtime.DOCKER].validate(connection)
    if wrong or not connection["endpoint"].startswith("unix://"):
        raise CommandError(
            f"{connection['endpoint']!r} is no socket of this machine. Write --endpoint {DEFAULT}; "
            "add an engine elsewhere in the console or with POST /clusters."
        )


def _added(endpoint: str) -> Cluster | None:
    found: Cluster | None = (
        Cluster.objects.filter(IN_USE, runtime=Runtime.DOCKER, engine_facts__endpoint=endpoint)
        .select_related("organization")
        .first()
    )
    return found


def _refuse_silence(connection: dict[str, str]) -> None:
    nobody = Owner(installation="0" * 32, cluster="0" * 32)
    try:
        KINDS[Runtime.DOCKER].driver(connection, nobody, reach(trusted=True)).check()
    except RuntimeFailure as failure:
        raise CommandError(
            f"No Docker engine answers at {connection['endpoint']}. {failure} Start it, see that this user may use "
            "its socket, or name another one with --endpoint."
        ) from failure


def _first_superuser() -> User:
    actor: User | None = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if actor is None:
        raise CommandError("There is no superuser yet. Make one first: manage.py createsuperuser")
    return actor


def _organization(actor: User, name: str | None) -> Organization:
    # Without a name one of their own: this machine is not given to some tenant by chance.
    which = {"name": name} if name else {"memberships__user": actor}
    found: Organization | None = Organization.objects.filter(deleted_at=None, **which).order_by("pk").first()
    return found or create_organization(actor=actor, name=name or "local")
