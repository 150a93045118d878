"""A filter by the values that a column has, found without reading the column."""

from typing import Any

from django.contrib import admin
from django.db import connection
from django.http import HttpRequest


class KnownValuesFilter(admin.AllValuesFieldListFilter):
    """As Django's, for a column that an index begins with: steps from each value to the next one."""

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        self.lookup_choices: Any = _known(model._meta.db_table, field.column)


def _known(table: str, column: str) -> list[str]:
    quote = connection.ops.quote_name
    table, column = quote(table), quote(column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE known AS ((SELECT min({column}) AS value FROM {table}) UNION ALL "  # noqa: S608 (our own names)
            f"SELECT (SELECT min({column}) FROM {table} WHERE {column} > known.value) FROM known "
            "WHERE known.value IS NOT NULL) SELECT value FROM known WHERE value IS NOT NULL"
        )
        return [value for (value,) in cursor.fetchall()]
