"""The header Idempotency-Key, as the calls that submit read it and tell of it."""

import json
import re

from django.utils.crypto import salted_hmac
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from accounts.wire import SignedInRequest
from deployments.services.once import KEPT, Once, Submitted

HEADER, AGAIN = "Idempotency-Key", "Idempotency-Replayed"
GOOD = re.compile(r"[!-~]{1,200}")
PARAMETER = OpenApiParameter(
    HEADER,
    {"type": "string", "pattern": r"^[!-~]{1,200}$"},
    OpenApiParameter.HEADER,
    description="A key of your choice, such as a UUID. Who sends the same again with it gets the first answer, and "
    f"nothing is submitted twice. Kept for {KEPT.days} days, for each user apart.",
)


def asked_once(request: SignedInRequest) -> Once | None:
    """The key of the request, if it has one. Raises ValidationError for one that cannot be kept."""
    given = request.headers.get(HEADER)
    if given is None:
        return None
    # As the IETF's draft writes it, in quotes, or bare, as most send it.
    key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if not GOOD.fullmatch(key):
        raise ValidationError({HEADER: ["Write 1 to 200 visible ASCII characters, without spaces."]})
    asked = json.dumps([request.path.rstrip("/"), request.data], sort_keys=True)
    return Once(key, salted_hmac("deployments.once", asked, algorithm="sha256").hexdigest())


def marked(response: Response, submitted: Submitted) -> Response:
    """The response; its headers tell whoever sent it again that nothing new was made."""
    if submitted.again:
        response[AGAIN] = "true"
    return response
