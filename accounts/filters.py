"""Lists on the wire: filtered and ordered as the query asks, and an unknown parameter refused by name."""

from collections.abc import Iterable, Sequence
from typing import Any

import django_filters
from django import forms
from django.db.models import BigIntegerField, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

MAXIMUM_ID = BigIntegerField.MAX_BIGINT
GIVEN = "%(value)s"
"""Where Django's forms put what was sent."""
PAGING = frozenset({"limit", "cursor"})


class IdFilter(django_filters.Filter):
    """A whole number that can be an id."""

    field_class = forms.IntegerField
    openapi = {"type": "integer", "format": "int64", "minimum": 1}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"min_value": 1, "max_value": MAXIMUM_ID} | options)


class FlagForm(forms.Field):
    def clean(self, value: Any) -> bool | None:
        if not value:
            return None
        if value not in {"true", "false"}:
            raise forms.ValidationError("Write true or false.")
        return bool(value == "true")


class FlagFilter(django_filters.Filter):
    """true or false, as JSON writes them."""

    field_class = FlagForm
    openapi = {"type": "boolean"}


class ChoicesFilter(django_filters.MultipleChoiceFilter):
    """`?state=ready&state=paused`: any of several words, which a refusal lists."""

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **options: Any) -> None:
        told = not_one_of(GIVEN, (value for value, _ in choices))
        super().__init__(*args, choices=choices, error_messages={"invalid_choice": f"{told}."}, **options)


def not_one_of(given: str, words: Iterable[str]) -> str:
    """How a refusal lists the words that there are, without its full stop; `given`: a place for what was sent."""
    return f'"{given}" is not one of: {", ".join(words)}'


def ordering(*names: str) -> django_filters.OrderingFilter:
    """`?ordering=-priority,name`; the id comes last by itself. Only columns that are never null."""
    told = f"{not_one_of(GIVEN, names)}; a - before a name turns its order round."
    return django_filters.OrderingFilter(
        fields=[(name, name) for name in names], error_messages={"invalid_choice": told}
    )


class QueryFilters(BaseFilterBackend):
    """What a view's `filterset_class` declares, and no other parameter."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """The rows that the query asks for. Raises ValidationError naming each wrong parameter."""
        filters = getattr(view, "filterset_class", None)
        known = PAGING.union(filters.base_filters if filters else ())
        if unknown := sorted(set(request.query_params) - known):
            names = ", ".join(sorted(known))
            raise ValidationError(
                {name[:100]: [f"Unknown parameter. Known are: {names}."] for name in unknown}
            )
        if filters is None or PAGING.issuperset(request.query_params):
            # Nothing is asked: building the form of a filter set costs more than reading a page.
            return queryset
        found = filters(request.query_params, queryset=queryset)
        if not found.is_valid():
            raise ValidationError(found.errors)
        rows: QuerySet[Any] = found.qs
        return rows

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        filters = getattr(view, "filterset_class", None)
        return (
            [_parameter(name, filter_) for name, filter_ in filters.base_filters.items()] if filters else []
        )


def _parameter(name: str, filter_: Any) -> dict[str, Any]:
    parameter = {"name": name, "in": "query", "required": False, "schema": _schema(filter_)}
    if filter_.extra.get("help_text"):
        parameter["description"] = filter_.extra["help_text"]
    if isinstance(filter_, django_filters.OrderingFilter):
        parameter |= {"explode": False, "style": "form", "description": "Columns in turn; - turns one round."}
    return parameter


def _schema(filter_: Any) -> dict[str, Any]:
    if hasattr(filter_, "openapi"):
        return dict(filter_.openapi)
    if "choices" in filter_.extra:
        names = [str(value) for value, _ in filter_.extra["choices"]]
        return {"type": "array", "items": {"type": "string", "enum": names}}
    return {"type": "string"} | (
        {"maxLength": filter_.extra["max_length"]} if "max_length" in filter_.extra else {}
    )
