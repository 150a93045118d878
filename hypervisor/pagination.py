"""Keyset pages: a cursor is the last row's place in the order, so a page costs the same at any depth."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError as InvalidQuery
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

DEFAULT_LIMIT = 100
MAXIMUM_LIMIT = 1000
Row = dict[str, Any]


class KeysetPagination(BasePagination):
    """`limit` and `cursor` in, `{"next", "previous", "results"}` out; both links are whole addresses or null.

    The queryset must be ordered by fields that are never null and end with the unique id.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        limit = self._limit(request)
        order = [str(name) for name in queryset.query.order_by] or ["id"]
        if order[-1].lstrip("-") not in {"id", "pk"}:
            order.append("id")
        cursor = self._cursor(request, queryset, order)
        backwards = bool(cursor and cursor["back"])
        walk = [_flipped(name) for name in order] if backwards else order
        rows = queryset.order_by(*walk)
        if cursor:
            rows = rows.filter(_after(walk, cursor["at"]))
        found: list[Row] = list(rows[: limit + 1])
        more = len(found) > limit
        found = found[:limit]
        if backwards:
            found.reverse()
        self.next = self._link(found[-1], order, back=False) if found and (more or backwards) else None
        self.previous = (
            self._link(found[0], order, back=True) if found and cursor and (more or not backwards) else None
        )
        return found

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "previous": self.previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {
            "type": "string",
            "format": "uri",
            "nullable": True,
            "example": "http://localhost:8000/deployments?limit=100&cursor=eyJhdCI6WzQyXX0=",
        }
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": f"Rows a page, 1 to {MAXIMUM_LIMIT}.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAXIMUM_LIMIT,
                    "default": DEFAULT_LIMIT,
                },
            },
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Where the page begins: taken from `next` or `previous` of another page.",
                "schema": {"type": "string"},
            },
        ]

    def _limit(self, request: Request) -> int:
        given = request.query_params.get("limit", "")
        if not given:
            return DEFAULT_LIMIT
        if not (given.isascii() and given.isdigit()) or not 1 <= int(given[:9]) <= MAXIMUM_LIMIT:
            raise InvalidQuery({"limit": [f"Write a whole number from 1 to {MAXIMUM_LIMIT}."]})
        return int(given)

    def _cursor(self, request: Request, queryset: QuerySet[Any], order: Sequence[str]) -> Row | None:
        given = request.query_params.get("cursor", "")
        if not given:
            return None
        try:
            cursor = orjson.loads(base64.urlsafe_b64decode(given.encode()))
            if cursor["by"] != list(order) or len(cursor["at"]) != len(order) or cursor["back"] not in {0, 1}:
                raise ValueError
            for name, value in zip(order, cursor["at"], strict=True):
                queryset.model._meta.get_field(name.lstrip("-")).to_python(value)
                if value is None or isinstance(value, dict | list) or "\0" in str(value):
                    raise ValueError
        except (ValueError, KeyError, TypeError, binascii.Error, ValidationError, FieldDoesNotExist) as error:
            raise InvalidQuery(
                {"cursor": ["Take it from `next` or `previous` of a page in this order."]}
            ) from error
        return dict(cursor)

    def _link(self, row: Row, order: Sequence[str], *, back: bool) -> str:
        at = [row[name.lstrip("-")] for name in order]
        packed = orjson.dumps({"by": list(order), "at": at, "back": int(back)}, option=orjson.OPT_UTC_Z)
        url = remove_query_param(self.request.build_absolute_uri(), "cursor")
        return str(replace_query_param(url, "cursor", base64.urlsafe_b64encode(packed).decode()))


def _flipped(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _after(order: Sequence[str], at: Sequence[Any]) -> Q:
    """Rows strictly after `at` in this order: (a > x) or (a = x and b > y) or …"""
    condition = Q()
    same = Q()
    for name, value in zip(order, at, strict=True):
        field = name.lstrip("-")
        step = Q(**{f"{field}__{'lt' if name.startswith('-') else 'gt'}": value})
        condition |= same & step
        same &= Q(**{field: value})
    return condition
