"""What every app's request bodies share: unknown fields are refused by name, text is clean, PUT equals PATCH."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from accounts.filters import MAXIMUM_ID, QueryFilters, not_one_of
from accounts.models import User

Row = dict[str, Any]
MAXIMUM_ERRORS = 20
"""Unknown fields that one answer names."""


class SignedInRequest(Request):
    """A request that passed authentication; only type checkers see the difference."""

    user: User


class Body(serializers.Serializer[Any]):
    """A JSON object with known fields only."""

    answer: ClassVar[type[serializers.Serializer[Any]] | None] = None
    """What the call answers: its fields that are not in the body are read-only, and ignored when sent back."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError("This must be a JSON object.")
        shown: Any = self.answer._declared_fields if self.answer else ()
        unknown = sorted(str(name) for name in data if name not in self.fields and name not in shown)
        if unknown:
            known = f"Known are: {', '.join(sorted(self.fields))}." if self.fields else "Send no body."
            raise serializers.ValidationError(
                {name[:100]: [f"Unknown field. {known}"] for name in unknown[:MAXIMUM_ERRORS]}
            )
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A JSON string; numbers and booleans are not quietly turned into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Id(serializers.IntegerField):
    """A whole JSON number that can be an id."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": MAXIMUM_ID} | options)

    def to_internal_value(self, data: Any) -> int:
        return int(super().to_internal_value(whole_json_number(self, data)))


class Whole(serializers.IntegerField):
    """A whole JSON number, never a string or a boolean."""

    def to_internal_value(self, data: Any) -> int:
        return int(super().to_internal_value(whole_json_number(self, data)))


def whole_json_number(field: serializers.Field[Any, Any, Any, Any], data: Any) -> Any:
    """Refuse what Python would take for a number and JSON does not."""
    if isinstance(data, bool | str) or (isinstance(data, float) and not data.is_integer()):
        field.fail("invalid")
    # What is too large for 64 bits comes as a float, whose text the field does not take for a whole number.
    return int(data) if isinstance(data, float) else data


class Flag(serializers.BooleanField):
    """A JSON boolean, never a string or a number."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Choice(serializers.ChoiceField):
    """One of several words, which a refusal lists."""

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices, **options)
        self.error_messages["invalid_choice"] = f"{not_one_of('{input}', map(str, self.choices))}."


class Several(serializers.ListField):
    """A list of JSON objects of one shape, each wrong one named by its index."""

    def to_internal_value(self, data: Any) -> list[Any]:
        # Before any of them is looked at: a body has room for a million small ones.
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return list(super().to_internal_value(data))


def parse(body: type[Body], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """The validated body of a request; raises DRF's ValidationError, which names each wrong field."""
    if not isinstance(request.data, Mapping):
        raise serializers.ValidationError({"": ["The body must be a JSON object."]})
    serializer = body(data=request.data, partial=partial, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def refuse_body(request: Request) -> None:
    """For calls without a body: a field that would be ignored is refused by name, as everywhere."""
    parse(Body, request)


def created(answer: Mapping[str, Any], url_name: str, *key: int) -> Response:
    """201 with the new row, and its address as Location."""
    return Response(answer, status=201, headers={"Location": reverse(url_name, args=key)})


def page(view: APIView, rows: QuerySet[Any], answers: Callable[[list[Row]], list[Row]]) -> Response:
    """One page of `rows` (a `.values()` queryset), filtered as the query asks, as `answers` shows them."""
    pagination: Any = api_settings.DEFAULT_PAGINATION_CLASS
    paginator = pagination()
    asked_for = QueryFilters().filter_queryset(view.request, rows, view)
    found = paginator.paginate_queryset(asked_for, view.request, view)
    response: Response = paginator.get_paginated_response(answers(found))
    return response


def each(answer: Callable[[Row], Row]) -> Callable[[list[Row]], list[Row]]:
    """For rows that are shown one by one."""
    return lambda rows: [answer(row) for row in rows]
