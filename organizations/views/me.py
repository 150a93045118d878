"""The caller, with organizations and roles."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors as account_selectors
from accounts import services as account_services
from accounts.throttles import ProfileThrottle
from accounts.wire import SignedInRequest, parse
from organizations import selectors
from organizations.serializers import MeAnswer, MeBody


class Me(APIView):
    throttle_classes = [ProfileThrottle]

    @extend_schema(operation_id="me", tags=["accounts"], summary="Who am I, and where", responses=MeAnswer)
    def get(self, request: SignedInRequest) -> Response:
        profile = account_selectors.profile(user_id=request.user.pk)
        return Response(profile | {"organizations": selectors.my_organizations(user_id=request.user.pk)})

    @extend_schema(
        operation_id="change_me",
        tags=["accounts"],
        summary="Change your name or e-mail",
        request=MeBody,
        responses=MeAnswer,
    )
    def patch(self, request: SignedInRequest) -> Response:
        account_services.change_profile(user=request.user, **parse(MeBody, request))
        return self.get(request)
