"""The logs of runs, word that something happened, and what a cluster says of itself."""

import threading

import pytest

from clusters.runtimes import http
from clusters.runtimes.base import Phase, RuntimeFailure, text_of
from clusters.runtimes.kubernetes_names import place_of

from .kubernetes_harness import eventually, look, new_spec, wait


class TestLogs:
    def test_followed_logs_come_until_the_run_ends(self, kubernetes) -> None:
        spec = new_spec(command=("sh", "-c", "echo one; sleep 0.3; echo two"))
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        assert text_of(kubernetes.logs(handle, 10, follow=True)) == "one\ntwo\n"

    def test_followed_logs_can_be_closed_by_another_thread(self, kubernetes) -> None:
        spec = new_spec(command=("sh", "-c", "echo ready; exec sleep 3600"))
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        logs = kubernetes.logs(handle, 10, follow=True)
        threading.Timer(0.2, logs.close).start()
        assert text_of(logs) == "ready\n"

    def test_followed_logs_of_a_quiet_run_wait_for_its_first_line(self, kubernetes, monkeypatch) -> None:
        monkeypatch.setattr(http, "CALL_SECONDS", 0.1)
        spec = new_spec(command=("sh", "-c", "sleep 0.5; echo late"))
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        assert text_of(kubernetes.logs(handle, 10, follow=True)) == "late\n"

    def test_followed_logs_of_a_quiet_run_can_be_closed(self, kubernetes, monkeypatch) -> None:
        monkeypatch.setattr(http, "CALL_SECONDS", 0.1)
        spec = new_spec()
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        logs = kubernetes.logs(handle, 10, follow=True)
        threading.Timer(0.3, logs.close).start()
        assert text_of(logs) == ""

    def test_logs_of_a_run_that_waits_are_not_there_yet(self, kubernetes) -> None:
        spec = new_spec(image="registry.example.org/absent:1")
        handle = kubernetes.start(spec)
        for _ in range(2):
            with pytest.raises(RuntimeFailure, match="has not written anything yet") as caught:
                kubernetes.logs(handle, 10)
            assert not caught.value.permanent
            eventually(lambda: look(kubernetes, spec.name).cause)

    def test_logs_of_a_run_that_is_gone_are_gone_for_good(self, kubernetes, owner) -> None:
        with pytest.raises(RuntimeFailure) as caught:
            kubernetes.logs(place_of(new_spec(), owner).handle, 10)
        assert caught.value.permanent


class TestChanges:
    def test_a_start_is_told(self, kubernetes) -> None:
        spec = new_spec()
        changes = kubernetes.changes()
        starting = threading.Timer(0.2, lambda: kubernetes.start(spec))
        starting.start()
        assert next(iter(changes)) is None
        changes.close()
        starting.join()

    def test_a_watch_can_be_closed_by_another_thread(self, kubernetes) -> None:
        changes = kubernetes.changes()
        threading.Timer(0.2, changes.close).start()
        assert list(changes) == []


class TestChecking:
    def test_it_tells_version_capacity_and_gpus(self, double, kubernetes) -> None:
        for name, ready in (("node-0", "True"), ("node-1", "False")):
            status = {
                "allocatable": {"cpu": "3920m", "memory": "16Gi", "nvidia.com/gpu": "2"},
                "conditions": [{"type": "Ready", "status": ready}],
            }
            labels = {"nvidia.com/gpu.product": "NVIDIA-H200"}
            node = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": status}
            double.store.put("nodes", "", node)
        facts = kubernetes.check()
        assert (facts.version, facts.capacity) == ("v1.36.2", (3920, 16384, 2000))
        assert facts.facts == {
            "platform": "linux/amd64",
            "nodes": 2,
            "usable_nodes": 1,
            "gpu_products": ["NVIDIA-H200"],
        }

    def test_every_right_that_lacks_is_named_at_once(self, double, kubernetes) -> None:
        double.denied |= {("get", "pods/log"), ("patch", "jobs")}
        with pytest.raises(RuntimeFailure, match=r"patch jobs, to get pods/log, see the RBAC manifest"):
            kubernetes.check()
