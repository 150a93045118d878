"""Deployments over HTTP. `start` is in scheduling, which knows the planner."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Conflict, InvalidInput, NotFound
from accounts.wire import Row, SignedInRequest, created, page, parse, refuse_body
from clusters.amounts import without_unchanged
from clusters.models import Cluster
from clusters.selectors import UNSEEN
from clusters.sharing.selectors import Use, uses
from deployments import selectors
from deployments.examples import SUBMITTED
from deployments.filters import DeploymentFilter
from deployments.models import Deployment
from deployments.once_header import PARAMETER, asked_once, marked
from deployments.serializers import DeploymentAnswer, DeploymentBody, DeploymentDetail
from deployments.services import change, steer, submit
from deployments.services.once import Submitted, submit_once
from organizations.permissions import Action, require


def answer(request: SignedInRequest, deployment_id: int) -> dict[str, Any]:
    return selectors.deployment_shown(user=request.user, deployment_id=deployment_id)


def first_answer(request: SignedInRequest, submitted: Submitted) -> Row:
    """What was submitted, as it is now. Raises Conflict where it was deleted before the same was sent again."""
    try:
        return answer(request, submitted.deployment_ids[0])
    except NotFound as gone:
        raise Conflict(
            "What this Idempotency-Key submitted is gone. Send a new key to submit it anew."
        ) from gone


def changeable(request: SignedInRequest, deployment_id: int) -> Deployment:
    """The deployment, if the caller may change it: their own, or anybody's for admins."""
    deployment = selectors.deployment(user=request.user, deployment_id=deployment_id)
    own = deployment.created_by_id == request.user.pk
    require(deployment.my_role, Action.CHANGE_OWN_DEPLOYMENTS if own else Action.CHANGE_ANY_DEPLOYMENT)
    return deployment


def submitter(use: Use, asked: int | None) -> int:
    """The organization that the caller submits for; one in which they may. Raises InvalidInput, Forbidden."""
    organization_id = use.submitter(asked)
    require(use.roles[organization_id], Action.SUBMIT)
    return organization_id


def use_of(request: SignedInRequest, cluster_id: int) -> Use:
    """How the caller may use a cluster."""
    use = uses(user=request.user, cluster_ids=[cluster_id]).get(cluster_id)
    if use is None:
        raise InvalidInput({"cluster_id": UNSEEN})
    return use


def target(request: SignedInRequest, deployment: Deployment, cluster_id: int) -> Cluster:
    """A cluster that the deployment may be moved to."""
    use = use_of(request, cluster_id)
    if deployment.organization_id not in use.roles:
        raise InvalidInput({"cluster_id": change.NOT_USED})
    require(use.roles[deployment.organization_id], Action.SUBMIT)
    return use.cluster


class Deployments(APIView):
    filterset_class = DeploymentFilter

    @extend_schema(
        operation_id="list_deployments",
        tags=["deployments"],
        summary="Deployments you can see, newest first",
        responses=DeploymentAnswer(many=True),
    )
    def get(self, request: SignedInRequest) -> Response:
        return page(self, selectors.deployments(user=request.user), selectors.deployment_answers)

    @extend_schema(
        operation_id="submit_deployment",
        tags=["deployments"],
        summary="Submit a deployment",
        request=DeploymentBody,
        responses={201: DeploymentAnswer},
        examples=[OpenApiExample("a training job that waits for another", SUBMITTED, request_only=True)],
        parameters=[PARAMETER],
    )
    def post(self, request: SignedInRequest) -> Response:
        body = parse(DeploymentBody, request)

        def make() -> list[int]:
            use = use_of(request, body.pop("cluster_id"))
            organization_id = submitter(use, body.pop("organization_id", None))
            made = submit.submit_deployment(
                actor=request.user, organization_id=organization_id, cluster=use.cluster, **body
            )
            return [made.pk]

        submitted = submit_once(actor=request.user, once=asked_once(request), submit=make)
        (deployment_id,) = submitted.deployment_ids
        return marked(created(first_answer(request, submitted), "deployment", deployment_id), submitted)


class OneDeployment(APIView):
    @extend_schema(
        operation_id="get_deployment",
        tags=["deployments"],
        summary="One deployment, and why it waits",
        responses=DeploymentDetail,
    )
    def get(self, request: SignedInRequest, deployment_id: int) -> Response:
        found = selectors.deployment_and_its_wait(user=request.user, deployment_id=deployment_id)
        return Response(found)

    @extend_schema(
        operation_id="change_deployment",
        tags=["deployments"],
        summary="Change what the body names",
        description="Name and priority in any state that is not final; everything else while pending.",
        request=DeploymentBody(partial=True),
        responses=DeploymentAnswer,
    )
    def patch(self, request: SignedInRequest, deployment_id: int) -> Response:
        deployment = changeable(request, deployment_id)
        changes = parse(DeploymentBody, request, partial=True)
        changes = without_unchanged(changes, "required", deployment.required)
        if changes.pop("organization_id", None) not in {None, deployment.organization_id}:
            raise InvalidInput({"organization_id": "This cannot change. Submit a new deployment instead."})
        cluster_id = changes.pop("cluster_id", deployment.cluster_id)
        cluster = target(request, deployment, cluster_id) if cluster_id != deployment.cluster_id else None
        change.change_deployment(actor=request.user, deployment=deployment, changes=changes, cluster=cluster)
        return Response(answer(request, deployment_id))

    @extend_schema(
        operation_id="put_deployment",
        tags=["deployments"],
        summary="The same as PATCH",
        request=DeploymentBody(partial=True),
        responses=DeploymentAnswer,
    )
    def put(self, request: SignedInRequest, deployment_id: int) -> Response:
        return self.patch(request, deployment_id)

    @extend_schema(
        operation_id="delete_deployment",
        tags=["deployments"],
        summary="Delete it: pending (cancels it) or ended",
        responses={204: None},
    )
    def delete(self, request: SignedInRequest, deployment_id: int) -> Response:
        changeable(request, deployment_id)
        steer.delete_deployment(actor=request.user, deployment_id=deployment_id)
        return Response(status=204)


class Stop(APIView):
    @extend_schema(
        operation_id="stop_deployment",
        tags=["deployments"],
        summary="Stop its run; it completes when it is gone",
        request=None,
        responses={200: DeploymentAnswer},
        parameters=[
            OpenApiParameter(
                "status", enum=["completed", "failed"], description="What it becomes. Default completed."
            )
        ],
    )
    def post(self, request: SignedInRequest, deployment_id: int) -> Response:
        changeable(request, deployment_id)
        refuse_body(request)
        if unknown := sorted(set(request.query_params) - {"status"}):
            # A slip such as ?stauts=failed must not quietly complete the run.
            raise ValidationError({name[:100]: ["Unknown parameter. Known is: status."] for name in unknown})
        becomes = request.query_params.get("status", "completed")
        if becomes not in {"completed", "failed"}:
            raise ValidationError({"status": ["Write completed or failed."]})
        steer.stop_deployment(actor=request.user, deployment_id=deployment_id, as_failed=becomes == "failed")
        return Response(answer(request, deployment_id))


class Cancel(APIView):
    @extend_schema(
        operation_id="cancel_deployment",
        tags=["deployments"],
        summary="Take a pending one out of the queue",
        request=None,
        responses={200: DeploymentAnswer},
    )
    def post(self, request: SignedInRequest, deployment_id: int) -> Response:
        changeable(request, deployment_id)
        refuse_body(request)
        steer.cancel_deployment(actor=request.user, deployment_id=deployment_id)
        return Response(answer(request, deployment_id))
