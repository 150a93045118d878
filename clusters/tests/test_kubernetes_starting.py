"""How runs are started in a cluster: what is made there, whole after any crash, and what is refused."""

import pytest

from clusters.runtimes.base import (
    Phase,
    RegistryLogin,
    RuntimeFailure,
    text_of,
)
from clusters.runtimes.kubernetes_names import place_of

from .kubernetes_harness import driver_of, eventually, look, new_spec, wait

SECRET = "a-word-that-nobody-may-see"


class TestStarting:
    def test_a_first_start_costs_four_calls_and_a_later_one_a_single_call(self, double, kubernetes) -> None:
        kubernetes.start(new_spec(organization=7))
        assert len(double.requests) == 4
        kubernetes.start(new_spec(organization=7))
        assert len(double.requests) == 5

    def test_a_tenants_namespace_is_ours_restricted_and_closed_to_calls(
        self, double, kubernetes, owner
    ) -> None:
        kubernetes.start(new_spec(organization=7))
        name = f"hv-{owner.installation[:8]}-org-7"
        labels = double.store.find("namespaces", "", name)["metadata"]["labels"]
        assert labels["mlops-hypervisor/installation"] == owner.installation
        assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
        policy = double.store.find("networkpolicies", name, "deny-ingress")
        assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}

    def test_what_was_written_reaches_the_container_to_the_letter(self, kubernetes) -> None:
        spec = new_spec(
            command=("sh", "-c", 'printf "%s|%s|%s" "$PLAIN" "$SECRET" "$1"', "sh"),
            args=("$$ $(PLAIN) $",),
            env={"PLAIN": "$(HOME) $$", "SECRET": "overridden"},
            secret_env={"SECRET": SECRET},
        )
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.ENDED)
        assert text_of(kubernetes.logs(handle, 10)) == f"$(HOME) $$|{SECRET}|$$ $(PLAIN) $"

    def test_a_secret_stands_in_a_secret_of_the_jobs_alone_and_goes_with_it(
        self, double, kubernetes, owner
    ) -> None:
        spec = new_spec(secret_env={"SECRET": SECRET}, command=("sleep", "0.05"))
        handle = kubernetes.start(spec)
        place = place_of(spec, owner)
        assert SECRET not in str(double.store.find("jobs", place.namespace, place.job))
        assert double.store.find("secrets", place.namespace, place.job)
        wait(kubernetes, spec.name, Phase.ENDED)
        kubernetes.remove(handle)
        eventually(lambda: not double.store.all("secrets"))

    def test_a_login_lets_a_private_image_be_pulled(self, kubernetes) -> None:
        login = RegistryLogin("registry.example.org", "robot", SECRET)
        spec = new_spec(image="registry.example.org/private:1", login=login)
        kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)

    @pytest.mark.parametrize("calls", range(8))
    def test_a_start_that_broke_off_anywhere_is_completed_by_the_next_one(
        self, double, kubernetes, owner, calls: int
    ) -> None:
        spec = new_spec(secret_env={"A": SECRET}, login=RegistryLogin("r.example.org", "robot", SECRET))
        double.fail_after = calls
        answer = kubernetes.start_many([spec])[spec.name]
        assert isinstance(answer, str) or not answer.permanent
        double.fail_after = None
        seen = look(kubernetes, spec.name)
        if calls < 7 and seen is not None:
            assert seen.phase is Phase.CREATED
        driver_of(double, owner).start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        pods = [pod for pod in double.store.all("pods") if spec.name in pod["metadata"]["name"]]
        assert len(pods) == 1

    def test_one_that_never_ran_is_removed_by_a_stop(self, double, kubernetes, owner) -> None:
        spec = new_spec(secret_env={"A": SECRET})
        double.fail_after = 4
        with pytest.raises(RuntimeFailure):
            kubernetes.start(spec)
        double.fail_after = None
        kubernetes.stop(wait(kubernetes, spec.name, Phase.CREATED).handle, 10)
        assert kubernetes.observe() == ()

    def test_a_secret_left_of_an_earlier_job_is_written_over(self, double, kubernetes, owner) -> None:
        spec = new_spec(secret_env={"A": SECRET}, command=("sh", "-c", 'echo "$A"'))
        place = place_of(spec, owner)
        kubernetes.start(new_spec())
        stale = {"metadata": {"name": place.job}, "type": "Opaque", "data": {"A": "b2xk"}}
        double.store.create("secrets", place.namespace, stale, strict=True)
        handle = kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.ENDED)
        assert text_of(kubernetes.logs(handle, 1)).strip() == SECRET

    def test_secrets_that_are_too_long_are_refused_for_good_and_leave_nothing(
        self, double, kubernetes
    ) -> None:
        spec = new_spec(secret_env={"A": "x" * 2**21})
        with pytest.raises(RuntimeFailure, match="the secrets, which may be 1 MiB") as caught:
            kubernetes.start(spec)
        assert caught.value.permanent
        eventually(lambda: not double.store.all("jobs"))

    def test_a_job_that_somebody_else_suspended_is_left_to_them(self, double, kubernetes, owner) -> None:
        spec = new_spec(secret_env={"A": SECRET})
        kubernetes.start(spec)
        wait(kubernetes, spec.name, Phase.RUNNING)
        place = place_of(spec, owner)
        with double.store.lock:
            double.store.find("jobs", place.namespace, place.job)["spec"]["suspend"] = True
        eventually(lambda: not double.store.all("pods"))
        kubernetes.start(spec)
        seen = look(kubernetes, spec.name)
        assert seen is not None
        assert (seen.phase, seen.detail) == (
            Phase.STARTING,
            "Somebody suspended its Job in the cluster.",
        )
