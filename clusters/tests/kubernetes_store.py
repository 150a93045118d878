"""What the test double of an API server keeps, and the rules by which objects come, change and go."""

import base64
import copy
import json
import threading
import uuid
from datetime import UTC, datetime, timedelta

from .kubernetes_defaults import default_job, matches, merge
from .kubernetes_refusing import (
    GROUPS,
    KINDS,
    Json,
    absent,
    changed,
    details_of,
    exists,
    expired,
    forbidden,
    invalid,
    look_at,
    undecodable,
    unknown_fields,
)

TRACKING = "batch.kubernetes.io/job-tracking"
FOREGROUND = "foregroundDeletion"


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """All objects, behind one lock. `news` is told of every change of a pod, for those who watch."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.news = threading.Condition(self.lock)
        self.objects: dict[tuple[str, str, str], Json] = {}
        self.events: list[tuple[int, str, Json]] = []
        self.version = 280
        self.clock_ahead = timedelta(0)
        self.quota: int | None = None
        self.pages_expire = 0
        self.null_lists = False
        self.namespaces_linger = False

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_ahead

    def all(self, resource: str, namespace: str = "") -> list[Json]:
        return [
            thing
            for (kind, where, _), thing in sorted(self.objects.items())
            if kind == resource and namespace in {"", where}
        ]

    def find(self, resource: str, namespace: str, name: str) -> Json:
        try:
            return self.objects[resource, namespace, name]
        except KeyError:
            raise absent(resource, name) from None

    def touch(self, resource: str, thing: Json, kind: str = "MODIFIED") -> None:
        """Note that an object has changed."""
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        if resource == "pods":
            self.events.append((self.version, kind, copy.deepcopy(thing)))
            self.news.notify_all()

    def put(self, resource: str, namespace: str, thing: Json) -> Json:
        """Keep a new object."""
        thing["metadata"] |= {
            **({"namespace": namespace} if namespace else {}),
            "uid": str(uuid.uuid4()),
            "creationTimestamp": stamp(self.now()),
        }
        self.objects[resource, namespace, thing["metadata"]["name"]] = thing
        self.touch(resource, thing, "ADDED")
        return thing

    def drop(self, resource: str, thing: Json) -> None:
        """Let an object go for good."""
        key = (resource, thing["metadata"].get("namespace", ""), thing["metadata"]["name"])
        if self.objects.pop(key, None) is not None:
            self.touch(resource, thing, "DELETED")

    def create(self, resource: str, namespace: str, body: Json, *, strict: bool) -> Json:
        look_at(resource, body, strict=strict)
        name = body["metadata"]["name"]
        if namespace:
            self._look_at_namespace(resource, namespace, name)
        if (resource, namespace, name) in self.objects:
            raise exists(resource, name)
        body = copy.deepcopy(body)
        if resource == "namespaces":
            body["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
            body |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        if resource == "jobs":
            body["status"] = {}
        thing = self.put(resource, namespace, body)
        if resource == "jobs":
            default_job(thing)
        return thing

    def replace(self, resource: str, namespace: str, body: Json, *, strict: bool) -> Json:
        look_at(resource, body, strict=strict)
        old = self.find(resource, namespace, body["metadata"]["name"])
        kept = ("uid", "creationTimestamp", "namespace")
        new = copy.deepcopy(body)
        new["metadata"] |= {name: old["metadata"][name] for name in kept}
        self.objects[resource, namespace, body["metadata"]["name"]] = new
        self.touch(resource, new)
        return new

    def patch(self, resource: str, namespace: str, name: str, body: Json, *, strict: bool) -> Json:
        thing = self.find(resource, namespace, name)
        uid = body.get("metadata", {}).get("uid", thing["metadata"]["uid"])
        if uid != thing["metadata"]["uid"]:
            raise invalid(resource, name, "metadata.uid", f'Invalid value: "{uid}": field is immutable')
        unknown = unknown_fields(resource, body)
        if strict and unknown:
            raise undecodable(resource, unknown)
        merge(thing, body)
        self.touch(resource, thing)
        return thing

    def delete(self, resource: str, namespace: str, name: str, options: Json) -> Json:
        thing = self.find(resource, namespace, name)
        for field, value in options.get("preconditions", {}).items():
            if thing["metadata"].get(field) != value:
                raise changed(resource, name, f"{field} in the precondition")
        if resource == "namespaces":
            thing["metadata"].setdefault("deletionTimestamp", stamp(self.now()))
            thing["status"]["phase"] = "Terminating"
            return thing
        if resource == "pods":
            self.delete_pod(thing, options.get("gracePeriodSeconds"))
            return thing
        if options.get("propagationPolicy") == "Foreground":
            if "deletionTimestamp" not in thing["metadata"]:
                thing["metadata"] |= {
                    "generation": 2,
                    "deletionTimestamp": stamp(self.now()),
                    "deletionGracePeriodSeconds": 0,
                    "finalizers": [FOREGROUND],
                }
                self.touch(resource, thing)
            return thing
        self.drop(resource, thing)
        details = details_of(resource, name, uid=thing["metadata"]["uid"])
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def delete_pod(self, pod: Json, grace: int | None = None) -> None:
        """A later deletion may only shorten the grace of an earlier one."""
        meta = pod["metadata"]
        if grace is None:
            grace = pod["spec"]["terminationGracePeriodSeconds"]
        if not pod["spec"].get("nodeName") or pod["status"]["phase"] in {"Succeeded", "Failed"}:
            grace = 0
        if "deletionTimestamp" in meta and meta["deletionGracePeriodSeconds"] <= grace:
            return
        meta["deletionTimestamp"] = stamp(self.now() + timedelta(seconds=grace))
        meta["deletionGracePeriodSeconds"] = grace
        self.touch("pods", pod)

    def page(self, resource: str, namespace: str, query: dict[str, str]) -> Json:
        """A list, or the part of it that was asked for."""
        matching = [
            thing for thing in self.all(resource, namespace) if matches(thing, query.get("labelSelector", ""))
        ]
        version, start = self.version, 0
        if token := query.get("continue"):
            if self.pages_expire > 0:
                self.pages_expire -= 1
                raise expired()
            told = json.loads(base64.b64decode(token))
            version, start = told["rv"], told["start"]
        limit = int(query.get("limit", 0)) or len(matching)
        meta: Json = {"resourceVersion": str(version)}
        if start + limit < len(matching):
            rest = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start + limit})
            meta["continue"] = base64.b64encode(rest.encode()).decode()
        items: list[Json] | None = [
            {name: value for name, value in thing.items() if name not in {"kind", "apiVersion"}}
            for thing in matching[start : start + limit]
        ]
        if not items and self.null_lists:
            items = None
        group = f"{GROUPS[resource]}/" if resource in GROUPS else ""
        return {
            "kind": f"{KINDS[resource]}List",
            "apiVersion": f"{group}v1",
            "metadata": meta,
            "items": items,
        }

    def _look_at_namespace(self, resource: str, namespace: str, name: str) -> None:
        found = self.find("namespaces", "", namespace)
        if found["status"]["phase"] == "Terminating":
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise forbidden(resource, name, why, causes=[cause])
        used = len(self.all("jobs", namespace))
        if resource == "jobs" and self.quota is not None and used >= self.quota:
            what = "count/jobs.batch"
            limits = f"requested: {what}=1, used: {what}={used}, limited: {what}={self.quota}"
            raise forbidden(resource, name, f"exceeded quota: q, {limits}")
