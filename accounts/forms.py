"""The form that OAuth2 clients send to /token."""

from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

MAXIMUM_FIELDS = 50


class OAuthFormParser(BaseParser):
    """RFC 6749's form: UTF-8, each name once, and an empty value is as good as none. Answers a dict."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        body = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("The form is far larger than a sign-in needs. Send less.")
        try:
            pairs = parse_qsl(
                body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAXIMUM_FIELDS
            )
        except ValueError as error:
            raise ParseError("The form is not UTF-8, or has too many fields.") from error
        names = [name for name, _ in pairs]
        if repeated := sorted({name[:100] for name in names if names.count(name) > 1}):
            raise ValidationError({name: ["Send this field once."] for name in repeated})
        return {name: value for name, value in pairs if value}
