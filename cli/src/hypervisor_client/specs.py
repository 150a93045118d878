"""What can be asked, under the API's own names."""

from collections.abc import Mapping, Sequence
from typing import TypedDict


class Spec(TypedDict, total=False):
    """A deployment, as POST /deployments takes it. Needed: name, docker_image, cluster_id, required_cpu (cores) and
    required_ram (GB)."""

    name: str
    docker_image: str
    cluster_id: int
    organization_id: int
    required_gpu: float
    required_cpu: float
    required_ram: float
    priority: int | str
    dependency_ids: Sequence[int]
    command: Sequence[str]
    args: Sequence[str]
    env: Mapping[str, str]
    secret_env: Mapping[str, str]
    working_dir: str
    registry_credential_id: int
    image_pull_policy: str
    restart_policy: str
    max_retries: int
    time_limit_seconds: int
    grace_period_seconds: int
    expected_seconds: int
    checkpoint_interval_seconds: int
    simulated_seconds: float
    labels: Mapping[str, str]
    ports: Sequence[int]


class BatchSpec(Spec, total=False):
    """One of many. `depends_on` names the `key` of others in the same batch."""

    key: str
    depends_on: Sequence[str]


class Supposed(TypedDict, total=False):
    """A deployment that does not exist, for a plan."""

    name: str
    required_gpu: float
    required_cpu: float
    required_ram: float
    priority: int | str
