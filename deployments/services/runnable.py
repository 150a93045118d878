"""What keeps a deployment from ever running on a cluster: asked when it is submitted, changed and queued anew."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from django.conf import settings

from accounts.errors import InvalidInput
from clusters import amounts
from clusters.credentials.locks import keep_credential
from clusters.models import Cluster, RegistryCredential, Runtime
from clusters.runtimes.registry_hosts import host_of, why_not_allowed
from deployments.labels import labels_no_kubernetes_takes, reserved_labels
from deployments.models import Deployment

SIZE = frozenset({"required_ram", "required_cpu", "required_gpu"})
LEAST_CPU = 10
"""Milli-CPU that a real engine can be asked for; of nothing it makes "no limit"."""
LEAST_RAM = 6
"""MiB that Docker can be asked for; of nothing it makes "no limit"."""


CredentialOf = Callable[[int, int], RegistryCredential | None]
"""Ids of a credential and of an organization → that one's credential, kept until the transaction ends, or None."""


class Rule(NamedTuple):
    """`fields`: the deployment's that `wrong` looks at. `wrong` answers field → what to write instead."""

    fields: frozenset[str]
    wrong: Callable[[Deployment, Cluster, CredentialOf], dict[str, str]]


def kept_credential(credential_id: int, organization_id: int) -> RegistryCredential | None:
    """A `CredentialOf` that asks the database for each."""
    return keep_credential(credential_id, organization_id=organization_id)


def refuse_what_cannot_run(
    deployment: Deployment, cluster: Cluster, changed: Collection[str] | None = None
) -> None:
    """Raise InvalidInput naming each field that would keep it from ever running on the cluster."""
    if wrong := what_cannot_run(deployment, cluster, changed):
        raise InvalidInput(wrong)


def what_cannot_run(
    deployment: Deployment,
    cluster: Cluster,
    changed: Collection[str] | None = None,
    credential_of: CredentialOf = kept_credential,
) -> dict[str, str]:
    """Field → what to do, for all that keeps it from ever running there.

    With `changed`, only what has to do with those fields: a rule that came later, or a cluster that shrank, is no
    reason to refuse another name. Inside a transaction: what it refers to stays until the end of it.
    """
    wrong: dict[str, str] = {}
    for rule in RULES:
        if changed is None or rule.fields.intersection(changed):
            # The first that is said about a field is the one to mend first.
            wrong = rule.wrong(deployment, cluster, credential_of) | wrong
    return wrong


def _too_much(deployment: Deployment, cluster: Cluster, credential_of: CredentialOf) -> dict[str, str]:
    wrong = {}
    for name in deployment.required.beyond(cluster.total):
        limit = amounts.to_wire(name, getattr(cluster.total, name))
        wrong[f"required_{name}"] = (
            f"Cluster {cluster.name!r} has {limit} {amounts.UNITS[name]} in all. "
            f"Ask for at most {limit}, or name another cluster."
        )
    return wrong


def _no_size_for_a_real_engine(
    deployment: Deployment, cluster: Cluster, credential_of: CredentialOf
) -> dict[str, str]:
    if cluster.runtime == Runtime.SIMULATED:
        return {}
    wrong = {}
    if deployment.required_gpu % 1000:
        wrong["required_gpu"] = (
            "Fractions of a GPU exist only on simulated clusters. Ask for a whole number of GPUs, or none."
        )
    if deployment.required_cpu < LEAST_CPU:
        least = amounts.to_wire("cpu", LEAST_CPU)
        wrong["required_cpu"] = (
            f"Cluster {cluster.name!r} has a real engine, to which none would mean no limit. "
            f"Ask for at least {least} cores."
        )
    if deployment.required_ram < LEAST_RAM:
        least = amounts.to_wire("ram", LEAST_RAM)
        wrong["required_ram"] = (
            f"Cluster {cluster.name!r} has a real engine, which gives no container less than {LEAST_RAM} MiB and to "
            f"which none would mean no limit. Ask for at least {least} GB."
        )
    return wrong


def _no_simulation(deployment: Deployment, cluster: Cluster, credential_of: CredentialOf) -> dict[str, str]:
    if cluster.runtime == Runtime.SIMULATED or deployment.simulated_seconds is None:
        return {}
    return {
        "simulated_seconds": f"Cluster {cluster.name!r} has a real engine: a container runs until it ends. Leave this "
        "out or write null; time_limit_seconds ends what runs too long."
    }


def _no_image_from_there(
    deployment: Deployment, cluster: Cluster, credential_of: CredentialOf
) -> dict[str, str]:
    why = why_not_allowed(deployment.docker_image, settings.ALLOWED_REGISTRIES)
    return {"docker_image": why} if why else {}


def _no_credential_for_that(
    deployment: Deployment, cluster: Cluster, credential_of: CredentialOf
) -> dict[str, str]:
    if deployment.registry_credential_id is None:
        return {}
    credential = credential_of(deployment.registry_credential_id, deployment.organization_id)
    if credential is None:
        text = (
            "The organization has no registry credential with this id. Name one of its list, or write null."
        )
    elif credential.server != (host := host_of(deployment.docker_image)):
        # Whoever keeps the other registry would learn the password.
        text = (
            f"This credential is for {credential.server} and is sent nowhere else; the image is of {host}. "
            f"Name a credential for {host}, or write null."
        )
    else:
        return {}
    return {"registry_credential_id": text}


def _no_label_of_a_user(
    deployment: Deployment, cluster: Cluster, credential_of: CredentialOf
) -> dict[str, str]:
    return reserved_labels(deployment.labels)


def _no_label_for_kubernetes(
    deployment: Deployment, cluster: Cluster, credential_of: CredentialOf
) -> dict[str, str]:
    return labels_no_kubernetes_takes(deployment.labels) if cluster.runtime == Runtime.KUBERNETES else {}


RULES = (
    Rule(SIZE | {"cluster_id"}, _too_much),
    Rule(SIZE | {"cluster_id"}, _no_size_for_a_real_engine),
    Rule(frozenset({"simulated_seconds", "cluster_id"}), _no_simulation),
    Rule(frozenset({"docker_image", "cluster_id"}), _no_image_from_there),
    Rule(frozenset({"docker_image", "registry_credential_id"}), _no_credential_for_that),
    Rule(frozenset({"labels", "cluster_id"}), _no_label_of_a_user),
    Rule(frozenset({"labels", "cluster_id"}), _no_label_for_kubernetes),
)
