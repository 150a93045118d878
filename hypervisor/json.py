"""JSON by orjson, strictly: no NaN, no infinity, no body beyond the limit."""

import json
from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer


class BodyTooLarge(APIException):
    """The request's body is larger than any of ours needs to be."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = (
        f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes; send less at once."
    )
    default_code = "too_large"


class JSONParser(BaseParser):
    """Parses a UTF-8 JSON body; 400 says where it is broken."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise BodyTooLarge
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}.") from error
        _refuse_duplicates(body)
        return value


def _refuse_duplicates(body: bytes) -> None:
    """orjson keeps the last of two equal names, silently: which one did the sender mean?"""
    try:
        json.loads(body, object_pairs_hook=_distinct)
    except RecursionError as error:
        raise ParseError("The body is nested too deeply.") from error


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise ValidationError({name[:100]: ["This name is there twice. Write it once."]})
        seen.add(name)


class JSONRenderer(BaseRenderer):
    """Renders with orjson: times as RFC 3339 with Z."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS, default=str)
