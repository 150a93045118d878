"""How our objects are called and labelled in a cluster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import LABEL_PREFIX, Cause, ContainerSpec, Owner, RuntimeFailure

MANAGED_BY = "app.kubernetes.io/managed-by"
RUN = f"{LABEL_PREFIX}/run"
INSTALLATION = f"{LABEL_PREFIX}/installation"
CLUSTER = f"{LABEL_PREFIX}/cluster"
ORGANIZATION = f"{LABEL_PREFIX}/organization"
TOLD_TO_RUN = f"{LABEL_PREFIX}/told-to-run"
"""An annotation of a Job, so that one which somebody else suspended is not taken for one that we never released."""

CONTAINER = "main"
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run's Job is."""

    namespace: str
    job: str
    run: str

    @property
    def handle(self) -> str:
        """What the rest of the service calls it."""
        return f"{self.namespace}/{self.job}"

    @property
    def jobs_path(self) -> str:
        """The API's path of the namespace's Jobs."""
        return f"/apis/batch/v1/namespaces/{self.namespace}/jobs"

    @property
    def job_path(self) -> str:
        """The API's path of the Job."""
        return f"{self.jobs_path}/{self.job}"

    @property
    def pods_path(self) -> str:
        """The API's path of the namespace's pods."""
        return f"/api/v1/namespaces/{self.namespace}/pods"

    @property
    def secrets_path(self) -> str:
        """The API's path of the namespace's Secrets."""
        return f"/api/v1/namespaces/{self.namespace}/secrets"


def namespace_of(owner: Owner, organization: int) -> str:
    """The namespace of a tenant."""
    return f"hv-{owner.installation[:8]}-org-{organization}"


def place_of(spec: ContainerSpec, owner: Owner) -> Place:
    """Where a spec's Job belongs. Raises a permanent RuntimeFailure for a name that no Job may have."""
    job = _job_of(spec.name, owner)
    if not _DNS_LABEL.fullmatch(job):
        raise RuntimeFailure(
            "The run's name cannot be the name of a Job in Kubernetes.",
            permanent=True,
            cause=Cause.START_REFUSED,
        )
    return Place(namespace_of(owner, spec.organization), job, spec.name)


def place_at(handle: str, owner: Owner) -> Place | None:
    """The place behind a handle; None for what is no handle of this installation."""
    namespace, _, job = handle.partition("/")
    run = job.removeprefix(_job_of("", owner))
    ours = namespace.startswith(f"hv-{owner.installation[:8]}-org-") and job != run
    if not ours or not _DNS_LABEL.fullmatch(namespace) or not _DNS_LABEL.fullmatch(job):
        return None
    return Place(namespace, job, run)


def place_in(namespace: str, run: str, owner: Owner) -> Place:
    """The place of a run that was seen in a namespace."""
    return Place(namespace, _job_of(run, owner), run)


def labels_of(owner: Owner, organization: int) -> dict[str, str]:
    """What marks everything of a tenant as ours."""
    return {
        MANAGED_BY: LABEL_PREFIX,
        INSTALLATION: owner.installation,
        ORGANIZATION: str(organization),
    }


def selector_of(owner: Owner, run: str = "") -> str:
    """The label selector of all that belongs to the owner's cluster, or of one run there."""
    selector = f"{INSTALLATION}={owner.installation},{CLUSTER}={owner.cluster}"
    return f"{selector},{RUN}={run}" if run else selector


def is_ours(labels: Mapping[str, Any], owner: Owner, run: str) -> bool:
    """Whether an object with these labels is this run's in the owner's cluster."""
    expected = {INSTALLATION: owner.installation, CLUSTER: owner.cluster, RUN: run}
    return all(labels.get(name) == value for name, value in expected.items())


def _job_of(run: str, owner: Owner) -> str:
    return f"hv-{owner.installation[:8]}-{run}"
