"""The double's nodes: they really run what a container says, as processes of this machine."""

import base64
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from .kubernetes_refusing import Json
from .kubernetes_store import Store, stamp

_BACK_OFF = 'Back-off pulling image "{}": ErrImagePull: failed to resolve reference: '
_IMAGES = {
    "absent": ("ErrImagePull", "not found"),
    "private": ("ErrImagePull", "pull access denied: insufficient_scope: authorization failed"),
    "slow-registry": ("ImagePullBackOff", "i/o timeout"),
}
"""Images whose name has the word cannot be pulled, and why."""


class Process:
    """What runs of one pod."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.began = 0.0
        self.running: subprocess.Popen[bytes] | None = None
        self.told = False
        self.kill_at = 0.0
        self.reason = ""


class Kubelet:
    """All nodes in one. Pods run after `start_seconds`; `gpus` is what all nodes have."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.start_seconds = 0.02
        self.gpus = 8
        self._folder = Path(tempfile.mkdtemp(prefix="kubelet-"))
        self._processes: dict[str, Process] = {}

    def log_of(self, pod: Json) -> Path | None:
        """What the pod's container wrote; None: it has not started."""
        process = self._processes.get(pod["metadata"]["uid"])
        return process.log if process and process.log.exists() else None

    def close(self) -> None:
        for process in self._processes.values():
            if process.running and process.running.poll() is None:
                os.killpg(process.running.pid, signal.SIGKILL)
                process.running.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self, pod: Json, reason: str) -> None:
        """The kernel or the node kills it."""
        process = self._processes[pod["metadata"]["uid"]]
        process.reason = reason
        assert process.running
        os.killpg(process.running.pid, signal.SIGKILL)

    def turn(self) -> None:
        """Look at every pod once."""
        for pod in self.store.all("pods"):
            uid = pod["metadata"]["uid"]
            process = self._processes.setdefault(uid, Process(self._folder / uid))
            if pod["status"]["phase"] == "Pending":
                self._start(pod, process)
            if pod["status"]["phase"] == "Running":
                self._watch_over(pod, process)
            if "deletionTimestamp" in pod["metadata"]:
                self._end(pod, process)

    def _start(self, pod: Json, process: Process) -> None:
        if "deletionTimestamp" in pod["metadata"]:
            return
        container = pod["spec"]["containers"][0]
        if "nodeName" not in pod["spec"]:
            if int(container["resources"].get("limits", {}).get("nvidia.com/gpu", 0)) > self.gpus:
                self._unschedulable(pod)
                return
            pod["spec"]["nodeName"] = "fake-node-0"
            process.began = time.monotonic()
            self._wait(pod, "ContainerCreating", "")
        trouble = self._trouble(pod, container)
        if trouble:
            self._wait(pod, *trouble)
        elif time.monotonic() - process.began >= self.start_seconds:
            self._spawn(pod, container, process)

    def _trouble(self, pod: Json, container: Json) -> tuple[str, str] | None:
        namespace = pod["metadata"]["namespace"]
        logins = pod["spec"].get("imagePullSecrets", [])
        has_login = any(("secrets", namespace, login["name"]) in self.store.objects for login in logins)
        for word, (reason, why) in _IMAGES.items():
            if word in container["image"] and not (word == "private" and has_login):
                return reason, _BACK_OFF.format(container["image"]) + why
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference and ("secrets", namespace, reference["name"]) not in self.store.objects:
                return "CreateContainerConfigError", f'secret "{reference["name"]}" not found'
        return None

    def _spawn(self, pod: Json, container: Json, process: Process) -> None:
        env = self._environment(pod, container)
        words = [_expand(word, env) for word in container.get("command", []) + container.get("args", [])]
        now = stamp(self.store.now())
        try:
            with process.log.open("wb") as log:
                process.running = subprocess.Popen(
                    words or ["true"],
                    env={"PATH": os.environ["PATH"]} | env,
                    cwd=container.get("workingDir"),
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError:
            started = {"exitCode": 128, "reason": "StartError", "startedAt": "1970-01-01T00:00:00Z"}
            self._tell(pod, "Failed", {"terminated": started | {"finishedAt": now}})
            return
        self._tell(pod, "Running", {"running": {"startedAt": now}})

    def _environment(self, pod: Json, container: Json) -> dict[str, str]:
        env: dict[str, str] = {}
        for variable in container.get("env", []):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                secret = self.store.find("secrets", pod["metadata"]["namespace"], reference["name"])
                env[variable["name"]] = base64.b64decode(secret["data"][reference["key"]]).decode()
            else:
                env[variable["name"]] = _expand(variable.get("value", ""), env)
        return env

    def _watch_over(self, pod: Json, process: Process) -> None:
        assert process.running
        code = process.running.poll()
        if "deletionTimestamp" in pod["metadata"] and code is None:
            grace = pod["metadata"]["deletionGracePeriodSeconds"]
            if not process.told:
                process.told, process.kill_at = True, time.monotonic() + grace
                os.killpg(process.running.pid, signal.SIGTERM)
            process.kill_at = min(process.kill_at, time.monotonic() + grace)
            if time.monotonic() >= process.kill_at:
                os.killpg(process.running.pid, signal.SIGKILL)
        if code is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.running.pid, signal.SIGKILL)
        code = 128 - code if code < 0 else code
        terminated = {
            "exitCode": code,
            "reason": process.reason or ("Error" if code else "Completed"),
            "startedAt": _state(pod)["running"]["startedAt"],
            "finishedAt": stamp(self.store.now()),
        }
        if process.reason == "Evicted":
            terminated["reason"] = "Error"
            pod["status"] |= {"reason": "Evicted", "message": "The node was low on resource: memory."}
        self._tell(pod, "Failed" if code else "Succeeded", {"terminated": terminated})

    def _end(self, pod: Json, process: Process) -> None:
        """Let a deleted pod go, as soon as nothing of it runs and its Job has counted it."""
        if pod["status"]["phase"] == "Pending" and pod["status"].get("containerStatuses"):
            pod["status"]["phase"] = "Failed"
            self.store.touch("pods", pod)
        lives = process.running is not None and process.running.poll() is None
        if not lives and pod["status"]["phase"] != "Running" and not pod["metadata"].get("finalizers"):
            self.store.drop("pods", pod)

    def _unschedulable(self, pod: Json) -> None:
        message = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. no new claims to deallocate."
        now = stamp(self.store.now())
        condition = {"type": "PodScheduled", "status": "False", "lastTransitionTime": now}
        told = [condition | {"reason": "Unschedulable", "message": message}]
        if pod["status"].get("conditions") != told and "conditions" not in pod["status"]:
            pod["status"]["conditions"] = told
            self.store.touch("pods", pod)

    def _wait(self, pod: Json, reason: str, message: str) -> None:
        waiting = {"reason": reason} | ({"message": message} if message else {})
        if _state(pod).get("waiting") != waiting:
            self._tell(pod, "Pending", {"waiting": waiting})

    def _tell(self, pod: Json, phase: str, state: Json) -> None:
        now = stamp(self.store.now())
        image = pod["spec"]["containers"][0]["image"]
        ready = "running" in state
        kinds = (
            "PodReadyToStartContainers",
            "Initialized",
            "Ready",
            "ContainersReady",
            "PodScheduled",
        )
        pod["status"] |= {
            "phase": phase,
            "conditions": [
                {
                    "type": kind,
                    "status": "True" if ready or kind in {"Initialized", "PodScheduled"} else "False",
                    "lastProbeTime": None,
                    "lastTransitionTime": now,
                }
                for kind in kinds
            ],
            "hostIP": "127.0.0.1",
            "hostIPs": [{"ip": "127.0.0.1"}],
            "podIP": "10.244.0.1",
            "podIPs": [{"ip": "10.244.0.1"}],
            "startTime": pod["status"].get("startTime", now),
            "containerStatuses": [
                {
                    "name": "main",
                    "state": state,
                    "lastState": {},
                    "ready": ready,
                    "restartCount": 0,
                    "image": image,
                    "imageID": f"fake://{image}",
                    "containerID": f"fake://{pod['metadata']['uid']}-0",
                    "started": ready,
                }
            ],
        }
        self.store.touch("pods", pod)


def _state(pod: Json) -> Json:
    statuses = pod["status"].get("containerStatuses", [])
    return statuses[0]["state"] if statuses else {}


def _expand(text: str, env: dict[str, str]) -> str:
    """As Kubernetes does: `$(NAME)` is replaced if it is known, `$$` is one `$`."""

    def found(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return env.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", found, text)
