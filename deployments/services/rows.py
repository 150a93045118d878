"""Writing many rows that differ in their values with one statement."""

from collections.abc import Sequence

from django.db import connection
from django.db.models import Model


def update_rows(rows: Sequence[Model], fields: Sequence[str]) -> None:
    """Store these fields of all rows, which are of one model.

    Django's `bulk_update` writes a CASE with a branch per row and field, under a lock that others wait for.
    """
    if not rows:
        return
    meta = rows[0]._meta
    by_name = {field.name: field for field in meta.concrete_fields}
    columns = [by_name[name] for name in ("id", *fields)]
    table, names = meta.db_table, [str(column.column) for column in columns]
    assignments = ", ".join(f"{name} = new.{name}" for name in names[1:])
    arrays = ", ".join(f"%s::{column.db_type(connection)}[]" for column in columns)
    # Only names of our own tables and columns become part of the statement.
    statement = (
        f"UPDATE {table} AS stored SET {assignments} "  # noqa: S608
        f"FROM unnest({arrays}) AS new({', '.join(names)}) WHERE stored.id = new.id"
    )
    values = [
        [column.get_db_prep_save(getattr(row, column.attname), connection) for row in rows]
        for column in columns
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
