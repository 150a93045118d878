"""What a cluster tells of its runs, and how they are stopped and forgotten."""

import time
from dataclasses import replace

import pytest

from clusters.runtimes import kubernetes_api
from clusters.runtimes.base import Cause, Phase, RuntimeFailure, text_of
from clusters.runtimes.kubernetes_names import place_at, place_of

from .kubernetes_harness import driver_of, eventually, look, make_foreign, new_owner, new_spec, wait

STUBBORN = ("sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.05; done")


class TestObserving:
    def test_all_runs_take_one_list_of_pods_and_one_of_jobs(self, double, kubernetes) -> None:
        kubernetes.start_many([new_spec(organization=number) for number in range(4)])
        double.requests.clear()
        assert len(kubernetes.observe()) == 4
        assert double.requests == [("GET", "/api/v1/pods"), ("GET", "/apis/batch/v1/jobs")]

    def test_a_long_list_comes_in_pages(self, double, kubernetes, monkeypatch) -> None:
        monkeypatch.setattr(kubernetes_api, "_PAGE", 2)
        specs = [new_spec() for _ in range(5)]
        kubernetes.start_many(specs)
        assert {seen.name for seen in kubernetes.observe()} == {spec.name for spec in specs}

    def test_a_page_that_is_too_old_begins_the_list_anew(self, double, kubernetes, monkeypatch) -> None:
        monkeypatch.setattr(kubernetes_api, "_PAGE", 2)
        kubernetes.start_many([new_spec() for _ in range(5)])
        double.store.pages_expire = 2
        assert len(kubernetes.observe()) == 5
        double.store.pages_expire = 100
        with pytest.raises(RuntimeFailure, match="faster") as caught:
            kubernetes.observe()
        assert not caught.value.permanent

    def test_a_list_without_items_is_empty(self, double, kubernetes) -> None:
        double.store.null_lists = True
        assert kubernetes.observe() == ()

    def test_another_clusters_runs_are_not_seen(self, double, kubernetes) -> None:
        theirs = driver_of(double, new_owner())
        theirs.start(new_spec())
        assert kubernetes.observe() == ()

    def test_another_cluster_of_the_installation_sees_and_disturbs_nothing(
        self, double, kubernetes, owner
    ) -> None:
        spec = new_spec()
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        other = driver_of(double, replace(owner, cluster=new_owner().cluster))
        assert other.observe() == ()
        disturb(other, handle)
        assert look(kubernetes, spec.name).phase is Phase.RUNNING

    def test_a_job_of_nobodys_is_not_seen_nor_touched(self, double, kubernetes, owner) -> None:
        handle = make_foreign(double, owner)
        assert kubernetes.observe() == ()
        disturb(kubernetes, handle)
        assert "deletionTimestamp" not in double.store.all("pods")[0]["metadata"]
        assert len(double.store.all("jobs")) == 1

    def test_an_end_for_want_of_memory_says_so(self, double, kubernetes) -> None:
        spec = new_spec()
        kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        double.kill(spec.name, "OOMKilled")
        seen = wait(kubernetes, spec.name, Phase.ENDED)
        assert (seen.exit_code, seen.cause) == (137, Cause.OUT_OF_MEMORY)

    def test_an_evicted_run_says_so_and_never_runs_again(self, double, kubernetes) -> None:
        spec = new_spec()
        kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        double.kill(spec.name, "Evicted")
        assert wait(kubernetes, spec.name, Phase.ENDED).cause is Cause.EVICTED
        time.sleep(0.1)
        assert len(double.store.all("pods")) == 1

    def test_a_pod_that_somebody_deletes_ends_its_run(self, double, kubernetes) -> None:
        spec = new_spec()
        kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        with double.store.lock:
            double.store.delete_pod(double.pod_of(spec.name), 5)
        eventually(lambda: not double.store.all("pods"))
        assert "deleted by somebody" in wait(kubernetes, spec.name, Phase.ENDED).detail

    @pytest.mark.parametrize(
        ("fields", "cause"),
        [
            ({"image": "registry.example.org/absent:1"}, Cause.IMAGE_NOT_FOUND),
            ({"image": "registry.example.org/private:1"}, Cause.IMAGE_PULL_DENIED),
            ({"image": "slow-registry.example.org/x:1"}, Cause.IMAGE_PULL_FAILED),
            ({"gpu_milli": 9000}, Cause.ENGINE_FULL),
        ],
    )
    def test_a_run_that_cannot_begin_is_starting_and_says_why(self, kubernetes, fields, cause) -> None:
        spec = new_spec(**fields)
        kubernetes.start(spec)
        seen = eventually(lambda: (seen := look(kubernetes, spec.name)) and seen.cause and seen)
        assert (seen.phase, seen.cause) == (Phase.STARTING, cause)
        assert "registry.example.org" not in seen.detail

    def test_a_command_that_is_not_in_the_image_is_refused(self, kubernetes) -> None:
        spec = new_spec(command=("no-such-program",))
        kubernetes.start(spec)
        seen = wait(kubernetes, spec.name, Phase.ENDED)
        assert (seen.exit_code, seen.cause, seen.started_at) == (128, Cause.START_REFUSED, None)


