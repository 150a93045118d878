"""How a run is started: whole after a crash at any point, and once however often it is asked for."""

from .base import Cause, ContainerSpec, Owner, RuntimeFailure
from .kubernetes_api import KubernetesAPI, object_in
from .kubernetes_json import Object, mapping_at, text_at
from .kubernetes_manifest import Manifest, job_manifest, release_patch, secret_manifests
from .kubernetes_names import Place, is_ours, place_of
from .kubernetes_namespaces import Namespaces
from .kubernetes_observed import is_deleted, is_unreleased
from .kubernetes_refusals import Refusal, failure_of_refusal, refusal_of

_TRIES = 3


class Starting:
    """Starts runs of one owner. Every method raises `RuntimeFailure` and nothing else."""

    def __init__(self, api: KubernetesAPI, owner: Owner) -> None:
        self._api = api
        self._owner = owner
        self._namespaces = Namespaces(api, owner)

    def start(self, spec: ContainerSpec) -> str:
        """See `Driver.start`."""
        place = place_of(spec, self._owner)
        job = self._made(spec, place, job_manifest(spec, self._owner))
        if is_unreleased(job) and not is_deleted(job):
            self._finish(spec, place, job)
        return place.handle

    def _made(self, spec: ContainerSpec, place: Place, manifest: Manifest) -> Object:
        """The run's Job, made now or earlier."""
        for _ in range(_TRIES):
            self._namespaces.ensure(spec.organization)
            answer = self._api.create(place.jobs_path, manifest)
            refusal = refusal_of(answer)
            if refusal is None:
                return object_in(answer)
            if refusal in {Refusal.ABSENT, Refusal.TERMINATING}:
                self._namespaces.forget(spec.organization)
            if refusal in {Refusal.EXISTS, Refusal.QUOTA, Refusal.TERMINATING}:
                # Quota and namespace are looked at before the name: the Job may be there all the same.
                job = self._api.get(place.job_path, "get jobs")
                if job is not None:
                    return self._ours(job, place)
            if refusal not in {Refusal.EXISTS, Refusal.ABSENT}:
                raise failure_of_refusal(answer, "create jobs")
        raise _vanishing()

    def _ours(self, job: Object, place: Place) -> Object:
        if is_ours(mapping_at(job, "metadata", "labels"), self._owner, place.run):
            return job
        raise RuntimeFailure(
            "The cluster has a Job with the name of this run's that is not ours.",
            permanent=True,
            cause=Cause.START_REFUSED,
        )

    def _finish(self, spec: ContainerSpec, place: Place, job: Object) -> None:
        """The Secrets first, which belong to the Job and go with it; then tell it to run."""
        uid = text_at(job, "metadata", "uid")
        try:
            for manifest in secret_manifests(spec, self._owner, uid):
                self._keep_secret(place, manifest)
            answer = self._api.patch(place.job_path, release_patch(uid))
            refusal = refusal_of(answer)
            if refusal in {Refusal.ABSENT, Refusal.INVALID}:
                raise _vanishing()  # invalid is the uid, when another Job has the name by now
            if refusal:
                raise failure_of_refusal(answer, "patch jobs")
        except RuntimeFailure as failure:
            if failure.permanent:
                options = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
                self._api.delete(place.job_path, options)
            raise

    def _keep_secret(self, place: Place, manifest: Manifest) -> None:
        """Written over where one of an earlier try or Job is left: so nobody needs the right to read Secrets."""
        answer = self._api.create(place.secrets_path, manifest)
        if refusal_of(answer) is Refusal.EXISTS:
            answer = self._api.replace(f"{place.secrets_path}/{manifest['metadata']['name']}", manifest)
        refusal = refusal_of(answer)
        if refusal is Refusal.ABSENT:
            raise _vanishing()
        if refusal:
            raise failure_of_refusal(answer, "create and update secrets")


def _vanishing() -> RuntimeFailure:
    return RuntimeFailure(
        "Somebody deletes the run's Job or its namespace in Kubernetes meanwhile.", permanent=False
    )
