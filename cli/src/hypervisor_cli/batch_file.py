"""deployments.yaml: many at once, with short names, and with names for what waits for what."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypervisor_cli import names
from hypervisor_cli.exits import Exit, Failure
from hypervisor_cli.file_entries import WORDS, read_entries
from hypervisor_client import BatchSpec, Client

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
        head, dot, more = (rest or "").partition(".")
        told = f" {WORDS.get(head, head)}{dot}{more}" if rest else ""
        return f"deployments[{index}] ({self.specs[index].get('name', '')}){told}"


def read_batch(client: Client, file: Path) -> Batch:
    """The file's deployments, as the API takes them. Raises Failure that says what is wrong where."""
    entries = read_entries(file)
    known = Counter(one["name"] for one in entries)
    named = _Names(client, file, known)
    return Batch([named.spec(place, one) for place, one in enumerate(entries)])


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
        if self._known[fields["name"]] == 1:
            spec["key"] = fields["name"]
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
