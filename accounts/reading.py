"""Reading many rows of numbers at once, straight into arrays and without an object a value."""

import struct
import time
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor

SINCE_2000 = 946_684_800_000_000
"""Microseconds from the epoch to the moment from which PostgreSQL counts the microseconds of its timestamptz."""
ARRAY = struct.Struct(">iiiii")
"""Dimensions, whether any element is NULL, type of the elements, how many, and the index of the first one."""
ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])


class _Prepared(Cursor[Any]):
    """Prepares what it executes, and answers in binary; Django's own can do neither."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> Self:
        return super().execute(query, params, prepare=True, binary=True)


def plan_once(connection: Any, **_: Any) -> None:
    """What is prepared on this new connection is planned for any parameters, and not for each anew.

    Our queries go by index whatever they are asked, and planning one may take five times as long as answering it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")


def read_columns(query: str, parameters: Mapping[str, Any], width: int) -> npt.NDArray[np.int64]:
    """Answer the rows of a query as an array of `width` columns, each contiguous: [column, row].

    Each column is a bigint or a timestamptz (microseconds, see SINCE_2000), and none is ever NULL: raises ValueError.
    The query is planned once for a connection, so it must be the same text each time.
    """
    # One row with an array a column: of rows as such, each would be a message of its own.
    names = [f"c{place}" for place in range(width)]
    arrays = ", ".join(f"array_agg({name})" for name in names)
    statement = f"SELECT {arrays} FROM ({query}) AS found({', '.join(names)})"  # noqa: S608
    connection.ensure_connection()
    with CursorWrapper(_Prepared(connection.connection), connection) as cursor:
        began = time.monotonic()
        cursor.execute(statement, parameters)
        if connection.queries_logged:
            # Django's cursor for that asks ours for words that it does not keep.
            connection.queries_log.append({"sql": statement, "time": f"{time.monotonic() - began:.3f}"})
        found = [cursor.pgresult.get_value(0, place) for place in range(width)]
    # No rows: then each array is NULL.
    columns = [np.zeros(0, dtype=np.int64) if one is None else _column(one) for one in found]
    return np.array(columns, dtype=np.int64).reshape(width, -1)


def _column(array: bytes) -> npt.NDArray[Any]:
    _, has_null, _, count, _ = ARRAY.unpack_from(array)
    if has_null or len(array) != ARRAY.size + count * ELEMENT.itemsize:
        raise ValueError("a column has NULL, or values of other than eight bytes")
    return np.frombuffer(array, dtype=ELEMENT, offset=ARRAY.size)["value"]
