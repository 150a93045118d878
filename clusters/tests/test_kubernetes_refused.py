"""What a cluster refuses, and what is no cluster at all: said in our words, and never a crash."""

from datetime import timedelta

import pytest

from clusters.runtimes.base import (
    Cause,
    ContainerSpec,
    Phase,
    RuntimeFailure,
)
from clusters.runtimes.kubernetes import KubernetesDriver
from clusters.runtimes.kubernetes_names import place_of

from .kubernetes_harness import driver_of, eventually, new_spec, wait

SECRET = "a-word-that-nobody-may-see"


class TestRefusals:
    def refused(self, driver: KubernetesDriver, spec: ContainerSpec) -> RuntimeFailure:
        with pytest.raises(RuntimeFailure) as caught:
            driver.start(spec)
        return caught.value

    def test_a_foreign_namespace_of_our_name_is_never_adopted(self, double, kubernetes, owner) -> None:
        name = f"hv-{owner.installation[:8]}-org-7"
        double.store.create("namespaces", "", {"metadata": {"name": name}}, strict=True)
        failure = self.refused(kubernetes, new_spec(organization=7))
        assert (failure.permanent, failure.cause) == (True, Cause.START_REFUSED)
        assert double.store.all("jobs") == []

    def test_a_namespace_that_goes_is_waited_for_and_made_anew(self, double, kubernetes, owner) -> None:
        double.store.namespaces_linger = True
        kubernetes.start(new_spec(organization=7))
        with double.store.lock:
            double.store.delete("namespaces", "", f"hv-{owner.installation[:8]}-org-7", {})
        for _ in range(2):
            failure = self.refused(kubernetes, new_spec(organization=7))
            assert not failure.permanent
            assert "being deleted" in str(failure)
        double.store.namespaces_linger = False
        eventually(lambda: not double.store.all("namespaces"))
        spec = new_spec(organization=7)
        kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)

    def test_a_namespace_that_is_gone_behind_our_back_is_made_anew(self, double, kubernetes) -> None:
        kubernetes.start(new_spec(organization=7))
        with double.store.lock:
            double.store.objects.clear()
        spec = new_spec(organization=7)
        kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        assert double.store.all("networkpolicies")

    def test_a_foreign_job_of_our_name_is_never_adopted(self, double, kubernetes, owner) -> None:
        spec = new_spec()
        kubernetes.start(spec)
        place = place_of(spec, owner)
        with double.store.lock:
            double.store.find("jobs", place.namespace, place.job)["metadata"]["labels"] = {}
        assert self.refused(kubernetes, spec).permanent
        kubernetes.stop(place.handle, 0)
        kubernetes.remove(place.handle)
        assert len(double.store.all("jobs")) == 1

    def test_a_full_quota_is_a_full_engine_and_hides_no_run_that_is_there(self, double, kubernetes) -> None:
        spec = new_spec()
        handle = kubernetes.start(spec)
        double.store.quota = 1
        failure = self.refused(kubernetes, new_spec())
        assert (failure.permanent, failure.cause) == (False, Cause.ENGINE_FULL)
        assert kubernetes.start(spec) == handle

    @pytest.mark.parametrize(
        ("spec", "says"),
        [
            (new_spec(labels={"kubernetes.io/role": "x"}), "kubernetes.io/role"),
            (new_spec(labels={"a.b.k8s.io/role": "x"}), "a.b.k8s.io/role"),
            (new_spec(labels={"job-name": "x"}), "job-name"),
            (new_spec(labels={"team": "no spaces"}), "team"),
            (new_spec(labels={"no spaces": "x"}), "no spaces"),
            (new_spec(gpu_milli=500), "whole"),
            (new_spec(name="Run_1"), "name"),
            (new_spec(name="r" * 60), "name"),
            (new_spec(image=""), "image"),
        ],
    )
    def test_what_kubernetes_cannot_run_is_refused_for_good(self, kubernetes, spec, says: str) -> None:
        failure = self.refused(kubernetes, spec)
        assert (failure.permanent, failure.cause) == (True, Cause.START_REFUSED)
        assert says in str(failure)

    def test_a_users_label_never_overrides_ours(self, kubernetes) -> None:
        spec = new_spec(labels={"mlops-hypervisor/run": "another", "team": "vision"})
        kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)

    def test_a_wrong_token_is_said_and_is_nobodys_runs_fault(self, double, owner) -> None:
        failure = self.refused(driver_of(double, owner, "wrong"), new_spec())
        assert (failure.permanent, str(failure)) == (False, "The token is not valid or has expired.")

    @pytest.mark.parametrize(
        ("right", "says"),
        [(("create", "jobs"), "create jobs"), (("create", "namespaces"), "create namespaces")],
    )
    def test_a_right_that_lacks_is_named(self, double, kubernetes, right, says: str) -> None:
        double.denied.add(right)
        failure = self.refused(kubernetes, new_spec())
        assert says in str(failure)
        assert "docs/kubernetes-rbac.yaml" in str(failure)
        with pytest.raises(RuntimeFailure, match=says):
            kubernetes.check()

    @pytest.mark.parametrize(
        "garbage",
        [
            (200, "<html>hello</html>"),
            (200, "[]"),
            (200, '{"items": 3}'),
            (200, "null"),
            (404, "404 page not found"),
            (500, "{}"),
            (200, '{"kind": "PodList", "metadata": "x", "items": [1, {"metadata": 3}]}'),
        ],
    )
    def test_what_is_no_api_server_is_a_failure_and_no_crash(self, double, kubernetes, garbage) -> None:
        double.garbage = garbage
        handle = place_of(new_spec(), kubernetes._owner).handle
        calls = (
            kubernetes.check,
            kubernetes.observe,
            lambda: kubernetes.start(new_spec()),
            lambda: kubernetes.stop(handle, 1),
            lambda: list(kubernetes.logs(handle, 1)),
            lambda: list(kubernetes.changes()),
        )
        for call in calls:
            try:
                call()
            except RuntimeFailure as failure:
                assert not failure.permanent or "no logs" in str(failure)  # noqa: PT017


class TestClock:
    def test_times_of_a_clock_an_hour_ahead_are_told_by_ours(self, double, kubernetes) -> None:
        double.store.clock_ahead = timedelta(hours=1)
        spec = new_spec()
        kubernetes.start(spec)
        told = wait(kubernetes, spec.name, Phase.RUNNING).started_at
        double.store.clock_ahead = timedelta(0)
        assert told is not None
        assert abs(told - double.store.now()) < timedelta(seconds=10)