class TestEnding:
    def test_a_stopped_run_is_stopping_until_its_process_is_dead(self, double, kubernetes) -> None:
        spec = new_spec(command=STUBBORN, grace_seconds=1)
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        eventually(lambda: "ready" in text_of(kubernetes.logs(handle, 10)))
        kubernetes.stop(handle, 1)
        uid = double.pod_of(spec.name)["metadata"]["uid"]
        process = double.kubelet._processes[uid].running
        while (seen := look(kubernetes, spec.name)) is not None:
            assert seen.phase is Phase.STOPPING
        assert process.poll() is not None

    def test_a_stop_with_less_grace_than_before_hurries(self, kubernetes) -> None:
        spec = new_spec(command=STUBBORN, grace_seconds=3600)
        handle = kubernetes.start(spec)
        eventually(lambda: look(kubernetes, spec.name).phase is Phase.RUNNING)
        eventually(lambda: "ready" in text_of(kubernetes.logs(handle, 10)))
        kubernetes.stop(handle, 3600)
        time.sleep(0.2)
        assert look(kubernetes, spec.name).phase is Phase.STOPPING
        kubernetes.stop(handle, 0)
        eventually(lambda: look(kubernetes, spec.name) is None, 5)

    def test_no_pod_is_ever_deleted_by_force(self, double, kubernetes) -> None:
        spec = new_spec(command=STUBBORN)
        handle = kubernetes.start(spec)
        eventually(lambda: "ready" in text_of(kubernetes.logs(handle, 10)) if _runs(double, spec) else False)
        kubernetes.stop(handle, 0)
        assert double.pod_of(spec.name)["metadata"]["deletionGracePeriodSeconds"] == 1

    def test_an_end_that_comes_just_before_the_stop_is_not_lost(
        self, double, kubernetes, monkeypatch
    ) -> None:
        spec = new_spec()
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        delete = kubernetes._api.delete

        def after_its_end(*args, **kwargs):
            monkeypatch.undo()
            double.kill(spec.name, "Error")
            eventually(lambda: "conditions" in double.store.all("jobs")[0]["status"])
            return delete(*args, **kwargs)

        monkeypatch.setattr(kubernetes._api, "delete", after_its_end)
        kubernetes.stop(handle, 1)
        assert look(kubernetes, spec.name).exit_code == 137

    def test_a_removed_run_that_had_ended_is_gone_at_once(self, kubernetes) -> None:
        spec = new_spec(command=("true",))
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.ENDED)
        kubernetes.remove(handle)
        assert kubernetes.observe() == ()

    def test_one_that_waits_for_its_image_is_stopped_too(self, kubernetes) -> None:
        spec = new_spec(image="registry.example.org/absent:1")
        handle = kubernetes.start(spec)
        eventually(lambda: look(kubernetes, spec.name).cause)
        kubernetes.stop(handle, 5)
        eventually(lambda: look(kubernetes, spec.name) is None)

    @pytest.mark.parametrize(
        "handle", ["", "nobody", "default/x", "{ns}/x", "{ns}/../../secrets", "{ns}/{job}?x", "{ns}/{job}/y"]
    )
    def test_a_handle_that_is_none_of_ours_touches_nothing(self, double, kubernetes, owner, handle) -> None:
        place = place_of(new_spec(), owner)
        handle = handle.format(ns=place.namespace, job=place.job)
        assert place_at(handle, owner) is None
        kubernetes.stop(handle, 1)
        kubernetes.remove(handle)
        assert double.requests == []


def disturb(driver, handle: str) -> None:
    driver.stop(handle, 0)
    driver.remove(handle)
    with pytest.raises(RuntimeFailure) as caught:
        driver.logs(handle, 10)
    assert caught.value.permanent


def _runs(double, spec) -> bool:
    pods = double.store.all("pods")
    return bool(pods) and pods[0]["status"]["phase"] == "Running"
