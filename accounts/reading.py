"""Reading many rows of numbers at once with COPY, straight into arrays and without an object a value."""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.postgresql.psycopg_any import mogrify

SINCE_2000 = 946_684_800_000_000
"""Microseconds from the epoch to the moment from which PostgreSQL counts the microseconds of its timestamptz."""
SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEADER = struct.Struct(">11sii")
COUNT, LENGTH = struct.Struct(">h"), struct.Struct(">i")
ARRAY = struct.Struct(">iiiii")
"""Dimensions, whether any element is NULL, type of the elements, how many, and the index of the first one."""
ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])


def read_columns(query: str, parameters: Mapping[str, Any], width: int) -> npt.NDArray[np.int64]:
    """Answer the rows of a query as an array of `width` columns, each contiguous: [column, row].

    Each column is a bigint or a timestamptz (microseconds, see SINCE_2000), and none is ever NULL: raises ValueError.
    """
    # A row with an array a column: of rows as such, each would be a message of its own.
    names = [f"c{place}" for place in range(width)]
    arrays = ", ".join(f"array_agg({name})" for name in names)
    found = f"SELECT {arrays} FROM ({query}) AS found({', '.join(names)})"  # noqa: S608
    statement = mogrify(f"COPY ({found}) TO STDOUT (FORMAT BINARY)", parameters, connection)
    with (
        connections[DEFAULT_DB_ALIAS].wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        data = b"".join(copy)
    return _columns(data, width)


def _columns(data: bytes, width: int) -> npt.NDArray[np.int64]:
    signature, _, extension = HEADER.unpack_from(data)
    at = HEADER.size + extension
    (count,) = COUNT.unpack_from(data, at)
    if signature != SIGNATURE or count != width:
        raise ValueError(f"a row of {width} arrays was asked for, {count} came")
    at += COUNT.size
    columns = []
    for _ in range(width):
        (length,) = LENGTH.unpack_from(data, at)
        at += LENGTH.size
        # No rows: then the array itself is NULL.
        columns.append(_column(data[at : at + length]) if length > 0 else np.zeros(0, dtype=np.int64))
        at += max(length, 0)
    return np.array(columns, dtype=np.int64).reshape(width, -1)


def _column(array: bytes) -> npt.NDArray[Any]:
    _, has_null, _, count, _ = ARRAY.unpack_from(array)
    if has_null or len(array) != ARRAY.size + count * ELEMENT.itemsize:
        raise ValueError("a column has NULL, or values of other than eight bytes")
    return np.frombuffer(array, dtype=ELEMENT, offset=ARRAY.size)["value"]
