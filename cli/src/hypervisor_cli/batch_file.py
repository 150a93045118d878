"""deployments.yaml: many at once, with short names, and with names for what waits for what."""

import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hypervisor_cli import names
from hypervisor_cli.exits import Exit, Failure
from hypervisor_client import BatchSpec, Client

WIRE_NAMES = {
    "image": "docker_image", "cluster": "cluster_id", "org": "organization_id", "gpu": "required_gpu",
    "cpu": "required_cpu", "ram": "required_ram", "after": "dependency_ids", "secret": "secret_env",
    "workdir": "working_dir", "restart": "restart_policy", "retries": "max_retries",
    "time-limit": "time_limit_seconds", "expect": "expected_seconds", "simulate": "simulated_seconds",
    "label": "labels", "priority": "priority", "name": "name", "env": "env",
}  # fmt: skip
"""hv's words → the API's. Files may use either."""
IN_FILES = {name.replace("-", "_"): wire for name, wire in WIRE_NAMES.items()}
PLACE = re.compile(r"deployments\[(\d+)\](?:\.(.*))?")


@dataclass(frozen=True, slots=True)
class Batch:
    """What to send, in the order of the file."""

    specs: list[BatchSpec]

    def where(self, field: str) -> str:
        """Of a field in a refusal, such as `deployments[3].required_gpu`: index, name and the file's word for it."""
        found = PLACE.fullmatch(field)
        if found is None:
            return field
        index, rest = int(found[1]), found[2]
        back = {wire: name for name, wire in IN_FILES.items()} | {"depends_on": "after"}
        head, dot, more = (rest or "").partition(".")
        told = f" {back.get(head, head)}{dot}{more}" if rest else ""
        return f"deployments[{index}] ({self.specs[index].get('name', '')}){told}"


def read_batch(client: Client, file: Path) -> Batch:
    """The file's deployments, as the API takes them. Raises Failure that says what is wrong where."""
    entries = [
        _merged(file, place, one, defaults)
        for defaults, every in [_content(file)]
        for place, one in enumerate(every)
    ]
    known = Counter(str(one["name"]) for one in entries)
    named = _Names(client, file, known)
    return Batch([named.spec(place, one) for place, one in enumerate(entries)])


def _content(file: Path) -> tuple[dict[str, Any], list[Any]]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
        told = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.", Exit.USAGE
        ) from error
    except yaml.YAMLError as error:
        raise Failure(f"{file} is not YAML: {' '.join(str(error).split())}", Exit.USAGE) from error
    if isinstance(told, list):
        told = {"deployments": told}
    if not isinstance(told, dict) or not isinstance(told.get("deployments"), list) or not told["deployments"]:
        raise Failure(f"{file} must have a list of deployments. See: hv deploy --help", Exit.USAGE)
    if unknown := sorted(map(str, told.keys() - {"deployments", "defaults"})):
        raise Failure(
            f"{file}: {', '.join(unknown)} is unknown. Known are: defaults, deployments.", Exit.USAGE
        )
    defaults = told.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise Failure(f"{file}: defaults must be fields with values.", Exit.USAGE)
    return defaults, told["deployments"]


def _merged(file: Path, place: int, one: Any, defaults: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise Failure(f"{file}: deployments[{place}] must be fields with values.", Exit.USAGE)
    both = {
        IN_FILES.get(str(name), str(name)): value for each in (defaults, one) for name, value in each.items()
    }
    image = both.get("docker_image")
    if "name" not in both and isinstance(image, str):
        both["name"] = image.rsplit("/", 1)[-1].split("@")[0].split(":")[0]
    if "name" not in both:
        raise Failure(f"{file}: deployments[{place}] has neither a name nor an image.", Exit.USAGE)
    return {"required_cpu": 1, "required_ram": 1, **both}


class _Names:
    """Names in a file, made into keys and ids; each is looked up once."""

    def __init__(self, client: Client, file: Path, known: "Counter[str]") -> None:
        self._client = client
        self._file = file
        self._known = known
        self._clusters: dict[str | None, int] = {}
        self._organizations: dict[str, int] = {}
        self._deployments: dict[str, int] = {}

    def spec(self, place: int, fields: dict[str, Any]) -> BatchSpec:
        """One deployment, with a key that is its name where no other has that."""
        spec: Any = dict(fields)
        spec["cluster_id"] = self._cluster(fields.get("cluster_id"))
        if isinstance(fields.get("organization_id"), str):
            spec["organization_id"] = self._organization(fields["organization_id"])
        if isinstance(fields.get("priority"), str):
            spec["priority"] = fields["priority"].upper()
        if self._known[str(fields["name"])] == 1:
            spec["key"] = str(fields["name"])
        after = spec.pop("dependency_ids", None) or []
        for one in after if isinstance(after, list) else [after]:
            self._wait_for(place, spec, one)
        made: BatchSpec = spec
        return made

    def _wait_for(self, place: int, spec: Any, one: Any) -> None:
        times = self._known[str(one)] if isinstance(one, str) else 0
        if times > 1:
            raise Failure(
                f"{self._file}: deployments[{place}] waits for {one!r}, and {times} in the file are called so.",
                Exit.USAGE,
            )
        if times:
            spec.setdefault("depends_on", []).append(one)
            return
        if str(one) not in self._deployments:
            self._deployments[str(one)] = names.deployment_id(self._client, str(one))
        spec.setdefault("dependency_ids", []).append(self._deployments[str(one)])

    def _cluster(self, given: Any) -> int:
        if isinstance(given, int) and not isinstance(given, bool):
            return given
        name = None if given is None else str(given)
        if name not in self._clusters:
            self._clusters[name] = names.cluster(self._client, name).id
        return self._clusters[name]

    def _organization(self, name: str) -> int:
        if name not in self._organizations:
            self._organizations[name] = names.organization(self._client, name).id
        return self._organizations[name]
